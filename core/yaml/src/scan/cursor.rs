//! A place in a text that moves forward: bytes ahead, lines, columns in characters.

/// A place in a text, everything counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// In bytes.
    pub(crate) offset: u32,
    pub(crate) line: u32,
    /// In characters.
    pub(crate) column: u32,
}

/// What a byte may be in YAML; a byte can be several things.
pub(super) mod class {
    pub(in crate::scan) const BLANK: u8 = 1;
    pub(in crate::scan) const BREAK: u8 = 2;
    pub(in crate::scan) const COLON: u8 = 4;
    /// `,` `?` `[` `]` `{` `}`
    pub(in crate::scan) const FLOW: u8 = 8;
    /// First byte of a line break beyond ASCII (U+0085, U+2028, U+2029), or of another character.
    pub(in crate::scan) const WIDE_BREAK: u8 = 16;
    /// A byte that begins no character.
    pub(in crate::scan) const CONTINUATION: u8 = 32;
    /// `'`
    pub(in crate::scan) const SINGLE_QUOTE: u8 = 64;
    /// `"` and `\`
    pub(in crate::scan) const DOUBLE_QUOTE: u8 = 128;
    pub(super) const QUOTES: u8 = SINGLE_QUOTE | DOUBLE_QUOTE;

    pub(super) const TABLE: [u8; 256] = table();

    const fn table() -> [u8; 256] {
        let mut table = [0; 256];
        let mut byte = 0x80;
        while byte < 0xC0 {
            table[byte] = CONTINUATION;
            byte += 1;
        }
        table[b' ' as usize] = BLANK;
        table[b'\t' as usize] = BLANK;
        table[b'\n' as usize] = BREAK;
        table[b'\r' as usize] = BREAK;
        table[b':' as usize] = COLON;
        table[b',' as usize] = FLOW;
        table[b'?' as usize] = FLOW;
        table[b'[' as usize] = FLOW;
        table[b']' as usize] = FLOW;
        table[b'{' as usize] = FLOW;
        table[b'}' as usize] = FLOW;
        table[0xC2] = WIDE_BREAK;
        table[0xE2] = WIDE_BREAK;
        table[b'\'' as usize] = SINGLE_QUOTE;
        table[b'"' as usize] = DOUBLE_QUOTE;
        table[b'\\' as usize] = DOUBLE_QUOTE;
        table
    }
}

