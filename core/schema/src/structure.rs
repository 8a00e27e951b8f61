//! Whether the schema of a CustomResourceDefinition is structural: every field is specified outside of the logical
//! combinations, which may only restrict it further.

use regex::Regex;
use serde_json::{Map, Value, json};

use crate::field_error::{FieldError, child, entry};

/// What keeps `openAPIV3Schema`, which stands at `path`, from being structural, sorted by text.
pub fn structure_errors(path: &str, definition: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check(path, definition, Level::Root, &mut errors);
    check_combinations(path, definition, definition, path, &mut errors);
    errors.sort_by_cached_key(FieldError::text);
    errors
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// The schema itself, and those of its fields and items.
fn check(path: &str, schema: &Value, level: Level, errors: &mut Vec<FieldError>) {
    let type_ = text(schema, "type");
    let embedded = flag(schema, EMBEDDED);
    let int_or_string = flag(schema, INT_OR_STRING);
    let preserves = flag(schema, PRESERVE);
    match schema.get("items") {
        Some(items) if items.is_object() => check(&child(path, "items"), items, Level::Item, errors),
        None | Some(Value::Null) if type_ == "array" => {
            errors.push(FieldError::required(&child(path, "items"), "must be specified"))
        }
        _ => {}
    }
    for (name, field) in fields(schema) {
        check(&entry(&child(path, "properties"), name), field, Level::Field, errors);
    }
    let additional = schema.get("additionalProperties").filter(|additional| !additional.is_null());
    if let Some(additional) = additional {
        let path = child(path, "additionalProperties");
        if level == Level::Root {
            errors.push(FieldError::forbidden(&path, "must not be used at the root"));
        }
        if embedded {
            let detail = "must not be used if x-kubernetes-embedded-resource is set";
            errors.push(FieldError::forbidden(&path, detail));
        }
        if additional.is_object() {
            check(&path, additional, Level::Field, errors);
        }
    }
    for (name, used) in [(PRESERVE, preserves), (EMBEDDED, embedded)] {
        if int_or_string && used {
            let detail = "must be false if x-kubernetes-int-or-string is true";
            errors.push(FieldError::invalid(&child(path, name), &true.into(), detail));
        }
    }
    check_values(path, schema, errors);
    check_type_of(path, schema, level, errors);
    check_metadata(path, schema, level, errors);
    if embedded && !preserves && fields(schema).next().is_none() {
        let detail =
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(&child(path, "properties"), detail));
    }
}

fn check_type_of(path: &str, schema: &Value, level: Level, errors: &mut Vec<FieldError>) {
    let path = child(path, "type");
    let type_ = text(schema, "type");
    if flag(schema, EMBEDDED) && type_ != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match type_ {
            "" => FieldError::required(&path, detail),
            other => FieldError::invalid(&path, &other.into(), detail),
        });
    } else if type_.is_empty() && !flag(schema, INT_OR_STRING) && !flag(schema, PRESERVE) {
        let detail = match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(&path, detail));
    }
    if level == Level::Root && !type_.is_empty() && type_ != "object" {
        errors.push(FieldError::invalid(&path, &type_.into(), "must be object at the root"));
    }
}

/// Of an object's own fields, only the name and generateName may be restricted.
fn check_metadata(path: &str, schema: &Value, level: Level, errors: &mut Vec<FieldError>) {
    let checks = level == Level::Root || flag(schema, EMBEDDED);
    let path = child(path, "properties");
    for (name, field) in fields(schema) {
        let wanted = match name.as_str() {
            "kind" | "apiVersion" => "string",
            "metadata" => "object",
            _ => continue,
        };
        let path = entry(&path, name);
        let type_ = text(field, "type");
        if checks && type_ != wanted {
            errors.push(FieldError::invalid(&child(&path, "type"), &type_.into(), &format!("must be {wanted}")));
        }
        if name == "metadata" && level == Level::Root {
            let named = |(name, _): &(&String, &Value)| name.as_str() == "name" || name.as_str() == "generateName";
            let bare = |(name, value): (&String, &Value)| match name.as_str() {
                "type" | "default" => true,
                "properties" => fields(field).all(|field| named(&field)),
                _ => value.is_null() || *value == json!(""),
            };
            if !field.as_object().into_iter().flatten().all(bare) {
                let detail =
                    "must not specify anything other than name and generateName, but metadata is implicitly specified";
                errors.push(FieldError::forbidden(&path, detail));
            }
        }
    }
}

