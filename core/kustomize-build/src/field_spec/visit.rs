//! Down the path of a field spec, to every field that it means.
//!
//! A list on the way is gone through whether the path says so or not. What is missing ends the way silently, unless it is to
//! be made. Nothing is allocated where there is nothing to set.

use std::cell::OnceCell;
use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag};

use super::FieldSpec;
use super::path::{FieldPath, Part, touches_identity};
use crate::identity::Gvk;

/// What is made at the end of a path where nothing is. Above it mappings are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    /// Nothing is made, whatever the field spec says.
    None,
    Mapping,
    Sequence,
    /// A scalar; a null that is there takes this tag, and keeps its text.
    Scalar(Tag),
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A scalar where the path goes on.
    #[error("expected a mapping or a list on the way, found a scalar")]
    ScalarOnTheWay,
    /// Nothing between two slashes of the path.
    #[error("the path has an empty field name")]
    EmptyName,
    /// A number, `-`, `*` or `[a=b]`: these are not for field specs.
    #[error("the path has a part that is no field name")]
    NoFieldName,
    /// More parts than objects have levels.
    #[error("the path has too many parts")]
    TooManyParts,
    /// There is no such field, and none can be made.
    #[error("there is no such field")]
    Missing,
    /// The field is of another kind than what is set there.
    #[error("expected {expected}, found {found}")]
    WrongKind {
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}

/// A field spec that is ready to be visited in many objects. Its path is read for the first that it is for: most are for
/// kinds that a build has not.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) spec: FieldSpec,
    path: OnceCell<Result<FieldPath, FieldError>>,
}

impl Fields {
    pub(crate) fn new(spec: &FieldSpec) -> Self {
        Self { spec: spec.clone(), path: OnceCell::new() }
    }

    pub(crate) fn all(specs: &[FieldSpec]) -> Vec<Self> {
        specs.iter().map(Self::new).collect()
    }

    /// Whether a change there changes what the object is called.
    pub(crate) fn touches_identity(&self) -> bool {
        touches_identity(&self.spec.path)
    }

    /// Calls `set` with every field that the path means in an object the spec is for.
    pub(crate) fn visit<E: From<FieldError>>(
        &self,
        object: &mut Node,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.spec.selects(Gvk::of(object)) { self.visit_selected(object, create, set) } else { Ok(()) }
    }

    /// Calls `set` with every field that the path means, whatever the object is.
    pub(crate) fn visit_selected<E: From<FieldError>>(
        &self,
        object: &mut Node,
        create: Create,
        set: &mut dyn FnMut(&mut Node) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.path.get_or_init(|| FieldPath::parse(&self.spec.path).ok_or(FieldError::TooManyParts));
        let path = path.as_ref().map_err(|error| E::from(error.clone()))?;
        let create = if self.spec.create { create } else { Create::None };
        let mut walk = Walk { create, set, linked: Vec::new() };
        let walked = walk.node(object, &path.parts);
        for (link, value) in walk.linked {
            object.set_linked(link, &value);
        }
        walked
    }
}

/// Sets a scalar as kustomize's setter does: the style stays, all else is new. A null becomes a scalar like any other.
pub(crate) fn set_scalar(node: &mut Node, text: &str, tag: Tag) -> Result<(), FieldError> {
    check_scalar(node)?;
    let mut value = Node::scalar(text, tag);
    value.style = node.style;
    value.tagged = node.tagged;
    node.replace(value);
    Ok(())
}

/// Whether a scalar can be set here.
pub(crate) fn check_scalar(node: &Node) -> Result<(), FieldError> {
    let found = match &node.content {
        Content::Scalar(_) => return Ok(()),
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    };
    if node.is_null() { Ok(()) } else { Err(FieldError::WrongKind { expected: "a scalar", found }) }
}

struct Walk<'s, E> {
    create: Create,
    set: &'s mut dyn FnMut(&mut Node) -> Result<(), E>,
    /// What was set in places that share a node with others.
    linked: Vec<(NonZeroU32, Node)>,
}

impl<E: From<FieldError>> Walk<'_, E> {
    fn node(&mut self, node: &mut Node, parts: &[Part]) -> Result<(), E> {
        let Some((part, below)) = parts.split_first() else { return self.end(node) };
        if node.is_null() {
            return Ok(());
        }
        match &mut node.content {
            Content::Sequence(items) => items.iter_mut().try_for_each(|item| self.node(item, parts)),
            Content::Mapping(_) => self.field(node, part, below),
            Content::Scalar(_) => Err(FieldError::ScalarOnTheWay.into()),
        }
    }

    fn end(&mut self, node: &mut Node) -> Result<(), E> {
        (self.set)(node)?;
        if let Some(link) = node.link() {
            self.linked.push((link, node.clone()));
        }
        Ok(())
    }

    fn field(&mut self, node: &mut Node, part: &Part, below: &[Part]) -> Result<(), E> {
        let (name, is_list) = match part {
            Part::Field { name, is_list } => (name, *is_list),
            Part::Stay => return self.node(node, below),
            Part::Unusable => return Err(FieldError::NoFieldName.into()),
            Part::Empty => return Err(FieldError::EmptyName.into()),
        };
        let made = match self.create {
            _ if is_list => Create::None,
            Create::None => Create::None,
            create if below.is_empty() => create,
            _ => Create::Mapping,
        };
        let field = match found_or_made(node, name, made) {
            Some(field) => field,
            None => return Ok(()),
        };
        if field.is_null() {
            let made = if is_list { Create::Sequence } else { made };
            fill(field, made);
        }
        self.node(field, below)
    }
}

fn found_or_made<'n>(node: &'n mut Node, name: &str, made: Create) -> Option<&'n mut Node> {
    let fields = node.fields_mut()?;
    let at = match fields.iter().position(|field| field.key.as_str() == Some(name)) {
        Some(at) => at,
        None => {
            let value = match made {
                Create::None => return None,
                Create::Mapping => Node::mapping(Vec::new()),
                Create::Sequence => Node::sequence(Vec::new()),
                Create::Scalar(_) => Node::scalar("", Tag::Unset),
            };
            fields.push(Field { key: Node::scalar(name, Tag::Unset), value });
            fields.len() - 1
        }
    };
    fields.get_mut(at).map(|field| &mut field.value)
}

/// Makes a null into what would have been made if it were not there.
fn fill(node: &mut Node, made: Create) {
    let (content, tag) = match made {
        Create::None => return,
        Create::Mapping => (Content::Mapping(Vec::new()), Tag::Mapping),
        Create::Sequence => (Content::Sequence(Vec::new()), Tag::Sequence),
        Create::Scalar(tag) => {
            node.tag = tag;
            return;
        }
    };
    node.content = content;
    node.tag = tag;
    node.style = Style::Plain;
}
