//! Events become nodes: anchors are expanded, merges merged, keys made texts, limits kept.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use libyaml_safer::{Encoding, Event, EventData, Parser};

use crate::error::Limit;
use crate::number;
use crate::resolve::{Scalar, resolve};
use crate::{Document, Entry, Error, Limits, Node, Position, Reason, Value, text};

/// Bytes given to the scanner at once; it holds them decoded, four bytes a character.
const CHUNK_BYTES: usize = 8 << 10;

/// Every document of `text`, in order. `file` is how errors name it.
pub fn read(file: &str, text: &[u8], limits: &Limits) -> Result<Vec<Document>, Error> {
    let text = text::check(file, text, limits)?;
    let mut parser = Parser::new();
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(BufReader::with_capacity(CHUNK_BYTES, text.as_bytes().chain(missing_line_end(text))));
    let mut documents = Vec::new();
    let mut last = Position { line: 1, column: 1 };
    let mut composer =
        Composer { limits, open: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0, aliased: Size::default() };
    let mut separator_line = None;
    loop {
        let event = next_event(&mut parser, file, last)?;
        let position = Position::of(event.start_mark);
        last = position;
        match event.data {
            EventData::StreamStart { .. } => {}
            EventData::StreamEnd => return Ok(documents),
            EventData::DocumentStart { implicit, .. } => {
                composer.anchors.clear();
                separator_line = (!implicit).then_some(event.end_mark.line);
            }
            EventData::DocumentEnd { .. } => {
                let root = composer.root.take().expect("a document has exactly one root");
                documents.push(Document { root });
                Limits::check(documents.len(), limits.documents_max, Limit::Documents)
                    .map_err(|limit| Error::new(file, position, limit))?;
            }
            _ if separator_line.take() == Some(event.start_mark.line) && event.start_mark != event.end_mark => {
                return Err(Error::new(file, position, Reason::TextAfterSeparator));
            }
            data => composer.take(data, position).map_err(|(position, reason)| Error::new(file, position, reason))?,
        }
    }
}

/// The end of the last line, where the text lacks it. A block scalar that ends there has it all the same for kubectl, and the
/// scanner of libyaml-safer 0.3 panics where a block scalar, or an escape in double quotes, ends without one.
fn missing_line_end(text: &str) -> &'static [u8] {
    if text.is_empty() || text.ends_with(['\n', '\r']) { b"" } else { b"\n" }
}

/// The next event of a parser. Some malformed texts (`{!,` is one) make the scanner of libyaml-safer 0.3 panic where libyaml
/// has an error; they are an error here too, at the event before. The parser is not used again.
fn next_event<R: BufRead>(parser: &mut Parser<R>, file: &str, last: Position) -> Result<Event, Error> {
    match catch_unwind(AssertUnwindSafe(|| parser.parse())) {
        Ok(event) => event.map_err(|error| Error::syntax(file, &error)),
        Err(_) => {
            let reason =
                Reason::Syntax { problem: "found a character that cannot start or continue a token", context: None };
            Err(Error::new(file, last, reason))
        }
    }
}

type Refused = (Position, Reason);

/// The nodes of one document while they are read.
struct Composer<'l> {
    limits: &'l Limits,
    open: Vec<Collection>,
    anchors: HashMap<String, Anchor>,
    root: Option<Node>,
    nodes: usize,
    aliased: Size,
}

/// A mapping or sequence whose end has not come.
struct Collection {
    position: Position,
    anchor: Option<String>,
    size: Size,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<Key> },
}

enum Key {
    Text(String, Position),
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

impl Composer<'_> {
    fn take(&mut self, event: EventData, position: Position) -> Result<(), Refused> {
        match event {
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                if self.awaits_key() && value == "<<" && (plain_implicit || is_merge_tag(tag.as_deref())) {
                    self.set_key(Key::Merge);
                    return Ok(());
                }
                let size = Size { nodes: 1, bytes: value.len(), height: 0 };
                let scalar = resolve(tag.as_deref(), plain_implicit, value).map_err(|reason| (position, reason))?;
                self.scalar(scalar, anchor, position, size)
            }
            EventData::Alias { anchor } => self.alias(&anchor, position),
            EventData::SequenceStart { anchor, .. } => self.begin(anchor, position, Content::Sequence(Vec::new())),
            EventData::MappingStart { anchor, .. } => {
                self.begin(anchor, position, Content::Mapping { entries: Vec::new(), key: None })
            }
            EventData::SequenceEnd | EventData::MappingEnd => self.end(),
            EventData::StreamStart { .. }
            | EventData::StreamEnd
            | EventData::DocumentStart { .. }
            | EventData::DocumentEnd { .. } => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        scalar: Scalar,
        anchor: Option<String>,
        position: Position,
        size: Size,
    ) -> Result<(), Refused> {
        if self.awaits_key() && anchor.is_none() {
            let key = key_text(scalar).map_err(|reason| (position, reason))?;
            self.set_key(Key::Text(key, position));
            return Ok(());
        }
        let value = value_of(scalar).map_err(|reason| (position, reason))?;
        self.add(Node { position, value }, size, anchor, None)
    }

    fn begin(&mut self, anchor: Option<String>, position: Position, content: Content) -> Result<(), Refused> {
        self.open.push(Collection {
            position,
            anchor: anchor.clone(),
            size: Size { nodes: 1, ..Size::default() },
            content,
        });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchor::Open);
        }
        self.check_depth(0, position)
    }

    fn end(&mut self) -> Result<(), Refused> {
        let Collection { position, anchor, size, content } = self.open.pop().expect("an end follows a start");
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => Value::Mapping(entries),
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
    fn add(&mut self, node: Node, size: Size, anchor: Option<String>, alias: Option<Position>) -> Result<(), Refused> {
        let position = alias.unwrap_or(node.position);
        self.nodes += if alias.is_some() { size.nodes } else { 1 };
        Limits::check(self.nodes, self.limits.nodes_max, Limit::Nodes).map_err(|limit| (position, limit.into()))?;
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
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, key } => match key.take() {
                None => *key = Some(Key::Text(key_of(node).map_err(|reason| (position, reason))?, position)),
                Some(Key::Text(key, position)) => entries.push(Entry { key, position, value: node }),
                Some(Key::Merge) => merge(entries, node, alias.is_some()).map_err(|reason| (position, reason))?,
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

fn key_text(scalar: Scalar) -> Result<String, Reason> {
    match scalar {
        Scalar::Null => Err(Reason::NullAsKey),
        Scalar::Bool(value) => Ok(value.to_string()),
        Scalar::Int(value) => Ok(value.to_string()),
        Scalar::UInt(value) => Err(Reason::LargeNumberAsKey(value)),
        Scalar::Float(value) => Ok(number::to_key(value)),
        Scalar::String(text) => Ok(text),
    }
}

fn key_of(node: Node) -> Result<String, Reason> {
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
