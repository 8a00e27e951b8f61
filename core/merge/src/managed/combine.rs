//! Merging a configuration into an object, and taking fields out of one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::field_set::FieldSet;
use super::path::PathElement;
use super::shape::{Form, Shape};

/// The object with all that `config` sets. Nothing is removed; the items of a merged list are ordered as `config` has them, and
/// others stay in front of what they preceded. managedFields are left out.
///
/// # Errors
/// With the text for people when the items of a list cannot be told apart.
pub(super) fn merged_object(shape: Shape<'_>, live: &Value, config: &Value) -> Result<Value, String> {
    let mut object = match (live.as_object(), config.as_object()) {
        (Some(live), Some(config)) => Value::Object(merged_fields(shape, live, config, "metadata")?),
        _ => return merged(shape, live, config),
    };
    let place = shape.field_or_undeclared("metadata");
    let metadata =
        match (live.get("metadata").and_then(Value::as_object), config.get("metadata").and_then(Value::as_object)) {
            (Some(live), Some(config)) => Some(merged_fields(place, live, config, "managedFields")?),
            (Some(one), None) | (None, Some(one)) => Some(merged_fields(place, one, &Map::new(), "managedFields")?),
            (None, None) => None,
        };
    if let (Some(object), Some(metadata)) = (object.as_object_mut(), metadata) {
        object.insert("metadata".to_string(), Value::Object(metadata));
    }
    Ok(object)
}

fn merged(shape: Shape<'_>, live: &Value, config: &Value) -> Result<Value, String> {
    match shape.form(config) {
        Form::Map { atomic: false } => match (live.as_object(), config.as_object()) {
            (Some(live), Some(config)) => Ok(Value::Object(merged_fields(shape, live, config, "")?)),
            (Some(before), None) if !before.is_empty() => Ok(live.clone()),
            _ => Ok(config.clone()),
        },
        Form::List { atomic: false } => match (live.as_array(), config.as_array()) {
            (Some(live), Some(config)) => Ok(Value::Array(merged_items(shape, live, config)?)),
            (Some(before), None) if !before.is_empty() => Ok(live.clone()),
            _ => Ok(config.clone()),
        },
        _ => Ok(config.clone()),
    }
}

/// The fields of both but `except`.
fn merged_fields(
    shape: Shape<'_>,
    live: &Map<String, Value>,
    config: &Map<String, Value>,
    except: &str,
) -> Result<Map<String, Value>, String> {
    let mut fields = Map::new();
    for (name, value) in live.iter().filter(|(name, _)| *name != except) {
        let value = match config.get(name) {
            Some(config) => merged(shape.field_or_undeclared(name), value, config)?,
            None => value.clone(),
        };
        fields.insert(name.clone(), value);
    }
    for (name, value) in config.iter().filter(|(name, _)| *name != except && !live.contains_key(*name)) {
        fields.insert(name.clone(), value.clone());
    }
    Ok(fields)
}

/// The items of both. `config` says the order of its own; an item of `live` alone comes before the next item that both have and
/// that it preceded. Items of `live` that are not different give way to the one of `config`.
fn merged_items(shape: Shape<'_>, live: &[Value], config: &[Value]) -> Result<Vec<Value>, String> {
    let left = elements(shape, live)?;
    let right = elements(shape, config)?;
    let mut live_items: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (element, item) in left.iter().zip(live) {
        live_items.entry(element).and_modify(|item| *item = None).or_insert(Some(item));
    }
    let mut config_items = BTreeMap::new();
    for (element, item) in right.iter().zip(config) {
        if config_items.insert(element, item).is_some() {
            return Err(format!("duplicate entries for key {element}"));
        }
    }
    let place = shape.items();
    let merge = |element: &PathElement, item: &Value| match live_items.get(element) {
        Some(Some(before)) => merged(place, before, item),
        Some(None) | None => Ok(item.clone()),
    };
    let mut shared = right.iter().filter(|element| live_items.contains_key(element)).peekable();
    let mut done = BTreeSet::new();
    let mut items = Vec::with_capacity(left.len().max(right.len()));
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some(before), Some(after)) = (left.get(l), right.get(r)) {
            if before == after {
                done.insert(before);
                items.push(merge(before, &config[r])?);
                shared.next();
                (l, r) = (l + 1, r + 1);
                continue;
            }
            if config_items.contains_key(before) && shared.peek().is_some_and(|next| *next != before) {
                l += 1;
                continue;
            }
        }
        if let Some(before) = left.get(l) {
            if !config_items.contains_key(before) {
                items.push(live[l].clone());
                l += 1;
                continue;
            }
            if done.contains(before) {
                l += 1;
            }
        }
        if let Some(after) = right.get(r) {
            done.insert(after);
            items.push(merge(after, &config[r])?);
            r += 1;
            shared.next_if_eq(&after);
        }
    }
    Ok(items)
}

fn elements(shape: Shape<'_>, items: &[Value]) -> Result<Vec<PathElement>, String> {
    let element = |(position, item)| shape.item_element(item).map_err(|reason| format!("element {position}: {reason}"));
    items.iter().enumerate().map(element).collect()
}

/// Takes fields and items out of a value. What is left without any part becomes null.
pub(super) fn remove(shape: Shape<'_>, value: &mut Value, fields: &FieldSet) {
    if matches!(shape.form(value), Form::Scalar) {
        return;
    }
    let left = match value {
        Value::Array(items) if shape.form(&Value::Array(Vec::new())) == (Form::List { atomic: false }) => {
            let place = shape.items();
            items.retain_mut(|item| {
                let Ok(element) = shape.item_element(item) else { return true };
                let (member, below) = fields.step(&element);
                if !member && !below.is_empty() {
                    remove(place, item, below);
                }
                !member
            });
            !items.is_empty()
        }
        Value::Object(map) if shape.form(&Value::Object(Map::new())) == (Form::Map { atomic: false }) => {
            map.retain(|name, value| {
                let (member, below) = fields.step(&PathElement::field(name));
                if !member && !below.is_empty() {
                    remove(shape.field_or_undeclared(name), value, below);
                }
                !member
            });
            !map.is_empty()
        }
        _ => false,
    };
    if !left {
        *value = Value::Null;
    }
}
