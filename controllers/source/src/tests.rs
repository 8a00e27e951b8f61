//! The controller as a whole, on paused time: an API server and an upstream in memory, artifacts in a temporary folder.

#![expect(clippy::disallowed_methods, reason = "tests look at files")]

mod api;
mod exchanges;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use thalweg_artifact::{Storage, StorageOptions};
use thalweg_controller_runtime::{
    CancellationToken, Clock, ControllerContext, ControllerOptions, Events, Graph, Metrics, Random,
};
use thalweg_crds::source::GitRepositorySpec;
use thalweg_kubernetes::Cluster;
use thalweg_manifest::ObjectId;

use self::api::Api;
use crate::{Credentials, Error, Fetched, Options, Remote, Remotes, Resolved, run};

/// A repository in memory: its newest commit, or why it cannot be asked. All objects have the same.
#[derive(Clone, Default)]
struct Upstream(Arc<Shared>);

/// The repository as one object asks it.
struct Asked {
    upstream: Upstream,
    by: String,
}

/// The question that is not answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    Resolve,
    Fetch,
}

#[derive(Default)]
struct Shared {
    commit: Mutex<String>,
    files: Mutex<BTreeMap<String, String>>,
    failure: Mutex<Option<fn() -> Error>>,
    delay: Mutex<Duration>,
    /// How long it takes to say what was resolved.
    hesitation: Mutex<Duration>,
    /// Objects that get no answer.
    silent: Mutex<BTreeMap<String, Silence>>,
    /// Questions without an answer, now.
    unanswered: Arc<AtomicUsize>,
    /// What holds up whoever reads a file.
    hold: Mutex<Option<std::sync::mpsc::Receiver<()>>>,
    resolves: AtomicUsize,
    fetches: AtomicUsize,
    forgotten: Mutex<Vec<String>>,
    credentials: Mutex<String>,
}

impl Upstream {
    fn push(&self, commit: &str, text: &str) {
        *self.0.commit.lock().unwrap() = commit.to_owned();
        self.0.files.lock().unwrap().insert("a.yaml".to_owned(), text.to_owned());
    }

    fn fail(&self, failure: Option<fn() -> Error>) {
        *self.0.failure.lock().unwrap() = failure;
    }

    fn resolves(&self) -> usize {
        self.0.resolves.swap(0, Ordering::SeqCst)
    }

    fn fetches(&self) -> usize {
        self.0.fetches.swap(0, Ordering::SeqCst)
    }

    fn answer(&self) -> Result<String, Error> {
        let failure = *self.0.failure.lock().unwrap();
        match failure {
            Some(failure) => Err(failure()),
            None => Ok(self.0.commit.lock().unwrap().clone()),
        }
    }
}

impl Remotes for Upstream {
    type Git = Asked;

    fn git(&self, id: &ObjectId, _: &GitRepositorySpec, credentials: &Credentials) -> Result<Asked, Error> {
        *self.0.credentials.lock().unwrap() = format!("{credentials:?}");
        Ok(Asked { upstream: self.clone(), by: id.name.clone() })
    }

    async fn forget(&self, id: &ObjectId) -> Result<(), Error> {
        self.0.forgotten.lock().unwrap().push(id.subject());
        Ok(())
    }
}

struct Files(Vec<(String, String)>, Option<std::sync::mpsc::Receiver<()>>);

impl thalweg_artifact::Tree for Files {
    type Error = std::convert::Infallible;

    fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(path, _)| (path.as_str(), false))
    }

    fn read(&self, index: usize) -> Result<Vec<u8>, Self::Error> {
        self.1.iter().for_each(|hold| hold.recv().unwrap());
        Ok(self.0[index].1.clone().into_bytes())
    }
}

impl Asked {
    /// Answers nothing, if the object is to have no answer to this question.
    async fn silence(&self, question: Silence) {
        struct Unanswered(Arc<AtomicUsize>);
        impl Drop for Unanswered {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let shared = &self.upstream.0;
        let silent = shared.silent.lock().unwrap().get(&self.by) == Some(&question);
        if silent {
            shared.unanswered.fetch_add(1, Ordering::SeqCst);
            let _unanswered = Unanswered(shared.unanswered.clone());
            std::future::pending::<()>().await;
        }
    }
}

impl Remote for Asked {
    type Tree = Files;

