//! The kinds that a CustomResourceDefinition makes.

use serde_json::Value;
use thalweg_schema::{Column, Resource, Scale, Subresource, structural};

use super::status::has_condition;

const VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// The kinds that a CustomResourceDefinition makes, one for each served version, the storage version first. None before its
/// names are accepted.
pub(crate) fn resources(definition: &Value) -> Vec<Resource> {
    if !has_condition(definition, "Established") {
        return Vec::new();
    }
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let mut versions: Vec<&Value> = versions.filter(|version| version["served"] == true).collect();
    versions.sort_by_key(|version| version["storage"] != true);
    versions.into_iter().map(|version| resource(definition, version)).collect()
}

fn resource(definition: &Value, version: &Value) -> Resource {
    let spec = &definition["spec"];
    let names = &definition["status"]["acceptedNames"];
    Resource {
        group: text(&spec["group"]),
        version: text(&version["name"]),
        kind: text(&names["kind"]),
        list_kind: text(&names["listKind"]),
        plural: text(&names["plural"]),
        singular: text(&names["singular"]),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] == "Namespaced",
        verbs: VERBS.map(str::to_owned).to_vec(),
        subresources: subresources(spec, names, version),
        columns: columns(version),
        schema: structural(&version["schema"]["openAPIV3Schema"]),
    }
}

fn subresources(spec: &Value, names: &Value, version: &Value) -> Vec<Subresource> {
    let declared = &version["subresources"];
    let verbs = SUBRESOURCE_VERBS.map(str::to_owned).to_vec();
    let mut subresources = Vec::new();
    if declared["status"].is_object() {
        subresources.push(Subresource {
            name: "status".to_owned(),
            group: text(&spec["group"]),
            version: text(&version["name"]),
            kind: text(&names["kind"]),
            verbs: verbs.clone(),
            scale: None,
        });
    }
    let scale = &declared["scale"];
    if scale.is_object() {
        subresources.push(Subresource {
            name: "scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs,
            scale: Some(Scale {
                spec_replicas: text(&scale["specReplicasPath"]),
                status_replicas: text(&scale["statusReplicasPath"]),
                label_selector: scale["labelSelectorPath"].as_str().filter(|path| !path.is_empty()).map(str::to_owned),
            }),
        });
    }
    subresources
}

/// The name, then the declared columns; the age when there are none.
fn columns(version: &Value) -> Vec<Column> {
    const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources \
                        may allow a client to request the generation of an appropriate name automatically. Name is primarily \
                        intended for creation idempotence and configuration definition. Cannot be updated. More info: \
                        https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
    const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not \
                       guaranteed to be set in happens-before order across separate operations. Clients may not set this \
                       value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for \
                       lists. More info: \
                       https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
    let column = |name: &str, type_: &str, format: &str, description: &str, json_path: &str| Column {
        name: name.to_owned(),
        type_: type_.to_owned(),
        format: format.to_owned(),
        description: description.to_owned(),
        priority: 0,
        json_path: json_path.to_owned(),
    };
    let mut columns = vec![column("Name", "string", "name", NAME, ".metadata.name")];
    match version["additionalPrinterColumns"].as_array().filter(|declared| !declared.is_empty()) {
        None => columns.push(column("Age", "date", "", AGE, ".metadata.creationTimestamp")),
        Some(declared) => columns.extend(declared.iter().map(|declared| {
            let name = text(&declared["name"]);
            let description = match text(&declared["description"]) {
                none if none.is_empty() => {
                    format!("Custom resource definition column (in JSONPath format): {}", text(&declared["jsonPath"]))
                }
                description => description,
            };
            Column {
                name,
                type_: text(&declared["type"]),
                format: text(&declared["format"]),
                description,
                priority: declared["priority"].as_i64().and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0),
                json_path: text(&declared["jsonPath"]),
            }
        })),
    }
    columns
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}
