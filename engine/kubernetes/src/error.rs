//! What went wrong with a request, and what the API server said about it.

use std::sync::Arc;

use kube::core::Status;

/// A request that did not do what it was sent for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client could be made from the kubeconfig or from the pod we run in.
    #[error("cannot configure the connection to the API server")]
    Configuration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The kubeconfig impersonates: its header would stand beside ours, and the server would take the first.
    #[error(
        "the kubeconfig's user impersonates another one, which cannot be combined with impersonated service accounts"
    )]
    Impersonation,
    /// The object cannot be named in a URL.
    #[error("{subject}: {reason}")]
    Unaddressable {
        /// `Kind/namespace/name`.
        subject: String,
        /// What a name may not be.
        reason: &'static str,
    },
    /// The server refused.
    #[error("cannot {verb} {subject}")]
    Refused {
        /// What we were doing.
        verb: &'static str,
        /// What we were doing it to.
        subject: String,
        /// The server's answer.
        #[source]
        status: Box<Status>,
    },
    /// There was no answer, or one that cannot be read.
    #[error("cannot {verb} {subject}")]
    Failed {
        /// What we were doing.
        verb: &'static str,
        /// What we were doing it to.
        subject: String,
        /// The cause.
        #[source]
        source: Box<kube::Error>,
    },
    /// The server could not say which kinds a group has.
    #[error("discovery of the API group {group:?} is incomplete: the server that serves it does not answer")]
    IncompleteDiscovery {
        /// The group.
        group: String,
    },
    /// The server does not speak aggregated discovery (`apidiscovery.k8s.io/v2`, Kubernetes 1.30).
    #[error("the API server has no aggregated discovery, which Kubernetes has since 1.30")]
    NoAggregatedDiscovery,
    /// A watch has no complete view at the moment; it keeps trying.
    #[error("the watch of {subject} is failing")]
    Watch {
        /// `Kind.group`.
        subject: String,
        /// The cause.
        #[source]
        source: Arc<Error>,
    },
}

impl Error {
    /// An error of `kube` while we tried to `verb` the `subject`.
    pub fn of(verb: &'static str, subject: impl Into<String>, source: kube::Error) -> Self {
        let subject = subject.into();
        match source {
            kube::Error::Api(status) => Self::Refused { verb, subject, status },
            source => Self::Failed { verb, subject, source: Box::new(source) },
        }
    }
}

/// What an error means: the server's refusal, if it is one.
pub trait Refusal: std::error::Error {
    /// The server's answer, if there was one.
    fn status(&self) -> Option<&Status>;

    /// 404: the object, its namespace, or the version of its kind is not there.
    fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| is(status, "NotFound", 404))
    }

    /// 409: another writer was first, or a precondition does not hold. Server-side apply answers it for fields that others own.
    fn is_conflict(&self) -> bool {
        self.status().is_some_and(|status| is(status, "Conflict", 409))
    }

    /// 409 with the reason that the object exists.
    fn is_already_exists(&self) -> bool {
        self.status().is_some_and(|status| status.reason == "AlreadyExists")
    }

    /// 403.
    fn is_forbidden(&self) -> bool {
        self.status().is_some_and(|status| is(status, "Forbidden", 403))
    }

    /// 422: the object breaks a rule of its kind.
    fn is_invalid(&self) -> bool {
        self.status().is_some_and(|status| is(status, "Invalid", 422))
    }

    /// 410: the resourceVersion or the continue token is too old.
    fn is_expired(&self) -> bool {
        self.status().is_some_and(|status| status.code == 410)
    }

    /// Nothing is wrong with the request: it timed out, the server is overloaded or could not be reached.
    fn is_transient(&self) -> bool {
        self.status().is_none_or(|status| matches!(status.code, 429 | 500 | 502..=504) && !is_typing_error(status))
    }

    /// What to tell a user: the server's own message, or the causes one after the other.
    fn message(&self) -> String {
        match self.status() {
            Some(status) if !status.message.is_empty() => status.message.clone(),
            Some(status) if !status.reason.is_empty() => status.reason.clone(),
            _ => causes(self),
        }
    }
}

impl Refusal for Error {
    fn status(&self) -> Option<&Status> {
        match self {
            Self::Refused { status, .. } => Some(status),
            Self::Failed { source, .. } => source.status(),
            Self::Watch { source, .. } => source.status(),
            Self::Configuration(_)
            | Self::Impersonation
            | Self::Unaddressable { .. }
            | Self::IncompleteDiscovery { .. }
            | Self::NoAggregatedDiscovery => None,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, .. } => kube::Error::Api(status.clone()).is_transient(),
            Self::Failed { .. } | Self::IncompleteDiscovery { .. } => true,
            Self::Watch { source, .. } => source.is_transient(),
            Self::Configuration(_) | Self::Impersonation | Self::Unaddressable { .. } | Self::NoAggregatedDiscovery => {
                false
            }
        }
    }
}

impl Refusal for kube::Error {
    fn status(&self) -> Option<&Status> {
        match self {
            Self::Api(status) => Some(status),
            _ => None,
        }
    }
}

/// The reason decides; the code does where there is no reason, as in the plain text of a proxy or of an unserved path.
/// (The methods of kube's `Status` never look at the code.)
fn is(status: &Status, reason: &str, code: u16) -> bool {
    status.reason == reason || (!is_reason_of_kubernetes(&status.reason) && status.code == code)
}

fn is_reason_of_kubernetes(reason: &str) -> bool {
    !reason.is_empty() && !reason.contains(' ')
}

/// Server-side apply answers 500 for an object that its schema does not allow.
fn is_typing_error(status: &Status) -> bool {
    status.code == 500 && status.message.contains("failed to create typed patch object")
}

fn causes<E: std::error::Error + ?Sized>(error: &E) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        // Errors of other crates often repeat their cause.
        if !text.ends_with(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text
}
