//! Carries out what was planned: archives what was fetched, and publishes it. Decides nothing.

use jiff::Timestamp;
use thalweg_artifact::{Artifact, Place, Publication, Storage, Tree};
use thalweg_crds::source::GitRepository;

use crate::{Error, Fetched};

/// A new artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) artifact: Artifact,
    /// What is new in it.
    pub(crate) summary: String,
    /// `spec.ignore` of it.
    pub(crate) ignore: Option<String>,
}

/// Puts the artifact of what was fetched in place.
pub(crate) async fn publish<T: Tree + Send + 'static>(
    object: &GitRepository,
    fetched: Fetched<T>,
    storage: &Storage,
    place: &Place,
    time: Timestamp,
) -> Result<Published, Error> {
    let Fetched { revision, file_name, summary, tree } = fetched;
    let ignore = object.spec.ignore.clone();
    let publication = Publication { file_name, revision, ignore: ignore.clone(), time };
    let artifact = storage.publish(place, publication, tree).await?;
    Ok(Published { artifact, summary, ignore })
}
