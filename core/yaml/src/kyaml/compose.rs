//! Events become nodes: go-yaml v3's node tree, with comments where it puts them.

use std::borrow::Cow;
use std::collections::HashMap;

use super::scalar::resolve;
use super::{Document, Field, Node, Style, Tag, Text};
use crate::error::Limit;
use crate::scan::{Attached, Event, EventData, Fault, Mark, Parser, Properties, ScalarStyle};
use crate::{Error, Limits, Position, Reason};

/// What ended a document.
pub(super) enum Refused {
    Fault(Box<Fault>),
    Node(Position, Reason),
}

impl Refused {
    /// `first_line`: the line of the file that the text begins on.
    pub(super) fn at(self, file: &str, first_line: u32) -> Error {
        match self {
            Self::Node(position, reason) => Error { file: file.to_owned(), position, reason },
            Self::Fault(mut fault) => {
                let lines_before = first_line.saturating_sub(1);
                fault.mark.line = fault.mark.line.saturating_add(lines_before);
                if let Some((_, begin)) = &mut fault.context {
                    begin.line = begin.line.saturating_add(lines_before);
                }
                Error::syntax(file, &fault)
            }
        }
    }
}

impl From<Box<Fault>> for Refused {
    fn from(fault: Box<Fault>) -> Self {
        Self::Fault(fault)
    }
}

/// A document whose aliases are not expanded.
pub(super) struct Composed {
    pub(super) document: Document,
    pub(super) links: Links,
}

/// Which node is an alias of which; nodes are counted from 0 in the order in which they begin.
#[derive(Default)]
pub(super) struct Links {
    /// From the alias, which is a scalar with the anchor's name, to the node it stands for.
    pub(super) aliases: HashMap<usize, usize>,
    /// How many nodes there are.
    pub(super) nodes: usize,
    /// Whether there are aliases, merges, or null keys, which expanding repeats.
    pub(super) must_be_expanded: bool,
}

/// The nodes of one document while they are read.
pub(super) struct Composer<'t, 'l> {
    limits: &'l Limits,
    nodes_left: &'l mut usize,
    first_line: u32,
    open: Vec<Collection>,
    /// Items of the lists that are open, the innermost last.
    items: Vec<Node>,
    /// Fields of the mappings that are open, the innermost last.
    fields: Vec<Field>,
    anchors: HashMap<&'t str, usize>,
    links: Links,
    /// Nodes that have begun.
    begun: usize,
    root: Option<Node>,
}

/// A list or mapping whose end has not come.
struct Collection {
    node: Node,
    content: Content,
}

/// What is in a collection, from a place in the composer's stack.
enum Content {
    Sequence { from: usize },
    Mapping { from: usize, key: Option<Node> },
}

impl<'t, 'l> Composer<'t, 'l> {
    pub(super) fn new(limits: &'l Limits, first_line: u32, nodes_left: &'l mut usize) -> Self {
        Self {
            limits,
            nodes_left,
            first_line,
            open: Vec::with_capacity(16),
            items: Vec::with_capacity(16),
            fields: Vec::with_capacity(32),
            anchors: HashMap::new(),
            links: Links::default(),
            begun: 0,
            root: None,
        }
    }

    /// The first document of a parser that has not begun.
    pub(super) fn compose(mut self, parser: &mut Parser<'t>) -> Result<Option<Composed>, Refused> {
        let mut head = Text::default();
        loop {
            let event = parser.next_event()?;
            match event.data {
                EventData::StreamStart => {}
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => {
                    head = event.comments.map(|comments| comments.head.into()).unwrap_or_default();
                }
                EventData::DocumentEnd => {
                    if self.links.must_be_expanded {
                        self.count(self.begun, self.position(event.start))?;
                        self.links.nodes = self.begun;
                    }
                    let foot = event.comments.map(|comments| comments.foot.into()).unwrap_or_default();
                    let document = self.root.map(|root| Document { head, root, foot });
                    return Ok(document.map(|document| Composed { document, links: self.links }));
                }
                _ => self.take(event)?,
            }
        }
    }

    fn take(&mut self, event: Event<'t>) -> Result<(), Refused> {
        let (position, comments) = (self.position(event.start), event.comments);
        if comments.is_some() {
            self.count(1, position)?;
        }
        match event.data {
            EventData::Scalar { properties, value, style, .. } => {
                self.begin(&properties, position)?;
                let node = self.scalar(&properties, value, style);
                self.add(placed(node, position, comments));
                Ok(())
            }
            EventData::Alias(name) => {
                let alias = self.begun;
                let target = self.anchors.get(name).copied();
                let target = target.ok_or_else(|| Refused::Node(position, Reason::UnknownAnchor(name.to_owned())))?;
                self.begin(&Properties::default(), position)?;
                self.links.aliases.insert(alias, target);
                self.links.must_be_expanded = true;
                self.add(placed(Node::scalar(name, Tag::Unset), position, comments));
                Ok(())
            }
            EventData::SequenceStart { properties, flow } => {
                let node = tagged(Node::sequence(Vec::new()), &properties, flow);
                let content = Content::Sequence { from: self.items.len() };
                self.open(&properties, placed(node, position, comments), content)
            }
            EventData::MappingStart { properties, flow } => {
                let node = tagged(Node::mapping(Vec::new()), &properties, flow);
                let content = Content::Mapping { from: self.fields.len(), key: None };
                self.open(&properties, placed(node, position, comments), content)
            }
            EventData::SequenceEnd | EventData::MappingEnd => {
                self.close(comments);
                Ok(())
            }
            EventData::StreamStart
            | EventData::StreamEnd
            | EventData::DocumentStart { .. }
            | EventData::DocumentEnd => Ok(()),
        }
    }

