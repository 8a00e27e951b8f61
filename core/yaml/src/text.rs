//! The bytes of a file, before YAML: UTF-8 without the characters that YAML forbids.

use crate::error::Limit;
use crate::{Error, Limits, Position, Reason};

/// The text behind a byte order mark, if there is one, when it is UTF-8 and every character is one that YAML allows.
pub(crate) fn check<'t>(file: &str, text: &'t [u8], limits: &Limits) -> Result<&'t str, Error> {
    let start = Position { line: 1, column: 1 };
    let bytes_max = limits.text_bytes_max.min(i32::MAX as usize);
    Limits::check(text.len(), bytes_max, Limit::TextBytes).map_err(|limit| Error::new(file, start, limit))?;
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let valid = match str::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) => {
            let (before, _) = text.split_at(error.valid_up_to());
            return Err(Error::new(file, position_after(&String::from_utf8_lossy(before)), Reason::NotUtf8));
        }
    };
    match find_forbidden(valid) {
        None => Ok(valid),
        Some((index, character)) => {
            let reason = Reason::ControlCharacter(u32::from(character));
            Err(Error::new(file, position_after(&valid[..index]), reason))
        }
    }
}

/// The first character that YAML does not allow. Blocks without a byte that may begin one are only looked over.
fn find_forbidden(text: &str) -> Option<(usize, char)> {
    const BLOCK_BYTES: usize = 64;
    let mut allowed = 0;
    for block in text.as_bytes().chunks(BLOCK_BYTES) {
        if block.iter().fold(false, |found, byte| found | may_begin_forbidden(*byte)) {
            let from = text.floor_char_boundary(allowed);
            let to = text.floor_char_boundary(allowed + BLOCK_BYTES);
            let mut characters = text.get(from..to).unwrap_or_default().char_indices();
            if let Some((index, character)) = characters.find(|(_, character)| !is_allowed(*character)) {
                return Some((from + index, character));
            }
        }
        allowed += block.len();
    }
    None
}

/// Controls of ASCII but line breaks and tabs, and the first bytes of the other controls and of U+FFFE and U+FFFF. A block
/// that ends within one of these characters is followed by one that begins with it.
fn may_begin_forbidden(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || matches!(byte, 0x7F | 0x80..=0xBF | 0xC2 | 0xEF)
}

fn is_allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

pub(crate) fn position_after(text: &str) -> Position {
    let (before, line) = text.rsplit_once('\n').unwrap_or(("", text));
    let lines = if text.contains('\n') { before.matches('\n').count() + 1 } else { 0 };
    let one_based = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
    Position { line: one_based(lines), column: one_based(line.chars().count()) }
}
