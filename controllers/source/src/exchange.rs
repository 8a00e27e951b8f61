//! The exchange with a remote: which revision it has and, when that is wanted, its files, archived and published.
//!
//! An exchange is a task outside the workers. The pass that begins one answers that it is under way; the end of it tells the
//! graph, which knows each object's exchange by an id of its own ([`exchange_of`]), and so wakes the object for the pass that
//! reports what came of it. An object has one exchange at a time. One whose object is no more as it was is given up at once,
//! except while it publishes: that is short, and two that publish could write the same file.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use kube::ResourceExt as _;
use thalweg_artifact::{Place, Storage};
use thalweg_controller_runtime::{CancellationToken, Clock, Graph, Next};
use thalweg_crds::source::{Artifact, GROUP, GitRepository};
use thalweg_manifest::ObjectId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, Span, debug, info};

use crate::observe::{Observed, Stored};
use crate::plan::{Plan, plan};
use crate::report::Outcome;
use crate::{Error, Fetched, Remote, act};

/// Remotes that are asked for their revision at a time. One that says nothing keeps its place for its object's
/// `spec.timeout`, and whoever waits for the place has all of its own time still to come.
pub(crate) const ASKED_MAX: usize = 64;

/// Remotes whose files are fetched, archived and published at a time: what takes memory, disk and processors. A place is
/// taken when the remote has said which revision it has.
pub(crate) const STORED_MAX: usize = 8;

/// What all exchanges share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) storage: Storage,
    pub(crate) graph: Graph,
    pub(crate) clock: Clock,
    pub(crate) places: Places,
}

/// How much goes on at a time.
#[derive(Clone)]
pub(crate) struct Places {
    asked: Arc<Semaphore>,
    stored: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self { asked: Arc::new(Semaphore::new(ASKED_MAX)), stored: Arc::new(Semaphore::new(STORED_MAX)) }
    }
}

/// The exchanges that are under way, or whose end is yet to be reported.
#[derive(Default)]
pub(crate) struct Exchanges(Mutex<BTreeMap<ObjectId, Exchange>>);

impl Exchanges {
    pub(crate) fn take(&self, id: &ObjectId) -> Option<Exchange> {
        self.lock().remove(id)
    }

    /// Keeps an exchange that is under way; answers the wait for its end.
    pub(crate) fn keep(&self, id: &ObjectId, exchange: Exchange) -> Next {
        let deadline = exchange.progress_at;
        self.lock().insert(id.clone(), exchange);
        Next::Underway { objects: [exchange_of(id)].into(), deadline }
    }

    /// Whether what is under way for an object, if anything is, was begun for it as it is now.
    pub(crate) fn is_for(&self, id: &ObjectId, object: &GitRepository) -> bool {
        self.lock().get(id).is_none_or(|exchange| exchange.is_for(object))
    }

