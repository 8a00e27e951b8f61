//! Strategic merge patches as kyaml applies them: a patch and an object to the object that kustomize makes of them.
//!
//! This is not the strategic merge of Kubernetes. It knows `$patch: delete`, `replace` and `merge`, and no other directive; it
//! walks the whole object and not only what the patch mentions, and so rewrites every list that has merge keys; and it keeps
//! the style of what it replaces (rules K19 to K25 of the specification; kyaml's packages `yaml/merge2` and `yaml/walk`).

mod directive;
mod elements;
mod field;
mod list;
mod pairs;
mod walk;

#[cfg(test)]
mod differential_tests;
#[cfg(test)]
pub(crate) mod random_tests;

use thalweg_yaml::Position;
use thalweg_yaml::kyaml::{Content, Node};

use crate::schema::Schemas;

pub(crate) use field::{quote_where_yaml_1_1_differs, set_text};

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    Kept,
    Deleted,
}

/// Why a patch does not fit an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeError {
    /// Where in the object, as `spec.template.spec.containers[name=web]`.
    path: String,
    /// Where in the file that the value came from; line 0 when no file had it.
    pub position: Position,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    WrongKind { expected: &'static str, found: &'static str },
    UnknownDirective(String),
    EmptyKey,
}

/// Applies a strategic merge patch to an object.
///
/// # Errors
///
/// When a mapping, a list or a scalar meets one of the others, a `$patch` has an unknown value, or a key is empty. The object
/// may be half changed then.
pub(crate) fn strategic(patch: &Node, target: &mut Node, schemas: &Schemas) -> Result<Merged, MergeError> {
    let walk = walk::Walk::new(schemas, target);
    let outcome = walk.merge(target, patch, None)?;
    for (link, value) in walk.into_changed_links() {
        target.set_linked(link, &value);
    }
    match outcome {
        walk::Outcome::Removed => Ok(Merged::Deleted),
        // A patch that replaces the whole object changes nothing: kustomize looks at the object, and not at the result.
        walk::Outcome::Kept | walk::Outcome::Replaced(_) => Ok(Merged::Kept),
    }
}

impl MergeError {
    fn new(reason: Reason, node: &Node) -> Self {
        Self { path: String::new(), position: node.position, reason }
    }

    fn wrong_kind(expected: &'static str, node: &Node) -> Self {
        Self::new(Reason::WrongKind { expected, found: kind(node) }, node)
    }

    /// The same, seen from the mapping that has this key.
    fn below(self, key: &str) -> Self {
        self.under(key.to_owned())
    }

    /// The same, seen from the list that has the element.
    fn within(self, key: &str, value: &str) -> Self {
        match key {
            "" => self.under(format!("[{value}]")),
            _ => self.under(format!("[{key}={value}]")),
        }
    }

    fn under(mut self, step: String) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{step}{dot}{}", self.path);
        self
    }
}

impl std::fmt::Display for MergeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = if self.path.is_empty() { "the object" } else { &self.path };
        match &self.reason {
            Reason::WrongKind { expected, found } => write!(formatter, "{path}: expected {expected}, found {found}"),
            Reason::UnknownDirective(value) => {
                write!(formatter, "{path}: unknown $patch {value:?}: it must be delete, replace or merge")
            }
            Reason::EmptyKey => {
                write!(formatter, "{path}: a key is empty, which strategic merge patches cannot handle")
            }
        }
    }
}

impl std::error::Error for MergeError {}

fn kind(node: &Node) -> &'static str {
    match &node.content {
        Content::Scalar(_) => "a scalar",
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    }
}

/// The text of a scalar; nothing for all else, as in go-yaml.
fn text(node: &Node) -> &str {
    node.as_str().unwrap_or_default()
}

fn is_mapping(node: &Node) -> bool {
    matches!(node.content, Content::Mapping(_))
}

/// Whether it is null or a mapping without fields.
fn is_empty_mapping(node: &Node) -> bool {
    node.is_null() || (is_mapping(node) && node.fields().is_empty())
}
