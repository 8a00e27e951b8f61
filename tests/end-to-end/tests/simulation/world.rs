//! One cluster, and all that it talks to.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use thalweg_apiserver::audit::Entry;
use thalweg_apiserver::{ApiServer, Loopback, Options, Verb};
use thalweg_artifact::{Blocking, Storage, StorageOptions};
use thalweg_controller_runtime::Clock;
use thalweg_end_to_end::commit::Commit;
use thalweg_harness::faults::Schedule;
use thalweg_harness::{MemoryGit, read_documents, workspace_root};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::instance::Instance;

/// Where the users' objects are.
pub(crate) const NAMESPACE: &str = "team";
/// The repository that GitRepositories name.
pub(crate) const URL: &str = "https://example.com/fleet.git";
/// Whom the tests' own writes are signed by.
pub(crate) const MANAGER: &str = "kubectl";

const START: &str = "2026-01-01T00:00:00Z";
const ARTIFACTS: &str = "artifacts.flux-system";
/// How long nothing must be written for a world to count as settled: longer than any interval, so that sources have looked.
const QUIET: Duration = Duration::from_secs(150);
/// How long it may take until a world has settled.
const SETTLED: Duration = Duration::from_secs(3 * 3600);
/// Writes that are shown of a world that does not settle.
const SHOWN: usize = 40;

/// A cluster with our kinds, a Git server, and a folder of artifacts. Controllers come and go.
pub(crate) struct World {
    pub(crate) server: ApiServer,
    /// The user's, and the test's: nothing goes wrong with them.
    pub(crate) hands: Loopback,
    pub(crate) git: MemoryGit,
    pub(crate) clock: Clock,
    pub(crate) storage: Storage,
    pub(crate) seed: u64,
    _folder: TempDir,
    /// The server's own controllers.
    _own: JoinSet<()>,
}

static DEFINITIONS: LazyLock<Vec<Value>> = LazyLock::new(definitions);

/// What every world begins with: our kinds and a namespace.
static BASE: LazyLock<ApiServer> = LazyLock::new(|| {
    let make = || {
        crate::runs::in_simulation(async {
            let clock = Clock::simulated(START.parse::<Timestamp>().unwrap());
            let server = ApiServer::new(options(0, &clock));
            let mut own = JoinSet::new();
            own.spawn(thalweg_apiserver::controllers::run(server.clone()));
            let hands = server.loopback(MANAGER);
            for definition in DEFINITIONS.iter() {
                hands.create(definition.clone()).unwrap();
            }
            hands.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})).unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(server)
        })
        .unwrap()
    };
    // On a thread of its own: whoever asks first is inside a runtime.
    std::thread::spawn(make).join().unwrap()
});

fn options(seed: u64, clock: &Clock) -> Options {
    let clock = clock.clone();
    Options { seed, now: Arc::new(move || clock.now()), ..Options::default() }
}

#[expect(clippy::disallowed_methods, reason = "a test reads the CRDs that it installs")]
fn definitions() -> Vec<Value> {
    let files = std::fs::read_dir(workspace_root().join("crds")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|name| name == "yaml")).collect();
    files.sort();
    files.iter().flat_map(|path| read_documents(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
}

impl World {
    /// A new world on the current runtime, whose time is paused.
    pub(crate) fn new(seed: u64) -> Self {
        let clock = Clock::simulated(START.parse::<Timestamp>().unwrap());
        let server = BASE.fork(options(seed, &clock));
        let folder = tempfile::Builder::new().prefix("artifacts-").tempdir().unwrap();
        let storage = Storage::new(StorageOptions {
            blocking: Blocking::InPlace,
            retention_ttl: Duration::from_secs(60),
            ..StorageOptions::new(folder.path(), ARTIFACTS)
        });
        let hands = server.loopback(MANAGER);
        let mut own = JoinSet::new();
        own.spawn(thalweg_apiserver::controllers::run(server.clone()));
        Self { server, hands, git: MemoryGit::default(), clock, storage, seed, _folder: folder, _own: own }
    }

    /// A process with all controllers.
    pub(crate) fn start(&self, schedule: Schedule) -> Instance {
        Instance::start(self, schedule)
    }

    /// Waits until nothing has been written for a while.
    ///
    /// # Errors
    /// When that does not come: names what is written over and over.
    pub(crate) async fn settle(&self) -> Result<()> {
        let deadline = Instant::now() + SETTLED;
        let mut newest = self.writes().len();
        loop {
            tokio::time::sleep(QUIET).await;
            let writes = self.writes();
            if writes.len() == newest {
                return Ok(());
            }
            newest = writes.len();
            let last = &writes[newest.saturating_sub(SHOWN)..];
            ensure!(Instant::now() < deadline, "it does not come to rest; the last writes were {last:#?}");
        }
    }

    /// What was written, or tried.
    fn writes(&self) -> Vec<String> {
        let entries = self.server.audit_since(0);
        let writes = entries.iter().filter(|entry| !matches!(entry.verb, Verb::Get | Verb::List | Verb::Watch));
        writes
            .map(|entry| {
                let Entry { verb, plural, namespace, name, subresource, user_agent, code, .. } = &**entry;
                format!("{verb:?} {plural} {namespace}/{name} {subresource} by {user_agent}: {code}")
            })
            .collect()
    }

    /// Pushes a commit.
    pub(crate) fn push(&self, commit: &Commit) {
        let mut files = Vec::new();
        for (folder, objects) in &commit.folders {
            // A folder without objects is there all the same.
            files.push((format!("{folder}/README.md"), String::new()));
            for (index, object) in objects.iter().enumerate() {
                let text = object.to_string().replace(thalweg_end_to_end::objects::NAMESPACE, NAMESPACE);
                files.push((format!("{folder}/{index:03}.yaml"), text));
            }
        }
        self.git.repository(URL).commit(files);
    }
}
