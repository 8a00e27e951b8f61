//! What is wrong with the schema of a CustomResourceDefinition.

use serde_json::{Map, Value};
use thalweg_cel::{RuleError, Rules, check_rule};
use thalweg_schema::{
    FieldError, Node, Rule, Schema, child, embedded_errors, entry, prune, schema_errors as value_errors, structural,
    structure_errors,
};

/// What is wrong with `openAPIV3Schema`, which stands at `path`.
pub(super) fn schema_errors(path: &str, schema: &Value, has_status: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if has_status && text(schema, "type") != "object" {
        let detail =
            "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
        errors.push(FieldError::invalid(&child(path, "type"), &schema["type"], detail));
    }
    if has_status && schema.as_object().into_iter().flatten().any(|(name, value)| !is_allowed_at_root(name, value)) {
        errors.push(FieldError::invalid(path, schema, &root_detail()));
    }
    if schema["nullable"] == true {
        errors.push(FieldError::forbidden(&child(path, "nullable"), "nullable cannot be true at the root"));
    }
    let read = structural(schema);
    let mut structure = structure_errors(path, schema);
    if structure.is_empty() {
        check_defaults(path, &read, true, &mut structure);
    }
    let asks_rules = structure.is_empty();
    errors.extend(structure);
    let place = Place { root: true, ..Place::default() };
    let mut found = Vec::new();
    check(path, schema, &place, &mut found);
    if asks_rules && found.is_empty() {
        check_rules(path, schema, &read, true, None, &mut found);
    }
    errors.extend(found);
    errors
}

const ROOT_FIELDS: [&str; 22] = [
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
];

fn is_allowed_at_root(name: &str, value: &Value) -> bool {
    let unset = matches!(value, Value::Null | Value::Bool(false)) || value == "";
    let field = match name {
        "x-kubernetes-preserve-unknown-fields" => "XPreserveUnknownFields",
        "x-kubernetes-validations" => "XValidations",
        other => other,
    };
    // What is written wrongly in other ways is said elsewhere.
    let told_elsewhere = matches!(name, "nullable");
    unset || told_elsewhere || ROOT_FIELDS.iter().any(|allowed| allowed.eq_ignore_ascii_case(field))
}

fn root_detail() -> String {
    format!(
        "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
        ROOT_FIELDS.join(" ")
    )
}

/// Defaults are values of their schema, and hold nothing that it does not know.
fn check_defaults(path: &str, schema: &Node, resource: bool, errors: &mut Vec<FieldError>) {
    let resource = resource || schema.embedded_resource;
    if let Some(value) = &schema.default {
        let path = child(path, "default");
        let mut pruned = serde_json::json!({ "value": value });
        let holder = Node { properties: [("value".to_owned(), Schema::new(schema.clone()))].into(), ..Node::default() };
        prune(&mut pruned, &holder);
        if pruned["value"] != *value {
            errors.push(FieldError::invalid(&path, value, "must not have unknown fields"));
        }
        errors.extend(embedded_errors(&path, value, schema));
        let wrong = value_errors(&path, value, None, schema);
        if wrong.is_empty() {
            let rules = Rules::compile(&Schema::new(schema.clone()));
            let asked = rules.map(|rules| rules.errors(value, None)).unwrap_or_default();
            errors.extend(asked.into_iter().map(|error| {
                let field = if error.field == "<nil>" { path.clone() } else { child(&path, &error.field) };
                FieldError { field, ..error }
            }));
        }
        errors.extend(wrong);
    }
    if let Some(items) = &schema.items {
        check_defaults(&child(path, "items"), items, false, errors);
    }
    for (name, field) in &schema.properties {
        if resource && matches!(name.as_str(), "metadata" | "apiVersion" | "kind") {
            continue;
        }
        check_defaults(&entry(&child(path, "properties"), name), field, false, errors);
    }
}

/// Where a schema stands.
#[derive(Clone, Default)]
struct Place {
    root: bool,
    /// Why there may be no defaults here.
    forbids_defaults: Option<String>,
    /// In apiVersion, kind or metadata of an object.
    in_meta: bool,
}

