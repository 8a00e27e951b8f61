//! The shape of a value.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::{Number, Value};

use crate::definitions::{Definition, Reference};
use crate::pattern::Pattern;

/// The shape of a value. Cheap to clone; may refer to itself.
#[derive(Clone)]
pub struct Schema(Source);

#[derive(Clone)]
enum Source {
    Own(Arc<Node>),
    /// One of Kubernetes' definitions, read when it is first looked at.
    Definition(&'static Definition),
    /// The use of a definition in another one.
    Reference(Arc<Reference>),
}

impl Schema {
    /// A schema of its own.
    pub fn new(node: Node) -> Self {
        Self(Source::Own(Arc::new(node)))
    }

    /// The name of Kubernetes' definition of the value, such as `io.k8s.api.core.v1.PodSpec`, if that is what it is.
    pub fn definition(&self) -> Option<&'static str> {
        match &self.0 {
            Source::Own(_) => None,
            Source::Definition(definition) => Some(definition.name()),
            Source::Reference(reference) => Some(reference.target().name()),
        }
    }

    pub(crate) fn from_definition(definition: &'static Definition) -> Self {
        Self(Source::Definition(definition))
    }

    pub(crate) fn from_reference(reference: Arc<Reference>) -> Self {
        Self(Source::Reference(reference))
    }

    pub(crate) fn own_mut(&mut self) -> Option<&mut Node> {
        if let Source::Own(node) = &mut self.0 { Arc::get_mut(node) } else { None }
    }

    pub(crate) fn reference_mut(&mut self) -> Option<&mut Reference> {
        if let Source::Reference(reference) = &mut self.0 { Arc::get_mut(reference) } else { None }
    }
}

impl Deref for Schema {
    type Target = Node;

    fn deref(&self) -> &Node {
        match &self.0 {
            Source::Own(node) => node,
            Source::Definition(definition) => definition.node(),
            Source::Reference(reference) => reference.node(),
        }
    }
}

/// Definitions are named and not shown: they may hold themselves.
impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.definition() {
            Some(name) => formatter.debug_tuple("Schema").field(&name).finish(),
            None => (**self).fmt(formatter),
        }
    }
}

/// One value: what it may be, and how two of them are merged.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What kind of JSON value it is.
    pub type_: Type,
    /// For people.
    pub description: String,
    /// The OpenAPI format, such as `int32` or `date-time`; empty when there is none. To structured merge a text with a format
    /// other than `byte` is of any type.
    pub format: String,
    /// Whether null is a value, and not an absence.
    pub nullable: bool,
    /// The value that an absent field has.
    pub default: Option<Value>,
    /// The fields of an object.
    pub properties: BTreeMap<String, Schema>,
    /// The shape of the values of a map, whose keys are free.
    pub additional: Option<Schema>,
    /// The shape of the items of a list.
    pub items: Option<Schema>,
    /// How lists are merged (`x-kubernetes-list-type`).
    pub list_type: ListType,
    /// How maps and objects are merged (`x-kubernetes-map-type`).
    pub map_type: MapType,
    /// How a strategic merge patch treats the value (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`).
    pub patch: Patch,
    /// Unknown fields are kept (`x-kubernetes-preserve-unknown-fields`).
    pub preserve_unknown: bool,
    /// The value is a whole object with apiVersion, kind and metadata (`x-kubernetes-embedded-resource`).
    pub embedded_resource: bool,
    /// What else must hold.
    pub validation: Option<Box<Validation>>,
    /// The Go type of the value, as errors name it (`v1.DeploymentSpec`, `[]v1.Container`); empty in custom resources.
    pub go_type: String,
    /// The Go struct that is embedded where the field stands, which errors put before its name (`VolumeSource`); mostly empty.
    pub go_inlined: String,
    /// What becomes of the value when it is absent, null or empty.
    pub written: Written,
}

/// What becomes of a field that is absent, null or empty, when Kubernetes writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Written {
    /// Absent stays absent and empty stays empty: pointers in Go, and custom resources.
    #[default]
    AsGiven,
    /// Empty becomes absent: `false`, 0, `""`, a map or a list without members.
    Nonempty,
    /// Absent becomes this: fields without `omitempty`, and structs. The fields of `{}` are completed in turn.
    Always(Value),
}

/// The JSON type of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    #[default]
    Any,
    /// true or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A text.
    String,
    /// A whole number or a text (`x-kubernetes-int-or-string`; `IntOrString`).
    IntOrString,
    /// A quantity: a text, or a number that is read as one.
    Quantity,
    /// A list.
    Array,
    /// Fields or a map.
    Object,
}

/// How lists are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// As a whole: one owner.
    #[default]
    Atomic,
    /// Each value by itself.
    Set,
    /// Each item by the values of these keys.
    Map(Vec<String>),
}

/// How maps and objects are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapType {
    /// Each field by itself.
    #[default]
    Granular,
    /// As a whole: one owner.
    Atomic,
}

/// How a strategic merge patch treats a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// Lists and maps are merged rather than replaced.
    pub merge: bool,
    /// `$retainKeys` is part of the strategy: fields that the patch does not list go.
    pub retain_keys: bool,
    /// The key that tells the items of a merged list apart.
    pub merge_key: Option<String>,
}

/// What else must hold for a value (JSON schema, OpenAPI v3 as a CustomResourceDefinition uses it).
#[derive(Clone, Debug, Default)]
pub struct Validation {
    /// Fields that must be there.
    pub required: Vec<String>,
    /// The only values allowed.
    pub enumeration: Vec<Value>,
    /// A regular expression that a text must match.
    pub pattern: Option<Pattern>,
    /// The least value, and whether it is itself excluded.
    pub minimum: Option<(Number, bool)>,
    /// The greatest value, and whether it is itself excluded.
    pub maximum: Option<(Number, bool)>,
    /// The value is a multiple of this.
    pub multiple_of: Option<Number>,
    /// Unicode characters, at least and at most.
    pub length: (Option<u64>, Option<u64>),
    /// Items, at least and at most.
    pub items: (Option<u64>, Option<u64>),
    /// Whether no item may occur twice.
    pub unique_items: bool,
    /// Fields, at least and at most.
    pub properties: (Option<u64>, Option<u64>),
    /// All of these hold.
    pub all_of: Vec<Schema>,
    /// At least one of these holds.
    pub any_of: Vec<Schema>,
    /// Exactly one of these holds.
    pub one_of: Vec<Schema>,
    /// This does not hold.
    pub not: Option<Schema>,
    /// CEL rules (`x-kubernetes-validations`).
    pub rules: Vec<Rule>,
}

/// A CEL rule of `x-kubernetes-validations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The expression, over `self` and, when an object is updated, `oldSelf`.
    pub rule: String,
    /// What a person reads when it does not hold.
    pub message: String,
    /// An expression that makes the message.
    pub message_expression: String,
    /// The machine-readable reason, such as `FieldValueForbidden`; empty for `FieldValueInvalid`.
    pub reason: String,
    /// The field, relative to this one, that is to blame.
    pub field_path: String,
    /// Whether `oldSelf` is optional, so that the rule holds for creation too.
    pub optional_old_self: bool,
}
