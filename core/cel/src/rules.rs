//! The rules of a kind, compiled, and asked of its objects.

use std::collections::BTreeMap;

use cel::{ExecutionError, Value};
use serde_json::Value as Json;
use thalweg_schema::{FieldError, Node, Rule, Schema, Type, child, entry, is_unchanged, old_item};

use crate::program::{Expression, OLD_SELF, context, describe};
use crate::values::{optional, value};

/// Bytes of a message that an expression makes, at most.
const MESSAGE_BYTES_MAX: usize = 5 * 1024;

/// The rules of a schema and of everything in it, compiled. A rule that cannot be compiled fails whenever it is asked.
#[derive(Debug)]
pub struct Rules {
    schema: Schema,
    resource: bool,
    here: Vec<Compiled>,
    properties: BTreeMap<String, Rules>,
    additional: Option<Box<Rules>>,
    items: Option<Box<Rules>>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    expression: Result<Expression, String>,
    message: Option<Expression>,
    uses_old_self: bool,
}

/// Old and new of the nearest place where the two can be told to be the same thing.
#[derive(Clone, Copy, Default)]
struct Correlation<'a> {
    here: Option<(&'a Node, &'a Json, &'a Json)>,
    above: Option<(&'a Node, &'a Json, &'a Json)>,
}

impl Rules {
    /// The rules of a kind; nothing when it has none.
    pub fn compile(schema: &Schema) -> Option<Rules> {
        Self::of(schema, true)
    }

    fn of(schema: &Schema, resource: bool) -> Option<Rules> {
        let below = |schema: &Schema| Self::of(schema, schema.embedded_resource);
        let rules = schema.validation.iter().flat_map(|validation| &validation.rules);
        let rules = Rules {
            schema: schema.clone(),
            resource,
            here: rules.filter(|rule| !rule.rule.trim().is_empty()).map(Compiled::new).collect(),
            properties: schema
                .properties
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), below(field)?)))
                .collect(),
            additional: schema.additional.as_ref().and_then(below).map(Box::new),
            items: schema.items.as_ref().and_then(below).map(Box::new),
        };
        let empty =
            rules.here.is_empty() && rules.properties.is_empty() && rules.additional.is_none() && rules.items.is_none();
        (!empty).then_some(rules)
    }

    /// What the rules have against `object`, which was `old` before. What has not changed is tolerated.
    pub fn errors(&self, object: &Json, old: Option<&Json>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let here = old.map(|old| (&*self.schema, old, object));
        self.visit("", object, old, Correlation { here, above: None }, &mut errors);
        errors
    }

    fn visit(&self, path: &str, this: &Json, old: Option<&Json>, same: Correlation<'_>, errors: &mut Vec<FieldError>) {
        if this.is_null() {
            return;
        }
        self.ask(path, this, old.filter(|old| !old.is_null()), same, errors);
        match this {
            Json::Object(fields) => {
                for (key, field) in fields {
                    let (path, rules) = match (self.properties.get(key), &self.additional) {
                        (Some(rules), _) => (child(path, key), rules),
                        (None, Some(rules)) if !self.schema.properties.contains_key(key) => {
                            (entry(path, key), &**rules)
                        }
                        _ => continue,
                    };
                    let old = old.and_then(|old| old.get(key));
                    rules.visit(&path, field, old, same.below(old, field, &rules.schema), errors);
                }
            }
            Json::Array(items) => {
                let Some(rules) = &self.items else { return };
                for (index, item) in items.iter().enumerate() {
                    let old = old.and_then(|old| old_item(&self.schema, old, item));
                    rules.visit(&entry(path, index), item, old, same.below(old, item, &rules.schema), errors);
                }
            }
            _ => {}
        }
    }

    /// Asks the rules of this very place.
    fn ask(&self, path: &str, this: &Json, old: Option<&Json>, same: Correlation<'_>, errors: &mut Vec<FieldError>) {
        if self.here.is_empty() {
            return;
        }
        let convert = |json| value(json, &self.schema, self.resource);
        let old_value = old.map(convert);
        let plain = context(convert(this), old_value.clone());
        let with_optional = context(convert(this), Some(optional(old_value)));
        for compiled in &self.here {
            if compiled.uses_old_self && old.is_none() && !compiled.rule.optional_old_self {
                continue;
            }
            let context = if compiled.rule.optional_old_self { &with_optional } else { &plain };
            let wrong = |detail: &str| FieldError::invalid(path, &type_name(&self.schema).into(), detail);
            let expression = match &compiled.expression {
                Ok(expression) => expression,
                Err(why) => {
                    errors.push(wrong(&format!("rule compile error: compilation failed: {why}")));
                    continue;
                }
            };
            match expression.execute(context) {
                Ok(Value::Bool(true)) => {}
                Ok(_) if !compiled.uses_old_self && same.is_unchanged() => {}
                Ok(_) => {
                    let detail = compiled.message.as_ref().and_then(|message| message_of(&message.execute(context)));
                    let detail = detail.unwrap_or_else(|| compiled.said());
                    errors.push(self.refusal(path, this, &compiled.rule, &detail));
                }
                Err(error) => errors.push(wrong(&evaluation_failed(&error, &compiled.rule))),
            }
        }
    }

    fn refusal(&self, path: &str, this: &Json, rule: &Rule, detail: &str) -> FieldError {
        let path = match rule.field_path.strip_prefix('.').unwrap_or(&rule.field_path) {
            "" => path.to_owned(),
            field if field.starts_with('[') => format!("{path}{}", field.replace(['\''], "")),
            field => child(path, &field.replace("['", "[").replace("']", "]")),
        };
        match rule.reason.as_str() {
            "FieldValueForbidden" => FieldError::forbidden(&path, detail),
            "FieldValueRequired" => FieldError::required(&path, detail),
            "FieldValueDuplicate" => FieldError::duplicate(&path, this),
            _ if matches!(self.schema.type_, Type::Object | Type::Array) => FieldError::invalid_unshown(&path, detail),
            _ => FieldError::invalid(&path, this, detail),
        }
    }
}

