//! Nodes for values that came from JSON: as go-yaml v3 reads back what it wrote of them.

use super::plain::{Plain, is_base_60, is_old_bool, plain};
use super::{Node, Style, Text, resolve};
use crate::number;
use crate::print::scalar::analyze;

/// A text, in the style that it is written in: plain where that is safe in YAML 1.1 too.
pub fn text(text: impl Into<Text>) -> Node {
    let mut node = Node::text(text);
    node.style = style(node.as_str().unwrap_or_default());
    node
}

/// A finite number. From a million on, and for what has a fraction, it is written as `%g`: `1e+06`.
pub fn number(value: f64) -> Node {
    let text = number::general(value);
    let tag = resolve(&text);
    Node::scalar(text, tag)
}

fn style(text: &str) -> Style {
    if is_word(text) {
        let is_text = plain(text) == Plain::Text && !is_old_bool(text);
        return if is_text { Style::Plain } else { Style::DoubleQuoted };
    }
    let allowed = analyze(text);
    if text.contains('\n') {
        return if allowed.block { Style::Literal } else { Style::DoubleQuoted };
    }
    if plain(text) != Plain::Text || is_base_60(text) || is_old_bool(text) {
        return Style::DoubleQuoted;
    }
    match (allowed.block_plain, allowed.single) {
        (true, _) => Style::Plain,
        (false, true) => Style::SingleQuoted,
        (false, false) => Style::DoubleQuoted,
    }
}

/// Whether it consists of letters, digits and a few signs, and begins with a letter: the most frequent case.
fn is_word(text: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_safe)
}

#[cfg(test)]
mod tests {
    use super::super::Tag;
    use super::*;

    /// The styles that kyaml v0.21.1 reads back.
    #[test]
    fn texts_have_the_style_that_they_are_written_in() {
        for (value, style) in [
            ("a", Style::Plain),
            ("nginx-1.2/x", Style::Plain),
            ("a b", Style::Plain),
            ("", Style::DoubleQuoted),
            ("5", Style::DoubleQuoted),
            ("null", Style::DoubleQuoted),
            ("yes", Style::DoubleQuoted),
            ("1:30", Style::DoubleQuoted),
            ("1:90", Style::Plain),
            ("2001-12-14", Style::DoubleQuoted),
            ("a: b", Style::SingleQuoted),
            ("#a", Style::SingleQuoted),
            (" a", Style::SingleQuoted),
            ("a\tb", Style::DoubleQuoted),
            ("a\nb", Style::Literal),
            ("a \nb", Style::DoubleQuoted),
            (" a\nb\n", Style::Literal),
            ("é", Style::Plain),
            ("😀", Style::DoubleQuoted),
        ] {
            assert_eq!(text(value).style, style, "{value:?}");
        }
    }

    #[test]
    fn numbers_are_written_in_the_general_format() {
        for (value, written, tag) in [
            (3.0, "3", Tag::Int),
            (-0.5, "-0.5", Tag::Float),
            (999_999.0, "999999", Tag::Int),
            (1e6, "1e+06", Tag::Float),
            (12_345_678.0, "1.2345678e+07", Tag::Float),
            (9_007_199_254_740_993.0, "9.007199254740992e+15", Tag::Float),
            (1e-5, "1e-05", Tag::Float),
            (1e-4, "0.0001", Tag::Float),
            (-0.0, "-0", Tag::Int),
        ] {
            let node = number(value);
            assert_eq!((node.as_str(), node.tag), (Some(written), tag));
        }
    }
}
