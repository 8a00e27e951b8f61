//! The bytes of a file, before YAML: UTF-8 without the characters that YAML forbids.

use crate::error::Limit;
use crate::{Error, Limits, Position, Reason};

/// The text behind a byte order mark, if there is one, when it is UTF-8 and every character is one that YAML allows.
pub(crate) fn check<'t>(file: &str, text: &'t [u8], limits: &Limits) -> Result<&'t str, Error> {
    let start = Position { line: 1, column: 1 };
    Limits::check(text.len(), limits.text_bytes_max, Limit::TextBytes)
        .map_err(|limit| Error::new(file, start, limit))?;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let valid = match str::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) => {
            let (before, _) = text.split_at(error.valid_up_to());
            return Err(Error::new(file, position_after(&String::from_utf8_lossy(before)), Reason::NotUtf8));
        }
    };
    match valid.char_indices().find(|(_, character)| !is_allowed(*character)) {
        None => Ok(valid),
        Some((index, character)) => {
            let reason = Reason::ControlCharacter(u32::from(character));
            Err(Error::new(file, position_after(&valid[..index]), reason))
        }
    }
}

fn is_allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn position_after(text: &str) -> Position {
    let (before, line) = text.rsplit_once('\n').unwrap_or(("", text));
    let lines = if text.contains('\n') { before.matches('\n').count() + 1 } else { 0 };
    let one_based = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
    Position { line: one_based(lines), column: one_based(line.chars().count()) }
}
