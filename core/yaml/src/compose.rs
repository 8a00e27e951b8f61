//! Events become nodes: anchors are expanded, merges merged, keys made texts, limits kept.

use std::borrow::Cow;
use std::collections::HashMap;

use compact_str::ToCompactString as _;

use crate::error::Limit;
use crate::number;
use crate::resolve::{Scalar, resolve};
use crate::scan::{Dialect, EventData, Parser};
use crate::{Document, Entry, Error, Limits, Node, Position, Reason, Text, Value, text};

/// Every document of `text`, in order. `file` is how errors name it.
pub fn read(file: &str, text: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    let text = with_line_end(text::check(file, text, limits)?);
    let mut parser = Parser::new(&text, Dialect::V2 { byte_order_marks: true });
    let mut composer = Composer::new(limits);
    let mut documents = Vec::new();
    let mut separator_line = None;
    loop {
        let event = parser.next_event().map_err(|fault| Error::syntax(file, &fault))?;
        let position = Position::of(event.start);
        match event.data {
            EventData::StreamStart => {}
            EventData::StreamEnd => return Ok(documents),
            EventData::DocumentStart { implicit } => {
                composer.anchors.clear();
                separator_line = (!implicit).then_some(event.end.line);
            }
            EventData::DocumentEnd => {
                documents.extend(composer.root.take().map(|root| Document { root }));
                Limits::check(documents.len(), limits.documents_max, Limit::Documents)
                    .map_err(|limit| Error::new(file, position, limit))?;
            }
            _ if separator_line.take() == Some(event.start.line) && event.start != event.end => {
                return Err(Error::new(file, position, Reason::TextAfterSeparator));
            }
            data => composer.take(data, position).map_err(|(position, reason)| Error::new(file, position, reason))?,
        }
    }
}

/// The first document of `text`; none where there is nothing but comments. What follows it is not read, whatever it is: so
/// sigs.k8s.io/yaml unmarshals a text that nobody cut into documents, a kustomization file for one.
pub fn read_first(file: &str, text: &[u8], limits: &Limits) -> Result<Option<Document>, Error> {
    let text = text::check(file, text, limits)?;
    let mut parser = Parser::new(text, Dialect::V2 { byte_order_marks: false });
    let mut composer = Composer::new(limits);
    loop {
        let event = parser.next_event().map_err(|fault| Error::syntax(file, &fault))?;
        let position = Position::of(event.start);
        match event.data {
            EventData::StreamEnd | EventData::DocumentEnd => return Ok(composer.root.map(|root| Document { root })),
            data => composer.take(data, position).map_err(|(position, reason)| Error::new(file, position, reason))?,
        }
    }
}

/// The text with the end of its last line, which a block scalar that ends there has for kubectl even where it is missing.
fn with_line_end(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with(['\n', '\r']) { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}\n")) }
}

type Refused = (Position, Reason);

/// The nodes of one document while they are read.
struct Composer<'t> {
    limits: &'t Limits,
    open: Vec<Collection<'t>>,
    /// Items of the sequences that are open, the innermost last.
    items: Vec<Node>,
    /// Entries of the mappings that are open, the innermost last.
    entries: Vec<Entry>,
    anchors: HashMap<&'t str, Anchor>,
    root: Option<Node>,
    nodes: usize,
    aliased: Size,
}

/// A mapping or sequence whose end has not come.
struct Collection<'t> {
    position: Position,
    anchor: Option<&'t str>,
    size: Size,
    content: Content,
}

/// What is in a collection, from a place in the composer's stack.
enum Content {
    Sequence { from: usize },
    Mapping { from: usize, key: Option<Key> },
}

enum Key {
    Text(Text, Position),
    Merge,
}

enum Anchor {
    Open,
    Closed(Node, Size),
}

/// What a node weighs, itself included.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    height: usize,
}

impl Size {
    fn add(&mut self, inner: Self) {
        self.nodes += inner.nodes;
        self.bytes += inner.bytes;
        self.height = self.height.max(inner.height + 1);
    }
}

