//! Whether a value has the types that Go would read it into, and what a decoder says when it has not.

use serde_json::{Number, Value};

use crate::field_error::go_kind;
use crate::node::{Node, Schema, Type};
use crate::time::Precision;
use crate::{quantity, time};

/// What the decoder of kube-apiserver says of a value of one of Kubernetes' own kinds, or of the metadata of a custom
/// resource: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
///
/// Nothing when the value can be read. Unknown fields are no error here: see [`unknown_fields`](crate::unknown_fields).
/// Of several errors it is the first in the order of the names; the server takes the order of the text.
pub fn type_error(schema: &Schema, value: &Value) -> Option<String> {
    let mut reader = Reader::default();
    match reader.read(schema, value) {
        Err(error) => Some(error),
        Ok(()) => reader.first,
    }
}

/// Errors of the decoder are kept until the end; those of types that read themselves end it at once.
#[derive(Default)]
struct Reader<'a> {
    first: Option<String>,
    /// The struct that holds the value.
    holder: &'a str,
    path: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, node: &'a Node, value: &'a Value) -> Result<(), String> {
        match (node.type_, value) {
            (_, Value::Null) | (Type::Any, _) => {}
            (Type::Quantity, Value::String(text)) => checked(quantity::canonical(text))?,
            (Type::Quantity, other) => checked(quantity::canonical(&other.to_string()))?,
            (Type::IntOrString, Value::String(_)) => {}
            (Type::IntOrString, Value::Number(number)) if is_integer(number, "int32") => {}
            (Type::IntOrString, other) => return Err(self.mismatch(&with_number(other), "int32")),
            (Type::String, Value::String(text)) if node.format == "date-time" => {
                checked(time::canonical(text, precision(node)))?;
            }
            (Type::String, other) if node.format == "date-time" => return Err(self.mismatch(go_kind(other), "string")),
            (Type::String, Value::String(text)) if node.format == "byte" => {
                if let Some(position) = base64_error(text) {
                    self.keep(format!("illegal base64 data at input byte {position}"));
                }
            }
            (Type::Integer, Value::Number(number)) if is_integer(number, &node.format) => {}
            (Type::Integer, Value::Number(_)) => self.keep(self.mismatch(&with_number(value), &node.go_type)),
            (Type::Boolean, Value::Bool(_)) | (Type::String, Value::String(_)) | (Type::Number, Value::Number(_)) => {}
            (Type::Array, Value::Array(items)) => {
                for (schema, item) in node.items.iter().cycle().zip(items) {
                    self.read(schema, item)?;
                }
            }
            (Type::Object, _) if node.preserve_unknown => {}
            (Type::Object, Value::Object(fields)) => {
                for (key, value) in fields {
                    match (node.properties.get(key), &node.additional) {
                        (Some(schema), _) => self.read_field(node, key, schema, value)?,
                        (None, Some(schema)) => self.read(schema, value)?,
                        (None, None) => {}
                    }
                }
            }
            (_, other) => self.keep(self.mismatch(go_kind(other), &node.go_type)),
        }
        Ok(())
    }

    fn read_field(&mut self, node: &'a Node, key: &'a str, schema: &'a Schema, value: &'a Value) -> Result<(), String> {
        let (holder, depth) = (self.holder, self.path.len());
        self.holder = node.go_type.rsplit('.').next().unwrap_or_default();
        self.path.extend((!schema.go_inlined.is_empty()).then_some(schema.go_inlined.as_str()));
        self.path.push(key);
        self.read(schema, value)?;
        self.path.truncate(depth);
        self.holder = holder;
        Ok(())
    }

    fn keep(&mut self, error: String) {
        self.first.get_or_insert(error);
    }

    fn mismatch(&self, found: &str, wanted: &str) -> String {
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {found} into Go value of type {wanted}");
        }
        let (holder, path) = (self.holder, self.path.join("."));
        format!("json: cannot unmarshal {found} into Go struct field {holder}.{path} of type {wanted}")
    }
}

fn checked<T, E: ToString>(read: Result<T, E>) -> Result<(), String> {
    read.map(drop).map_err(|error| error.to_string())
}

/// How exact the times of a field are.
pub(crate) fn precision(node: &Node) -> Precision {
    if node.go_type == "v1.MicroTime" { Precision::Microseconds } else { Precision::Seconds }
}

fn is_integer(number: &Number, format: &str) -> bool {
    number.as_i64().is_some_and(|number| format != "int32" || i32::try_from(number).is_ok())
}

/// A number that does not fit is named.
fn with_number(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("number {number}"),
        other => go_kind(other).to_string(),
    }
}

/// Where Go's decoder gives up, in bytes.
fn base64_error(text: &str) -> Option<usize> {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let symbols: Vec<(usize, u8)> =
        text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n')).collect();
    let digits = symbols.iter().take_while(|(_, byte)| is_digit(*byte)).count();
    let padding = &symbols[digits..];
    match (digits % 4, padding) {
        (0, []) | (2, [(_, b'='), (_, b'=')]) | (3, [(_, b'=')]) => None,
        (2, [(_, b'='), (_, b'='), (position, _), ..]) | (3, [(_, b'='), (position, _), ..]) => Some(*position),
        (2, [(_, b'=')]) => Some(text.len()),
        (2, [(_, b'='), (position, _), ..]) | (_, [(position, _), ..]) => Some(*position),
        (over, []) => Some(symbols[digits - over].0),
    }
}
