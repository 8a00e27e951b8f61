//! What becomes of an object of one of Kubernetes' own kinds when it has been read into Go and written again.

use serde_json::{Map, Value};

use crate::node::{Node, Schema, Type, Written};
use crate::typing::precision;
use crate::unknown::schema_of_schemas;
use crate::{quantity, time};

/// Makes an object what kube-apiserver would answer: nulls and the empty values of fields with `omitempty` are gone, fields
/// that are always written are there (`status: {}`, `rules: null`), quantities and times are in their one form.
///
/// Custom resources keep what they hold; only their metadata is treated so ([`object_meta`](crate::kubernetes::object_meta)).
/// Values of the wrong type stay as they are: see [`type_error`](crate::type_error). Unknown fields stay too.
pub fn normalise(schema: &Schema, value: &mut Value) {
    if let Some(schema) = schema_of_schemas(schema) {
        match value {
            Value::Object(_) => normalise(&schema, value),
            Value::Array(items) => {
                items.iter_mut().filter(|item| item.is_object()).for_each(|item| normalise(&schema, item))
            }
            _ => {}
        }
        return;
    }
    match (schema.type_, value) {
        (Type::Quantity, value @ (Value::String(_) | Value::Number(_))) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
            if let Ok(canonical) = quantity::canonical(&text) {
                *value = canonical.into();
            }
        }
        (Type::String, Value::String(text)) if schema.format == "date-time" => {
            if let Ok(canonical) = time::canonical(text, precision(schema)) {
                *text = canonical;
            }
        }
        (Type::String, Value::String(text)) if schema.format == "byte" => {
            text.retain(|character| !"\r\n".contains(character))
        }
        (Type::Object, _) if schema.preserve_unknown => {}
        (Type::Object, Value::Object(fields)) if !schema.properties.is_empty() => complete(schema, fields),
        (Type::Object, Value::Object(values)) => {
            if let Some(schema) = &schema.additional {
                values.values_mut().for_each(|value| member(schema, value));
            }
        }
        (Type::Array, Value::Array(items)) => {
            if let Some(schema) = &schema.items {
                items.iter_mut().for_each(|item| member(schema, item));
            }
        }
        _ => {}
    }
}

/// The fields of a struct.
fn complete(node: &Node, fields: &mut Map<String, Value>) {
    for (name, schema) in &node.properties {
        let given = fields.remove(name).filter(|value| !value.is_null());
        let value = match (given, &schema.written) {
            (Some(value), _) => Some(normalised(schema, value)),
            (None, Written::Always(zero)) => Some(normalised(schema, zero.clone())),
            (None, _) => None,
        };
        let value = match &schema.written {
            Written::Nonempty => value.filter(|value| !is_empty(value)),
            Written::Always(Value::Null) => value.map(|value| if is_nil(schema, &value) { Value::Null } else { value }),
            _ => value,
        };
        if let Some(value) = value {
            fields.insert(name.clone(), value);
        }
    }
}

/// An item of a list or a value of a map: there null is the zero value.
fn member(schema: &Schema, value: &mut Value) {
    if value.is_null() {
        *value = match schema.type_ {
            Type::String if schema.format != "date-time" => "".into(),
            Type::Integer | Type::Number | Type::IntOrString => 0.into(),
            Type::Boolean => false.into(),
            Type::Quantity => "0".into(),
            Type::Object if !schema.properties.is_empty() => Value::Object(Map::new()),
            _ => Value::Null,
        };
    }
    normalise(schema, value);
}

fn normalised(schema: &Schema, mut value: Value) -> Value {
    normalise(schema, &mut value);
    value
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Lists and maps without members are nil when they come back from the store, which keeps protobuf.
fn is_nil(schema: &Schema, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(values) => values.is_empty() && schema.additional.is_some(),
        _ => false,
    }
}
