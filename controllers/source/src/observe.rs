//! Reads what a pass needs to know: the stored artifact, and the Secret. Decides nothing.

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt as _};
use thalweg_artifact::{Place, Storage, Verdict};
use thalweg_crds::source::{Artifact, GIT_REPOSITORY, GitRepository};

use crate::{Credentials, Error};

/// What became of the artifact that the status names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// The status names none.
    Nothing,
    /// Its file is as it was published.
    Intact,
    /// Its file is gone, or not the one that was published, or somebody else's.
    Lost,
}

/// What the storage holds of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) stored: Stored,
    /// A file that is not what was published, and was removed.
    pub(crate) tampered: bool,
    /// Artifacts that had expired and were removed.
    pub(crate) garbage: usize,
}

/// Where the artifacts of an object are.
pub(crate) fn place(object: &GitRepository) -> Result<Place, Error> {
    Ok(Place::new(GIT_REPOSITORY, &object.namespace().unwrap_or_default(), &object.name_any())?)
}

/// Looks at the stored artifact, and lets go of what has expired.
pub(crate) async fn storage(
    object: &GitRepository,
    storage: &Storage,
    now: jiff::Timestamp,
) -> Result<Observed, Error> {
    let nothing = Observed { stored: Stored::Nothing, tampered: false, garbage: 0 };
    let Some(artifact) = object.status.as_ref().and_then(|status| status.artifact.as_ref()) else { return Ok(nothing) };
    let place = place(object)?;
    if !is_at(artifact, &place) {
        return Ok(Observed { stored: Stored::Lost, ..nothing });
    }
    let garbage = storage.collect_garbage(&place, &artifact.path, now).await.unwrap_or_default();
    let (stored, tampered) = match storage.verify(&artifact.path, &artifact.digest).await? {
        Verdict::Intact => (Stored::Intact, false),
        Verdict::Missing => (Stored::Lost, false),
        Verdict::Changed => {
            storage.remove(&artifact.path).await?;
            (Stored::Lost, true)
        }
    };
    Ok(Observed { stored, tampered, garbage })
}

/// A status may be written by others: a path outside the object's own folder is never opened or removed.
fn is_at(artifact: &Artifact, place: &Place) -> bool {
    let file = artifact.path.strip_prefix(&place.folder()).and_then(|rest| rest.strip_prefix('/'));
    file.is_some_and(|file| !file.contains('/'))
}

/// The Secret's data; empty if the spec names none.
pub(crate) async fn credentials(object: &GitRepository, client: &kube::Client) -> Result<Credentials, Error> {
    let Some(reference) = &object.spec.secret_ref else { return Ok(Credentials::default()) };
    let namespace = object.namespace().unwrap_or_default();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let secret = secrets.get(&reference.name).await;
    let secret = secret.map_err(|source| Error::Secret { name: format!("{namespace}/{}", reference.name), source })?;
    Ok(Credentials::new(secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0))))
}