fn check(path: &str, schema: &Value, place: &Place, errors: &mut Vec<FieldError>) {
    check_unsupported(path, schema, place, errors);
    let below = Place { root: false, ..place.clone() };
    let additional = &schema["additionalProperties"];
    let has_fields = fields(schema).next().is_some();
    if has_fields && (additional.is_object() || *additional == false) {
        let detail = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(&child(path, "additionalProperties"), detail));
    }
    if additional.is_object() {
        let why = "inside additionalProperties applying to object metadata".to_owned();
        let below = if place.in_meta { Place { forbids_defaults: Some(why), ..below.clone() } } else { below.clone() };
        check(&child(path, "additionalProperties"), additional, &below, errors);
    }
    for (name, field) in fields(schema) {
        let mut below = below.clone();
        let whole = place.root || schema["x-kubernetes-embedded-resource"] == true;
        if whole && matches!(name.as_str(), "metadata" | "kind" | "apiVersion") {
            below.in_meta = true;
            if place.root {
                below.forbids_defaults = Some(format!("in top-level {name}"));
            }
        }
        check(&entry(&child(path, "properties"), name), field, &below, errors);
    }
    for name in ["allOf", "oneOf", "anyOf"] {
        for (index, branch) in list(schema, name).enumerate() {
            check(&entry(&child(path, name), index), branch, &below, errors);
        }
    }
    for name in ["not", "items"] {
        if schema[name].is_object() {
            check(&child(path, name), &schema[name], &below, errors);
        }
    }
    check_extensions(path, schema, errors);
    for (index, rule) in list(schema, "x-kubernetes-validations").enumerate() {
        check_rule_fields(&entry(&child(path, "x-kubernetes-validations"), index), rule, schema, errors);
    }
}

fn check_unsupported(path: &str, schema: &Value, place: &Place, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let type_ = text(schema, "type");
    if !type_.is_empty() && !TYPES.contains(&type_) {
        errors.push(FieldError::not_supported(&child(path, "type"), &schema["type"], TYPES));
    }
    if let Some(why) = place.forbids_defaults.as_ref().filter(|_| !schema["default"].is_null()) {
        errors.push(FieldError::forbidden(&child(path, "default"), &format!("must not be set {why}")));
    }
    for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        if schema.get(name).is_some_and(|value| !value.is_null()) {
            errors.push(FieldError::forbidden(&child(path, name), &format!("{name} is not supported")));
        }
    }
    if type_ == "null" {
        let detail = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(&child(path, "type"), detail));
    }
    if schema["items"].is_array() {
        errors.push(FieldError::forbidden(&child(path, "items"), "items must be a schema object and not an array"));
    }
    if place.in_meta && schema["x-kubernetes-embedded-resource"] == true {
        let detail = "must not be used inside of resource meta";
        errors.push(FieldError::forbidden(&child(path, "x-kubernetes-embedded-resource"), detail));
    }
    if schema["uniqueItems"] == true {
        let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(&child(path, "uniqueItems"), detail));
    }
}

fn check_extensions(path: &str, schema: &Value, errors: &mut Vec<FieldError>) {
    const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
    if schema[PRESERVE] == false {
        errors.push(FieldError::invalid(&child(path, PRESERVE), &false.into(), "must be true or undefined"));
    }
    for (name, wanted, known) in [
        ("x-kubernetes-map-type", "object", &["atomic", "granular"][..]),
        ("x-kubernetes-list-type", "array", &["atomic", "set", "map"][..]),
    ] {
        if schema[name].is_null() {
            continue;
        }
        let type_path = child(path, "type");
        let detail = format!("must be {wanted} if {name} is specified");
        match text(schema, "type") {
            "" => errors.push(FieldError::required(&type_path, &detail)),
            type_ if type_ == wanted => {}
            _ => errors.push(FieldError::invalid(&type_path, &schema["type"], &detail)),
        }
        if !known.contains(&text(schema, name)) {
            errors.push(FieldError::not_supported(&child(path, name), &schema[name], known.iter().copied()));
        }
    }
    check_list_type(path, schema, errors);
}

