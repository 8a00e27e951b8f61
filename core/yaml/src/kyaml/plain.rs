//! What an untagged plain scalar is: go-yaml's `resolve`, of version 3 (YAML 1.2 with YAML 1.1's numbers) and of version 2.

use super::Tag;
use crate::resolve::{Number, number};
use crate::timestamp::Timestamp;

/// The value of a plain scalar that is no text, or that it is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    /// Only above what [`Plain::Int`] holds.
    UInt(u64),
    Float(f64),
    Timestamp(Timestamp),
    Text,
}

impl Plain {
    /// The tag that the text gets where it has none.
    pub(crate) fn tag(self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::UInt(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Timestamp(_) => Tag::Timestamp,
            Self::Text => Tag::Str,
        }
    }

    /// What it is called in a message.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => "a number",
            Self::Timestamp(_) => "a date",
            Self::Text => "a text",
        }
    }
}

/// What go-yaml v3 reads.
pub(crate) fn plain(text: &str) -> Plain {
    if let Some(integer) = short_integer(text) {
        return Plain::Int(integer);
    }
    match text.as_bytes().first() {
        None => Plain::Null,
        Some(b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'~') => word(text),
        Some(b'+' | b'-' | b'.' | b'0'..=b'9') => match (Timestamp::parse(text), number(text, true)) {
            (Some(time), _) => Plain::Timestamp(time),
            (None, Some(Number::Int(value))) => Plain::Int(value),
            (None, Some(Number::UInt(value))) => Plain::UInt(value),
            (None, Some(Number::Float(value))) => Plain::Float(value),
            (None, None) => Plain::Text,
        },
        Some(_) => Plain::Text,
    }
}

/// Digits that are surely no date, no octal number and no more than 64 bits.
fn short_integer(text: &str) -> Option<i64> {
    const DIGITS_MAX: usize = 18;
    let bytes = text.as_bytes();
    let is_one = bytes.len() <= DIGITS_MAX && bytes.first().is_some_and(|first| (b'1'..=b'9').contains(first));
    if is_one && bytes.iter().all(u8::is_ascii_digit) { text.parse().ok() } else { None }
}

/// The value of a text under a tag that says its type, or what the text is instead.
pub(crate) fn plain_under(tag: Tag, text: &str) -> Result<Plain, Plain> {
    match plain(text) {
        Plain::Int(value) if tag == Tag::Float => Ok(Plain::Float(value as f64)),
        value if value.tag() == tag => Ok(value),
        // Dates are texts under any other tag.
        Plain::Timestamp(_) => Err(Plain::Text),
        other => Err(other),
    }
}

/// Whether go-yaml v2 reads a text as a text, and YAML 1.1 does not read it as a number in base 60.
pub(crate) fn is_text_in_yaml_1_1(text: &str) -> bool {
    match text.as_bytes().first() {
        None => false,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            !is_old_bool(text) && word(text) == Plain::Text
        }
        Some(b'+' | b'-' | b'.' | b'0'..=b'9') => {
            number(text, false).is_none() && Timestamp::parse(text).is_none() && !is_base_60(text)
        }
        Some(_) => true,
    }
}

pub(crate) fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF"
    )
}

fn word(text: &str) -> Plain {
    match text {
        "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        _ => Plain::Text,
    }
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
pub(crate) fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let digits_and_underscores = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let first = parts.next().unwrap_or_default();
    let mut sixtieths = parts.peekable();
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && digits_and_underscores(first)
        && digits_and_underscores(fraction)
        && sixtieths.peek().is_some()
        && sixtieths.all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_scalar_is_what_go_yaml_v3_reads() {
        for (text, value) in [
            ("", Plain::Null),
            ("~", Plain::Null),
            ("True", Plain::Bool(true)),
            ("yes", Plain::Text),
            ("0777", Plain::Int(511)),
            ("0o17", Plain::Int(15)),
            ("08", Plain::Float(8.0)),
            ("0b-101", Plain::Int(-5)),
            ("0o-7", Plain::Int(-7)),
            ("0x", Plain::Text),
            ("1_000", Plain::Int(1000)),
            (".5_0", Plain::Float(0.5)),
            ("._5", Plain::Text),
            ("+18446744073709551615", Plain::Float(18_446_744_073_709_551_615.0)),
            ("18446744073709551615", Plain::UInt(u64::MAX)),
            ("1e999", Plain::Text),
            ("1:30", Plain::Text),
            ("-.Inf", Plain::Float(f64::NEG_INFINITY)),
            ("<<", Plain::Text),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }

    #[test]
    fn a_text_that_yaml_1_1_reads_as_something_else_is_known() {
        for text in ["", "y", "Off", "~", "1:30", "-1:0:59.5_", "0b-1", "2001-01-01", ".5", "0x1F", "null"] {
            assert!(!is_text_in_yaml_1_1(text), "{text}");
        }
        for text in ["yo", "0o-7", "1:60", "1:", "v1", "-", "+", ".", "2001-13-01", "1.2.3", "<<", "="] {
            assert!(is_text_in_yaml_1_1(text), "{text}");
        }
    }
}
