//! The texts of scalars in each of the five styles, and what style a text allows: libyaml's rules.

use super::lines::{Lines, Sign};

/// The longest key that stands before its value without a `?`, in bytes.
pub(crate) const SIMPLE_KEY_BYTES_MAX: usize = 128;

/// What a text allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// It has line breaks.
    pub(crate) multiline: bool,
    /// It has tabs.
    pub(crate) tabs: bool,
    /// It may stand plain inside `[…]` and `{…}`.
    pub(crate) flow_plain: bool,
    /// It may stand plain elsewhere.
    pub(crate) block_plain: bool,
    /// It may stand in single quotes.
    pub(crate) single: bool,
    /// It may be a `|` or `>`.
    pub(crate) block: bool,
}

/// A line break: also NEL, LS and PS.
pub(crate) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(crate) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// Whether a character is written as it is: nothing above the basic plane, no control, no byte order mark.
fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

pub(crate) fn analyze(text: &str) -> Analysis {
    if text.is_empty() {
        let (multiline, tabs, flow_plain, block_plain, single, block) = (false, false, false, true, true, false);
        return Analysis { multiline, tabs, flow_plain, block_plain, single, block };
    }
    let mut seen = Seen::default();
    let mut previous = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_ascii_alphanumeric() {
            seen.take(previous, character, characters.peek().copied());
        }
        previous = Some(character);
    }
    if text.starts_with("---") || text.starts_with("...") {
        seen.flow_indicators = true;
        seen.block_indicators = true;
    }
    seen.verdict()
}

#[derive(Default)]
struct Seen {
    flow_indicators: bool,
    block_indicators: bool,
    breaks: bool,
    special: bool,
    tabs: bool,
    blank_end: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

impl Seen {
    fn take(&mut self, previous: Option<char>, character: char, next: Option<char>) {
        self.indicator(previous, character, next);
        if character == '\t' {
            self.tabs = true;
        } else if !is_printable(character) {
            self.special = true;
        }
        let at_edge = previous.is_none() || next.is_none();
        if character == ' ' {
            self.blank_end |= at_edge;
            self.trailing_space |= next.is_none();
            self.break_space |= previous.is_some_and(is_break);
        } else if is_break(character) {
            self.breaks = true;
            self.blank_end |= at_edge;
            self.space_break |= previous == Some(' ');
        }
    }

