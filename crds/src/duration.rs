//! Durations as Go writes them: `1h30m`, `1m0s`, `500ms`.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration whose text is that of Go's `time.Duration`; reads as a [`Duration`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(Duration);

/// A text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration such as 1h30m, 45s or 500ms")]
pub struct InvalidDuration(String);

/// The longest duration that Go can hold, in nanoseconds: about 292 years.
const NANOSECONDS_MAX: u128 = i64::MAX as u128;

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
];
const HOUR: u64 = 3_600_000_000_000;

impl GoDuration {
    /// A duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<GoDuration> for Duration {
    fn from(duration: GoDuration) -> Self {
        duration.0
    }
}

impl Deref for GoDuration {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl FromStr for GoDuration {
    type Err = InvalidDuration;

    /// Reads a Go duration without a sign.
    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let invalid = || InvalidDuration(text.to_owned());
        if text == "0" {
            return Ok(Self::default());
        }
        if text.is_empty() {
            return Err(invalid());
        }
        let mut nanoseconds: u128 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (whole, after) = digits(rest);
            let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
            let unit = &after[..after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len())];
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            nanoseconds += scaled(whole, fraction, nanoseconds_in(unit).ok_or_else(invalid)?).ok_or_else(invalid)?;
            if nanoseconds > NANOSECONDS_MAX {
                return Err(invalid());
            }
            rest = &after[unit.len()..];
        }
        let nanoseconds = u64::try_from(nanoseconds).map_err(|_| invalid())?;
        Ok(Self(Duration::from_nanos(nanoseconds)))
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn nanoseconds_in(unit: &str) -> Option<u64> {
    if unit == "h" {
        return Some(HOUR);
    }
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanoseconds)| *nanoseconds)
}

fn scaled(whole: &str, fraction: &str, unit: u64) -> Option<u128> {
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(u128::from(unit))?;
    let mut unit = u128::from(unit) * 1_000_000_000;
    for digit in fraction.bytes().take(18) {
        unit /= 10;
        total = total.checked_add(u128::from(digit - b'0') * unit / 1_000_000_000)?;
    }
    Some(total)
}

impl fmt::Display for GoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.as_nanos();
        match nanoseconds {
            0 => return formatter.write_str("0s"),
            1..1_000 => return write!(formatter, "{nanoseconds}ns"),
            1_000..1_000_000 => return write!(formatter, "{}µs", decimal(nanoseconds, 1_000)),
            1_000_000..1_000_000_000 => return write!(formatter, "{}ms", decimal(nanoseconds, 1_000_000)),
            _ => {}
        }
        let seconds = self.0.as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        if hours > 0 {
            write!(formatter, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(formatter, "{minutes}m")?;
        }
        write!(formatter, "{}s", decimal(nanoseconds % 60_000_000_000, 1_000_000_000))
    }
}

/// `value / unit` without trailing zeros.
fn decimal(value: u128, unit: u128) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = (unit.ilog10()) as usize;
    format!("{whole}.{}", format!("{fraction:0digits$}").trim_end_matches('0'))
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, nanoseconds: u64, canonical: &str) {
        let duration: GoDuration = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(duration.get(), Duration::from_nanos(nanoseconds), "{text}");
        assert_eq!(duration.to_string(), canonical, "{text}");
    }

    #[test]
    fn a_duration_reads_and_prints_as_in_go() {
        check("1m0s", 60_000_000_000, "1m0s");
        check("60s", 60_000_000_000, "1m0s");
        check("1h30m", 5_400_000_000_000, "1h30m0s");
        check("500ms", 500_000_000, "500ms");
        check("1.5s", 1_500_000_000, "1.5s");
        check("1.5h", 5_400_000_000_000, "1h30m0s");
        check(".5s", 500_000_000, "500ms");
        check("1.s", 1_000_000_000, "1s");
        check("0s", 0, "0s");
        check("0", 0, "0s");
        check("2h0.25s", 7_200_250_000_000, "2h0m0.25s");
        check("1s30m", 1_801_000_000_000, "30m1s");
        check("1500us", 1_500_000, "1.5ms");
        check("15ns", 15, "15ns");
        check("1.000000001s", 1_000_000_001, "1.000000001s");
        check("2562047h47m16.854775807s", i64::MAX as u64, "2562047h47m16.854775807s");
    }

    #[test]
    fn a_text_that_go_refuses_is_refused() {
        for text in ["", "1", "s", ".s", "1x", "-1s", "1 s", "1m 2s", "1d", "9999999h", "99999999999999999999999h"] {
            assert_eq!(text.parse::<GoDuration>(), Err(InvalidDuration(text.to_owned())));
        }
    }
}
