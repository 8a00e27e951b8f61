//! Whether objects are as they were asked to be: Azure Resource Manager's verdicts, from conditions. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use thalweg_crds::conditions::{self, FALSE, READY, RECONCILING, TRUE};
use thalweg_crds::configuration::ComplianceState::{self, Compliant, NonCompliant, Pending, Suspended, Unknown};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::reasons::{common, kustomize};
use thalweg_crds::source::GitRepository;

/// The verdict over the source.
pub(crate) fn of_source(source: &GitRepository) -> ComplianceState {
    if source.spec.suspend {
        return Suspended;
    }
    let (observed, conditions) = match &source.status {
        Some(status) => (status.observed_generation, &status.conditions[..]),
        None => (None, &[][..]),
    };
    judge(&source.metadata, observed, conditions, is_progress)
}

/// The verdict over a Kustomization of the source. Ready at a revision that the source has left behind is on its way.
pub(crate) fn of_kustomization(kustomization: &Kustomization, source: Option<&GitRepository>) -> ComplianceState {
    if kustomization.spec.suspend {
        return Suspended;
    }
    let (observed, conditions, applied) = match &kustomization.status {
        Some(status) => (status.observed_generation, &status.conditions[..], status.last_applied_revision.as_deref()),
        None => (None, &[][..], None),
    };
    let revision = source.and_then(|source| Some(source.status.as_ref()?.artifact.as_ref()?.revision.as_str()));
    let is_progress = |reason: &str| match reason {
        kustomize::DEPENDENCY_NOT_READY => true,
        // An artifact that could not be used is an attempt that is repeated; one that is not there yet is none.
        kustomize::ARTIFACT_FAILED => revision.is_none() || conditions::get(conditions, RECONCILING).is_none(),
        reason => is_progress(reason),
    };
    match judge(&kustomization.metadata, observed, conditions, is_progress) {
        Compliant if revision.is_some() && applied != revision => Pending,
        verdict => verdict,
    }
}

fn is_progress(reason: &str) -> bool {
    matches!(reason, common::PROGRESSING | common::PROGRESSING_WITH_RETRY)
}

fn judge(
    metadata: &ObjectMeta,
    observed_generation: Option<i64>,
    conditions: &[Condition],
    is_progress: impl Fn(&str) -> bool,
) -> ComplianceState {
    let Some(ready) = conditions::get(conditions, READY) else { return Pending };
    let is_current = |observed: Option<i64>| observed.is_none() || observed == metadata.generation;
    // A failure's generation stands in the condition alone.
    if metadata.deletion_timestamp.is_some() || !is_current(ready.observed_generation) {
        return Pending;
    }
    match ready.status.as_str() {
        TRUE if is_current(observed_generation) => Compliant,
        FALSE if !is_progress(&ready.reason) => NonCompliant,
        _ => Pending,
    }
}

/// A retry of what failed before keeps its verdict: `before`, when the attempt is of the same generation and revision.
pub(crate) fn kept(now: ComplianceState, before: Option<ComplianceState>, is_same_attempt: bool) -> ComplianceState {
    let is_retry = is_same_attempt && now == Pending && before == Some(NonCompliant);
    if is_retry { NonCompliant } else { now }
}

/// The verdict over all.
pub(crate) fn of_all(suspend: bool, states: impl IntoIterator<Item = ComplianceState>) -> ComplianceState {
    if suspend {
        return Suspended;
    }
    let grave = |state: &ComplianceState| match state {
        Compliant | Suspended => 0,
        Unknown => 1,
        Pending => 2,
        NonCompliant => 3,
    };
    match states.into_iter().max_by_key(grave) {
        None => Pending,
        Some(Suspended) => Compliant,
        Some(state) => state,
    }
}

#[cfg(test)]
#[path = "compliance_tests.rs"]
mod tests;
