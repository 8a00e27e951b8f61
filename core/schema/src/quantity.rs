//! Quantities: `1500m`, `2Gi`, `1e3`.

/// Why a text is no quantity. The words are Kubernetes'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It is not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The suffix means nothing.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// The suffixes of tens and the power of ten of each; of thousands of 1024 likewise.
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];

/// The least power of ten that is kept: what is smaller is rounded up.
const EXPONENT_MIN: i32 = -9;
/// Digits of a number that Kubernetes handles as an integer, and writes as it was if it is canonical already.
const PLAIN_DIGITS_MAX: i32 = 18;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Suffix {
    Decimal(i32),
    Exponent(i32),
    /// Powers of 1024.
    Binary(u32),
}

struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

/// A quantity as Kubernetes writes it: `1000m` becomes `1`, `1.5Gi` becomes `1536Mi`, `0.5` becomes `500m`.
///
/// Numbers beyond 38 digits, and powers of ten beyond what an `i32` holds, stay as they are.
///
/// # Errors
/// When the text is not a quantity.
pub fn canonical(text: &str) -> Result<String, QuantityError> {
    let text = text.trim();
    let parts = parts(text)?;
    let suffix = suffix(parts.suffix)?;
    if is_plain(&parts, suffix) {
        return Ok(text.to_string());
    }
    Ok(write(&parts, suffix).unwrap_or_else(|| text.to_string()))
}

fn parts(text: &str) -> Result<Parts<'_>, QuantityError> {
    let digits = |text: &str| text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, rest) = unsigned.split_at(digits(unsigned));
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    let after_letters = suffix.trim_start_matches(|letter| "eEinumkKMGTP".contains(letter));
    let exponent = after_letters.strip_prefix(['+', '-']).unwrap_or(after_letters);
    if text.is_empty() || digits(exponent) < exponent.len() {
        return Err(QuantityError::Format);
    }
    Ok(Parts { negative: text.starts_with('-'), whole: whole.trim_start_matches('0'), fraction, suffix })
}

fn suffix(suffix: &str) -> Result<Suffix, QuantityError> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Ok(Suffix::Decimal(*exponent));
    }
    if let Some((_, exponent)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Ok(Suffix::Binary(*exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse().ok());
    exponent.map(Suffix::Exponent).ok_or(QuantityError::Suffix)
}

/// Whether Kubernetes finds it canonical at a glance, and writes it as it was (`+5` and `010` among them).
fn is_plain(parts: &Parts<'_>, suffix: Suffix) -> bool {
    let whole = if parts.whole.is_empty() { "0" } else { parts.whole };
    let digits = format!("{whole}{}", parts.fraction);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    match suffix {
        Suffix::Decimal(exponent) | Suffix::Exponent(exponent) => {
            let exponent = exponent.saturating_sub(i32::try_from(parts.fraction.len()).unwrap_or(i32::MAX));
            let canonical = exponent % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0');
            count <= PLAIN_DIGITS_MAX && exponent >= EXPONENT_MIN && canonical
        }
        Suffix::Binary(exponent) => {
            let exponent = i32::try_from(exponent * 10).unwrap_or(i32::MAX);
            let digits_left = 15 - count - exponent * 3 / 10 - 1;
            let odd = digits.parse().is_ok_and(|value: u64| !value.is_multiple_of(8));
            parts.fraction.is_empty() && digits_left >= 0 && odd
        }
    }
}

/// Nothing when the number is beyond what an i128 holds.
fn write(parts: &Parts<'_>, suffix: Suffix) -> Option<String> {
    let digits = format!("0{}{}", parts.whole, parts.fraction);
    let mut amount: i128 = digits.parse().ok()?;
    let mut exponent = -i32::try_from(parts.fraction.len()).ok()?;
    match suffix {
        Suffix::Decimal(more) | Suffix::Exponent(more) => exponent = exponent.checked_add(more)?,
        Suffix::Binary(thousands) => amount = amount.checked_mul(1024_i128.checked_pow(thousands)?)?,
    }
    if amount == 0 {
        return Some("0".to_string());
    }
    while exponent < EXPONENT_MIN && amount > 1 {
        amount = amount / 10 + i128::from(amount % 10 != 0);
        exponent += 1;
    }
    exponent = exponent.max(EXPONENT_MIN);
    let sign = if parts.negative { "-" } else { "" };
    if let (Suffix::Binary(_), Some(whole)) = (suffix, whole(amount, exponent)) {
        return Some(format!("{sign}{}", write_binary(whole)));
    }
    while amount % 10 == 0 {
        amount /= 10;
        exponent = exponent.checked_add(1)?;
    }
    while exponent % 3 != 0 {
        amount = amount.checked_mul(10)?;
        exponent -= 1;
    }
    let suffix = match suffix {
        Suffix::Exponent(_) if exponent == 0 => String::new(),
        Suffix::Exponent(_) => format!("e{exponent}"),
        _ => DECIMAL.iter().find(|(_, power)| *power == exponent)?.0.to_string(),
    };
    Some(format!("{sign}{amount}{suffix}"))
}

/// The amount without a fraction, if it has none and is large enough for a binary suffix.
fn whole(amount: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    let exact = exponent >= 0 || amount % power == 0;
    let whole = if exponent >= 0 { amount.checked_mul(power)? } else { amount / power };
    (exact && whole >= 1024).then(|| whole.min(i128::from(i64::MAX)))
}

fn write_binary(mut amount: i128) -> String {
    let mut thousands = 0;
    while amount % 1024 == 0 && thousands < BINARY.len() {
        amount /= 1024;
        thousands += 1;
    }
    let suffix = thousands.checked_sub(1).map_or("", |index| BINARY[index].0);
    format!("{amount}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kube-apiserver 1.36 answered; that the limits and requests of containers are rounded up to thousandths is one of
    /// their defaults, and not done here.
    #[test]
    fn quantities_are_written_as_kubernetes_writes_them() {
        let cases = "1000m=1 1500m=1500m 0.5=500m 1.5Gi=1536Mi 1024=1024 1e3=1e3 12e6=12e6 0.1m=100u 100000Ki=100000Ki \
            1e-3=1e-3 +5=+5 1000k=1M 3.0=3 1E=1E 1Ei=1Ei 1023Ki=1023Ki 0.5Ki=512 010=010 1e19=10e18 1000.0=1k 0.25=250m -1=-1 \
            0=0 0Gi=0 1024Mi=1Gi 1000=1k 2048Ki=2Mi 0.0000000001=1n 1.1Ki=1126400m 1e-20=1e-9 20e-15=1e-9 \
            1e-300=1e-9";
        for case in cases.split_whitespace() {
            let (text, expected) = case.split_once('=').unwrap();
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    /// Kubernetes gives the same answer for 1e-300, and none to these within seconds.
    #[test]
    fn exponents_beyond_reason_are_answered_at_once() {
        for (text, expected) in
            [("1e-2147483648", "1e-9"), ("20e-2147483640", "1e-9"), ("10e2147483647", "10e2147483647")]
        {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_told_in_kubernetes_words() {
        for text in ["x", "1x", "", "true", "{}", "1.2.3", "1 Gi"] {
            assert_eq!(canonical(text), Err(QuantityError::Format), "{text}");
        }
        for text in ["1ki", "1K", "1mm", "1Ke"] {
            assert_eq!(canonical(text), Err(QuantityError::Suffix), "{text}");
        }
    }
}
