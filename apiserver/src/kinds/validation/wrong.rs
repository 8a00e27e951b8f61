//! What is wrong with a field, in the words of apimachinery's `field` package.

use serde_json::Value;

use crate::status::Cause;

/// What is wrong with an object, found so far.
#[derive(Debug, Default)]
pub(crate) struct Wrong(pub(crate) Vec<Cause>);

impl Wrong {
    /// There must be a value.
    pub(crate) fn required(&mut self, path: impl Into<String>, detail: &str) {
        self.add("FieldValueRequired", path, "Required value", detail);
    }

    /// The value is not acceptable.
    pub(crate) fn invalid(&mut self, path: impl Into<String>, value: &Value, detail: &str) {
        self.add("FieldValueInvalid", path, &format!("Invalid value: {}", shown(value)), detail);
    }

    /// The value is none of those allowed.
    pub(crate) fn unsupported(&mut self, path: impl Into<String>, value: &Value, allowed: &[&str]) {
        self.unsupported_shown(path, &shown(value), allowed);
    }

    /// The value is there twice.
    pub(crate) fn duplicate(&mut self, path: impl Into<String>, value: &Value) {
        self.duplicate_shown(path, &shown(value));
    }

    /// The same, of a value that is shown as Go's type.
    pub(crate) fn unsupported_shown(&mut self, path: impl Into<String>, shown: &str, allowed: &[&str]) {
        let allowed: Vec<String> = allowed.iter().map(|text| format!("{text:?}")).collect();
        let detail = format!("supported values: {}", allowed.join(", "));
        self.add("FieldValueNotSupported", path, &format!("Unsupported value: {shown}"), &detail);
    }

    /// The value is there twice, and shown as Go's type.
    pub(crate) fn duplicate_shown(&mut self, path: impl Into<String>, shown: &str) {
        self.add("FieldValueDuplicate", path, &format!("Duplicate value: {shown}"), "");
    }

    /// There must be no value, or not this one now.
    pub(crate) fn forbidden(&mut self, path: impl Into<String>, detail: &str) {
        self.add("FieldValueForbidden", path, "Forbidden", detail);
    }

    /// The value has more than `bytes_max` bytes.
    pub(crate) fn too_long(&mut self, path: impl Into<String>, bytes_max: usize) {
        self.add("FieldValueTooLong", path, "Too long", &format!("may not be more than {bytes_max} bytes"));
    }

    fn add(&mut self, reason: &'static str, path: impl Into<String>, what: &str, detail: &str) {
        let message = if detail.is_empty() { what.to_owned() } else { format!("{what}: {detail}") };
        self.0.push(Cause::new(reason, path, message));
    }
}

/// A value as messages show it: texts in quotes, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}