    async fn resolve(&self) -> Result<Resolved, Error> {
        let shared = &self.upstream.0;
        shared.resolves.fetch_add(1, Ordering::SeqCst);
        self.silence(Silence::Resolve).await;
        let answer = self.upstream.answer();
        let hesitation = *shared.hesitation.lock().unwrap();
        pause(hesitation).await;
        Ok(Resolved { revision: format!("main@sha1:{}", answer?) })
    }

    async fn fetch(&self) -> Result<Fetched<Files>, Error> {
        let shared = &self.upstream.0;
        shared.fetches.fetch_add(1, Ordering::SeqCst);
        self.silence(Silence::Fetch).await;
        let delay = *shared.delay.lock().unwrap();
        pause(delay).await;
        let commit = self.upstream.answer()?;
        let files = shared.files.lock().unwrap().clone();
        Ok(Fetched {
            revision: format!("main@sha1:{commit}"),
            file_name: format!("{commit}.tar.gz"),
            summary: format!("subject of {commit}"),
            tree: Files(files.into_iter().collect(), shared.hold.lock().unwrap().take()),
        })
    }

    fn timed_out(&self, limit: Duration) -> Error {
        Error::Git(thalweg_git::Error::Timeout { url: "https://example.com/app.git".to_owned(), timeout: limit })
    }
}

/// Nothing at all for no time, as a sleep would not be while time stands still.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

struct World {
    api: Api,
    upstream: Upstream,
    folder: tempfile::TempDir,
    events: Events,
    stop: tokio_util::sync::DropGuard,
}

impl World {
    /// A running controller, and an upstream with one commit.
    async fn new() -> World {
        let (api, upstream, folder) = (Api::default(), Upstream::default(), tempfile::tempdir().unwrap());
        upstream.push("one", "1");
        let clock = Clock::simulated("2026-06-01T10:00:00.5Z".parse().unwrap());
        let events = Events::in_memory(clock.clone());
        let context = ControllerContext {
            cluster: Cluster::from_client(api.client()),
            graph: Graph::new(),
            events: events.clone(),
            metrics: Metrics::new(),
            clock,
            random: Random::seeded(1),
            options: ControllerOptions { interval_jitter_percent: 0, ..ControllerOptions::default() },
        };
        let storage = Storage::new(StorageOptions::new(folder.path(), "source-controller.flux-system.svc."));
        let shutdown = CancellationToken::new();
        tokio::spawn(run(context, Options::new(storage, upstream.clone()), shutdown.clone()));
        World { api, upstream, folder, events, stop: shutdown.drop_guard() }
    }

    /// A running controller, and a repository whose artifact is stored.
    async fn ready() -> World {
        let world = World::new().await;
        world.api.apply("app", spec());
        world.settle().await;
        assert_eq!(condition(&world.status(), "Ready").unwrap()["status"], "True");
        world.api.calls();
        world.events.taken();
        world.upstream.resolves();
        world.upstream.fetches();
        world
    }

