//! Whether a live object is as the source asks, judged from its metadata alone where that is enough.
//!
//! A value that someone changes moves the ownership of its field, and a value that we apply moves the time of our entry;
//! so an unchanged Apply entry, with its time, means unchanged values, whatever the kind. Labels and annotations are
//! compared by value besides, because they are at hand.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thalweg_manifest::managed_fields;

use crate::{Owner, Seen, Wanted};

/// `kustomize.toolkit.fluxcd.io/reconcile: disabled` keeps an object from being written or deleted.
const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// `kustomize.toolkit.fluxcd.io/ssa`: `Ignore` as above, `IfNotPresent` creates and never changes.
const APPLY: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// `kustomize.toolkit.fluxcd.io/prune: disabled` keeps an object from being deleted.
const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// Keys with this prefix steer us; a change of any of them is looked at.
const CONTROL_PREFIX: &str = "kustomize.toolkit.fluxcd.io/";

/// What must stay the same for an object to count as in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    uid: String,
    apply_time: String,
    fields_digest: [u8; 16],
    labels: BTreeMap<String, Option<String>>,
    annotations: BTreeMap<String, Option<String>>,
}

impl Mark {
    /// The mark of a live object, with the labels and annotations that `wanted` sets; `None` when it holds no Apply
    /// entry of ours.
    pub fn of(seen: &Seen, wanted: &Wanted) -> Option<Self> {
        let applied = seen.applied.as_ref()?;
        Some(Self {
            uid: seen.uid.clone(),
            apply_time: applied.time.clone(),
            fields_digest: applied.fields_digest,
            labels: watched(&seen.labels, wanted, "labels"),
            annotations: watched(&seen.annotations, wanted, "annotations"),
        })
    }
}

/// The live values of the keys that `wanted` sets, and of those that steer us.
fn watched(live: &BTreeMap<String, String>, wanted: &Wanted, field: &str) -> BTreeMap<String, Option<String>> {
    let ours = set_by(wanted, field).into_iter().flatten().map(|(key, _)| key);
    let control = live.keys().filter(|key| key.starts_with(CONTROL_PREFIX));
    ours.chain(control).map(|key| (key.clone(), live.get(key).cloned())).collect()
}

fn set_by<'a>(wanted: &'a Wanted, field: &str) -> Option<&'a Map<String, Value>> {
    wanted.object.content().get("metadata")?.get(field)?.as_object()
}

/// What our last apply, or dry run, of an object was granted: the measure of being in sync from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The digest of the object as we sent it.
    pub desired: String,
    /// The mark of the server's answer.
    pub mark: Mark,
}

impl Measure {
    /// The measure that an answer of the server sets for `wanted`; `None` when the server granted us nothing.
    pub fn granted(wanted: &Wanted, answer: &Seen) -> Option<Self> {
        Some(Self { desired: wanted.digest.clone(), mark: Mark::of(answer, wanted)? })
    }
}

/// How far a set can be believed without having written it in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The owner's status says that exactly this set was applied and nothing has been attempted since.
    Settled,
    /// Nothing is known.
    Doubt,
}

/// What to do about one wanted object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing: it is as asked for.
    InSync,
    /// Nothing, and from now on this is its measure.
    Believed(Measure),
    /// Nothing: the object, here or in the cluster, says that it must be left alone.
    Skip,
    /// It is absent, or certainly differs: dry run, then apply.
    Apply,
    /// It may differ: read it, dry run, compare, and apply only if they differ.
    Compare,
}

/// Judges `wanted` against what the watch has `seen`.
pub fn judge_drift(wanted: &Wanted, measure: Option<&Measure>, seen: Option<&Seen>, trust: Trust) -> Verdict {
    if is_left_alone(|key| wanted.object.label(key).or(wanted.object.annotation(key))) {
        return Verdict::Skip;
    }
    let Some(seen) = seen else { return Verdict::Apply };
    if is_left_alone(|key| control_value(seen, key)) || creates_only(wanted) {
        return Verdict::Skip;
    }
    match measure {
        Some(measure) if measure.desired != wanted.digest => Verdict::Apply,
        Some(measure) if Mark::of(seen, wanted).as_ref() == Some(&measure.mark) => Verdict::InSync,
        Some(_) => Verdict::Compare,
        None if !is_granted(wanted, seen) => Verdict::Apply,
        None => match (trust, Measure::granted(wanted, seen)) {
            (Trust::Settled, Some(measure)) => Verdict::Believed(measure),
            _ => Verdict::Compare,
        },
    }
}

