//! JSON patch (RFC 6902), as kube-apiserver applies it.
//!
//! The server departs from the RFC, and so does this: `replace` of a field that is not there adds it, `test` of a field that
//! is not there against null holds, `copy` of a field that is not there writes null, an index may be negative and counts
//! from the end, and nothing but `replace` and `test` may address the whole document.

use serde_json::{Map, Value};

use thalweg_schema::go_kind;

use crate::patch_error::PatchError;

/// Operations in one JSON patch, at most.
pub const JSON_PATCH_OPERATIONS_MAX: usize = 10_000;
/// Bytes that the `copy` operations of one patch may add, at most, as JSON: kube-apiserver's `JSONPatchMaxCopyBytes`.
const COPIED_BYTES_MAX: usize = 3 << 20;
/// Levels that a patched document may have; bodies that are read have no more.
const DEPTH_MAX: usize = 128;

/// `document` after the operations of `patch`, a list; all of them, or none.
///
/// # Errors
/// [`PatchError::Malformed`] when `patch` is no list of operations, [`PatchError::TooManyOperations`], and
/// [`PatchError::Inapplicable`] when an operation does not fit or a test fails.
pub fn json_patch(document: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = decode(patch)?;
    if operations.len() > JSON_PATCH_OPERATIONS_MAX {
        return Err(PatchError::TooManyOperations(operations.len()));
    }
    let mut patched = document.clone();
    let mut copied = 0;
    for operation in operations {
        apply(&mut patched, operation, &mut copied).map_err(|why| PatchError::Inapplicable { why })?;
    }
    if is_deeper(&patched, DEPTH_MAX) {
        return Err(PatchError::Inapplicable { why: too_deep() });
    }
    Ok(patched)
}

/// The operations, once their shapes are right. A null is an empty list, or an empty operation.
fn decode(patch: &Value) -> Result<Vec<Operation<'_>>, PatchError> {
    let decoding = |why: String| PatchError::Malformed(format!("error decoding patch: json: cannot unmarshal {why}"));
    let items = match patch {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        other => {
            return Err(decoding(format!("{} into Go value of type []handlers.jsonPatchOp", go_kind(other))));
        }
    };
    let mut operations = Vec::with_capacity(items.len());
    for item in items {
        let operation = match item {
            Value::Null => Operation(None),
            Value::Object(fields) => Operation(Some(fields)),
            other => return Err(decoding(format!("{} into Go value of type handlers.jsonPatchOp", go_kind(other)))),
        };
        for name in ["op", "path", "from"] {
            if let Some(value) = operation.field(name).filter(|value| !value.is_string() && !value.is_null()) {
                let kind = go_kind(value);
                return Err(decoding(format!("{kind} into Go struct field jsonPatchOp.{name} of type string")));
            }
        }
        operations.push(operation);
    }
    Ok(operations)
}

#[derive(Clone, Copy)]
struct Operation<'a>(Option<&'a Map<String, Value>>);

impl<'a> Operation<'a> {
    fn field(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name)
    }

    fn text(self, name: &str) -> Result<&'a str, String> {
        self.field(name).and_then(Value::as_str).ok_or_else(|| format!("the operation has no {name}"))
    }

    /// An operation without a value has the value null.
    fn value(self) -> Value {
        self.field("value").cloned().unwrap_or_default()
    }
}

fn apply(document: &mut Value, operation: Operation<'_>, copied: &mut usize) -> Result<(), String> {
    match operation.text("op").unwrap_or("unknown") {
        "add" => Place::find(document, operation.text("path")?)?.add(operation.value()),
        "remove" => Place::find(document, operation.text("path")?)?.remove().map(drop),
        "replace" => replace(document, operation.text("path")?, operation.value()),
        "test" => test(document, operation.text("path")?, &operation.value()),
        "move" => {
            let value = Place::find(document, operation.text("from")?)?.remove()?;
            if is_deeper(&value, DEPTH_MAX) {
                return Err(too_deep());
            }
            Place::find(document, operation.text("path")?)?.add(value)
        }
        "copy" => {
            let place = Place::find(document, operation.text("from")?)?;
            let value = match place.get()? {
                Some(value) if is_deeper(value, DEPTH_MAX) => return Err(too_deep()),
                Some(value) => value.clone(),
                None => Value::Null,
            };
            *copied += value.to_string().len();
            if *copied > COPIED_BYTES_MAX {
                return Err(format!(
                    "Unable to complete the copy, the accumulated size increase of copy is {copied}, exceeding the limit {COPIED_BYTES_MAX}"
                ));
            }
            Place::find(document, operation.text("path")?)?.add(value)
        }
        other => Err(format!("{other:?} is no operation")),
    }
}

