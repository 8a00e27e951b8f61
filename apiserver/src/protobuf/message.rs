//! A message and its table of fields → JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::Malformed;
use super::table::{Field, Message, Repeated, Type, message_named};
use super::wire::{Fields, Raw};

/// JSON schemas in schemas nest deepest.
const DEPTH_MAX: usize = 100;

/// Reads a message that has fields.
pub(super) fn read(name: &str, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, Malformed> {
    let mut object = Map::new();
    if let Some(Message::Fields(fields)) = message_named(name) {
        if depth > DEPTH_MAX {
            return Err(Malformed::Deep { max: DEPTH_MAX });
        }
        for field in Fields::of(name, bytes) {
            let (number, raw) = field?;
            if let Some(field) = fields.iter().find(|field| field.number == number) {
                add(&mut object, name, field, raw, depth)?;
            }
        }
    }
    Ok(object)
}

fn add(
    object: &mut Map<String, Value>,
    message: &str,
    field: &Field,
    raw: Raw<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    let wrong = |expected: &str| Malformed::Type {
        message: message.to_owned(),
        field: field.name.unwrap_or("-").to_owned(),
        expected: expected.to_owned(),
    };
    let Some(name) = field.name else {
        let (Type::Message(inner), Raw::Bytes(bytes)) = (field.type_, raw) else { return Err(wrong("message")) };
        object.extend(read(inner, bytes, depth + 1)?);
        return Ok(());
    };
    match (field.repeated, raw) {
        (Repeated::Once, raw) => {
            let value = value(field.type_, raw, depth)?.ok_or_else(|| wrong(type_name(field.type_)))?;
            if field.keeps_zero || !is_zero(&value) {
                object.insert(name.to_owned(), value);
            }
        }
        (Repeated::List, raw) => {
            let item = value(field.type_, raw, depth)?.ok_or_else(|| wrong(type_name(field.type_)))?;
            if let Value::Array(items) = object.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                items.push(item);
            }
        }
        (Repeated::Map, Raw::Bytes(bytes)) => {
            let (mut key, mut item) = (String::new(), None);
            for part in Fields::of(message, bytes) {
                match part? {
                    (1, Raw::Bytes(text)) => key = String::from_utf8_lossy(text).into_owned(),
                    (2, raw) => item = value(field.type_, raw, depth)?,
                    _ => {}
                }
            }
            let item = item.unwrap_or_else(|| Value::String(String::new()));
            if let Value::Object(items) = object.entry(name).or_insert_with(|| Value::Object(Map::new())) {
                items.insert(key, item);
            }
        }
        (Repeated::Map, _) => return Err(wrong("map")),
    }
    Ok(())
}

/// The value, or nothing when it is not written as its type is.
fn value(type_: Type, raw: Raw<'_>, depth: usize) -> Result<Option<Value>, Malformed> {
    Ok(Some(match (type_, raw) {
        (Type::Bool, Raw::Varint(value)) => (value != 0).into(),
        (Type::Int, Raw::Varint(value)) => signed(value).into(),
        (Type::Double, Raw::Fixed64(bits)) => double(f64::from_bits(bits)),
        (Type::String, Raw::Bytes(bytes)) => String::from_utf8_lossy(bytes).into(),
        (Type::Bytes, Raw::Bytes(bytes)) => STANDARD.encode(bytes).into(),
        (Type::Message(name), Raw::Bytes(bytes)) => match special(name, bytes, depth)? {
            Some(value) => value,
            None => match message_named(name) {
                Some(Message::List(item)) => list(name, *item, bytes, depth)?,
                _ => Value::Object(read(name, bytes, depth + 1)?),
            },
        },
        _ => return Ok(None),
    }))
}

fn list(name: &str, item: Type, bytes: &[u8], depth: usize) -> Result<Value, Malformed> {
    let mut items = Vec::new();
    for field in Fields::of(name, bytes) {
        items.extend(value(item, field?.1, depth + 1)?);
    }
    Ok(Value::Array(items))
}

/// The messages whose JSON is not their fields.
fn special(name: &str, bytes: &[u8], depth: usize) -> Result<Option<Value>, Malformed> {
    let parts = || Fields::of(name, bytes).collect::<Result<Vec<_>, _>>();
    let integer = |parts: &[(u64, Raw<'_>)], number| match parts.iter().find(|(at, _)| *at == number) {
        Some((_, Raw::Varint(value))) => signed(*value),
        _ => 0,
    };
    let text = |parts: &[(u64, Raw<'_>)], number| match parts.iter().find(|(at, _)| *at == number) {
        Some((_, Raw::Bytes(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    Ok(Some(match name {
        "meta/v1.Time" | "meta/v1.MicroTime" => {
            let parts = parts()?;
            time(integer(&parts, 1), integer(&parts, 2), name == "meta/v1.MicroTime")
        }
        "quantity.Quantity" => text(&parts()?, 1).into(),
        "intstr.IntOrString" => {
            let parts = parts()?;
            if integer(&parts, 1) == 1 { text(&parts, 3).into() } else { integer(&parts, 2).into() }
        }
        // JSON as it stands.
        "meta/v1.FieldsV1" | "runtime.RawExtension" | "apiextensions/v1.JSON" => {
            serde_json::from_str(&text(&parts()?, 1)).unwrap_or(Value::Null)
        }
        "apiextensions/v1.JSONSchemaPropsOrBool" => {
            let mut object = read(name, bytes, depth + 1)?;
            object.remove("schema").unwrap_or_else(|| object.contains_key("allows").into())
        }
        "apiextensions/v1.JSONSchemaPropsOrArray" | "apiextensions/v1.JSONSchemaPropsOrStringArray" => {
            let mut object = read(name, bytes, depth + 1)?;
            let schema = object.remove("schema");
            schema.or_else(|| object.into_iter().next().map(|(_, list)| list)).unwrap_or(Value::Null)
        }
        _ => return Ok(None),
    }))
}

/// RFC 3339, as apimachinery writes its times; null for no time.
fn time(seconds: i64, nanoseconds: i64, micro: bool) -> Value {
    let nanoseconds = i32::try_from(nanoseconds).unwrap_or(0);
    match Timestamp::new(seconds, nanoseconds) {
        Ok(time) if micro && (seconds, nanoseconds) != (0, 0) => {
            time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into()
        }
        Ok(time) if !micro && seconds != 0 => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into(),
        _ => Value::Null,
    }
}

/// Negative numbers are written as the two's complement in 64 bits, whatever their width.
#[expect(clippy::cast_possible_wrap, reason = "the wire format's reading of a negative number")]
fn signed(value: u64) -> i64 {
    value as i64
}

/// Go writes a number without a fraction as an integer.
#[expect(clippy::cast_possible_truncation, reason = "the number is whole and small")]
fn double(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return (value as i64).into();
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// What `omitempty` leaves out. Empty objects stay, and an absent time is never written.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) | Value::Object(_) => false,
    }
}

fn type_name(type_: Type) -> &'static str {
    match type_ {
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Double => "double",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Message(name) => name,
    }
}
