//! The fields of a value: what somebody owns who applies it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_set::FieldSet;
use super::path::PathElement;
use super::shape::{Form, Shape};

/// Every leaf, every item of a list, every key of a map, and what is null or an empty object.
pub(super) fn fields(shape: Shape<'_>, value: &Value) -> FieldSet {
    part(shape, value).1
}

/// Whether the value itself is a leaf, and the fields below it.
fn part(shape: Shape<'_>, value: &Value) -> (bool, FieldSet) {
    match (shape.form(value), value) {
        (Form::Scalar | Form::List { atomic: true } | Form::Map { atomic: true }, _) => (true, FieldSet::EMPTY),
        (Form::List { .. }, Value::Array(items)) => (false, items_fields(shape, items)),
        (Form::Map { .. }, Value::Object(fields)) => {
            let mut set = FieldSet::default();
            for (name, value) in fields {
                let (leaf, below) = part(shape.field_or_undeclared(name), value);
                let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                set.graft(PathElement::field(name), leaf || empty || !shape.declares(name), below);
            }
            (false, set)
        }
        _ => (false, FieldSet::EMPTY),
    }
}

/// Of items that are not different, none is taken apart.
fn items_fields(shape: Shape<'_>, items: &[Value]) -> FieldSet {
    let mut found: BTreeMap<PathElement, Option<&Value>> = BTreeMap::new();
    for item in items {
        if let Ok(element) = shape.item_element(item) {
            found.entry(element).and_modify(|item| *item = None).or_insert(Some(item));
        }
    }
    let mut set = FieldSet::default();
    for (element, item) in found {
        set.graft(element, true, item.map_or(FieldSet::EMPTY, |item| part(shape.items(), item).1));
    }
    set
}

/// The set with every declared field that has members below it: those are there as soon as these are.
pub(super) fn with_parents(set: &FieldSet, shape: Option<Shape<'_>>) -> FieldSet {
    set.map_steps(&|element, member, below| {
        let named = match (element, shape) {
            (PathElement::Field(name), Some(shape)) => !below.is_empty() && shape.declares(name),
            _ => false,
        };
        let place = shape.and_then(|shape| shape.step(element));
        (member || named, with_parents(below, place))
    })
}

/// The set after what was taken apart once, and is atomic by now, is owned as a whole; `None` when there is no such thing.
pub(super) fn reconciled(set: &FieldSet, shape: Shape<'_>) -> Option<FieldSet> {
    fn changes(set: &FieldSet, shape: Shape<'_>) -> bool {
        set.any_step(&|element, below| {
            !below.is_empty() && shape.step(element).is_some_and(|place| place.is_atomic() || changes(below, place))
        })
    }
    fn change(set: &FieldSet, shape: Shape<'_>) -> FieldSet {
        set.map_steps(&|element, member, below| match shape.step(element) {
            Some(place) if place.is_atomic() && !below.is_empty() => (true, FieldSet::EMPTY),
            Some(place) => (member, change(below, place)),
            None => (member, below.clone()),
        })
    }
    changes(set, shape).then(|| change(set, shape))
}
