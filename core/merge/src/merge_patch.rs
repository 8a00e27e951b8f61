//! JSON merge patch (RFC 7396), as kube-apiserver applies it.

use serde_json::{Map, Value};

use thalweg_schema::go_kind;

use crate::patch_error::PatchError;

/// `document` with the fields of `patch`; a null removes a field.
///
/// Unlike in the RFC, nulls also go from objects inside a list where the list is new or replaces something that was no object.
pub fn merge_patch(document: &Value, patch: &Value) -> Value {
    match (document, patch) {
        (Value::Object(document), Value::Object(patch)) => Value::Object(merge(document, patch)),
        (Value::Object(_), other) => other.clone(),
        (_, other) => without_nulls(other.clone()),
    }
}

/// Whether kube-apiserver takes `patch` for a merge patch of an object: only an object is one.
///
/// # Errors
/// [`PatchError::Malformed`] with the server's words.
pub fn check_merge_patch(patch: &Value) -> Result<(), PatchError> {
    match patch {
        Value::Object(_) => Ok(()),
        Value::Null => Err(PatchError::Malformed("Invalid JSON Patch".to_owned())),
        other => Err(PatchError::Malformed(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            go_kind(other)
        ))),
    }
}

fn merge(document: &Map<String, Value>, patch: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = document.clone();
    for (key, value) in patch {
        let before = merged.get(key).unwrap_or(&Value::Null);
        match value {
            Value::Null => merged.remove(key),
            value => merged.insert(key.clone(), merge_patch(before, value)),
        };
    }
    merged
}

/// A value without the null fields of its objects; the nulls of its lists stay.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
