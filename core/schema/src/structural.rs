//! The schema of a CustomResourceDefinition (`JSONSchemaProps`) as a [`Schema`].

use serde_json::{Map, Number, Value};

use crate::node::{ListType, MapType, Node, Patch, Rule, Schema, Type, Validation};
use crate::pattern::Pattern;

/// Reads `openAPIV3Schema`. What a structural schema may not contain is not read: [`crate::structure_errors`] names it.
pub fn structural(definition: &Value) -> Schema {
    let Value::Object(fields) = definition else { return Schema::new(Node::default()) };
    let fields = Fields(fields);
    let schemas = |name| {
        let entries = fields.0.get(name).and_then(Value::as_object).into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), structural(value))).collect()
    };
    Schema::new(Node {
        type_: type_of(&fields),
        description: fields.text("description"),
        format: fields.text("format"),
        nullable: fields.flag("nullable"),
        default: fields.0.get("default").filter(|default| !default.is_null()).cloned(),
        properties: schemas("properties"),
        additional: additional(fields.0.get("additionalProperties")),
        items: fields.schema("items"),
        list_type: match fields.text("x-kubernetes-list-type").as_str() {
            "set" => ListType::Set,
            "map" => ListType::Map(fields.texts("x-kubernetes-list-map-keys")),
            _ => ListType::Atomic,
        },
        map_type: match fields.text("x-kubernetes-map-type").as_str() {
            "atomic" => MapType::Atomic,
            _ => MapType::Granular,
        },
        patch: Patch::default(),
        preserve_unknown: fields.flag("x-kubernetes-preserve-unknown-fields"),
        embedded_resource: fields.flag("x-kubernetes-embedded-resource"),
        validation: validation(&fields),
        ..Node::default()
    })
}

fn type_of(fields: &Fields<'_>) -> Type {
    if fields.flag("x-kubernetes-int-or-string") {
        return Type::IntOrString;
    }
    match fields.text("type").as_str() {
        "boolean" => Type::Boolean,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "string" => Type::String,
        "array" => Type::Array,
        "object" => Type::Object,
        _ => Type::Any,
    }
}

/// `true` allows any value under any key, of which nothing is known.
fn additional(value: Option<&Value>) -> Option<Schema> {
    match value? {
        Value::Bool(true) => Some(Schema::new(Node { nullable: true, ..Node::default() })),
        schema @ Value::Object(_) => Some(structural(schema)),
        _ => None,
    }
}

fn validation(fields: &Fields<'_>) -> Option<Box<Validation>> {
    const FIELDS: [&str; 19] = [
        "required",
        "enum",
        "pattern",
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "exclusiveMinimum",
        "x-kubernetes-validations",
    ];
    if !FIELDS.iter().any(|name| fields.0.contains_key(*name)) {
        return None;
    }
    let bound = |name, exclusive| Some((fields.number(name)?, fields.flag(exclusive)));
    Some(Box::new(Validation {
        required: fields.texts("required"),
        enumeration: fields.list("enum").cloned().collect(),
        pattern: Some(fields.text("pattern")).filter(|pattern| !pattern.is_empty()).map(Pattern::new),
        minimum: bound("minimum", "exclusiveMinimum"),
        maximum: bound("maximum", "exclusiveMaximum"),
        multiple_of: fields.number("multipleOf"),
        length: (fields.count("minLength"), fields.count("maxLength")),
        items: (fields.count("minItems"), fields.count("maxItems")),
        unique_items: fields.flag("uniqueItems"),
        properties: (fields.count("minProperties"), fields.count("maxProperties")),
        all_of: fields.list("allOf").map(structural).collect(),
        any_of: fields.list("anyOf").map(structural).collect(),
        one_of: fields.list("oneOf").map(structural).collect(),
        not: fields.schema("not"),
        rules: fields.list("x-kubernetes-validations").filter_map(Value::as_object).map(rule).collect(),
    }))
}

fn rule(fields: &Map<String, Value>) -> Rule {
    let fields = Fields(fields);
    Rule {
        rule: fields.text("rule"),
        message: fields.text("message"),
        message_expression: fields.text("messageExpression"),
        reason: fields.text("reason"),
        field_path: fields.text("fieldPath"),
        optional_old_self: fields.flag("optionalOldSelf"),
    }
}

/// The fields of a schema, each with the type it should have; another type is as good as absent.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn text(&self, name: &str) -> String {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<Number> {
        self.0.get(name).and_then(Value::as_number).cloned()
    }

    fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn schema(&self, name: &str) -> Option<Schema> {
        self.0.get(name).filter(|schema| schema.is_object()).map(structural)
    }
}
