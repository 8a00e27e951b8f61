//! Reading and writing within an object by dotted paths, such as `spec.template.spec`.

use serde_json::{Map, Value, json};

/// The fields of an object.
pub(crate) type Fields = Map<String, Value>;

/// What stands at a path.
pub(crate) fn at<'a>(object: &'a Fields, path: &str) -> Option<&'a Value> {
    let (first, rest) = split(path);
    let value = object.get(first)?;
    rest.map_or(Some(value), |rest| at(value.as_object()?, rest))
}

/// The text at a path; empty when there is none.
pub(crate) fn text<'a>(object: &'a Fields, path: &str) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The items of the list at a path.
pub(crate) fn list<'a>(object: &'a Fields, path: &str) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The objects in the list at a path, to change them.
pub(crate) fn list_mut<'a>(object: &'a mut Fields, path: &str) -> impl Iterator<Item = &'a mut Fields> {
    at_mut(object, path).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// The map at a path, to read it.
pub(crate) fn map<'a>(object: &'a Fields, path: &str) -> Option<&'a Fields> {
    at(object, path)?.as_object()
}

/// What stands at a path, to change it.
pub(crate) fn at_mut<'a>(object: &'a mut Fields, path: &str) -> Option<&'a mut Value> {
    let (first, rest) = split(path);
    let value = object.get_mut(first)?;
    match rest {
        None => Some(value),
        Some(rest) => at_mut(value.as_object_mut()?, rest),
    }
}

/// The map at a path, made when it is not there.
pub(crate) fn map_at<'a>(object: &'a mut Fields, path: &str) -> &'a mut Fields {
    let (first, rest) = split(path);
    let value = object.entry(first).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    let inner = value.as_object_mut().expect("it was made a map above");
    match rest {
        None => inner,
        Some(rest) => map_at(inner, rest),
    }
}

/// Puts a value at a path, and the maps that lead to it.
pub(crate) fn put(object: &mut Fields, path: &str, value: impl Into<Value>) {
    let value = value.into();
    match path.rsplit_once('.') {
        None => object.insert(path.into(), value),
        Some((parent, last)) => map_at(object, parent).insert(last.into(), value),
    };
}

/// Takes away what stands at a path.
pub(crate) fn take(object: &mut Fields, path: &str) -> Option<Value> {
    match path.rsplit_once('.') {
        None => object.remove(path),
        Some((parent, last)) => at_mut(object, parent)?.as_object_mut()?.remove(last),
    }
}

fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)))
}