    /// Gives up what is under way for an object; answers the wait for its end, unless it has ended.
    pub(crate) fn give_up(&self, id: &ObjectId) -> Option<Next> {
        let exchange = self.take(id)?;
        exchange.give_up().then(|| self.keep(id, Exchange { progress_at: None, ..exchange }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectId, Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exchange of an object, as the graph knows it.
fn exchange_of(id: &ObjectId) -> ObjectId {
    ObjectId::new(GROUP, "Exchange", &id.namespace, &id.name)
}

/// An exchange that is under way, or has ended. Dropping it ends it.
pub(crate) struct Exchange {
    /// The object as it was when the exchange began.
    pub(crate) object: Arc<GitRepository>,
    observed: Observed,
    /// When it says that it goes on, if it has not.
    progress_at: Option<Instant>,
    given_up: CancellationToken,
    state: Arc<Mutex<State>>,
    _task: AbortOnDrop,
}

#[derive(Default)]
struct State {
    /// The revision that is being fetched, once it is known.
    revision: Option<String>,
    end: Option<End>,
}

/// How an exchange ended.
pub(crate) enum End {
    Outcome(Outcome),
    GivenUp,
    Panic(Box<dyn Any + Send>),
}

/// What an exchange is about.
pub(crate) struct Subject<R> {
    pub(crate) id: ObjectId,
    pub(crate) object: Arc<GitRepository>,
    pub(crate) observed: Observed,
    pub(crate) place: Place,
    pub(crate) remote: R,
}

impl Exchange {
    /// Begins an exchange.
    pub(crate) fn begin<R: Remote>(
        subject: Subject<R>,
        surroundings: Surroundings,
        progress_after: Option<Duration>,
    ) -> Self {
        let (object, observed) = (subject.object.clone(), subject.observed.clone());
        let progress_at = progress_after.map(|after| surroundings.clock.instant() + after);
        let (given_up, state) = (CancellationToken::new(), Arc::<Mutex<State>>::default());
        let (graph, name) = (surroundings.graph.clone(), exchange_of(&subject.id));
        let work = Work { subject, surroundings, state: state.clone() };
        let (given, shared) = (given_up.clone(), state.clone());
        let task = async move {
            let end = match AssertUnwindSafe(work.run(given)).catch_unwind().await {
                Ok(Some(outcome)) => End::Outcome(outcome),
                Ok(None) => End::GivenUp,
                Err(panic) => End::Panic(panic),
            };
            lock(&shared).end = Some(end);
            graph.changed(&name);
        };
        let _task = AbortOnDrop(tokio::spawn(task.in_current_span()));
        Self { object, observed, progress_at, given_up, state, _task }
    }

    /// A request alone does not make an object another one: it is answered by an exchange that begins after it.
    fn is_for(&self, object: &GitRepository) -> bool {
        self.object.uid() == object.uid() && self.object.metadata.generation == object.metadata.generation
    }

    /// How it ended, once it has. It is told once.
    pub(crate) fn ended(&self) -> Option<End> {
        lock(&self.state).end.take()
    }

    /// Ends it as soon as may be; answers whether that is yet to come.
    fn give_up(&self) -> bool {
        self.given_up.cancel();
        lock(&self.state).end.is_none()
    }

    /// What to say of an exchange that is not over after a moment; once. An artifact that may still prove current is not
    /// called outdated.
    pub(crate) fn progress(&mut self, now: Instant) -> Option<Outcome> {
        self.progress_at.take_if(|at| *at <= now)?;
        let revision = lock(&self.state).revision.clone();
        let is_building = revision.is_some() || self.observed.stored != Stored::Intact;
        is_building.then(|| Outcome::Working { observed: self.observed.clone(), revision })
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The task of an exchange.
struct Work<R> {
    subject: Subject<R>,
    surroundings: Surroundings,
    state: Arc<Mutex<State>>,
}

/// What a remote had to say.
enum Answer<T> {
    /// Nothing new.
    Current(Artifact),
    /// These files, which have a place among those that are being stored.
    Files(Fetched<T>, OwnedSemaphorePermit),
}

impl<R: Remote> Work<R> {
    /// What came of it; none if it was given up.
    async fn run(self, given_up: CancellationToken) -> Option<Outcome> {
        let answer = tokio::select! { biased;
            () = given_up.cancelled() => return None,
            answer = self.ask() => answer,
        };
        let observed = self.subject.observed.clone();
        let outcome = match answer {
            Ok(Answer::Current(artifact)) => {
                debug!("the artifact is up to date");
                let url = self.surroundings.storage.url(&artifact.path);
                Ok(Outcome::Kept { observed: observed.clone(), artifact: Artifact { url, ..artifact } })
            }
            Ok(Answer::Files(fetched, place)) => self.publish(fetched, place).await,
            Err(error) => Err(error),
        };
        Some(outcome.unwrap_or_else(|error| {
            let revision = lock(&self.state).revision.clone();
            Outcome::Failed { observed, verdict: error.verdict(), revision }
        }))
    }

    async fn ask(&self) -> Result<Answer<R::Tree>, Error> {
        let Subject { object, observed, remote, .. } = &self.subject;
        let Places { asked, stored } = &self.surroundings.places;
        let mut time = Time::of(object, &self.surroundings.clock);
        let place = acquired(asked).await;
        let resolved = time.within(remote, remote.resolve()).await?;
        drop(place);
        Span::current().record("revision", &resolved.revision);
        match plan(&object.spec, object.status.as_ref(), observed.stored, &resolved) {
            Plan::Keep(artifact) => Ok(Answer::Current(artifact)),
            Plan::Store => {
                lock(&self.state).revision = Some(resolved.revision);
                let place = acquired(stored).await;
                Ok(Answer::Files(time.within(remote, remote.fetch()).await?, place))
            }
        }
    }

    async fn publish(&self, fetched: Fetched<R::Tree>, _place: OwnedSemaphorePermit) -> Result<Outcome, Error> {
        let Subject { object, observed, place, .. } = &self.subject;
        let Surroundings { storage, clock, .. } = &self.surroundings;
        let published = act::publish(object, fetched, storage, place, clock.now()).await?;
        info!(revision = published.artifact.revision, digest = published.artifact.digest, "stored an artifact");
        Ok(Outcome::Stored { observed: observed.clone(), published })
    }
}

async fn acquired(places: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    places.clone().acquire_owned().await.expect("the semaphore is never closed")
}

/// The time that a remote has for the whole exchange. It runs while the remote is waited for, not while a place is.
struct Time<'a> {
    limit: Duration,
    left: Duration,
    clock: &'a Clock,
}

impl<'a> Time<'a> {
    fn of(object: &GitRepository, clock: &'a Clock) -> Self {
        let limit = object.spec.timeout().get();
        Self { limit, left: limit, clock }
    }

    async fn within<R: Remote, T>(
        &mut self,
        remote: &R,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let begun = self.clock.instant();
        let answer = timeout(self.left, answer).await;
        self.left = self.left.saturating_sub(self.clock.instant() - begun);
        answer.unwrap_or_else(|_| Err(remote.timed_out(self.limit)))
    }
}
