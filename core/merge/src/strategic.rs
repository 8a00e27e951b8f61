//! Strategic merge patch: lists of objects are merged by key, and directives say what a merge alone cannot.
//!
//! `$patch: replace|delete` in an object or in an item of a list, `$deleteFromPrimitiveList/<field>`,
//! `$setElementOrder/<field>` and `$retainKeys`, as in apimachinery's `strategicpatch`.

mod list;

use serde_json::{Map, Value};
use thalweg_schema::{Node, Schema, go_kind, go_type};

use self::list::{merge_list, merge_ordered_list};
use crate::merge_patch::without_nulls;
use crate::patch_error::{PatchError, go_print};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const ELEMENT_ORDER: &str = "$setElementOrder";

/// `document`, an object of the kind that `schema` describes, with `patch` merged into it.
///
/// # Errors
/// [`PatchError::Malformed`] when a directive has the wrong form, [`PatchError::Inapplicable`] for lists of lists, and
/// [`PatchError::Contradiction`] when the patch does not fit the schema, such as an item without its merge key.
pub fn strategic_merge_patch(document: &Value, patch: &Value, schema: &Schema) -> Result<Value, PatchError> {
    let fields = match patch {
        Value::Null => return Ok(document.clone()),
        Value::Object(fields) => fields.clone(),
        other => {
            return Err(PatchError::Malformed(format!(
                "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                go_kind(other)
            )));
        }
    };
    let document = document.as_object().cloned().unwrap_or_default();
    merge_object(document, fields, Some(schema)).map(Value::Object)
}

fn merge_object(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    schema: Option<&Node>,
) -> Result<Map<String, Value>, PatchError> {
    match patch.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or_default()) {
        None => {}
        Some("replace") => {
            patch.remove(DIRECTIVE);
            return Ok(patch);
        }
        Some("delete") => return Ok(Map::new()),
        Some(_) => return Err(unknown_directive(&patch)),
    }
    retain_keys(&mut original, &mut patch)?;
    order_lists(&mut original, &mut patch, schema)?;
    for (key, value) in patch {
        merge_field(&mut original, &key, value, schema)?;
    }
    Ok(original)
}

fn merge_field(
    original: &mut Map<String, Value>,
    key: &str,
    value: Value,
    schema: Option<&Node>,
) -> Result<(), PatchError> {
    let deletes = key.starts_with(DELETE_FROM_LIST);
    let key = if deletes { directive_field(key, DELETE_FROM_LIST)? } else { key };
    if value.is_null() {
        original.remove(key);
        return Ok(());
    }
    let Some(before) = original.remove(key) else {
        if !deletes {
            insert_new(original, key, value);
        }
        return Ok(());
    };
    let merged = match (before, value) {
        (Value::Object(before), Value::Object(value)) => {
            Value::Object(merge_object(before, value, field(schema, key)?)?)
        }
        (Value::Array(before), Value::Array(value)) if deletes => {
            Value::Array(before.into_iter().filter(|item| !value.contains(item)).collect())
        }
        (Value::Array(before), Value::Array(value)) => match field(schema, key)? {
            Some(list) if list.patch.merge => Value::Array(merge_list(before, value, list)?),
            _ => Value::Array(value),
        },
        (before, _) if deletes => before,
        (_, value) => {
            insert_new(original, key, value);
            return Ok(());
        }
    };
    original.insert(key.to_owned(), merged);
    Ok(())
}

/// A field that was not there, or was of another type: nulls and deletions inside it mean nothing.
fn insert_new(original: &mut Map<String, Value>, key: &str, value: Value) {
    if let Some(value) = without_directives(without_nulls(value)) {
        original.insert(key.to_owned(), value);
    }
}

/// A value without the objects that carry a `$patch`, whatever it says; nothing when it carries one itself.
fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let kept = fields.into_iter().filter_map(|(key, value)| Some((key, without_directives(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// `$retainKeys`: what the list does not name goes, and the patch may write nothing else.
fn retain_keys(original: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), PatchError> {
    let malformed = || PatchError::Malformed("invalid patch format of retainKeys".to_owned());
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let keys = keys.as_array().ok_or_else(malformed)?;
    let listed = |key: &String| keys.iter().any(|listed| listed.as_str() == Some(key));
    let directive = |key: &String| key.starts_with(DELETE_FROM_LIST) || key.starts_with(ELEMENT_ORDER);
    if patch.iter().any(|(key, value)| !value.is_null() && !directive(key) && !listed(key)) {
        return Err(malformed());
    }
    original.retain(|key, _| listed(key));
    Ok(())
}

/// Carries `$setElementOrder` out, together with what the patch says of the same list.
fn order_lists(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    schema: Option<&Node>,
) -> Result<(), PatchError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let order = list(patch.remove(&directive).unwrap_or_default())?;
        let key = directive_field(&directive, ELEMENT_ORDER)?;
        let before = original.get(key).cloned().map(list).transpose()?;
        let value = patch.get(key).cloned().map(list).transpose()?;
        let Some(schema) = field(schema, key)? else {
            return Err(PatchError::Contradiction(format!("unable to find api field \"{key}\"")));
        };
        let Some(ordered) = merge_ordered_list(before, value, order, schema)? else { continue };
        patch.remove(key);
        original.insert(key.to_owned(), Value::Array(ordered));
    }
    Ok(())
}

fn list(value: Value) -> Result<Vec<Value>, PatchError> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(unexpected_type("[]interface {}", &other)),
    }
}

/// The field that `$directive/field` is about.
fn directive_field<'a>(key: &'a str, directive: &str) -> Result<&'a str, PatchError> {
    let what = if directive == ELEMENT_ORDER { "setElementOrder list" } else { "primitive list" };
    let malformed = || PatchError::Malformed(format!("invalid patch format of {what}"));
    key.strip_prefix(directive).and_then(|rest| rest.strip_prefix('/')).ok_or_else(malformed)
}

/// The schema of a field. Where nothing is known, objects are merged and lists replaced.
fn field<'a>(schema: Option<&'a Node>, key: &str) -> Result<Option<&'a Node>, PatchError> {
    let Some(schema) = schema else { return Ok(None) };
    if let Some(field) = schema.properties.get(key) {
        return Ok(Some(field));
    }
    match &schema.additional {
        Some(_) => Err(PatchError::Contradiction(
            "merging an object in json but data type is not struct, instead is: map".to_owned(),
        )),
        None => Ok(None),
    }
}

fn unexpected_type(expected: &str, actual: &Value) -> PatchError {
    let actual = if actual.is_null() { "%!s(<nil>)" } else { go_type(actual) };
    PatchError::Contradiction(format!("expected a {expected}, but received a {actual}"))
}

fn unknown_directive(patch: &Map<String, Value>) -> PatchError {
    let directive = patch.get(DIRECTIVE).map(go_print).unwrap_or_default();
    let patch = go_print(&Value::Object(patch.clone()));
    PatchError::Contradiction(format!("unknown patch type: {directive} in map: {patch}"))
}