/// What is left of a text.
#[derive(Clone)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    offset: usize,
    line: u32,
    /// Where the line would begin if each of its characters so far were one byte.
    line_origin: usize,
    /// The line of the last character that was no blank and no line break.
    pub(super) ink_line: u32,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, offset: 0, line: 0, line_origin: 0, ink_line: 0 }
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn line(&self) -> u32 {
        self.line
    }

    #[inline]
    pub(super) fn column(&self) -> u32 {
        (self.offset - self.line_origin) as u32
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark {
        Mark { offset: self.offset as u32, line: self.line, column: self.column() }
    }

    /// Line breaks since the last character that was no blank.
    pub(super) fn newlines(&self) -> u32 {
        self.line - self.ink_line
    }

    /// Notes that something on this line is no blank.
    #[inline]
    pub(super) fn ink(&mut self) {
        self.ink_line = self.line;
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.offset..).unwrap_or_default()
    }

    /// The byte that is so many bytes ahead; 0 behind the end.
    #[inline]
    pub(super) fn at(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.offset + ahead).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn byte(&self) -> u8 {
        self.at(0)
    }

    #[inline]
    pub(super) fn is_end(&self) -> bool {
        self.offset >= self.text.len()
    }

    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t')
    }

    /// Bytes of the line break that is so many bytes ahead; 0 where there is none.
    #[inline]
    pub(super) fn break_bytes(&self, ahead: usize) -> usize {
        match self.at(ahead) {
            b'\n' => 1,
            b'\r' => 1 + usize::from(self.at(ahead + 1) == b'\n'),
            0xC2 if self.at(ahead + 1) == 0x85 => 2,
            0xE2 if self.at(ahead + 1) == 0x80 && matches!(self.at(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    pub(super) fn is_break(&self, ahead: usize) -> bool {
        self.break_bytes(ahead) > 0
    }

    pub(super) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.at(ahead) == 0 || self.is_break(ahead)
    }

    #[inline]
    pub(super) fn is_blank_or_end(&self, ahead: usize) -> bool {
        matches!(self.at(ahead), b' ' | b'\t' | b'\n' | 0) || self.is_break(ahead)
    }

    /// `---` or `...` at the beginning of a line and nothing behind it but blanks.
    #[inline]
    pub(super) fn document_indicator(&self) -> Option<u8> {
        if self.offset != self.line_origin {
            return None;
        }
        let byte = self.byte();
        let is_one = matches!(byte, b'-' | b'.') && self.at(1) == byte && self.at(2) == byte && self.is_blank_or_end(3);
        is_one.then_some(byte)
    }

    /// Moves over ASCII characters of this line.
    #[inline]
    pub(super) fn advance(&mut self, bytes: usize) {
        self.offset += bytes;
    }

    /// Moves to an offset on this line; `continuations` of the bytes between begin no character.
    #[inline]
    pub(super) fn advance_to(&mut self, offset: usize, continuations: usize) {
        self.offset = offset;
        self.line_origin += continuations;
    }

    /// Moves over one character, whatever its width.
    pub(super) fn advance_character(&mut self) {
        let bytes = match self.byte() {
            0..=0x7F => 1,
            0x80..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0.. => 4,
        };
        self.advance_to((self.offset + bytes).min(self.text.len()), bytes - 1);
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.offset += 1;
        }
    }

    #[inline]
    pub(super) fn skip_spaces(&mut self) {
        while self.byte() == b' ' {
            self.offset += 1;
        }
    }

    /// Moves over a line break, if there is one, and answers what it counts as in a scalar.
    #[inline]
    pub(super) fn skip_break(&mut self) -> &'static str {
        let (bytes, text) = match self.break_bytes(0) {
            0 => return "",
            3 if self.at(2) == 0xA8 => (3, "\u{2028}"),
            3 => (3, "\u{2029}"),
            bytes => (bytes, "\n"),
        };
        self.offset += bytes;
        self.line += 1;
        self.line_origin = self.offset;
        text
    }

    /// Moves to the end of the line and answers what was on it.
    pub(super) fn take_line(&mut self) -> &'t str {
        let rest = self.rest();
        let mut end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (start, line) = (self.offset, rest.get(..end).unwrap_or_default());
        if !line.is_ascii() {
            end = (0..end).find(|ahead| line[*ahead] >= 0x80 && self.is_break(*ahead)).unwrap_or(end);
            let characters = self.slice(start, start + end).chars().count();
            self.line_origin += end - characters;
        }
        self.offset += end;
        self.slice(start, self.offset)
    }

    /// The offset of the first byte from here of one of the classes of `mask`, where a break beyond ASCII counts as
    /// [`class::BREAK`], a colon counts only before a blank, and how many bytes before it begin no character.
    #[inline]
    pub(super) fn find(&self, mask: u8) -> (usize, usize) {
        let bytes = self.text.as_bytes();
        let stops = mask | class::WIDE_BREAK | class::CONTINUATION;
        let (mut at, mut continuations) = (self.offset, 0);
        while let Some(byte) = bytes.get(at) {
            let class = class::TABLE[usize::from(*byte)];
            if class & stops == 0 {
                at += 1;
                continue;
            }
            let ahead = at - self.offset;
            match class {
                class::CONTINUATION => continuations += 1,
                class::WIDE_BREAK if !self.is_break(ahead) => {}
                class::COLON if !self.is_blank_or_end(ahead + 1) => {}
                _ => break,
            }
            at += 1;
        }
        (at, continuations)
    }

    /// Where a plain scalar that begins here ends, when it is ASCII, on one line, and its end plain to see: before a colon, a
    /// comment, or a line that `indent` says is not part of it. Moves to what follows it, over blanks and line breaks. In a
    /// flow collection `indent` is `None`.
    #[inline]
    pub(super) fn take_plain_line(&mut self, indent: Option<u32>) -> Option<Mark> {
        let bytes = self.rest();
        let stops = if indent.is_some() { !class::FLOW } else { !0 };
        let (mut at, mut end) = (0, 0);
        let stop = loop {
            let byte = *bytes.get(at)?;
            if class::TABLE[usize::from(byte)] & stops & !class::QUOTES == 0 {
                at += 1;
                end = at;
                continue;
            }
            match byte {
                b' ' if bytes.get(at + 1) != Some(&b'#') => at += 1,
                b':' if !matches!(bytes.get(at + 1)?, b' ' | b'\n' | b'\t' | b'\r' | 0xC2 | 0xE2) => {
                    at += 1;
                    end = at;
                }
                b' ' | b':' | b'\n' | b',' | b']' | b'}' | b'[' | b'{' | b'?' => break byte,
                _ => return None,
            }
        };
        let end_mark = Mark { offset: (self.offset + end) as u32, line: self.line, column: self.column() + end as u32 };
        if stop != b'\n' {
            self.ink();
            self.offset += at;
            return Some(end_mark);
        }
        let indent = indent?;
        let (mut lines, mut line_start) = (0, at);
        while bytes.get(at) == Some(&b'\n') {
            lines += 1;
            at += 1;
            line_start = at;
            while bytes.get(at) == Some(&b' ') {
                at += 1;
            }
        }
        let may_go_on = (at - line_start) as u32 >= indent || !bytes.get(at).is_some_and(u8::is_ascii_graphic);
        if may_go_on {
            return None;
        }
        self.ink();
        self.line += lines;
        self.line_origin = self.offset + line_start;
        self.offset += at;
        Some(end_mark)
    }

    /// Ends the line where the text ends, as if a line break were there.
    pub(super) fn end_last_line(&mut self) {
        if self.column() != 0 {
            self.line += 1;
            self.line_origin = self.offset;
        }
    }
}