/// The combinations of a schema, and its pattern.
fn check_values(path: &str, schema: &Value, errors: &mut Vec<FieldError>) {
    for (place, branch) in branches(schema) {
        // The one spelling of int-or-string that names types.
        if place.starts_with("anyOf") && schema["anyOf"] == either() {
            continue;
        }
        check_branch(&child(path, &place), branch, place == "allOf[0]", errors);
    }
    let pattern = text(schema, "pattern");
    if let Err(error) = Regex::new(pattern) {
        let detail = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(FieldError::invalid(&child(path, "pattern"), &pattern.into(), &detail));
    }
}

/// A schema inside a combination: it may say what values are allowed, not what fields there are.
fn check_branch(path: &str, schema: &Value, first_of_all: bool, errors: &mut Vec<FieldError>) {
    for (place, branch) in branches(schema) {
        if first_of_all && place.starts_with("anyOf") && schema["anyOf"] == either() {
            continue;
        }
        check_branch(&child(path, &place), branch, false, errors);
    }
    if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
        check_branch(&child(path, "items"), items, false, errors);
    }
    for (name, field) in fields(schema) {
        let path = entry(&child(path, "properties"), name);
        check_branch(&path, field, false, errors);
        if name == "metadata" {
            errors.push(FieldError::forbidden(&path, "must not be specified in a nested context"));
        }
    }
    const FORBIDDEN: [(&str, &str); 13] = [
        ("type", "must be empty to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        (PRESERVE, "must be false to be structural"),
        (EMBEDDED, "must be false to be structural"),
        (INT_OR_STRING, "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ];
    for (name, detail) in FORBIDDEN {
        let absent = [Value::Null, json!(false), json!(""), json!([])];
        if schema.get(name).is_some_and(|value| !absent.contains(value)) {
            errors.push(FieldError::forbidden(&child(path, name), detail));
        }
    }
}

/// What a combination says of a field must be about a field that the schema specifies.
fn check_combinations(path: &str, schema: &Value, values: &Value, values_path: &str, errors: &mut Vec<FieldError>) {
    for (place, branch) in branches(values) {
        check_specified(path, Some(schema), branch, &child(values_path, &place), errors);
    }
}

fn check_specified(
    path: &str,
    schema: Option<&Value>,
    values: &Value,
    values_path: &str,
    errors: &mut Vec<FieldError>,
) {
    let Some(schema) = schema else {
        errors.push(FieldError::required(path, &format!("because it is defined in {values_path}")));
        return;
    };
    check_combinations(path, schema, values, values_path, errors);
    if let Some(items) = values.get("items").filter(|items| items.is_object()) {
        check_specified(&child(path, "items"), schema.get("items"), items, &child(values_path, "items"), errors);
    }
    for (name, field) in fields(values) {
        let [path, values_path] = [path, values_path].map(|path| entry(&child(path, "properties"), name));
        let specified = schema.get("properties").and_then(|fields| fields.get(name));
        check_specified(&path, specified, field, &values_path, errors);
    }
}

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

fn either() -> Value {
    json!([{ "type": "integer" }, { "type": "string" }])
}

/// The schemas under `anyOf`, `allOf`, `oneOf` and `not`, with their places.
fn branches(schema: &Value) -> impl Iterator<Item = (String, &Value)> {
    let lists = ["anyOf", "allOf", "oneOf"].into_iter().flat_map(move |name| {
        let list = schema.get(name).and_then(Value::as_array).into_iter().flatten();
        list.enumerate().map(move |(index, branch)| (format!("{name}[{index}]"), branch))
    });
    let not = schema.get("not").filter(|not| not.is_object());
    lists.chain(not.map(|branch| ("not".to_owned(), branch)))
}

fn fields(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or_default()
}
