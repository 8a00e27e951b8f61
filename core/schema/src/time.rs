//! Times as Kubernetes reads and writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// How exact a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `metav1.Time`: seconds; a fraction is read and dropped.
    Seconds,
    /// `metav1.MicroTime`: six digits, neither more nor fewer.
    Microseconds,
}

impl Precision {
    /// What stands before each part of a time, and the part, as Go's layouts name it.
    fn layout(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Seconds => {
                &[("", "2006"), ("-", "01"), ("-", "02"), ("T", "15"), (":", "04"), (":", "05"), ("", "Z07:00")]
            }
            Self::Microseconds => &[
                ("", "2006"),
                ("-", "01"),
                ("-", "02"),
                ("T", "15"),
                (":", "04"),
                (":", "05"),
                ("", ".000000"),
                ("", "Z07:00"),
            ],
        }
    }
}

/// The time in UTC, as Kubernetes writes it: `2024-01-01T00:00:00Z`, or `2024-01-01T00:00:00.000000Z`.
///
/// # Errors
/// The message of Go's `time.Parse`, which clients see.
pub fn canonical(text: &str, precision: Precision) -> Result<String, String> {
    let timestamp = read(text, precision)?;
    let format = match precision {
        Precision::Seconds => "%Y-%m-%dT%H:%M:%SZ",
        Precision::Microseconds => "%Y-%m-%dT%H:%M:%S.%6fZ",
    };
    Ok(timestamp.strftime(format).to_string())
}

fn read(text: &str, precision: Precision) -> Result<Timestamp, String> {
    let mut reader = Reader { text, rest: text };
    let mut numbers = [0_i32; 6];
    let (mut nanoseconds, mut offset) = (0, 0);
    for (index, (before, part)) in precision.layout().iter().enumerate() {
        reader.rest = reader.rest.strip_prefix(before).ok_or_else(|| reader.misses(before, precision))?;
        match *part {
            ".000000" => nanoseconds = reader.fraction().ok_or_else(|| reader.misses(part, precision))? * 1000,
            "Z07:00" => offset = reader.offset().ok_or_else(|| reader.misses(part, precision))?,
            _ => {
                let digits = if *part == "2006" {
                    4..=4
                } else if *part == "15" {
                    1..=2
                } else {
                    2..=2
                };
                numbers[index] = reader.number(digits).ok_or_else(|| reader.misses(part, precision))?;
            }
        }
        let range = match *part {
            "01" => ("month", 1..=12),
            "15" => ("hour", 0..=23),
            "04" => ("minute", 0..=59),
            "05" => ("second", 0..=59),
            _ => ("", i32::MIN..=i32::MAX),
        };
        if index < numbers.len() && !range.1.contains(&numbers[index]) {
            return Err(format!("parsing time {text:?}: {} out of range", range.0));
        }
        if *part == "05" && precision == Precision::Seconds {
            reader.skip_fraction();
        }
    }
    if !reader.rest.is_empty() {
        return Err(format!("parsing time {text:?}: extra text: {:?}", reader.rest));
    }
    let out_of_range = |_| format!("parsing time {text:?}: day out of range");
    let [year, month, day, hour, minute, second] = numbers.map(|number| i16::try_from(number).unwrap_or(i16::MAX));
    let small = |number: i16| i8::try_from(number).unwrap_or(i8::MAX);
    let date = DateTime::new(year, small(month), small(day), small(hour), small(minute), small(second), nanoseconds);
    let offset = Offset::from_seconds(offset).map_err(out_of_range)?;
    offset.to_timestamp(date.map_err(out_of_range)?).map_err(out_of_range)
}

/// What is left of a text.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn misses(&self, part: &str, precision: Precision) -> String {
        let layout: String = precision.layout().iter().flat_map(|(before, part)| [*before, *part]).collect();
        format!("parsing time {:?} as {layout:?}: cannot parse {:?} as {part:?}", self.text, self.rest)
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i32> {
        let count = self.rest.bytes().take(*digits.end()).take_while(u8::is_ascii_digit).count();
        let number = self.rest[..count].parse().ok().filter(|_| digits.contains(&count))?;
        self.rest = &self.rest[count..];
        Some(number)
    }

    fn fraction(&mut self) -> Option<i32> {
        let mut ahead = Reader { text: self.text, rest: self.rest.strip_prefix('.')? };
        let number = ahead.number(6..=6)?;
        self.rest = ahead.rest;
        Some(number)
    }

    fn skip_fraction(&mut self) {
        let Some(rest) = self.rest.strip_prefix(['.', ',']) else { return };
        let after = rest.trim_start_matches(|character: char| character.is_ascii_digit());
        if after.len() < rest.len() {
            self.rest = after;
        }
    }

    /// In seconds.
    fn offset(&mut self) -> Option<i32> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Some(0);
        }
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        let mut ahead = Reader { text: self.text, rest: self.rest.strip_prefix(['+', '-'])? };
        let hours = ahead.number(2..=2)?;
        ahead.rest = ahead.rest.strip_prefix(':')?;
        let minutes = ahead.number(2..=2)?;
        self.rest = ahead.rest;
        Some(sign * (hours * 60 + minutes) * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let check = |text, precision, expected: &str| assert_eq!(canonical(text, precision).as_deref(), Ok(expected));
        check("2024-01-01T00:00:00Z", Precision::Seconds, "2024-01-01T00:00:00Z");
        check("2024-01-01T02:00:00.9+02:00", Precision::Seconds, "2024-01-01T00:00:00Z");
        check("2024-01-01T02:00:00.000001+02:30", Precision::Microseconds, "2023-12-31T23:30:00.000001Z");
    }

    /// As kube-apiserver 1.36 answered.
    #[test]
    fn what_is_no_time_is_told_in_the_words_of_go() {
        let check = |text, precision, expected: &str| {
            assert_eq!(canonical(text, precision), Err(format!("parsing time {text:?}{expected}")));
        };
        let seconds = r#" as "2006-01-02T15:04:05Z07:00": cannot parse "#;
        check("x", Precision::Seconds, &format!(r#"{seconds}"x" as "2006""#));
        let micro = r#" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "#;
        check("2024-01-01", Precision::Microseconds, &format!(r#"{micro}"" as "T""#));
        check("2024-01-01T00:00:00Z", Precision::Microseconds, &format!(r#"{micro}"Z" as ".000000""#));
        check("2024-01-01T00:00:00.1Z", Precision::Microseconds, &format!(r#"{micro}".1Z" as ".000000""#));
        check("2024-13-01T00:00:00Z", Precision::Seconds, ": month out of range");
        check("2024-02-30T00:00:00Z", Precision::Seconds, ": day out of range");
    }
}
