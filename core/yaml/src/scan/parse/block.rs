//! Lists and mappings in block style.

use super::{Event, EventData, Fault, Kind, Parser, State};

impl<'t> Parser<'t> {
    pub(super) fn block_sequence_entry(&mut self, first: bool) -> Result<Event<'t>, Box<Fault>> {
        if first {
            self.enter()?;
        }
        match self.peek()? {
            Kind::BlockEntry => {
                let end = self.end();
                let next = self.skip_entry()?;
                if matches!(next, Kind::BlockEntry | Kind::BlockEnd) {
                    return Ok(self.empty_scalar(State::BlockSequenceEntry, end));
                }
                self.states.push(State::BlockSequenceEntry);
                self.node(next, true, false)
            }
            Kind::BlockEnd => {
                let event = self.event(EventData::SequenceEnd);
                self.return_to_state();
                self.leave();
                self.skip();
                Ok(event)
            }
            _ => {
                let (context, begin) = ("while parsing a block collection", self.leave());
                Err(Fault::within(context, begin, "did not find expected '-' indicator", self.start()))
            }
        }
    }

    pub(super) fn indentless_sequence_entry(&mut self) -> Result<Event<'t>, Box<Fault>> {
        if self.peek()? != Kind::BlockEntry {
            self.return_to_state();
            return Ok(Event::new(self.start(), self.start(), EventData::SequenceEnd));
        }
        let end = self.end();
        let next = self.skip_entry()?;
        if matches!(next, Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd) {
            return Ok(self.empty_scalar(State::IndentlessSequenceEntry, end));
        }
        self.states.push(State::IndentlessSequenceEntry);
        self.node(next, true, false)
    }

    /// Takes the dash and answers what follows.
    fn skip_entry(&mut self) -> Result<Kind, Box<Fault>> {
        let comment_bytes = self.pending.head.len();
        self.skip();
        self.split_stem_comment(comment_bytes)?;
        self.peek()
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Result<Event<'t>, Box<Fault>> {
        if first {
            self.enter()?;
        }
        match self.peek()? {
            Kind::Key => {
                let end = self.end();
                let next = self.skip_and_peek()?;
                if matches!(next, Kind::Key | Kind::Value | Kind::BlockEnd) {
                    return Ok(self.empty_scalar(State::BlockMappingValue, end));
                }
                self.states.push(State::BlockMappingValue);
                self.node(next, true, true)
            }
            Kind::BlockEnd => {
                self.return_to_state();
                self.leave();
                let event = self.event(EventData::MappingEnd);
                let event = self.with_comments(event);
                self.skip();
                Ok(event)
            }
            _ => {
                let (context, begin) = ("while parsing a block mapping", self.leave());
                Err(Fault::within(context, begin, "did not find expected key", self.start()))
            }
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Result<Event<'t>, Box<Fault>> {
        if self.peek()? != Kind::Value {
            return Ok(self.empty_scalar(State::BlockMappingKey, self.start()));
        }
        let end = self.end();
        let next = self.skip_and_peek()?;
        if matches!(next, Kind::Key | Kind::Value | Kind::BlockEnd) {
            return Ok(self.empty_scalar(State::BlockMappingKey, end));
        }
        self.states.push(State::BlockMappingKey);
        self.node(next, true, true)
    }
}
