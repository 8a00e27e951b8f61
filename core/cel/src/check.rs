//! What can be said against a rule before it is run.
//!
//! Fields and functions that are not there are found, and what is no condition; types of operands are not compared.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use thalweg_schema::{Node, Rule, Type};
use thiserror::Error;

use crate::functions::FUNCTIONS;
use crate::program::{Expression, OLD_SELF, SELF};
use crate::values::unescape;

/// Why a rule cannot be one. The texts are those of kube-apiserver.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// The rule is no CEL, or uses what is not there.
    #[error("compilation failed: {0}")]
    Compilation(String),
    /// The rule is no condition.
    #[error("cel expression must evaluate to a bool")]
    NoCondition,
    /// The expression for the message is no CEL, or uses what is not there.
    #[error("messageExpression compilation failed: {0}")]
    Message(String),
    /// The expression for the message is no text.
    #[error("messageExpression must evaluate to a string")]
    NoText,
}

/// Checks a rule of `schema`, which is the root of a kind when `resource`; whether it uses `oldSelf`.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_rule(rule: &Rule, schema: &Node, resource: bool) -> Result<bool, RuleError> {
    let check = |expression: &str| {
        let read = Expression::read(expression).map_err(|why| why.replace("\n|", "\n |"))?;
        let checker = Checker { expression: &read, source: expression, rule, schema, resource };
        let shape = read.look(|root| checker.shape(root, &mut Vec::new()))?;
        Ok::<_, String>((shape.type_name(), read.has_variable(OLD_SELF)))
    };
    let (type_, uses_old_self) = check(&rule.rule).map_err(RuleError::Compilation)?;
    if type_.is_some_and(|type_| type_ != Type::Boolean) {
        return Err(RuleError::NoCondition);
    }
    if !rule.message_expression.is_empty() {
        let (type_, _) = check(&rule.message_expression).map_err(RuleError::Message)?;
        if type_.is_some_and(|type_| type_ != Type::String) {
            return Err(RuleError::NoText);
        }
    }
    Ok(uses_old_self)
}

/// What is known of a value.
#[derive(Clone, Copy)]
enum Shape<'a> {
    Unknown,
    Scalar(Type),
    Value { schema: &'a Node, resource: bool },
}

impl<'a> Shape<'a> {
    fn of(schema: &'a Node) -> Self {
        Shape::Value { schema, resource: schema.embedded_resource }
    }

    fn maybe(schema: Option<&'a thalweg_schema::Schema>) -> Self {
        schema.map_or(Shape::Unknown, |schema| Self::of(schema))
    }

    /// The type, where it is certain.
    fn type_name(self) -> Option<Type> {
        match self {
            Shape::Scalar(type_) => Some(type_),
            Shape::Value { schema, .. } => {
                Some(schema.type_).filter(|type_| !matches!(type_, Type::Any | Type::IntOrString | Type::Quantity))
            }
            Shape::Unknown => None,
        }
    }
}

type Scope<'s, 'a> = Vec<(&'s str, Shape<'a>)>;

struct Checker<'a> {
    expression: &'a Expression,
    source: &'a str,
    rule: &'a Rule,
    schema: &'a Node,
    resource: bool,
}

impl<'a> Checker<'a> {
    fn shape(&self, expression: &'a IdedExpr, scope: &mut Scope<'a, 'a>) -> Result<Shape<'a>, String> {
        match &expression.expr {
            Expr::Ident(name) => self.variable(expression.id, name, scope),
            Expr::Select(select) => {
                let operand = self.shape(&select.operand, scope)?;
                let field = self.field(expression.id, operand, &select.field)?;
                Ok(if select.test { Shape::Scalar(Type::Boolean) } else { field })
            }
            Expr::Call(call) => self.call(expression.id, call, scope),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, scope),
            Expr::List(list) => {
                list.elements.iter().try_for_each(|element| self.shape(element, scope).map(drop))?;
                Ok(Shape::Scalar(Type::Array))
            }
            Expr::Map(map) => {
                self.entries(map.entries.iter().map(|entry| &entry.expr), scope)?;
                Ok(Shape::Scalar(Type::Object))
            }
            Expr::Struct(value) => {
                self.entries(value.entries.iter().map(|entry| &entry.expr), scope)?;
                Ok(Shape::Unknown)
            }
            Expr::Literal(literal) => Ok(match literal {
                LiteralValue::Boolean(_) => Shape::Scalar(Type::Boolean),
                LiteralValue::Double(_) => Shape::Scalar(Type::Number),
                LiteralValue::Int(_) | LiteralValue::UInt(_) => Shape::Scalar(Type::Integer),
                LiteralValue::String(_) => Shape::Scalar(Type::String),
                LiteralValue::Bytes(_) | LiteralValue::Null => Shape::Unknown,
            }),
            Expr::Unspecified => Ok(Shape::Unknown),
        }
    }

