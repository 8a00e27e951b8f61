//! Which fields two objects differ in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_set::FieldSet;
use super::path::PathElement;
use super::shape::{Form, Shape};
use super::values::equal;

/// The differences between an object and a later one. No field is in two of the sets.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

impl Comparison {
    /// Compares two objects.
    ///
    /// # Errors
    /// With the text for people when the items of a list cannot be told apart.
    pub(super) fn of(shape: Shape<'_>, before: &Value, after: &Value) -> Result<Self, String> {
        let mut walk = Walk { found: Self::default(), path: Vec::new() };
        walk.both(shape, before, after)?;
        Ok(walk.found)
    }

    /// The differences but those in `fields` and below.
    pub(super) fn without(self, fields: &FieldSet) -> Self {
        if fields.is_empty() {
            return self;
        }
        Self {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }
}

struct Walk {
    found: Comparison,
    path: Vec<PathElement>,
}

/// Which of the two objects has a value.
#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Walk {
    fn both(&mut self, shape: Shape<'_>, before: &Value, after: &Value) -> Result<(), String> {
        if equal(before, after) {
            return Ok(());
        }
        let (before_form, after_form) = (shape.form(before), shape.form(after));
        if before_form != after_form || (shape.is_open() && before.is_null() != after.is_null()) {
            self.as_form(before_form, shape, before, after)?;
        }
        self.as_form(after_form, shape, before, after)
    }

    /// Values that differ, one of which may not have the form.
    fn as_form(&mut self, form: Form, shape: Shape<'_>, before: &Value, after: &Value) -> Result<(), String> {
        let is_part = match form {
            Form::Scalar | Form::List { atomic: true } | Form::Map { atomic: true } => false,
            Form::List { .. } => {
                [before, after].iter().any(|value| value.as_array().is_some_and(|list| !list.is_empty()))
            }
            Form::Map { .. } => {
                [before, after].iter().any(|value| value.as_object().is_some_and(|map| !map.is_empty()))
            }
        };
        if !is_part {
            self.found.modified.insert(&self.path);
            return Ok(());
        }
        if let Form::List { .. } = form {
            return self.items(shape, list(before), list(after));
        }
        let (before, after) = (before.as_object(), after.as_object());
        for (name, value) in before.into_iter().flatten() {
            let place = shape.field_or_undeclared(name);
            match after.and_then(|after| after.get(name)) {
                Some(after) => self.below(PathElement::field(name), |walk| walk.both(place, value, after))?,
                None => self.below(PathElement::field(name), |walk| walk.one(place, value, Side::Before))?,
            }
        }
        for (name, value) in after.into_iter().flatten() {
            if before.is_none_or(|before| !before.contains_key(name)) {
                let place = shape.field_or_undeclared(name);
                self.below(PathElement::field(name), |walk| walk.one(place, value, Side::After))?;
            }
        }
        Ok(())
    }

    /// A value that only one object has, and all that is below it.
    fn one(&mut self, shape: Shape<'_>, value: &Value, side: Side) -> Result<(), String> {
        self.insert(side);
        match (shape.form(value), value) {
            (Form::List { atomic: false }, Value::Array(items)) => match side {
                Side::Before => self.items(shape, items, &[]),
                Side::After => self.items(shape, &[], items),
            },
            (Form::Map { atomic: false }, Value::Object(fields)) => {
                for (name, value) in fields {
                    let place = shape.field_or_undeclared(name);
                    self.below(PathElement::field(name), |walk| walk.one(place, value, side))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn items(&mut self, shape: Shape<'_>, before: &[Value], after: &[Value]) -> Result<(), String> {
        let mut items: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for (position, item) in before.iter().enumerate() {
            items.entry(element(shape, position, item)?).or_default().0.push(item);
        }
        for (position, item) in after.iter().enumerate() {
            items.entry(element(shape, position, item)?).or_default().1.push(item);
        }
        let place = shape.items();
        for (element, (before, after)) in items {
            self.below(element, |walk| match (before.as_slice(), after.as_slice()) {
                ([before], [after]) => walk.both(place, before, after),
                ([before], []) => walk.one(place, before, Side::Before),
                ([], [after]) => walk.one(place, after, Side::After),
                (before, after) => walk.duplicates(place, before, after),
            })?;
        }
        Ok(())
    }

    /// Items that are not different count as one value.
    fn duplicates(&mut self, place: Shape<'_>, before: &[&Value], after: &[&Value]) -> Result<(), String> {
        match (before, after) {
            ([_, _, ..], [_, _, ..]) => {
                let same =
                    before.len() == after.len() && before.iter().zip(after).all(|(before, after)| equal(before, after));
                if !same {
                    self.found.modified.insert(&self.path);
                }
            }
            ([_, _, ..], after) => {
                if let [after] = after {
                    self.one(place, after, Side::After)?;
                }
                self.insert(Side::Before);
            }
            (before, _) => {
                if let [before] = before {
                    self.one(place, before, Side::Before)?;
                }
                self.insert(Side::After);
            }
        }
        Ok(())
    }

    fn insert(&mut self, side: Side) {
        match side {
            Side::Before => self.found.removed.insert(&self.path),
            Side::After => self.found.added.insert(&self.path),
        }
    }

    fn below(
        &mut self,
        element: PathElement,
        walk: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.path.push(element);
        let result = walk(self);
        self.path.pop();
        result
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn element(shape: Shape<'_>, position: usize, item: &Value) -> Result<PathElement, String> {
    shape.item_element(item).map_err(|reason| format!("element {position}: {reason}"))
}
