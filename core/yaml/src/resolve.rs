//! What a scalar means: go-yaml v2's `resolve`, which is YAML 1.1 less base 60.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::timestamp::Timestamp;
use crate::{Reason, Text};

/// A scalar before it becomes a value or a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    String(Text),
}

/// The meaning of `text` under `tag`. Without a tag a plain text is resolved and a quoted one is not; a tag that is not
/// one of YAML's own makes any text a string.
pub(crate) fn resolve(tag: Option<&str>, is_plain: bool, text: Cow<'_, str>) -> Result<Scalar, Reason> {
    let Some(tag) = tag.filter(|tag| !tag.is_empty()) else {
        return Ok(if is_plain { plain(text) } else { Scalar::String(text.into()) });
    };
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some("binary") => decode_base64(&text).map(|text| Scalar::String(text.into())).ok_or(Reason::InvalidBase64),
        Some("bool") => tagged(text, "!!bool", |scalar| matches!(scalar, Scalar::Bool(_))),
        Some("int") => tagged(text, "!!int", |scalar| matches!(scalar, Scalar::Int(_) | Scalar::UInt(_))),
        Some("null") => tagged(text, "!!null", |scalar| matches!(scalar, Scalar::Null)),
        Some("float") => match tagged(text, "!!float", |scalar| matches!(scalar, Scalar::Float(_) | Scalar::Int(_)))? {
            Scalar::Int(integer) => Ok(Scalar::Float(integer as f64)),
            scalar => Ok(scalar),
        },
        Some("timestamp") if Timestamp::parse(&text).is_none() => {
            Err(Reason::WrongTag { found: tag_of(&plain(text.clone())), text: beginning(&text), tag: "!!timestamp" })
        }
        _ => Ok(Scalar::String(text.into())),
    }
}

fn tagged(text: Cow<'_, str>, tag: &'static str, fits: fn(&Scalar) -> bool) -> Result<Scalar, Reason> {
    let start = beginning(&text);
    let scalar = plain(text);
    if fits(&scalar) { Ok(scalar) } else { Err(Reason::WrongTag { found: tag_of(&scalar), text: start, tag }) }
}

fn tag_of(scalar: &Scalar) -> &'static str {
    match scalar {
        Scalar::Null => "!!null",
        Scalar::Bool(_) => "!!bool",
        Scalar::Int(_) | Scalar::UInt(_) => "!!int",
        Scalar::Float(_) => "!!float",
        Scalar::String(_) => "!!str",
    }
}

pub(crate) fn beginning(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn plain(text: Cow<'_, str>) -> Scalar {
    meaning(&text).unwrap_or_else(|| Scalar::String(text.into()))
}

/// What a plain text is when it is more than a text.
fn meaning(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        _ => {
            return number(text, false).map(|number| match number {
                Number::Int(value) => Scalar::Int(value),
                Number::UInt(value) => Scalar::UInt(value),
                Number::Float(value) => Scalar::Float(value),
            });
        }
    })
}

/// Whether go-yaml v2 finds a text in this, or nothing that it can read, when it is written without quotes. So says kyaml,
/// which quotes what is not: the empty text and what has several lines count as texts.
pub fn is_text(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return true;
    }
    let is_indicator =
        |byte: u8| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'/' | b'.' | b'+' | b'~') && byte < 0x80;
    let bytes = text.as_bytes();
    let begins = bytes.first().is_some_and(|byte| is_indicator(*byte)) && !is_negative(bytes);
    let contains = bytes.windows(2).any(|pair| matches!(pair, [b':', b' ' | b'\t'] | [b' ' | b'\t', b'#']));
    let ends = bytes.last().is_some_and(|byte| matches!(byte, b':' | b' ' | b'\t')) || bytes.starts_with(b"...");
    if begins || contains || ends {
        return match crate::read("", bytes, &crate::Limits::default()) {
            Ok(documents) => documents.first().is_some_and(|document| document.root.text().is_some()),
            Err(_) => true,
        };
    }
    meaning(text).is_none()
}

fn is_negative(bytes: &[u8]) -> bool {
    matches!(bytes, [b'-', b'0'..=b'9' | b'.', ..])
}

/// A number as both versions of go-yaml find it in a plain text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    /// Above what `Int` holds.
    UInt(u64),
    Float(f64),
}

/// The number that a plain text means, if it is one; no time is. `loose_octal`: whether a sign may follow `0o`, as in go-yaml v3.
pub(crate) fn number(text: &str, loose_octal: bool) -> Option<Number> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(Number::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(Number::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Number::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    match text.as_bytes().first()? {
        b'.' => float(&without_underscores_between_digits(text)?),
        b'+' | b'-' | b'0'..=b'9' => {
            let digits = if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
            integer(&digits).or_else(|| float(&digits)).or_else(|| signed_behind_base(&digits, loose_octal))
        }
        _ => None,
    }
}

/// `strconv.ParseInt` and `ParseUint` with base 0.
fn integer(text: &str) -> Option<Number> {
    let (negative, signed, digits) = match text.as_bytes() {
        [b'-', ..] => (true, true, &text[1..]),
        [b'+', ..] => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(integer)) => Some(Number::Int(integer)),
        (false, Err(_)) if !signed => Some(Number::UInt(magnitude)),
        (true, _) => 0i64.checked_sub_unsigned(magnitude).map(Number::Int),
        _ => None,
    }
}

/// `0b-1`: go-yaml cuts the base off and reads an integer with its sign.
fn signed_behind_base(text: &str, loose_octal: bool) -> Option<Number> {
    let (radix, digits) = match text.strip_prefix("0b") {
        Some(digits) => (2, digits),
        None => (8, text.strip_prefix("0o").filter(|_| loose_octal)?),
    };
    i64::from_str_radix(digits, radix).ok().map(Number::Int)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, when it is not beyond what a float holds.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_is_one = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_is_one = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    if !mantissa_is_one || !exponent_is_one {
        return None;
    }
    text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Number::Float)
}

/// `strconv.ParseFloat` allows underscores where a digit is on both sides.
fn without_underscores_between_digits(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let is_digit =
        |index: Option<usize>| index.and_then(|index| text.as_bytes().get(index)).is_some_and(u8::is_ascii_digit);
    let between = |(at, _): (usize, &str)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    text.match_indices('_').all(between).then(|| Cow::Owned(text.replace('_', "")))
}

/// The bytes that a text says in base64, as Go's JSON has them.
pub(crate) fn decode_base64(text: &str) -> Option<String> {
    const ENGINE: GeneralPurpose =
        GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    ENGINE.decode(digits).map(|bytes| to_go_json(&bytes)).ok()
}

/// Bytes as Go's JSON writes them: a replacement character for each byte that is part of no UTF-8 character.
fn to_go_json(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::with_capacity(bytes.len()), |mut text, chunk| {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
        text
    })
}
