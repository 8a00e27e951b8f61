//! Whether a value is what its schema says, in the words of kube-openapi and kube-apiserver.
//!
//! On update, what was wrong before and has not changed is tolerated, as far as old and new can be told to be the same thing:
//! fields by name and items of `list-type: map` by key.

mod combined;
mod scalar;

use std::collections::HashSet;

use serde_json::Value;

use crate::field_error::{FieldError, child};
use crate::list_types::identity;
use crate::node::{ListType, Node, Type};

/// What is wrong with `value`, which was `old` before. `at` is where the value stands in its object; messages name fields
/// relative to the value, as the server's do.
pub fn schema_errors(at: &str, value: &Value, old: Option<&Value>, schema: &Node) -> Vec<FieldError> {
    let outcome = Visit { at, path: String::new(), schema, value, old, compares: old.is_some() }.tolerant();
    let mut said = HashSet::new();
    outcome
        .problems
        .into_iter()
        .filter(|problem| said.insert(problem.text.clone()))
        .map(|problem| problem.error)
        .collect()
}

/// One value and its schema.
#[derive(Clone)]
struct Visit<'a> {
    at: &'a str,
    /// Where the value stands below `at`, as kube-openapi writes it.
    path: String,
    schema: &'a Node,
    value: &'a Value,
    old: Option<&'a Value>,
    /// Whether `old` is the same thing as `value`, earlier.
    compares: bool,
}

#[derive(Default)]
struct Outcome {
    problems: Vec<Problem>,
    /// How many checks were done: of several alternatives that all fail, the one with the most is reported.
    checks: u32,
}

struct Problem {
    /// What kube-openapi says; the same is said once.
    text: String,
    error: FieldError,
}

impl Outcome {
    fn merge(&mut self, mut other: Outcome) {
        self.checks += other.checks;
        self.problems.append(&mut other.problems);
    }

    fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn holds(&self) -> bool {
        self.problems.is_empty()
    }
}

impl<'a> Visit<'a> {
    fn tolerant(&self) -> Outcome {
        let outcome = self.check();
        match self.old {
            Some(old) if self.compares && !outcome.holds() && is_unchanged(self.schema, old, self.value) => {
                Outcome { checks: outcome.checks, problems: Vec::new() }
            }
            _ => outcome,
        }
    }

    fn check(&self) -> Outcome {
        let mut outcome = Outcome::default();
        if self.value.is_null() {
            self.check_type(&mut outcome);
            self.check_enumeration(&mut outcome);
            return outcome;
        }
        self.check_type(&mut outcome);
        self.check_combinations(&mut outcome);
        match self.value {
            Value::String(text) => self.check_text(text, &mut outcome),
            Value::Number(number) => self.check_number(number, &mut outcome),
            Value::Array(items) => self.check_items(items, &mut outcome),
            Value::Object(_) => self.check_fields(&mut outcome),
            _ => {}
        }
        self.check_enumeration(&mut outcome);
        outcome.checks += 1;
        outcome
    }

    fn check_items(&self, items: &'a [Value], outcome: &mut Outcome) {
        if let Some(schema) = &self.schema.items {
            for (index, value) in items.iter().enumerate() {
                let old = self.old.and_then(|old| old_item(self.schema, old, value));
                let compares = self.compares && old.is_some();
                let path = format!("{}[{index}]", self.path);
                outcome.merge(Visit { path, schema, value, old, compares, ..*self }.tolerant());
            }
        }
        let Some(validation) = &self.schema.validation else { return };
        let count = items.len() as u64;
        let (least, most) = validation.items;
        if let Some(least) = least.filter(|least| count < *least) {
            outcome.add(self.invalid(&count.into(), format!("should have at least {least} items")));
        }
        if let Some(most) = most.filter(|most| count > *most) {
            let error = FieldError::too_many(&self.field(), count, most);
            outcome.add(self.problem(format!("should have at most {most} items"), |_| error));
        }
        if validation.unique_items && items.iter().enumerate().any(|(index, item)| items[..index].contains(item)) {
            outcome.add(self.invalid(&"".into(), "shouldn't contain duplicates".to_owned()));
        }
        outcome.checks += 1;
    }

