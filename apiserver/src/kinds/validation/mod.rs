//! What must hold for objects of built-in kinds: metadata, the table `tables/validation.yaml`, and the rules that span fields.

mod across;
mod events;
pub(crate) mod formats;
mod workloads;
mod wrong;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;
use thalweg_schema::Schema;

use super::defaults::short_name;
use super::path::{Fields, at};
use super::rules::Rules;
use crate::names::{label, subdomain};
use formats::{port, port_name};
pub(crate) use wrong::Wrong;

static CHECKS: LazyLock<HashMap<String, Vec<Check>>> = LazyLock::new(|| {
    let table: Value =
        serde_yaml::from_str(include_str!("../../../tables/validation.yaml")).expect("a table of ours is YAML");
    let types = table.as_object().expect("it is a map of types").iter();
    types
        .map(|(name, checks)| (name.clone(), checks.as_array().into_iter().flatten().map(Check::read).collect()))
        .collect()
});

/// A line of the table.
#[derive(Debug)]
struct Check {
    field: String,
    required: Option<String>,
    enumeration: Vec<String>,
    format: Option<String>,
    least: Option<i64>,
    unique: Option<String>,
}

/// What a validation is about.
pub(crate) struct Subject<'a> {
    /// The API group.
    pub(crate) group: &'a str,
    /// The kind.
    pub(crate) kind: &'a str,
    /// Its shape.
    pub(crate) schema: &'a Schema,
    /// How it is written.
    pub(crate) rules: &'a Rules,
}

/// Checks an object that is created, or that takes the place of `old`. Its metadata are checked elsewhere.
pub(crate) fn validate(subject: &Subject<'_>, old: Option<&Fields>, new: &Fields, wrong: &mut Wrong) {
    let fixed_first = subject.rules.revalidates == "after";
    if let Some(old) = old.filter(|_| fixed_first) {
        immutable(subject.rules, old, new, wrong);
    }
    across::validate(subject.group, subject.kind, old, new, wrong);
    fields(subject.schema, new, "", wrong);
    across::validate_last(subject.group, subject.kind, new, wrong);
    if let Some(old) = old.filter(|_| !fixed_first) {
        immutable(subject.rules, old, new, wrong);
    }
}

/// Checks a write of the status.
pub(crate) fn validate_status(subject: &Subject<'_>, new: &Fields, wrong: &mut Wrong) {
    across::validate_status(subject.group, subject.kind, new, wrong);
}

fn immutable(rules: &Rules, old: &Fields, new: &Fields, wrong: &mut Wrong) {
    for (path, message) in &rules.immutable {
        if at(old, path) != at(new, path) {
            let message = if message.is_empty() { "field is immutable" } else { message };
            let value = at(new, path).unwrap_or(&Value::Null);
            match (path.as_str(), value) {
                // Shown as Go's type, which has no names for JSON.
                ("roleRef", Value::Object(reference)) => {
                    let names = [("apiGroup", "APIGroup"), ("kind", "Kind"), ("name", "Name")];
                    let shown =
                        names.map(|(name, go)| (go.to_owned(), reference.get(name).cloned().unwrap_or("".into())));
                    wrong.invalid(&**path, &Value::Object(shown.into_iter().collect()), message);
                }
                _ => wrong.invalid(&**path, value, message),
            }
        }
    }
    for (flag, paths) in &rules.immutable_when {
        if at(old, flag) == Some(&Value::Bool(true)) {
            for path in paths.iter().filter(|path| at(old, path) != at(new, path)) {
                wrong.forbidden(&**path, &format!("field is immutable when `{flag}` is set"));
            }
        }
    }
}

fn fields(schema: &Schema, object: &Fields, path: &str, wrong: &mut Wrong) {
    let checks = schema.definition().and_then(|name| CHECKS.get(short_name(name))).map_or(&[][..], Vec::as_slice);
    checks.iter().for_each(|check| check.make(object, path, wrong));
    for (name, value) in object {
        if let Some(schema) = schema.properties.get(name) {
            let unique = checks.iter().find(|check| check.field == *name).and_then(|check| check.unique.as_deref());
            within(schema, value, &join(path, name), unique, wrong);
        } else if let Some(schema) = &schema.additional {
            within(schema, value, &format!("{path}[{name}]"), None, wrong);
        }
    }
}

/// The items of a list have different values of the field `unique`, if there is one.
fn within(schema: &Schema, value: &Value, path: &str, unique: Option<&str>, wrong: &mut Wrong) {
    match (value, &schema.items) {
        (Value::Object(fields), _) => self::fields(schema, fields, path, wrong),
        (Value::Array(items), Some(schema)) => {
            let mut seen = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                within(schema, item, &path, None, wrong);
                let Some((key, this)) = unique.and_then(|key| Some((key, item.get(key)?))) else { continue };
                if seen.contains(&this) {
                    wrong.duplicate(join(&path, key), this);
                } else if !is_empty(this) {
                    seen.push(this);
                }
            }
        }
        _ => {}
    }
}

impl Check {
    fn read(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(String::from);
        let enumeration = value["enum"].as_array().into_iter().flatten();
        Self {
            field: text("field").unwrap_or_default(),
            required: text("required"),
            enumeration: enumeration.filter_map(Value::as_str).map(String::from).collect(),
            format: text("format"),
            least: value["least"].as_i64(),
            unique: text("unique"),
        }
    }

    fn make(&self, object: &Fields, path: &str, wrong: &mut Wrong) {
        let path = join(path, &self.field);
        let Some(value) = object.get(&self.field).filter(|value| !is_empty(value)) else {
            if let Some(detail) = &self.required {
                wrong.required(path, detail);
            }
            return;
        };
        let allowed: Vec<&str> = self.enumeration.iter().map(String::as_str).collect();
        if !allowed.is_empty() && !allowed.iter().any(|allowed| value == allowed) {
            wrong.unsupported(&*path, value, &allowed);
        }
        if let Some(format) = &self.format {
            let text = value.as_str().unwrap_or_default();
            let messages = match (format.as_str(), value.as_i64()) {
                ("dns-label", _) => label(text),
                ("dns-subdomain", _) => subdomain(text),
                ("port-name", _) | ("port-or-name", None) => port_name(text),
                ("port" | "port-or-name", Some(number)) => port(number),
                _ => Vec::new(),
            };
            messages.iter().for_each(|message| wrong.invalid(&*path, value, message));
        }
        if let Some(least) = self.least.filter(|least| value.as_i64().is_some_and(|number| number < *least)) {
            let detail = match least {
                1 => "must be greater than 0".to_owned(),
                least => format!("must be greater than or equal to {least}"),
            };
            wrong.invalid(&*path, value, &detail);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}
