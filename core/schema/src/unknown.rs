//! Fields that a schema does not have.

use serde_json::{Map, Value};

use crate::kubernetes;
use crate::node::{Node, Schema, Type};

/// The fields of an object that its schema does not have, as kube-apiserver words them: `unknown field "spec.foo"`.
///
/// The schema is that of a kind, built in or custom, and the value a whole object: `apiVersion`, `kind` and `metadata` are
/// known. With `prune` the fields are removed. Names are told apart by case. They are in the order of their names, for which the
/// server takes that of the text; of a custom resource the object's metadata comes first and that of embedded ones last.
pub fn unknown_fields(schema: &Schema, value: &mut Value, prune: bool) -> Vec<String> {
    let mut search = Search { prune, path: String::new(), found: Vec::new() };
    if schema.definition().is_some() {
        search.value(Some(schema), value);
        return search.found;
    }
    search.metadata(value);
    let before = search.found.len();
    if let Value::Object(fields) = value {
        search.fields(schema, fields, true);
    }
    search.found[before..].sort();
    search.embedded_metadata(schema, value, true);
    search.found
}

struct Search {
    prune: bool,
    path: String,
    found: Vec<String>,
}

/// The fields of every object. Those of embedded ones are looked at with the schema of metadata.
const OBJECT_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl Search {
    fn metadata(&mut self, value: &mut Value) {
        if let Some(metadata) = value.get_mut("metadata") {
            self.at(".metadata", |search| search.value(Some(&kubernetes::object_meta()), metadata));
        }
    }

    fn embedded_metadata(&mut self, node: &Node, value: &mut Value, root: bool) {
        if node.embedded_resource && !root {
            self.metadata(value);
        }
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if let Some(schema) = node.properties.get(key).or(node.additional.as_ref()) {
                        self.at(&format!(".{key}"), |search| search.embedded_metadata(schema, value, false));
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    if let Some(schema) = &node.items {
                        self.at(&format!("[{index}]"), |search| search.embedded_metadata(schema, item, false));
                    }
                }
            }
            _ => {}
        }
    }

    fn value(&mut self, schema: Option<&Schema>, value: &mut Value) {
        match value {
            Value::Object(fields) => match schema {
                Some(schema) if schema_of_schemas(schema).is_some() => self.inside_schema_field(schema, fields),
                Some(schema) => self.fields(schema, fields, false),
                None => self.fields(&Node::default(), fields, false),
            },
            Value::Array(items) => {
                let preserve = schema.is_some_and(|schema| schema.preserve_unknown);
                let schema = schema.and_then(|schema| schema.items.as_ref());
                for (index, item) in items.iter_mut().enumerate().filter(|_| schema.is_some() || !preserve) {
                    self.at(&format!("[{index}]"), |search| search.value(schema, item));
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, node: &Node, fields: &mut Map<String, Value>, root: bool) {
        let mut unknown = Vec::new();
        for (key, value) in fields.iter_mut() {
            if (root || node.embedded_resource) && OBJECT_FIELDS.contains(&key.as_str()) {
                continue;
            }
            match node.properties.get(key).or(node.additional.as_ref()) {
                Some(schema) => self.at(&format!(".{key}"), |search| search.value(Some(schema), value)),
                None if node.preserve_unknown => {}
                None => unknown.push(key.clone()),
            }
        }
        for key in unknown {
            self.at(&format!(".{key}"), |search| {
                search.found.push(format!("unknown field {:?}", search.path.trim_start_matches('.')));
            });
            if self.prune {
                fields.remove(&key);
            }
        }
    }

    /// Where a CustomResourceDefinition allows a schema or something else, the server drops what it does not know and
    /// says nothing.
    fn inside_schema_field(&mut self, schema: &Schema, fields: &mut Map<String, Value>) {
        let mut silent = Search { prune: self.prune, path: String::new(), found: Vec::new() };
        if let Some(schema) = schema_of_schemas(schema) {
            silent.fields(&schema, fields, false);
        }
    }

    fn at(&mut self, step: &str, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        work(self);
        self.path.truncate(length);
    }
}

/// The shape of an object in a field that holds a schema, or a list of schemas, or a flag.
pub(crate) fn schema_of_schemas(schema: &Schema) -> Option<Schema> {
    const SCHEMA: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
    let or = schema.definition()?.strip_prefix(SCHEMA)?;
    if or.starts_with("Or") && schema.type_ == Type::Any { kubernetes::definition(SCHEMA) } else { None }
}
