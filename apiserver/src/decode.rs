//! The bytes of a request body → JSON, naming the keys that were given twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use thalweg_schema::go_kind;

use crate::protobuf;
use crate::request::Payload;
use crate::status::Status;

/// The media type of protobuf bodies.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/// Bytes of a body that an error quotes, at most.
const SUMMARY_BYTES: usize = 30;

/// A body that was read.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// Paths of keys that were given twice, such as `metadata.name`; the last one counts.
    pub(crate) duplicates: Vec<String>,
}

/// Reads an object of this kind from a body.
pub(crate) fn object(payload: &Payload, kind: &str) -> Result<Decoded, Status> {
    let unrecognized = |error: String, bytes: &[u8]| {
        let summary = summary(bytes);
        let must = format!("must be of type {kind}");
        let version = "couldn't get version/kind; json parse error";
        Status::bad_request(format!("the object provided is unrecognized ({must}): {version}: {error} ({summary})"))
    };
    let decoded = match payload {
        Payload::Read(_, value) => Decoded { value: value.clone(), duplicates: Vec::new() },
        Payload::Empty => return Err(unrecognized("unexpected end of JSON input".into(), &[])),
        Payload::Raw(media, bytes) => match media_type(media) {
            "" | "*/*" | "application/json" => json(bytes).map_err(|error| unrecognized(error, bytes))?,
            "application/yaml" | "application/x-yaml" => yaml(bytes).map_err(|error| unrecognized(error, bytes))?,
            PROTOBUF => Decoded { value: protobuf::decode(bytes)?, duplicates: Vec::new() },
            _ => return Err(Status::unsupported_media_type(ACCEPTED)),
        },
    };
    match &decoded.value {
        Value::Object(_) => Ok(decoded),
        other => {
            let (go, bytes) = (go_kind(other), other.to_string());
            let into = r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
            Err(unrecognized(format!("json: cannot unmarshal {go} into Go value of type {into}"), bytes.as_bytes()))
        }
    }
}

/// The refusal of a custom object that does not say what it is.
pub(crate) fn without_kind(object: &Value, kind: &str) -> Status {
    let text = object.to_string();
    let summary = summary(text.as_bytes());
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): Object 'Kind' is missing in '{text}' ({summary})"
    ))
}

/// A media type without its parameters.
pub(crate) fn media_type(header: &str) -> &str {
    header.split(';').next().unwrap_or_default().trim()
}

/// Reads JSON; the error is worded as Go's.
pub(crate) fn json(bytes: &[u8]) -> Result<Decoded, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut duplicates = Vec::new();
    let seed = Strict { path: "", duplicates: &mut duplicates };
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    let value = value.map_err(|error| {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match first {
            _ if error.is_eof() => "unexpected end of JSON input".to_owned(),
            Some(&byte) if !b"{[\"-0123456789tfn".contains(&byte) => {
                format!("invalid character '{}' looking for beginning of value", char::from(byte))
            }
            _ => error.to_string(),
        }
    })?;
    Ok(Decoded { value, duplicates })
}

/// Reads the first document of YAML, of which JSON is a part.
pub(crate) fn yaml(bytes: &[u8]) -> Result<Decoded, String> {
    if let Ok(decoded) = json(bytes) {
        return Ok(decoded);
    }
    let value: Value = serde_yaml::from_slice(bytes).map_err(|error| format!("yaml: {error}"))?;
    Ok(Decoded { value, duplicates: Vec::new() })
}

fn summary(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(SUMMARY_BYTES)];
    let text = match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(cut).into_owned(),
        Some(_) => cut.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    if bytes.len() > cut.len() { format!("{text} ...") } else { text }
}

struct Strict<'a> {
    path: &'a str,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, items.len());
            match sequence.next_element_seed(Strict { path: &path, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            let value = access.next_value_seed(Strict { path: &path, duplicates: self.duplicates })?;
            if map.insert(key, value).is_some() && !self.duplicates.contains(&path) {
                self.duplicates.push(path);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_are_given_twice_are_named() {
        let decoded = json(br#"{"a": {"b": 1, "b": 2}, "c": [{"d": 1, "d": 1.5}]}"#).unwrap();
        assert_eq!(decoded.value, json!({"a": {"b": 2}, "c": [{"d": 1.5}]}));
        assert_eq!(decoded.duplicates, ["a.b", "c[0].d"]);
    }

    #[test]
    fn what_is_no_object_is_refused_in_the_servers_words() {
        let check = |body: &str, expected: &str| {
            let payload = Payload::Raw("application/json".into(), body.to_owned().into());
            assert_eq!(object(&payload, "ConfigMap").unwrap_err().message, expected);
        };
        let start = "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error:";
        check(
            "{\"metadata\":{\"name\":\"a\"",
            &format!("{start} unexpected end of JSON input ({{\"metadata\":{{\"name\":\"a\")"),
        );
        check("", &format!("{start} unexpected end of JSON input (<empty>)"));
        check(
            "[]",
            &format!(
                "{start} json: cannot unmarshal array into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }} (5b5d)"
            ),
        );
    }
}
