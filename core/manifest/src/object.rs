//! One Kubernetes object: its JSON, and where it was read.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::ObjectId;

/// The file and line at which an object begins; prints as `path/file.yaml:12`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// The path inside the source, without a leading `./`; empty when the object was not read from a file.
    pub file: Arc<str>,
    /// The first line of the object, counted from 1; 0 when it is not known.
    pub line: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}", self.file),
            line => write!(formatter, "{}:{line}", self.file),
        }
    }
}

/// A Kubernetes object that has an apiVersion, a kind and a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    content: Map<String, Value>,
    origin: Origin,
}

/// What an object lacks to be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// The document is a list, a text, a number …
    #[error("the document is not a mapping")]
    NotAMapping,
    /// A required field is absent, empty or not a text.
    #[error("the object has no {0}")]
    Missing(&'static str),
    /// A field that every object shares has another type.
    #[error("{0} is not a {1}")]
    WrongType(&'static str, &'static str),
}

impl Object {
    /// An object from its JSON.
    pub fn from_json(value: Value) -> Result<Self, Incomplete> {
        let Value::Object(content) = value else { return Err(Incomplete::NotAMapping) };
        for field in ["apiVersion", "kind"] {
            match content.get(field) {
                Some(Value::String(text)) if !text.is_empty() => {}
                None | Some(Value::Null | Value::String(_)) => return Err(Incomplete::Missing(field)),
                Some(_) => return Err(Incomplete::WrongType(field, "string")),
            }
        }
        let metadata = match content.get("metadata") {
            Some(Value::Object(metadata)) => metadata,
            None | Some(Value::Null) => return Err(Incomplete::Missing("metadata.name")),
            Some(_) => return Err(Incomplete::WrongType("metadata", "mapping")),
        };
        match metadata.get("name") {
            Some(Value::String(name)) if !name.is_empty() => {}
            None | Some(Value::Null | Value::String(_)) => return Err(Incomplete::Missing("metadata.name")),
            Some(_) => return Err(Incomplete::WrongType("metadata.name", "string")),
        }
        if !matches!(metadata.get("namespace"), None | Some(Value::Null | Value::String(_))) {
            return Err(Incomplete::WrongType("metadata.namespace", "string"));
        }
        for (field, path) in [("labels", "metadata.labels"), ("annotations", "metadata.annotations")] {
            match metadata.get(field) {
                None | Some(Value::Null) => {}
                Some(Value::Object(entries)) if entries.values().all(|value| value.is_string() || value.is_null()) => {}
                Some(_) => return Err(Incomplete::WrongType(path, "mapping of strings")),
            }
        }
        Ok(Self { content, origin: Origin::default() })
    }

    /// The same object, read at `origin`.
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Where the object was read.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// `group/version`, or the version alone for the core group.
    pub fn api_version(&self) -> &str {
        self.text("apiVersion")
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// The API version, without the group.
    pub fn version(&self) -> &str {
        self.api_version().split_once('/').map_or(self.api_version(), |(_, version)| version)
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata_text("name")
    }

    /// `metadata.namespace`; empty where there is none.
    pub fn namespace(&self) -> &str {
        self.metadata_text("namespace")
    }

    /// The identity as the object states it. Whether the kind has namespaces is for the API server to say: see
    /// [`Object::set_namespace`].
    pub fn id(&self) -> ObjectId {
        ObjectId::new(self.group(), self.kind(), self.namespace(), self.name())
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata_entry("labels", key)
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata_entry("annotations", key)
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_metadata_entry("labels", key, value);
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_metadata_entry("annotations", key, value);
    }

    /// Sets `metadata.namespace`, or removes it when `namespace` is empty.
    pub fn set_namespace(&mut self, namespace: &str) {
        let metadata = self.metadata_mut();
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
    }

    /// The content.
    pub fn content(&self) -> &Map<String, Value> {
        &self.content
    }

    /// The content, to change; apiVersion, kind and name must stay.
    pub fn content_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.content
    }

    /// The content as a JSON value.
    pub fn to_json(&self) -> Value {
        Value::Object(self.content.clone())
    }

    fn text(&self, field: &str) -> &str {
        self.content.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn metadata(&self) -> Option<&Map<String, Value>> {
        self.content.get("metadata").and_then(Value::as_object)
    }

    fn metadata_text(&self, field: &str) -> &str {
        self.metadata().and_then(|metadata| metadata.get(field)).and_then(Value::as_str).unwrap_or_default()
    }

    fn metadata_entry(&self, field: &str, key: &str) -> Option<&str> {
        self.metadata()?.get(field)?.get(key)?.as_str()
    }

    fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        let metadata = self.content.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        if !metadata.is_object() {
            *metadata = Value::Object(Map::new());
        }
        metadata.as_object_mut().expect("metadata was made an object above")
    }

    fn set_metadata_entry(&mut self, field: &str, key: &str, value: &str) {
        let entries = self.metadata_mut().entry(field).or_insert_with(|| Value::Object(Map::new()));
        if !entries.is_object() {
            *entries = Value::Object(Map::new());
        }
        entries.as_object_mut().expect("the entries were made an object above").insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_without_kind_name_or_mapping_is_named_for_what_it_lacks() {
        for (value, lack) in [
            (json!([1]), "the document is not a mapping"),
            (json!({"kind": "A", "metadata": {"name": "a"}}), "the object has no apiVersion"),
            (json!({"apiVersion": "v1", "metadata": {"name": "a"}}), "the object has no kind"),
            (json!({"apiVersion": "v1", "kind": "A"}), "the object has no metadata.name"),
            (json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": ""}}), "the object has no metadata.name"),
            (json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": 1}}), "metadata.name is not a string"),
            (json!({"apiVersion": 1, "kind": "A", "metadata": {"name": "a"}}), "apiVersion is not a string"),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "labels": {"a": 1}}}),
                "metadata.labels is not a mapping of strings",
            ),
        ] {
            assert_eq!(Object::from_json(value).expect_err("incomplete").to_string(), lack);
        }
    }

    #[test]
    fn labels_and_namespace_are_set_where_there_were_none() {
        let mut object = Object::from_json(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": null}}),
        )
        .expect("complete");
        object.set_label("team", "blue");
        object.set_namespace("apps");
        assert_eq!(object.label("team"), Some("blue"));
        assert_eq!(object.id(), ObjectId::new("", "ConfigMap", "apps", "a"));
        object.set_namespace("");
        assert_eq!(object.namespace(), "");
    }
}
