//! Lists of a strategic merge patch: merged by key or by value, then put in order.
//!
//! The items that the patch names stand in the patch's order and the others in theirs; between the two, an item that stood
//! first on the server stays first.

use std::mem::discriminant;

use serde_json::{Map, Value};
use thalweg_schema::Node;

use super::{DIRECTIVE, ELEMENT_ORDER, merge_object, unexpected_type, unknown_directive, without_directives};
use crate::patch_error::{PatchError, go_print};

/// The two lists as one.
pub(super) fn merge_list(before: Vec<Value>, patch: Vec<Value>, schema: &Node) -> Result<Vec<Value>, PatchError> {
    if before.is_empty() && patch.is_empty() {
        return Ok(before);
    }
    if !holds_objects(&[&before, &patch])? {
        let order = patch.clone();
        let mut merged: Vec<Value> = Vec::new();
        for item in before.iter().chain(&patch) {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return arrange(merged, &order, &before, None);
    }
    let Some(key) = schema.patch.merge_key.as_deref() else {
        return Err(PatchError::Contradiction("cannot merge lists without merge key for struct".to_owned()));
    };
    let (before, patch) = carry_out_directives(before, patch, key)?;
    let mut merged = before.clone();
    for item in &patch {
        let item = object(item)?;
        let value = item.get(key).ok_or_else(|| no_merge_key(item, key))?;
        match merged.iter_mut().find(|other| other.get(key) == Some(value)) {
            Some(other) => {
                let known = object(other)?.clone();
                *other = Value::Object(merge_object(known, item.clone(), schema.items.as_deref())?);
            }
            None => merged.push(Value::Object(item.clone())),
        }
    }
    arrange(merged, &patch, &before, Some(key))
}

/// The two lists as one in the order of a `$setElementOrder`; nothing when neither list is there.
pub(super) fn merge_ordered_list(
    before: Option<Vec<Value>>,
    patch: Option<Vec<Value>>,
    order: Vec<Value>,
    schema: &Node,
) -> Result<Option<Vec<Value>>, PatchError> {
    let key = schema.patch.merge_key.as_deref();
    check_order(patch.as_deref().unwrap_or_default(), &order, key)?;
    let server = before.clone().unwrap_or_default();
    let nothing_given = patch.as_ref().is_none_or(Vec::is_empty) && server.is_empty();
    let merged = match (before, patch) {
        (None, None) => return Ok(None),
        (Some(before), None) => before,
        (None, Some(patch)) => patch.into_iter().filter_map(without_directives).collect(),
        (Some(before), Some(patch)) if schema.patch.merge => merge_list(before, patch, schema)?,
        (Some(_), Some(patch)) => patch,
    };
    if nothing_given {
        return Err(PatchError::Contradiction("no elements in any of the given slices".to_owned()));
    }
    arrange(merged, &order, &server, key).map(Some)
}

/// Deletes what `$patch: delete` names; `$patch: replace` makes the rest of the patch the list.
fn carry_out_directives(
    mut before: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    let mut rest = Vec::new();
    let mut replaces = false;
    for item in patch {
        let fields = object(&item)?;
        match fields.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or_default()) {
            None => rest.push(item),
            Some("delete") => {
                let value = fields.get(key).ok_or_else(|| no_merge_key(fields, key))?;
                before.retain(|other| other.get(key) != Some(value));
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                let why = "merging lists cannot yet be specified in the patch";
                return Err(PatchError::Contradiction(why.to_owned()));
            }
            Some(_) => return Err(unknown_directive(fields)),
        }
    }
    Ok(if replaces { (rest, Vec::new()) } else { (before, rest) })
}

/// `merged` in order: of the items that `order` names its own, of the others the server's.
fn arrange(merged: Vec<Value>, order: &[Value], server: &[Value], key: Option<&str>) -> Result<Vec<Value>, PatchError> {
    if let Some(key) = key {
        for item in merged.iter().chain(order).chain(server) {
            let fields = object(item)?;
            fields.get(key).ok_or_else(|| no_merge_key(fields, key))?;
        }
    }
    let place =
        |list: &[Value], item: &Value| list.iter().position(|other| identity(other, key) == identity(item, key));
    let (mut named, mut others): (Vec<_>, Vec<_>) = merged
        .into_iter()
        .map(|item| (place(server, &item), place(order, &item), item))
        .partition(|item| item.1.is_some());
    named.sort_by_key(|(_, in_order, _)| *in_order);
    others.sort_by_key(|(on_server, _, _)| *on_server);

    let mut arranged = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for (on_server, _, item) in named {
        while let Some((_, _, other)) =
            others.next_if(|other| other.0.is_some() && on_server.is_some() && other.0 < on_server)
        {
            arranged.push(other);
        }
        arranged.push(item);
    }
    arranged.extend(others.map(|(_, _, item)| item));
    Ok(arranged)
}

/// The items of the patch must stand in the order that the directive gives.
fn check_order(patch: &[Value], order: &[Value], key: Option<&str>) -> Result<(), PatchError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut order_left = order.iter();
    for item in patch.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        let mut matches = false;
        for named in order_left.by_ref() {
            if let Some(key) = key {
                for item in [item, named] {
                    let fields = object(item)?;
                    fields.get(key).ok_or_else(|| no_merge_key(fields, key))?;
                }
            }
            matches = identity(item, key) == identity(named, key);
            if matches {
                break;
            }
        }
        if !matches {
            let lists = [patch, order].map(|list| go_print(&Value::Array(list.to_vec())));
            return Err(PatchError::Contradiction(format!(
                "The order in patch list:\n{}\n doesn't match {ELEMENT_ORDER} list:\n{}\n",
                lists[0], lists[1]
            )));
        }
    }
    Ok(())
}

/// What tells an item from the others: the value of its key, or itself.
fn identity<'a>(item: &'a Value, key: Option<&str>) -> Option<&'a Value> {
    match key {
        Some(key) => item.get(key),
        None => Some(item),
    }
}

/// Whether the items are objects; they must all be of one type.
fn holds_objects(lists: &[&[Value]]) -> Result<bool, PatchError> {
    let mut items = lists.iter().copied().flatten();
    let first = items.next();
    if first.is_some_and(Value::is_array) {
        return Err(PatchError::Inapplicable { why: "lists of lists are not supported".to_owned() });
    }
    if items.any(|item| first.is_some_and(|first| discriminant(first) != discriminant(item))) {
        let lists: Vec<_> = lists.iter().map(|list| go_print(&Value::Array(list.to_vec()))).collect();
        return Err(PatchError::Contradiction(format!("list element types are not identical: [{}]", lists.join(" "))));
    }
    Ok(first.is_some_and(Value::is_object))
}

fn object(item: &Value) -> Result<&Map<String, Value>, PatchError> {
    item.as_object().ok_or_else(|| unexpected_type("map[string]interface {}", item))
}

fn no_merge_key(fields: &Map<String, Value>, key: &str) -> PatchError {
    let fields = go_print(&Value::Object(fields.clone()));
    PatchError::Contradiction(format!("map: {fields} does not contain declared merge key: {key}"))
}
