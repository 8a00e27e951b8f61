//! Fields that a schema does not know go, and absent fields get their defaults.

use serde_json::{Map, Value};

use crate::field_error::{child, entry};
use crate::node::{Node, Schema};

/// Takes the fields that `schema` does not know out of an object, whose apiVersion, kind and metadata stay.
/// Returns the paths of what was taken, sorted.
pub fn prune(object: &mut Value, schema: &Node) -> Vec<String> {
    let mut dropped = Vec::new();
    prune_value(object, Some(schema), true, "", &mut dropped);
    dropped.sort();
    dropped
}

/// Gives absent fields their defaults. A null where null is no value is as good as absent: it becomes the default, or goes.
pub fn default(value: &mut Value, schema: &Node) {
    drop_nulls(value, schema);
    fill(value, schema);
}

/// The same for an object that an apply has made: there nulls stay, and are refused where null is no value.
pub fn default_applied(value: &mut Value, schema: &Node) {
    fill(value, schema);
}

fn prune_value(value: &mut Value, schema: Option<&Node>, resource: bool, path: &str, dropped: &mut Vec<String>) {
    let preserved = schema.is_some_and(|schema| schema.preserve_unknown);
    let resource = resource || schema.is_some_and(|schema| schema.embedded_resource);
    match value {
        Value::Object(fields) => fields.retain(|key, value| {
            if resource && is_meta(key) {
                return true;
            }
            let path_here = child(path, key);
            match field(schema, key) {
                Some(schema) => prune_value(value, Some(schema), false, &path_here, dropped),
                None if preserved => {}
                None => {
                    if !is_meta(key) || !path.is_empty() {
                        dropped.push(path_here);
                    }
                    return false;
                }
            }
            true
        }),
        Value::Array(items) => {
            let schema = schema.and_then(|schema| schema.items.as_ref());
            if preserved && schema.is_none() {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                let path = entry(path, index);
                match schema {
                    Some(schema) if preserved => prune_preserved(item, schema, &path, dropped),
                    schema => prune_value(item, schema.map(|schema| &**schema), false, &path, dropped),
                }
            }
        }
        _ => {}
    }
}

/// An item of a list that preserves unknown fields: so does the item, but not what its schema specifies.
fn prune_preserved(item: &mut Value, schema: &Schema, path: &str, dropped: &mut Vec<String>) {
    let preserving = Node { preserve_unknown: true, ..(**schema).clone() };
    prune_value(item, Some(&preserving), false, path, dropped);
}

fn is_meta(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

fn field<'a>(schema: Option<&'a Node>, key: &str) -> Option<&'a Node> {
    let schema = schema?;
    schema.properties.get(key).or(schema.additional.as_ref()).map(|schema| &**schema)
}

fn drop_nulls(value: &mut Value, schema: &Node) {
    match value {
        Value::Object(fields) => fields.retain(|key, value| match field(Some(schema), key) {
            Some(schema) if value.is_null() => schema.nullable || schema.default.is_some(),
            Some(schema) => {
                drop_nulls(value, schema);
                true
            }
            None => true,
        }),
        Value::Array(items) => {
            if let Some(schema) = &schema.items {
                items.iter_mut().for_each(|item| drop_nulls(item, schema));
            }
        }
        _ => {}
    }
}

fn fill(value: &mut Value, schema: &Node) {
    match value {
        Value::Object(fields) => {
            fill_absent(fields, schema);
            for (key, value) in fields.iter_mut() {
                if let Some(schema) = field(Some(schema), key) {
                    fill_null(value, schema);
                    fill(value, schema);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = &schema.items {
                for item in items {
                    fill_null(item, schema);
                    fill(item, schema);
                }
            }
        }
        _ => {}
    }
}

fn fill_absent(fields: &mut Map<String, Value>, schema: &Node) {
    for (key, schema) in &schema.properties {
        if let Some(default) = schema.default.as_ref().filter(|_| !fields.contains_key(key)) {
            fields.insert(key.clone(), default.clone());
        }
    }
}

fn fill_null(value: &mut Value, schema: &Node) {
    if value.is_null() && !schema.nullable {
        *value = schema.default.clone().unwrap_or_default();
    }
}