    fn position(&self, mark: Mark) -> Position {
        let position = Position::of(mark);
        Position { line: position.line.saturating_add(self.first_line.saturating_sub(1)), ..position }
    }

    /// Counts a node, and remembers the name that it can be meant by.
    fn begin(&mut self, properties: &Properties<'t>, position: Position) -> Result<(), Refused> {
        if let Some(anchor) = properties.anchor() {
            self.anchors.insert(anchor, self.begun);
        }
        self.begun += 1;
        self.count(1 + properties.tag_nodes(), position)
    }

    fn count(&mut self, nodes: usize, position: Position) -> Result<(), Refused> {
        let left = self.nodes_left.checked_sub(nodes);
        *self.nodes_left = left.ok_or_else(|| Refused::Node(position, Limit::Nodes(self.limits.nodes_max).into()))?;
        Ok(())
    }

    fn open(&mut self, properties: &Properties<'t>, node: Node, content: Content) -> Result<(), Refused> {
        let position = node.position;
        self.begin(properties, position)?;
        self.open.push(Collection { node, content });
        Limits::check(self.open.len(), self.limits.depth_max, Limit::Depth)
            .map_err(|limit| Refused::Node(position, limit.into()))
    }

    fn scalar(&mut self, properties: &Properties<'t>, value: Cow<'t, str>, style: ScalarStyle) -> Node {
        let tag = match style {
            ScalarStyle::Plain if value == "<<" => Tag::Merge,
            ScalarStyle::Plain if properties.tag().is_none_or(|tag| tag == "!") => resolve(&value),
            _ => Tag::Str,
        };
        self.links.must_be_expanded |= value == "<<";
        let mut node = tagged(Node::scalar(value, tag), properties, false);
        self.links.must_be_expanded |= node.tag == Tag::Merge;
        node.style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        node
    }

    fn close(&mut self, comments: Option<Box<Attached>>) {
        let Some(Collection { mut node, content }) = self.open.pop() else { return };
        let ending = comments.map(|comments| *comments).unwrap_or_default();
        if node.comments().is_some() || ending != Attached::default() {
            let comments = node.comments_mut();
            comments.line = ending.line.into();
            comments.foot = ending.foot.into();
        }
        node.content = match content {
            Content::Sequence { from } => super::Content::Sequence(self.items.drain(from..).collect()),
            Content::Mapping { from, .. } => {
                let mut fields: Vec<Field> = self.fields.drain(from..).collect();
                if let Some(last) = fields.last_mut().filter(|_| node.style != Style::Flow) {
                    move_foot(&mut node, &mut last.key);
                }
                super::Content::Mapping(fields)
            }
        };
        self.add(node);
    }

    /// Puts a finished node into what it is part of.
    fn add(&mut self, mut node: Node) {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        let is_block = parent.node.style != Style::Flow;
        match &mut parent.content {
            Content::Sequence { .. } => self.items.push(node),
            Content::Mapping { from, key } => match key.take() {
                None => {
                    if let Some(last) = self.fields.get_mut(*from..).and_then(<[Field]>::last_mut).filter(|_| is_block)
                    {
                        move_foot(&mut node, &mut last.key);
                    }
                    *key = Some(node);
                }
                Some(mut key) => {
                    self.links.must_be_expanded |= key.tag == Tag::Null;
                    if key.comments().is_none_or(|comments| comments.foot.is_empty()) {
                        move_foot(&mut node, &mut key);
                    }
                    self.fields.push(Field { key, value: node });
                }
            },
        }
    }
}

/// A comment below a node that belongs to what is before it.
fn move_foot(from: &mut Node, to: &mut Node) {
    if from.comments().is_some_and(|comments| !comments.foot.is_empty()) {
        to.comments_mut().foot = std::mem::take(&mut from.comments_mut().foot);
    }
}

fn placed(mut node: Node, position: Position, comments: Option<Box<Attached>>) -> Node {
    node.position = position;
    if let Some(comments) = comments {
        let Attached { head, line, foot } = *comments;
        *node.comments_mut() = super::Comments { head: head.into(), line: line.into(), foot: foot.into() };
    }
    node
}

fn tagged(mut node: Node, properties: &Properties<'_>, flow: bool) -> Node {
    if flow {
        node.style = Style::Flow;
    }
    let Some(tag) = properties.tag().filter(|tag| *tag != "!") else { return node };
    node.tagged = true;
    let short = match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => Cow::Owned(format!("!!{name}")),
        None => Cow::Borrowed(tag),
    };
    node.tag = match &*short {
        "!!null" => Tag::Null,
        "!!bool" => Tag::Bool,
        "!!int" => Tag::Int,
        "!!float" => Tag::Float,
        "!!str" => Tag::Str,
        "!!timestamp" => Tag::Timestamp,
        "!!binary" => Tag::Binary,
        "!!merge" => Tag::Merge,
        "!!seq" => Tag::Sequence,
        "!!map" => Tag::Mapping,
        _ => {
            node.set_custom_tag(&short);
            Tag::Custom
        }
    };
    node
}
