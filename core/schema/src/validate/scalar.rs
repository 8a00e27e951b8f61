//! Types, enumerations, texts and numbers.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Outcome, Visit, type_names};
use crate::field_error::{FieldError, float, quoted};
use crate::formats::{has_format, is_known_format};
use crate::node::Type;

impl<'a> Visit<'a> {
    pub(super) fn check_type(&self, outcome: &mut Outcome) {
        let types = type_names(self.schema);
        let format = self.format();
        if types.is_empty() && format.is_empty() {
            return;
        }
        let (actual, actual_format) = match self.value {
            Value::Null if self.schema.nullable || types.is_empty() => return outcome.checks += 1,
            Value::Null => ("null", ""),
            Value::Bool(_) => ("boolean", ""),
            Value::Number(number) if number.is_f64() => ("number", "float64"),
            Value::Number(_) => ("integer", "int64"),
            Value::String(_) => ("string", ""),
            Value::Array(_) => ("array", ""),
            Value::Object(_) => ("object", ""),
        };
        let numeric = types.contains(&"number") || types.contains(&"integer");
        let number = self.value.as_f64().is_some_and(|number| {
            (actual == "number" && number.fract() == 0.0 && types.contains(&"integer"))
                || (actual == "integer" && types.contains(&"number"))
        });
        let fits = types.contains(&actual) || number;
        let is_text_or_list = matches!(self.value, Value::String(_) | Value::Array(_));
        if !fits && !format.is_empty() && !self.value.is_null() {
            if !is_text_or_list && format != actual_format {
                outcome.add(self.wrong_type(format, actual_format));
                return;
            }
            // A text or a list passes for whatever has a format and is no number, as in kube-openapi.
            if is_text_or_list && !numeric {
                outcome.checks += 2;
                return;
            }
        }
        if fits || types.is_empty() {
            outcome.checks += 2;
        } else {
            outcome.add(self.wrong_type(&types.join(","), actual));
        }
    }

    pub(super) fn check_enumeration(&self, outcome: &mut Outcome) {
        let Some(validation) = &self.schema.validation else {
            outcome.checks += 1;
            return;
        };
        let allowed = &validation.enumeration;
        if allowed.is_empty() || allowed.iter().any(|allowed| is_equal(allowed, self.value)) {
            outcome.checks += 1;
            return;
        }
        let texts: Vec<String> =
            allowed.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
        let error = FieldError::not_supported(&self.field(), self.value, texts.iter().map(String::as_str));
        outcome.add(self.problem(format!("should be one of [{}]", texts.join(" ")), |_| error));
    }

    pub(super) fn check_text(&self, text: &str, outcome: &mut Outcome) {
        if let Some(validation) = &self.schema.validation {
            let length = text.chars().count() as u64;
            let (least, most) = validation.length;
            if let Some(most) = most.filter(|most| length > *most) {
                let error = FieldError::too_long(&self.field(), most);
                outcome.add(self.problem(format!("should be at most {most} chars long"), |_| error));
            } else if let Some(least) = least.filter(|least| length < *least) {
                outcome.add(self.invalid(self.value, format!("should be at least {least} chars long")));
            } else if let Some(pattern) = &validation.pattern
                && !pattern.matches(text)
            {
                outcome.add(self.invalid(self.value, format!("should match '{}'", pattern.as_str())));
            }
        }
        outcome.checks += 1;
        let format = self.format();
        if !format.is_empty() && !has_format(format, text) {
            outcome.add(self.wrong_type(format, text));
        }
    }

    pub(super) fn check_number(&self, number: &Number, outcome: &mut Outcome) {
        if let Some(range) = self.missed_range(number) {
            let text = format!("Checked value must be of type integer {range} in {}", self.path);
            outcome.add(self.unplaced(text));
        }
        let Some(validation) = &self.schema.validation else {
            outcome.checks += 2;
            return;
        };
        if let Some(factor) = &validation.multiple_of
            && !is_multiple(number, factor)
        {
            outcome.add(self.invalid(self.value, format!("should be a multiple of {}", printed(factor, number))));
        }
        if let Some((least, exclusive)) = &validation.minimum {
            let ordering = compare(number, least);
            if ordering == Ordering::Less || (*exclusive && ordering == Ordering::Equal) {
                let relation = if *exclusive { "greater than" } else { "greater than or equal to" };
                outcome.add(self.invalid(self.value, format!("should be {relation} {}", printed(least, number))));
            }
        }
        if let Some((most, exclusive)) = &validation.maximum {
            let ordering = compare(number, most);
            if ordering == Ordering::Greater || (*exclusive && ordering == Ordering::Equal) {
                let relation = if *exclusive { "less than" } else { "less than or equal to" };
                outcome.add(self.invalid(self.value, format!("should be {relation} {}", printed(most, number))));
            }
        }
        outcome.checks += 2;
    }

    /// The range of whole numbers that an integer is out of.
    fn missed_range(&self, number: &Number) -> Option<&'static str> {
        let whole = number.as_i64().or_else(|| {
            let number = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9.2e18);
            number.map(|number| number as i64)
        });
        let (fits, range) = match self.format() {
            "int32" => (whole.is_some_and(|whole| i32::try_from(whole).is_ok()), "with format int32"),
            "int64" => (whole.is_some(), "with format int64"),
            _ => (whole.is_some(), "(default format)"),
        };
        (self.schema.type_ == Type::Integer && !fits).then_some(range)
    }

    /// The format, when the server knows it for the type; any other means nothing.
    fn format(&self) -> &'a str {
        let type_ = match type_names(self.schema) {
            [only] => only,
            _ => "",
        };
        if is_known_format(type_, &self.schema.format) { &self.schema.format } else { "" }
    }

    fn wrong_type(&self, expected: &str, actual: &str) -> super::Problem {
        let what = format!("must be of type {expected}: {}", quoted(actual));
        self.problem(what, |text| FieldError::type_invalid(&self.field(), &actual.into(), text))
    }
}

fn is_equal(allowed: &Value, value: &Value) -> bool {
    match (allowed, value) {
        (Value::Number(allowed), Value::Number(value)) => allowed.as_f64() == value.as_f64(),
        (allowed, value) => allowed == value,
    }
}

/// A whole number is compared with the whole part of the bound, as in kube-openapi.
fn compare(number: &Number, bound: &Number) -> Ordering {
    match (number.as_i64(), bound.as_f64()) {
        (Some(number), Some(bound)) => number.cmp(&bound_of(bound)),
        (None, Some(bound)) => number.as_f64().and_then(|number| number.partial_cmp(&bound)).unwrap_or(Ordering::Equal),
        _ => Ordering::Equal,
    }
}

fn bound_of(bound: f64) -> i64 {
    bound as i64
}

fn is_multiple(number: &Number, factor: &Number) -> bool {
    let factor = factor.as_f64().unwrap_or(1.0);
    match number.as_i64() {
        Some(number) if factor >= 1.0 => number % bound_of(factor) == 0,
        _ => {
            let quotient = number.as_f64().unwrap_or_default() / factor;
            (quotient - quotient.round()).abs() < 1e-9
        }
    }
}

/// A bound as it is printed beside `number`.
fn printed(bound: &Number, number: &Number) -> String {
    match (number.as_i64(), bound.as_f64()) {
        (Some(_), Some(bound)) => bound_of(bound).to_string(),
        (_, bound) => float(bound),
    }
}
