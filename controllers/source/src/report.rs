//! What a pass says: the status, the events, and when to look again. The only maker of conditions; pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use thalweg_controller_runtime::{Event, EventKind};
use thalweg_crds::{
    annotations,
    conditions::{self, FALSE, Statement, TRUE, UNKNOWN},
    reasons::{common, source as reasons},
    source::{Artifact, GitRepository, GitRepositoryStatus},
};

use crate::{
    act::Published,
    error::Verdict,
    observe::{Observed, Stored},
};

/// The conditions that say that something failed.
const FAILURES: [&str; 2] = [conditions::FETCH_FAILED, conditions::STORAGE_OPERATION_FAILED];

/// What a pass came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Suspended: nothing was looked at.
    Rested,
    /// A field of the spec is not supported; the message names it.
    Refused(String),
    /// It takes longer than a moment. The revision is that which is being fetched, once it is known.
    Working { observed: Observed, revision: Option<String> },
    /// The artifact is up to date; its URL is the one that is advertised now.
    Kept { observed: Observed, artifact: Artifact },
    /// There is a new artifact.
    Stored { observed: Observed, published: Published },
    /// It failed. The revision is that which was to be stored, once it was known.
    Failed { observed: Observed, verdict: Verdict, revision: Option<String> },
}

/// When to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Again {
    /// When something changes.
    OnChange,
    /// After the interval.
    AfterInterval,
    /// Soon, then later and later; the text is why.
    WithBackoff(String),
}

/// What a pass says.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: GitRepositoryStatus,
    pub(crate) events: Vec<Event>,
    pub(crate) again: Again,
}

/// The report of a pass over `seen`. Its status is written over that of `latest`: the same object, read later at most.
pub(crate) fn report(seen: &GitRepository, latest: &GitRepository, outcome: &Outcome, now: Timestamp) -> Report {
    let status = latest.status.clone().unwrap_or_default();
    let mut writer = Writer { generation: seen.metadata.generation, status, now };
    let again = match outcome {
        Outcome::Rested => Again::OnChange,
        Outcome::Refused(message) => writer.refused(message),
        Outcome::Working { observed, revision } => writer.working(observed, revision.as_deref()),
        Outcome::Kept { observed: _, artifact } => writer.kept(artifact),
        Outcome::Stored { observed: _, published } => writer.stored(published),
        Outcome::Failed { observed, verdict, revision } => writer.failed(observed, verdict, revision.as_deref()),
    };
    if let (Some(requested), false) = (requested_at(seen), matches!(outcome, Outcome::Working { .. })) {
        writer.status.last_handled_reconcile_at = Some(requested.to_owned());
    }
    conditions::sort(&mut writer.status.conditions);
    Report { events: events(seen, &writer.status, outcome), status: writer.status, again }
}

/// The value of the annotation that asks for a pass now.
pub(crate) fn requested_at(object: &GitRepository) -> Option<&str> {
    let annotations = object.metadata.annotations.as_ref()?;
    annotations.get(annotations::RECONCILE_REQUESTED_AT).map(String::as_str)
}

struct Writer {
    generation: Option<i64>,
    status: GitRepositoryStatus,
    now: Timestamp,
}

impl Writer {
    fn refused(&mut self, message: &str) -> Again {
        self.set(conditions::STALLED, TRUE, common::UNSUPPORTED_FIELD, message);
        self.set(conditions::READY, FALSE, common::UNSUPPORTED_FIELD, message);
        self.remove(&[conditions::RECONCILING]);
        self.status.observed_generation = self.generation;
        Again::OnChange
    }

    fn working(&mut self, observed: &Observed, revision: Option<&str>) -> Again {
        self.drop_lost(observed);
        let why = match (observed.stored, revision) {
            (Stored::Lost, _) => ": disappeared from storage".to_owned(),
            (Stored::Intact, Some(revision)) => format!(": new upstream revision '{revision}'"),
            (Stored::Intact | Stored::Nothing, _) => String::new(),
        };
        let message = format!("building artifact{why}");
        self.outdated(observed, revision);
        self.remove(&[conditions::STALLED]);
        self.set(conditions::RECONCILING, TRUE, common::PROGRESSING, &message);
        self.set(conditions::READY, UNKNOWN, common::PROGRESSING, &message);
        Again::OnChange
    }

    fn kept(&mut self, artifact: &Artifact) -> Again {
        self.status.artifact = Some(artifact.clone());
        self.succeeded(&format!("stored artifact for revision '{}'", artifact.revision))
    }

    fn stored(&mut self, published: &Published) -> Again {
        let Published { artifact, summary: _, ignore } = published;
        let thalweg_artifact::Artifact { path, url, revision, digest, size, last_update_time } = artifact.clone();
        let message = format!("stored artifact for revision '{revision}'");
        self.status.artifact = Some(Artifact {
            path,
            url,
            revision,
            digest,
            size: i64::try_from(size).ok(),
            last_update_time: conditions::whole_second(last_update_time),
            metadata: None,
        });
        self.status.observed_ignore = ignore.clone();
        self.succeeded(&message)
    }

    fn succeeded(&mut self, message: &str) -> Again {
        self.remove(&FAILURES);
        self.remove(&[conditions::ARTIFACT_OUTDATED, conditions::RECONCILING, conditions::STALLED]);
        self.set(conditions::ARTIFACT_IN_STORAGE, TRUE, common::SUCCEEDED, message);
        self.set(conditions::READY, TRUE, common::SUCCEEDED, message);
        self.status.observed_generation = self.generation;
        Again::AfterInterval
    }