fn check_list_type(path: &str, schema: &Value, errors: &mut Vec<FieldError>) {
    const LIST_TYPE: &str = "x-kubernetes-list-type";
    const KEYS: &str = "x-kubernetes-list-map-keys";
    let items = &schema["items"];
    let items_path = child(path, "items");
    let list_type = text(schema, LIST_TYPE);
    let keys: Vec<&str> = list(schema, KEYS).filter_map(Value::as_str).collect();
    if list_type == "set" && text(schema, "type") == "array" {
        let (name, atomic) = match text(items, "type") {
            "array" => (LIST_TYPE, matches!(text(items, LIST_TYPE), "" | "atomic")),
            "object" => ("x-kubernetes-map-type", text(items, "x-kubernetes-map-type") == "atomic"),
            _ => (LIST_TYPE, true),
        };
        if !atomic {
            let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
            errors.push(FieldError::invalid(&child(&items_path, name), &items[LIST_TYPE], detail));
        }
    }
    if !keys.is_empty() && list_type != "map" {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        let path = child(path, LIST_TYPE);
        errors.push(match list_type {
            "" => FieldError::required(&path, detail),
            _ => FieldError::invalid(&path, &schema[LIST_TYPE], detail),
        });
    }
    if matches!(list_type, "set" | "map") && items["nullable"] == true {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(FieldError::forbidden(&child(&items_path, "nullable"), &detail));
    }
    if list_type != "map" {
        return;
    }
    if keys.is_empty() {
        errors.push(FieldError::required(&child(path, KEYS), "must not be empty if x-kubernetes-list-type is map"));
    }
    if items.is_null() {
        errors.push(FieldError::required(&items_path, "must have a schema if x-kubernetes-list-type is map"));
    } else if text(items, "type") != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(&child(&items_path, "type"), &text(items, "type").into(), detail));
    }
    for (index, key) in keys.iter().enumerate() {
        check_key(path, schema, key, errors);
        if keys[..index].contains(key) {
            errors.push(FieldError::invalid(&child(path, KEYS), &schema[KEYS], "must not contain duplicate entries"));
        }
    }
}

/// A key of a map list: a scalar that every item has.
fn check_key(path: &str, schema: &Value, key: &str, errors: &mut Vec<FieldError>) {
    let items = &schema["items"];
    let Some(field) = items.get("properties").and_then(|fields| fields.get(key)) else {
        if text(items, "type") == "object" {
            let keys = "x-kubernetes-list-map-keys";
            let detail = "entries must all be names of item properties";
            errors.push(FieldError::invalid(&child(path, keys), &schema[keys], detail));
        }
        return;
    };
    let path = entry(&child(path, "items.properties"), key);
    if matches!(text(field, "type"), "array" | "object") {
        let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(&child(&path, "type"), &items["type"], detail));
    }
    if field["default"].is_null() && !list(items, "required").any(|required| required == key) {
        let detail =
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
        errors.push(FieldError::required(&child(&path, "default"), detail));
    }
    if field["nullable"] == true {
        let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
        errors.push(FieldError::forbidden(&child(&path, "nullable"), detail));
    }
}

fn check_rule_fields(path: &str, rule: &Value, schema: &Value, errors: &mut Vec<FieldError>) {
    const REASONS: [&str; 4] =
        ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
    let (expression, message) = (text(rule, "rule").trim(), text(rule, "message"));
    let several_lines = |text: &str| text.contains(['\n', '\r']);
    let message_path = child(path, "message");
    if expression.is_empty() {
        errors.push(FieldError::required(&child(path, "rule"), "rule is not specified"));
    } else if !message.is_empty() && message.trim().is_empty() {
        errors.push(FieldError::invalid(&message_path, &rule["message"], "must be non-empty if specified"));
    } else if several_lines(message.trim()) {
        errors.push(FieldError::invalid(&message_path, &rule["message"], "must not contain line breaks"));
    } else if several_lines(expression) && message.is_empty() {
        let detail = "message must be specified if rule contains line breaks";
        errors.push(FieldError::required(&message_path, detail));
    }
    let message_expression = text(rule, "messageExpression");
    if !message_expression.is_empty() && message_expression.trim().is_empty() {
        let detail = "messageExpression must be non-empty if specified";
        errors.push(FieldError::required(&child(path, "messageExpression"), detail));
    }
    if !rule["reason"].is_null() && !REASONS.contains(&text(rule, "reason")) {
        errors.push(FieldError::not_supported(&child(path, "reason"), &rule["reason"], REASONS));
    }
    let field_path = text(rule, "fieldPath");
    if !field_path.is_empty() && !leads_somewhere(field_path, schema) {
        errors.push(FieldError::invalid(&child(path, "fieldPath"), &rule["fieldPath"], "must be a valid path"));
    }
}

