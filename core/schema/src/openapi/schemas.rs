//! The schemas of a document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::definitions::Definition;
use crate::node::{ListType, MapType, Node, Rule, Schema, Type, Validation};
use crate::pattern::Pattern;
use crate::resource::Resource;

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The schemas by name, with what they refer to.
#[derive(Default)]
pub(super) struct Components {
    schemas: BTreeMap<String, Value>,
    /// Kubernetes' definitions that something refers to.
    wanted: Vec<&'static str>,
}

impl Components {
    /// The schema of an object, by name.
    pub(super) fn resource(&mut self, resource: &Resource) -> String {
        if let Some(name) = resource.schema.definition() {
            return self.definition(name);
        }
        let name = custom_name(resource, &resource.kind);
        if !self.schemas.contains_key(&name) {
            let mut schema = self.value(&resource.schema);
            self.add_object_fields(&mut schema);
            schema["x-kubernetes-group-version-kind"] = json!([kind(resource, &resource.kind)]);
            self.schemas.insert(name.clone(), schema);
        }
        name
    }

    /// The schema of a list of them.
    pub(super) fn list(&mut self, resource: &Resource) -> String {
        if let Some(name) = resource.schema.definition() {
            return self.definition(&format!("{name}List"));
        }
        let name = custom_name(resource, &resource.list_kind);
        let items = reference(&self.resource(resource));
        let metadata = reference(&self.definition(&format!("{META}.ListMeta")));
        let schema = json!({
            "description": format!("{} is a list of {}", resource.list_kind, resource.kind),
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": { "type": "string" },
                "items": { "type": "array", "items": items },
                "kind": { "type": "string" },
                "metadata": { "allOf": [metadata] },
            },
            "x-kubernetes-group-version-kind": [kind(resource, &resource.list_kind)],
        });
        self.schemas.insert(name.clone(), schema);
        name
    }

    /// The schema of another kind of Kubernetes'.
    pub(super) fn kind(&mut self, group: &str, version: &str, kind: &str) -> Option<String> {
        Some(self.definition(Definition::of_kind(group, version, kind)?.name()))
    }

    /// One of Kubernetes' definitions, which every group version has as a kind of its own.
    pub(super) fn options(&mut self, name: &str, resource: &Resource) -> String {
        let (core, short) = (json!({ "group": "", "version": "v1" }), name.rsplit('.').next().unwrap_or(name));
        let mut kinds = vec![core, json!({ "group": resource.group, "version": resource.version })];
        kinds.dedup();
        kinds.iter_mut().for_each(|kind| kind["kind"] = short.into());
        if let Some(mut schema) = Definition::find(name).map(|definition| self.published(definition)) {
            schema["x-kubernetes-group-version-kind"] = kinds.into();
            self.schemas.insert(name.to_string(), schema);
        }
        name.to_string()
    }

    /// One of Kubernetes' definitions.
    pub(super) fn definition(&mut self, name: &str) -> String {
        self.wanted.extend(Definition::find(name).map(Definition::name));
        name.to_string()
    }

    /// All schemas: each that another one refers to is among them.
    pub(super) fn complete(mut self) -> BTreeMap<String, Value> {
        while let Some(name) = self.wanted.pop() {
            if let Some(definition) = Definition::find(name).filter(|_| !self.schemas.contains_key(name)) {
                let schema = self.published(definition);
                self.schemas.insert(name.to_string(), schema);
            }
        }
        self.schemas
    }

    /// A row of the tables as Kubernetes publishes it.
    fn published(&mut self, definition: &Definition) -> Value {
        let mut descriptions = definition.descriptions();
        let mut schema = self.expanded(definition.table_row(), descriptions.remove(""));
        for (name, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            *property = self.expanded(property.take(), descriptions.remove(name));
        }
        if let Some(kind) = schema.get_mut("x-kubernetes-group-version-kind") {
            *kind = json!([kind.take()]);
        }
        schema
    }

    fn expanded(&mut self, row: Value, description: Option<String>) -> Value {
        let Value::Object(mut schema) = row else { return row };
        schema.remove("go");
        schema.remove("inlined");
        schema.extend(description.map(|text| ("description".to_string(), text.into())));
        for key in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get_mut(key) {
                *inner = self.expanded(inner.take(), None);
            }
        }
        let Some(Value::String(name)) = schema.remove("$ref") else { return schema.into() };
        let reference = reference(&self.definition(&name));
        if schema.is_empty() {
            return reference;
        }
        schema.insert("allOf".to_string(), json!([reference]));
        schema.into()
    }

    /// A schema of a CustomResourceDefinition.
    fn value(&mut self, schema: &Schema) -> Value {
        if let Some(name) = schema.definition() {
            return reference(&self.definition(name));
        }
        let node: &Node = schema;
        let mut value = Members::default();
        value.text("type", type_name(node.type_));
        value.text("description", &node.description);
        value.text("format", &node.format);
        value.flag("nullable", node.nullable);
        value.set("default", node.default.clone());
        value.set("items", node.items.as_ref().map(|items| self.value(items)));
        value.set("additionalProperties", node.additional.as_ref().map(|values| self.value(values)));
        let properties: Map<_, _> =
            node.properties.iter().map(|(name, schema)| (name.clone(), self.value(schema))).collect();
        value.set("properties", (!properties.is_empty()).then(|| properties.into()));
        match &node.list_type {
            ListType::Atomic => {}
            ListType::Set => value.text("x-kubernetes-list-type", "set"),
            ListType::Map(keys) => {
                value.text("x-kubernetes-list-type", "map");
                value.set("x-kubernetes-list-map-keys", Some(json!(keys)));
            }
        }
        value.text("x-kubernetes-map-type", if node.map_type == MapType::Atomic { "atomic" } else { "" });
        value.flag("x-kubernetes-preserve-unknown-fields", node.preserve_unknown);
        value.flag("x-kubernetes-embedded-resource", node.embedded_resource);
        if node.type_ == Type::IntOrString {
            value.flag("x-kubernetes-int-or-string", true);
            value.set("anyOf", Some(json!([{ "type": "integer" }, { "type": "string" }])));
        }
        if let Some(validation) = &node.validation {
            self.validation(validation, &mut value);
        }
        let mut value = Value::Object(value.0);
        if node.embedded_resource {
            self.add_object_fields(&mut value);
        }
        value
    }

    fn validation(&mut self, validation: &Validation, value: &mut Members) {
        let list = |texts: &Vec<Value>| (!texts.is_empty()).then(|| json!(texts));
        value.set("required", (!validation.required.is_empty()).then(|| json!(validation.required)));
        value.set("enum", list(&validation.enumeration));
        value.text("pattern", validation.pattern.as_ref().map_or("", Pattern::as_str));
        for (limit, name, exclusive) in
            [(&validation.minimum, "minimum", "exclusiveMinimum"), (&validation.maximum, "maximum", "exclusiveMaximum")]
        {
            value.set(name, limit.as_ref().map(|(limit, _)| limit.clone().into()));
            value.flag(exclusive, limit.as_ref().is_some_and(|(_, exclusive)| *exclusive));
        }
        value.set("multipleOf", validation.multiple_of.clone().map(Value::Number));
        for ((least, most), least_name, most_name) in [
            (validation.length, "minLength", "maxLength"),
            (validation.items, "minItems", "maxItems"),
            (validation.properties, "minProperties", "maxProperties"),
        ] {
            value.set(least_name, least.map(Value::from));
            value.set(most_name, most.map(Value::from));
        }
        value.flag("uniqueItems", validation.unique_items);
        for (schemas, name) in
            [(&validation.all_of, "allOf"), (&validation.any_of, "anyOf"), (&validation.one_of, "oneOf")]
        {
            let schemas: Vec<_> = schemas.iter().map(|schema| self.value(schema)).collect();
            value.set(name, list(&schemas));
        }
        value.set("not", validation.not.as_ref().map(|schema| self.value(schema)));
        value.set("x-kubernetes-validations", list(&validation.rules.iter().map(rule).collect()));
    }

    /// The fields that every object has, with what people are told about them.
    fn add_object_fields(&mut self, schema: &mut Value) {
        let told = Definition::find("io.k8s.api.core.v1.ConfigMap").map(Definition::descriptions).unwrap_or_default();
        let metadata = reference(&self.definition(&format!("{META}.ObjectMeta")));
        for (name, mut field) in [
            ("apiVersion", json!({ "type": "string" })),
            ("kind", json!({ "type": "string" })),
            ("metadata", json!({ "allOf": [metadata] })),
        ] {
            field["description"] = told.get(name).cloned().unwrap_or_default().into();
            schema["properties"][name] = field;
        }
    }
}

