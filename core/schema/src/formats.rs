//! The formats of texts that kube-apiserver checks in custom objects.
//!
//! Not checked, though the server does: `bsonobjectid`, `creditcard`, `isbn`, `isbn10`, `isbn13`, `rgbcolor` and `ssn`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use regex::Regex;

/// Whether `text` has the format; a format that is not known here is had by every text.
pub(crate) fn has_format(format: &str, text: &str) -> bool {
    match format.replace('-', "").as_str() {
        "uri" => is_uri(text),
        "email" => EMAIL.is_match(text),
        "hostname" => HOSTNAME.is_match(text) && text.len() <= 255 && text.split('.').all(|label| label.len() <= 63),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "mac" => MAC.is_match(text),
        "uuid" => UUID.is_match(text),
        "uuid3" => UUID.is_match(text) && uuid_version(text) == Some('3'),
        "uuid4" => UUID.is_match(text) && uuid_version(text) == Some('4') && has_uuid_variant(text),
        "uuid5" => UUID.is_match(text) && uuid_version(text) == Some('5') && has_uuid_variant(text),
        "byte" => BASE64.is_match(text),
        "hexcolor" => HEX_COLOR.is_match(text),
        "date" => DATE.is_match(text) && is_day(text),
        "datetime" => DATE_TIME.is_match(text) && is_day(&text[..10]),
        "duration" => DURATION.is_match(text),
        "k8sshortname" => text.len() <= 63 && LABEL.is_match(text),
        "k8slongname" => text.len() <= 253 && text.split('.').all(|segment| LABEL.is_match(segment)),
        _ => true,
    }
}

/// Whether the server knows the format for values of this type. An unknown one means nothing.
pub fn is_known_format(type_: &str, format: &str) -> bool {
    const TEXTS: [&str; 26] = [
        "bsonobjectid",
        "uri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "cidr",
        "mac",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
        "isbn",
        "isbn10",
        "isbn13",
        "creditcard",
        "ssn",
        "hexcolor",
        "rgbcolor",
        "byte",
        "password",
        "date",
        "duration",
        "datetime",
        "k8sshortname",
        "k8slongname",
    ];
    match type_ {
        "" | "string" => TEXTS.contains(&format.replace('-', "").as_str()),
        "integer" => matches!(format, "int32" | "int64"),
        "number" => matches!(format, "float" | "double"),
        _ => false,
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns of this file are tested")
}

static EMAIL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:[^<>@\s]+@[^<>@\s]+|[^<>]*<[^<>@\s]+@[^<>@\s]+>)$"));
static HOSTNAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)",
        r"|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\p{S}\p{L}-]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$"
    ))
});
static MAC: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?i:[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?::[0-9a-f]{2}){7}|(?:-[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){7})|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,3})$",
    )
});
static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"));
static BASE64: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$"));
static HEX_COLOR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"));
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"));
static DATE_TIME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])$",
    )
});
static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"^[+-]?(0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)$",
        r"|^[0-9]+(\.[0-9]+)?\s*(?:ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?",
        r"|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)$"
    ))
});
static LABEL: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"));

/// An absolute URI or an absolute path.
fn is_uri(text: &str) -> bool {
    static SCHEME: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[a-zA-Z][a-zA-Z0-9+.-]*:[^\x00-\x20\x7f]*$"));
    static PATH: LazyLock<Regex> = LazyLock::new(|| pattern(r"^/[^\x00-\x1f\x7f]*$"));
    SCHEME.is_match(text) || PATH.is_match(text)
}

fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

fn uuid_version(text: &str) -> Option<char> {
    text.chars().filter(|character| *character != '-').nth(12)
}

fn has_uuid_variant(text: &str) -> bool {
    text.chars().filter(|character| *character != '-').nth(16).is_some_and(|digit| "89abAB".contains(digit))
}

/// Whether `YYYY-MM-DD` is a day of the calendar.
fn is_day(text: &str) -> bool {
    let part =
        |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(0);
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}
