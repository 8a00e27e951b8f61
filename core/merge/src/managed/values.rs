//! JSON values as Go compares, orders and prints them.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};
use thalweg_schema::quoted;

/// Below this, floats are integers exactly.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Whether two values are equal; 1 and 1.0 are.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order_numbers(left, right) == Ordering::Equal,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| equal(value, other)))
        }
        (left, right) => left == right,
    }
}

/// Whether two objects are equal but for their managedFields.
pub(super) fn equal_but_managed_fields(left: &Value, right: &Value) -> bool {
    fn fields<'v>(value: &'v Value, without: &str) -> Vec<(&'v String, &'v Value)> {
        value.as_object().into_iter().flatten().filter(|(name, _)| *name != without).collect()
    }
    fn alike(left: &[(&String, &Value)], right: &[(&String, &Value)]) -> bool {
        left.len() == right.len()
            && left.iter().zip(right).all(|(left, right)| left.0 == right.0 && equal(left.1, right.1))
    }
    let null = Value::Null;
    let metadata = |object: &Value| object.get("metadata").is_some();
    let (left_metadata, right_metadata) =
        (left.get("metadata").unwrap_or(&null), right.get("metadata").unwrap_or(&null));
    metadata(left) == metadata(right)
        && alike(&fields(left, "metadata"), &fields(right, "metadata"))
        && alike(&fields(left_metadata, "managedFields"), &fields(right_metadata, "managedFields"))
}

/// The order of the values that tell list items apart: numbers, texts, booleans, lists, maps, null.
pub(super) fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => order_numbers(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Array(left), Value::Array(right)) => {
            let different = left.iter().zip(right).map(|(left, right)| order(left, right)).find(|order| order.is_ne());
            different.unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (Value::Object(left), Value::Object(right)) => {
            let pairs = left.iter().zip(right);
            let mut orders = pairs.map(|(left, right)| left.0.cmp(right.0).then_with(|| order(left.1, right.1)));
            orders.find(|order| order.is_ne()).unwrap_or_else(|| left.len().cmp(&right.len()))
        }
        (left, right) => rank(left).cmp(&rank(right)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Bool(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

fn order_numbers(left: &Number, right: &Number) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
    }
}

/// A value as Go writes JSON: safe inside HTML, and without a fraction where there is none.
pub(super) fn json(value: &Value) -> String {
    let text = whole_numbers(value).to_string();
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 10);
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped += &format!("\\u{:04x}", character as u32),
            other => escaped.push(other),
        }
    }
    escaped
}

fn whole_numbers(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < WHOLE_MAX => {
                Cow::Owned(Value::from(float as i64))
            }
            _ => Cow::Borrowed(value),
        },
        Value::Array(items) => Cow::Owned(items.iter().map(|item| whole_numbers(item).into_owned()).collect()),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), whole_numbers(value).into_owned()));
            Cow::Owned(Value::Object(fields.collect()))
        }
        _ => Cow::Borrowed(value),
    }
}

/// A value as Go's `%v` prints it.
pub(super) fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_string(),
        Value::String(text) => text.clone(),
        Value::Number(number) => printed_number(number),
        Value::Bool(value) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}:{}", printed(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

/// A value as Go's `%#v` prints it.
pub(super) fn printed_as_source(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_string(),
        Value::String(text) => quoted(text),
        Value::Number(number) => printed_number(number),
        Value::Bool(value) => value.to_string(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(printed_as_source).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{}:{}", quoted(name), printed_as_source(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
    }
}

/// Integers as they are; floats with an exponent, of two digits at least, from a million on and below 10⁻⁴.
fn printed_number(number: &Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    if float == 0.0 || (1e-4..1e6).contains(&float.abs()) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}
