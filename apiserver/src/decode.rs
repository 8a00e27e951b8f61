//! The bytes of a request body → JSON, naming the keys that were given twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
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
/// Keys given twice that are told, at most: as many as apimachinery tells.
const DUPLICATES_MAX: usize = 100;
/// Values, and bytes of texts, that YAML may stand for once its aliases are followed.
const YAML_SIZE_MAX: usize = 16 << 20;

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
    let (mut duplicates, mut left) = (Vec::new(), usize::MAX);
    let seed = Strict { path: "", duplicates: &mut duplicates, left: &mut left };
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
    let (mut duplicates, mut left) = (Vec::new(), YAML_SIZE_MAX);
    let seed = Strict { path: "", duplicates: &mut duplicates, left: &mut left };
    let value =
        seed.deserialize(serde_yaml::Deserializer::from_slice(bytes)).map_err(|error| format!("yaml: {error}"))?;
    Ok(Decoded { value, duplicates })
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
    /// Values and bytes of texts that may still come.
    left: &'a mut usize,
}

impl Strict<'_> {
    fn spend<E: Error>(&mut self, size: usize) -> Result<(), E> {
        *self.left = self.left.checked_sub(size).ok_or_else(|| E::custom("document contains excessive aliasing"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        self.spend(1)?;
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

    fn visit_str<E: Error>(mut self, value: &str) -> Result<Value, E> {
        self.spend(value.len())?;
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, items.len());
            match sequence.next_element_seed(Strict { path: &path, duplicates: self.duplicates, left: self.left })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            self.spend(key.len())?;
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            let seed = Strict { path: &path, duplicates: self.duplicates, left: self.left };
            let value = access.next_value_seed(seed)?;
            let given_twice = map.insert(key, value).is_some();
            if given_twice && self.duplicates.len() < DUPLICATES_MAX && !self.duplicates.contains(&path) {
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
    fn only_so_many_keys_that_are_given_twice_are_named() {
        let fields: Vec<_> = (0..5_000).map(|key| format!(r#""k{key}": 1, "k{key}": 2"#)).collect();
        let decoded = json(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap();
        assert_eq!((decoded.duplicates.len(), decoded.value["k4999"].as_i64()), (DUPLICATES_MAX, Some(2)));
    }

    #[test]
    fn aliases_of_yaml_are_followed_within_reason() {
        let decoded = yaml(b"a: &a [x, y]\nb: *a\n").unwrap();
        assert_eq!(decoded.value, json!({"a": ["x", "y"], "b": ["x", "y"]}));
        let bomb = format!("a: &a [{}]\nb: [{}]\n", "xx,".repeat(10_000), "*a,".repeat(10_000));
        let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a,".repeat(10_000));
        for body in [bomb, text] {
            let error = yaml(body.as_bytes()).unwrap_err();
            assert!(error.contains("document contains excessive aliasing"), "{error}");
        }
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