/// `com.example.stable.v1.CronTab`.
fn custom_name(resource: &Resource, kind: &str) -> String {
    let group: Vec<&str> = resource.group.rsplit('.').collect();
    format!("{}.{}.{kind}", group.join("."), resource.version)
}

fn kind(resource: &Resource, kind: &str) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": kind })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn type_name(type_: Type) -> &'static str {
    match type_ {
        Type::Any | Type::IntOrString => "",
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::String | Type::Quantity => "string",
        Type::Array => "array",
        Type::Object => "object",
    }
}

fn rule(rule: &Rule) -> Value {
    let mut value = Members::default();
    value.text("rule", &rule.rule);
    value.text("message", &rule.message);
    value.text("messageExpression", &rule.message_expression);
    value.text("reason", &rule.reason);
    value.text("fieldPath", &rule.field_path);
    value.flag("optionalOldSelf", rule.optional_old_self);
    value.0.into()
}

/// The members of a schema, of which the empty ones are left out.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn set(&mut self, name: &str, value: Option<Value>) {
        self.0.extend(value.map(|value| (name.to_string(), value)));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.set(name, (!text.is_empty()).then(|| text.into()));
    }

    fn flag(&mut self, name: &str, flag: bool) {
        self.set(name, flag.then_some(Value::Bool(true)));
    }
}
