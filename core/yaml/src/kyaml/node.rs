//! The tree: nodes with tag, style and position, as go-yaml v3 has them.

use std::num::NonZeroU32;

use crate::{Position, Text};

/// A scalar, a list or a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Its tag, resolved when it was read; [`Tag::Unset`] for a plain scalar that was made here, which takes the type of its
    /// text when it is printed.
    pub tag: Tag,
    /// Whether the tag was written out.
    pub tagged: bool,
    /// How it was written, and will be where go-yaml v3 writes it.
    pub style: Style,
    /// Where it begins; line 0 for a node that was made here.
    pub position: Position,
    /// 0 for a node that stands in one place only: see [`Node::link`].
    link: u32,
    /// What is rarely there.
    extras: Option<Box<Extras>>,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text, whatever its type.
    Scalar(Text),
    /// Items in order.
    Sequence(Vec<Node>),
    /// Fields in the order of the text. Keys may be repeated until they are printed.
    Mapping(Vec<Field>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// A scalar in every mapping that Kubernetes knows.
    pub key: Node,
    /// Its value.
    pub value: Node,
}

/// The type of a node (YAML 1.2's core schema as go-yaml v3 widens it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tag {
    /// None: resolved from the text.
    #[default]
    Unset,
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`
    Str,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!merge`
    Merge,
    /// `!!seq`
    Sequence,
    /// `!!map`
    Mapping,
    /// Any other: see [`Node::custom_tag`].
    Custom,
}

/// How a node is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; a collection in block style.
    #[default]
    Plain,
    /// `"…"`
    DoubleQuoted,
    /// `'…'`
    SingleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// `[…]` or `{…}`
    Flow,
}

/// The comments around a node, with their `#`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// On the lines before it.
    pub head: Text,
    /// Behind it, on its line.
    pub line: Text,
    /// After it, before an empty line.
    pub foot: Text,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Extras {
    comments: Comments,
    custom_tag: Text,
}

impl Tag {
    /// How it is written; none for [`Tag::Unset`] and [`Tag::Custom`].
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Unset | Self::Custom => None,
            Self::Null => Some("!!null"),
            Self::Bool => Some("!!bool"),
            Self::Int => Some("!!int"),
            Self::Float => Some("!!float"),
            Self::Str => Some("!!str"),
            Self::Timestamp => Some("!!timestamp"),
            Self::Binary => Some("!!binary"),
            Self::Merge => Some("!!merge"),
            Self::Sequence => Some("!!seq"),
            Self::Mapping => Some("!!map"),
        }
    }
}

impl Node {
    /// A scalar of a type. `Tag::Unset` takes its type from the text when it is printed.
    pub fn scalar(text: impl Into<Text>, tag: Tag) -> Self {
        Self::of(Content::Scalar(text.into()), tag)
    }

    /// A text: quoted when it is printed, where a plain one would be something else.
    pub fn text(text: impl Into<Text>) -> Self {
        Self::scalar(text, Tag::Str)
    }

    /// A list in block style.
    pub fn sequence(items: Vec<Node>) -> Self {
        Self::of(Content::Sequence(items), Tag::Sequence)
    }

    /// A mapping in block style.
    pub fn mapping(fields: Vec<Field>) -> Self {
        Self::of(Content::Mapping(fields), Tag::Mapping)
    }

    fn of(content: Content, tag: Tag) -> Self {
        let position = Position { line: 0, column: 0 };
        Self { content, tag, tagged: false, style: Style::Plain, position, link: 0, extras: None }
    }