    fn failed(&mut self, observed: &Observed, verdict: &Verdict, revision: Option<&str>) -> Again {
        let Verdict { condition, reason, message, stalled } = verdict;
        self.drop_lost(observed);
        self.remove(&FAILURES.map(|failure| if failure == *condition { "" } else { failure }));
        if *condition == conditions::STORAGE_OPERATION_FAILED {
            self.outdated(observed, revision);
        }
        self.set(condition, TRUE, reason, message);
        self.set(conditions::READY, FALSE, reason, message);
        if *stalled {
            self.remove(&[conditions::RECONCILING]);
            self.set(conditions::STALLED, TRUE, reason, message);
            self.status.observed_generation = self.generation;
            return Again::OnChange;
        }
        let progress = self.progress();
        self.remove(&[conditions::STALLED]);
        self.set(conditions::RECONCILING, TRUE, common::PROGRESSING_WITH_RETRY, &progress);
        Again::WithBackoff(message.clone())
    }

    fn progress(&self) -> String {
        let observed = self.status.observed_generation.unwrap_or(-1);
        match self.generation {
            Some(generation) if generation != observed && observed > 0 => {
                format!("processing object: new generation {observed} -> {generation}")
            }
            _ => "reconciliation in progress".to_owned(),
        }
    }

    fn drop_lost(&mut self, observed: &Observed) {
        if observed.stored == Stored::Lost {
            self.status.artifact = None;
            self.status.observed_ignore = None;
            self.remove(&[conditions::ARTIFACT_IN_STORAGE]);
        }
    }

    fn outdated(&mut self, observed: &Observed, revision: Option<&str>) {
        if let (Stored::Intact, Some(revision)) = (observed.stored, revision) {
            let message = format!("new upstream revision '{revision}'");
            self.set(conditions::ARTIFACT_OUTDATED, TRUE, reasons::NEW_REVISION, &message);
        }
    }

    fn set(&mut self, type_: &str, status: &str, reason: &str, message: &str) {
        let statement = Statement { type_, status, reason, message };
        conditions::set(&mut self.status.conditions, statement, self.generation, self.now);
    }

    fn remove(&mut self, types: &[&str]) {
        self.status.conditions.retain(|condition: &Condition| !types.contains(&condition.type_.as_str()));
    }
}

fn events(seen: &GitRepository, status: &GitRepositoryStatus, outcome: &Outcome) -> Vec<Event> {
    let about = |kind, action, reason, message: &str| Event::about(seen, kind, action, reason, message);
    let mut events = Vec::new();
    let observed = match outcome {
        Outcome::Rested => return events,
        Outcome::Refused(message) => {
            return vec![about(EventKind::Warning, "Reconcile", common::UNSUPPORTED_FIELD, message)];
        }
        // What was observed is told when the pass ends.
        Outcome::Working { .. } => return events,
        Outcome::Kept { observed, .. } | Outcome::Stored { observed, .. } | Outcome::Failed { observed, .. } => {
            observed
        }
    };
    if observed.garbage > 0 {
        let message = format!("garbage collected {} artifacts", observed.garbage);
        events.push(about(EventKind::Trace, "GarbageCollect", reasons::GARBAGE_COLLECTION_SUCCEEDED, &message));
    }
    if observed.tampered {
        let message = "failed to verify artifact: computed digest doesn't match; the file was removed";
        events.push(about(EventKind::Warning, "ReconcileStorage", reasons::ARTIFACT_VERIFICATION_FAILED, message));
    }
    match outcome {
        Outcome::Failed { verdict: Verdict { condition, reason, message, stalled: _ }, .. } => {
            let is_storage = *condition == conditions::STORAGE_OPERATION_FAILED;
            let action = if is_storage { "ReconcileArtifact" } else { "ReconcileSource" };
            events.push(about(EventKind::Warning, action, reason, message));
        }
        Outcome::Kept { .. } | Outcome::Stored { .. } => events.extend(success(seen, status, outcome)),
        Outcome::Rested | Outcome::Refused(_) | Outcome::Working { .. } => {}
    }
    events
}

/// The event of a new artifact, or of one that is back after a failure.
fn success(seen: &GitRepository, status: &GitRepositoryStatus, outcome: &Outcome) -> Option<Event> {
    let artifact = status.artifact.as_ref()?;
    let before = seen.status.as_ref();
    let digest_before = before.and_then(|status| status.artifact.as_ref()).map(|artifact| &artifact.digest);
    let has_failed = before
        .is_some_and(|status| FAILURES.iter().any(|condition| conditions::is(&status.conditions, condition, TRUE)));
    let reason = match (digest_before == Some(&artifact.digest), has_failed) {
        (false, _) => reasons::NEW_ARTIFACT,
        (true, true) => common::SUCCEEDED,
        (true, false) => return None,
    };
    let summary = match outcome {
        Outcome::Stored { published, .. } => &published.summary,
        _ => &artifact.revision,
    };
    let message = format!("stored artifact for commit '{summary}'");
    let event = Event::about(seen, EventKind::Normal, "Reconcile", reason, message);
    Some(event.with("revision", &artifact.revision).with("digest", &artifact.digest))
}
