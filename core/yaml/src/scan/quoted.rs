//! Scalars in quotes.

use std::borrow::Cow;

use super::cursor::class;
use super::plain::{breaks_of, push_folded};
use super::scanner::Scanner;
use super::token::{Data, Kind, ScalarStyle, Token};
use super::{Fault, Mark};

impl<'t> Scanner<'t> {
    pub(super) fn scan_quoted_scalar(&mut self, single: bool) -> Result<Token<'t>, Box<Fault>> {
        let start = self.cursor.mark();
        self.cursor.advance(1);
        self.cursor.ink();
        let text = match self.scan_simple_quoted(single) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.scan_quoted(single, start)?),
        };
        self.cursor.advance(1);
        self.cursor.ink();
        let style = if single { ScalarStyle::SingleQuoted } else { ScalarStyle::DoubleQuoted };
        Ok(Token::with(Kind::Scalar, start, self.cursor.mark(), Data::Scalar(text, style)))
    }

    /// Moves to the closing quote when it is on the same line with nothing to be replaced before it.
    fn scan_simple_quoted(&mut self, single: bool) -> Option<&'t str> {
        let stops = if single { class::SINGLE_QUOTE } else { class::DOUBLE_QUOTE } | class::BREAK;
        let start = self.cursor.offset();
        let (end, continuations) = self.cursor.find(stops);
        let is_closed = match self.cursor.at(end - start) {
            b'\'' => self.cursor.at(end - start + 1) != b'\'',
            byte => byte == b'"',
        };
        is_closed.then(|| {
            self.cursor.advance_to(end, continuations);
            self.cursor.slice(start, end)
        })
    }

    /// Moves to the closing quote.
    fn scan_quoted(&mut self, single: bool, start: Mark) -> Result<String, Box<Fault>> {
        const CONTEXT: &str = "while scanning a quoted scalar";
        let quote = if single { b'\'' } else { b'"' };
        let mut text = String::new();
        loop {
            let mark = self.cursor.mark();
            if self.cursor.document_indicator().is_some() {
                return Err(Fault::within(CONTEXT, start, "found unexpected document indicator", mark));
            }
            if self.cursor.is_end() {
                return Err(Fault::within(CONTEXT, start, "found unexpected end of stream", mark));
            }
            let break_is_escaped = self.scan_quoted_line(single, start, &mut text)?;
            if self.cursor.byte() == quote {
                return Ok(text);
            }
            let space = self.skip_quoted_space();
            if break_is_escaped {
                text.extend(breaks_of(space));
            } else {
                push_folded(&mut text, space);
            }
        }
    }

    /// Moves to the end of the line, whose last blanks do not count, or to the closing quote; answers whether the line ended
    /// with an escaped line break.
    fn scan_quoted_line(&mut self, single: bool, start: Mark, text: &mut String) -> Result<bool, Box<Fault>> {
        let stops = if single { class::SINGLE_QUOTE } else { class::DOUBLE_QUOTE } | class::BREAK;
        loop {
            let (end, continuations) = self.cursor.find(stops);
            let run = self.cursor.slice(self.cursor.offset(), end);
            self.cursor.advance_to(end, continuations);
            self.cursor.ink();
            let ends_line = !matches!(self.cursor.byte(), b'\'' | b'"' | b'\\');
            text.push_str(if ends_line { run.trim_end_matches([' ', '\t']) } else { run });
            match self.cursor.byte() {
                b'\'' if self.cursor.at(1) == b'\'' => {
                    text.push('\'');
                    self.cursor.advance(2);
                }
                b'\\' if self.cursor.is_break(1) => {
                    self.cursor.advance(1);
                    self.cursor.skip_break();
                    return Ok(true);
                }
                b'\\' => text.push(self.scan_escape(start)?),
                _ => return Ok(false),
            }
        }
    }

    fn skip_quoted_space(&mut self) -> &'t str {
        let start = self.cursor.offset();
        loop {
            self.cursor.skip_blanks();
            if self.cursor.skip_break().is_empty() {
                return self.cursor.slice(start, self.cursor.offset());
            }
        }
    }

    fn scan_escape(&mut self, start: Mark) -> Result<char, Box<Fault>> {
        let (character, digits) = match self.cursor.at(1) {
            b'0' => ('\0', 0),
            b'a' => ('\x07', 0),
            b'b' => ('\x08', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\x0B', 0),
            b'f' => ('\x0C', 0),
            b'r' => ('\r', 0),
            b'e' => ('\x1B', 0),
            byte @ (b' ' | b'"' | b'\'' | b'\\') => (char::from(byte), 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{A0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => ('\0', 2),
            b'u' => ('\0', 4),
            b'U' => ('\0', 8),
            _ => return Err(self.wrong_escape(start, "found unknown escape character")),
        };
        self.cursor.advance(2);
        if digits == 0 { Ok(character) } else { self.scan_escape_code(start, digits) }
    }

    fn scan_escape_code(&mut self, start: Mark, digits: usize) -> Result<char, Box<Fault>> {
        let mut code = 0;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.at(ahead)).to_digit(16) else {
                return Err(self.wrong_escape(start, "did not find expected hexdecimal number"));
            };
            code = code << 4 | digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.wrong_escape(start, "found invalid Unicode character escape code"));
        };
        self.cursor.advance(digits);
        Ok(character)
    }

    fn wrong_escape(&self, start: Mark, problem: &'static str) -> Box<Fault> {
        Fault::within("while parsing a quoted scalar", start, problem, self.cursor.mark())
    }
}
