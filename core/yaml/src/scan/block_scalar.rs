//! Literal and folded scalars.

use std::borrow::Cow;

use super::scanner::Scanner;
use super::token::{Data, Kind, ScalarStyle, Token};
use super::{Fault, Mark};

const CONTEXT: &str = "while scanning a block scalar";

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// The indentation of a block scalar, in characters; 0 while it is not known.
struct Indentation {
    columns: i64,
    start: Mark,
    end: Mark,
}

impl<'t> Scanner<'t> {
    pub(super) fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), Box<Fault>> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(literal)?;
        self.push(token);
        Ok(())
    }

    fn scan_block_scalar(&mut self, literal: bool) -> Result<Token<'t>, Box<Fault>> {
        let start = self.cursor.mark();
        self.cursor.advance(1);
        self.cursor.ink();
        let (chomping, increment) = self.scan_block_header(start)?;
        self.end_block_header(start)?;
        let columns = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut indentation = Indentation { columns, start, end: start };
        let text = self.scan_block_text(literal, chomping, &mut indentation)?;
        let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
        Ok(Token::with(Kind::Scalar, start, indentation.end, Data::Scalar(Cow::Owned(text), style)))
    }

    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomping, i64), Box<Fault>> {
        if let Some(chomping) = self.scan_chomping() {
            return Ok((chomping, self.scan_increment(start)?));
        }
        let increment = self.scan_increment(start)?;
        let chomping = if increment > 0 { self.scan_chomping() } else { None };
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.cursor.byte() {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.cursor.advance(1);
        Some(chomping)
    }

    /// The digit that says how deep the text is indented, 0 without one.
    fn scan_increment(&mut self, start: Mark) -> Result<i64, Box<Fault>> {
        match self.cursor.byte() {
            b'0' => {
                let problem = "found an indentation indicator equal to 0";
                Err(Fault::within(CONTEXT, start, problem, self.cursor.mark()))
            }
            digit @ b'1'..=b'9' => {
                self.cursor.advance(1);
                Ok(i64::from(digit - b'0'))
            }
            _ => Ok(0),
        }
    }

    fn end_block_header(&mut self, start: Mark) -> Result<(), Box<Fault>> {
        self.cursor.skip_blanks();
        if self.cursor.byte() == b'#' {
            if self.dialect.is_v3() {
                self.scan_line_comment(start);
            }
            self.skip_comment();
        }
        if !self.cursor.is_break_or_end(0) {
            let problem = "did not find expected comment or line break";
            return Err(Fault::within(CONTEXT, start, problem, self.cursor.mark()));
        }
        self.cursor.skip_break();
        Ok(())
    }

    fn scan_block_text(
        &mut self,
        literal: bool,
        chomping: Chomping,
        indentation: &mut Indentation,
    ) -> Result<String, Box<Fault>> {
        let mut text = String::new();
        let mut line_break = "";
        let mut empty_lines = String::new();
        let mut was_blank = false;
        self.scan_empty_lines(indentation, &mut empty_lines)?;
        while i64::from(self.cursor.column()) == indentation.columns && !self.cursor.is_end() {
            let is_blank = self.cursor.is_blank(0);
            if literal || was_blank || is_blank || line_break != "\n" {
                text.push_str(line_break);
            } else if empty_lines.is_empty() {
                text.push(' ');
            }
            text.push_str(&empty_lines);
            empty_lines.clear();
            was_blank = is_blank;
            let line = self.cursor.take_line();
            if line.bytes().any(|byte| !matches!(byte, b' ' | b'\t')) {
                self.cursor.ink();
            }
            text.push_str(line);
            line_break = self.cursor.skip_break();
            self.scan_empty_lines(indentation, &mut empty_lines)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(line_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&empty_lines);
        }
        Ok(text)
    }

    /// Moves over indentation and empty lines; the deepest of them says how deep the text is where nothing else does.
    fn scan_empty_lines(&mut self, indentation: &mut Indentation, breaks: &mut String) -> Result<(), Box<Fault>> {
        indentation.end = self.cursor.mark();
        let mut deepest = 0;
        loop {
            while self.is_within_indentation(indentation) && self.cursor.byte() == b' ' {
                self.cursor.advance(1);
            }
            deepest = deepest.max(i64::from(self.cursor.column()));
            if self.is_within_indentation(indentation) && self.cursor.byte() == b'\t' {
                let problem = "found a tab character where an indentation space is expected";
                return Err(Fault::within(CONTEXT, indentation.start, problem, self.cursor.mark()));
            }
            let line_break = self.cursor.skip_break();
            if line_break.is_empty() {
                break;
            }
            breaks.push_str(line_break);
            indentation.end = self.cursor.mark();
        }
        if indentation.columns == 0 {
            indentation.columns = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    fn is_within_indentation(&self, indentation: &Indentation) -> bool {
        indentation.columns == 0 || i64::from(self.cursor.column()) < indentation.columns
    }
}
