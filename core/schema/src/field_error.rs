//! What is wrong with a field, in kube-apiserver's words.

use serde_json::Value;

/// What is wrong with a field. In a `Status` it is a cause, and `field: message` in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// Its path, such as `spec.versions[0].name`; `<nil>` for the whole object.
    pub field: String,
    /// What a person reads.
    pub message: String,
}

impl FieldError {
    /// The value is not allowed.
    pub fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::about("FieldValueInvalid", field, &format!("Invalid value: {}", shown(value)), detail)
    }

    /// The value, which is not shown, is not allowed.
    pub fn invalid_unshown(field: &str, detail: &str) -> Self {
        Self::about("FieldValueInvalid", field, "Invalid value", detail)
    }

    /// The value has the wrong type.
    pub fn type_invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::about("FieldValueTypeInvalid", field, &format!("Invalid value: {}", shown(value)), detail)
    }

    /// There must be a value.
    pub fn required(field: &str, detail: &str) -> Self {
        Self::about("FieldValueRequired", field, "Required value", detail)
    }

    /// There must not be this value here.
    pub fn forbidden(field: &str, detail: &str) -> Self {
        Self::about("FieldValueForbidden", field, "Forbidden", detail)
    }

    /// The value is there already.
    pub fn duplicate(field: &str, value: &Value) -> Self {
        Self::about("FieldValueDuplicate", field, &format!("Duplicate value: {}", shown(value)), "")
    }

    /// The value is none of those that are known.
    pub fn not_supported<'a>(field: &str, value: &Value, supported: impl IntoIterator<Item = &'a str>) -> Self {
        let supported: Vec<String> = supported.into_iter().map(quoted).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        let subject = format!("Unsupported value: {}", shown(value));
        Self::about("FieldValueNotSupported", field, &subject, if supported.is_empty() { "" } else { &detail })
    }

    /// The text has more than `most` characters, which the server calls bytes.
    pub fn too_long(field: &str, most: u64) -> Self {
        let unit = if most == 1 { "byte" } else { "bytes" };
        Self::about("FieldValueTooLong", field, "Too long", &format!("may not be more than {most} {unit}"))
    }

    /// There are `actual` items, and `most` are allowed.
    pub fn too_many(field: &str, actual: u64, most: u64) -> Self {
        let unit = if most == 1 { "item" } else { "items" };
        let subject = format!("Too many: {actual}");
        Self::about("FieldValueTooMany", field, &subject, &format!("must have at most {most} {unit}"))
    }

    /// `field: message`.
    pub fn text(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }

    fn about(reason: &'static str, field: &str, subject: &str, detail: &str) -> Self {
        let message = if detail.is_empty() { subject.to_owned() } else { format!("{subject}: {detail}") };
        let field = if field.is_empty() { "<nil>" } else { field };
        Self { reason, field: field.to_owned(), message }
    }
}

/// The path of a field of the object at `path`.
pub fn child(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// The path of an entry of the map or of the list at `path`.
pub fn entry(path: &str, key: impl std::fmt::Display) -> String {
    format!("{path}[{key}]")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => number.as_i64().map_or_else(|| float(number.as_f64()), |whole| whole.to_string()),
        other => other.to_string(),
    }
}

/// A number as Go prints it.
pub(crate) fn float(number: Option<f64>) -> String {
    let number = number.unwrap_or_default();
    if number != 0.0 && !(1e-4..1e21).contains(&number.abs()) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    number.to_string()
}

/// What Go's JSON decoder calls the kind of a value in its errors.
pub fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The name of the Go type that apimachinery decodes a value into.
pub fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A text in quotes, as Go prints it with `%q`.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            control if (control as u32) < 0x80 && control.is_control() => {
                quoted.push_str(&format!("\\x{:02x}", control as u32));
            }
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
