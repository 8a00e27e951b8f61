//! The files of artifacts: at once when they are in memory, else fetched by a task outside the workers.
//!
//! A pass that needs files which are not there begins a [`Fetch`], answers that it waits, and comes back when the fetch has
//! ended: the graph knows each Kustomization's fetch by an id of its own ([`fetch_of`]).

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use thalweg_artifact::{FetchError, Fetcher, Files};
use thalweg_controller_runtime::{Graph, chain};
use thalweg_crds::kustomize::{GROUP, Kustomization};
use thalweg_crds::source::Artifact;
use thalweg_manifest::ObjectId;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::act::Waiting;
use crate::context::{Context, id_of};
use crate::problem::Problem;

/// The pause before a fetch is repeated; it doubles, up to the limit.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What a pass can do about the files of an artifact.
pub(crate) enum Fetched {
    /// They are here.
    Files(Arc<Files>),
    /// They are being fetched.
    Awaited(Waiting),
}

/// Why there are no files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfetched {
    /// The server says that there is no such file.
    NotFound(String),
    /// Anything else.
    Failed(String),
}

impl From<Unfetched> for Problem {
    fn from(unfetched: Unfetched) -> Self {
        match unfetched {
            Unfetched::NotFound(url) => Self::ArtifactNotFound(url),
            Unfetched::Failed(why) => Self::Artifact(why),
        }
    }
}

/// The files of an artifact whose bytes have the digest that the source names. Never waits.
///
/// `slot` holds the fetch of this Kustomization, if there is one: it goes when the files are handed out, and when another
/// artifact or spec is asked for; a failure stays in it until the caller drops it, and is answered again until then.
pub(crate) fn files(
    slot: &mut Option<Fetch>,
    object: &Kustomization,
    artifact: &Artifact,
    context: &Context,
) -> Result<Fetched, Unfetched> {
    let of = Of::new(object, artifact);
    let fetch = slot.take().filter(|fetch| fetch.of == of);
    if let Some(files) = context.fetcher.cached(&artifact.digest) {
        return Ok(Fetched::Files(files));
    }
    let fetch = fetch.unwrap_or_else(|| {
        let graph = context.runtime.graph.clone();
        let now = context.runtime.clock.instant();
        Fetch::start(of, context.fetcher.clone(), context.options.fetch_retries, graph, fetch_of(&id_of(object)), now)
    });
    let timeout = object.spec.timeout();
    let deadline = fetch.started + timeout.get();
    let outcome = fetch.outcome().or_else(|| {
        let is_over = context.runtime.clock.instant() >= deadline;
        is_over.then(|| {
            let because = fetch.last_failure().map(|why| format!(": {why}")).unwrap_or_default();
            Err(Unfetched::Failed(format!("failed to fetch the artifact within {timeout}{because}")))
        })
    });
    match outcome {
        Some(Ok(files)) => Ok(Fetched::Files(files)),
        Some(Err(unfetched)) => {
            fetch.end(Err(unfetched.clone()));
            *slot = Some(fetch);
            Err(unfetched)
        }
        None => {
            let revision = artifact.revision.clone();
            let waiting = Waiting {
                objects: [fetch_of(&id_of(object))].into(),
                deadline,
                message: format!("Fetching manifests for revision {revision} with a timeout of {timeout}"),
                is_for_health: false,
                left: Default::default(),
                revision,
                started: fetch.started,
            };
            *slot = Some(fetch);
            Ok(Fetched::Awaited(waiting))
        }
    }
}

/// The same for who goes on without the files when they cannot be had: a failure is answered once, as `None`, and the next
/// time the server is asked again.
pub(crate) fn files_if_any(
    slot: &mut Option<Fetch>,
    object: &Kustomization,
    artifact: &Artifact,
    context: &Context,
) -> Option<Fetched> {
    let fetched = files(slot, object, artifact, context).ok();
    if fetched.is_none() {
        *slot = None;
    }
    fetched
}

/// The fetch of a Kustomization, as the graph knows it.
fn fetch_of(kustomization: &ObjectId) -> ObjectId {
    ObjectId::new(GROUP, "Fetch", &kustomization.namespace, &kustomization.name)
}

/// What a fetch is for: another artifact, and another spec, make another fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Of {
    url: String,
    digest: String,
    generation: i64,
}

impl Of {
    fn new(object: &Kustomization, artifact: &Artifact) -> Self {
        let generation = object.metadata.generation.unwrap_or_default();
        Self { url: artifact.url.clone(), digest: artifact.digest.clone(), generation }
    }
}

/// A fetch that is under way, or has ended. Dropping it ends it.
pub(crate) struct Fetch {
    of: Of,
    started: Instant,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    outcome: Option<Result<Arc<Files>, Unfetched>>,
    /// Why the last try gave nothing.
    last_failure: Option<String>,
}

impl Fetch {
    /// Begins to fetch. When it has ended, the graph is told that `name` has changed.
    fn start(of: Of, fetcher: Fetcher, retries: u32, graph: Graph, name: ObjectId, now: Instant) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (shared, wanted) = (state.clone(), of.clone());
        let task = tokio::spawn(async move {
            let work = AssertUnwindSafe(fetched(&fetcher, &wanted, retries, &shared)).catch_unwind();
            let outcome = work.await.unwrap_or_else(|_| {
                Err(Unfetched::Failed(format!("reading the artifact '{}' ended in a panic", wanted.url)))
            });
            shared.lock().unwrap_or_else(PoisonError::into_inner).outcome = Some(outcome);
            graph.changed(&name);
        });
        Self { of, started: now, state, task }
    }

    fn outcome(&self) -> Option<Result<Arc<Files>, Unfetched>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).outcome.clone()
    }

    fn last_failure(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last_failure.clone()
    }

    fn end(&self, outcome: Result<Arc<Files>, Unfetched>) {
        self.task.abort();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).outcome = Some(outcome);
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A server that fails is asked again, a few times; what it says clearly is final.
async fn fetched(fetcher: &Fetcher, of: &Of, retries: u32, state: &Mutex<State>) -> Result<Arc<Files>, Unfetched> {
    let mut pause = PAUSE_MIN;
    let mut retries_left = retries;
    loop {
        let error = match fetcher.get(&of.url, &of.digest).await {
            Ok(files) => return Ok(files),
            Err(FetchError::NotFound { url }) => return Err(Unfetched::NotFound(url)),
            Err(error) => error,
        };
        let why = chain(&error);
        if !error.is_retryable() || retries_left == 0 {
            return Err(Unfetched::Failed(why));
        }
        state.lock().unwrap_or_else(PoisonError::into_inner).last_failure = Some(why);
        retries_left -= 1;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
#[path = "artifacts_tests.rs"]
mod tests;
