//! The defaults of built-in kinds: an engine over the table `tables/defaults.yaml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use thalweg_schema::{Node, Schema, Written};

use super::path::{at, put};

static DEFAULTS: LazyLock<HashMap<String, Vec<Rule>>> = LazyLock::new(|| {
    let table: Value =
        serde_yaml::from_str(include_str!("../../tables/defaults.yaml")).expect("a table of ours is YAML");
    let types = table.as_object().expect("it is a map of types").iter();
    types
        .map(|(name, rules)| (name.clone(), rules.as_array().into_iter().flatten().map(Rule::read).collect()))
        .collect()
});

/// One line of the table: what to fill in, and when.
#[derive(Debug, Default)]
struct Rule {
    equal: Map<String, Value>,
    only: Option<Vec<String>>,
    with: Option<String>,
    latest: Option<String>,
    set: Map<String, Value>,
    copy: Map<String, Value>,
    drop: Option<String>,
}

/// Fills in what is absent from an object that was normalised.
pub(crate) fn fill(schema: &Schema, value: &mut Value) {
    match value {
        Value::Array(items) => {
            if let Some(schema) = &schema.items {
                items.iter_mut().for_each(|item| fill(schema, item));
            }
        }
        Value::Object(object) => {
            for rule in rules(schema) {
                rule.apply(schema, object);
            }
            for (name, value) in object {
                if let Some(schema) = schema.properties.get(name).or(schema.additional.as_ref()) {
                    fill(schema, value);
                }
            }
        }
        _ => {}
    }
}

fn rules(schema: &Schema) -> &'static [Rule] {
    schema.definition().and_then(|name| DEFAULTS.get(short_name(name))).map_or(&[], Vec::as_slice)
}

/// `core.v1.Container` of `io.k8s.api.core.v1.Container`: how the tables name definitions.
pub(crate) fn short_name(definition: &str) -> &str {
    definition.rmatch_indices('.').nth(2).map_or(definition, |(at, _)| &definition[at + 1..])
}

/// Whether a field has no value, or the zero that is written in its place.
fn is_absent(schema: Option<&Schema>, value: Option<&Value>) -> bool {
    let Some(value) = value else { return true };
    let zero = schema.and_then(|schema| match &schema.written {
        Written::Always(zero) if !zero.is_object() => Some(zero),
        _ => None,
    });
    value.is_null() || zero == Some(value)
}

impl Rule {
    fn read(value: &Value) -> Self {
        let map = |key: &str| value[key].as_object().cloned().unwrap_or_default();
        let only = value["only"].as_array();
        Self {
            equal: map("if"),
            only: only.map(|names| names.iter().filter_map(Value::as_str).map(String::from).collect()),
            with: value["with"].as_str().map(String::from),
            latest: value["latest"].as_str().map(String::from),
            set: map("set"),
            copy: map("copy"),
            drop: value["drop"].as_str().map(String::from),
        }
    }

    fn apply(&self, node: &Node, object: &mut Map<String, Value>) {
        let equal = self.equal.iter().all(|(key, value)| at(object, key).unwrap_or(&Value::Null) == value);
        let only = self.only.as_ref().is_none_or(|only| object.keys().all(|key| only.contains(key)));
        let latest = self.latest.as_ref().is_none_or(|field| is_latest(object.get(field)));
        let with = self.with.as_ref().is_none_or(|field| object.contains_key(field));
        if !(equal && only && with && latest) {
            return;
        }
        fill_absent(node, object, &self.set);
        if let Some(field) = &self.drop {
            object.remove(field);
        }
        for (to, from) in &self.copy {
            let value = from.as_str().and_then(|from| at(object, from)).cloned();
            if let Some(value) = value.filter(|_| is_absent(node.properties.get(to), at(object, to))) {
                put(object, to, value);
            }
        }
    }
}

fn fill_absent(node: &Node, object: &mut Map<String, Value>, values: &Map<String, Value>) {
    for (key, value) in values {
        let schema = node.properties.get(key);
        if is_absent(schema, object.get(key)) {
            object.insert(key.clone(), if value.is_object() { json!({}) } else { value.clone() });
        }
        if let (Some(Value::Object(present)), Value::Object(values), Some(schema)) =
            (object.get_mut(key), value, schema)
        {
            fill_absent(schema, present, values);
        }
    }
}

/// Whether an image has the tag `latest`, or neither tag nor digest.
fn is_latest(image: Option<&Value>) -> bool {
    let image = image.and_then(Value::as_str).unwrap_or_default();
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => digest.is_none() && !image.is_empty(),
    }
}
