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
    with_exponent(&format!("{float:e}"), || format!("{float}"))
}

/// A finite float as Go's encoding/json writes it: without an exponent from a millionth up to 10²¹.
pub(crate) fn json(float: f64) -> String {
    if float == 0.0 || (1e-6..1e21).contains(&float.abs()) {
        return format!("{float}");
    }
    let scientific = format!("{float:e}");
    if float.abs() < 1.0 { scientific } else { scientific.replace('e', "e+") }
}

/// A finite float as it is printed after it was JSON: an integer where it is one that 64 bits hold, and otherwise
/// `strconv.FormatFloat(float, 'g', -1, 64)`.
pub(crate) fn printed(float: f64) -> String {
    let json = json(float);
    if let Ok(integer) = json.parse::<i64>() {
        return integer.to_string();
    }
    if json.parse::<u64>().is_ok() {
        return json;
    }
    with_exponent(&format!("{float:e}"), || json)
}

/// A finite float as `strconv.FormatFloat(float, 'g', -1, 64)`.
pub(crate) fn general(float: f64) -> String {
    with_exponent(&format!("{float:e}"), || format!("{float}"))
}

/// Go's `%g` with the shortest digits: an exponent below -4 and from 6 on.
fn with_exponent(scientific: &str, decimal: impl FnOnce() -> String) -> String {
    let (mantissa, exponent) = scientific.split_once('e').expect("the e format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    if (-4..6).contains(&exponent) {
        return decimal();
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
    fn a_float_is_printed_as_go_prints_it_after_json() {
        for (float, in_json, in_yaml) in [
            (5.0, "5", "5"),
            (-0.0, "-0", "0"),
            (1e20, "100000000000000000000", "1e+20"),
            (1e19, "10000000000000000000", "10000000000000000000"),
            (-1e19, "-10000000000000000000", "-1e+19"),
            (1e21, "1e+21", "1e+21"),
            (1e-7, "1e-7", "1e-07"),
            (0.000_001, "0.000001", "1e-06"),
            (0.000_1, "0.0001", "0.0001"),
            (123_456.5, "123456.5", "123456.5"),
            (1_234_567.5, "1234567.5", "1.2345675e+06"),
        ] {
            assert_eq!((json(float), printed(float)), (in_json.to_owned(), in_yaml.to_owned()));
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
