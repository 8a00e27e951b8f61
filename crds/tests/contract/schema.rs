//! The schemas of `crds/*.yaml`, walked.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// A CustomResourceDefinition as it is checked in.
pub(crate) struct Definition {
    pub(crate) file: String,
    pub(crate) content: Value,
}

impl Definition {
    pub(crate) fn kind(&self) -> &str {
        self.content["spec"]["names"]["kind"].as_str().unwrap()
    }

    pub(crate) fn api_version(&self) -> String {
        let spec = &self.content["spec"];
        format!("{}/{}", spec["group"].as_str().unwrap(), spec["versions"][0]["name"].as_str().unwrap())
    }

    pub(crate) fn plural(&self) -> &str {
        self.content["spec"]["names"]["plural"].as_str().unwrap()
    }

    /// The schema of a field of the object: `spec` or `status`.
    pub(crate) fn schema(&self, field: &str) -> &Value {
        &self.content["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][field]
    }
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every CustomResourceDefinition of `crds/`, by file name.
pub(crate) fn definitions() -> Vec<Definition> {
    let mut files: Vec<_> = std::fs::read_dir(env!("CARGO_MANIFEST_DIR"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| Definition {
            file: path.file_name().unwrap().to_str().unwrap().to_owned(),
            content: serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap(),
        })
        .collect()
}

pub(crate) fn definition(kind: &str) -> Definition {
    definitions().into_iter().find(|definition| definition.kind() == kind).unwrap()
}

/// A value of a schema in which every field is set.
pub(crate) fn sample(schema: &Value, name: &str) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return values.last().unwrap().clone();
    }
    match schema["type"].as_str() {
        Some("string") => text(schema, name).into(),
        Some("integer") => 7.into(),
        Some("boolean") => true.into(),
        Some("array") => json!([sample(&schema["items"], name)]),
        Some("object") => match (schema["properties"].as_object(), schema.get("additionalProperties")) {
            (Some(properties), None) => properties
                .iter()
                .map(|(name, schema)| (name.clone(), sample(schema, name)))
                .collect::<Map<_, _>>()
                .into(),
            (None, Some(values)) => json!({"key": sample(values, "value")}),
            _ => panic!("{name}: an object has either properties or additionalProperties"),
        },
        other => panic!("{name}: {other:?} is not a type"),
    }
}

fn text(schema: &Value, name: &str) -> String {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date-time"), _) => "2026-06-01T10:00:00Z".to_owned(),
        (_, Some(pattern)) if pattern.contains("(ms|s|m") => "1m0s".to_owned(),
        (_, Some(pattern)) if pattern.starts_with("^(http|https") => "https://example.com/a.git".to_owned(),
        _ if name == "url" => "https://example.com/a.git".to_owned(),
        _ if name == "lastReconciledDuration" => "1m0s".to_owned(),
        _ => format!("a-{name}"),
    }
}

/// The paths of the fields that hold no fields: `spec.dependsOn[].name`, `spec.kustomizations{}.path`.
pub(crate) fn leaves(schema: &Value, path: &str) -> Vec<String> {
    let nested = |schema: &Value| !schema["properties"].is_null();
    if let Some(properties) = schema["properties"].as_object() {
        return properties.iter().flat_map(|(name, schema)| leaves(schema, &format!("{path}.{name}"))).collect();
    }
    if nested(&schema["items"]) {
        return leaves(&schema["items"], &format!("{path}[]"));
    }
    if nested(&schema["additionalProperties"]) {
        return leaves(&schema["additionalProperties"], &format!("{path}{{}}"));
    }
    vec![path.to_owned()]
}
