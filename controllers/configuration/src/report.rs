//! What a pass says: the status and the event of a FluxConfiguration. Pure, and the only maker of either.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use thalweg_controller_runtime::{Event, EventKind};
use thalweg_crds::conditions::{self, FALSE, READY, STALLED, Statement, TRUE, UNKNOWN};
use thalweg_crds::configuration::{
    ComplianceState, FluxConfiguration, FluxConfigurationStatus, ObjectStatus, ObjectStatusCondition,
};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::reasons::configuration as reasons;
use thalweg_crds::source::GitRepository;
use thalweg_manifest::ObjectId;

use crate::compliance::{kept, of_all, of_kustomization, of_source};
use crate::problem::Problem;

/// What is there of what a FluxConfiguration asks for; an object that is missing is on its way.
pub(crate) struct Made {
    pub(crate) source_id: ObjectId,
    pub(crate) source: Option<Arc<GitRepository>>,
    pub(crate) kustomizations: BTreeMap<ObjectId, Option<Arc<Kustomization>>>,
}

/// How a pass ended.
pub(crate) enum Outcome<'a> {
    /// Everything is as asked, or was made so.
    Made,
    /// It could not be.
    Failed(&'a Problem),
    /// It is being deleted, and these are still there.
    Deleting(&'a BTreeSet<ObjectId>),
}

/// The status of a FluxConfiguration.
pub(crate) fn status(
    configuration: &FluxConfiguration,
    made: &Made,
    outcome: &Outcome<'_>,
    now: Timestamp,
) -> FluxConfigurationStatus {
    let before = configuration.status.clone().unwrap_or_default();
    let generation = configuration.metadata.generation;
    let revision =
        made.source.as_ref().and_then(|source| Some(source.status.as_ref()?.artifact.as_ref()?.revision.clone()));
    let is_same_attempt = before.observed_generation == generation && before.source_synced_commit_id == revision;
    let verdicts = verdicts(made, &before.statuses, is_same_attempt);
    let (state, ready) = summary(configuration, &verdicts, outcome, revision.as_deref(), &before.conditions);
    let mut list = before.conditions;
    let Ready { status, reason, message, stalled } = ready;
    conditions::set(&mut list, Statement { type_: READY, status, reason, message: &message }, generation, now);
    if stalled {
        conditions::set(
            &mut list,
            Statement { type_: STALLED, status: TRUE, reason, message: &message },
            generation,
            now,
        );
    } else {
        conditions::remove(&mut list, STALLED);
    }
    conditions::sort(&mut list);
    FluxConfigurationStatus {
        observed_generation: generation,
        compliance_state: Some(state),
        statuses: verdicts.into_iter().map(|verdict| verdict.status).collect(),
        source_synced_commit_id: revision,
        conditions: list,
    }
}

/// The event of a status, if the verdict is a new one and final.
pub(crate) fn event(configuration: &FluxConfiguration, after: &FluxConfigurationStatus) -> Option<Event> {
    let before = configuration.status.as_ref().and_then(|status| status.compliance_state);
    let kind = match after.compliance_state? {
        state if Some(state) == before => return None,
        ComplianceState::Compliant => EventKind::Normal,
        ComplianceState::NonCompliant => EventKind::Warning,
        ComplianceState::Pending | ComplianceState::Suspended | ComplianceState::Unknown => return None,
    };
    let ready = conditions::get(&after.conditions, READY)?;
    let event = Event::about(configuration, kind, "Reconcile", &ready.reason, &ready.message);
    Some(match &after.source_synced_commit_id {
        Some(revision) => event.with("revision", revision),
        None => event,
    })
}

struct Verdict {
    status: ObjectStatus,
    /// Why the verdict is what it is; none when it is kept from the attempt before.
    message: Option<String>,
}

/// The source first, then the Kustomizations by name.
fn verdicts(made: &Made, before: &[ObjectStatus], is_same_attempt: bool) -> Vec<Verdict> {
    let verdict = |id: &ObjectId, state: ComplianceState, list: &[Condition]| {
        let was = before.iter().find(|status| status.kind == id.kind && status.name == id.name);
        let verdict = kept(state, was.map(|status| status.compliance_state), is_same_attempt);
        let message = conditions::get(list, READY).map_or("not there yet", |ready| ready.message.as_str());
        let status = ObjectStatus {
            name: id.name.clone(),
            namespace: id.namespace.clone(),
            kind: id.kind.clone(),
            compliance_state: verdict,
            applied_by: None,
            status_conditions: list.iter().map(told).collect(),
        };
        Verdict { status, message: (verdict == state).then(|| format!("{}: {message}", id.subject())) }
    };
    let source = made.source.as_deref();
    let list = source.and_then(|source| Some(&source.status.as_ref()?.conditions[..])).unwrap_or_default();
    let mut verdicts = vec![verdict(&made.source_id, source.map_or(ComplianceState::Pending, of_source), list)];
    for (id, kustomization) in &made.kustomizations {
        let kustomization = kustomization.as_deref();
        let list = kustomization.and_then(|object| Some(&object.status.as_ref()?.conditions[..])).unwrap_or_default();
        let state = kustomization.map_or(ComplianceState::Pending, |object| of_kustomization(object, source));
        verdicts.push(verdict(id, state, list));
    }
    verdicts
}

fn told(condition: &Condition) -> ObjectStatusCondition {
    ObjectStatusCondition {
        type_: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        last_transition_time: condition.last_transition_time.clone(),
    }
}

struct Ready {
    status: &'static str,
    reason: &'static str,
    message: String,
    stalled: bool,
}

fn summary(
    configuration: &FluxConfiguration,
    verdicts: &[Verdict],
    outcome: &Outcome<'_>,
    revision: Option<&str>,
    before: &[Condition],
) -> (ComplianceState, Ready) {
    let ready = |status, reason, message| Ready { status, reason, message, stalled: false };
    match outcome {
        Outcome::Made => {}
        Outcome::Failed(problem) => {
            let verdict = problem.verdict();
            let ready = ready(FALSE, verdict.reason, problem.to_string());
            return (ComplianceState::NonCompliant, Ready { stalled: verdict.stalled, ..ready });
        }
        Outcome::Deleting(left) => {
            let names: Vec<_> = left.iter().map(ObjectId::subject).collect();
            let message = format!("waiting for the end of {}", names.join(", "));
            return (ComplianceState::Pending, ready(FALSE, reasons::DELETING, message));
        }
    }
    let state = of_all(configuration.spec.suspend, verdicts.iter().map(|verdict| verdict.status.compliance_state));
    let ready = match state {
        ComplianceState::Compliant => {
            let count = match verdicts.len() - 1 {
                1 => "1 kustomization is".to_owned(),
                count => format!("{count} kustomizations are"),
            };
            let revision = revision.map(|revision| format!(" at {revision}")).unwrap_or_default();
            ready(TRUE, reasons::COMPLIANT, format!("{count} applied{revision}"))
        }
        ComplianceState::NonCompliant => {
            ready(FALSE, reasons::NON_COMPLIANT, blame(verdicts, state).unwrap_or_else(|| message_before(before)))
        }
        ComplianceState::Suspended => ready(UNKNOWN, reasons::SUSPENDED, "suspended".to_owned()),
        ComplianceState::Pending | ComplianceState::Unknown => {
            ready(UNKNOWN, reasons::PENDING, blame(verdicts, state).unwrap_or_default())
        }
    };
    (state, ready)
}

/// The first object with this verdict, why, and how many more there are.
fn blame(verdicts: &[Verdict], state: ComplianceState) -> Option<String> {
    let blamed = || verdicts.iter().filter(|verdict| verdict.status.compliance_state == state);
    let message = blamed().find_map(|verdict| verdict.message.as_deref())?;
    Some(match blamed().count() - 1 {
        0 => message.to_owned(),
        others => format!("{message} (and {others} more)"),
    })
}

/// A retry that has not ended yet has no message of its own.
fn message_before(before: &[Condition]) -> String {
    let ready = conditions::get(before, READY).filter(|ready| ready.reason == reasons::NON_COMPLIANT);
    ready.map_or_else(|| "being tried again".to_owned(), |ready| ready.message.clone())
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