    /// The text, when this is a scalar of any type.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(text) => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// The items; none when this is no list.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::Sequence(items) => items,
            Content::Scalar(_) | Content::Mapping(_) => &[],
        }
    }

    /// The items, when this is a list.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.content {
            Content::Sequence(items) => Some(items),
            Content::Scalar(_) | Content::Mapping(_) => None,
        }
    }

    /// The fields; none when this is no mapping.
    pub fn fields(&self) -> &[Field] {
        match &self.content {
            Content::Mapping(fields) => fields,
            Content::Scalar(_) | Content::Sequence(_) => &[],
        }
    }

    /// The fields, when this is a mapping.
    pub fn fields_mut(&mut self) -> Option<&mut Vec<Field>> {
        match &mut self.content {
            Content::Mapping(fields) => Some(fields),
            Content::Scalar(_) | Content::Sequence(_) => None,
        }
    }

    /// The value of the first field with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.fields().iter().find(|field| field.key.as_str() == Some(key)).map(|field| &field.value)
    }

    /// The value of the first field with this key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let fields = self.fields_mut()?;
        fields.iter_mut().find(|field| field.key.as_str() == Some(key)).map(|field| &mut field.value)
    }

    /// What is below these keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// What is below these keys.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Node> {
        path.iter().try_fold(self, |node, key| node.get_mut(key))
    }

    /// Puts a value under a key: in place of the first field with this key, or behind the others. Nothing when this is no
    /// mapping.
    pub fn set(&mut self, key: &str, value: Node) {
        if let Some(found) = self.get_mut(key) {
            *found = value;
        } else if let Some(fields) = self.fields_mut() {
            fields.push(Field { key: Node::scalar(key, Tag::Unset), value });
        }
    }

    /// Takes the first field with this key away.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let fields = self.fields_mut()?;
        let at = fields.iter().position(|field| field.key.as_str() == Some(key))?;
        Some(fields.remove(at).value)
    }

    /// Which nodes of this tree are the same node to kustomize: it puts one node for a new label in every field that gets the
    /// label, so that whatever sets one of them later sets them all. Nodes with equal links are such a node; most have none.
    /// A copy is a node of its own to kustomize: call [`Node::unlink`] on what is copied.
    pub fn link(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.link)
    }

    /// Makes it one with the other nodes of this link.
    pub fn set_link(&mut self, link: Option<NonZeroU32>) {
        self.link = link.map_or(0, NonZeroU32::get);
    }

    /// Sets a node as go-yaml's `*node = value` does: it keeps its place and link. When there is a link, the caller owes the
    /// tree a [`Node::set_linked`].
    pub fn replace(&mut self, value: Node) -> Option<NonZeroU32> {
        let link = self.link;
        *self = value;
        self.link = link;
        self.link()
    }

    /// Sets all nodes below that have this link.
    pub fn set_linked(&mut self, link: NonZeroU32, value: &Node) {
        if self.link == link.get() {
            self.replace(value.clone());
            return;
        }
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::Sequence(items) => items.iter_mut().for_each(|item| item.set_linked(link, value)),
            Content::Mapping(fields) => fields.iter_mut().for_each(|field| field.value.set_linked(link, value)),
        }
    }

    /// Takes the links away, here and below.
    pub fn unlink(&mut self) {
        self.link = 0;
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::Sequence(items) => items.iter_mut().for_each(Node::unlink),
            Content::Mapping(fields) => fields.iter_mut().for_each(|field| field.value.unlink()),
        }
    }

    /// Whether it is null, however that is written (`key:`, `~`, `null`).
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// The tag of a node whose tag is none of the known ones: `!foo`.
    pub fn custom_tag(&self) -> &str {
        self.extras.as_ref().map_or("", |extras| &extras.custom_tag)
    }

    /// Gives it a tag that is none of the known ones.
    pub fn set_custom_tag(&mut self, tag: &str) {
        self.tag = Tag::Custom;
        self.tagged = true;
        self.extras.get_or_insert_default().custom_tag = tag.into();
    }

    /// The comments around it, if there are any and they were kept.
    pub fn comments(&self) -> Option<&Comments> {
        self.extras.as_ref().map(|extras| &extras.comments)
    }

    /// The comments around it, to be changed.
    pub fn comments_mut(&mut self) -> &mut Comments {
        &mut self.extras.get_or_insert_default().comments
    }
}
