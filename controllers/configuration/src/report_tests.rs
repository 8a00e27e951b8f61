//! What a pass says about what it finds.

use serde_json::{Value, json};
use thalweg_crds::conditions::is;

use super::*;

fn at(second: &str) -> Timestamp {
    format!("2026-06-01T10:00:{second}Z").parse().unwrap()
}

fn configuration(spec: Value, status: Option<FluxConfigurationStatus>) -> FluxConfiguration {
    let mut configuration: FluxConfiguration = serde_json::from_value(json!({
        "apiVersion": "thalweg.dev/v1alpha1", "kind": "FluxConfiguration",
        "metadata": {"name": "c", "namespace": "apps", "generation": 3}, "spec": spec,
    }))
    .unwrap();
    configuration.status = status;
    configuration
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!([{"type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": 1,
            "lastTransitionTime": "2026-06-01T09:00:00Z"}])
}

fn made(revision: &str, kustomizations: &[(&str, Value)]) -> Made {
    let id = |kind, name: &str| ObjectId::new("g", kind, "apps", name);
    let source = json!({
        "metadata": {"name": "c", "generation": 1}, "spec": {"url": "https://a/b", "interval": "1m"},
        "status": {"observedGeneration": 1, "conditions": ready("True", "Succeeded", "stored artifact"), "artifact": {
            "path": "p", "url": "u", "digest": "sha256:1", "revision": revision, "lastUpdateTime": "2026-06-01T09:00:00Z"}},
    });
    let kustomization = |conditions: &Value| {
        json!({
            "metadata": {"name": "k", "generation": 1},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "c"}},
            "status": {"observedGeneration": 1, "lastAppliedRevision": revision, "conditions": conditions},
        })
    };
    let kustomizations = kustomizations.iter().map(|(name, conditions)| {
        let object: Option<Kustomization> =
            (!conditions.is_null()).then(|| serde_json::from_value(kustomization(conditions)).unwrap());
        (id("Kustomization", name), object.map(Arc::new))
    });
    Made {
        source_id: id("GitRepository", "c"),
        source: Some(Arc::new(serde_json::from_value(source).unwrap())),
        kustomizations: kustomizations.collect(),
    }
}

fn check(status: &FluxConfigurationStatus, state: ComplianceState, reason: &str, message: &str) {
    let ready = conditions::get(&status.conditions, READY).expect("a Ready condition");
    let said = (status.compliance_state, ready.reason.as_str(), ready.message.as_str());
    assert_eq!(said, (Some(state), reason, message));
}

#[test]
fn a_configuration_is_compliant_at_a_revision() {
    let made =
        made("main@sha1:1", &[("c-a", ready("True", "ReconciliationSucceeded", "Applied revision: main@sha1:1"))]);
    let status = status(&configuration(json!({}), None), &made, &Outcome::Made, at("00"));
    check(&status, ComplianceState::Compliant, "Compliant", "1 kustomization is applied at main@sha1:1");
    assert_eq!(status.source_synced_commit_id.as_deref(), Some("main@sha1:1"));
    assert_eq!(status.observed_generation, Some(3));
    let told: Vec<_> = status.statuses.iter().map(|status| (status.kind.as_str(), status.name.as_str())).collect();
    assert_eq!(told, [("GitRepository", "c"), ("Kustomization", "c-a")]);
    let event = event(&configuration(json!({}), None), &status).unwrap();
    assert_eq!((event.kind, event.reason.as_str()), (EventKind::Normal, "Compliant"));
    assert_eq!(super::event(&configuration(json!({}), Some(status.clone())), &status), None, "it is no news twice");
}

#[test]
fn the_first_object_that_fails_is_named_with_its_message() {
    let failed = |message| ready("False", "BuildFailed", message);
    let made = made("main@sha1:1", &[("c-a", failed("a.yaml:3: no kind")), ("c-b", failed("b.yaml:1: no name"))]);
    let status = status(&configuration(json!({}), None), &made, &Outcome::Made, at("00"));
    let message = "Kustomization/apps/c-a: a.yaml:3: no kind (and 1 more)";
    check(&status, ComplianceState::NonCompliant, "NonCompliant", message);
    assert!(!is(&status.conditions, STALLED, TRUE));
    assert_eq!(event(&configuration(json!({}), None), &status).unwrap().kind, EventKind::Warning);
}

#[test]
fn a_retry_keeps_the_verdict_and_its_message_until_the_revision_changes() {
    let failed = made("main@sha1:1", &[("c-a", ready("False", "HealthCheckFailed", "not healthy"))]);
    let first = status(&configuration(json!({}), None), &failed, &Outcome::Made, at("00"));
    let retrying = made("main@sha1:1", &[("c-a", ready("Unknown", "Progressing", "Reconciliation in progress"))]);
    let second = status(&configuration(json!({}), Some(first.clone())), &retrying, &Outcome::Made, at("05"));
    check(&second, ComplianceState::NonCompliant, "NonCompliant", "Kustomization/apps/c-a: not healthy");
    assert_eq!(second.conditions, first.conditions, "not even a time changed");
    let newer = made("main@sha1:2", &[("c-a", ready("Unknown", "Progressing", "Reconciliation in progress"))]);
    let third = status(&configuration(json!({}), Some(second)), &newer, &Outcome::Made, at("09"));
    check(&third, ComplianceState::Pending, "Pending", "Kustomization/apps/c-a: Reconciliation in progress");
}

#[test]
fn what_is_not_there_yet_is_pending() {
    let made = made("main@sha1:1", &[("c-a", Value::Null)]);
    let status = status(&configuration(json!({}), None), &made, &Outcome::Made, at("00"));
    check(&status, ComplianceState::Pending, "Pending", "Kustomization/apps/c-a: not there yet");
}

#[test]
fn a_problem_is_non_compliant_even_where_all_objects_are_ready() {
    let made = made("main@sha1:1", &[("c-a", ready("True", "ReconciliationSucceeded", ""))]);
    let problem = Problem::InvalidDependency("a → a is a cycle".to_owned());
    let status = status(&configuration(json!({}), None), &made, &Outcome::Failed(&problem), at("00"));
    check(&status, ComplianceState::NonCompliant, "InvalidDependency", "a → a is a cycle");
    assert!(is(&status.conditions, STALLED, TRUE));
    let after = super::status(&configuration(json!({}), Some(status)), &made, &Outcome::Made, at("01"));
    check(&after, ComplianceState::Compliant, "Compliant", "1 kustomization is applied at main@sha1:1");
    assert_eq!(after.conditions.len(), 1, "Stalled is gone");
}

#[test]
fn a_suspended_configuration_says_so_and_a_deleted_one_names_what_is_left() {
    let made = made("main@sha1:1", &[("c-a", ready("True", "ReconciliationSucceeded", ""))]);
    let suspended = configuration(json!({"suspend": true}), None);
    check(&status(&suspended, &made, &Outcome::Made, at("00")), ComplianceState::Suspended, "Suspended", "suspended");
    let left = made.kustomizations.keys().cloned().collect();
    let status = status(&configuration(json!({}), None), &made, &Outcome::Deleting(&left), at("00"));
    check(&status, ComplianceState::Pending, "Deleting", "waiting for the end of Kustomization/apps/c-a");
}
