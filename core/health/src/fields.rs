//! Fields of an object by path. What is absent, null or of another type reads as its default, as in kstatus.

use serde_json::{Map, Value};

#[derive(Clone, Copy)]
pub(crate) struct Fields<'o>(&'o Map<String, Value>);

impl<'o> Fields<'o> {
    pub(crate) fn new(object: &'o Map<String, Value>) -> Self {
        Self(object)
    }

    fn value(self, path: &str) -> Option<&'o Value> {
        let mut steps = path.split('.');
        let first = self.0.get(steps.next()?)?;
        steps.try_fold(first, |value, step| value.get(step)).filter(|value| !value.is_null())
    }

    pub(crate) fn has(self, path: &str) -> bool {
        self.value(path).is_some()
    }

    /// The text at `path`, or none.
    pub(crate) fn text(self, path: &str) -> &'o str {
        self.value(path).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn integer(self, path: &str) -> Option<i64> {
        self.value(path).and_then(Value::as_i64)
    }

    /// The integer at `path`, or 0.
    pub(crate) fn count(self, path: &str) -> i64 {
        self.integer(path).unwrap_or(0)
    }

    pub(crate) fn flag(self, path: &str) -> bool {
        self.value(path).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The mappings of the list at `path`.
    pub(crate) fn list(self, path: &str) -> impl Iterator<Item = Fields<'o>> {
        self.value(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).map(Fields)
    }

    pub(crate) fn conditions(self) -> impl Iterator<Item = Fields<'o>> {
        self.list("status.conditions")
    }

    pub(crate) fn condition(self, kind: &str) -> Option<Fields<'o>> {
        self.conditions().find(|condition| condition.text("type") == kind)
    }

    pub(crate) fn condition_is_true(self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|condition| condition.text("status") == "True")
    }
}
