//! One node: an alias, a scalar, or the beginning of a collection, with what stands before it.

use std::borrow::Cow;

use super::{Data, Event, EventData, Fault, Kind, Mark, Parser, Properties, ScalarStyle, State, TagParts};
use crate::scan::Attached;

impl<'t> Parser<'t> {
    /// `kind`: that of the token that was peeked at; `block`: whether the node may be a block collection; `indentless`: whether
    /// a list may begin in the column of its key.
    pub(super) fn node(&mut self, kind: Kind, block: bool, indentless: bool) -> Result<Event<'t>, Box<Fault>> {
        let start = self.start();
        match kind {
            Kind::Scalar => Ok(self.scalar(start, Properties::default())),
            Kind::Alias => Ok(self.alias()),
            Kind::Anchor | Kind::Tag => self.node_with_properties(kind, block, indentless),
            _ => self.collection(kind, start, Properties::default(), block, indentless).map_err(|_| {
                let context = if block { "while parsing a block node" } else { "while parsing a flow node" };
                Fault::within(context, start, "did not find expected node content", start)
            }),
        }
    }

    fn alias(&mut self) -> Event<'t> {
        self.return_to_state();
        let mut event = self.event(EventData::Alias(""));
        if let Data::Name(name) = self.scanner.take() {
            event.data = EventData::Alias(name);
        }
        self.with_comments(event)
    }

    #[inline]
    fn scalar(&mut self, start: Mark, properties: Properties<'t>) -> Event<'t> {
        self.return_to_state();
        let end = self.end();
        let (value, style) = match self.scanner.take() {
            Data::Scalar(value, style) => (value, style),
            _ => (Cow::Borrowed(""), ScalarStyle::Plain),
        };
        let plain_implicit = match properties.tag() {
            None => style == ScalarStyle::Plain,
            Some(tag) => tag == "!",
        };
        let data = EventData::Scalar { properties, value, style, plain_implicit };
        self.with_comments(Event::new(start, end, data))
    }

    /// The beginning of a collection, or the properties back where none begins.
    fn collection(
        &mut self,
        kind: Kind,
        start: Mark,
        properties: Properties<'t>,
        block: bool,
        indentless: bool,
    ) -> Result<Event<'t>, Properties<'t>> {
        let (state, is_mapping, flow) = match kind {
            Kind::BlockEntry if indentless => (State::IndentlessSequenceEntry, false, false),
            Kind::FlowSequenceStart => (State::FlowSequenceFirstEntry, false, true),
            Kind::FlowMappingStart => (State::FlowMappingFirstKey, true, true),
            Kind::BlockSequenceStart if block => (State::BlockSequenceFirstEntry, false, false),
            Kind::BlockMappingStart if block => (State::BlockMappingFirstKey, true, false),
            _ => return Err(properties),
        };
        self.state = state;
        let data = if is_mapping {
            EventData::MappingStart { properties, flow }
        } else {
            EventData::SequenceStart { properties, flow }
        };
        let event = Event::new(start, self.end(), data);
        Ok(match state {
            State::IndentlessSequenceEntry => event,
            _ if flow => self.with_comments(event),
            _ => self.with_stem_comment(event),
        })
    }

    fn node_with_properties(&mut self, kind: Kind, block: bool, indentless: bool) -> Result<Event<'t>, Box<Fault>> {
        let start = self.start();
        let (properties, kind, properties_end) = self.properties(kind)?;
        if kind == Kind::Scalar {
            return Ok(self.scalar(start, properties));
        }
        match self.collection(kind, start, properties, block, indentless) {
            Ok(event) => Ok(event),
            Err(properties) => {
                self.return_to_state();
                let plain_implicit = properties.tag().is_none();
                let (value, style) = (Cow::Borrowed(""), ScalarStyle::Plain);
                let data = EventData::Scalar { properties, value, style, plain_implicit };
                Ok(Event::new(start, properties_end, data))
            }
        }
    }

    /// The anchor and the tag before a node, the token of the node itself, and where the anchor or tag ends.
    fn properties(&mut self, mut kind: Kind) -> Result<(Properties<'t>, Kind, Mark), Box<Fault>> {
        let (mut anchor, mut tag) = (None, None);
        let start = self.start();
        let mut end = start;
        while kind == Kind::Anchor && anchor.is_none() || kind == Kind::Tag && tag.is_none() {
            let mark = self.start();
            end = self.end();
            match self.scanner.take() {
                Data::Name(name) => anchor = Some(name),
                Data::Tag(parts) => tag = Some((*parts, mark)),
                _ => {}
            }
            kind = self.peek()?;
        }
        let tag = tag.map(|(parts, mark)| self.whole_tag(parts, start, mark)).transpose()?;
        Ok((Properties::new(anchor, tag), kind, end))
    }

    fn whole_tag(&self, parts: TagParts<'t>, start: Mark, mark: Mark) -> Result<Cow<'t, str>, Box<Fault>> {
        let TagParts { handle, suffix } = parts;
        if handle.is_empty() {
            return Ok(suffix);
        }
        let prefix = match (self.tag_directives.get(handle), handle) {
            (Some(prefix), _) => prefix,
            (None, "!") => "!",
            (None, "!!") => "tag:yaml.org,2002:",
            (None, _) => {
                return Err(Fault::within("while parsing a node", start, "found undefined tag handle", mark));
            }
        };
        Ok(Cow::Owned(format!("{prefix}{suffix}")))
    }

    fn with_stem_comment(&mut self, mut event: Event<'t>) -> Event<'t> {
        if let Some(head) = self.stem_comment.take() {
            event.comments = Some(Box::new(Attached { head, ..Attached::default() }));
        }
        event
    }

    /// When a collection follows as the item of a list, the comment before the item is the collection's and not that of its
    /// first entry. `bytes` is how long the comment was before the item.
    pub(super) fn split_stem_comment(&mut self, bytes: usize) -> Result<(), Box<Fault>> {
        if bytes == 0 || !matches!(self.peek()?, Kind::BlockSequenceStart | Kind::BlockMappingStart) {
            return Ok(());
        }
        let rest = self.pending.head.split_off(bytes);
        let stem = std::mem::replace(&mut self.pending.head, rest.get(1..).unwrap_or_default().to_owned());
        self.stem_comment = Some(stem);
        Ok(())
    }
}