    fn check_fields(&self, outcome: &mut Outcome) {
        let Some(fields) = self.value.as_object() else { return };
        if let Some(validation) = &self.schema.validation {
            let count = fields.len() as u64;
            let (least, most) = validation.properties;
            if let Some(least) = least.filter(|least| count < *least) {
                outcome.add(self.invalid(&count.into(), format!("should have at least {least} properties")));
            }
            if let Some(most) = most.filter(|most| count > *most) {
                let error = FieldError::too_many(&self.field(), count, most);
                outcome.add(self.problem(format!("should have at most {most} properties"), |_| error));
            }
        }
        for (key, value) in fields {
            let (path, schema) = match (self.schema.properties.get(key), &self.schema.additional) {
                (Some(schema), _) => (child(&self.path, key), schema),
                (None, Some(schema)) => (format!("{}.{key}", self.path), schema),
                (None, None) => continue,
            };
            let old = self.old.and_then(|old| old.get(key));
            // Old and new are read in one version, so a change of apiVersion or kind cannot be seen.
            let hidden = self.path.is_empty() && matches!(key.as_str(), "apiVersion" | "kind");
            let compares = self.compares && old.is_some() && !hidden;
            outcome.merge(Visit { path, schema, value, old, compares, ..*self }.tolerant());
        }
        let required = self.schema.validation.iter().flat_map(|validation| &validation.required);
        for name in required.filter(|name| !fields.contains_key(*name)) {
            let path = format!("{}.{name}", self.path);
            let error = FieldError::required(&child(self.at, path.trim_start_matches('.')), "");
            outcome.add(Problem { text: format!("{path} in body is required"), error });
        }
    }

    /// The path of the value in its object.
    fn field(&self) -> String {
        match self.path.trim_start_matches('.') {
            "" => self.at.to_owned(),
            path => child(self.at, path),
        }
    }

    fn problem(&self, what: String, error: impl FnOnce(&str) -> FieldError) -> Problem {
        let text = format!("{} in body {what}", self.path);
        Problem { error: error(&text), text }
    }

    fn invalid(&self, value: &Value, what: String) -> Problem {
        self.problem(what, |text| FieldError::invalid(&self.field(), value, text))
    }

    /// A problem that kube-openapi does not tie to a field.
    fn unplaced(&self, text: String) -> Problem {
        Problem { error: FieldError::invalid(self.at, &"".into(), &text), text }
    }
}

/// The names of the types that a value may have.
fn type_names(schema: &Node) -> &'static [&'static str] {
    match schema.type_ {
        Type::Any => &[],
        Type::Boolean => &["boolean"],
        Type::Integer => &["integer"],
        Type::Number => &["number"],
        Type::String => &["string"],
        Type::IntOrString => &["integer", "string"],
        Type::Quantity => &["string", "number", "integer"],
        Type::Array => &["array"],
        Type::Object => &["object"],
    }
}

/// The item of the old list with the same keys.
pub fn old_item<'a>(schema: &Node, old: &'a Value, item: &Value) -> Option<&'a Value> {
    let ListType::Map(keys) = &schema.list_type else { return None };
    let wanted = identity(item, keys);
    old.as_array()?.iter().find(|old| old.is_object() && identity(old, keys) == wanted)
}

/// Whether a value is the same as before, as far as the schema lets the two be compared.
pub fn is_unchanged(schema: &Node, old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(old_items), Value::Array(items)) => {
            let same = |item| old_item(schema, old, item).zip(schema.items.as_ref());
            old_items.len() == items.len()
                && match schema.list_type {
                    ListType::Map(_) => {
                        items.iter().all(|item| same(item).is_some_and(|(old, schema)| is_unchanged(schema, old, item)))
                    }
                    _ => old_items == items,
                }
        }
        (Value::Object(old_fields), Value::Object(fields)) => {
            old_fields.len() == fields.len()
                && fields.iter().all(|(key, value)| {
                    let schema = schema.properties.get(key).or(schema.additional.as_ref());
                    let old = old_fields.get(key);
                    old.zip(schema).is_some_and(|(old, schema)| is_unchanged(schema, old, value))
                })
        }
        (old, new) => old == new,
    }
}
