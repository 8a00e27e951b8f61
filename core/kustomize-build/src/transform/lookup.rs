//! Paths that lead to one place in an object: `spec`, `containers`, `[name=nginx]`, `0`, `-` (kyaml's `PathGetter`).

use thalweg_yaml::kyaml::{Content, Field, Node, Tag};

/// Why a path leads nowhere in an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A field is looked for in what is no mapping, or an item in what is no list.
    #[error("expected {expected} at '{part}', found {found}")]
    WrongKind {
        /// The part of the path.
        part: String,
        /// What it is looked for in.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// `*` in the path of a source.
    #[error("'*' is for the fields of targets only")]
    Wildcard,
    /// A number below zero.
    #[error("a list has no item {0}")]
    NegativeIndex(i64),
    /// The last item of an empty list.
    #[error("'-' is the last item of a list, and this one is empty")]
    EmptyList,
    /// `[…]` without `=`.
    #[error("'{0}' must be [field=value] or [=value]")]
    NoMatch(String),
    /// A number behind the last item.
    #[error("index {index} specified but only {items} elements found")]
    IndexPastEnd {
        /// The number.
        index: usize,
        /// How many items there are.
        items: usize,
    },
    /// The value of `[field=value]` is no regular expression.
    #[error("'{text}' is no regular expression: {reason}")]
    NotAPattern {
        /// The value.
        text: String,
        /// Why.
        reason: String,
    },
    /// An item is to be made that its own expression does not match.
    #[error("'{0}' matches no item, and would not match the one that is made for it")]
    Unmatched(String),
    /// The path goes on in a text that is no YAML document.
    #[error("the text at '{0}' is no YAML document with fields")]
    NotADocument(String),
    /// A part of the path is empty.
    #[error("the path has an empty part")]
    EmptyPart,
    /// More parts than objects have levels.
    #[error("the path has more than {0} parts")]
    TooManyParts(usize),
}

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
    Last,
    /// `[key=value]`, or `[=value]` with an empty key.
    Item {
        key: String,
        value: String,
    },
    Invalid(PathError),
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Field(usize),
    Item(usize),
}

/// What is made where nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Scalar,
    Sequence,
    Mapping,
}

impl Made {
    /// What a copy of this node goes into.
    pub(super) fn like(node: &Node) -> Self {
        match node.content {
            Content::Scalar(_) => Self::Scalar,
            Content::Sequence(_) => Self::Sequence,
            Content::Mapping(_) => Self::Mapping,
        }
    }

    pub(super) fn node(self) -> Node {
        match self {
            Self::Scalar => Node::scalar("", Tag::Unset),
            Self::Sequence => Node::sequence(Vec::new()),
            Self::Mapping => Node::mapping(Vec::new()),
        }
    }
}

impl Step {
    /// The step of a part; nothing for white space.
    pub(super) fn parse(part: &str) -> Option<Self> {
        let part = part.trim();
        if part.is_empty() {
            return None;
        }
        if let Ok(index) = part.parse::<i64>() {
            let step = usize::try_from(index).map(Self::Index);
            return Some(step.unwrap_or(Self::Invalid(PathError::NegativeIndex(index))));
        }
        Some(match part {
            "-" => Self::Last,
            "*" => Self::Invalid(PathError::Wildcard),
            _ if is_item(part) => match key_and_value(part) {
                Some((key, value)) => Self::Item { key: key.to_owned(), value: value.to_owned() },
                None => Self::Invalid(PathError::NoMatch(part.to_owned())),
            },
            _ => Self::Field(part.to_owned()),
        })
    }

    /// Where this leads in a node; nothing is found in a null.
    pub(super) fn slot(&self, node: &Node) -> Result<Option<Slot>, PathError> {
        match self {
            Self::Field(name) => Ok(fields(node, name)?.iter().position(|field| is_key(field, name)).map(Slot::Field)),
            Self::Index(index) => Ok((*index < items(node, &index.to_string())?.len()).then_some(Slot::Item(*index))),
            Self::Last => {
                items(node, "-")?.len().checked_sub(1).map(|last| Some(Slot::Item(last))).ok_or(PathError::EmptyList)
            }
            Self::Item { key, value } => {
                let found =
                    items(node, &format!("[{key}={value}]"))?.iter().position(|item| is_item_of(item, key, value));
                Ok(found.map(Slot::Item))
            }
            Self::Invalid(error) => Err(error.clone()),
        }
    }

    /// What a step before this one makes for it.
    fn made_before(&self) -> Made {
        match self {
            Self::Index(_) | Self::Item { .. } => Made::Sequence,
            Self::Invalid(PathError::NoMatch(_)) => Made::Sequence,
            Self::Field(_) | Self::Last | Self::Invalid(_) => Made::Mapping,
        }
    }
}

