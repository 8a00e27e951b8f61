//! The only maker of conditions, status and events. Pure: what happened goes in, what is written comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use thalweg_controller_runtime::{Event, EventKind};
use thalweg_crds::conditions::{
    self, Condition, FALSE, HEALTHY, READY, RECONCILING, STALLED, Statement, TRUE, UNKNOWN,
};
use thalweg_crds::kustomize::{
    HISTORY_MAX, Kustomization, KustomizationStatus, ResourceInventory, ResourceRef, Snapshot,
};
use thalweg_crds::source::Artifact;
use thalweg_crds::{GoDuration, annotations, reasons};
use thalweg_plan::{Entry, Inventory};

use crate::act::{Applied, Waiting};
use crate::problem::{Problem, Retry};

/// The key of an artifact's metadata under which its origin's revision stands (OCI image spec).
const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

/// The inventory in the status.
pub(crate) fn inventory_of(object: &Kustomization) -> Inventory {
    let inventory = object.status.as_ref().and_then(|status| status.inventory.as_ref());
    let entries = inventory.map_or(&[][..], |inventory| &inventory.entries);
    Inventory::new(entries.iter().map(|entry| Entry { id: entry.id.clone(), version: entry.v.clone() }))
}

/// The revision at the artifact's origin, when it names one.
pub(crate) fn origin_revision(artifact: &Artifact) -> Option<String> {
    artifact.metadata.as_ref()?.get(ORIGIN_REVISION).cloned()
}

/// The request for reconciliation that the object carries.
pub(crate) fn request(object: &Kustomization) -> Option<&String> {
    object.metadata.annotations.as_ref()?.get(annotations::RECONCILE_REQUESTED_AT)
}

/// Whether the object carries a request that its status does not echo.
pub(crate) fn is_requested(object: &Kustomization) -> bool {
    let answered = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    request(object).is_some_and(|request| Some(request) != answered)
}

/// Before the writes of a stage: the inventory that they may make.
pub(crate) fn intent(
    object: &Kustomization,
    entries: &Inventory,
    revision: &str,
    timeout: GoDuration,
    now: Timestamp,
) -> KustomizationStatus {
    let mut report = Report::of(object, now);
    report.begin(revision);
    let message = format!("Detecting drift for revision {revision} with a timeout of {timeout}");
    report.set(RECONCILING, TRUE, reasons::common::PROGRESSING, &message);
    report.inventory(&inventory_of(object).union(entries));
    report.status
}

/// While objects, or the files of the artifact, are awaited.
pub(crate) fn waiting(object: &Kustomization, waiting: &Waiting, now: Timestamp) -> KustomizationStatus {
    let mut report = Report::of(object, now);
    report.begin(&waiting.revision);
    report.set(RECONCILING, TRUE, reasons::common::PROGRESSING, &waiting.message);
    if waiting.is_for_health && !report.is_failed_attempt(&waiting.revision) {
        report.set(HEALTHY, UNKNOWN, reasons::common::PROGRESSING, &waiting.message);
    }
    report.inventory(&without(&inventory_of(object), &waiting.left));
    report.status
}

/// Everything is in place.
pub(crate) fn applied(object: &Kustomization, applied: &Applied, now: Timestamp) -> KustomizationStatus {
    let mut report = Report::of(object, now);
    report.set(
        READY,
        TRUE,
        reasons::kustomize::RECONCILIATION_SUCCEEDED,
        &format!("Applied revision: {}", applied.revision),
    );
    conditions::remove(&mut report.status.conditions, RECONCILING);
    conditions::remove(&mut report.status.conditions, STALLED);
    let checks_health = object.spec.wait || !object.spec.health_checks.is_empty();
    match applied.healthy_after {
        Some(after) if !report.is_healthy() || applied.has_written => {
            let message = format!("Health check passed in {}", GoDuration::from(rounded(after)));
            report.set(HEALTHY, TRUE, reasons::common::SUCCEEDED, &message);
        }
        None if !checks_health => {
            conditions::remove(&mut report.status.conditions, HEALTHY);
        }
        _ => {}
    }
    report.inventory(&applied.inventory.union(&without(&inventory_of(object), &applied.left)));
    let is_news = applied.has_written
        || report.status.last_applied_revision.as_deref() != Some(applied.revision.as_str())
        || report.status.history.first().is_none_or(|last| {
            last.digest != applied.digest || last.last_reconciled_status != reasons::kustomize::RECONCILIATION_SUCCEEDED
        });
    if is_news {
        report.record(
            &applied.digest,
            reasons::kustomize::RECONCILIATION_SUCCEEDED,
            &applied.revision,
            applied.origin_revision.as_deref(),
            applied.took,
        );
    }
    let status = &mut report.status;
    status.observed_generation = object.metadata.generation;
    status.last_attempted_revision = Some(applied.revision.clone());
    status.last_applied_revision = Some(applied.revision.clone());
    status.last_applied_origin_revision = applied.origin_revision.clone();
    status.last_handled_reconcile_at = handled(object);
    report.status
}

