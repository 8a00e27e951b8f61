//! Kubernetes' own kinds, at the version that tests/cluster pins.

use std::sync::OnceLock;

use serde_json::Value;

use crate::definitions::Definition;
use crate::node::Schema;
use crate::resource::{Resource, Scale, Subresource};

const RESOURCES: &str = include_str!("../tables/resources.json");

/// The resources, each in each of its versions, in the order of discovery.
///
/// Aggregation (apiregistration.k8s.io) is not among them.
pub fn resources() -> &'static [Resource] {
    static LIST: OnceLock<Vec<Resource>> = OnceLock::new();
    LIST.get_or_init(|| {
        let rows: Vec<Value> = serde_json::from_str(RESOURCES).expect("the tables are JSON");
        rows.iter().map(resource).collect()
    })
}

/// The definition of this name in Kubernetes' OpenAPI documents, such as `io.k8s.api.core.v1.PodSpec`.
pub fn definition(name: &str) -> Option<Schema> {
    Definition::find(name).map(Schema::from_definition)
}

/// The definition of a kind, be it a resource or only what a subresource reads and writes, such as `autoscaling/v1`'s `Scale`.
pub fn definition_of_kind(group: &str, version: &str, kind: &str) -> Option<Schema> {
    Definition::of_kind(group, version, kind).map(Schema::from_definition)
}

/// The shape of `metadata`, the same for every kind.
pub fn object_meta() -> Schema {
    definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").expect("every kind has metadata")
}

fn resource(row: &Value) -> Resource {
    let kind = text(row, "kind");
    Resource {
        group: text(row, "group"),
        version: text(row, "version"),
        list_kind: format!("{kind}List"),
        kind,
        plural: text(row, "plural"),
        singular: text(row, "singular"),
        short_names: texts(row, "shortNames"),
        categories: texts(row, "categories"),
        namespaced: row["namespaced"] == true,
        verbs: texts(row, "verbs"),
        subresources: row["subresources"].as_array().into_iter().flatten().map(subresource).collect(),
        columns: Vec::new(),
        schema: definition(&text(row, "definition")).expect("a resource names one of the definitions"),
    }
}

fn subresource(row: &Value) -> Subresource {
    let kind = text(row, "kind");
    let scale = (kind == "Scale").then(|| Scale {
        spec_replicas: ".spec.replicas".to_string(),
        status_replicas: ".status.replicas".to_string(),
        label_selector: Some(".spec.selector".to_string()),
    });
    let (group, version) = (text(row, "group"), text(row, "version"));
    Subresource { name: text(row, "name"), group, version, kind, verbs: texts(row, "verbs"), scale }
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_default().to_string()
}

fn texts(row: &Value, key: &str) -> Vec<String> {
    row[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
}
