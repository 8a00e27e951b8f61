//! go-yaml v2's writer: collections in block style, lists at the indentation of their key, texts broken beyond 80 characters.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::error::Unprintable;
use super::lines::{Lines, Sign};
use super::scalar::{SIMPLE_KEY_BYTES_MAX, analyze};
use crate::kyaml::json;
use crate::kyaml::plain::is_text_in_yaml_1_1;
use crate::kyaml::value::{Scalar, rfc_3339};
use crate::number;

/// Where libyaml breaks lines.
const WIDTH: usize = 80;

/// What a document may have: ten times what Kubernetes stores as an object. Depth multiplies by its indentation what is printed
/// of each item, and limits of what is read do not know of that.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// How many bytes stand for a byte that is escaped: `\x61`.
const ESCAPE_BYTES_MAX: usize = 4;

/// How much deeper each level stands.
const INDENT: usize = 2;

/// Writes one document.
pub(super) struct Emitter<'o> {
    lines: Lines<'o>,
    in_mapping: bool,
    /// Where the text is too large.
    end_max: usize,
}

/// The indentation outside of a collection.
pub(super) struct Outer(Option<usize>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

impl<'o> Emitter<'o> {
    pub(super) fn new(out: &'o mut String) -> Self {
        let end_max = out.len().saturating_add(DOCUMENT_BYTES_MAX);
        Self { lines: Lines::new(out, WIDTH), in_mapping: false, end_max }
    }

    pub(super) fn finish(mut self) {
        self.lines.indent = None;
        self.lines.write_indent();
    }

    pub(super) fn open_mapping(&mut self) -> Outer {
        let outer = self.lines.indent;
        self.lines.indent = Some(outer.map_or(0, |indent| indent + INDENT));
        Outer(outer)
    }

    pub(super) fn open_sequence(&mut self) -> Outer {
        let outer = self.lines.indent;
        let stays = self.in_mapping && !self.lines.indention;
        self.lines.indent = Some(outer.map_or(0, |indent| if stays { indent } else { indent + INDENT }));
        Outer(outer)
    }

    pub(super) fn close(&mut self, outer: Outer) {
        self.lines.indent = outer.0;
    }

    /// `{}` or `[]`.
    pub(super) fn empty(&mut self, brackets: &str) {
        self.lines.indicator(brackets, Sign { spaced: true, ..Sign::default() });
    }

    pub(super) fn item(&mut self) -> Result<(), Unprintable> {
        self.check_room("", 0)?;
        self.lines.write_indent();
        self.lines.indicator("-", Sign { spaced: true, is_blank: false, is_indentation: true });
        self.in_mapping = false;
        Ok(())
    }

    pub(super) fn key(&mut self, text: &str) -> Result<(), Unprintable> {
        let classes = classes(text);
        check_key(text, classes)?;
        self.check_room(text, classes)?;
        let (style, multiline) = choose(text, classes);
        self.lines.write_indent();
        if multiline || text.len() > SIMPLE_KEY_BYTES_MAX {
            let sign = Sign { spaced: true, is_blank: false, is_indentation: true };
            self.lines.indicator("?", sign);
            self.write(text, style, true);
            self.lines.write_indent();
            self.lines.indicator(":", sign);
        } else {
            self.write(text, style, false);
            self.lines.indicator(":", Sign::default());
        }
        self.in_mapping = true;
        Ok(())
    }

    pub(super) fn scalar(&mut self, scalar: &Scalar<'_>) -> Result<(), Unprintable> {
        let mut digits = String::new();
        let plain = match scalar {
            Scalar::Text(text) => {
                let (text, classes) = reread(text, classes(text))?;
                self.check_room(&text, classes)?;
                let (style, _) = choose(&text, classes);
                self.write(&text, style, true);
                return Ok(());
            }
            Scalar::Time(time) => {
                self.write(&rfc_3339(*time)?, Style::Double, true);
                return Ok(());
            }
            Scalar::Null => "null",
            Scalar::Bool(true) => "true",
            Scalar::Bool(false) => "false",
            Scalar::Int(integer) => formatted(&mut digits, integer),
            Scalar::UInt(integer) => formatted(&mut digits, integer),
            Scalar::Float(float) if !float.is_finite() => {
                return Err(Unprintable::NotFinite { text: number::to_key(*float) });
            }
            Scalar::Float(float) => {
                digits = number::printed(*float);
                &digits
            }
        };
        self.lines.plain(plain, false);
        Ok(())
    }

    /// Whether a text fits, and the indentation of its lines.
    fn check_room(&self, text: &str, classes: u8) -> Result<(), Unprintable> {
        let left = self.end_max.saturating_sub(self.lines.end());
        let indent = self.lines.indent.unwrap_or(0) + INDENT;
        if text.len().saturating_mul(ESCAPE_BYTES_MAX + indent) < left {
            return Ok(());
        }
        let may_be_escaped = classes & (HIGH | DELETE | CONTROL) != 0;
        let bytes = text.len().saturating_mul(if may_be_escaped { ESCAPE_BYTES_MAX } else { 1 });
        let breaks = if classes & BREAK != 0 {
            text.matches('\n').count()
        } else {
            text.matches(' ').count().min(text.len() / WIDTH.saturating_sub(indent).max(1))
        };
        if breaks.saturating_mul(indent).saturating_add(bytes) < left {
            return Ok(());
        }
        Err(Unprintable::TooLarge { bytes_max: DOCUMENT_BYTES_MAX })
    }

    fn write(&mut self, text: &str, style: Style, folds: bool) {
        let outer = self.lines.indent;
        self.lines.indent = Some(outer.unwrap_or(0) + INDENT);
        match style {
            Style::Plain => self.lines.plain(text, folds),
            Style::Single => self.lines.single_quoted(text, folds),
            Style::Double => self.lines.double_quoted(text, folds),
            Style::Literal => {
                self.lines.block_header("|", text);
                self.lines.put_break();
                self.lines.literal(text);
            }
        }
        self.lines.indent = outer;
    }
}

fn formatted(digits: &mut String, integer: impl std::fmt::Display) -> &str {
    write!(digits, "{integer}").expect("a string takes what is written to it");
    digits
}

const BREAK: u8 = 1;
const CONTROL: u8 = 2;
const DELETE: u8 = 4;
const HIGH: u8 = 8;
const MARK: u8 = 16;

/// What is special about each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            b'\n' => BREAK,
            0..b' ' => CONTROL,
            b':' | b'#' => MARK,
            0x7f => DELETE,
            0x80.. => HIGH,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn classes(text: &str) -> u8 {
    text.bytes().fold(0, |seen, byte| seen | CLASSES[usize::from(byte)])
}

/// The style of a text, and whether it has line breaks.
fn choose(text: &str, classes: u8) -> (Style, bool) {
    if classes & (HIGH | DELETE) != 0 {
        return choose_slowly(text);
    }
    let multiline = classes & BREAK != 0 || (classes & CONTROL != 0 && text.contains('\r'));
    let style = if classes & CONTROL != 0 {
        Style::Double
    } else if multiline {
        if text.ends_with(' ') || text.contains(" \n") { Style::Double } else { Style::Literal }
    } else if !is_text_in_yaml_1_1(text) {
        Style::Double
    } else if may_stand_plain(text, classes) {
        Style::Plain
    } else {
        Style::Single
    };
    (style, multiline)
}

fn choose_slowly(text: &str) -> (Style, bool) {
    let analysis = analyze(text);
    let style = if text.contains('\n') {
        if analysis.block && !analysis.tabs { Style::Literal } else { Style::Double }
    } else if !is_text_in_yaml_1_1(text) {
        Style::Double
    } else if analysis.block_plain {
        Style::Plain
    } else if analysis.single {
        Style::Single
    } else {
        Style::Double
    };
    (style, analysis.multiline)
}

/// Whether a line of printable ASCII needs no quotes.
fn may_stand_plain(text: &str, classes: u8) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let begins_well = match first {
        b' ' | b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%'
        | b'@' | b'`' => false,
        b'?' | b':' | b'-' => bytes.get(1).is_some_and(|second| *second != b' ') && !text.starts_with("---"),
        b'.' => !text.starts_with("..."),
        _ => true,
    };
    let is_marked = classes & MARK != 0 && (*last == b':' || text.contains(": ") || text.contains(" #"));
    begins_well && *last != b' ' && !is_marked
}

