//! Upstreams: what a kind of source must be able to do, and where its remotes come from.
//!
//! A new kind of source is a method of [`Remotes`], an implementation of [`Remote`] in a file of its own, and nothing else.

mod git;

use std::collections::BTreeMap;
use std::time::Duration;

use thalweg_artifact::Tree;
use thalweg_crds::source::GitRepositorySpec;
use thalweg_manifest::ObjectId;

use crate::Error;

/// The data of a source's Secret; empty without one. Never printed.
#[derive(Clone, Default)]
pub struct Credentials(pub(crate) BTreeMap<String, Vec<u8>>);

impl Credentials {
    /// Credentials from the data of a Secret.
    pub fn new(data: impl IntoIterator<Item = (String, Vec<u8>)>) -> Credentials {
        Credentials(data.into_iter().collect())
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// What an upstream has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// As `status.artifact.revision` will say it.
    pub revision: String,
}

/// What was fetched from an upstream.
pub struct Fetched<T> {
    /// As `status.artifact.revision` will say it. May be newer than what was resolved.
    pub revision: String,
    /// The name of the artifact's file.
    pub file_name: String,
    /// What is new, in a few words for a person.
    pub summary: String,
    /// The files.
    pub tree: T,
}

/// One upstream, with all that is needed to ask it.
pub trait Remote: Send + Sync + 'static {
    /// Its files.
    type Tree: Tree + Send + 'static;

    /// What it has now, at the least cost. A pinned revision needs no request.
    fn resolve(&self) -> impl Future<Output = Result<Resolved, Error>> + Send;

    /// Its files now.
    fn fetch(&self) -> impl Future<Output = Result<Fetched<Self::Tree>, Error>> + Send;

    /// The error of a remote that took longer than `limit` over all that it was asked.
    fn timed_out(&self, limit: Duration) -> Error;
}

/// Where remotes come from: a method a kind of source.
pub trait Remotes: Send + Sync + 'static {
    /// The remote of a GitRepository.
    type Git: Remote;

    /// The remote that a GitRepository names. Sends nothing.
    fn git(&self, id: &ObjectId, spec: &GitRepositorySpec, credentials: &Credentials) -> Result<Self::Git, Error>;

    /// Drops what is kept for an object that is going.
    fn forget(&self, id: &ObjectId) -> impl Future<Output = Result<(), Error>> + Send;
}
