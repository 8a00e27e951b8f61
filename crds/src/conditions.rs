//! Conditions: their types, and how a list of them is read and changed.
//!
//! A condition keeps the time at which its status changed last: [`set`] renews it only then, so a status that says the
//! same again is equal to the one before. [`sort`] puts a list in the order in which Flux's sources write it.

use jiff::{Timestamp, Unit};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The object is as its spec asks, in the cluster; every kind has it.
pub const READY: &str = "Ready";
/// The controller works on the object; absent when it does not.
pub const RECONCILING: &str = "Reconciling";
/// The controller stopped and waits for the spec to change; absent when it did not.
pub const STALLED: &str = "Stalled";
/// Kustomization: the last health check of its objects.
pub const HEALTHY: &str = "Healthy";
/// Source: the artifact is in the storage.
pub const ARTIFACT_IN_STORAGE: &str = "ArtifactInStorage";
/// Source: a newer revision than the artifact's was seen.
pub const ARTIFACT_OUTDATED: &str = "ArtifactOutdated";
/// Source: the last fetch failed.
pub const FETCH_FAILED: &str = "FetchFailed";
/// HelmChart: the last build failed.
pub const BUILD_FAILED: &str = "BuildFailed";
/// Source: the storage failed.
pub const STORAGE_OPERATION_FAILED: &str = "StorageOperationFailed";
/// GitRepository: a repository that `spec.include` names is not available.
pub const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
/// Source: the signature of the revision was verified.
pub const SOURCE_VERIFIED: &str = "SourceVerified";

/// The status of a condition that holds.
pub const TRUE: &str = "True";
/// The status of a condition that does not hold.
pub const FALSE: &str = "False";
/// The status of a condition that nobody knows yet.
pub const UNKNOWN: &str = "Unknown";

/// The longest message that Flux writes, in characters.
pub const MESSAGE_CHARACTERS_MAX: usize = 20_000;

/// A condition as a controller states it; when it changed is for [`set`] to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// One of the types above.
    pub type_: &'a str,
    /// [`TRUE`], [`FALSE`] or [`UNKNOWN`].
    pub status: &'a str,
    /// One of [`crate::reasons`].
    pub reason: &'a str,
    /// For people; cut at [`MESSAGE_CHARACTERS_MAX`].
    pub message: &'a str,
}

/// The condition of a type.
pub fn get<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether the condition of a type is there and has this status.
pub fn is(conditions: &[Condition], type_: &str, status: &str) -> bool {
    get(conditions, type_).is_some_and(|condition| condition.status == status)
}

/// States a condition: at its place when the type is there, else at the end. Its time is `now`, in whole seconds, when its
/// status is new, and stays otherwise. Answers whether anything changed.
pub fn set(
    conditions: &mut Vec<Condition>,
    statement: Statement<'_>,
    observed_generation: Option<i64>,
    now: Timestamp,
) -> bool {
    let Statement { type_, status, reason, message } = statement;
    let mut next = Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: cut(message).to_owned(),
        observed_generation,
        last_transition_time: whole_second(now),
    };
    let Some(place) = conditions.iter_mut().find(|condition| condition.type_ == type_) else {
        conditions.push(next);
        return true;
    };
    if place.status == next.status {
        next.last_transition_time = place.last_transition_time.clone();
    }
    let changed = *place != next;
    *place = next;
    changed
}

/// Removes the condition of a type. Answers whether it was there.
pub fn remove(conditions: &mut Vec<Condition>, type_: &str) -> bool {
    let before = conditions.len();
    conditions.retain(|condition| condition.type_ != type_);
    conditions.len() != before
}

/// Sorts as Flux's sources do: Stalled, Reconciling, Ready, then the newest observed generation first, then by type.
pub fn sort(conditions: &mut [Condition]) {
    let weight = |condition: &Condition| match condition.type_.as_str() {
        STALLED => 0,
        RECONCILING => 1,
        READY => 2,
        _ => 3,
    };
    conditions.sort_by(|a, b| {
        let by_weight = weight(a).cmp(&weight(b));
        let by_generation = b.observed_generation.cmp(&a.observed_generation);
        by_weight.then(by_generation).then_with(|| a.type_.cmp(&b.type_))
    });
}

/// A Kubernetes time: whole seconds, as Go's clients write it.
pub fn whole_second(now: Timestamp) -> Time {
    // Rounding down to a second stays within the range of timestamps.
    let floor = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
    Time(now.round(floor).unwrap_or(now))
}

fn cut(message: &str) -> &str {
    message.char_indices().nth(MESSAGE_CHARACTERS_MAX).map_or(message, |(end, _)| &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ready(status: &'static str, message: &'static str) -> Statement<'static> {
        Statement { type_: READY, status, reason: "Progressing", message }
    }

    #[test]
    fn the_time_of_a_condition_is_that_of_its_last_change_of_status() {
        let mut conditions = Vec::new();
        assert!(set(&mut conditions, ready(UNKNOWN, "a"), Some(1), at("2026-06-01T10:00:00.75Z")));
        assert_eq!(conditions[0].last_transition_time.0, at("2026-06-01T10:00:00Z"));
        assert!(!set(&mut conditions, ready(UNKNOWN, "a"), Some(1), at("2026-06-01T10:00:05Z")));
        assert!(set(&mut conditions, ready(UNKNOWN, "b"), Some(2), at("2026-06-01T10:00:06Z")));
        assert_eq!(conditions[0].last_transition_time.0, at("2026-06-01T10:00:00Z"));
        assert_eq!((conditions[0].message.as_str(), conditions[0].observed_generation), ("b", Some(2)));
        assert!(set(&mut conditions, ready(TRUE, "b"), Some(2), at("2026-06-01T10:00:07Z")));
        assert_eq!(conditions[0].last_transition_time.0, at("2026-06-01T10:00:07Z"));
        assert!(is(&conditions, READY, TRUE) && !is(&conditions, STALLED, TRUE));
        assert!(remove(&mut conditions, READY) && !remove(&mut conditions, READY));
    }

    #[test]
    fn conditions_are_written_in_the_order_of_flux() {
        let mut conditions = Vec::new();
        for (type_, generation) in [
            (FETCH_FAILED, 1),
            (ARTIFACT_IN_STORAGE, 1),
            (ARTIFACT_OUTDATED, 2),
            (READY, 1),
            (RECONCILING, 2),
            (STALLED, 1),
        ] {
            let statement = Statement { type_, status: TRUE, reason: "Succeeded", message: "" };
            set(&mut conditions, statement, Some(generation), at("2026-06-01T10:00:00Z"));
        }
        sort(&mut conditions);
        let types: Vec<_> = conditions.iter().map(|condition| condition.type_.as_str()).collect();
        assert_eq!(types, [STALLED, RECONCILING, READY, ARTIFACT_OUTDATED, ARTIFACT_IN_STORAGE, FETCH_FAILED]);
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let mut conditions = Vec::new();
        let message = "ä".repeat(MESSAGE_CHARACTERS_MAX + 1);
        let statement = Statement { type_: READY, status: FALSE, reason: "BuildFailed", message: &message };
        set(&mut conditions, statement, None, at("2026-06-01T10:00:00Z"));
        assert_eq!(conditions[0].message.chars().count(), MESSAGE_CHARACTERS_MAX);
    }
}
