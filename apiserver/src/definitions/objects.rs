//! Objects of the kinds that CustomResourceDefinitions define.

use serde_json::Value;
use thalweg_cel::Rules;
use thalweg_schema::{
    FieldError, Resource, Scale, default, default_applied, embedded_errors, go_type, list_type_errors, prune,
    schema_errors,
};

/// Takes unknown fields out of an object and gives absent ones their defaults. Names the fields that were dropped.
pub(super) fn read(resource: &Resource, object: &mut Value) -> Vec<String> {
    write_whole_numbers_plainly(object);
    let dropped = prune(object, &resource.schema);
    default(object, &resource.schema);
    dropped
}

/// The same for an object that an apply has made: it has no unknown fields, and its nulls stay.
pub(super) fn read_applied(resource: &Resource, object: &mut Value) {
    write_whole_numbers_plainly(object);
    default_applied(object, &resource.schema);
}

/// `2.0` becomes `2`, as Go writes it.
fn write_whole_numbers_plainly(value: &mut Value) {
    /// Above this, numbers have no neighbours a whole number away.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers_plainly),
        Value::Array(items) => items.iter_mut().for_each(write_whole_numbers_plainly),
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= WHOLE_MAX);
            if let Some(whole) = whole {
                *value = (whole as i64).into();
            }
        }
        _ => {}
    }
}

/// What is wrong with an object; of its status alone, when that is what is written. What was wrong before and has not changed
/// is tolerated.
pub(super) fn validate(
    resource: &Resource,
    rules: Option<&Rules>,
    subresource: &str,
    old: Option<&Value>,
    new: &Value,
) -> Vec<FieldError> {
    let schema = &resource.schema;
    let writes_status = subresource == "status";
    let mut errors = match schema.properties.get("status") {
        Some(schema) if writes_status => new.get("status").map_or_else(Vec::new, |status| {
            schema_errors("status", status, old.and_then(|old| old.get("status")), schema)
        }),
        None if writes_status => Vec::new(),
        _ => schema_errors("", new, old, schema),
    };
    if let Some(scale) = resource.subresource("scale").and_then(|scale| scale.scale.as_ref()) {
        errors.extend(scale_errors(scale, writes_status, new));
    }
    if !writes_status {
        errors.extend(embedded_errors("", new, schema));
    }
    if old.is_none_or(|old| list_type_errors("", old, schema).is_empty()) {
        errors.extend(list_type_errors("", new, schema));
    }
    let Some(rules) = rules else { return errors };
    if errors.iter().any(blocks_rules) {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing errors to \
                      complete validation";
        errors.push(FieldError::invalid("", &Value::Null, detail));
    } else {
        errors.extend(rules.errors(new, old));
    }
    errors
}

/// Rules are asked only of objects of the right shape.
fn blocks_rules(error: &FieldError) -> bool {
    const BLOCKING: [&str; 5] = [
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    ];
    BLOCKING.contains(&error.reason)
}

fn scale_errors(scale: &Scale, status_alone: bool, object: &Value) -> Vec<FieldError> {
    let spec = (!status_alone).then_some(&scale.spec_replicas);
    let paths = spec.into_iter().chain([&scale.status_replicas]);
    paths.filter_map(|path| replicas_error(path, object)).collect()
}

fn replicas_error(path: &str, object: &Value) -> Option<FieldError> {
    let value = path.split('.').skip(1).try_fold(object, |value, name| value.get(name))?;
    let invalid = |value: &Value, detail: &str| Some(FieldError::invalid(path, value, detail));
    match value.as_i64() {
        None => {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let detail = format!("{path} accessor error: {shown} is of the type {}, expected int64", go_type(value));
            invalid(&0.into(), &detail)
        }
        Some(number) if number < 0 => invalid(value, "should be a non-negative integer"),
        Some(number) if i32::try_from(number).is_err() => invalid(value, "should be less than or equal to 2147483647"),
        Some(_) => None,
    }
}