/// What is known of an attempt that failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failed {
    /// The revision, once the artifact was fetched and the path found in it.
    pub(crate) revision: Option<String>,
    /// The digest of the set, once it was built.
    pub(crate) digest: Option<String>,
    /// The inventory ids that leave all the same.
    pub(crate) left: BTreeSet<String>,
    pub(crate) took: Duration,
}

/// An attempt ended before its end.
pub(crate) fn failed(
    object: &Kustomization,
    problem: &Problem,
    failed: &Failed,
    now: Timestamp,
) -> KustomizationStatus {
    let verdict = problem.verdict();
    let message = problem.to_string();
    let mut report = Report::of(object, now);
    report.set(READY, FALSE, verdict.reason, &message);
    if verdict.is_stalled {
        conditions::remove(&mut report.status.conditions, RECONCILING);
        report.set(STALLED, TRUE, verdict.reason, &message);
        report.status.observed_generation = object.metadata.generation;
    } else {
        conditions::remove(&mut report.status.conditions, STALLED);
        if verdict.is_attempt {
            report.set(
                RECONCILING,
                TRUE,
                reasons::common::PROGRESSING_WITH_RETRY,
                &retry_message(object, &failed.revision),
            );
        } else {
            conditions::remove(&mut report.status.conditions, RECONCILING);
        }
    }
    if matches!(problem, Problem::Health { .. }) {
        report.set(HEALTHY, FALSE, verdict.reason, &message);
    }
    report.inventory(&without(&inventory_of(object), &failed.left));
    if let (Some(recorded), Some(digest), Some(revision)) = (verdict.recorded, &failed.digest, &failed.revision) {
        report.record(digest, recorded, revision, None, failed.took);
    }
    if failed.revision.is_some() {
        report.status.last_attempted_revision.clone_from(&failed.revision);
    }
    report.status.last_handled_reconcile_at = handled(object);
    report.status
}

/// A suspended Kustomization only answers requests.
pub(crate) fn suspended(object: &Kustomization) -> KustomizationStatus {
    let mut status = object.status.clone().unwrap_or_default();
    status.last_handled_reconcile_at = handled(object);
    status
}

/// The events of a success; when nothing happened, a heartbeat if the interval was over, and none otherwise.
pub(crate) fn events_of_success(object: &Kustomization, applied: &Applied, is_due: bool) -> Vec<Event> {
    let mut events = Vec::new();
    let about = |action: &str, reason: &str, message: String| {
        let event =
            Event::about(object, EventKind::Normal, action, reason, message).with("revision", &applied.revision);
        match &applied.origin_revision {
            Some(origin) => event.with("originRevision", origin),
            None => event,
        }
    };
    if !applied.changes.is_empty() {
        events.push(about("Apply", reasons::common::PROGRESSING, applied.changes.join("\n")));
    }
    let status = object.status.clone().unwrap_or_default();
    let was_healthy = conditions::is(&status.conditions, HEALTHY, TRUE);
    let is_new_revision = status.last_applied_revision.as_deref() != Some(applied.revision.as_str());
    if let Some(after) = applied.healthy_after
        && (!was_healthy || (is_new_revision && applied.has_written))
    {
        let message = format!("Health check passed in {}", GoDuration::from(rounded(after)));
        events.push(about("HealthCheck", reasons::kustomize::RECONCILIATION_SUCCEEDED, message));
    }
    let was_ready = conditions::is(&status.conditions, READY, TRUE);
    let took = GoDuration::from(rounded(applied.took));
    let message = format!("Reconciliation finished in {took}, next run in {}", object.spec.interval);
    let mut finished =
        about("Reconcile", reasons::kustomize::RECONCILIATION_SUCCEEDED, message).with("commit_status", "update");
    if applied.has_written || is_new_revision || !was_ready {
        events.push(finished);
    } else if is_due {
        // Whoever keeps commit statuses wants to hear that all is well; the cluster has nothing new to remember.
        finished.kind = EventKind::Heartbeat;
        events.push(finished);
    }
    events
}

/// The event of a failure: none when it says again what the status says already, unless a retry was due.
pub(crate) fn event_of_failure(
    object: &Kustomization,
    problem: &Problem,
    revision: Option<&str>,
    is_due: bool,
) -> Option<Event> {
    let verdict = problem.verdict();
    let mut message = problem.to_string();
    let known = object.status.as_ref().and_then(|status| conditions::get(&status.conditions, READY));
    let is_known = known.is_some_and(|ready| ready.reason == verdict.reason && ready.message == message);
    if !verdict.has_event || (is_known && (!is_due || verdict.retry == Retry::AtInterval || verdict.is_stalled)) {
        return None;
    }
    let kind = match problem {
        Problem::Dependency(_) => {
            message = format!("Dependencies do not meet ready condition: {message}");
            EventKind::Normal
        }
        _ => EventKind::Warning,
    };
    if let Problem::Apply { changes, .. } = problem
        && !changes.is_empty()
    {
        message = format!("{message}\n{}", changes.join("\n"));
    }
    let event = Event::about(object, kind, verdict.action, verdict.reason, message);
    Some(match revision {
        Some(revision) => event.with("revision", revision),
        None => event,
    })
}

