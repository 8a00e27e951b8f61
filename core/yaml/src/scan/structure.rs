//! Tokens without text: indentation, flow collections, entries, keys, values, the ends of documents.

use super::scanner::Scanner;
use super::token::{Kind, Token};
use super::{Dialect, Fault, Mark};

impl Scanner<'_> {
    /// Moves to the next token, over blanks, comments and line breaks.
    pub(super) fn skip_to_next_token(&mut self, scan_mark: Mark) -> Result<(), Box<Fault>> {
        self.cursor.skip_spaces();
        let is_there = self.cursor.byte().is_ascii_graphic() && self.cursor.byte() != b'#';
        if is_there && !self.dialect.keeps_comments() {
            return Ok(());
        }
        loop {
            if self.dialect == (Dialect::V2 { byte_order_marks: true })
                && self.cursor.byte() == 0xEF
                && self.cursor.column() == 0
            {
                self.skip_byte_order_mark();
            }
            self.skip_blanks();
            if self.dialect.keeps_comments() {
                self.turn_line_comment_into_head();
            }
            if self.cursor.byte() == b'#' {
                match self.dialect {
                    Dialect::V2 { .. } => self.skip_comment(),
                    Dialect::V3 { comments: true } => self.scan_comments(scan_mark),
                    Dialect::V3 { comments: false } => self.skip_comments(),
                }
            }
            if self.cursor.skip_break().is_empty() {
                return Ok(());
            }
            if !self.is_in_flow() {
                self.simple_key_allowed = true;
            }
        }
    }

    fn skip_byte_order_mark(&mut self) {
        if (self.cursor.at(1), self.cursor.at(2)) == (0xBB, 0xBF) {
            self.cursor.advance_character();
            self.cursor.ink();
        }
    }

    /// Tabs do not indent a block.
    fn skip_blanks(&mut self) {
        self.cursor.skip_spaces();
        if self.cursor.byte() == b'\t' && (self.is_in_flow() || !self.simple_key_allowed) {
            self.cursor.skip_blanks();
        }
    }

    /// Begins a block collection where the column is deeper than the one around.
    #[inline]
    pub(super) fn roll_indent(&mut self, mark: Mark, number: Option<usize>, kind: Kind) {
        if self.indent < i64::from(mark.column) && !self.is_in_flow() {
            self.begin_block_at(mark, number, kind);
        }
    }

    fn begin_block_at(&mut self, mark: Mark, number: Option<usize>, kind: Kind) {
        self.indents.push(self.indent);
        self.indent = i64::from(mark.column);
        let token = Token::new(kind, mark, mark);
        match number {
            Some(number) => self.insert(number, token),
            None => self.push(token),
        }
    }

    /// Ends the block collections that are deeper than a column.
    pub(super) fn unroll_indent(&mut self, column: i64, scan_mark: Mark) {
        if self.is_in_flow() || self.indent <= column {
            return;
        }
        let mut mark = self.cursor.mark();
        if self.dialect.is_v3() {
            mark = Mark { offset: scan_mark.offset.saturating_sub(1), ..scan_mark };
        }
        while self.indent > column {
            if self.dialect.keeps_comments() {
                mark = self.mark_before_foot_comments(mark);
            }
            self.push(Token::new(Kind::BlockEnd, mark, mark));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Leaves everything that is open in a document.
    fn leave_document(&mut self) -> Result<(), Box<Fault>> {
        let mark = self.cursor.mark();
        self.unroll_indent(-1, mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    pub(super) fn fetch_stream_end(&mut self) -> Result<(), Box<Fault>> {
        self.cursor.end_last_line();
        self.leave_document()?;
        let mark = self.cursor.mark();
        self.push(Token::new(Kind::StreamEnd, mark, mark));
        Ok(())
    }

    pub(super) fn fetch_directive(&mut self) -> Result<(), Box<Fault>> {
        self.leave_document()?;
        let token = self.scan_directive()?;
        self.push(token);
        Ok(())
    }

    pub(super) fn fetch_document_indicator(&mut self, indicator: u8) -> Result<(), Box<Fault>> {
        self.leave_document()?;
        self.push_indicator(if indicator == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd }, 3);
        Ok(())
    }

    pub(super) fn fetch_flow_start(&mut self, kind: Kind) -> Result<(), Box<Fault>> {
        self.save_simple_key()?;
        self.open_flow();
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    pub(super) fn fetch_flow_end(&mut self, kind: Kind) -> Result<(), Box<Fault>> {
        self.remove_simple_key()?;
        self.close_flow();
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    pub(super) fn fetch_flow_entry(&mut self) -> Result<(), Box<Fault>> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::FlowEntry, 1);
        Ok(())
    }

    pub(super) fn fetch_block_entry(&mut self) -> Result<(), Box<Fault>> {
        self.begin_block(Kind::BlockSequenceStart, "block sequence entries are not allowed in this context")?;
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(Kind::BlockEntry, 1);
        Ok(())
    }

    pub(super) fn fetch_key(&mut self) -> Result<(), Box<Fault>> {
        self.begin_block(Kind::BlockMappingStart, "mapping keys are not allowed in this context")?;
        self.remove_simple_key()?;
        self.simple_key_allowed = !self.is_in_flow();
        self.push_indicator(Kind::Key, 1);
        Ok(())
    }

    pub(super) fn fetch_value(&mut self) -> Result<(), Box<Fault>> {
        if self.simple_key_is_valid(self.simple_keys.len() - 1)? {
            let key = *self.innermost_key();
            self.insert(key.token_number, Token::new(Kind::Key, key.mark, key.mark));
            self.roll_indent(key.mark, Some(key.token_number), Kind::BlockMappingStart);
            self.innermost_key().possible = false;
            self.stop_waiting(key.token_number);
            self.simple_key_allowed = false;
        } else {
            self.begin_block(Kind::BlockMappingStart, "mapping values are not allowed in this context")?;
            self.simple_key_allowed = !self.is_in_flow();
        }
        self.push_indicator(Kind::Value, 1);
        Ok(())
    }

    /// Begins a block collection at an indicator, unless the indicator stands in a flow collection.
    fn begin_block(&mut self, kind: Kind, problem: &'static str) -> Result<(), Box<Fault>> {
        if self.is_in_flow() {
            return Ok(());
        }
        let mark = self.cursor.mark();
        if !self.simple_key_allowed {
            return Err(Fault::new(problem, mark));
        }
        self.roll_indent(mark, None, kind);
        Ok(())
    }

    #[inline]
    pub(super) fn push_indicator(&mut self, kind: Kind, bytes: usize) {
        let start = self.cursor.mark();
        self.cursor.advance(bytes);
        self.cursor.ink();
        self.push(Token::new(kind, start, self.cursor.mark()));
    }
}
