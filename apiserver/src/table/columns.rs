//! The columns of a kind: of a built-in one from tables/columns.txt, of a custom one from its definition.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};
use thalweg_schema::{Column, Resource, Schema};

use super::cells::{self, Read};
use super::{age, path};
use crate::registry::Served;

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const CREATED: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// A column of a built-in kind.
struct BuiltIn {
    heading: &'static str,
    type_: &'static str,
    format: &'static str,
    priority: i32,
    description: &'static str,
    read: Read,
    arguments: Vec<&'static str>,
}

static COLUMNS: LazyLock<HashMap<&'static str, Vec<BuiltIn>>> = LazyLock::new(|| {
    let paragraphs = include_str!("../../tables/columns.txt").split("\n\n").filter(|text| !text.starts_with('#'));
    paragraphs
        .filter_map(|paragraph| paragraph.split_once('\n'))
        .map(|(kind, lines)| (kind.trim(), lines.lines().map(BuiltIn::read).collect()))
        .collect()
});

impl BuiltIn {
    fn read(line: &'static str) -> Self {
        let (heading, type_, cell, description) = match line.split(" | ").collect::<Vec<_>>()[..] {
            ["Name"] => ("Name", "string/name", "text .metadata.name", NAME),
            ["Age"] => ("Age", "string", "age .metadata.creationTimestamp", CREATED),
            [heading, type_, cell] => (heading, type_, cell, ""),
            [heading, type_, cell, description] => (heading, type_, cell, description),
            _ => panic!("tables/columns.txt: a line of two or four parts, not {line:?}"),
        };
        let (type_, priority) = type_.strip_suffix('+').map_or((type_, 0), |type_| (type_, 1));
        let (type_, format) = type_.split_once('/').unwrap_or((type_, ""));
        let mut words = cell.split(' ');
        let read = cells::named(words.next().unwrap_or_default());
        Self { heading, type_, format, priority, description, read, arguments: words.collect() }
    }

    fn heading(&self, schema: &Schema) -> Value {
        let description = match self.description.strip_prefix('=') {
            Some(path) => described(schema, path),
            None => self.description.replace("\\n", "\n"),
        };
        heading(self.heading, self.type_, self.format, &description, self.priority)
    }
}

/// The `columnDefinitions` of a Table.
pub(super) fn headings(served: &Served) -> Value {
    if served.is_custom() {
        let said = |column: &Column| {
            heading(&column.name, &column.type_, &column.format, &column.description, column.priority)
        };
        return served.columns.iter().map(said).collect();
    }
    match built_in(served) {
        Some(columns) => columns.iter().map(|column| column.heading(&served.schema)).collect(),
        None => json!([heading("Name", "string", "name", NAME, 0), heading("Created At", "date", "", CREATED, 0)]),
    }
}

/// The cells of an object's row.
pub(super) fn cells(served: &Served, object: &Value, now: Timestamp) -> Value {
    if served.is_custom() {
        return served.columns.iter().map(|column| custom_cell(column, object, now)).collect();
    }
    match built_in(served) {
        Some(columns) => columns.iter().map(|column| (column.read)(object, &column.arguments, now)).collect(),
        None => json!([object["metadata"]["name"], object["metadata"]["creationTimestamp"]]),
    }
}

fn built_in(resource: &Resource) -> Option<&'static Vec<BuiltIn>> {
    // Events of both groups are the same objects.
    let name = if resource.plural == "events" { "events".to_owned() } else { resource.qualified() };
    COLUMNS.get(name.as_str())
}

fn custom_cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let Some(value) = path::first(object, &column.json_path) else {
        // What stands for a bookmark has no name.
        return if column.format == "name" { "".into() } else { Value::Null };
    };
    match (column.type_.as_str(), value) {
        (_, Value::Null) => Value::Null,
        ("string", Value::String(text)) => text.as_str().into(),
        ("string", value) => value.to_string().into(),
        ("integer", Value::Number(number)) => number.as_i64().map_or_else(|| whole(number.as_f64()), Value::from),
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(text)) => match text.parse() {
            Ok(then) => age::since(then, now).into(),
            Err(_) => "<invalid>".into(),
        },
        _ => Value::Null,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "as Go converts a number with a fraction")]
fn whole(number: Option<f64>) -> Value {
    number.map_or(Value::Null, |number| (number as i64).into())
}

fn heading(name: &str, type_: &str, format: &str, description: &str, priority: i32) -> Value {
    json!({"name": name, "type": type_, "format": format, "description": description, "priority": priority})
}

/// The description of the field at a path of names.
fn described(schema: &Schema, path: &str) -> String {
    let mut schema = schema;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        match schema.properties.get(name) {
            Some(property) => schema = property,
            None => return String::new(),
        }
    }
    schema.description.clone()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_line_of_the_table_of_columns_can_be_read() {
        assert!(super::COLUMNS.len() > 35);
        assert_eq!(super::COLUMNS["pods"].len(), 9);
    }
}
