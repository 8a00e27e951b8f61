//! Why an attempt ended before its end, and what that means for the Kustomization.

use std::collections::BTreeSet;
use std::time::Duration;

use thalweg_apply::Refusals;
use thalweg_controller_runtime::chain;
use thalweg_crds::reasons;
use thalweg_kubernetes::Refusal as _;
use thalweg_kustomize_build as kustomize;
use thalweg_manifest::{ObjectId, Origin};

/// An attempt that did not reach its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// The spec asks for what is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// The source is in another namespace, and that is switched off.
    #[error("can't access '{0}', cross-namespace references have been blocked")]
    AccessDenied(String),
    /// The service account cannot be impersonated because it is not a name.
    #[error("failed to build kube client: {0}")]
    ServiceAccount(String),
    /// There is no source.
    #[error("Source '{0}' not found")]
    SourceNotFound(String),
    /// The source has nothing to give yet.
    #[error("Source artifact not found, waiting for '{0}' to publish one")]
    NoArtifact(String),
    /// Another Kustomization must be ready first.
    #[error("{0}")]
    Dependency(String),
    /// The artifact that the source names is not there.
    #[error("Source is not ready, artifact not found: {0}")]
    ArtifactNotFound(String),
    /// The artifact could not be fetched, or is not what its digest says.
    #[error("{0}")]
    Artifact(String),
    /// `spec.path` is not in the artifact.
    #[error("kustomization path not found: {0}")]
    PathNotFound(String),
    /// The files do not make objects.
    #[error("kustomize build failed: {}", chain(.0))]
    Build(#[from] kustomize::Error),
    /// An object lacks what every object of its kind needs.
    #[error("{} {what} ({origin})", .object.subject())]
    Object {
        /// The object.
        object: ObjectId,
        /// Where it was read.
        origin: Origin,
        /// What is wrong with it.
        what: String,
    },
    /// The server refused objects; `changes` were made before.
    #[error("{refusals}")]
    Apply {
        /// The objects, and why.
        #[source]
        refusals: Refusals,
        /// A line for each object that was changed.
        changes: Vec<String>,
    },
    /// Objects of an early stage did not become ready.
    #[error("{0}")]
    Stage(String),
    /// Deletes were refused.
    #[error("delete failed, errors: {0}")]
    Prune(String),
    /// Objects are not healthy in time, or never will be.
    #[error("health check failed after {}: {what}", thalweg_crds::GoDuration::from(*.after))]
    Health {
        /// How long they were awaited.
        after: Duration,
        /// Which, and why.
        what: String,
        /// They stay of interest: an object that recovers ends the failure, not the next retry.
        objects: BTreeSet<ObjectId>,
    },
    /// The Kustomization changed under the attempt.
    #[error("the Kustomization changed while it was being applied")]
    Superseded,
    /// The Kustomization is gone, and the watch does not know it yet.
    #[error("the Kustomization went while it was being applied")]
    Vanished,
    /// The API server did not do what we asked for on our own behalf.
    #[error("{}", chain(.0))]
    Server(#[source] thalweg_kubernetes::Error),
}

/// How long the watch is given to learn that a Kustomization is gone.
const VANISHED_PAUSE: Duration = Duration::from_secs(10);

/// When an attempt is repeated, if nothing changes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Only a change of the spec, or a request, helps.
    Never,
    /// What it waits for will wake it; otherwise with the interval.
    AtInterval,
    /// After `spec.retryInterval`.
    AtRetryInterval,
    /// After this long, without a word.
    After(Duration),
    /// With growing delays; nothing is reported.
    Backoff,
}

/// What a problem means for the Kustomization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The reason of the Ready condition.
    pub(crate) reason: &'static str,
    /// Whether nothing will happen until the spec changes.
    pub(crate) is_stalled: bool,
    /// Whether it counts as an attempt that goes on (Flux's `ProgressingWithRetry`).
    pub(crate) is_attempt: bool,
    /// Whether an event tells of it.
    pub(crate) has_event: bool,
    /// What the history records, if anything.
    pub(crate) recorded: Option<&'static str>,
    pub(crate) action: &'static str,
    pub(crate) retry: Retry,
}

impl Problem {
    /// The one place where a problem becomes a reason, a retry and an event.
    pub(crate) fn verdict(&self) -> Verdict {
        use reasons::kustomize::{
            ARTIFACT_FAILED, BUILD_FAILED, DEPENDENCY_NOT_READY, HEALTH_CHECK_FAILED, PRUNE_FAILED,
            RECONCILIATION_FAILED,
        };
        let stalled = |reason, action| Verdict {
            reason,
            is_stalled: true,
            is_attempt: false,
            has_event: true,
            recorded: None,
            action,
            retry: Retry::Never,
        };
        let waiting = |reason, has_event, action| Verdict {
            reason,
            is_stalled: false,
            is_attempt: false,
            has_event,
            recorded: None,
            action,
            retry: Retry::AtInterval,
        };
        let failed = |reason, recorded, action| Verdict {
            reason,
            is_stalled: false,
            is_attempt: true,
            has_event: true,
            recorded,
            action,
            retry: Retry::AtRetryInterval,
        };
        let silent = |retry| Verdict { retry, has_event: false, ..failed(RECONCILIATION_FAILED, None, "Reconcile") };
        match self {
            Self::Unsupported(_) => stalled(reasons::common::UNSUPPORTED_FIELD, "Reconcile"),
            Self::AccessDenied(_) => stalled(reasons::common::ACCESS_DENIED, "ResolveSource"),
            Self::SourceNotFound(_) | Self::NoArtifact(_) => waiting(ARTIFACT_FAILED, false, "ResolveSource"),
            Self::Dependency(_) => waiting(DEPENDENCY_NOT_READY, true, "CheckDependencies"),
            Self::ArtifactNotFound(_) => Verdict { has_event: false, ..failed(ARTIFACT_FAILED, None, "ResolveSource") },
            Self::Artifact(_) | Self::PathNotFound(_) => failed(ARTIFACT_FAILED, None, "ResolveSource"),
            Self::Build(_) => failed(BUILD_FAILED, None, "Reconcile"),
            Self::ServiceAccount(_) => failed(RECONCILIATION_FAILED, None, "Reconcile"),
            Self::Object { .. } | Self::Apply { .. } | Self::Stage(_) => {
                failed(RECONCILIATION_FAILED, Some(RECONCILIATION_FAILED), "Apply")
            }
            Self::Prune(_) => failed(PRUNE_FAILED, Some(PRUNE_FAILED), "Prune"),
            Self::Health { .. } => failed(HEALTH_CHECK_FAILED, Some(HEALTH_CHECK_FAILED), "HealthCheck"),
            Self::Superseded => silent(Retry::After(Duration::ZERO)),
            Self::Vanished => silent(Retry::After(VANISHED_PAUSE)),
            Self::Server(error) if !error.is_transient() => failed(RECONCILIATION_FAILED, None, "Reconcile"),
            Self::Server(_) => silent(Retry::Backoff),
        }
    }
}
