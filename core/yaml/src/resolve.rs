//! What a scalar means: go-yaml v2's `resolve`, which is YAML 1.1 less base 60.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Reason;

/// A scalar before it becomes a value or a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    String(String),
}

/// The meaning of `text` under `tag`. Without a tag a plain text is resolved and a quoted one is not; a tag that is not
/// one of YAML's own makes any text a string.
pub(crate) fn resolve(tag: Option<&str>, is_plain: bool, text: String) -> Result<Scalar, Reason> {
    let Some(tag) = tag.filter(|tag| !tag.is_empty()) else {
        return Ok(if is_plain { plain(text) } else { Scalar::String(text) });
    };
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some("binary") => STANDARD
            .decode(text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect::<Vec<_>>())
            .map(|bytes| Scalar::String(to_go_json(&bytes)))
            .map_err(|_| Reason::InvalidBase64),
        Some("bool") => tagged(text, "!!bool", |scalar| matches!(scalar, Scalar::Bool(_))),
        Some("int") => tagged(text, "!!int", |scalar| matches!(scalar, Scalar::Int(_) | Scalar::UInt(_))),
        Some("null") => tagged(text, "!!null", |scalar| matches!(scalar, Scalar::Null)),
        Some("float") => match tagged(text, "!!float", |scalar| matches!(scalar, Scalar::Float(_) | Scalar::Int(_)))? {
            Scalar::Int(integer) => Ok(Scalar::Float(integer as f64)),
            scalar => Ok(scalar),
        },
        Some("timestamp") if !is_timestamp(&text) => {
            Err(Reason::WrongTag { found: tag_of(&plain(text.clone())), text: beginning(&text), tag: "!!timestamp" })
        }
        _ => Ok(Scalar::String(text)),
    }
}

fn tagged(text: String, tag: &'static str, fits: fn(&Scalar) -> bool) -> Result<Scalar, Reason> {
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

fn beginning(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn plain(text: String) -> Scalar {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    number(&text).unwrap_or(Scalar::String(text))
}

fn number(text: &str) -> Option<Scalar> {
    match text.as_bytes().first()? {
        b'.' => float(text),
        b'+' | b'-' | b'0'..=b'9' => {
            if is_timestamp(text) {
                return None;
            }
            let digits = if text.contains('_') { &text.replace('_', "") } else { text };
            integer(digits).or_else(|| float(digits))
        }
        _ => None,
    }
}

/// `strconv.ParseInt` and `ParseUint` with base 0.
fn integer(text: &str) -> Option<Scalar> {
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
        (false, Ok(integer)) => Some(Scalar::Int(integer)),
        (false, Err(_)) if !signed => Some(Scalar::UInt(magnitude)),
        (true, _) => 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int),
        _ => None,
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, when it is not beyond what a float holds.
fn float(text: &str) -> Option<Scalar> {
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
    text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Scalar::Float)
}

/// Whether go-yaml reads the text as a time: `2006-1-2`, alone or followed by `T15:4:5.999Z07:00` or ` 15:4:5.999`.
fn is_timestamp(text: &str) -> bool {
    let mut rest = text;
    let Some(year) = take_number(&mut rest, 4, 4) else { return false };
    let Some(month @ 1..=12) = take('-', &mut rest).and_then(|()| take_number(&mut rest, 1, 2)) else { return false };
    let Some(day) = take('-', &mut rest).and_then(|()| take_number(&mut rest, 1, 2)) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=days).contains(&day) {
        return false;
    }
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => take_clock(&rest[1..]).is_some_and(is_zone),
        Some(b' ') => take_clock(&rest[1..]).is_some_and(str::is_empty),
        Some(_) => false,
    }
}

fn take_clock(text: &str) -> Option<&str> {
    let mut rest = text;
    take_number(&mut rest, 1, 2).filter(|hour| *hour < 24)?;
    for _ in 0..2 {
        take(':', &mut rest)?;
        take_number(&mut rest, 1, 2).filter(|sixtieth| *sixtieth < 60)?;
    }
    if take('.', &mut rest).is_some() {
        let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        (end > 0).then_some(())?;
        rest = &rest[end..];
    }
    Some(rest)
}

fn is_zone(text: &str) -> bool {
    let mut rest = text;
    match rest.as_bytes().first() {
        Some(b'Z') => rest.len() == 1,
        Some(b'+' | b'-') => {
            rest = &rest[1..];
            let hours = take_number(&mut rest, 2, 2).is_some_and(|hours| hours <= 24);
            hours
                && take(':', &mut rest).is_some()
                && take_number(&mut rest, 2, 2).is_some_and(|minutes| minutes <= 60)
                && rest.is_empty()
        }
        _ => false,
    }
}

fn take(character: char, rest: &mut &str) -> Option<()> {
    *rest = rest.strip_prefix(character)?;
    Some(())
}

fn take_number(rest: &mut &str, digits_min: usize, digits_max: usize) -> Option<u32> {
    let digits = rest.bytes().take(digits_max).take_while(u8::is_ascii_digit).count();
    if digits < digits_min {
        return None;
    }
    let (number, after) = rest.split_at(digits);
    *rest = after;
    number.parse().ok()
}

/// Bytes as Go's JSON writes them: a replacement character for each byte that is part of no UTF-8 character.
fn to_go_json(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::with_capacity(bytes.len()), |mut text, chunk| {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
        text
    })
}
