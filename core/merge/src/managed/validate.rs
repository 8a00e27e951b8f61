//! Whether a configuration fits a schema, worded as kube-apiserver words it.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use thalweg_schema::go_type;

use super::shape::{Form, ScalarType, Shape};
use super::values::{printed, printed_as_source};

/// What does not fit, and where.
#[derive(Debug)]
pub(super) struct Misfit {
    /// The steps from here to the value, the last one first.
    steps: Vec<String>,
    message: String,
}

impl Misfit {
    fn here(message: impl Into<String>) -> Self {
        Self { steps: Vec::new(), message: message.into() }
    }

    fn below(mut self, step: String) -> Self {
        self.steps.push(step);
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: String = self.steps.iter().rev().map(String::as_str).collect();
        if path.is_empty() { f.write_str(&self.message) } else { write!(f, "{path}: {}", self.message) }
    }
}

/// Several misfits as one text; `None` when there are none.
pub(super) fn summary(misfits: &[Misfit]) -> Option<String> {
    match misfits {
        [] => None,
        [one] => Some(one.to_string()),
        several => Some(several.iter().fold("errors:".to_string(), |text, misfit| format!("{text}\n  {misfit}"))),
    }
}

/// What does not fit the schema. Items that are told apart by value or key must be different.
pub(super) fn misfits(shape: Shape<'_>, value: &Value) -> Vec<Misfit> {
    if value.is_null() {
        return Vec::new();
    }
    match (shape.form(value), value) {
        (Form::Scalar, value) => scalar_misfit(shape.scalar_type(), value).map(Misfit::here).into_iter().collect(),
        (Form::List { atomic }, Value::Array(items)) => list_misfits(shape, items, atomic),
        (Form::List { .. }, other) => vec![Misfit::here(format!("expected list, got &{{{}}}", printed(other)))],
        (Form::Map { .. }, Value::Object(fields)) => {
            let mut found = Vec::new();
            for (name, value) in fields {
                let step = || format!(".{name}");
                let Some(place) = shape.field(name) else {
                    found.push(Misfit::here("field not declared in schema").below(step()));
                    break;
                };
                found.extend(misfits(place, value).into_iter().map(|misfit| misfit.below(step())));
            }
            found
        }
        (Form::Map { .. }, other) => vec![Misfit::here(format!("expected map, got &{{{}}}", printed(other)))],
    }
}

fn list_misfits(shape: Shape<'_>, items: &[Value], atomic: bool) -> Vec<Misfit> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (position, item) in items.iter().enumerate() {
        let step = if atomic {
            format!("[{position}]")
        } else {
            let element = match shape.item_element(item) {
                Ok(element) => element,
                Err(reason) => {
                    found.push(Misfit::here(format!("element {position}: {reason}")));
                    return found;
                }
            };
            let step = element.to_string();
            if !seen.insert(element) {
                found.push(Misfit::here(format!("duplicate entries for key {step}")));
            }
            step
        };
        found.extend(misfits(shape.items(), item).into_iter().map(|misfit| misfit.below(step.clone())));
    }
    found
}

fn scalar_misfit(expected: ScalarType, value: &Value) -> Option<String> {
    match expected {
        ScalarType::Number if !value.is_number() => {
            Some(format!("expected numeric (int or float), got {}", go_type(value)))
        }
        ScalarType::Text if !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", printed_as_source(value)))
        }
        ScalarType::Boolean if !value.is_boolean() => Some(format!("expected boolean, got &{{{}}}", printed(value))),
        ScalarType::Any if value.is_array() || value.is_object() => {
            Some(format!("expected any scalar, got &{{{}}}", printed(value)))
        }
        _ => None,
    }
}