/// A text after JSON was written and read as YAML: the line break that JSON does not escape is folded away.
fn reread(text: &str, seen: u8) -> Result<(Cow<'_, str>, u8), Unprintable> {
    if seen & (HIGH | DELETE) == 0 {
        return Ok((Cow::Borrowed(text), seen));
    }
    check_characters(text)?;
    if !text.contains(NEXT_LINE) {
        return Ok((Cow::Borrowed(text), seen));
    }
    let text = folded_away(text)?;
    let seen = classes(&text);
    Ok((Cow::Owned(text), seen))
}

fn check_characters(text: &str) -> Result<(), Unprintable> {
    let is_refused =
        |character: &char| matches!(character, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().find(is_refused).map_or(Ok(()), |character| Err(Unprintable::ControlCharacter { character }))
}

const NEXT_LINE: char = '\u{85}';

/// What a double-quoted scalar makes of breaks: the spaces around them go, one becomes a space, of several all but one stay.
fn folded_away(text: &str) -> Result<String, Unprintable> {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(NEXT_LINE) {
        let (before, after) = rest.split_at(at);
        folded.push_str(before.trim_end_matches(' '));
        let next = after.trim_start_matches([NEXT_LINE, ' ']);
        let blanks = &after[..after.len() - next.len()];
        let breaks = blanks.matches(NEXT_LINE).count();
        if breaks == 1 {
            folded.push(' ');
        }
        folded.extend(std::iter::repeat_n('\n', breaks - 1));
        let is_indicator = next
            .strip_prefix("---")
            .or(next.strip_prefix("..."))
            .is_some_and(|behind| behind.starts_with([' ', NEXT_LINE]));
        if is_indicator && blanks.ends_with(NEXT_LINE) {
            return Err(Unprintable::DocumentIndicator);
        }
        rest = next;
    }
    folded.push_str(rest);
    Ok(folded)
}

/// A key of a JSON object is read as YAML only from one line and up to a length.
fn check_key(text: &str, classes: u8) -> Result<(), Unprintable> {
    const CHARACTERS_MAX: usize = 1022;
    if text.len() * "\\u0000".len() > CHARACTERS_MAX {
        let characters = text.chars().map(json::length).sum();
        if characters > CHARACTERS_MAX {
            return Err(Unprintable::LongKey { characters });
        }
    }
    if classes & (HIGH | DELETE) == 0 {
        return Ok(());
    }
    if text.contains(NEXT_LINE) { Err(Unprintable::BreakInKey) } else { check_characters(text) }
}
