//! Lists and mappings in brackets and braces.

use super::{Event, EventData, Fault, Kind, Parser, Properties, State};

impl<'t> Parser<'t> {
    pub(super) fn flow_sequence_entry(&mut self, first: bool) -> Result<Event<'t>, Box<Fault>> {
        if first {
            self.enter()?;
        }
        let mut kind = self.peek()?;
        if !first && kind != Kind::FlowSequenceEnd {
            if kind != Kind::FlowEntry {
                let (context, begin) = ("while parsing a flow sequence", self.leave());
                return Err(Fault::within(context, begin, "did not find expected ',' or ']'", self.start()));
            }
            kind = self.skip_and_peek()?;
        }
        match kind {
            Kind::FlowSequenceEnd => Ok(self.end_flow(EventData::SequenceEnd)),
            Kind::Key => {
                self.state = State::FlowSequenceEntryMappingKey;
                let event = self.event(EventData::MappingStart { properties: Properties::default(), flow: true });
                self.skip();
                Ok(event)
            }
            _ => {
                self.states.push(State::FlowSequenceEntry);
                self.node(kind, false, false)
            }
        }
    }

    fn end_flow(&mut self, data: EventData<'t>) -> Event<'t> {
        self.return_to_state();
        self.leave();
        let event = self.event(data);
        let event = self.with_comments(event);
        self.skip();
        event
    }

    pub(super) fn flow_sequence_entry_mapping_key(&mut self) -> Result<Event<'t>, Box<Fault>> {
        let kind = self.peek()?;
        if matches!(kind, Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd) {
            let end = self.end();
            self.skip();
            return Ok(self.empty_scalar(State::FlowSequenceEntryMappingValue, end));
        }
        self.states.push(State::FlowSequenceEntryMappingValue);
        self.node(kind, false, false)
    }

    pub(super) fn flow_sequence_entry_mapping_value(&mut self) -> Result<Event<'t>, Box<Fault>> {
        let kind = self.peek()?;
        let start = self.start();
        if kind == Kind::Value {
            let next = self.skip_and_peek()?;
            if !matches!(next, Kind::FlowEntry | Kind::FlowSequenceEnd) {
                self.states.push(State::FlowSequenceEntryMappingEnd);
                return self.node(next, false, false);
            }
        }
        Ok(self.empty_scalar(State::FlowSequenceEntryMappingEnd, start))
    }

    pub(super) fn flow_sequence_entry_mapping_end(&mut self) -> Result<Event<'t>, Box<Fault>> {
        self.peek()?;
        self.state = State::FlowSequenceEntry;
        Ok(Event::new(self.start(), self.start(), EventData::MappingEnd))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Result<Event<'t>, Box<Fault>> {
        if first {
            self.enter()?;
        }
        let mut kind = self.peek()?;
        if !first && kind != Kind::FlowMappingEnd {
            if kind != Kind::FlowEntry {
                let (context, begin) = ("while parsing a flow mapping", self.leave());
                return Err(Fault::within(context, begin, "did not find expected ',' or '}'", self.start()));
            }
            kind = self.skip_and_peek()?;
        }
        match kind {
            Kind::FlowMappingEnd => Ok(self.end_flow(EventData::MappingEnd)),
            Kind::Key => {
                let next = self.skip_and_peek()?;
                if matches!(next, Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd) {
                    return Ok(self.empty_scalar(State::FlowMappingValue, self.start()));
                }
                self.states.push(State::FlowMappingValue);
                self.node(next, false, false)
            }
            _ => {
                self.states.push(State::FlowMappingEmptyValue);
                self.node(kind, false, false)
            }
        }
    }

    /// `empty`: whether the key came without a colon.
    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Result<Event<'t>, Box<Fault>> {
        let mut kind = self.peek()?;
        if !empty && kind == Kind::Value {
            kind = self.skip_and_peek()?;
            if !matches!(kind, Kind::FlowEntry | Kind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(kind, false, false);
            }
        }
        Ok(self.empty_scalar(State::FlowMappingKey, self.start()))
    }
}
