//! Verdicts, as tables of the status a user would see.

use serde_json::{Value, json};

use super::*;

const REVISION: &str = "main@sha1:1";

fn ready(status: &str, reason: &str, generation: i64) -> Value {
    json!({"type": "Ready", "status": status, "reason": reason, "message": "", "observedGeneration": generation,
           "lastTransitionTime": "2026-06-01T10:00:00Z"})
}

fn retrying() -> Value {
    json!({"type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry", "message": "", "observedGeneration": 2,
           "lastTransitionTime": "2026-06-01T10:00:00Z"})
}

fn source(status: Value) -> GitRepository {
    serde_json::from_value(json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "c", "generation": 2},
        "spec": {"url": "https://a/b", "interval": "1m"}, "status": status,
    }))
    .unwrap()
}

fn fetched() -> GitRepository {
    source(json!({"observedGeneration": 2, "conditions": [ready("True", "Succeeded", 2)], "artifact": {
        "path": "p", "url": "u", "digest": "sha256:1", "revision": REVISION, "lastUpdateTime": "2026-06-01T10:00:00Z",
    }}))
}

fn kustomization(status: Value) -> Kustomization {
    serde_json::from_value(json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "c-a", "generation": 2},
        "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "c"}}, "status": status,
    }))
    .unwrap()
}

#[test]
fn a_source_is_judged_by_its_ready_condition_at_its_generation() {
    for (status, expected) in [
        (json!({"observedGeneration": -1}), Pending),
        (json!({"observedGeneration": 2, "conditions": [ready("True", "Succeeded", 2)]}), Compliant),
        (json!({"observedGeneration": 1, "conditions": [ready("True", "Succeeded", 1)]}), Pending),
        (json!({"observedGeneration": 1, "conditions": [ready("True", "Succeeded", 2)]}), Pending),
        (json!({"observedGeneration": 2, "conditions": [ready("Unknown", "Progressing", 2)]}), Pending),
        (json!({"observedGeneration": -1, "conditions": [ready("False", "GitOperationFailed", 2)]}), NonCompliant),
        (json!({"observedGeneration": 1, "conditions": [ready("False", "GitOperationFailed", 1)]}), Pending),
        (json!({"observedGeneration": 2, "conditions": [ready("False", "UnsupportedField", 2)]}), NonCompliant),
    ] {
        assert_eq!(of_source(&source(status.clone())), expected, "{status}");
    }
}

#[test]
fn a_kustomization_is_judged_at_its_generation_and_the_revision_of_its_source() {
    for (status, expected) in [
        (json!({"observedGeneration": -1}), Pending),
        (
            json!({"observedGeneration": 2, "lastAppliedRevision": REVISION, "conditions": [ready("True", "R", 2)]}),
            Compliant,
        ),
        (
            json!({"observedGeneration": 2, "lastAppliedRevision": "main@sha1:0", "conditions": [ready("True", "R", 2)]}),
            Pending,
        ),
        (
            json!({"observedGeneration": 1, "lastAppliedRevision": REVISION, "conditions": [ready("True", "R", 1)]}),
            Pending,
        ),
        (json!({"conditions": [ready("False", "BuildFailed", 2)]}), NonCompliant),
        // Without an attempt it has not looked at the artifact that has just come.
        (json!({"conditions": [ready("False", "ArtifactFailed", 2)]}), Pending),
        (json!({"conditions": [ready("False", "ArtifactFailed", 2), retrying()]}), NonCompliant),
        (json!({"conditions": [ready("False", "DependencyNotReady", 2)]}), Pending),
        (json!({"conditions": [ready("False", "Progressing", 2)]}), Pending),
        (json!({"conditions": [ready("Unknown", "Progressing", 2)]}), Pending),
        (json!({"conditions": [ready("False", "BuildFailed", 1)]}), Pending),
    ] {
        assert_eq!(of_kustomization(&kustomization(status.clone()), Some(&fetched())), expected, "{status}");
    }
}

#[test]
fn an_artifact_is_awaited_while_the_source_fetches_its_first() {
    let waiting = kustomization(json!({"conditions": [ready("False", "ArtifactFailed", 2)]}));
    assert_eq!(of_kustomization(&waiting, Some(&source(json!({"observedGeneration": -1})))), Pending);
    assert_eq!(of_kustomization(&waiting, None), Pending);
}

#[test]
fn what_is_suspended_is_not_judged_and_what_is_being_deleted_is_on_its_way() {
    let status =
        json!({"observedGeneration": 2, "lastAppliedRevision": REVISION, "conditions": [ready("True", "R", 2)]});
    let mut object = kustomization(status);
    object.metadata.deletion_timestamp = Some(conditions::whole_second(jiff::Timestamp::UNIX_EPOCH));
    assert_eq!(of_kustomization(&object, Some(&fetched())), Pending);
    object.spec.suspend = true;
    assert_eq!(of_kustomization(&object, Some(&fetched())), Suspended);
}

#[test]
fn a_retry_of_the_same_attempt_keeps_its_failure() {
    for (now, before, is_same_attempt, expected) in [
        (Pending, Some(NonCompliant), true, NonCompliant),
        (Pending, Some(NonCompliant), false, Pending),
        (Pending, Some(Compliant), true, Pending),
        (Pending, None, true, Pending),
        (Compliant, Some(NonCompliant), true, Compliant),
        (Suspended, Some(NonCompliant), true, Suspended),
    ] {
        assert_eq!(kept(now, before, is_same_attempt), expected, "{now} after {before:?}");
    }
}

#[test]
fn the_gravest_verdict_is_that_of_all() {
    for (suspend, states, expected) in [
        (true, vec![NonCompliant], Suspended),
        (false, vec![Compliant, Pending, NonCompliant], NonCompliant),
        (false, vec![Compliant, Pending, Unknown], Pending),
        (false, vec![Compliant, Unknown], Unknown),
        (false, vec![Compliant, Suspended], Compliant),
        (false, vec![Suspended], Compliant),
        (false, vec![Compliant], Compliant),
        (false, vec![], Pending),
    ] {
        assert_eq!(of_all(suspend, states.clone()), expected, "{states:?}");
    }
}
