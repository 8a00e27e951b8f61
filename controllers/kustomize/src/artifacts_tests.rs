use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use serde_json::{from_value, json};
use thalweg_artifact::{FetcherOptions, Place, Publication, Storage, StorageOptions, Tree, router};
use thalweg_controller_runtime::{
    Clock, ControllerContext, ControllerOptions, Events, Metrics, Queue, QueueHandle, Random,
};
use thalweg_crds::kustomize::KUSTOMIZATION;
use thalweg_kubernetes::{Cluster, Objects, Watches};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep};
use tower::{BoxError, ServiceExt as _, service_fn};

use super::*;
use crate::context::Options;

/// What the server does before it gives the file.
#[derive(Clone, Copy)]
enum Server {
    /// It takes this long.
    Answers(Duration),
    /// It fails this often, then is as ever.
    FailsTimes(usize),
    Silent,
}

/// A Kustomization of timeout 1m that wants an artifact.
struct World {
    context: Context,
    object: Kustomization,
    artifact: Artifact,
    slot: Option<Fetch>,
    queue: QueueHandle,
    requests: Arc<AtomicUsize>,
    /// Requests that were neither answered nor dropped.
    in_flight: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

struct Files(&'static str);

impl Tree for Files {
    type Error = std::convert::Infallible;

    fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        std::iter::once((self.0, false))
    }

    fn read(&self, _: usize) -> Result<Vec<u8>, Self::Error> {
        Ok(Vec::new())
    }
}

struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl World {
    async fn new(server: Server, retries: u32) -> World {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::new(StorageOptions::new(folder.path(), "source-controller"));
        let publication = Publication {
            file_name: "1.tar.gz".to_owned(),
            revision: "main@sha1:1".to_owned(),
            ignore: None,
            time: "2026-06-01T10:00:00Z".parse().unwrap(),
        };
        let place = Place::new("GitRepository", "team", "app").unwrap();
        let published = storage.publish(&place, publication, Files("a.yaml")).await.unwrap();
        let artifact: Artifact = from_value(json!({
            "path": published.path, "url": published.url, "revision": published.revision, "digest": published.digest,
            "lastUpdateTime": "2026-06-01T10:00:00Z",
        }))
        .unwrap();
        let (requests, in_flight) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (asked, flying, files) = (requests.clone(), in_flight.clone(), router(storage));
        let service = service_fn(move |request: Request<Body>| {
            let (before, guard) = (asked.fetch_add(1, Ordering::SeqCst), InFlight::new(&flying));
            let files = files.clone();
            async move {
                let _guard = guard;
                match server {
                    Server::Answers(after) => sleep(after).await,
                    Server::FailsTimes(times) if before < times => {
                        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
                    }
                    Server::FailsTimes(_) => {}
                    Server::Silent => std::future::pending().await,
                }
                let response: Response<Body> = files.oneshot(request).await?;
                Ok::<_, BoxError>(response)
            }
        });
        let fetcher = Fetcher::over(service, FetcherOptions::default());
        let object = from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": KUSTOMIZATION,
            "metadata": {"name": "app", "namespace": "team", "generation": 1},
            "spec": {
                "interval": "10m", "timeout": "1m", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "app"},
            },
        }))
        .unwrap();
        let context = context(fetcher, retries);
        let queue = Queue::new(&context.runtime.graph, &[(GROUP, KUSTOMIZATION)]).handle();
        World { context, object, artifact, slot: None, queue, requests, in_flight, _folder: folder }
    }

    fn files(&mut self) -> Result<Fetched, Unfetched> {
        files(&mut self.slot, &self.object, &self.artifact, &self.context)
    }

    /// A pass that has to wait.
    fn waits(&mut self) -> Waiting {
        match self.files() {
            Ok(Fetched::Awaited(waiting)) => waiting,
            Ok(Fetched::Files(_)) => panic!("the files are here"),
            Err(unfetched) => panic!("{unfetched:?}"),
        }
    }

    /// Passes until the fetch has ended, each when the graph or the deadline calls for it.
    async fn end(&mut self) -> Result<Arc<thalweg_artifact::Files>, Unfetched> {
        loop {
            match self.files()? {
                Fetched::Files(files) => return Ok(files),
                Fetched::Awaited(waiting) => self.woken(waiting).await,
            }
        }
    }

    async fn woken(&self, waiting: Waiting) {
        let id = id_of(&self.object);
        self.context.runtime.graph.interested(&id, waiting.objects);
        let depth = self.queue.depth();
        while self.queue.depth() == depth && Instant::now() < waiting.deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }
}

