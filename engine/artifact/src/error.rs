//! What can go wrong with an artifact, on either side.

use std::io;

/// Why an artifact could not be stored, checked or removed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A kind, namespace, name or file name that is not one plain path component.
    #[error("'{name}' cannot be part of an artifact's path")]
    InvalidPlace {
        /// The name, control characters escaped.
        name: String,
    },
    /// The folder of an object's artifacts cannot be made.
    #[error("unable to create the folder '{path}' for artifacts")]
    CreateFolder {
        /// Relative to the storage root.
        path: String,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("unable to archive artifact to storage")]
    Archive(#[source] io::Error),
    /// A file of the tree cannot be read.
    #[error("unable to read the file '{path}' for the artifact")]
    Tree {
        /// The path in the tree.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A path that a reader of the archive would refuse.
    #[error("the path '{path}' cannot be in an artifact: {reason}")]
    InvalidPath {
        /// The path, control characters escaped.
        path: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A named limit was passed.
    #[error("{what} exceeds the limit of {limit} {unit}")]
    Limit {
        /// What grew too large.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Its unit.
        unit: &'static str,
    },
    /// A stored artifact cannot be read.
    #[error("unable to read the artifact '{path}'")]
    Read {
        /// Relative to the storage root.
        path: String,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
    /// A stored file or folder cannot be removed.
    #[error("unable to remove '{path}' from storage")]
    Remove {
        /// Relative to the storage root.
        path: String,
        /// The disk's answer.
        #[source]
        source: io::Error,
    },
}

/// Why an artifact could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// 404: expired, or not yet there again after the server's restart.
    #[error("the artifact '{url}' was not found")]
    NotFound {
        /// Where it should have been.
        url: String,
    },
    /// Another HTTP status.
    #[error("unexpected HTTP status {status} for the artifact '{url}'")]
    Status {
        /// The artifact.
        url: String,
        /// The status code.
        status: u16,
    },
    /// No answer, or one that broke off.
    #[error("unable to fetch the artifact '{url}'")]
    Transport {
        /// The artifact.
        url: String,
        /// Why, without the URL.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The digest's algorithm is not known, or it is not a digest.
    #[error("the digest '{digest}' of the artifact is not supported")]
    UnsupportedDigest {
        /// As given.
        digest: String,
    },
    /// The bytes are not those that were published.
    #[error("the artifact's digest is '{actual}', not '{expected}'")]
    Digest {
        /// From the artifact's status.
        expected: String,
        /// Of the bytes that arrived.
        actual: String,
    },
    /// The bytes are those that were published, but no archive that may be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

impl FetchError {
    /// Whether the same request may succeed in a moment. A file that was not found comes back with its source, not sooner.
    pub fn is_retryable(&self) -> bool {
        match self {
            FetchError::Transport { .. } => true,
            FetchError::Status { status, .. } => *status >= 500 || *status == 429,
            FetchError::NotFound { .. }
            | FetchError::UnsupportedDigest { .. }
            | FetchError::Digest { .. }
            | FetchError::Archive(_) => false,
        }
    }
}

/// Why an archive is not read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A named limit was passed.
    #[error("{what} exceeds the limit of {limit} {unit}")]
    Limit {
        /// What grew too large.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Its unit.
        unit: &'static str,
    },
    /// The bytes are not a gzip stream.
    #[error("the artifact cannot be decompressed")]
    Decompress(#[source] io::Error),
    /// The archive is damaged or could be read in two ways.
    #[error("the artifact's archive is refused at byte {offset}: {reason}")]
    Malformed {
        /// Of the decompressed archive.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// An entry that may not be in an artifact.
    #[error("the artifact's entry '{path}' is refused: {reason}")]
    Refused {
        /// The entry's name, control characters escaped.
        path: String,
        /// Why it is refused.
        reason: &'static str,
    },
}