fn too_deep() -> String {
    format!("the document would have more than {DEPTH_MAX} levels")
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| levels == 0 || is_deeper(value, levels - 1);
    match value {
        Value::Object(fields) => fields.values().any(below),
        Value::Array(items) => items.iter().any(below),
        _ => false,
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if !path.is_empty() {
        return Place::find(document, path)?.set(value);
    }
    if !value.is_object() && !value.is_array() {
        return Err("a document is an object or a list".to_owned());
    }
    *document = value;
    Ok(())
}

fn test(document: &mut Value, path: &str, expected: &Value) -> Result<(), String> {
    let holds = match path {
        "" => document == expected,
        _ => Place::find(document, path)?.get()?.unwrap_or(&Value::Null) == expected,
    };
    if holds { Ok(()) } else { Err(format!("the test of {path:?} failed")) }
}

/// A member of an object or of a list, there or not.
enum Place<'a> {
    Field(&'a mut Map<String, Value>, String),
    Item(&'a mut Vec<Value>, String),
}

impl<'a> Place<'a> {
    /// The place that a JSON pointer (RFC 6901) names; everything above it must be there.
    fn find(document: &'a mut Value, path: &str) -> Result<Self, String> {
        let missing = || format!("nothing is at {path:?}");
        let mut parts: Vec<String> = path.split('/').skip(1).map(unescape).collect();
        let last = parts.pop().ok_or_else(missing)?;
        if parts.len() >= DEPTH_MAX {
            return Err(too_deep());
        }
        let mut parent = document;
        for part in parts {
            let next = match parent {
                Value::Object(fields) => fields.get_mut(&part),
                Value::Array(items) => match index(&part, items.len()) {
                    Ok(index) => items.get_mut(index),
                    Err(_) => None,
                },
                _ => None,
            };
            parent = next.ok_or_else(missing)?;
        }
        match parent {
            Value::Object(fields) => Ok(Place::Field(fields, last)),
            Value::Array(items) => Ok(Place::Item(items, last)),
            _ => Err(missing()),
        }
    }

    fn get(&self) -> Result<Option<&Value>, String> {
        match self {
            Place::Field(fields, key) => Ok(fields.get(key)),
            Place::Item(items, key) => Ok(items.get(index(key, items.len())?)),
        }
    }

    fn set(self, value: Value) -> Result<(), String> {
        match self {
            Place::Field(fields, key) => {
                fields.insert(key, value);
            }
            Place::Item(items, key) => {
                let index = index(&key, items.len())?;
                items[index] = value;
            }
        }
        Ok(())
    }

    fn add(self, value: Value) -> Result<(), String> {
        match self {
            Place::Field(fields, key) => {
                fields.insert(key, value);
            }
            Place::Item(items, key) if key == "-" => items.push(value),
            Place::Item(items, key) => {
                let index = index(&key, items.len() + 1)?;
                items.insert(index, value);
            }
        }
        Ok(())
    }

    fn remove(self) -> Result<Value, String> {
        match self {
            Place::Field(fields, key) => fields.remove(&key).ok_or_else(|| format!("there is no field {key:?}")),
            Place::Item(items, key) => {
                let index = index(&key, items.len())?;
                Ok(items.remove(index))
            }
        }
    }
}

/// The index that `text` means where `length` places may be named; a negative one counts back from the end.
fn index(text: &str, length: usize) -> Result<usize, String> {
    let number: i64 = text.parse().map_err(|_| format!("{text:?} is no index"))?;
    let index = if number < 0 { length.checked_sub(number.unsigned_abs() as usize) } else { Some(number as usize) };
    index.filter(|index| *index < length).ok_or_else(|| format!("the list has no index {number}"))
}

/// `~1` is a slash and `~0` a tilde, read once from the left.
fn unescape(part: &str) -> String {
    let mut pieces = part.split('~');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.as_bytes().first() {
            Some(b'0') => text.extend(["~", &piece[1..]]),
            Some(b'1') => text.extend(["/", &piece[1..]]),
            _ => text.extend(["~", piece]),
        }
    }
    text
}