/// Whether a path such as `.a['b']` leads to a field of the schema.
fn leads_somewhere(path: &str, schema: &Value) -> bool {
    let mut rest = path;
    let mut schema = schema;
    while !rest.is_empty() {
        let (name, tail) = if let Some(quoted) = rest.strip_prefix("['") {
            let Some((name, tail)) = quoted.split_once("']") else { return false };
            (name, tail)
        } else {
            let Some(name) = rest.strip_prefix('.') else { return false };
            name.split_at(name.find(['.', '[']).unwrap_or(name.len()))
        };
        let field = match schema.get("properties") {
            Some(fields) => fields.get(name),
            None => schema.get("additionalProperties"),
        };
        let Some(field) = field else { return false };
        (schema, rest) = (field, tail);
    }
    true
}

/// The rules themselves, here and below. `no_old` is where old and new can no longer be told to be the same thing.
fn check_rules(
    path: &str,
    json: &Value,
    schema: &Node,
    resource: bool,
    no_old: Option<&str>,
    errors: &mut Vec<FieldError>,
) {
    let rules = schema.validation.iter().flat_map(|validation| &validation.rules);
    for (index, (rule, written)) in rules.zip(list(json, "x-kubernetes-validations")).enumerate() {
        let path = entry(&child(path, "x-kubernetes-validations"), index);
        match check_rule(rule, schema, resource) {
            Err(error @ (RuleError::Compilation(_) | RuleError::NoCondition)) => {
                errors.push(about_rule(&child(&path, "rule"), rule, &error.to_string()));
            }
            Err(error) => errors.push(about_rule(&child(&path, "messageExpression"), rule, &error.to_string())),
            Ok(true) => {
                if let Some(no_old) = no_old {
                    let detail =
                        format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {no_old}");
                    errors.push(FieldError::invalid(&child(&path, "rule"), &written["rule"], &detail));
                }
            }
            Ok(false) if !written["optionalOldSelf"].is_null() => {
                let detail = "may not be set if oldSelf is not used in rule";
                errors.push(FieldError::invalid(&child(&path, "optionalOldSelf"), &written["optionalOldSelf"], detail));
            }
            Ok(false) => {}
        }
    }
    for (name, field) in &schema.properties {
        let path = entry(&child(path, "properties"), name);
        check_rules(&path, &json["properties"][name], field, field.embedded_resource, no_old, errors);
    }
    if let Some(field) = schema.additional.as_ref().filter(|_| json["additionalProperties"].is_object()) {
        let json = &json["additionalProperties"];
        check_rules(&child(path, "additionalProperties"), json, field, field.embedded_resource, no_old, errors);
    }
    if let Some(items) = &schema.items {
        let keyed = matches!(schema.list_type, thalweg_schema::ListType::Map(_));
        let no_old = no_old.or((!keyed).then_some(path));
        check_rules(&child(path, "items"), &json["items"], items, items.embedded_resource, no_old, errors);
    }
}

/// A complaint about a rule, which the server prints in its own spelling.
fn about_rule(path: &str, rule: &Rule, detail: &str) -> FieldError {
    let quoted = |text: &str| {
        Value::from(text).to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
    };
    let reason = if rule.reason.is_empty() { "null".to_owned() } else { quoted(&rule.reason) };
    let optional = if rule.optional_old_self { "true" } else { "null" };
    FieldError {
        reason: "FieldValueInvalid",
        field: path.to_owned(),
        message: format!(
            "Invalid value: {{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{reason},\"FieldPath\":{},\
             \"OptionalOldSelf\":{optional}}}: {detail}",
            quoted(&rule.rule),
            quoted(&rule.message),
            quoted(&rule.message_expression),
            quoted(&rule.field_path),
        ),
    }
}

fn fields(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

fn list<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    schema.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}