/// A status in the making.
struct Report<'a> {
    object: &'a Kustomization,
    status: KustomizationStatus,
    now: Timestamp,
}

impl<'a> Report<'a> {
    fn of(object: &'a Kustomization, now: Timestamp) -> Self {
        Self { object, status: object.status.clone().unwrap_or_default(), now }
    }

    fn set(&mut self, type_: &str, status: &str, reason: &str, message: &str) {
        let statement = Statement { type_, status, reason, message };
        conditions::set(&mut self.status.conditions, statement, self.object.metadata.generation, self.now);
    }

    /// The attempt at a revision is under way. A retry of what failed stays failed until it succeeds, and what is ready
    /// stays ready while its drift is corrected: neither flaps.
    fn begin(&mut self, revision: &str) {
        conditions::remove(&mut self.status.conditions, STALLED);
        let is_correction = crate::plan::is_ready_at(self.object, revision);
        if !is_correction && !self.is_failed_attempt(revision) {
            self.set(READY, UNKNOWN, reasons::common::PROGRESSING, "Reconciliation in progress");
        }
        self.status.last_attempted_revision = Some(revision.to_owned());
    }

    /// Whether the status says that this generation failed at this revision.
    fn is_failed_attempt(&self, revision: &str) -> bool {
        let recorded = self.object.status.as_ref();
        let attempted = recorded.and_then(|status| status.last_attempted_revision.as_deref());
        let ready: Option<&Condition> = recorded.and_then(|status| conditions::get(&status.conditions, READY));
        attempted == Some(revision)
            && ready.is_some_and(|ready| {
                ready.status == FALSE
                    && ready.observed_generation == self.object.metadata.generation
                    && ready.reason != reasons::kustomize::DEPENDENCY_NOT_READY
            })
    }

    fn is_healthy(&self) -> bool {
        conditions::is(&self.status.conditions, HEALTHY, TRUE)
    }

    fn inventory(&mut self, inventory: &Inventory) {
        let entries: Vec<ResourceRef> = inventory
            .entries()
            .iter()
            .map(|entry| ResourceRef { id: entry.id.clone(), v: entry.version.clone() })
            .collect();
        self.status.inventory = match (&self.status.inventory, entries.is_empty()) {
            (None, true) => None,
            _ => Some(ResourceInventory { entries }),
        };
    }

    /// Attempts that end alike with the same set share an entry; the newest comes first.
    fn record(&mut self, digest: &str, outcome: &str, revision: &str, origin: Option<&str>, took: Duration) {
        let now = conditions::whole_second(self.now);
        let mut metadata = BTreeMap::from([("revision".to_owned(), revision.to_owned())]);
        metadata.extend(origin.map(|origin| ("originRevision".to_owned(), origin.to_owned())));
        let history = &mut self.status.history;
        let known = history.iter().position(|entry| entry.digest == digest && entry.last_reconciled_status == outcome);
        let mut entry = match known {
            Some(position) => history.remove(position),
            None => Snapshot {
                digest: digest.to_owned(),
                first_reconciled: now.clone(),
                last_reconciled: now.clone(),
                last_reconciled_duration: GoDuration::default(),
                last_reconciled_status: outcome.to_owned(),
                total_reconciliations: 0,
                metadata: None,
            },
        };
        entry.last_reconciled = now;
        entry.last_reconciled_duration = GoDuration::from(rounded(took));
        entry.total_reconciliations += 1;
        entry.metadata = Some(metadata);
        history.insert(0, entry);
        history.truncate(HISTORY_MAX);
    }
}

fn handled(object: &Kustomization) -> Option<String> {
    request(object).cloned().or_else(|| object.status.as_ref()?.last_handled_reconcile_at.clone())
}

fn without(inventory: &Inventory, left: &BTreeSet<String>) -> Inventory {
    Inventory::new(inventory.entries().iter().filter(|entry| !left.contains(&entry.id)).cloned())
}

fn retry_message(object: &Kustomization, revision: &Option<String>) -> String {
    let timeout = object.spec.timeout();
    match revision {
        Some(revision) => format!("Detecting drift for revision {revision} with a timeout of {timeout}"),
        None => format!("Fetching manifests with a timeout of {timeout}"),
    }
}

/// Milliseconds are fine enough for people.
pub(crate) fn rounded(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
