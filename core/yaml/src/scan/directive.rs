//! `%YAML` and `%TAG`.

use super::scanner::Scanner;
use super::token::{Data, Kind, TagParts, Token};
use super::{Fault, Mark};

const CONTEXT: &str = "while scanning a directive";
const YAML_CONTEXT: &str = "while scanning a %YAML directive";
const TAG_CONTEXT: &str = "while scanning a %TAG directive";

impl<'t> Scanner<'t> {
    pub(super) fn scan_directive(&mut self) -> Result<Token<'t>, Box<Fault>> {
        let start = self.cursor.mark();
        self.cursor.advance(1);
        let name = self.take_word();
        if name.is_empty() {
            return Err(self.wrong(CONTEXT, start, "could not find expected directive name"));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.wrong(CONTEXT, start, "found unexpected non-alphabetical character"));
        }
        let (kind, data) = match name {
            "YAML" => (Kind::VersionDirective, self.scan_version(start)?),
            "TAG" => (Kind::TagDirective, self.scan_tag_prefix(start)?),
            _ => return Err(self.wrong(CONTEXT, start, "found unknown directive name")),
        };
        let end = self.cursor.mark();
        self.cursor.ink();
        self.cursor.skip_blanks();
        if self.cursor.byte() == b'#' {
            self.skip_comment();
        }
        if !self.cursor.is_break_or_end(0) {
            return Err(self.wrong(CONTEXT, start, "did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok(Token::with(kind, start, end, data))
    }

    fn scan_version(&mut self, start: Mark) -> Result<Data<'t>, Box<Fault>> {
        self.cursor.skip_blanks();
        let major = self.scan_version_number(start)?;
        if self.cursor.byte() != b'.' {
            return Err(self.wrong(YAML_CONTEXT, start, "did not find expected digit or '.' character"));
        }
        self.cursor.advance(1);
        let minor = self.scan_version_number(start)?;
        Ok(Data::Version { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, Box<Fault>> {
        let (mut number, mut digits) = (0, 0);
        while let digit @ b'0'..=b'9' = self.cursor.byte() {
            digits += 1;
            if digits > 2 {
                return Err(self.wrong(YAML_CONTEXT, start, "found extremely long version number"));
            }
            number = number * 10 + (digit - b'0');
            self.cursor.advance(1);
        }
        if digits == 0 {
            return Err(self.wrong(YAML_CONTEXT, start, "did not find expected version number"));
        }
        Ok(number)
    }

    fn scan_tag_prefix(&mut self, start: Mark) -> Result<Data<'t>, Box<Fault>> {
        const TAG_PARTS_CONTEXT: &str = "while parsing a %TAG directive";
        self.cursor.skip_blanks();
        let handle = self.scan_tag_handle(TAG_PARTS_CONTEXT, start, true)?;
        if !self.cursor.is_blank(0) {
            return Err(self.wrong(TAG_CONTEXT, start, "did not find expected whitespace"));
        }
        self.cursor.skip_blanks();
        let from = self.cursor.offset();
        let suffix = self.scan_tag_uri(TAG_PARTS_CONTEXT, start, from)?;
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.wrong(TAG_CONTEXT, start, "did not find expected whitespace or line break"));
        }
        Ok(Data::Tag(Box::new(TagParts { handle, suffix })))
    }

    fn wrong(&self, context: &'static str, start: Mark, problem: &'static str) -> Box<Fault> {
        Fault::within(context, start, problem, self.cursor.mark())
    }
}
