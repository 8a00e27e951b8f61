//! One pass over one GitRepository: the whole story.

use std::{pin::pin, sync::Arc};

use kube::{Api, ResourceExt as _};
use thalweg_controller_runtime::{ControllerContext, Failure, Next, Reconcile, Trigger, finalizer, patch_status};
use thalweg_crds::{
    finalizers, managers,
    source::{Artifact, GIT_REPOSITORY, GROUP, GitRepository},
};
use thalweg_kubernetes::Objects;
use thalweg_manifest::ObjectId;
use tracing::{Span, debug, info, warn};

use crate::{
    Options, Remote as _, Remotes, act,
    observe::{self, Observed},
    plan::{Course, Plan, course, plan},
    report::{Again, Outcome, report},
};

/// How often one pass reads the object again because somebody else wrote to it.
const CONFLICTS_MAX: usize = 5;

pub(crate) struct Reconciler<R> {
    pub(crate) context: ControllerContext,
    pub(crate) options: Options<R>,
    pub(crate) objects: Arc<Objects<GitRepository>>,
}

impl<R: Remotes> Reconcile for Reconciler<R> {
    async fn reconcile(&self, id: &ObjectId, _trigger: &Trigger) -> Result<Next, Failure> {
        let Some(object) = self.objects.get(id) else { return Ok(Next::Gone) };
        Span::current().record("generation", object.metadata.generation);
        match course(&object) {
            Course::Finalize => self.finalize(id, &object).await,
            Course::Leave => Ok(Next::Done),
            Course::Rest => self.publish(&object, &Outcome::Rested).await,
            Course::Refuse(message) => self.publish(&object, &Outcome::Refused(message)).await,
            Course::Pursue => {
                let Some(object) = self.with_finalizer(object).await? else { return Ok(Next::Gone) };
                let outcome = self.attempt_showing_progress(id, &object).await;
                self.publish(&object, &outcome).await
            }
        }
    }
}

impl<R: Remotes> Reconciler<R> {
    async fn attempt(&self, id: &ObjectId, object: &GitRepository, progress: &Progress) -> Outcome {
        let now = self.context.clock.now();
        let observed = match observe::storage(object, &self.options.storage, now).await {
            Ok(observed) => observed,
            Err(error) => {
                let observed = Observed { stored: observe::Stored::Nothing, tampered: false, garbage: 0 };
                return Outcome::Failed { observed, verdict: error.verdict(), revision: None };
            }
        };
        progress.set(&observed, None);
        let outcome = self.pursue(id, object, &observed, progress).await;
        outcome.unwrap_or_else(|error| {
            let revision = progress.revision();
            Outcome::Failed { observed, verdict: error.verdict(), revision }
        })
    }

    async fn pursue(
        &self,
        id: &ObjectId,
        object: &GitRepository,
        observed: &Observed,
        progress: &Progress,
    ) -> Result<Outcome, crate::Error> {
        let credentials = observe::credentials(object, self.context.cluster.client()).await?;
        let remote = self.options.remotes.git(id, &object.spec, &credentials)?;
        let resolved = remote.resolve().await?;
        Span::current().record("revision", &resolved.revision);
        match plan(&object.spec, object.status.as_ref(), observed.stored, &resolved) {
            Plan::Keep(artifact) => {
                debug!("the artifact is up to date");
                let url = self.options.storage.url(&artifact.path);
                Ok(Outcome::Kept { observed: observed.clone(), artifact: Artifact { url, ..artifact } })
            }
            Plan::Store => {
                progress.set(observed, Some(resolved.revision));
                let now = self.context.clock.now();
                let published = act::store(object, &remote, &self.options.storage, now).await?;
                info!(revision = published.artifact.revision, digest = published.artifact.digest, "stored an artifact");
                Ok(Outcome::Stored { observed: observed.clone(), published })
            }
        }
    }

    /// An attempt that is not over after a moment says in the status that it goes on.
    async fn attempt_showing_progress(&self, id: &ObjectId, object: &Arc<GitRepository>) -> Outcome {
        let progress = Progress::default();
        let mut attempt = pin!(self.attempt(id, object, &progress));
        let Some(moment) = self.options.progress_after else { return attempt.await };
        tokio::select! { biased;
            outcome = &mut attempt => return outcome,
            () = tokio::time::sleep(moment) => {}
        }
        let showing = async {
            if let Some(outcome) = progress.outcome()
                && let Err(failure) = self.publish(object, &outcome).await
            {
                warn!(%failure, "the progress could not be shown");
            }
        };
        tokio::join!(attempt, showing).0
    }

