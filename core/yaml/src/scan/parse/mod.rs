//! Tokens become events: a machine with a state and a stack of states to return to.

mod block;
mod document;
mod flow;
mod node;

use std::borrow::Cow;
use std::collections::HashMap;

use super::comments::Place;
use super::scanner::Scanner;
use super::token::{Data, Kind, TagParts};
use super::{Attached, Dialect, Event, EventData, Fault, Mark, Properties, ScalarStyle};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// The events of a text.
pub(crate) struct Parser<'t> {
    scanner: Scanner<'t>,
    state: State,
    /// Where to go on when a node is done.
    states: Vec<State>,
    /// Where the open collections begin.
    marks: Vec<Mark>,
    /// The prefixes of tags by their handles.
    tag_directives: HashMap<&'t str, Cow<'t, str>>,
    keeps_comments: bool,
    /// Comments that the next event takes.
    pending: Attached,
    /// The head comment of the collection that is the item of a list.
    stem_comment: Option<String>,
}

impl<'t> Parser<'t> {
    /// `text` holds no NUL and fewer than 2³² bytes.
    pub(crate) fn new(text: &'t str, dialect: Dialect) -> Self {
        Self {
            scanner: Scanner::new(text, dialect),
            state: State::StreamStart,
            states: Vec::with_capacity(16),
            marks: Vec::with_capacity(16),
            tag_directives: HashMap::new(),
            keeps_comments: dialect.keeps_comments(),
            pending: Attached::default(),
            stem_comment: None,
        }
    }

    /// The next event; [`EventData::StreamEnd`] again and again at the end.
    pub(crate) fn next_event(&mut self) -> Result<Event<'t>, Box<Fault>> {
        match self.state {
            State::StreamStart => self.stream_start(),
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => {
                let kind = self.peek()?;
                self.node(kind, true, false)
            }
            State::BlockSequenceFirstEntry => self.block_sequence_entry(true),
            State::BlockSequenceEntry => self.block_sequence_entry(false),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => self.flow_sequence_entry_mapping_end(),
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => {
                self.peek()?;
                Ok(self.event(EventData::StreamEnd))
            }
        }
    }

    /// What the next token is.
    #[inline(always)]
    fn peek(&mut self) -> Result<Kind, Box<Fault>> {
        let kind = self.scanner.peek()?;
        if self.keeps_comments {
            self.take_comments_before(kind);
        }
        Ok(kind)
    }

    /// Where the token begins that was peeked at.
    #[inline]
    fn start(&self) -> Mark {
        self.scanner.start()
    }

    /// Where the token ends that was peeked at.
    #[inline]
    fn end(&self) -> Mark {
        self.scanner.end()
    }

    /// An event that is where the token is that was peeked at.
    fn event(&self, data: EventData<'t>) -> Event<'t> {
        Event::new(self.start(), self.end(), data)
    }

    #[inline]
    fn skip(&mut self) {
        self.scanner.take();
    }

    /// Takes the token that was peeked at and answers the next one.
    #[inline]
    fn skip_and_peek(&mut self) -> Result<Kind, Box<Fault>> {
        self.skip();
        self.peek()
    }

    /// Collects the comments that belong to a token or stand before it. No head comment belongs to an end.
    fn take_comments_before(&mut self, kind: Kind) {
        let start = self.start();
        while let Some(comment) = self.scanner.comments.front() {
            let is_behind = comment.token.offset > start.offset;
            if is_behind || comment.place == Place::Head && kind == Kind::BlockEnd {
                return;
            }
            let Some(comment) = self.scanner.comments.pop_front() else { return };
            let pending = match comment.place {
                Place::Head => &mut self.pending.head,
                Place::Line => &mut self.pending.line,
                Place::Foot => &mut self.pending.foot,
            };
            if !pending.is_empty() {
                pending.push('\n');
            }
            pending.push_str(&comment.text);
        }
    }

    /// Gives an event the comments collected so far.
    #[inline(always)]
    fn with_comments(&mut self, mut event: Event<'t>) -> Event<'t> {
        if self.keeps_comments {
            event.comments = self.take_comments();
        }
        event
    }

    #[cold]
    fn take_comments(&mut self) -> Option<Box<Attached>> {
        self.stem_comment = None;
        let pending = std::mem::take(&mut self.pending);
        (pending != Attached::default()).then(|| Box::new(pending))
    }

    /// Goes on where the node that is done was begun.
    #[inline]
    fn return_to_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// Notes where a collection begins, and takes its first token.
    fn enter(&mut self) -> Result<(), Box<Fault>> {
        self.peek()?;
        self.marks.push(self.start());
        self.skip();
        Ok(())
    }

    fn leave(&mut self) -> Mark {
        self.marks.pop().unwrap_or_default()
    }

    /// A node that is not there.
    fn empty_scalar(&mut self, next: State, mark: Mark) -> Event<'t> {
        self.state = next;
        let (properties, value) = (Properties::default(), Cow::Borrowed(""));
        let data = EventData::Scalar { properties, value, style: ScalarStyle::Plain, plain_implicit: true };
        Event::new(mark, mark, data)
    }
}
