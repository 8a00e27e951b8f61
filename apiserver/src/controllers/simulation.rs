//! How a workload fares, as its annotation `thalweg.dev/simulate` says.
//!
//! | value | the workload |
//! | --- | --- |
//! | (none) | is ready after the server's delay |
//! | `ready-after=DURATION` | is ready after this delay, such as `5s`, `1m30s` or `250ms` |
//! | `fail` | fails after the server's delay; of a kind that knows no failure: is never ready |
//! | `never` | is never ready |
//!
//! The delay counts from when this generation of the object was first seen. Any other value is as good as none.

use std::time::Duration;

use serde_json::Value;

const ANNOTATION: &str = "thalweg.dev/simulate";

/// How far a workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// On its way.
    Progressing,
    /// Where it should be.
    Ready,
    /// Where it should not be.
    Failed,
}

/// The phase of an object that has been as it is for `age`, and how long until the next one.
pub(super) fn phase(object: &Value, age: Duration, usual_delay: Duration) -> (Phase, Option<Duration>) {
    let annotation = object["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or_default();
    let (delay, then) = match annotation.split_once('=').unwrap_or((annotation, "")) {
        ("never", _) => return (Phase::Progressing, None),
        ("fail", _) => (usual_delay, Phase::Failed),
        ("ready-after", text) => (duration(text).unwrap_or(usual_delay), Phase::Ready),
        _ => (usual_delay, Phase::Ready),
    };
    match delay.checked_sub(age) {
        Some(rest) if !rest.is_zero() => (Phase::Progressing, Some(rest)),
        _ => (then, None),
    }
}

/// Reads a duration in whole numbers, such as `1h30m` or `500ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|character: char| character.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let part = Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(milliseconds)?);
        total = total.checked_add(part)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_workload_fares_as_its_annotation_says() {
        let ten = Duration::from_secs(10);
        for (annotation, age, expected) in [
            ("", 0, (Phase::Progressing, Some(10))),
            ("", 9, (Phase::Progressing, Some(1))),
            ("", 10, (Phase::Ready, None)),
            ("never", 100, (Phase::Progressing, None)),
            ("fail", 4, (Phase::Progressing, Some(6))),
            ("fail", 10, (Phase::Failed, None)),
            ("ready-after=5s", 4, (Phase::Progressing, Some(1))),
            ("ready-after=1m30s", 4, (Phase::Progressing, Some(86))),
            ("ready-after=0s", 0, (Phase::Ready, None)),
            ("ready-after=soon", 4, (Phase::Progressing, Some(6))),
            ("whatever", 10, (Phase::Ready, None)),
        ] {
            let object = json!({"metadata": {"annotations": {ANNOTATION: annotation}}});
            let (phase, rest) = phase(&object, Duration::from_secs(age), ten);
            assert_eq!((phase, rest.map(|rest| rest.as_secs())), expected, "{annotation:?} at {age}");
        }
    }
}
