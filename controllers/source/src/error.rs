//! Why an artifact could not be brought up to date, and the verdict on it.

use thalweg_controller_runtime::chain;
use thalweg_crds::{conditions, reasons::source as reasons};

/// What went wrong, by the step in which it did.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Secret cannot be read.
    #[error("failed to get secret '{name}'")]
    Secret {
        /// Namespace and name.
        name: String,
        /// The API server's answer.
        #[source]
        source: kube::Error,
    },
    /// The Secret does not hold usable credentials.
    #[error("failed to configure authentication options: {reason}")]
    Credentials {
        /// What is wrong; never a value.
        reason: String,
    },
    /// The Secret is for another provider.
    #[error("{reason}")]
    Provider {
        /// What contradicts what.
        reason: &'static str,
    },
    /// The upstream cannot be asked, does not have the reference, or does not give it out.
    #[error("failed to checkout and determine revision")]
    Git(#[source] thalweg_git::Error),
    /// The artifact cannot be stored.
    #[error(transparent)]
    Storage(#[from] thalweg_artifact::Error),
}

/// What an error means for the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The condition that becomes True.
    pub(crate) condition: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// Whether only a change of the spec can help.
    pub(crate) stalled: bool,
}

impl Error {
    /// The verdict: the only place where conditions and reasons of failures are chosen.
    pub(crate) fn verdict(&self) -> Verdict {
        let (condition, reason, stalled) = match self {
            Error::Secret { .. } | Error::Credentials { .. } => {
                (conditions::FETCH_FAILED, reasons::AUTHENTICATION_FAILED, false)
            }
            Error::Provider { .. } => (conditions::FETCH_FAILED, reasons::INVALID_PROVIDER_CONFIGURATION, false),
            Error::Git(error) => {
                let (reason, stalled) = git_reason(error);
                (conditions::FETCH_FAILED, reason, stalled)
            }
            Error::Storage(error) => (conditions::STORAGE_OPERATION_FAILED, storage_reason(error), false),
        };
        Verdict { condition, reason, message: self.message(), stalled }
    }

    fn message(&self) -> String {
        match self {
            Error::Git(error @ thalweg_git::Error::Empty) => error.to_string(),
            error => visible(&chain(error)),
        }
    }
}

fn git_reason(error: &thalweg_git::Error) -> (&'static str, bool) {
    use thalweg_git::Error::*;
    match error {
        InvalidUrl { .. } | UnsupportedScheme { .. } => (reasons::URL_INVALID, true),
        InvalidCredentials { .. } | InvalidCertificate(_) => (reasons::AUTHENTICATION_FAILED, false),
        Empty => (reasons::EMPTY_GIT_REPOSITORY, false),
        InvalidReference { .. }
        | Connect { .. }
        | Unauthorized { .. }
        | Forbidden { .. }
        | RepositoryNotFound { .. }
        | Status { .. }
        | Redirected { .. }
        | Timeout { .. }
        | Cancelled
        | Limit { .. }
        | Protocol { .. }
        | ReferenceNotFound { .. }
        | CommitNotFound { .. }
        | NotACommit { .. }
        | HostilePath { .. }
        | Object { .. }
        | Cache { .. } => (reasons::GIT_OPERATION_FAILED, false),
    }
}

fn storage_reason(error: &thalweg_artifact::Error) -> &'static str {
    use thalweg_artifact::Error::*;
    match error {
        InvalidPlace { .. } => reasons::INVALID_PATH,
        CreateFolder { .. } => reasons::DIRECTORY_CREATION_FAILED,
        Archive(_) | Tree { .. } | InvalidPath { .. } | Limit { .. } => reasons::ARCHIVE_OPERATION_FAILED,
        Read { .. } => reasons::READ_OPERATION_FAILED,
        Remove { .. } => reasons::GARBAGE_COLLECTION_FAILED,
    }
}

/// Text without control characters: a server may have written some of it.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_reasons_of_flux() {
        use thalweg_git::Error as Git;
        let url = || "https://example.com/app.git".to_owned();
        for (error, expected) in [
            (Error::Git(Git::Empty), "FetchFailed EmptyGitRepository git repository is empty"),
            (
                Error::Git(Git::Unauthorized { url: url() }),
                "FetchFailed GitOperationFailed failed to checkout and determine revision: authentication required: \
                 'https://example.com/app.git' did not accept the credentials",
            ),
            (
                Error::Git(Git::HostilePath { path: "a/..".into(), reason: "a name leads elsewhere" }),
                "FetchFailed GitOperationFailed failed to checkout and determine revision: the commit holds the path 'a/..', \
                 which is refused: a name leads elsewhere",
            ),
            (
                Error::Git(Git::InvalidCredentials { what: "password" }),
                "FetchFailed AuthenticationFailed failed to checkout and determine revision: the password of the Git \
                 credentials is invalid",
            ),
            (
                Error::Git(Git::InvalidUrl { reason: "it has no\nhost".into() }),
                "FetchFailed URLInvalid stalled failed to checkout and determine revision: the Git URL is invalid: it has no \
                 host",
            ),
            (
                Error::Storage(thalweg_artifact::Error::Archive(std::io::Error::other("disk full"))),
                "StorageOperationFailed ArchiveOperationFailed unable to archive artifact to storage: disk full",
            ),
        ] {
            let Verdict { condition, reason, message, stalled } = error.verdict();
            let stalled = if stalled { "stalled " } else { "" };
            assert_eq!(format!("{condition} {reason} {stalled}{message}"), expected);
        }
    }
}