/// What is in a slot of a node.
pub(super) fn at(node: &Node, slot: Slot) -> Option<&Node> {
    match slot {
        Slot::Field(at) => node.fields().get(at).map(|field| &field.value),
        Slot::Item(at) => node.items().get(at),
    }
}

/// What is in a slot of a node.
pub(super) fn at_mut(node: &mut Node, slot: Slot) -> Option<&mut Node> {
    match slot {
        Slot::Field(at) => node.fields_mut()?.get_mut(at).map(|field| &mut field.value),
        Slot::Item(at) => node.items_mut()?.get_mut(at),
    }
}

/// The steps of the parts of a path.
pub(super) fn steps<'p>(parts: impl IntoIterator<Item = &'p String>) -> Vec<Step> {
    parts.into_iter().filter_map(|part| Step::parse(part)).collect()
}

/// What is behind some slots.
pub(super) fn below<'n>(root: &'n Node, slots: &[Slot]) -> Option<&'n Node> {
    slots.iter().try_fold(root, |node, slot| at(node, *slot))
}

/// What is behind some slots.
pub(super) fn below_mut<'n>(root: &'n mut Node, slots: &[Slot]) -> Option<&'n mut Node> {
    slots.iter().try_fold(root, |node, slot| at_mut(node, *slot))
}

/// The place that a path leads to.
pub(super) fn find(root: &Node, steps: &[Step]) -> Result<Option<Vec<Slot>>, PathError> {
    let mut slots = Vec::with_capacity(steps.len());
    let mut node = root;
    for step in steps {
        let Some(slot) = step.slot(node)? else { return Ok(None) };
        let Some(found) = at(node, slot) else { return Ok(None) };
        slots.push(slot);
        node = found;
    }
    Ok(Some(slots))
}

/// The place that a path leads to, made where it is missing: a scalar, below it mappings and lists. Items are made for
/// `[key=value]` and not for numbers, and nothing is made in a null.
pub(super) fn find_or_make<'n>(root: &'n mut Node, steps: &[Step]) -> Result<Option<&'n mut Node>, PathError> {
    let mut node = root;
    for (index, step) in steps.iter().enumerate() {
        let found = step.slot(node)?;
        let slot = match found {
            Some(slot) => slot,
            None => {
                let made = steps.get(index + 1).map_or(Made::Scalar, Step::made_before);
                match make(node, step, made) {
                    Some(slot) => slot,
                    None => return Ok(None),
                }
            }
        };
        match at_mut(node, slot) {
            Some(found) => node = found,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

fn make(node: &mut Node, step: &Step, made: Made) -> Option<Slot> {
    if node.is_null() {
        return None;
    }
    match (&mut node.content, step) {
        (Content::Mapping(fields), Step::Field(name)) => {
            fields.push(Field { key: Node::scalar(name.as_str(), Tag::Unset), value: made.node() });
            Some(Slot::Field(fields.len() - 1))
        }
        (Content::Sequence(items), Step::Item { key, value }) => {
            items.push(new_item(key, value));
            Some(Slot::Item(items.len() - 1))
        }
        _ => None,
    }
}

/// The item that is made for `[key=value]`.
pub(super) fn new_item(key: &str, value: &str) -> Node {
    let value = Node::scalar(value, Tag::Unset);
    if key.is_empty() { value } else { Node::mapping(vec![Field { key: Node::scalar(key, Tag::Unset), value }]) }
}

/// Whether a part is written as `[…]`.
pub(super) fn is_item(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// Key and value of `[key=value]`.
pub(super) fn key_and_value(part: &str) -> Option<(&str, &str)> {
    let inner = part.strip_suffix(']').unwrap_or(part);
    inner.strip_prefix('[').unwrap_or(inner).split_once('=')
}

pub(super) fn fields<'n>(node: &'n Node, part: &str) -> Result<&'n [Field], PathError> {
    match &node.content {
        _ if node.is_null() => Ok(&[]),
        Content::Mapping(fields) => Ok(fields),
        _ => Err(wrong_kind(node, part, "a mapping")),
    }
}

pub(super) fn items<'n>(node: &'n Node, part: &str) -> Result<&'n [Node], PathError> {
    match &node.content {
        _ if node.is_null() => Ok(&[]),
        Content::Sequence(items) => Ok(items),
        _ => Err(wrong_kind(node, part, "a list")),
    }
}

fn wrong_kind(node: &Node, part: &str, expected: &'static str) -> PathError {
    let found = match node.content {
        Content::Scalar(_) => "a scalar",
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    };
    PathError::WrongKind { part: part.to_owned(), expected, found }
}

pub(super) fn is_key(field: &Field, name: &str) -> bool {
    field.key.as_str() == Some(name)
}

/// The text of what is no scalar is empty here, as in kyaml.
fn is_item_of(item: &Node, key: &str, value: &str) -> bool {
    if key.is_empty() {
        return item.as_str().unwrap_or_default() == value;
    }
    item.get(key).is_some_and(|found| found.as_str().unwrap_or_default() == value)
}