impl<'t> Composer<'t> {
    fn new(limits: &'t Limits) -> Self {
        Self {
            limits,
            open: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            anchors: HashMap::new(),
            root: None,
            nodes: 0,
            aliased: Size::default(),
        }
    }

    fn take(&mut self, event: EventData<'t>, position: Position) -> Result<(), Refused> {
        match event {
            EventData::Scalar { properties, value, plain_implicit, .. } => {
                self.count(properties.tag_nodes(), position)?;
                let tag = properties.tag();
                if self.awaits_key() && value == "<<" && (plain_implicit || is_merge_tag(tag)) {
                    self.set_key(Key::Merge);
                    return Ok(());
                }
                let size = Size { nodes: 1, bytes: value.len(), height: 0 };
                let scalar = resolve(tag, plain_implicit, value).map_err(|reason| (position, reason))?;
                self.scalar(scalar, properties.anchor(), position, size)
            }
            EventData::Alias(anchor) => self.alias(anchor, position),
            EventData::SequenceStart { properties, .. } => {
                self.count(properties.tag_nodes(), position)?;
                self.begin(properties.anchor(), position, Content::Sequence { from: self.items.len() })
            }
            EventData::MappingStart { properties, .. } => {
                self.count(properties.tag_nodes(), position)?;
                self.begin(properties.anchor(), position, Content::Mapping { from: self.entries.len(), key: None })
            }
            EventData::SequenceEnd | EventData::MappingEnd => self.end(),
            EventData::StreamStart
            | EventData::StreamEnd
            | EventData::DocumentStart { .. }
            | EventData::DocumentEnd => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        scalar: Scalar,
        anchor: Option<&'t str>,
        position: Position,
        size: Size,
    ) -> Result<(), Refused> {
        let is_key_alone = matches!(scalar, Scalar::Float(value) if !value.is_finite());
        if self.awaits_key() && (anchor.is_none() || is_key_alone) {
            let key = key_text(scalar).map_err(|reason| (position, reason))?;
            self.set_key(Key::Text(key, position));
            return Ok(());
        }
        let value = value_of(scalar).map_err(|reason| (position, reason))?;
        self.add(Node { position, value }, size, anchor, None)
    }

    fn begin(&mut self, anchor: Option<&'t str>, position: Position, content: Content) -> Result<(), Refused> {
        self.open.push(Collection { position, anchor, size: Size { nodes: 1, ..Size::default() }, content });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchor::Open);
        }
        self.check_depth(0, position)
    }

    fn end(&mut self) -> Result<(), Refused> {
        let Collection { position, anchor, size, content } = self.open.pop().expect("an end follows a start");
        let value = match content {
            Content::Sequence { from } => Value::Sequence(self.items.drain(from..).collect()),
            Content::Mapping { from, .. } => Value::Mapping(self.entries.drain(from..).collect()),
        };
        self.add(Node { position, value }, size, anchor, None)
    }

    fn alias(&mut self, name: &str, position: Position) -> Result<(), Refused> {
        let (node, size) = match self.anchors.get(name) {
            None => return Err((position, Reason::UnknownAnchor(name.to_owned()))),
            Some(Anchor::Open) => return Err((position, Reason::AnchorContainsItself(name.to_owned()))),
            Some(Anchor::Closed(node, size)) => (node, *size),
        };
        let node = node.clone();
        self.count_copy(size, position)?;
        self.check_depth(size.height, position)?;
        self.add(node, size, None, Some(position))
    }

    fn count(&mut self, nodes: usize, position: Position) -> Result<(), Refused> {
        self.nodes += nodes;
        Limits::check(self.nodes, self.limits.nodes_max, Limit::Nodes).map_err(|limit| (position, limit.into()))
    }

    /// Anchors keep a copy of their node, and each alias makes one.
    fn count_copy(&mut self, size: Size, position: Position) -> Result<(), Refused> {
        self.aliased.nodes += size.nodes;
        self.aliased.bytes += size.bytes;
        Limits::check(self.aliased.nodes, self.limits.alias_nodes_max, Limit::AliasNodes)
            .and_then(|()| Limits::check(self.aliased.bytes, self.limits.alias_bytes_max, Limit::AliasBytes))
            .map_err(|limit| (position, limit.into()))
    }

    /// Puts a finished node where it belongs: behind its anchor, and into what it is part of. `alias` is where the alias
    /// stands that the node came by.
    fn add(&mut self, node: Node, size: Size, anchor: Option<&'t str>, alias: Option<Position>) -> Result<(), Refused> {
        let position = alias.unwrap_or(node.position);
        self.count(if alias.is_some() { size.nodes } else { 1 }, position)?;
        if let Some(anchor) = anchor {
            self.count_copy(size, position)?;
            self.anchors.insert(anchor, Anchor::Closed(node.clone(), size));
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        parent.size.add(size);
        match &mut parent.content {
            Content::Sequence { .. } => self.items.push(node),
            Content::Mapping { key, .. } => match key.take() {
                None => *key = Some(Key::Text(key_of(node).map_err(|reason| (position, reason))?, position)),
                Some(Key::Text(key, position)) => self.entries.push(Entry { key, position, value: node }),
                Some(Key::Merge) => {
                    merge(&mut self.entries, node, alias.is_some()).map_err(|reason| (position, reason))?
                }
            },
        }
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Collection { content: Content::Mapping { key: None, .. }, .. }))
    }

    fn set_key(&mut self, text: Key) {
        if let Some(Collection { content: Content::Mapping { key, .. }, size, .. }) = self.open.last_mut() {
            if let Key::Text(text, _) = &text {
                size.bytes += text.len();
            }
            *key = Some(text);
        }
    }

    fn check_depth(&self, height: usize, position: Position) -> Result<(), Refused> {
        Limits::check(self.open.len() + height, self.limits.depth_max, Limit::Depth)
            .map_err(|limit| (position, limit.into()))
    }
}