    fn entries(&self, entries: impl Iterator<Item = &'a EntryExpr>, scope: &mut Scope<'a, 'a>) -> Result<(), String> {
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => self.shape(&field.value, scope)?,
                EntryExpr::MapEntry(entry) => {
                    self.shape(&entry.key, scope)?;
                    self.shape(&entry.value, scope)?
                }
            };
        }
        Ok(())
    }

    fn variable(&self, id: u64, name: &'a str, scope: &Scope<'a, 'a>) -> Result<Shape<'a>, String> {
        const TYPES: [&str; 12] =
            ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "net", "google"];
        if let Some((_, shape)) = scope.iter().rev().find(|(known, _)| *known == name) {
            return Ok(*shape);
        }
        match name {
            OLD_SELF if self.rule.optional_old_self => Ok(Shape::Unknown),
            SELF | OLD_SELF => Ok(Shape::Value { schema: self.schema, resource: self.resource }),
            _ if name.starts_with('@') || TYPES.contains(&name) => Ok(Shape::Unknown),
            _ => Err(self.at(id, &format!("undeclared reference to '{name}' (in container '')"))),
        }
    }

    fn field(&self, id: u64, operand: Shape<'a>, name: &str) -> Result<Shape<'a>, String> {
        let Shape::Value { schema, resource } = operand else { return Ok(Shape::Unknown) };
        if resource && matches!(name, "apiVersion" | "kind" | "metadata") {
            return Ok(Shape::Unknown);
        }
        if let Some(field) = schema.properties.get(&unescape(name)).or(schema.additional.as_ref()) {
            return Ok(Shape::of(field));
        }
        if schema.type_ == Type::Object {
            Err(self.at(id, &format!("undefined field '{name}'")))
        } else {
            Ok(Shape::Unknown)
        }
    }

    fn call(&self, id: u64, call: &'a CallExpr, scope: &mut Scope<'a, 'a>) -> Result<Shape<'a>, String> {
        let mut name = call.func_name.clone();
        let mut target = Shape::Unknown;
        if let Some(operand) = &call.target {
            match &operand.expr {
                Expr::Ident(namespace) if FUNCTIONS.contains(&format!("{namespace}.{name}").as_str()) => {
                    name = format!("{namespace}.{name}");
                }
                _ => target = self.shape(operand, scope)?,
            }
        }
        let arguments = call.args.iter().map(|argument| self.shape(argument, scope)).collect::<Result<Vec<_>, _>>()?;
        let operator = name.contains('_') || name.starts_with(['@', '!', '-']);
        if !operator && !FUNCTIONS.contains(&name.as_str()) {
            return Err(self.at(id, &format!("undeclared reference to '{name}' (in container '')")));
        }
        let first = arguments.first().copied().unwrap_or(target);
        Ok(match name.as_str() {
            operators::INDEX => match first {
                Shape::Value { schema, .. } => Shape::maybe(schema.items.as_ref().or(schema.additional.as_ref())),
                _ => Shape::Unknown,
            },
            operators::OPT_SELECT => match call.args.get(1).map(|field| &field.expr) {
                Some(Expr::Literal(LiteralValue::String(field))) => self.field(id, first, field.inner())?,
                _ => Shape::Unknown,
            },
            operators::CONDITIONAL => match (arguments.get(1), arguments.get(2)) {
                (Some(left), Some(right)) if left.type_name() == right.type_name() => *left,
                _ => Shape::Unknown,
            },
            operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO => {
                first.type_name().map_or(Shape::Unknown, Shape::Scalar)
            }
            "size" => Shape::Scalar(Type::Integer),
            "string" | "format" | "join" | "lowerAscii" | "upperAscii" | "trim" | "replace" | "substring" => {
                Shape::Scalar(Type::String)
            }
            _ => Shape::Unknown,
        })
    }

    fn comprehension(
        &self,
        comprehension: &'a ComprehensionExpr,
        scope: &mut Scope<'a, 'a>,
    ) -> Result<Shape<'a>, String> {
        let (item, value) = match self.shape(&comprehension.iter_range, scope)? {
            Shape::Value { schema, .. } if schema.type_ == Type::Array => {
                (Shape::maybe(schema.items.as_ref()), Shape::maybe(schema.items.as_ref()))
            }
            Shape::Value { schema, .. } => (Shape::Unknown, Shape::maybe(schema.additional.as_ref())),
            _ => (Shape::Unknown, Shape::Unknown),
        };
        let before = scope.len();
        self.shape(&comprehension.accu_init, scope)?;
        scope.push((&comprehension.accu_var, Shape::Unknown));
        match &comprehension.iter_var2 {
            Some(second) => scope.extend([(comprehension.iter_var.as_str(), Shape::Unknown), (second.as_str(), value)]),
            None => scope.push((&comprehension.iter_var, item)),
        }
        self.shape(&comprehension.loop_cond, scope)?;
        self.shape(&comprehension.loop_step, scope)?;
        self.shape(&comprehension.result, scope)?;
        scope.truncate(before);
        Ok(Shape::Unknown)
    }

    /// A complaint about a place of the expression, as CEL prints it.
    fn at(&self, id: u64, what: &str) -> String {
        let (start, _) = self.expression.offset(id).unwrap_or_default();
        let before = self.source.get(..start as usize).unwrap_or_default();
        let line = before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1);
        let text = self.source.lines().nth(line).unwrap_or_default();
        format!("ERROR: <input>:{}:{}: {what}\n | {text}\n | {}^", line + 1, column + 1, ".".repeat(column))
    }
}
