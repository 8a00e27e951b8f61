//! What a schema says of one place in an object: how values there are taken apart.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use thalweg_schema::{ListType, MapType, Node, Schema, Type};

use super::path::{PathElement, Scalar};

/// What is kept without being declared: objects by field, lists as a whole.
static UNDECLARED: LazyLock<Node> = LazyLock::new(|| Node { preserve_unknown: true, ..Node::default() });
/// apiVersion and kind of an object, wherever it stands.
static TEXT: LazyLock<Node> = LazyLock::new(|| Node { type_: Type::String, ..Node::default() });

/// One place in an object.
#[derive(Clone, Copy)]
pub(super) struct Shape<'s> {
    node: &'s Node,
    /// Whether undeclared fields are kept here: x-kubernetes-preserve-unknown-fields holds for all that is below it.
    keeps_undeclared: bool,
    /// Whether a whole object stands here.
    object: bool,
    /// The shape of any object's metadata.
    metadata: Option<&'s Node>,
}

/// How a value is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Scalar,
    /// By item, or as a whole when it is atomic.
    List {
        atomic: bool,
    },
    /// By field, or as a whole when it is atomic.
    Map {
        atomic: bool,
    },
}

/// What a scalar must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarType {
    Number,
    Text,
    Boolean,
    Any,
}

impl<'s> Shape<'s> {
    /// The shape of a whole object.
    pub(super) fn of_object(schema: &'s Schema) -> Self {
        let metadata = schema.properties.get("metadata").map(|schema| &**schema);
        Self { node: schema, keeps_undeclared: schema.preserve_unknown, object: true, metadata }
    }

    fn inner(self, node: &'s Node, keeps_undeclared: bool) -> Self {
        let keeps_undeclared = keeps_undeclared || node.preserve_unknown;
        Self { node, keeps_undeclared, object: node.embedded_resource, metadata: self.metadata }
    }

    /// Whether the value alone says what form it has.
    pub(super) fn is_open(self) -> bool {
        matches!(self.node.type_, Type::Any | Type::IntOrString)
    }

    /// The form of `value`. Null has the form of a map where anything may stand.
    pub(super) fn form(self, value: &Value) -> Form {
        let list = Form::List { atomic: self.node.list_type == ListType::Atomic };
        let map = Form::Map { atomic: self.node.map_type == MapType::Atomic };
        match self.node.type_ {
            Type::Array => list,
            Type::Object => map,
            Type::Any | Type::IntOrString => match value {
                Value::Array(_) => list,
                Value::Object(_) | Value::Null => map,
                _ => Form::Scalar,
            },
            _ => Form::Scalar,
        }
    }

    /// Whether what stands here has one owner, although it could have parts.
    pub(super) fn is_atomic(self) -> bool {
        match self.node.type_ {
            Type::Array => self.node.list_type == ListType::Atomic,
            Type::Object | Type::Any | Type::IntOrString => self.node.map_type == MapType::Atomic,
            _ => false,
        }
    }

    pub(super) fn scalar_type(self) -> ScalarType {
        match self.node.type_ {
            Type::Integer | Type::Number => ScalarType::Number,
            Type::Boolean => ScalarType::Boolean,
            Type::String if matches!(self.node.format.as_str(), "" | "byte") => ScalarType::Text,
            _ => ScalarType::Any,
        }
    }

    /// Whether the field has a name in the schema, and is not just any key of a map.
    pub(super) fn declares(self, name: &str) -> bool {
        self.node.properties.contains_key(name) || (self.object && matches!(name, "apiVersion" | "kind" | "metadata"))
    }

    /// The place of a field; `None` when it is not declared.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        if self.object && name == "metadata" {
            return Some(self.metadata.map_or_else(|| self.undeclared(), |node| self.inner(node, false)));
        }
        if let Some(property) = self.node.properties.get(name) {
            return Some(self.inner(property, self.keeps_undeclared));
        }
        if self.object && matches!(name, "apiVersion" | "kind") {
            return Some(self.inner(&TEXT, false));
        }
        if let Some(additional) = &self.node.additional {
            return Some(self.inner(additional, self.keeps_undeclared));
        }
        (self.keeps_undeclared || self.node.properties.is_empty()).then(|| self.undeclared())
    }

    /// The place of a field, declared or not.
    pub(super) fn field_or_undeclared(self, name: &str) -> Self {
        self.field(name).unwrap_or_else(|| self.undeclared())
    }

    /// The place of the items of a list.
    pub(super) fn items(self) -> Self {
        self.node.items.as_ref().map_or_else(|| self.undeclared(), |items| self.inner(items, self.keeps_undeclared))
    }

    /// The place that a step leads to; `None` when the schema knows none.
    pub(super) fn step(self, element: &PathElement) -> Option<Self> {
        match element {
            PathElement::Field(_) if matches!(self.node.type_, Type::Array) => None,
            PathElement::Field(name) => self.field(name),
            PathElement::Key(_) | PathElement::Value(_) | PathElement::Index(_) => {
                (matches!(self.node.type_, Type::Array) || self.is_open()).then(|| self.items())
            }
        }
    }

    fn undeclared(self) -> Self {
        self.inner(&UNDECLARED, true)
    }

    /// The step that leads to an item of a list that is not atomic.
    pub(super) fn item_element(self, item: &Value) -> Result<PathElement, String> {
        match &self.node.list_type {
            ListType::Atomic => Err("invalid indexing of non-associative list".to_string()),
            ListType::Map(keys) if !keys.is_empty() => self.keyed_element(keys, item),
            ListType::Map(_) | ListType::Set => match item {
                Value::Object(_) => Err("associative list without keys has an element that's a map type".to_string()),
                Value::Array(_) => Err("not supported: associative list with lists as elements".to_string()),
                Value::Null => Err("associative list without keys has an element that's an explicit null".to_string()),
                scalar => Ok(PathElement::Value(Arc::new(Scalar(scalar.clone())))),
            },
        }
    }

    fn keyed_element(self, keys: &[String], item: &Value) -> Result<PathElement, String> {
        let fields = match item {
            Value::Object(fields) => fields,
            Value::Null => return Err("associative list with keys may not have a null element".to_string()),
            _ => return Err("associative list with keys may not have non-map elements".to_string()),
        };
        let default = |key: &str| self.node.items.as_ref()?.properties.get(key)?.default.as_ref();
        let mut values: Vec<(Arc<str>, Scalar)> = keys
            .iter()
            .filter_map(|key| {
                let value = fields.get(key).or_else(|| default(key))?;
                Some((Arc::from(key.as_str()), Scalar(value.clone())))
            })
            .collect();
        if values.is_empty() {
            let keys: Vec<_> = keys.iter().map(|key| format!("{key:?}")).collect();
            return Err(format!(
                "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for \
                 any key fields)",
                keys.join(" ")
            ));
        }
        values.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(PathElement::Key(values.into()))
    }
}