/// Whether the live object shows every label and annotation that we set, and a grant of every field.
fn is_granted(wanted: &Wanted, seen: &Seen) -> bool {
    let equal = |field: &str, live: &BTreeMap<String, String>| {
        set_by(wanted, field)
            .into_iter()
            .flatten()
            .all(|(key, value)| value.is_null() || live.get(key).map(String::as_str) == value.as_str())
    };
    equal("labels", &seen.labels)
        && equal("annotations", &seen.annotations)
        && seen.applied.as_ref().is_some_and(|applied| applied.covers(wanted.object.content()))
}

/// Whether a label or annotation says that the object must be neither written nor deleted.
pub(crate) fn is_left_alone<'a>(value: impl Fn(&str) -> Option<&'a str>) -> bool {
    value(RECONCILE).is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
        || value(APPLY).is_some_and(|value| value.eq_ignore_ascii_case("ignore"))
}

/// Whether the live object says that it must not be deleted.
pub(crate) fn is_kept(seen: &Seen) -> bool {
    control_value(seen, PRUNE).is_some_and(|value| value.eq_ignore_ascii_case("disabled"))
        || is_left_alone(|key| control_value(seen, key))
}

/// Whether the object is created when absent and never changed.
pub(crate) fn creates_only(wanted: &Wanted) -> bool {
    let value = wanted.object.label(APPLY).or(wanted.object.annotation(APPLY));
    value.is_some_and(|value| value.eq_ignore_ascii_case("ifnotpresent"))
}

fn control_value<'a>(seen: &'a Seen, key: &str) -> Option<&'a str> {
    seen.labels.get(key).or_else(|| seen.annotations.get(key)).map(String::as_str)
}

