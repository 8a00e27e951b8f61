use serde_json::json;
use thalweg_manifest::Origin;

use super::*;

const NOW: &str = "2026-06-01T10:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// A Kustomization of generation 2; `status` is merged into nothing.
fn object(status: serde_json::Value) -> Kustomization {
    serde_json::from_value(json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "web", "namespace": "apps", "generation": 2},
        "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        "status": status,
    }))
    .expect("a Kustomization")
}

fn condition(type_: &str, status: &str, reason: &str) -> serde_json::Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": "m", "observedGeneration": 2,
        "lastTransitionTime": "2026-06-01T09:00:00Z",
    })
}

fn inventory(ids: &[&str]) -> Inventory {
    Inventory::new(ids.iter().map(|id| Entry { id: (*id).to_owned(), version: "v1".to_owned() }))
}

fn ids(status: &KustomizationStatus) -> Vec<&str> {
    status.inventory.iter().flat_map(|inventory| &inventory.entries).map(|entry| entry.id.as_str()).collect()
}

fn in_words(status: &KustomizationStatus) -> Vec<String> {
    status.conditions.iter().map(|is| format!("{} {} {}", is.type_, is.status, is.reason)).collect()
}

fn in_place() -> Applied {
    Applied {
        revision: "main@sha1:b".to_owned(),
        origin_revision: None,
        digest: "sha256:b".to_owned(),
        inventory: inventory(&["apps_b__ConfigMap"]),
        left: BTreeSet::new(),
        changes: vec!["ConfigMap/apps/b created".to_owned()],
        has_written: true,
        healthy_after: None,
        took: Duration::from_micros(1_234_567),
        again: None,
        held: BTreeSet::new(),
    }
}

fn settled() -> Kustomization {
    let status = applied(&object(json!({})), &in_place(), now());
    object(serde_json::to_value(status).expect("JSON"))
}

#[test]
fn an_intent_adds_to_the_inventory_and_takes_nothing_away() {
    let before = object(json!({"inventory": {"entries": [{"id": "apps_a__ConfigMap", "v": "v1"}]}}));
    let status = intent(&before, &inventory(&["apps_b__ConfigMap"]), "main@sha1:b", before.spec.timeout(), now());
    assert_eq!(ids(&status), ["apps_a__ConfigMap", "apps_b__ConfigMap"]);
    assert_eq!(in_words(&status), ["Ready Unknown Progressing", "Reconciling True Progressing"]);
    assert_eq!((status.last_attempted_revision.as_deref(), status.last_applied_revision), (Some("main@sha1:b"), None));
}

#[test]
fn a_retry_of_what_failed_stays_failed_until_it_succeeds() {
    for (reason, revision, ready) in [
        ("ReconciliationFailed", "main@sha1:b", "Ready False ReconciliationFailed"),
        ("ReconciliationFailed", "main@sha1:c", "Ready Unknown Progressing"),
        ("DependencyNotReady", "main@sha1:b", "Ready Unknown Progressing"),
    ] {
        let before = object(json!({
            "conditions": [condition("Ready", "False", reason)], "lastAttemptedRevision": "main@sha1:b",
        }));
        let status = intent(&before, &inventory(&[]), revision, before.spec.timeout(), now());
        assert_eq!(in_words(&status)[0], ready, "{reason} at {revision}");
    }
}

#[test]
fn what_is_ready_stays_ready_while_its_drift_is_corrected() {
    let before = settled();
    let status = intent(&before, &inventory(&["apps_b__ConfigMap"]), "main@sha1:b", before.spec.timeout(), now());
    assert_eq!(in_words(&status), ["Ready True ReconciliationSucceeded", "Reconciling True Progressing"]);
}

#[test]
fn a_success_drops_what_left_and_keeps_what_is_held_for_others() {
    let before = object(json!({
        "conditions": [condition("Reconciling", "True", "Progressing")],
        "inventory": {"entries": [
            {"id": "apps_gone__ConfigMap", "v": "v1"}, {"id": "apps_held__ConfigMap", "v": "v1"}, {"id": "apps_b__ConfigMap", "v": "v1"},
        ]},
    }));
    let done = Applied { left: ["apps_gone__ConfigMap".to_owned()].into(), ..in_place() };
    let status = applied(&before, &done, now());
    assert_eq!(ids(&status), ["apps_b__ConfigMap", "apps_held__ConfigMap"]);
    assert_eq!(in_words(&status), ["Ready True ReconciliationSucceeded"]);
    assert_eq!(status.conditions[0].message, "Applied revision: main@sha1:b");
    assert_eq!(status.observed_generation, Some(2));
    let entry = &status.history[0];
    assert_eq!((entry.digest.as_str(), entry.total_reconciliations), ("sha256:b", 1));
    assert_eq!(entry.last_reconciled_duration.to_string(), "1.234s");
}

