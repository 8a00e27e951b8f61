//! Anchors, aliases and tags.

use std::borrow::Cow;

use super::scanner::Scanner;
use super::token::{Data, Kind, TagParts, Token};
use super::{Fault, Mark};

impl<'t> Scanner<'t> {
    pub(super) fn fetch_anchor(&mut self, kind: Kind) -> Result<(), Box<Fault>> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.cursor.mark();
        self.cursor.advance(1);
        let name = self.take_word();
        let ends = self.cursor.is_blank_or_end(0)
            || matches!(self.cursor.byte(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            let context = if kind == Kind::Anchor { "while scanning an anchor" } else { "while scanning an alias" };
            let problem = "did not find expected alphabetic or numeric character";
            return Err(Fault::within(context, start, problem, self.cursor.mark()));
        }
        self.cursor.ink();
        self.push(Token::with(kind, start, self.cursor.mark(), Data::Name(name)));
        Ok(())
    }

    pub(super) fn fetch_tag(&mut self) -> Result<(), Box<Fault>> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.cursor.mark();
        let (handle, suffix) =
            if self.cursor.at(1) == b'<' { self.scan_verbatim_tag(start)? } else { self.scan_short_tag(start)? };
        if !self.cursor.is_blank_or_end(0) {
            let problem = "did not find expected whitespace or line break";
            return Err(Fault::within("while scanning a tag", start, problem, self.cursor.mark()));
        }
        self.cursor.ink();
        self.push(Token::with(Kind::Tag, start, self.cursor.mark(), Data::Tag(Box::new(TagParts { handle, suffix }))));
        Ok(())
    }

    /// `!<tag>`
    fn scan_verbatim_tag(&mut self, start: Mark) -> Result<(&'t str, Cow<'t, str>), Box<Fault>> {
        self.cursor.advance(2);
        let from = self.cursor.offset();
        let suffix = self.scan_tag_uri("while parsing a tag", start, from)?;
        if self.cursor.byte() != b'>' {
            let problem = "did not find the expected '>'";
            return Err(Fault::within("while scanning a tag", start, problem, self.cursor.mark()));
        }
        self.cursor.advance(1);
        Ok(("", suffix))
    }

    /// `!handle!suffix`, `!suffix` or `!`
    fn scan_short_tag(&mut self, start: Mark) -> Result<(&'t str, Cow<'t, str>), Box<Fault>> {
        const CONTEXT: &str = "while parsing a tag";
        let from = self.cursor.offset();
        let handle = self.scan_tag_handle(CONTEXT, start, false)?;
        if handle.len() > 1 && handle.ends_with('!') {
            let from = self.cursor.offset();
            return Ok((handle, self.scan_tag_uri(CONTEXT, start, from)?));
        }
        let suffix = self.scan_tag_rest(CONTEXT, start, from + 1)?;
        Ok(if suffix.is_empty() { ("", Cow::Borrowed("!")) } else { ("!", suffix) })
    }

    /// `!`, `!!` or `!handle!`, and where it need not be a handle also `!suffix`.
    pub(super) fn scan_tag_handle(
        &mut self,
        context: &'static str,
        start: Mark,
        must_be_handle: bool,
    ) -> Result<&'t str, Box<Fault>> {
        let no_mark = |mark| Fault::within(context, start, "did not find expected '!'", mark);
        let from = self.cursor.offset();
        if self.cursor.byte() != b'!' {
            return Err(no_mark(self.cursor.mark()));
        }
        self.cursor.advance(1);
        let word = self.take_word();
        if self.cursor.byte() == b'!' {
            self.cursor.advance(1);
        } else if must_be_handle && !word.is_empty() {
            return Err(no_mark(self.cursor.mark()));
        }
        Ok(self.cursor.slice(from, self.cursor.offset()))
    }

    /// The part of a tag that stands behind a handle; some must be there.
    pub(super) fn scan_tag_uri(
        &mut self,
        context: &'static str,
        start: Mark,
        from: usize,
    ) -> Result<Cow<'t, str>, Box<Fault>> {
        let suffix = self.scan_tag_rest(context, start, from)?;
        if suffix.is_empty() {
            return Err(Fault::within(context, start, "did not find expected tag URI", self.cursor.mark()));
        }
        Ok(suffix)
    }

    /// The characters of a tag from an offset that lies at the cursor or before it.
    fn scan_tag_rest(&mut self, context: &'static str, start: Mark, from: usize) -> Result<Cow<'t, str>, Box<Fault>> {
        let mut decoded: Option<Vec<u8>> = None;
        loop {
            match self.cursor.byte() {
                b'%' => {
                    let before = self.cursor.slice(from, self.cursor.offset());
                    let bytes = decoded.get_or_insert_with(|| before.as_bytes().to_vec());
                    self.scan_uri_escape(context, start, bytes)?;
                }
                byte if is_uri_byte(byte) => {
                    decoded.iter_mut().for_each(|bytes| bytes.push(byte));
                    self.cursor.advance(1);
                }
                _ => break,
            }
        }
        Ok(match decoded {
            Some(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            None => Cow::Borrowed(self.cursor.slice(from, self.cursor.offset())),
        })
    }

    /// The escaped bytes of one character.
    fn scan_uri_escape(&mut self, context: &'static str, start: Mark, bytes: &mut Vec<u8>) -> Result<(), Box<Fault>> {
        let mut left = None;
        while left != Some(0) {
            let digit =
                |ahead| char::from(self.cursor.at(ahead)).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let wrong = |problem| Err(Fault::within(context, start, problem, self.cursor.mark()));
            let (b'%', Some(high), Some(low)) = (self.cursor.byte(), digit(1), digit(2)) else {
                return wrong("did not find URI escaped octet");
            };
            let octet = high << 4 | low;
            left = match (left, octet) {
                (Some(left), 0x80..=0xBF) => Some(left - 1),
                (Some(_), _) => return wrong("found an incorrect trailing UTF-8 octet"),
                (None, 0x00..=0x7F) => Some(0),
                (None, 0xC0..=0xDF) => Some(1),
                (None, 0xE0..=0xEF) => Some(2),
                (None, 0xF0..=0xF7) => Some(3),
                (None, _) => return wrong("found an incorrect leading UTF-8 octet"),
            };
            bytes.push(octet);
            self.cursor.advance(3);
        }
        Ok(())
    }

    /// Letters, digits, `_` and `-`.
    pub(super) fn take_word(&mut self) -> &'t str {
        let from = self.cursor.offset();
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let bytes = self.cursor.rest().iter().take_while(is_word).count();
        self.cursor.advance(bytes);
        self.cursor.slice(from, self.cursor.offset())
    }
}

fn is_uri_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]".contains(&byte)
}
