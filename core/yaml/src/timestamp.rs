//! Times as go-yaml reads them and Go's JSON writes them.

use std::fmt;

/// A time: `2006-1-2`, alone or followed by `T15:4:5.999Z07:00` or ` 15:4:5.999`. Prints as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// Minutes east of Greenwich.
    offset: i32,
}

impl Timestamp {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let year = take_number(&mut rest, 4, 4)?;
        take('-', &mut rest)?;
        let month = take_number(&mut rest, 1, 2).filter(|month| (1..=12).contains(month))?;
        take('-', &mut rest)?;
        let day = take_number(&mut rest, 1, 2).filter(|day| (1..=days_of(year, month)).contains(day))?;
        let mut time = Self { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
        match rest.as_bytes().first() {
            None => return Some(time),
            Some(b'T' | b't') => {
                rest = &rest[1..];
                time.take_clock(&mut rest)?;
                time.offset = take_zone(&mut rest)?;
            }
            Some(b' ') => {
                rest = rest.trim_start_matches(' ');
                time.take_clock(&mut rest)?;
            }
            Some(_) => return None,
        }
        rest.is_empty().then_some(time)
    }

    fn take_clock(&mut self, rest: &mut &str) -> Option<()> {
        self.hour = take_number(rest, 1, 2).filter(|hour| *hour < 24)?;
        take(':', rest)?;
        self.minute = take_number(rest, 1, 2).filter(|minute| *minute < 60)?;
        take(':', rest)?;
        self.second = take_number(rest, 1, 2).filter(|second| *second < 60)?;
        self.nanosecond = take_fraction(rest);
        Some(())
    }

    /// Whether RFC 3339 can say it: the zone is less than a day away.
    pub(crate) fn has_short_offset(&self) -> bool {
        self.offset.abs() < 24 * 60
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, nanosecond, offset } = self;
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if *nanosecond > 0 {
            write!(formatter, ".{}", format!("{nanosecond:09}").trim_end_matches('0'))?;
        }
        if *offset == 0 {
            return formatter.write_str("Z");
        }
        let (sign, minutes) = (if *offset < 0 { '-' } else { '+' }, offset.abs());
        write!(formatter, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn days_of(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The digits behind a point or a comma, as billionths; those beyond nine are dropped.
fn take_fraction(rest: &mut &str) -> u32 {
    let Some(fraction) = rest.strip_prefix(['.', ',']) else { return 0 };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return 0;
    }
    let (digits, after) = fraction.split_at(digits);
    *rest = after;
    digits.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// `Z` or `±hh:mm`, in minutes. Go allows 24 hours and 60 minutes.
fn take_zone(rest: &mut &str) -> Option<i32> {
    if take('Z', rest).is_some() {
        return Some(0);
    }
    let sign = if take('-', rest).is_some() { -1 } else { take('+', rest).map(|()| 1)? };
    let hours = take_number(rest, 2, 2).filter(|hours| *hours <= 24)?;
    take(':', rest)?;
    let minutes = take_number(rest, 2, 2).filter(|minutes| *minutes <= 60)?;
    Some(sign * i32::try_from(hours * 60 + minutes).ok()?)
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

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn a_time_prints_as_go_writes_it_in_json() {
        for (text, expected) in [
            ("2001-12-14", "2001-12-14T00:00:00Z"),
            ("2001-2-3", "2001-02-03T00:00:00Z"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00"),
            ("2001-12-14T1:2:3Z", "2001-12-14T01:02:03Z"),
            ("2001-12-14T01:02:03+00:00", "2001-12-14T01:02:03Z"),
            ("2001-12-14   21:59:43,5", "2001-12-14T21:59:43.5Z"),
            ("2001-12-14 21:59:43.0123456789", "2001-12-14T21:59:43.012345678Z"),
            ("2004-02-29", "2004-02-29T00:00:00Z"),
            ("2001-2-3 4:5:6,50", "2001-02-03T04:05:06.5Z"),
            ("2001-2-3t4:5:6.1234567899-00:00", "2001-02-03T04:05:06.123456789Z"),
            ("2001-12-14T1:2:3+01:60", "2001-12-14T01:02:03+02:00"),
            ("2000-02-29T00:00:00-03:30", "2000-02-29T00:00:00-03:30"),
        ] {
            assert_eq!(Timestamp::parse(text).map(|time| time.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "2001-02-29",
            "2001-13-14",
            "01-12-14",
            "2001-12-14T1:2",
            "2001-12-14T21:59:43",
            "2001-12-14 21:59:43Z",
            "2001-12-14 24:00:00",
            "2001-1-1 ",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
