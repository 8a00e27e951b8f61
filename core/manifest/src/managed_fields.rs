//! What server-side apply granted to a field manager.
//!
//! Mirrors the `fieldsV1` format of `metadata.managedFields` (Kubernetes, "Server-Side Apply"): `f:<name>` is a field,
//! `k:{…}` an item of a list by its keys, `v:<value>` an item of a set, `.` the item itself; a leaf is an empty map.

use serde_json::{Map, Value};

/// The Apply entry of one manager: the fields that its last apply was granted and still owns.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplyEntry<'a> {
    /// When the server last changed the entry, as the server wrote it.
    pub time: Option<&'a str>,
    /// The fields, in `fieldsV1` form.
    pub fields: &'a Map<String, Value>,
}

/// The Apply entry of `manager` in `metadata.managedFields`, if it has one outside of subresources.
pub fn apply_entry<'a>(managed_fields: &'a [Value], manager: &str) -> Option<ApplyEntry<'a>> {
    managed_fields.iter().find_map(|entry| {
        let is_ours = entry.get("manager").and_then(Value::as_str) == Some(manager)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
            && entry.get("subresource").and_then(Value::as_str).unwrap_or_default().is_empty();
        let fields = entry.get("fieldsV1").and_then(Value::as_object).filter(|_| is_ours)?;
        Some(ApplyEntry { time: entry.get("time").and_then(Value::as_str), fields })
    })
}

/// Whether `fields` hold every field that applying `desired` asks for.
///
/// Not asked for: apiVersion, kind, the name and namespace, status, and nulls, which the server never grants.
/// A field that the server drops (an unknown one, say) counts as not covered: the caller must then ask the server.
pub fn covers(fields: &Map<String, Value>, desired: &Map<String, Value>) -> bool {
    desired.iter().all(|(name, value)| match name.as_str() {
        "apiVersion" | "kind" | "status" => true,
        "metadata" => match value.as_object() {
            None => true,
            Some(metadata) => metadata.iter().all(|(name, value)| match name.as_str() {
                "name" | "namespace" | "creationTimestamp" => true,
                _ => field_covers(fields.get("f:metadata"), name, value),
            }),
        },
        _ => value.is_null() || child(fields, name).is_some_and(|granted| value_covers(granted, value)),
    })
}

fn field_covers(parent: Option<&Value>, name: &str, value: &Value) -> bool {
    value.is_null()
        || parent
            .and_then(Value::as_object)
            .and_then(|parent| child(parent, name))
            .is_some_and(|granted| value_covers(granted, value))
}

fn child<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    fields.get(&format!("f:{name}")).and_then(Value::as_object)
}

/// An empty grant is a leaf or an atomic value: all of `value` is covered.
fn value_covers(granted: &Map<String, Value>, value: &Value) -> bool {
    if granted.is_empty() {
        return true;
    }
    match value {
        Value::Object(entries) => entries.iter().all(|(name, value)| {
            value.is_null() || child(granted, name).is_some_and(|granted| value_covers(granted, value))
        }),
        Value::Array(items) => items.iter().all(|item| item_covers(granted, item)),
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn item_covers(granted: &Map<String, Value>, item: &Value) -> bool {
    granted.iter().any(|(selector, granted)| {
        if let Some(keys) = selector.strip_prefix("k:") {
            // A key that the item leaves out was defaulted by the server.
            serde_json::from_str::<Map<String, Value>>(keys).is_ok_and(|keys| {
                keys.iter().all(|(name, key)| item.get(name).is_none_or(|value| value == key))
                    && granted.as_object().is_some_and(|granted| value_covers(granted, item))
            })
        } else if let Some(value) = selector.strip_prefix("v:") {
            serde_json::from_str::<Value>(value).is_ok_and(|value| &value == item)
        } else {
            false
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(fields: Value, desired: Value, covered: bool) {
        let fields = fields.as_object().expect("a map").clone();
        let desired = desired.as_object().expect("a map").clone();
        assert_eq!(covers(&fields, &desired), covered, "{desired:?} by {fields:?}");
    }

    #[test]
    fn a_field_is_covered_by_its_own_entry_or_by_an_atomic_parent() {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1", "b": null}});
        check(json!({"f:data": {"f:a": {}}}), object.clone(), true);
        check(json!({"f:data": {}}), object.clone(), true);
        check(json!({"f:data": {".": {}, "f:b": {}}}), object.clone(), false);
        check(json!({}), object, false);
    }

    #[test]
    fn labels_count_and_the_name_does_not() {
        let object =
            json!({"metadata": {"name": "a", "namespace": "b", "creationTimestamp": null, "labels": {"x": "1"}}});
        check(json!({"f:metadata": {"f:labels": {"f:x": {}}}}), object.clone(), true);
        check(json!({"f:metadata": {"f:labels": {"f:y": {}}}}), object, false);
    }

    #[test]
    fn items_are_found_by_their_keys_and_a_defaulted_key_matches() {
        let object = json!({"spec": {"ports": [{"port": 80, "name": "http"}]}});
        let key = r#"k:{"port":80,"protocol":"TCP"}"#;
        check(json!({"f:spec": {"f:ports": {key: {".": {}, "f:port": {}, "f:name": {}}}}}), object.clone(), true);
        check(json!({"f:spec": {"f:ports": {key: {".": {}, "f:port": {}}}}}), object, false);
    }

    #[test]
    fn items_of_a_set_are_found_by_value() {
        let object = json!({"metadata": {"finalizers": ["a/b"]}});
        check(json!({"f:metadata": {"f:finalizers": {".": {}, r#"v:"a/b""#: {}}}}), object.clone(), true);
        check(json!({"f:metadata": {"f:finalizers": {".": {}, r#"v:"c/d""#: {}}}}), object, false);
    }

    #[test]
    fn only_the_managers_own_apply_entry_counts() {
        let entries = [
            json!({"manager": "k", "operation": "Update", "fieldsV1": {"f:a": {}}}),
            json!({"manager": "k", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:b": {}}}),
            json!({"manager": "k", "operation": "Apply", "time": "t", "fieldsV1": {"f:c": {}}}),
        ];
        let entry = apply_entry(&entries, "k").expect("an Apply entry");
        assert_eq!((entry.time, entry.fields.contains_key("f:c")), (Some("t"), true));
        assert_eq!(apply_entry(&entries[..2], "k"), None);
    }
}
