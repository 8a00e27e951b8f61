//! Writes the status of one Kustomization, always over its newest version.

use std::sync::Arc;

use thalweg_controller_runtime::patch_status;
use thalweg_crds::kustomize::{Kustomization, KustomizationStatus};
use thalweg_crds::managers;
use thalweg_kubernetes::{Error, Refusal as _};

use crate::context::{Context, id_of};
use crate::problem::Problem;

/// How often a status is computed again because somebody else wrote first.
const CONFLICTS_MAX: u32 = 5;

/// The Kustomization as it was last read or written, and the way to write its status.
pub(crate) struct Status<'a> {
    context: &'a Context,
    object: Arc<Kustomization>,
}

impl<'a> Status<'a> {
    pub(crate) fn new(context: &'a Context, object: Arc<Kustomization>) -> Self {
        Self { context, object }
    }

    /// The newest version that is known.
    pub(crate) fn object(&self) -> &Arc<Kustomization> {
        &self.object
    }

    /// Writes the status that `make` computes, with the resourceVersion it was computed from. When somebody else wrote
    /// first, it is computed again from a live read. Nothing is sent when nothing changes.
    ///
    /// A spec that changed, a deletion, or an attempt at another revision than the last one known, ends the pass: what it
    /// was doing is no longer asked for.
    pub(crate) async fn write(&mut self, make: impl Fn(&Kustomization) -> KustomizationStatus) -> Result<(), Problem> {
        let id = id_of(&self.object);
        let api = self.context.api(&id.namespace);
        for _ in 0..CONFLICTS_MAX {
            let status = make(&self.object);
            match patch_status(&api, &*self.object, &status, managers::KUSTOMIZE_STATUS).await {
                Ok(answer) => {
                    let answer = Arc::new(answer);
                    if answer.metadata.resource_version != self.object.metadata.resource_version {
                        self.context.record(answer.clone());
                    }
                    self.object = answer;
                    return Ok(());
                }
                Err(error) if error.is_not_found() => return Err(Problem::Vanished),
                Err(error) if error.is_conflict() => self.read_again().await?,
                Err(error) => return Err(Problem::Server(Error::of("patch the status of", id.subject(), error))),
            }
        }
        Err(Problem::Superseded)
    }

    /// Writes the same, or makes sure that it stands: whoever goes on from here to write objects has an owner for them. A
    /// watch that lags behind may show an owner that has gone since, and that had announced just this.
    pub(crate) async fn announce(
        &mut self,
        make: impl Fn(&Kustomization) -> KustomizationStatus,
    ) -> Result<(), Problem> {
        let before = self.object.metadata.resource_version.clone();
        self.write(&make).await?;
        if self.object.metadata.resource_version != before {
            return Ok(());
        }
        self.read_again().await?;
        self.write(make).await
    }

    async fn read_again(&mut self) -> Result<(), Problem> {
        let id = id_of(&self.object);
        let live = self.context.api(&id.namespace).get_opt(&id.name).await;
        let live = live.map_err(|error| Problem::Server(Error::of("get", id.subject(), error)))?;
        let Some(live) = live.map(Arc::new) else { return Err(Problem::Vanished) };
        self.context.record(live.clone());
        let is_same = live.metadata.uid == self.object.metadata.uid
            && live.metadata.generation == self.object.metadata.generation
            && live.metadata.deletion_timestamp == self.object.metadata.deletion_timestamp
            && attempted(&live) == attempted(&self.object);
        self.object = live;
        if is_same { Ok(()) } else { Err(Problem::Superseded) }
    }
}

/// The revision of the last attempt.
pub(crate) fn attempted(object: &Kustomization) -> Option<&str> {
    object.status.as_ref()?.last_attempted_revision.as_deref()
}
