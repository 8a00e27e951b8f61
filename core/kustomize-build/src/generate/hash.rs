//! The hash of a generated object's content, which ends its name.
//!
//! It is taken over Go's JSON of kind, data and a few fields more; labels, annotations and namespace do not count, and the name
//! is always empty, since kustomize looks for it in a field called `metadata/name`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use thalweg_yaml::kyaml::{self, Content, Node};
use thalweg_yaml::print::PrintError;
use thalweg_yaml::{Entry, Value};

use crate::Error;
use crate::load::json_float;
use crate::resource::Resource;

/// Characters of a hash.
const LENGTH: usize = 10;

/// The hash of a ConfigMap or Secret. Those of other kinds would depend on how the objects were written, and are refused.
pub(crate) fn of(resource: &Resource) -> Result<String, Error> {
    let refused =
        |problem: String| Error::Unhashed { place: resource.place.clone(), object: resource.id().to_string(), problem };
    match of_object(&resource.object) {
        Ok(Some(hash)) => Ok(hash),
        Ok(None) => Err(refused("only ConfigMaps and Secrets can have one".to_owned())),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn of_object(object: &Node) -> Result<Option<String>, PrintError> {
    let kind = object.get("kind").and_then(Node::as_str).unwrap_or_default();
    let fields: &[(&str, Presence)] = match kind {
        "ConfigMap" => &[("binaryData", Presence::Collection), ("data", Presence::Always)],
        "Secret" => &[("data", Presence::Always), ("stringData", Presence::Collection), ("type", Presence::Always)],
        _ => return Ok(None),
    };
    let mut members = vec![("kind", quoted(kind)), ("name", content(object.get("metadata/name"))?)];
    for (field, presence) in fields {
        let value = object.get(field);
        let is_collection = value.is_some_and(|value| !matches!(value.content, Content::Scalar(_)));
        if *presence == Presence::Always || is_collection {
            members.push((field, content(value)?));
        }
    }
    members.sort_unstable_by_key(|(field, _)| *field);
    let members: Vec<String> = members.into_iter().map(|(field, json)| format!("\"{field}\":{json}")).collect();
    Ok(Some(shown(&Sha256::digest(format!("{{{}}}", members.join(","))))))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// An absent one is an empty text.
    Always,
    /// Only when it is a mapping or a list.
    Collection,
}

/// The JSON of a field: a scalar as the text that it was written with, a list as null.
fn content(node: Option<&Node>) -> Result<String, PrintError> {
    let Some(node) = node else { return Ok("\"\"".to_owned()) };
    match &node.content {
        Content::Scalar(text) => Ok(quoted(text)),
        Content::Sequence(_) => kyaml::to_value(node).map(|_| "null".to_owned()),
        Content::Mapping(_) => {
            let mut json = String::new();
            write_json(&kyaml::to_value(node)?, &mut json);
            Ok(json)
        }
    }
}

/// Go's JSON of a value that was read from JSON: all numbers are floats, keys are in the order of their bytes.
fn write_json(value: &Value, json: &mut String) {
    match value {
        Value::Null => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => json.push_str(&json_float(*value as f64)),
        Value::UInt(value) => json.push_str(&json_float(*value as f64)),
        Value::Float(value) => json.push_str(&json_float(*value)),
        Value::String(text) => quote(text, json),
        Value::Sequence(items) => {
            json.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_json(&item.value, json);
            }
            json.push(']');
        }
        Value::Mapping(entries) => {
            let mut entries: Vec<&Entry> = entries.iter().collect();
            entries.sort_by(|left, right| left.key.cmp(&right.key));
            json.push('{');
            for (index, entry) in entries.into_iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                quote(&entry.key, json);
                json.push(':');
                write_json(&entry.value.value, json);
            }
            json.push('}');
        }
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    quote(text, &mut json);
    json
}

fn quote(text: &str, json: &mut String) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            _ => json.push(character),
        }
    }
    json.push('"');
}

/// The start of the hash in hexadecimal, without digits that make words or look like letters.
fn shown(digest: &[u8]) -> String {
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).take(LENGTH);
    digits
        .map(|digit| match digit {
            0x0 => 'g',
            0x1 => 'h',
            0x3 => 'k',
            0xa => 'm',
            0xe => 't',
            other => char::from_digit(u32::from(other), 16).unwrap_or('g'),
        })
        .collect()
}