    /// Lets everything that can happen at once happen.
    async fn settle(&self) {
        self.pass(Duration::from_millis(20)).await;
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn status(&self) -> Value {
        self.status_of("app")
    }

    fn status_of(&self, name: &str) -> Value {
        self.api.get(name).expect("the object exists")["status"].clone()
    }

    /// The conditions as `Type=Status Reason message` lines.
    fn conditions(&self) -> Vec<String> {
        self.conditions_of("app")
    }

    fn conditions_of(&self, name: &str) -> Vec<String> {
        let status = self.status_of(name);
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        let text = |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        let line = |c: &Value| {
            format!("{}={} {} {}", text(c, "type"), text(c, "status"), text(c, "reason"), text(c, "message"))
        };
        conditions.iter().map(line).collect()
    }

    /// The events as `Kind Action Reason message` lines.
    fn events(&self) -> Vec<String> {
        let line = |event: thalweg_controller_runtime::Event| {
            format!("{:?} {} {} {}", event.kind, event.action, event.reason, event.message)
        };
        self.events.taken().into_iter().map(line).collect()
    }

    fn files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("gitrepository/team/app")) else {
            return Vec::new();
        };
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn spec() -> Value {
    json!({"spec": {"url": "https://example.com/app.git", "interval": "1m0s", "ref": {"branch": "main"}}})
}

fn condition<'a>(status: &'a Value, type_: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}

fn missing_reference() -> Error {
    Error::Git(thalweg_git::Error::ReferenceNotFound { name: "refs/heads/main".to_owned() })
}

const IN_STORAGE: &str = "stored artifact for revision 'main@sha1:one'";

#[tokio::test(start_paused = true)]
async fn the_first_artifact_costs_a_finalizer_and_one_status() {
    let world = World::new().await;
    world.api.apply("app", spec());
    world.settle().await;
    assert_eq!(world.api.calls(), ["PATCH gitrepositories/app", "PATCH gitrepositories/app/status"]);
    assert_eq!((world.upstream.resolves(), world.upstream.fetches()), (1, 1));
    let path = "gitrepository/team/app/one.tar.gz";
    let status = world.status();
    let artifact = &status["artifact"];
    assert_eq!(artifact["path"], path);
    assert_eq!(artifact["url"], format!("http://source-controller.flux-system.svc./{path}"));
    assert_eq!(artifact["revision"], "main@sha1:one");
    assert_eq!(artifact["lastUpdateTime"], "2026-06-01T10:00:00Z");
    assert_eq!(artifact["size"], std::fs::metadata(world.folder.path().join(path)).unwrap().len());
    assert_eq!(status["observedGeneration"], 1);
    assert_eq!(
        world.conditions(),
        [format!("Ready=True Succeeded {IN_STORAGE}"), format!("ArtifactInStorage=True Succeeded {IN_STORAGE}")]
    );
    let event = world.events.taken().remove(0);
    assert_eq!(
        (event.reason.as_str(), event.message.as_str()),
        ("NewArtifact", "stored artifact for commit 'subject of one'")
    );
    assert_eq!(event.metadata["source.toolkit.fluxcd.io/revision"], "main@sha1:one");
    assert_eq!(json!(event.metadata["source.toolkit.fluxcd.io/digest"]), artifact["digest"]);
    assert_eq!(world.api.get("app").unwrap()["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
}

#[tokio::test(start_paused = true)]
async fn an_interval_without_news_costs_the_api_server_nothing() {
    let world = World::ready().await;
    world.pass(Duration::from_secs(181)).await;
    assert_eq!(world.api.calls(), [""; 0]);
    assert_eq!(world.events(), [""; 0]);
    assert_eq!((world.upstream.resolves(), world.upstream.fetches()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_was_asked_for_is_answered_with_one_status() {
    let world = World::ready().await;
    let request = |at: &str| json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": at}}});
    world.api.apply("app", request("now"));
    world.settle().await;
    assert_eq!(world.api.calls(), ["PATCH gitrepositories/app/status"]);
    assert_eq!((world.status()["lastHandledReconcileAt"].as_str(), world.upstream.resolves()), (Some("now"), 1));
    world.api.apply("app", json!({"metadata": {"labels": {"a": "b"}}}));
    world.settle().await;
    assert_eq!((world.api.calls().len(), world.upstream.resolves()), (0, 0), "a label is no news");
    world.api.apply("app", json!({"spec": {"suspend": true}}));
    world.api.apply("app", request("later"));
    world.settle().await;
    assert_eq!((world.status()["lastHandledReconcileAt"].as_str(), world.upstream.resolves()), (Some("later"), 0));
}

#[tokio::test(start_paused = true)]
async fn a_new_revision_costs_one_status_and_old_files_go_when_they_expired() {
    let world = World::ready().await;
    world.upstream.push("two", "2");
    world.pass(Duration::from_secs(61)).await;
    assert_eq!(world.api.calls(), ["PATCH gitrepositories/app/status"]);
    assert_eq!(world.events(), ["Normal Reconcile NewArtifact stored artifact for commit 'subject of two'"]);
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:two");
    assert_eq!(world.files(), ["one.tar.gz", "two.tar.gz"], "consumers may still read the old one");
    world.upstream.push("three", "3");
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:three");
    assert_eq!(world.files(), ["three.tar.gz", "two.tar.gz"]);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.files(), ["three.tar.gz"]);
}

#[tokio::test(start_paused = true)]
async fn other_ignore_rules_make_another_artifact_of_the_same_revision() {
    let world = World::ready().await;
    let digest = world.status()["artifact"]["digest"].clone();
    world.api.apply("app", json!({"spec": {"ignore": "*.yaml"}}));
    world.settle().await;
    assert_ne!(world.status()["artifact"]["digest"], digest);
    assert_eq!(world.status()["observedIgnore"], "*.yaml");
    assert_eq!(world.status()["observedGeneration"], 2);
    world.api.apply("app", json!({"spec": {"interval": "2m0s"}}));
    world.settle().await;
    assert_eq!((world.upstream.fetches(), world.status()["observedGeneration"].clone()), (1, json!(3)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_keeps_the_artifact_is_retried_and_told_and_passes() {
    let world = World::ready().await;
    world.upstream.fail(Some(missing_reference));
    world.pass(Duration::from_secs(61)).await;
    let message = "failed to checkout and determine revision: couldn't find remote ref \"refs/heads/main\"";
    let expected = [
        "Reconciling=True ProgressingWithRetry reconciliation in progress".to_owned(),
        format!("Ready=False GitOperationFailed {message}"),
        format!("ArtifactInStorage=True Succeeded {IN_STORAGE}"),
        format!("FetchFailed=True GitOperationFailed {message}"),
    ];
    assert_eq!(world.conditions(), expected);
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:one");
    let calls = world.api.calls();
    assert_eq!(calls, ["PATCH gitrepositories/app/status"], "a retry that says the same writes nothing");
    assert_eq!(world.events()[0], format!("Warning ReconcileSource GitOperationFailed {message}"));
    world.upstream.resolves();
    world.pass(Duration::from_secs(25)).await;
    assert!((3..7).contains(&world.upstream.resolves()), "0.75, 1.5, 3, 6, 12 seconds");
    world.events();
    world.upstream.fail(None);
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.events(), ["Normal Reconcile Succeeded stored artifact for commit 'main@sha1:one'"]);
    assert_eq!(world.conditions()[0], format!("Ready=True Succeeded {IN_STORAGE}"));
    assert_eq!(world.conditions().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_is_not_supported_is_named_and_nothing_is_done() {
    let world = World::new().await;
    world.api.apply("app", spec());
    world.api.apply("app", json!({"spec": {"recurseSubmodules": true, "ref": {"semver": ">1"}}}));
    world.settle().await;
    assert_eq!(world.api.calls(), ["PATCH gitrepositories/app/status"], "no finalizer");
    assert_eq!((world.upstream.resolves(), world.files().len()), (0, 0));
    let message = "spec.ref.semver is not supported; spec.recurseSubmodules is not supported";
    let expected =
        [format!("Stalled=True UnsupportedField {message}"), format!("Ready=False UnsupportedField {message}")];
    assert_eq!(world.conditions(), expected);
    world.api.apply("app", json!({"spec": {"recurseSubmodules": null, "ref": {"semver": null}}}));
    world.settle().await;
    assert_eq!(world.conditions()[0], format!("Ready=True Succeeded {IN_STORAGE}"), "it recovers by itself");
}

#[tokio::test(start_paused = true)]
async fn a_suspended_object_is_left_alone() {
    let world = World::ready().await;
    let conditions = world.conditions();
    world.api.apply("app", json!({"spec": {"suspend": true}}));
    world.upstream.push("two", "2");
    world.pass(Duration::from_secs(200)).await;
    assert_eq!((world.upstream.resolves(), world.api.calls().len(), world.conditions()), (0, 0, conditions));
    world.api.apply("app", json!({"spec": {"suspend": false}}));
    world.settle().await;
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:two");
}

#[tokio::test(start_paused = true)]
async fn deletion_removes_what_is_stored_then_the_finalizer() {
    let world = World::ready().await;
    world.api.apply("app", json!({"metadata": {"finalizers": ["finalizers.fluxcd.io", "theirs"]}}));
    world.api.delete("app");
    world.settle().await;
    assert_eq!(world.files(), [""; 0]);
    assert_eq!(*world.upstream.0.forgotten.lock().unwrap(), ["GitRepository/team/app"]);
    assert_eq!(world.api.get("app").unwrap()["metadata"]["finalizers"], json!(["theirs"]));
    world.api.apply("app", json!({"metadata": {"finalizers": []}}));
    world.pass(Duration::from_secs(100)).await;
    assert_eq!((world.api.get("app"), world.upstream.resolves()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_lost_or_changed_is_made_again() {
    let world = World::ready().await;
    let path = world.folder.path().join("gitrepository/team/app/one.tar.gz");
    let original = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    world.pass(Duration::from_secs(61)).await;
    assert_eq!(std::fs::read(&path).unwrap(), original);
    assert_eq!(world.events(), [""; 0], "the same digest is no news");
    std::fs::write(&path, "tampered").unwrap();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(std::fs::read(&path).unwrap(), original);
    assert!(world.events()[0].starts_with("Warning ReconcileStorage ArtifactVerificationFailed"));
    world.upstream.fail(Some(missing_reference));
    std::fs::remove_file(&path).unwrap();
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.status().get("artifact"), None, "consumers are not sent to a file that is gone");
    assert!(condition(&world.status(), "ArtifactInStorage").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_status_cannot_make_us_remove_what_belongs_to_others() {
    let world = World::ready().await;
    let foreign = world.folder.path().join("gitrepository/other/app/one.tar.gz");
    std::fs::create_dir_all(foreign.parent().unwrap()).unwrap();
    std::fs::write(&foreign, "theirs").unwrap();
    for path in
        ["gitrepository/other/app/one.tar.gz", "gitrepository/team/app/../../other/app/one.tar.gz", "/etc/passwd"]
    {
        world.api.apply("app", json!({"status": {"artifact": {"path": path}}}));
        world.pass(Duration::from_secs(61)).await;
        assert_eq!(world.status()["artifact"]["path"], "gitrepository/team/app/one.tar.gz", "{path}");
    }
    assert_eq!(std::fs::read(&foreign).unwrap(), b"theirs");
}

#[tokio::test(start_paused = true)]
async fn credentials_come_from_the_secret_and_a_missing_one_is_said() {
    let world = World::new().await;
    world.api.apply("app", spec());
    world.api.apply("app", json!({"spec": {"secretRef": {"name": "key"}}}));
    world.settle().await;
    let ready = condition(&world.status(), "Ready").unwrap().clone();
    assert_eq!(ready["reason"], "AuthenticationFailed");
    assert!(ready["message"].as_str().unwrap().starts_with("failed to get secret 'team/key'"), "{ready}");
    assert_eq!(world.upstream.resolves(), 0);
    world.api.secret("key", json!({"password": "x"}));
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.conditions()[0], format!("Ready=True Succeeded {IN_STORAGE}"));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_goes_on_says_so_after_a_second() {
    let world = World::ready().await;
    *world.upstream.0.delay.lock().unwrap() = Duration::from_secs(10);
    world.upstream.push("two", "2");
    world.pass(Duration::from_secs(65)).await;
    let building = "building artifact: new upstream revision 'main@sha1:two'";
    let expected = [
        format!("Reconciling=True Progressing {building}"),
        format!("Ready=Unknown Progressing {building}"),
        format!("ArtifactInStorage=True Succeeded {IN_STORAGE}"),
        "ArtifactOutdated=True NewRevision new upstream revision 'main@sha1:two'".to_owned(),
    ];
    assert_eq!(world.conditions(), expected);
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.conditions()[0], "Ready=True Succeeded stored artifact for revision 'main@sha1:two'");
    assert_eq!(world.api.calls(), ["PATCH gitrepositories/app/status"; 2]);
    assert_eq!(world.events(), ["Normal Reconcile NewArtifact stored artifact for commit 'subject of two'"]);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_computed_again_when_somebody_else_wrote() {
    let world = World::ready().await;
    world.upstream.push("two", "2");
    world.api.meanwhile(json!({"metadata": {"labels": {"a": "b"}}}));
    world.pass(Duration::from_secs(61)).await;
    let calls = ["PATCH gitrepositories/app/status", "GET gitrepositories/app", "PATCH gitrepositories/app/status"];
    assert_eq!(world.api.calls(), calls);
    assert_eq!(world.status()["artifact"]["revision"], "main@sha1:two");
    assert_eq!(world.api.get("app").unwrap()["metadata"]["labels"]["a"], "b");
    assert_eq!(world.events().len(), 1, "told once");
}

#[tokio::test(start_paused = true)]
async fn one_object_that_cannot_be_read_never_stops_the_others() {
    let world = World::new().await;
    world.api.apply("broken", json!({"spec": {"url": 7, "interval": "soon"}}));
    world.api.apply("app", spec());
    world.settle().await;
    assert_eq!(world.conditions()[0], format!("Ready=True Succeeded {IN_STORAGE}"));
}
