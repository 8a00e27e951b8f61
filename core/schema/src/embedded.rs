//! Whole objects inside others (`x-kubernetes-embedded-resource`) say what they are.

use serde_json::{Map, Value};

use crate::field_error::{FieldError, child, entry};
use crate::names::label_errors;
use crate::node::Node;

/// What is wrong with the apiVersion and kind of the objects that are embedded in `value`.
pub fn embedded_errors(path: &str, value: &Value, schema: &Node) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(path, value, schema, &mut errors);
    errors
}

fn check(path: &str, value: &Value, schema: &Node, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            if schema.embedded_resource {
                check_object(path, fields, errors);
            }
            for (key, value) in fields {
                if let Some(schema) = schema.properties.get(key) {
                    check(&child(path, key), value, schema, errors);
                } else if let Some(schema) = &schema.additional {
                    check(&entry(path, key), value, schema, errors);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    check(&entry(path, index), item, schema, errors);
                }
            }
        }
        _ => {}
    }
}

fn check_object(path: &str, fields: &Map<String, Value>, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        let path = child(path, name);
        match fields.get(name) {
            None => errors.push(FieldError::required(&path, "")),
            Some(value @ Value::String(text)) => {
                let detail = match (name, text.as_str()) {
                    (_, "") => "must not be empty".to_owned(),
                    ("apiVersion", text) if text.matches('/').count() > 1 => {
                        format!("unexpected GroupVersion string: {text}")
                    }
                    ("kind", text) => match label_errors(&text.to_lowercase()).join(",") {
                        wrong if wrong.is_empty() => continue,
                        wrong => format!("may have mixed case, but should otherwise match: {wrong}"),
                    },
                    _ => continue,
                };
                errors.push(FieldError::invalid(&path, value, &detail));
            }
            Some(other) => errors.push(FieldError::invalid(&path, other, "must be a string")),
        }
    }
}
