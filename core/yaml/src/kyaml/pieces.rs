//! A file cut into documents before anything is parsed, as kustomize cuts it.

use std::borrow::Cow;

use crate::error::Limit;
use crate::{Error, Limits, Position, Reason, text};

/// The text between two separators of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'t> {
    /// With the line break before the separator that ends it, and `\r\n` made `\n`.
    pub text: Cow<'t, str>,
    /// The line of the file that it begins on, counted from 1.
    pub first_line: u32,
}

/// Cuts a file at its lines that begin with `---`, whatever they are part of; such a line on top of the file or without a
/// line break behind it does not cut. An empty file has no piece, and every other at least one. (kyaml's `splitDocuments`.)
///
/// # Errors
///
/// [`Reason::TextAfterSeparator`] where something but blanks and a comment stands behind the three dashes, a fourth one
/// too; bytes that are no text; too many of them, or too many pieces.
pub fn pieces<'t>(file: &str, text: &'t [u8], limits: &Limits) -> Result<Vec<Piece<'t>>, Error> {
    let text = text::check(file, text, limits)?;
    let mut pieces = Vec::new();
    let (mut rest, mut first_line) = (text, 1);
    while let Some(separator) = find_separator(rest) {
        let (before, behind) = (&rest[..separator.start], &rest[separator.end..]);
        let line = first_line + count_lines(before);
        check_separator(file, &rest[separator.start..separator.end], line)?;
        pieces.push(Piece { text: without_carriage_returns(before), first_line });
        let position = Position { line, column: 1 };
        Limits::check(pieces.len(), limits.documents_max, Limit::Documents)
            .map_err(|limit| Error::new(file, position, limit))?;
        (rest, first_line) = (behind, line + 1);
    }
    if !text.is_empty() {
        pieces.push(Piece { text: without_carriage_returns(rest), first_line });
    }
    Ok(pieces)
}

/// The first line behind another that begins with `---`, with its line break.
fn find_separator(text: &str) -> Option<std::ops::Range<usize>> {
    let start = memchr::memmem::find(text.as_bytes(), b"\n---")? + 1;
    let bytes = memchr::memchr(b'\n', &text.as_bytes()[start..])? + 1;
    Some(start..start + bytes)
}

fn check_separator(file: &str, line_text: &str, line: u32) -> Result<(), Error> {
    let behind = line_text.trim_start_matches('-').trim_start();
    let dashes = line_text.len() - line_text.trim_start_matches('-').len();
    if dashes == 3 && (behind.is_empty() || behind.starts_with('#')) {
        return Ok(());
    }
    let before = if dashes == 3 { line_text.len() - behind.len() } else { 3 };
    let column = text::position_after(&line_text[..before]).column;
    Err(Error::new(file, Position { line, column }, Reason::TextAfterSeparator))
}

fn count_lines(text: &str) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX)
}

fn without_carriage_returns(text: &str) -> Cow<'_, str> {
    match memchr::memmem::find(text.as_bytes(), b"\r\n") {
        Some(_) => Cow::Owned(text.replace("\r\n", "\n")),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, u32)]) {
        let pieces = pieces("f", text.as_bytes(), &Limits::default()).expect(text);
        let found: Vec<_> = pieces.iter().map(|piece| (&*piece.text, piece.first_line)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_file_is_cut_at_lines_of_three_dashes() {
        check("", &[]);
        check("\n", &[("\n", 1)]);
        check("a: 1\n---\nb: 2\n", &[("a: 1\n", 1), ("b: 2\n", 3)]);
        check("---\na: 1\n--- # next\n\nb: 2", &[("---\na: 1\n", 1), ("\nb: 2", 4)]);
        check("a: |\n  x\n---\ny\n", &[("a: |\n  x\n", 1), ("y\n", 4)]);
        check("a\r\n---\r\nb\r\n", &[("a\n", 1), ("b\n", 3)]);
        check("a\n---\n---\n---\nb\n", &[("a\n", 1), ("---\n", 3), ("b\n", 5)]);
        check("a\n---", &[("a\n---", 1)]);
        check("a\n--- b", &[("a\n--- b", 1)]);
        check("a\n ---\nb", &[("a\n ---\nb", 1)]);
        check("a\n---\n", &[("a\n", 1), ("", 3)]);
    }

    #[test]
    fn text_behind_the_dashes_is_an_error_at_its_place() {
        let error = |text: &str| pieces("f", text.as_bytes(), &Limits::default()).unwrap_err().to_string();
        let message = "invalid document separator: begin the document on the line after ---";
        assert_eq!(error("a\n--- b\nc\n"), format!("f:2:5: {message}"));
        assert_eq!(error("a\n----\nc\n"), format!("f:2:4: {message}"));
        assert_eq!(error("a\n---b\nc\n"), format!("f:2:4: {message}"));
        assert_eq!(error("a\n---\nb\n---\t\u{a0}x\n"), format!("f:4:6: {message}"));
    }
}
