//! Quantities, compared.

use thalweg_schema::quantity::canonical;

const SUFFIXES: [(&str, i128, u32); 16] = [
    ("Ki", 1024, 1),
    ("Mi", 1024, 2),
    ("Gi", 1024, 3),
    ("Ti", 1024, 4),
    ("Pi", 1024, 5),
    ("Ei", 1024, 6),
    ("n", 10, 0),
    ("u", 10, 3),
    ("m", 10, 6),
    ("", 10, 9),
    ("k", 10, 12),
    ("M", 10, 15),
    ("G", 10, 18),
    ("T", 10, 21),
    ("P", 10, 24),
    ("E", 10, 27),
];

/// How many billionths a quantity is: to compare it with others. None when the text is no quantity.
pub(crate) fn billionths(text: &str) -> Option<i128> {
    let canonical = canonical(text).ok()?;
    let end = canonical.find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '+' | '.')).unwrap_or(canonical.len());
    let (number, suffix) = canonical.split_at(end);
    let (number, exponent) = match suffix.strip_prefix('e') {
        Some(exponent) => (number.parse::<i128>().ok()?, exponent.parse::<i32>().ok()?),
        None => {
            let (_, base, power) = SUFFIXES.iter().find(|(name, ..)| *name == suffix)?;
            let scale = if *base == 1024 { 1_000_000_000 } else { 1 };
            return number.parse::<i128>().ok()?.checked_mul(base.checked_pow(*power)? * scale);
        }
    };
    number.checked_mul(10_i128.checked_pow(u32::try_from(exponent.checked_add(9)?).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_compared_by_their_amount() {
        for (less, more) in [("1", "2"), ("999m", "1"), ("1000Mi", "1Gi"), ("-1", "0"), ("1e3", "1001"), ("1k", "1Ki")]
        {
            assert!(billionths(less) < billionths(more), "{less} {more}");
        }
        assert_eq!(billionths("1e3"), billionths("1k"));
        assert_eq!(billionths("x"), None);
    }
}
