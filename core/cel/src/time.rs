//! Durations as Go reads them, and points in time.

use std::fmt;

use jiff::SignedDuration;

/// A length of time, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Duration(i64);

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(jiff::Timestamp);

impl Duration {
    /// Reads `1h30m`, `-1.5s`, `0` and so on.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, mut rest) = match text.as_bytes().first()? {
            b'-' => (-1.0, &text[1..]),
            b'+' => (1.0, &text[1..]),
            _ => (1.0, text),
        };
        if rest == "0" {
            return Some(Self(0));
        }
        let is_digit = |character: char| character.is_ascii_digit() || character == '.';
        let mut nanoseconds = 0.0;
        loop {
            let (number, tail) = rest.split_at(rest.find(|character| !is_digit(character))?);
            let (unit, tail) = tail.split_at(tail.find(is_digit).unwrap_or(tail.len()));
            let nanoseconds_each = match unit {
                "ns" => 1.0,
                "us" | "µs" | "μs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" => 60e9,
                "h" => 3600e9,
                _ => return None,
            };
            nanoseconds += number.parse::<f64>().ok()? * nanoseconds_each;
            if tail.is_empty() {
                return Some(Self((sign * nanoseconds).round() as i64));
            }
            rest = tail;
        }
    }

    pub(crate) fn nanoseconds(self) -> i64 {
        self.0
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub(crate) fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Timestamp {
    /// Reads RFC 3339.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0.as_second()
    }

    pub(crate) fn later(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_nanos(duration.0)).ok().map(Self)
    }

    pub(crate) fn since(self, other: Self) -> Option<Duration> {
        i64::try_from(self.0.duration_since(other.0).as_nanos()).ok().map(Duration)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
