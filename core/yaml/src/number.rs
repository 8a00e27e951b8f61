//! Numbers as Go writes them.

use serde_json::Value;

/// A finite float as it arrives at the other end of Go's JSON: the shortest digits, without a fraction where there is
/// none, read as an integer where that fits `i64`.
pub(crate) fn to_json(float: f64) -> Value {
    if float.abs() < 1e21
        && let Ok(integer) = format!("{float}").parse::<i64>()
    {
        return integer.into();
    }
    float.into()
}

/// A float used as a key: `strconv.FormatFloat(float, 'g', -1, 32)`, infinities and not-a-number in YAML's words.
pub(crate) fn to_key(float: f64) -> String {
    let float = float as f32;
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("the e format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    if (-4..6).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_without_fraction_becomes_an_integer_of_its_shortest_digits() {
        for (float, json) in [
            (1.0, "1"),
            (-0.0, "0"),
            (1e3, "1000"),
            (1.5, "1.5"),
            (1_234_567_890_123_456_789.0, "1234567890123456800"),
            (9_223_372_036_854_775_808.0, "9.223372036854776e18"),
            (1e21, "1e21"),
            (1e-7, "1e-7"),
        ] {
            assert_eq!(to_json(float).to_string().replace("e+", "e"), json);
        }
    }

    #[test]
    fn a_float_as_a_key_is_written_as_go_writes_a_short_float() {
        for (float, key) in [
            (0.1, "0.1"),
            (1000.0, "1000"),
            (100_000.5, "100000.5"),
            (1_000_000.5, "1.0000005e+06"),
            (1e20, "1e+20"),
            (1e-5, "1e-05"),
            (-1.5, "-1.5"),
            (1e300, ".inf"),
            (f64::NEG_INFINITY, "-.inf"),
            (f64::NAN, ".nan"),
        ] {
            assert_eq!(to_key(float), key);
        }
    }
}