impl Compiled {
    fn new(rule: &Rule) -> Self {
        let expression = Expression::read(&rule.rule);
        let uses_old_self = expression.as_ref().is_ok_and(|expression| expression.has_variable(OLD_SELF));
        let message = Some(&rule.message_expression).filter(|expression| !expression.is_empty());
        let message = message.and_then(|expression| Expression::read(expression).ok());
        Self { rule: rule.clone(), expression, message, uses_old_self }
    }

    /// What the rule says when it does not hold.
    fn said(&self) -> String {
        match self.rule.message.trim() {
            "" => format!("failed rule: {}", self.rule.rule.trim()),
            message => message.to_owned(),
        }
    }
}

impl<'a> Correlation<'a> {
    fn below(self, old: Option<&'a Json>, new: &'a Json, schema: &'a Node) -> Self {
        match self.here {
            None => self,
            Some(_) => Self { here: old.map(|old| (schema, old, new)), above: self.here },
        }
    }

    fn is_unchanged(self) -> bool {
        self.here.or(self.above).is_some_and(|(schema, old, new)| is_unchanged(schema, old, new))
    }
}

/// The message that an expression made, if it is one.
fn message_of(result: &Result<Value, ExecutionError>) -> Option<String> {
    let Ok(Value::String(text)) = result else { return None };
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= MESSAGE_BYTES_MAX && !text.contains('\n');
    fits.then(|| text.to_owned())
}

fn evaluation_failed(error: &ExecutionError, rule: &Rule) -> String {
    let subject = if rule.message.is_empty() { rule.rule.trim() } else { rule.message.trim() };
    match describe(error) {
        why if why.starts_with("no such overload") => format!(
            "'{why}': call arguments did not match a supported operator, function or macro signature for rule: {subject}"
        ),
        why => format!("{why} evaluating rule: {subject}"),
    }
}

fn type_name(schema: &Node) -> &'static str {
    match schema.type_ {
        Type::Any | Type::IntOrString | Type::Quantity => "",
        Type::Boolean => "boolean",
        Type::Integer => "integer",
        Type::Number => "number",
        Type::String => "string",
        Type::Array => "array",
        Type::Object => "object",
    }
}
