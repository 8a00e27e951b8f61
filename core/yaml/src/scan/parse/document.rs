//! The stream and its documents.

use super::{Data, Event, EventData, Fault, Kind, Mark, Parser, State, TagParts};
use crate::scan::Attached;

impl<'t> Parser<'t> {
    pub(super) fn stream_start(&mut self) -> Result<Event<'t>, Box<Fault>> {
        self.peek()?;
        let event = self.event(EventData::StreamStart);
        self.state = State::ImplicitDocumentStart;
        self.skip();
        Ok(event)
    }

    /// `implicit`: whether `---` may be missing, as it may before the first document.
    pub(super) fn document_start(&mut self, implicit: bool) -> Result<Event<'t>, Box<Fault>> {
        let mut kind = self.peek()?;
        while !implicit && kind == Kind::DocumentEnd {
            kind = self.skip_and_peek()?;
        }
        match kind {
            Kind::StreamEnd => {
                self.state = State::End;
                Ok(self.event(EventData::StreamEnd))
            }
            Kind::VersionDirective | Kind::TagDirective | Kind::DocumentStart => self.explicit_document(),
            _ if implicit => self.implicit_document(),
            _ => self.explicit_document(),
        }
    }

    fn implicit_document(&mut self) -> Result<Event<'t>, Box<Fault>> {
        self.process_directives()?;
        self.peek()?;
        self.states.push(State::DocumentEnd);
        self.state = State::BlockNode;
        let mut event = self.event(EventData::DocumentStart { implicit: true });
        if let Some(head) = split_document_comment(&mut self.pending.head) {
            event.comments = Some(Box::new(Attached { head, ..Attached::default() }));
        }
        Ok(event)
    }

    fn explicit_document(&mut self) -> Result<Event<'t>, Box<Fault>> {
        self.peek()?;
        let start = self.start();
        self.process_directives()?;
        if self.peek()? != Kind::DocumentStart {
            return Err(Fault::new("did not find expected <document start>", self.start()));
        }
        let event = Event::new(start, self.end(), EventData::DocumentStart { implicit: false });
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.skip();
        Ok(event)
    }

    pub(super) fn document_content(&mut self) -> Result<Event<'t>, Box<Fault>> {
        match self.peek()? {
            Kind::VersionDirective | Kind::TagDirective | Kind::DocumentStart | Kind::DocumentEnd | Kind::StreamEnd => {
                let next = self.states.pop().unwrap_or(State::End);
                Ok(self.empty_scalar(next, self.start()))
            }
            kind => self.node(kind, true, false),
        }
    }

    pub(super) fn document_end(&mut self) -> Result<Event<'t>, Box<Fault>> {
        let kind = self.peek()?;
        let start = self.start();
        let mut end = start;
        if kind == Kind::DocumentEnd {
            end = self.end();
            self.skip();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        let mut event = self.with_comments(Event::new(start, end, EventData::DocumentEnd));
        if let Some(comments) = event.comments.as_mut().filter(|comments| comments.foot.is_empty()) {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(event)
    }

    fn process_directives(&mut self) -> Result<(), Box<Fault>> {
        let mut kind = self.peek()?;
        let mut has_version = false;
        while matches!(kind, Kind::VersionDirective | Kind::TagDirective) {
            let start = self.start();
            match self.scanner.take() {
                Data::Version { .. } if has_version => {
                    return Err(Fault::new("found duplicate %YAML directive", start));
                }
                Data::Version { major: 1, minor: 1 } => has_version = true,
                Data::Version { .. } => return Err(Fault::new("found incompatible YAML document", start)),
                Data::Tag(parts) => self.add_tag_directive(*parts, start)?,
                Data::None | Data::Scalar(..) | Data::Name(_) => {}
            }
            kind = self.peek()?;
        }
        Ok(())
    }

    fn add_tag_directive(&mut self, directive: TagParts<'t>, mark: Mark) -> Result<(), Box<Fault>> {
        match self.tag_directives.insert(directive.handle, directive.suffix) {
            Some(_) => Err(Fault::new("found duplicate %TAG directive", mark)),
            None => Ok(()),
        }
    }
}

/// Takes what is before the last empty line off the head comment of the first node: it belongs to the document.
fn split_document_comment(comment: &mut String) -> Option<String> {
    let bytes = comment.as_bytes();
    let is_split = |at: &usize| bytes[*at] == b'\n' && (*at + 1 == bytes.len() || bytes[*at - 1] == b'\n');
    let at = (1..bytes.len()).rev().find(is_split)?;
    let rest = comment.split_off(at + 1);
    comment.truncate(if rest.is_empty() { at } else { at - 1 });
    Some(std::mem::replace(comment, rest))
}
