//! JSON schemas as kube-openapi reads them: which JSON is one, and what of it merging needs.

use std::fmt;

use serde_json::{Map, Value};
use thalweg_yaml::kyaml::Text;

use super::shape::{Reference, Shape};

/// Why JSON is no schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// From the outermost schema, steps separated by dots.
    path: String,
    expected: &'static str,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} must be {}", self.path.trim_start_matches('.'), self.expected)
    }
}

impl Mismatch {
    pub(crate) fn new(path: &str, expected: &'static str) -> Self {
        Self { path: path.to_owned(), expected }
    }

    /// The same, seen from the schema around it.
    pub(crate) fn inside(mut self, step: &str) -> Self {
        self.path = format!(".{step}{}", self.path);
        self
    }
}

/// Whether every keyword has a value of its type. Null is the same as absent, and keywords that nobody knows may be anything.
pub(crate) fn check(schema: &Value) -> Result<(), Mismatch> {
    match schema {
        Value::Null => Ok(()),
        Value::Object(keywords) => keywords
            .iter()
            .filter(|(_, value)| !value.is_null())
            .try_for_each(|(keyword, value)| keyword_holds(keyword, value).map_err(|found| found.inside(keyword))),
        _ => Err(Mismatch::new("", "a mapping")),
    }
}

fn keyword_holds(keyword: &str, value: &Value) -> Result<(), Mismatch> {
    let must = |holds: bool, expected| if holds { Ok(()) } else { Err(Mismatch::new("", expected)) };
    match keyword {
        "id" | "description" | "format" | "title" | "pattern" | "discriminator" => must(value.is_string(), "a text"),
        "nullable" | "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" | "readOnly" => {
            must(value.is_boolean(), "true or false")
        }
        "maximum" | "minimum" | "multipleOf" => must(value.is_number(), "a number"),
        "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties" => {
            must(value.is_i64(), "an integer")
        }
        "type" => must(value.is_string() || is_texts(value), "a text or a list of texts"),
        "required" => must(is_texts(value), "a list of texts"),
        "enum" => must(value.is_array(), "a list"),
        "externalDocs" => must(is_link(value), "a mapping with texts"),
        "not" => check(value),
        "allOf" | "oneOf" | "anyOf" => match value {
            Value::Array(schemas) => schemas.iter().try_for_each(check),
            _ => Err(Mismatch::new("", "a list of schemas")),
        },
        "items" => match value {
            Value::Array(schemas) => schemas.iter().try_for_each(check),
            Value::Object(_) => check(value),
            _ => Ok(()),
        },
        "additionalProperties" | "additionalItems" => match value {
            Value::Object(_) => check(value),
            _ => must(value.is_boolean(), "a schema, true or false"),
        },
        "properties" | "patternProperties" | "definitions" => check_all(value),
        "dependencies" => match value {
            Value::Object(entries) => entries.values().try_for_each(|value| match value {
                Value::Object(_) => check(value),
                Value::Array(_) => must(is_texts(value), "a schema or a list of texts"),
                _ => Ok(()),
            }),
            _ => Err(Mismatch::new("", "a mapping")),
        },
        _ => Ok(()),
    }
}

/// Whether it is a mapping to schemas.
pub(super) fn check_all(value: &Value) -> Result<(), Mismatch> {
    match value {
        Value::Null => Ok(()),
        Value::Object(schemas) => {
            schemas.iter().try_for_each(|(name, schema)| check(schema).map_err(|found| found.inside(name)))
        }
        _ => Err(Mismatch::new("", "a mapping to schemas")),
    }
}

fn is_link(value: &Value) -> bool {
    let is_text = |key| value.get(key).is_none_or(|value| value.is_string() || value.is_null());
    value.is_object() && is_text("description") && is_text("url")
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(|item| item.is_string() || item.is_null()))
}

/// Whether a schema that [`check`] passed says nothing at all, so that it counts as absent.
pub(super) fn is_blank(schema: &Map<String, Value>) -> bool {
    schema.iter().all(|(keyword, value)| match keyword.as_str() {
        "$ref" => !value.is_string(),
        "$schema" => value.as_str().is_none_or(str::is_empty),
        "id" | "description" | "format" | "title" | "pattern" | "discriminator" => {
            value.as_str().is_none_or(str::is_empty)
        }
        "nullable" | "exclusiveMaximum" | "exclusiveMinimum" | "uniqueItems" | "readOnly" => {
            value.as_bool() != Some(true)
        }
        "default"
        | "example"
        | "type"
        | "maximum"
        | "minimum"
        | "multipleOf"
        | "maxLength"
        | "minLength"
        | "maxItems"
        | "minItems"
        | "maxProperties"
        | "minProperties"
        | "enum"
        | "required"
        | "items"
        | "allOf"
        | "oneOf"
        | "anyOf"
        | "not"
        | "properties"
        | "additionalProperties"
        | "patternProperties"
        | "dependencies"
        | "additionalItems"
        | "definitions"
        | "externalDocs" => value.is_null(),
        _ => false,
    })
}

impl Shape {
    /// Of a schema that [`check`] passed.
    pub(super) fn of(schema: &Value) -> Self {
        let mut shape = Self::blank();
        shape.reference = schema.get("$ref").and_then(Value::as_str).map(Reference::of);
        if let Some(Value::Object(properties)) = schema.get("properties") {
            shape.properties = properties.iter().map(|(name, schema)| (Text::from(name), Self::of(schema))).collect();
            shape.properties.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        }
        let inner = |schema: Option<&Value>| schema.filter(|schema| schema.is_object()).map(Self::of).map(Box::new);
        shape.additional = inner(schema.get("additionalProperties"));
        if is_list(schema.get("type")) {
            shape.elements = inner(schema.get("items"));
        }
        if let Some(strategy) = schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str) {
            shape.strategy = strategy.into();
            shape.keys = keys(schema);
        }
        shape
    }
}

/// Whether the type is a list and nothing else.
fn is_list(type_: Option<&Value>) -> bool {
    match type_ {
        Some(Value::String(type_)) => type_ == "array",
        Some(Value::Array(types)) => matches!(types.as_slice(), [Value::String(type_)] if type_ == "array"),
        _ => false,
    }
}

fn keys(schema: &Value) -> Vec<Text> {
    match (schema.get("x-kubernetes-list-map-keys"), schema.get("x-kubernetes-patch-merge-key")) {
        (Some(Value::Array(keys)), _) => keys.iter().filter_map(Value::as_str).map(Text::from).collect(),
        (_, Some(Value::String(key))) => vec![Text::from(key)],
        _ => Vec::new(),
    }
}
