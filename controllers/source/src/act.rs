//! Carries out what was planned: fetches, archives and publishes, or removes. Decides nothing.

use jiff::Timestamp;
use thalweg_artifact::{Artifact, Publication, Storage};
use thalweg_crds::source::GitRepository;

use crate::{Error, Remote, observe};

/// A new artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) artifact: Artifact,
    /// What is new in it.
    pub(crate) summary: String,
    /// `spec.ignore` of it.
    pub(crate) ignore: Option<String>,
}

/// Fetches from `remote` and puts the artifact in place.
pub(crate) async fn store<R: Remote>(
    object: &GitRepository,
    remote: &R,
    storage: &Storage,
    time: Timestamp,
) -> Result<Published, Error> {
    let place = observe::place(object)?;
    let fetched = remote.fetch().await?;
    let ignore = object.spec.ignore.clone();
    let publication =
        Publication { file_name: fetched.file_name, revision: fetched.revision, ignore: ignore.clone(), time };
    let artifact = storage.publish(&place, publication, fetched.tree).await?;
    Ok(Published { artifact, summary: fetched.summary, ignore })
}