/// Entries of merged mappings take their place where `<<` stands: they win over keys before it and lose to keys after it,
/// and of several mappings the first wins.
fn merge(entries: &mut Vec<Entry>, node: Node, is_alias: bool) -> Result<(), Reason> {
    match node.value {
        Value::Mapping(merged) => entries.extend(merged),
        Value::Sequence(items) if !is_alias => {
            for item in items.into_iter().rev() {
                let Value::Mapping(merged) = item.value else { return Err(Reason::NotMergeable) };
                entries.extend(merged);
            }
        }
        _ => return Err(Reason::NotMergeable),
    }
    Ok(())
}

fn is_merge_tag(tag: Option<&str>) -> bool {
    tag == Some("tag:yaml.org,2002:merge")
}

fn value_of(scalar: Scalar) -> Result<Value, Reason> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::UInt(value) => Value::UInt(value),
        Scalar::Float(value) if value.is_finite() => Value::Float(value),
        Scalar::Float(value) => return Err(Reason::NotFinite(number::to_key(value))),
        Scalar::String(text) => Value::String(text),
    })
}

fn key_text(scalar: Scalar) -> Result<Text, Reason> {
    match scalar {
        Scalar::Null => Err(Reason::NullAsKey),
        Scalar::Bool(value) => Ok(value.to_compact_string()),
        Scalar::Int(value) => Ok(value.to_compact_string()),
        Scalar::UInt(value) => Err(Reason::LargeNumberAsKey(value)),
        Scalar::Float(value) => Ok(number::to_key(value).into()),
        Scalar::String(text) => Ok(text),
    }
}

fn key_of(node: Node) -> Result<Text, Reason> {
    let kind = node.kind();
    key_text(match node.value {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Bool(value),
        Value::Int(value) => Scalar::Int(value),
        Value::UInt(value) => Scalar::UInt(value),
        Value::Float(value) => Scalar::Float(value),
        Value::String(text) => Scalar::String(text),
        Value::Sequence(_) | Value::Mapping(_) => return Err(Reason::CollectionAsKey(kind)),
    })
}
