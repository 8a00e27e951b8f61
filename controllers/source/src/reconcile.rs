//! One pass over one GitRepository: the whole story.

use std::{panic::resume_unwind, sync::Arc};

use kube::{Api, ResourceExt as _};
use thalweg_controller_runtime::{ControllerContext, Failure, Next, Reconcile, Trigger, finalizer, patch_status};
use thalweg_crds::{
    finalizers, managers,
    source::{GIT_REPOSITORY, GROUP, GitRepository},
};
use thalweg_kubernetes::Objects;
use thalweg_manifest::ObjectId;
use tracing::{Span, warn};

use crate::{
    Error, Options, Remotes,
    exchange::{End, Exchange, Exchanges, Places, Subject, Surroundings},
    observe::{self, Observed},
    plan::{Course, course},
    report::{Again, Outcome, report, requested_at},
};

/// How often one pass reads the object again because somebody else wrote to it.
const CONFLICTS_MAX: usize = 5;

pub(crate) struct Reconciler<R> {
    context: ControllerContext,
    options: Options<R>,
    objects: Arc<Objects<GitRepository>>,
    exchanges: Exchanges,
    places: Places,
}

impl<R: Remotes> Reconcile for Reconciler<R> {
    async fn reconcile(&self, id: &ObjectId, _trigger: &Trigger) -> Result<Next, Failure> {
        let Some(object) = self.objects.get(id) else { return Ok(self.exchanges.give_up(id).unwrap_or(Next::Gone)) };
        Span::current().record("generation", object.metadata.generation);
        let course = course(&object);
        if course != Course::Pursue
            && let Some(next) = self.exchanges.give_up(id)
        {
            return Ok(next);
        }
        match course {
            Course::Finalize => self.finalize(id, &object).await,
            Course::Leave => Ok(Next::Done),
            Course::Rest => self.publish(&object, &Outcome::Rested).await,
            Course::Refuse(message) => self.publish(&object, &Outcome::Refused(message)).await,
            Course::Pursue => {
                let Some(object) = self.with_finalizer(object).await? else { return Ok(Next::Gone) };
                self.pursue(id, &object).await
            }
        }
    }
}

impl<R: Remotes> Reconciler<R> {
    pub(crate) fn new(
        context: ControllerContext,
        options: Options<R>,
        objects: Arc<Objects<GitRepository>>,
    ) -> Reconciler<R> {
        Reconciler { context, options, objects, exchanges: Exchanges::default(), places: Places::default() }
    }

    /// Begins an exchange with the remote, finds it under way, or reports its end.
    async fn pursue(&self, id: &ObjectId, object: &Arc<GitRepository>) -> Result<Next, Failure> {
        if !self.exchanges.is_for(id, object)
            && let Some(next) = self.exchanges.give_up(id)
        {
            return Ok(next);
        }
        let Some(mut exchange) = self.exchanges.take(id) else { return self.begin(id, object).await };
        match exchange.ended() {
            Some(End::Outcome(outcome)) => {
                let next = self.publish(&exchange.object, &outcome).await?;
                // What was asked for meanwhile may be about what came upstream meanwhile.
                let is_asked_again = requested_at(object) != requested_at(&exchange.object);
                let again = is_asked_again && !matches!(next, Next::Gone);
                Ok(if again { Next::At(self.context.clock.instant()) } else { next })
            }
            Some(End::Panic(panic)) => resume_unwind(panic),
            Some(End::GivenUp) => self.begin(id, object).await,
            None => {
                if let Some(progress) = exchange.progress(self.context.clock.instant())
                    && let Err(failure) = self.publish(&exchange.object, &progress).await
                {
                    warn!(%failure, "the progress could not be shown");
                }
                Ok(self.exchanges.keep(id, exchange))
            }
        }
    }

    /// Begins an exchange, unless it is clear already that there can be none.
    async fn begin(&self, id: &ObjectId, object: &Arc<GitRepository>) -> Result<Next, Failure> {
        let (storage, clock) = (self.options.storage.clone(), self.context.clock.clone());
        let observed = match observe::storage(object, &storage, clock.now()).await {
            Ok(observed) => observed,
            Err(error) => {
                let observed = Observed { stored: observe::Stored::Nothing, tampered: false, garbage: 0 };
                return self.fail(object, observed, &error).await;
            }
        };
        let subject = match self.subject(id, object, &observed).await {
            Ok(subject) => subject,
            Err(error) => return self.fail(object, observed, &error).await,
        };
        let (graph, places) = (self.context.graph.clone(), self.places.clone());
        let surroundings = Surroundings { storage, graph, clock, places };
        let exchange = Exchange::begin(subject, surroundings, self.options.progress_after);
        Ok(self.exchanges.keep(id, exchange))
    }

    async fn subject(
        &self,
        id: &ObjectId,
        object: &Arc<GitRepository>,
        observed: &Observed,
    ) -> Result<Subject<R::Git>, Error> {
        let credentials = observe::credentials(object, self.context.cluster.client()).await?;
        let remote = self.options.remotes.git(id, &object.spec, &credentials)?;
        let (place, observed) = (observe::place(object)?, observed.clone());
        Ok(Subject { id: id.clone(), object: object.clone(), observed, place, remote })
    }

    async fn fail(&self, object: &Arc<GitRepository>, observed: Observed, error: &Error) -> Result<Next, Failure> {
        self.publish(object, &Outcome::Failed { observed, verdict: error.verdict(), revision: None }).await
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
