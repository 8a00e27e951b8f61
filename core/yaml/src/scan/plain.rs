//! Scalars without quotes.

use std::borrow::Cow;

use super::cursor::{Cursor, class};
use super::scanner::Scanner;
use super::token::{Data, Kind, ScalarStyle, Token};
use super::{Fault, Mark};

impl<'t> Scanner<'t> {
    pub(super) fn scan_plain_scalar(&mut self) -> Result<Token<'t>, Box<Fault>> {
        let in_flow = self.is_in_flow();
        let indent = self.indent + 1;
        let stops = class::BLANK | class::BREAK | class::COLON | if in_flow { class::FLOW } else { 0 };
        let start = self.cursor.mark();
        if let Some(end) = self.cursor.take_plain_line((!in_flow).then_some(indent as u32)) {
            self.simple_key_allowed = self.cursor.line() > start.line;
            let text = Cow::Borrowed(self.cursor.slice(start.offset as usize, end.offset as usize));
            return Ok(Token::with(Kind::Scalar, start, end, Data::Scalar(text, ScalarStyle::Plain)));
        }
        let mut end = start;
        let mut line_start = self.cursor.offset();
        let mut lines_before = String::new();
        let mut at_new_line = false;
        while self.cursor.byte() != b'#' && self.cursor.document_indicator().is_none() {
            let (word_end, continuations) = self.cursor.find(stops);
            if word_end > self.cursor.offset() {
                if at_new_line {
                    lines_before.push_str(self.cursor.slice(line_start, end.offset as usize));
                    line_start = self.cursor.offset();
                    push_folded(&mut lines_before, self.cursor.slice(end.offset as usize, line_start));
                    at_new_line = false;
                }
                self.cursor.advance_to(word_end, continuations);
                self.cursor.ink();
                end = self.cursor.mark();
            }
            if !self.skip_plain_space(indent, &mut at_new_line, start)? {
                break;
            }
            if !in_flow && i64::from(self.cursor.column()) < indent {
                break;
            }
        }
        if at_new_line {
            self.simple_key_allowed = true;
        }
        let last_line = self.cursor.slice(line_start, end.offset as usize);
        let text =
            if lines_before.is_empty() { Cow::Borrowed(last_line) } else { Cow::Owned(lines_before + last_line) };
        Ok(Token::with(Kind::Scalar, start, end, Data::Scalar(text, ScalarStyle::Plain)))
    }

    /// Moves over blanks and line breaks; answers whether there were any.
    fn skip_plain_space(&mut self, indent: i64, at_new_line: &mut bool, start: Mark) -> Result<bool, Box<Fault>> {
        let before = self.cursor.offset();
        loop {
            self.cursor.skip_spaces();
            if self.cursor.byte() == b'\t' {
                let mark = self.cursor.mark();
                if *at_new_line && i64::from(mark.column) < indent {
                    let problem = "found a tab character that violates indentation";
                    return Err(Fault::within("while scanning a plain scalar", start, problem, mark));
                }
                self.cursor.advance(1);
            } else if self.cursor.skip_break().is_empty() {
                return Ok(self.cursor.offset() > before);
            } else {
                *at_new_line = true;
            }
        }
    }
}

/// What blanks and line breaks between two words of a scalar become: one line break a space, more of them one less.
pub(super) fn push_folded(text: &mut String, space: &str) {
    let mut breaks = breaks_of(space);
    let first = breaks.next().unwrap_or_default();
    let before = text.len();
    text.extend(breaks);
    if first != "\n" {
        text.insert_str(before, first);
    } else if text.len() == before {
        text.push(' ');
    }
}

/// The line breaks among blanks.
pub(super) fn breaks_of(space: &str) -> impl Iterator<Item = &'static str> {
    let mut cursor = Cursor::new(space);
    std::iter::from_fn(move || {
        cursor.skip_blanks();
        Some(cursor.skip_break()).filter(|text| !text.is_empty())
    })
}
