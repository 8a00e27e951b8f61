//! Kubernetes protobuf request bodies → JSON.
//!
//! client-go's typed clients send nothing else. A body is the text `k8s` and a zero byte, then a `runtime.Unknown` that says
//! the kind and holds the message. The fields of every message are in tables/protobuf.txt; the few messages whose JSON is not
//! their fields (times, quantities, JSON inside) are known by name here. Answers are never protobuf.

mod message;
mod table;
mod wire;

use serde_json::Value;

use crate::status::Status;

/// What a body begins with (apimachinery, runtime/serializer/protobuf).
const MAGIC: &[u8] = b"k8s\0";

/// Reads a body of type `application/vnd.kubernetes.protobuf`: the whole object, with `apiVersion` and `kind`.
///
/// # Errors
/// 400 when it is not such a body, or its kind is not in the table.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, Status> {
    read(bytes).map_err(|malformed| Status::bad_request(malformed.to_string()))
}

/// Why a body cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Malformed {
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Magic,
    #[error("no kind {kind:?} is registered for version {api_version:?}")]
    Kind { api_version: String, kind: String },
    #[error("the protobuf message {message} ends within a field")]
    Short { message: String },
    #[error("the protobuf message {message} holds a field of wire type {wire_type}")]
    WireType { message: String, wire_type: u8 },
    #[error("the protobuf field {field} of {message} is not of type {expected}")]
    Type { message: String, field: String, expected: String },
    #[error("protobuf messages are nested deeper than {max}")]
    Deep { max: usize },
}

fn read(bytes: &[u8]) -> Result<Value, Malformed> {
    let unknown = bytes.strip_prefix(MAGIC).ok_or(Malformed::Magic)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in wire::Fields::of("runtime.Unknown", unknown) {
        match field? {
            (1, wire::Raw::Bytes(type_meta)) => {
                for field in wire::Fields::of("runtime.TypeMeta", type_meta) {
                    match field? {
                        (1, wire::Raw::Bytes(text)) => api_version = String::from_utf8_lossy(text).into_owned(),
                        (2, wire::Raw::Bytes(text)) => kind = String::from_utf8_lossy(text).into_owned(),
                        _ => {}
                    }
                }
            }
            (2, wire::Raw::Bytes(message)) => raw = message,
            _ => {}
        }
    }
    let Some(name) = table::message_of(&api_version, &kind) else { return Err(Malformed::Kind { api_version, kind }) };
    let mut object = message::read(&name, raw, 0)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

#[cfg(test)]
mod tests;
