//! JSON values as CEL values, by their schema, as Kubernetes' `UnstructuredToVal` makes them.
//!
//! Fields that the schema does not specify are not there. Names that are no CEL identifiers are escaped: `__dash__` …

use std::collections::HashMap;

use base64::Engine;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
};
use cel::common::value::Val;
use serde_json::Value as Json;
use thalweg_schema::{Node, Type};

use crate::foreign::Foreign;
use crate::time::{Duration, Timestamp};

/// A value as CEL handles it.
pub(crate) type Value = Box<dyn Val>;

/// A value as rules see it. `resource` is whether it is a whole object, of which rules see apiVersion, kind and its names.
pub(crate) fn value(json: &Json, schema: &Node, resource: bool) -> Value {
    match json {
        Json::Null => Box::new(CelNull),
        Json::Bool(flag) => Box::new(CelBool::from(*flag)),
        Json::Number(number) => match number.as_i64() {
            Some(whole) if schema.type_ != Type::Number => Box::new(CelInt::from(whole)),
            _ => Box::new(CelDouble::from(number.as_f64().unwrap_or_default())),
        },
        Json::String(text) => string(text, schema),
        Json::Array(items) => {
            let anything = Node::default();
            let schema = schema.items.as_deref().unwrap_or(&anything);
            let items: Vec<Value> = items.iter().map(|item| value(item, schema, schema.embedded_resource)).collect();
            Box::new(CelList::from(items))
        }
        Json::Object(fields) if schema.type_ == Type::Any && !resource => map(fields.iter().map(|(key, field)| {
            let schema = schema.properties.get(key);
            (key.clone(), schema.map_or_else(|| untyped(field), |schema| value(field, schema, false)))
        })),
        Json::Object(fields) => map(fields.iter().filter_map(|(key, field)| {
            if let Some(schema) = schema.properties.get(key).filter(|_| !resource || key != "metadata") {
                return Some((escape(key), value(field, schema, schema.embedded_resource)));
            }
            if let Some(schema) = &schema.additional {
                return Some((key.clone(), value(field, schema, schema.embedded_resource)));
            }
            match key.as_str() {
                "apiVersion" | "kind" if resource => Some((key.clone(), untyped(field))),
                "metadata" if resource => Some((key.clone(), names(field))),
                _ => None,
            }
        })),
    }
}

/// The value that `oldSelf` has in a rule with `optionalOldSelf`.
pub(crate) fn optional(value: Option<Value>) -> Value {
    Box::new(CelOptional::from(value))
}

fn string(text: &str, schema: &Node) -> Value {
    let read: Option<Value> = match (schema.type_, schema.format.as_str()) {
        (Type::String, "byte") => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
            bytes.map(|bytes| Box::new(CelBytes::from(bytes)) as Value)
        }
        (Type::String, "date-time") => Timestamp::parse(text).map(|time| Box::new(Foreign(time)) as Value),
        (Type::String, "date") => {
            Timestamp::parse(&format!("{text}T00:00:00Z")).map(|time| Box::new(Foreign(time)) as Value)
        }
        (Type::String, "duration") => Duration::parse(text).map(|duration| Box::new(Foreign(duration)) as Value),
        _ => None,
    };
    read.unwrap_or_else(|| Box::new(CelString::from(text.to_owned())))
}

/// A value of which nothing is known.
fn untyped(json: &Json) -> Value {
    value(json, &Node::default(), false)
}

/// What rules see of an object's metadata.
fn names(metadata: &Json) -> Value {
    let names = ["name", "generateName"].into_iter();
    map(names.filter_map(|name| Some((name.to_owned(), untyped(metadata.get(name)?)))))
}

fn map(fields: impl Iterator<Item = (String, Value)>) -> Value {
    let fields: HashMap<CelMapKey<'static>, Value> = fields.map(|(key, value)| (CelMapKey::from(key), value)).collect();
    Box::new(CelMap::from(fields))
}

const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The CEL identifier of a field.
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    let escaped = name.replace("__", "__underscores__");
    escaped.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}

/// The field that a CEL identifier means.
pub(crate) fn unescape(identifier: &str) -> String {
    let keyword = identifier.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    if let Some(keyword) = keyword.filter(|keyword| RESERVED.contains(keyword)) {
        return keyword.to_owned();
    }
    let name = identifier.replace("__dot__", ".").replace("__dash__", "-").replace("__slash__", "/");
    name.replace("__underscores__", "__")
}