#[test]
fn a_pass_that_changed_nothing_writes_no_status_and_only_a_heartbeat() {
    let before = settled();
    let again = Applied { changes: Vec::new(), has_written: false, took: Duration::from_secs(9), ..in_place() };
    assert_eq!(Some(applied(&before, &again, now() + jiff::SignedDuration::from_hours(1))), before.status);
    assert_eq!(events_of_success(&before, &again, false), []);
    let events = events_of_success(&before, &again, true);
    assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Heartbeat]);
}

#[test]
fn the_same_set_at_another_revision_shares_its_history() {
    let before = settled();
    let moved = Applied { revision: "main@sha1:c".to_owned(), changes: Vec::new(), has_written: false, ..in_place() };
    let status = applied(&before, &moved, now());
    assert_eq!((status.history.len(), status.history[0].total_reconciliations), (1, 2));
    assert_eq!(status.last_applied_revision.as_deref(), Some("main@sha1:c"));
}

#[test]
fn a_request_is_echoed_however_the_pass_ends() {
    let mut asked = settled();
    asked.metadata.annotations = Some([(annotations::RECONCILE_REQUESTED_AT.to_owned(), "now".to_owned())].into());
    let again = Applied { changes: Vec::new(), has_written: false, ..in_place() };
    let problem = Problem::Dependency("dependency 'apps/x' is not ready".to_owned());
    assert!(is_requested(&asked));
    for status in
        [applied(&asked, &again, now()), failed(&asked, &problem, &Failed::default(), now()), suspended(&asked)]
    {
        assert_eq!(status.last_handled_reconcile_at.as_deref(), Some("now"));
    }
}

#[test]
fn each_problem_is_told_by_its_reason_and_never_forgets_the_inventory() {
    let known =
        Failed { revision: Some("main@sha1:c".to_owned()), digest: Some("sha256:c".to_owned()), ..Failed::default() };
    let unnamed = Problem::Object {
        object: thalweg_manifest::ObjectId::new("", "ConfigMap", "", "a"),
        origin: Origin { file: "apps/a.yaml".into(), line: 3 },
        what: "namespace not specified".to_owned(),
    };
    for (problem, conditions, message) in [
        (
            Problem::Unsupported("spec.postBuild is not supported".to_owned()),
            vec!["Ready False UnsupportedField", "Stalled True UnsupportedField"],
            "spec.postBuild is not supported",
        ),
        (
            Problem::SourceNotFound("GitRepository/apps/fleet".to_owned()),
            vec!["Ready False ArtifactFailed"],
            "Source 'GitRepository/apps/fleet' not found",
        ),
        (
            Problem::PathNotFound("./nowhere".to_owned()),
            vec!["Ready False ArtifactFailed", "Reconciling True ProgressingWithRetry"],
            "kustomization path not found: ./nowhere",
        ),
        (
            unnamed,
            vec!["Ready False ReconciliationFailed", "Reconciling True ProgressingWithRetry"],
            "ConfigMap/a namespace not specified (apps/a.yaml:3)",
        ),
        (
            Problem::Prune("ConfigMap/apps/a delete failed: denied".to_owned()),
            vec!["Ready False PruneFailed", "Reconciling True ProgressingWithRetry"],
            "delete failed, errors: ConfigMap/apps/a delete failed: denied",
        ),
        (
            Problem::Health {
                after: Duration::from_secs(30),
                what: "timeout waiting for: [Job/apps/j status: 'InProgress']".to_owned(),
                objects: BTreeSet::new(),
            },
            vec![
                "Ready False HealthCheckFailed",
                "Reconciling True ProgressingWithRetry",
                "Healthy False HealthCheckFailed",
            ],
            "health check failed after 30s: timeout waiting for: [Job/apps/j status: 'InProgress']",
        ),
    ] {
        let status = failed(&settled(), &problem, &known, now());
        assert_eq!(in_words(&status), conditions);
        assert_eq!(status.conditions[0].message, message);
        assert_eq!(ids(&status), ["apps_b__ConfigMap"]);
        assert_eq!(status.last_applied_revision.as_deref(), Some("main@sha1:b"));
    }
}

#[test]
fn a_failure_that_says_nothing_new_sends_no_event_until_its_retry() {
    let problem = Problem::PathNotFound("./nowhere".to_owned());
    let known = failed(&settled(), &problem, &Failed::default(), now());
    let known = object(serde_json::to_value(known).expect("JSON"));
    assert!(event_of_failure(&settled(), &problem, None, false).is_some());
    assert!(event_of_failure(&known, &problem, None, false).is_none());
    assert!(event_of_failure(&known, &problem, None, true).is_some());
}