    /// The object with our finalizer: it is there before anything is stored. None if the object is gone.
    async fn with_finalizer(&self, object: Arc<GitRepository>) -> Result<Option<Arc<GitRepository>>, Failure> {
        let api = self.api(&object);
        let mut object = object;
        for _ in 0..CONFLICTS_MAX {
            if finalizer::is_present(&*object, finalizers::FLUX) {
                return Ok(Some(object));
            }
            match finalizer::add(&api, &*object, finalizers::FLUX, managers::SOURCE).await {
                Ok(answer) => object = self.record(answer),
                Err(error) => match self.after_conflict(&object, error).await? {
                    Some(latest) if latest.metadata.deletion_timestamp.is_none() => object = latest,
                    _ => return Ok(None),
                },
            }
        }
        Err(Failure::message("adding the finalizer: the object changed too often"))
    }

    /// Removes what is stored, then our finalizer.
    async fn finalize(&self, id: &ObjectId, object: &Arc<GitRepository>) -> Result<Next, Failure> {
        self.options.storage.remove_all(&observe::place(object)?).await?;
        self.options.remotes.forget(id).await?;
        let api = self.api(object);
        let mut object = object.clone();
        for _ in 0..CONFLICTS_MAX {
            match finalizer::remove(&api, &*object, finalizers::FLUX, managers::SOURCE).await {
                Ok(answer) => {
                    // Without finalizers it is gone: the watch says so, and nothing may bring it back.
                    answer.filter(|answer| !answer.finalizers().is_empty()).map(|answer| self.record(answer));
                    return Ok(Next::Done);
                }
                Err(error) => match self.after_conflict(&object, error).await? {
                    Some(latest) => object = latest,
                    None => return Ok(Next::Done),
                },
            }
        }
        Err(Failure::message("removing the finalizer: the object changed too often"))
    }

    /// Writes the status, if it says something new, then sends the events.
    async fn publish(&self, seen: &Arc<GitRepository>, outcome: &Outcome) -> Result<Next, Failure> {
        let api = self.api(seen);
        let id = ObjectId::new(GROUP, GIT_REPOSITORY, seen.namespace().unwrap_or_default(), seen.name_any());
        // Our own writes are recorded, so what the store holds is never older than `seen`.
        let mut latest = self.objects.get(&id).filter(|held| held.uid() == seen.uid()).unwrap_or_else(|| seen.clone());
        for _ in 0..CONFLICTS_MAX {
            let report = report(seen, &latest, outcome, self.context.clock.now());
            match patch_status(&api, &*latest, &report.status, managers::SOURCE).await {
                Ok(answer) => {
                    self.record(answer);
                    report.events.into_iter().for_each(|event| self.context.events.send(event));
                    return match report.again {
                        Again::OnChange => Ok(Next::Done),
                        Again::AfterInterval => Ok(self.context.after_interval(seen.spec.interval.get())),
                        Again::WithBackoff(message) => Err(Failure::message(message)),
                    };
                }
                Err(error) => match self.after_conflict(&latest, error).await? {
                    Some(object) => latest = object,
                    None => return Ok(Next::Gone),
                },
            }
        }
        Err(Failure::message("writing the status: the object changed too often"))
    }

    /// After a 409 the object as it is now; none if it is gone. Other errors stay errors.
    async fn after_conflict(
        &self,
        object: &GitRepository,
        error: kube::Error,
    ) -> Result<Option<Arc<GitRepository>>, Failure> {
        match &error {
            kube::Error::Api(status) if status.code == 404 => return Ok(None),
            kube::Error::Api(status) if status.code == 409 => {}
            _ => return Err(error.into()),
        }
        let latest = self.api(object).get_opt(&object.name_any()).await?;
        let latest = latest.filter(|latest| latest.uid() == object.uid());
        Ok(latest.map(|latest| self.record(latest)))
    }

    fn record(&self, object: GitRepository) -> Arc<GitRepository> {
        let object = Arc::new(object);
        self.objects.record(object.clone());
        object
    }

    fn api(&self, object: &GitRepository) -> Api<GitRepository> {
        Api::namespaced(self.context.cluster.client().clone(), &object.namespace().unwrap_or_default())
    }
}

/// How far an attempt has come.
#[derive(Default)]
struct Progress(std::sync::Mutex<Option<(Observed, Option<String>)>>);

impl Progress {
    fn set(&self, observed: &Observed, revision: Option<String>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((observed.clone(), revision));
    }

    fn get(&self) -> Option<(Observed, Option<String>)> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn revision(&self) -> Option<String> {
        self.get()?.1
    }

    /// What to show. An artifact that may still prove current is not called outdated.
    fn outcome(&self) -> Option<Outcome> {
        let (observed, revision) = self.get()?;
        let is_building = revision.is_some() || observed.stored != observe::Stored::Intact;
        is_building.then_some(Outcome::Working { observed, revision })
    }
}
