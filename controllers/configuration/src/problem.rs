//! What keeps a FluxConfiguration from being carried out, and what follows from it.

use thalweg_crds::reasons::{common, configuration};
use thalweg_kubernetes::{Error, Refusal as _};
use thalweg_manifest::ObjectId;

/// Why the objects of a FluxConfiguration are not as it asks. Its text is the message of the Ready condition.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{}", .0.join("; "))]
    Unsupported(Vec<String>),
    #[error("{0}")]
    InvalidSpec(String),
    #[error("{0}")]
    InvalidDependency(String),
    #[error("{0}")]
    InvalidSecret(String),
    #[error("{} exists and was not made by this FluxConfiguration: delete or rename it", .0.subject())]
    NameTaken(ObjectId),
    #[error("{0}: {message}", message = .0.message())]
    Refused(Error),
    /// The API server did not answer as it should; nothing to tell a user yet.
    #[error(transparent)]
    Server(Error),
}

/// What follows from a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The reason of the Ready condition.
    pub(crate) reason: &'static str,
    /// Only a change of the spec helps.
    pub(crate) stalled: bool,
    pub(crate) retry: Retry,
}

/// When a problem is looked at again, beside any change of what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Only when something changes, which wakes the FluxConfiguration.
    OnChange,
    /// At the retry interval: nothing tells us when the API server would accept it.
    AtInterval,
    /// With growing delays, and without a word in the status.
    Backoff,
}

impl Problem {
    pub(crate) fn verdict(&self) -> Verdict {
        let (reason, stalled, retry) = match self {
            Self::Unsupported(_) => (common::UNSUPPORTED_FIELD, true, Retry::OnChange),
            Self::InvalidSpec(_) => (configuration::INVALID_SPEC, true, Retry::OnChange),
            Self::InvalidDependency(_) => (configuration::INVALID_DEPENDENCY, true, Retry::OnChange),
            Self::InvalidSecret(_) => (configuration::INVALID_SECRET, false, Retry::OnChange),
            Self::NameTaken(_) => (configuration::NAME_TAKEN, false, Retry::OnChange),
            Self::Refused(_) => (configuration::APPLY_FAILED, false, Retry::AtInterval),
            Self::Server(_) => (configuration::APPLY_FAILED, false, Retry::Backoff),
        };
        Verdict { reason, stalled, retry }
    }
}