    fn indicator(&mut self, previous: Option<char>, character: char, next: Option<char>) {
        let before_blank = next.is_none_or(is_blank);
        let (flow, block) = match (previous, character) {
            (None, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`') => {
                (true, true)
            }
            (None, '?') | (_, ':') => (true, before_blank),
            (None, '-') => (before_blank, before_blank),
            (Some(_), ',' | '?' | '[' | ']' | '{' | '}') => (true, false),
            (Some(previous), '#') => {
                let after_blank = is_blank(previous) || is_break(previous) || previous == '\0';
                (after_blank, after_blank)
            }
            _ => (false, false),
        };
        self.flow_indicators |= flow;
        self.block_indicators |= block;
    }

    fn verdict(self) -> Analysis {
        let quoted = self.break_space || self.space_break || self.tabs || self.special;
        let plain = !(self.blank_end || self.breaks || quoted);
        Analysis {
            multiline: self.breaks,
            tabs: self.tabs,
            flow_plain: plain && !self.flow_indicators,
            block_plain: plain && !self.block_indicators,
            single: !quoted,
            block: !(self.trailing_space || self.space_break || self.special),
        }
    }
}

/// How scalars are written. `folds` says whether spaces beyond the width become breaks.
impl Lines<'_> {
    pub(crate) fn plain(&mut self, text: &str, folds: bool) {
        if text.is_empty() {
            self.indention = false;
            return;
        }
        self.put_space();
        if !folds || self.bytes().saturating_add(text.len()) <= self.width {
            self.put_str(text);
        } else {
            self.flowing(text, folds, 0..text.len(), "");
        }
        self.whitespace = false;
        self.indention = false;
    }

    pub(crate) fn single_quoted(&mut self, text: &str, folds: bool) {
        self.indicator("'", Sign { spaced: true, ..Sign::default() });
        self.flowing(text, folds, 1..text.len().saturating_sub(1), "'");
        self.indicator("'", Sign::default());
    }

    /// Text whose spaces may become breaks where their place is one of `foldable`; its quotes are doubled.
    fn flowing(&mut self, text: &str, folds: bool, foldable: std::ops::Range<usize>, quote: &str) {
        let mut column = if folds { self.column() } else { 0 };
        let (mut spaces, mut breaks) = (false, false);
        for (at, character) in text.char_indices() {
            if character == ' ' {
                let last_of_spaces = text.as_bytes().get(at + 1) != Some(&b' ');
                if folds && !spaces && column > self.width && foldable.contains(&at) && last_of_spaces {
                    self.write_indent();
                    column = self.bytes();
                } else {
                    self.put(' ');
                    column += 1;
                }
                spaces = true;
            } else if is_break(character) {
                if !breaks && character == '\n' {
                    self.put_break();
                }
                self.write_break(character);
                column = 0;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                    column = self.bytes();
                }
                if quote.contains(character) {
                    self.put(character);
                    column += 1;
                }
                self.put(character);
                column += 1;
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    pub(crate) fn double_quoted(&mut self, text: &str, folds: bool) {
        self.indicator("\"", Sign { spaced: true, ..Sign::default() });
        let simple_run = |text: &str| {
            let is_simple = |byte: &u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
            text.bytes().take_while(is_simple).count()
        };
        let all_escaped = text.starts_with('\u{feff}');
        let mut column = if folds { self.column() } else { 0 };
        let (mut spaces, mut at) = (false, 0);
        while let Some(character) = text[at..].chars().next() {
            let run = if all_escaped { 0 } else { simple_run(&text[at..]) };
            if run > 0 {
                self.put_str(&text[at..at + run]);
                column += run;
                at += run;
                spaces = false;
                continue;
            }
            if all_escaped || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                column += self.escaped(character);
                spaces = false;
            } else if character == ' ' {
                if folds && !spaces && column > self.width && at > 0 && at + 1 < text.len() {
                    self.write_indent();
                    column = self.bytes();
                    if text.as_bytes().get(at + 1) == Some(&b' ') {
                        self.put('\\');
                        column += 1;
                    }
                } else {
                    self.put(' ');
                    column += 1;
                }
                spaces = true;
            } else {
                self.put(character);
                column += 1;
                spaces = false;
            }
            at += character.len_utf8();
        }
        self.indicator("\"", Sign::default());
    }

    /// Writes an escape; answers its length.
    fn escaped(&mut self, character: char) -> usize {
        let short = match character {
            '\0' => "\\0",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{b}' => "\\v",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{1b}' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => {
                let code = u32::from(character);
                let escape = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                self.put_str(&escape);
                return escape.len();
            }
        };
        self.put_str(short);
        short.len()
    }

    /// `|` or `>` and what has to be said of the text's beginning and end.
    pub(crate) fn block_header(&mut self, sign: &str, text: &str) {
        self.indicator(sign, Sign { spaced: true, ..Sign::default() });
        if text.starts_with(|first| first == ' ' || is_break(first)) {
            self.indicator("2", Sign::default());
        }
        let chomping = chomping(text);
        if !chomping.is_empty() {
            self.indicator(chomping, Sign::default());
        }
    }

    /// The lines of a `|`.
    pub(crate) fn literal(&mut self, text: &str) {
        self.block_lines(lines(text));
    }

    /// The lines of a `>`, of which none is broken at a space: go-yaml v3 has no width.
    pub(crate) fn folded(&mut self, text: &str) {
        self.block_lines(folded_lines(text));
    }

    fn block_lines<'t>(&mut self, lines: impl Iterator<Item = (&'t str, &'t str)>) {
        self.whitespace = true;
        for (content, ending) in lines {
            if !content.is_empty() {
                self.write_indent();
                self.put_str(content);
                self.indention = false;
            }
            for character in ending.chars() {
                self.write_break(character);
            }
        }
    }
}

/// How the end of a block is kept: `-` without a last break, `+` with more than one.
pub(crate) fn chomping(text: &str) -> &'static str {
    let mut backwards = text.chars().rev();
    match (backwards.next().is_some_and(is_break), backwards.next()) {
        (false, _) => "-",
        (true, None) => "+",
        (true, Some(before)) => {
            if is_break(before) {
                "+"
            } else {
                ""
            }
        }
    }
}

/// The lines of a text, each with its break; the last one may have none.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split_inclusive(is_break).map(|line| {
        let ending = line.chars().next_back().filter(|last| is_break(*last)).map_or(0, char::len_utf8);
        line.split_at(line.len() - ending)
    })
}

/// The lines of a text as `>` writes them. A break behind a line that is not indented further is doubled, unless the whole
/// text begins with a blank: libyaml looks at the first line of the text where it means the next.
pub(crate) fn folded_lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let doubles = text.chars().find(|character| !is_break(*character)).is_some_and(|first| !is_blank(first));
    lines(text).map(move |(content, ending)| {
        let doubled = doubles && ending == "\n" && content.starts_with(|first| !is_blank(first));
        (content, if doubled { "\n\n" } else { ending })
    })
}
