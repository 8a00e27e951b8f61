//! The schemas of the objects in testdata/merge: Kubernetes' own, and those of CustomResourceDefinitions.

use serde_json::Value;
use thalweg_schema::{ListType, MapType, Node, Schema, Type, kubernetes};

/// The version and the plural of a path such as `/apis/apps/v1/namespaces/default/deployments/web`.
pub(crate) fn addressed(path: &str) -> (String, &str) {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let plural = parts[parts.len() - 2];
    if parts[0] == "api" { (parts[1].to_string(), plural) } else { (format!("{}/{}", parts[1], parts[2]), plural) }
}

pub(crate) fn kind(definition: &Value, api_version: &str, plural: &str) -> String {
    let builtin =
        kubernetes::resources().iter().find(|kind| kind.plural == plural && kind.api_version() == api_version);
    let custom = || definition["spec"]["names"]["kind"].as_str().expect("a kind").to_string();
    builtin.map_or_else(custom, |resource| resource.kind.clone())
}

pub(crate) fn schema(definition: &Value, api_version: &str, plural: &str) -> Option<Schema> {
    let builtin =
        kubernetes::resources().iter().find(|kind| kind.plural == plural && kind.api_version() == api_version);
    if let Some(resource) = builtin {
        return Some(resource.schema.clone());
    }
    let (group, version) = api_version.split_once('/')?;
    let versions = definition["spec"]["versions"].as_array().filter(|_| group == "merge.example.com")?;
    let version = versions.iter().find(|served| served["name"] == version && served["served"] == true)?;
    let mut node = structural(&version["schema"]["openAPIV3Schema"]);
    node.properties.insert("metadata".to_string(), kubernetes::object_meta());
    Some(Schema::new(node))
}

fn structural(schema: &Value) -> Node {
    let truth = |name: &str| schema[name] == true;
    let texts = |name: &str| -> Vec<String> {
        schema[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
    };
    let type_ = match schema["type"].as_str() {
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        _ if truth("x-kubernetes-int-or-string") => Type::IntOrString,
        _ => Type::Any,
    };
    let below = |value: &Value| Schema::new(structural(value));
    Node {
        type_,
        default: schema.get("default").cloned(),
        properties: schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), below(value)))
            .collect(),
        additional: schema.get("additionalProperties").map(below),
        items: schema.get("items").map(below),
        list_type: match schema["x-kubernetes-list-type"].as_str() {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts("x-kubernetes-list-map-keys")),
            _ => ListType::Atomic,
        },
        map_type: if schema["x-kubernetes-map-type"] == "atomic" { MapType::Atomic } else { MapType::Granular },
        preserve_unknown: truth("x-kubernetes-preserve-unknown-fields"),
        embedded_resource: truth("x-kubernetes-embedded-resource"),
        ..Node::default()
    }
}
