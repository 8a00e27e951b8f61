//! What can go wrong between a reference and its files. No variant can hold a credential.

use std::time::Duration;

/// Why a Git operation failed. URLs in it have had their user information removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be used, whatever the server says.
    #[error("the Git URL is invalid: {reason}")]
    InvalidUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// The URL's scheme is not one that this door speaks.
    #[error("the Git URL scheme '{scheme}' is not supported")]
    UnsupportedScheme {
        /// The scheme, without `://`.
        scheme: String,
    },
    /// A user name, password or token that no HTTP header can carry.
    #[error("the {what} of the Git credentials is invalid")]
    InvalidCredentials {
        /// Which part.
        what: &'static str,
    },
    /// The certificate authority given is not a PEM bundle.
    #[error("the certificate authority given for Git is invalid")]
    InvalidCertificate(#[source] reqwest::Error),
    /// The reference cannot be a Git reference.
    #[error("the Git reference '{name}' is invalid: {reason}")]
    InvalidReference {
        /// The reference, control characters escaped.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No HTTP answer came.
    #[error("unable to reach '{url}'")]
    Connect {
        /// The repository.
        url: String,
        /// Why, without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// 401: no credentials were given, or they were not accepted.
    #[error("authentication required: '{url}' did not accept the credentials")]
    Unauthorized {
        /// The repository.
        url: String,
    },
    /// 403.
    #[error("authorization failed: '{url}' does not allow these credentials to read it")]
    Forbidden {
        /// The repository.
        url: String,
    },
    /// 404: no repository there, or none that these credentials may see.
    #[error("repository not found: '{url}'")]
    RepositoryNotFound {
        /// The repository.
        url: String,
    },
    /// Another HTTP status.
    #[error("unexpected HTTP status {status} from '{url}'")]
    Status {
        /// The repository.
        url: String,
        /// The status code.
        status: u16,
    },
    /// A redirect that would carry credentials elsewhere, weaken the connection or change what is asked.
    #[error("refusing to follow the redirect of '{url}' to '{target}': {reason}")]
    Redirected {
        /// The repository.
        url: String,
        /// Where the server pointed.
        target: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// The time for the whole operation is over.
    #[error("'{url}' did not finish within {timeout:?}")]
    Timeout {
        /// The repository.
        url: String,
        /// The time that was given.
        timeout: Duration,
    },
    /// The caller went away.
    #[error("the Git operation was cancelled")]
    Cancelled,
    /// A named limit was passed.
    #[error("{what} exceeds the limit of {limit} {unit}")]
    Limit {
        /// What grew too large.
        what: String,
        /// The limit.
        limit: u64,
        /// Its unit.
        unit: &'static str,
    },
    /// The server spoke, but not Git as we know it.
    #[error("unable to speak Git with '{url}'")]
    Protocol {
        /// The repository.
        url: String,
        /// What the Git library says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The repository has no commit at all.
    #[error("git repository is empty")]
    Empty,
    /// The repository has no such reference.
    #[error("couldn't find remote ref \"{name}\"")]
    ReferenceNotFound {
        /// The full name that was asked for.
        name: String,
    },
    /// The server does not give out this commit.
    #[error("unable to fetch commit '{commit}': {reason}")]
    CommitNotFound {
        /// The commit asked for, in hex.
        commit: String,
        /// What was tried.
        reason: String,
    },
    /// The reference leads to something that is not a commit.
    #[error("'{name}' does not point to a commit")]
    NotACommit {
        /// The reference.
        name: String,
    },
    /// A path in the commit that could lead outside a folder, or that two readers would read differently.
    #[error("the commit holds the path '{path}', which is refused: {reason}")]
    HostilePath {
        /// The path, control characters escaped.
        path: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// An object of the commit is missing or damaged.
    #[error("unable to read {what} from the object database")]
    Object {
        /// Which object.
        what: String,
        /// What the Git library says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cache on disk cannot be used.
    #[error("unable to {doing} the Git cache")]
    Cache {
        /// The verb.
        doing: &'static str,
        /// The disk's answer.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the fault may lie in the cached repository, so that a fresh clone can help.
    pub(crate) fn may_be_local(&self) -> bool {
        matches!(self, Error::Protocol { .. } | Error::Object { .. } | Error::Cache { .. } | Error::NotACommit { .. })
    }
}
