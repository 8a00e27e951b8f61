//! Lists that are sets or maps hold each value, or each key, once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::field_error::{FieldError, child, entry};
use crate::node::{ListType, Node};

/// What is there twice in the lists of `value` that are sets or maps.
pub fn list_type_errors(path: &str, value: &Value, schema: &Node) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(path, value, schema, &mut errors);
    errors
}

fn check(path: &str, value: &Value, schema: &Node, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let Some(schema) = schema.properties.get(key) {
                    check(&child(path, key), value, schema, errors);
                } else if let Some(schema) = &schema.additional {
                    check(&entry(path, key), value, schema, errors);
                }
            }
        }
        Value::Array(items) => {
            match &schema.list_type {
                ListType::Atomic => {}
                ListType::Set => check_set(path, items.iter().cloned(), errors),
                ListType::Map(keys) => check_map(path, items, keys, errors),
            }
            if let Some(schema) = &schema.items {
                for (index, item) in items.iter().enumerate() {
                    check(&entry(path, index), item, schema, errors);
                }
            }
        }
        _ => {}
    }
}

/// Each value that comes again is named once, where it comes for the second time.
fn check_set(path: &str, items: impl Iterator<Item = Value>, errors: &mut Vec<FieldError>) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for (index, item) in items.enumerate() {
        let times = seen.entry(item.to_string()).or_default();
        *times += 1;
        if *times == 2 {
            errors.push(FieldError::duplicate(&entry(path, index), &item));
        }
    }
}

fn check_map(path: &str, items: &[Value], keys: &[String], errors: &mut Vec<FieldError>) {
    let strange = items.iter().enumerate().find(|(_, item)| !item.is_object() && !item.is_null());
    if let Some((index, item)) = strange {
        let detail = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(&entry(path, index), item, detail));
        return;
    }
    check_set(path, items.iter().map(|item| Value::Object(identity(item, keys))), errors);
}

/// The keys of an item that it has, with their values.
pub(crate) fn identity(item: &Value, keys: &[String]) -> Map<String, Value> {
    keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect()
}