fn context(fetcher: Fetcher, fetch_retries: u32) -> Context {
    let unasked = service_fn(|_: Request<kube::client::Body>| async {
        Err::<Response<kube::client::Body>, BoxError>("no API server is asked here".into())
    });
    let cluster = Cluster::from_client(kube::Client::new(unasked, "default"));
    let clock = Clock::simulated("2026-06-01T10:00:00Z".parse().unwrap());
    let runtime = ControllerContext {
        cluster: cluster.clone(),
        graph: Graph::new(),
        events: Events::in_memory(clock.clone()),
        metrics: Metrics::new(),
        clock,
        random: Random::seeded(1),
        options: ControllerOptions::default(),
    };
    let (kustomizations, _) = Objects::watch(&cluster, None, None);
    let (repositories, _) = Objects::watch(&cluster, None, None);
    let watches = Arc::new(Watches::new(&cluster, "", "test", unbounded_channel().0));
    let options = Options { fetch_retries, ..Options::default() };
    Context::new(runtime, cluster, options, kustomizations, repositories, watches, fetcher)
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_artifact_is_fetched_once_however_many_passes_ask_for_it() {
    let mut world = World::new(Server::Answers(5 * SECOND), 9).await;
    let started = Instant::now();
    for second in 0..3 {
        let Waiting { deadline, message, started: since, revision, .. } = world.waits();
        assert_eq!((since, deadline, revision.as_str()), (started, started + 60 * SECOND, "main@sha1:1"), "{second}");
        assert_eq!(message, "Fetching manifests for revision main@sha1:1 with a timeout of 1m0s");
        sleep(SECOND).await;
    }
    assert!(world.end().await.unwrap().contains_key("a.yaml"));
    assert_eq!((world.requests(), world.queue.depth()), (1, 1), "it was woken by the end of the fetch");
    assert!(started.elapsed() < 6 * SECOND && world.slot.is_none());
    assert!(matches!(world.files(), Ok(Fetched::Files(_))), "from memory");
    assert_eq!(world.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_asked_again_with_growing_pauses() {
    let mut world = World::new(Server::FailsTimes(4), 9).await;
    let started = Instant::now();
    world.end().await.unwrap();
    assert_eq!(world.requests(), 5);
    let took = started.elapsed();
    assert!((Duration::from_millis(3750)..4 * SECOND).contains(&took), "0.25 + 0.5 + 1 + 2 seconds: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_answered_until_it_is_dropped_and_then_the_server_is_asked_again() {
    let mut world = World::new(Server::FailsTimes(2), 1).await;
    let expected = format!("unexpected HTTP status 503 for the artifact '{}'", world.artifact.url);
    for _ in 0..3 {
        assert_eq!(world.end().await, Err(Unfetched::Failed(expected.clone())));
    }
    assert_eq!(world.requests(), 2);
    world.slot = None;
    world.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_without_the_files_asks_the_server_again_the_next_time() {
    let mut world = World::new(Server::FailsTimes(2), 1).await;
    world.end().await.unwrap_err();
    let World { slot, object, artifact, context, .. } = &mut world;
    assert!(files_if_any(slot, object, artifact, context).is_none());
    assert!(matches!(files_if_any(slot, object, artifact, context), Some(Fetched::Awaited(_))));
    world.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_there_is_told_at_once() {
    let mut world = World::new(Server::Answers(SECOND), 9).await;
    world.artifact.url = world.artifact.url.replace("1.tar.gz", "2.tar.gz");
    world.artifact.digest = format!("sha256:{}", "0".repeat(64));
    assert_eq!(world.end().await, Err(Unfetched::NotFound(world.artifact.url.clone())));
    assert_eq!(world.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up_at_the_timeout() {
    let mut world = World::new(Server::Silent, 9).await;
    let started = Instant::now();
    let expected = "failed to fetch the artifact within 1m0s".to_owned();
    assert_eq!(world.end().await, Err(Unfetched::Failed(expected.clone())));
    assert_eq!((started.elapsed().as_secs(), world.requests()), (60, 1));
    sleep(SECOND).await;
    assert_eq!(world.in_flight(), 0, "its request is dropped");
    assert_eq!(world.files().map(drop), Err(Unfetched::Failed(expected)));

    let mut failing = World::new(Server::FailsTimes(usize::MAX), u32::MAX).await;
    let Err(Unfetched::Failed(why)) = failing.end().await else { panic!("it never succeeds") };
    assert!(why.starts_with("failed to fetch the artifact within 1m0s: unexpected HTTP status 503"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn another_artifact_or_spec_ends_the_fetch_and_so_does_dropping_it() {
    let mut world = World::new(Server::Silent, 9).await;
    let mut requests = 0;
    let mut asks_afresh = async |world: &mut World| {
        world.waits();
        sleep(SECOND).await;
        requests += 1;
        assert_eq!((world.requests(), world.in_flight()), (requests, 1));
    };
    asks_afresh(&mut world).await;
    world.object.metadata.generation = Some(2);
    asks_afresh(&mut world).await;
    world.artifact.url = world.artifact.url.replace("1.tar.gz", "2.tar.gz");
    asks_afresh(&mut world).await;
    world.artifact.digest = format!("sha256:{}", "0".repeat(64));
    asks_afresh(&mut world).await;
    world.slot = None;
    sleep(SECOND).await;
    assert_eq!(world.in_flight(), 0);
}
