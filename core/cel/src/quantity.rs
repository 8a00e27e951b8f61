//! Kubernetes' quantities: `500m`, `1.5Gi`, `2e3`.

use std::cmp::Ordering;

/// A quantity, exact to a thousand-millionth: a whole number of `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i128);

const NANO: i128 = 1_000_000_000;
/// Digits that are read, at most.
const DIGITS_MAX: usize = 27;

impl Quantity {
    pub(crate) fn whole(number: i64) -> Self {
        Self(i128::from(number) * NANO)
    }

    /// Reads a quantity; smaller fractions than `n` are rounded up.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > DIGITS_MAX {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let (base, exponent) = scale(suffix)?;
        let shift = exponent.checked_add(9)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let scaled = digits.checked_mul(base)?;
        let nano = if shift >= 0 {
            scaled.checked_mul(10_i128.checked_pow(shift.unsigned_abs())?)?
        } else {
            match 10_i128.checked_pow(shift.unsigned_abs()) {
                Some(divisor) => scaled / divisor + i128::from(scaled % divisor != 0),
                None => i128::from(scaled != 0),
            }
        };
        Some(Self(if negative { -nano } else { nano }))
    }

    pub(crate) fn sign(self) -> i64 {
        self.compare(Self(0))
    }

    pub(crate) fn compare(self, other: Self) -> i64 {
        match self.cmp(&other) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The number, when it is a whole one that fits.
    pub(crate) fn as_integer(self) -> Option<i64> {
        (self.0 % NANO == 0).then(|| i64::try_from(self.0 / NANO).ok()).flatten()
    }

    pub(crate) fn as_float(self) -> f64 {
        self.0 as f64 / NANO as f64
    }
}

/// A factor and a power of ten.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    let binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter().position(|known| *known == suffix);
    if let Some(power) = binary {
        return Some((1 << (10 * power), 0));
    }
    let decimal = [("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    if let Some((_, exponent)) = decimal.iter().find(|(known, _)| *known == suffix) {
        return Some((1, *exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    exponent.parse().ok().map(|exponent| (1, exponent))
}