/// In what a dry run would change a live object; `None` when in nothing that is ours to say.
///
/// Mirrors Flux: labels, annotations and all that is neither metadata nor status. Besides, an Apply entry that holds
/// less than the dry run was granted is a difference even when the values agree.
pub fn difference(live: &Map<String, Value>, dry_run: &Map<String, Value>, manager: &str) -> Option<String> {
    for field in ["labels", "annotations"] {
        let entries = |object: &Map<String, Value>| object.get("metadata")?.get(field).cloned();
        if entries(live).unwrap_or_else(empty) != entries(dry_run).unwrap_or_else(empty) {
            return Some(format!("metadata.{field}"));
        }
    }
    let fields = |object: &'_ Map<String, Value>| -> Vec<String> { object.keys().cloned().collect() };
    let mut names = fields(live);
    names.extend(fields(dry_run));
    names.sort_unstable();
    names.dedup();
    for name in names {
        if !matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind")
            && live.get(&name) != dry_run.get(&name)
        {
            return Some(name);
        }
    }
    let owner = |object: &Map<String, Value>| {
        let entries = object.get("metadata")?.get("managedFields")?.as_array()?.clone();
        managed_fields::apply_entry(&entries, manager).map(|entry| entry.fields.clone())
    };
    (owner(live) != owner(dry_run)).then(|| "metadata.managedFields".to_owned())
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// The owner that a live object's labels name.
pub(crate) fn owner_of(seen: &Seen) -> Option<Owner> {
    Owner::named_by(&seen.labels)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use thalweg_manifest::Object;

    use super::*;

    const FIELDS: &str = r#"{"f:metadata":{"f:labels":{"f:kustomize.toolkit.fluxcd.io/name":{},"f:kustomize.toolkit.fluxcd.io/namespace":{}}},"f:data":{"f:a":{}}}"#;

    fn wanted(extra: &[(&str, &str)], value: &str) -> Wanted {
        let mut object = Object::from_json(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "apps"}, "data": {"a": value},
        }))
        .expect("complete");
        for (key, value) in extra {
            object.set_annotation(key, value);
        }
        Wanted::new(object, true, &Owner { namespace: "apps".to_owned(), name: "web".to_owned() })
    }

    fn seen(change: impl FnOnce(&mut Value)) -> Seen {
        let mut metadata = json!({
            "uid": "u", "resourceVersion": "7",
            "labels": {"kustomize.toolkit.fluxcd.io/name": "web", "kustomize.toolkit.fluxcd.io/namespace": "apps", "theirs": "x"},
            "annotations": {"theirs": "x"},
            "managedFields": [{
                "manager": "kustomize-controller", "operation": "Apply", "time": "2026-06-01T10:00:00Z",
                "fieldsV1": serde_json::from_str::<Value>(FIELDS).expect("JSON"),
            }],
        });
        change(&mut metadata);
        Seen::from_metadata(metadata.as_object().expect("a map"), "kustomize-controller").expect("complete")
    }

    fn check(change: impl FnOnce(&mut Value), verdict: Verdict) {
        let wanted = wanted(&[], "1");
        let measure = Measure::granted(&wanted, &seen(|_| {})).expect("granted");
        assert_eq!(judge_drift(&wanted, Some(&measure), Some(&seen(change)), Trust::Doubt), verdict);
    }

    #[test]
    fn what_others_write_beside_our_fields_is_no_drift() {
        check(|_| {}, Verdict::InSync);
        check(|metadata| metadata["resourceVersion"] = json!("8"), Verdict::InSync);
        check(|metadata| metadata["annotations"]["theirs"] = json!("y"), Verdict::InSync);
        check(|metadata| metadata["labels"]["theirs"] = json!("y"), Verdict::InSync);
    }

    #[test]
    fn a_change_of_our_grant_its_time_or_a_label_of_ours_is_looked_at() {
        check(|metadata| metadata["managedFields"][0]["fieldsV1"]["f:data"] = json!({}), Verdict::Compare);
        check(|metadata| metadata["managedFields"][0]["time"] = json!("2026-06-01T10:00:01Z"), Verdict::Compare);
        check(|metadata| metadata["managedFields"] = json!([]), Verdict::Compare);
        check(|metadata| metadata["labels"]["kustomize.toolkit.fluxcd.io/name"] = json!("x"), Verdict::Compare);
        check(|metadata| metadata["uid"] = json!("v"), Verdict::Compare);
        check(
            |metadata| metadata["annotations"]["kustomize.toolkit.fluxcd.io/force"] = json!("enabled"),
            Verdict::Compare,
        );
    }

    #[test]
    fn a_new_value_is_applied_without_a_look() {
        let measure = Measure::granted(&wanted(&[], "1"), &seen(|_| {})).expect("granted");
        assert_eq!(judge_drift(&wanted(&[], "2"), Some(&measure), Some(&seen(|_| {})), Trust::Settled), Verdict::Apply);
        assert_eq!(judge_drift(&wanted(&[], "1"), Some(&measure), None, Trust::Settled), Verdict::Apply);
    }

    #[test]
    fn after_a_restart_an_object_is_believed_only_when_its_owner_is_settled_and_the_grant_is_whole() {
        let believed = Measure::granted(&wanted(&[], "1"), &seen(|_| {})).expect("granted");
        for (trust, change, verdict) in [
            (Trust::Settled, None, Verdict::Believed(believed)),
            (Trust::Doubt, None, Verdict::Compare),
            (Trust::Settled, Some("f:data"), Verdict::Apply),
            (Trust::Doubt, Some("f:data"), Verdict::Apply),
        ] {
            let seen = seen(|metadata| {
                if let Some(field) = change {
                    metadata["managedFields"][0]["fieldsV1"].as_object_mut().expect("a map").remove(field);
                }
            });
            assert_eq!(judge_drift(&wanted(&[], "1"), None, Some(&seen), trust), verdict);
        }
    }

    #[test]
    fn an_object_that_says_so_is_left_alone() {
        for (key, value) in [(RECONCILE, "Disabled"), (APPLY, "Ignore")] {
            assert_eq!(judge_drift(&wanted(&[(key, value)], "1"), None, None, Trust::Doubt), Verdict::Skip);
            check(|metadata| metadata["annotations"][key] = json!(value), Verdict::Skip);
        }
        let once = wanted(&[(APPLY, "IfNotPresent")], "1");
        assert_eq!(judge_drift(&once, None, Some(&seen(|_| {})), Trust::Doubt), Verdict::Skip);
        assert_eq!(judge_drift(&once, None, None, Trust::Doubt), Verdict::Apply);
    }

    #[test]
    fn a_dry_run_that_changes_only_the_status_or_the_resource_version_changes_nothing() {
        let object = |status: &str, data: &str, fields: Value| {
            let value = json!({
                "metadata": {"resourceVersion": status, "managedFields": [{"manager": "m", "operation": "Apply", "fieldsV1": fields}]},
                "status": status, "data": data,
            });
            value.as_object().expect("a map").clone()
        };
        let live = object("1", "a", json!({"f:data": {}}));
        assert_eq!(difference(&live, &object("2", "a", json!({"f:data": {}})), "m"), None);
        assert_eq!(difference(&live, &object("1", "b", json!({"f:data": {}})), "m"), Some("data".to_owned()));
        let regained = object("1", "a", json!({"f:data": {}, "f:x": {}}));
        assert_eq!(difference(&live, &regained, "m"), Some("metadata.managedFields".to_owned()));
    }
}
