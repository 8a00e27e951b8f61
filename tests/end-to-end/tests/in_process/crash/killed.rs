//! The real process, killed as a power failure would, at moments that nobody chose.

use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use kube::Client;
use serde_json::Value;
use tempfile::TempDir;
use thalweg_controller_runtime::{Clock, Random};
use thalweg_harness::{ControlPlane, GitServer, Process, ProcessOptions, Worktree, free_port, observe};
use tokio::time::Instant;

use crate::ground::{Ground, LIMIT, Publisher};
use thalweg_end_to_end::commit::{Commit, ids};
use thalweg_end_to_end::objects::{NAMESPACE, State, World, config_map, secret};
use thalweg_end_to_end::scenario::APPS;

const INSTALLED: usize = 200;
const KEPT: usize = 100;
/// How many times an installation, and a prune, is killed.
const MOMENTS: usize = 10;
const RUNS_AT_A_TIME: usize = 2;
/// By then the server has carried out what it was sent.
const LATE: Duration = Duration::from_millis(300);
/// How often the source asks for the newest commit.
const SOURCE_INTERVAL: &str = "1s";

/// An installation and a prune, to be interrupted.
struct Work<'a> {
    ground: Ground<'a>,
    worktree: Worktree,
    process: ProcessOptions,
    _folder: TempDir,
}

/// How long each part took without a fault, and what it led to.
struct FaultFree {
    took: [Duration; 2],
    ends: [State; 2],
}

#[tokio::test]
async fn an_install_and_a_prune_end_alike_when_the_process_is_killed_at_any_moment() {
    let start = Instant::now();
    let seed = seed();
    let random = Random::seeded(seed);
    let moments: Vec<[f64; 2]> = (0..MOMENTS).map(|_| [random.unit(), random.unit()]).collect();
    let plane = ControlPlane::shared().await.unwrap();
    let client = plane.client("thalweg-tests").await.unwrap();
    let (publisher, git) = (Publisher::start().await.unwrap(), GitServer::start().unwrap());
    let make = async |name: &str| Work::new(plane, &client, &publisher, &git, name).await;

    let fault_free = make("killed").await.unwrap().run_without_fault().await.context("without a fault").unwrap();
    let runs = moments.iter().enumerate().map(|(index, moments)| {
        let (make, fault_free, name) = (&make, &fault_free, format!("killed-{index}"));
        async move {
            let ended = async { make(&name).await?.run_killed_at(*moments, fault_free).await };
            ended.await.with_context(|| format!("killed after {moments:?} of {:?}", fault_free.took))
        }
    });
    let ended: Vec<Result<()>> = futures::stream::iter(runs).buffer_unordered(RUNS_AT_A_TIME).collect().await;
    let failures: Vec<String> = ended.into_iter().filter_map(|run| Some(format!("\n{:#}", run.err()?))).collect();
    let seconds = start.elapsed().as_secs();
    let _ = writeln!(std::io::stderr(), "killed: {} moments in {seconds} s (seed {seed})", 2 * MOMENTS);
    assert!(failures.is_empty(), "THALWEG_CRASH_SEED={seed} chooses the same moments{}", failures.concat());
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment what to run")]
fn seed() -> u64 {
    let chosen = std::env::var("THALWEG_CRASH_SEED").map(|seed| seed.parse().expect("THALWEG_CRASH_SEED is a number"));
    chosen.unwrap_or_else(|_| Clock::system().now().as_nanosecond() as u64 % 1_000_000)
}

impl<'a> Work<'a> {
    async fn new(
        plane: &ControlPlane,
        client: &Client,
        publisher: &'a Publisher,
        git: &GitServer,
        name: &str,
    ) -> Result<Self> {
        let ground = Ground::new(plane, client, publisher, name, APPS).await?;
        let worktree = git.repository(ground.name())?;
        ground.fetch_from(&git.url(ground.name()), SOURCE_INTERVAL).await?;
        let folder = tempfile::Builder::new().prefix("thalweg-").tempdir().context("making a folder")?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let arguments = [
            "controller".to_owned(),
            "--controllers=source,kustomize".to_owned(),
            format!("--kubeconfig={}", plane.kubeconfig().display()),
            format!("--storage-path={}", folder.path().display()),
            format!("--storage-addr={address}"),
            format!("--storage-adv-addr={address}"),
            "--metrics-addr=0".to_owned(),
            "--health-addr=0".to_owned(),
            "--watch-all-namespaces=false".to_owned(),
        ];
        let process = ProcessOptions::thalweg(arguments, folder.path().join("log"))?;
        let process = process.with("RUNTIME_NAMESPACE", ground.name());
        Ok(Self { ground, worktree, process, _folder: folder })
    }

    async fn run_without_fault(self) -> Result<FaultFree> {
        let installed = self.push(INSTALLED)?;
        self.ground.create(APPS, "10m", None).await?;
        let start = Instant::now();
        let process = Process::start(&self.process)?;
        self.reach(&installed).await?;
        let install = start.elapsed();
        let end = self.state(&self.ground.read().await?, &installed);
        let pruned = self.push(KEPT)?;
        let start = Instant::now();
        self.reach(&pruned).await?;
        let took = [install, start.elapsed()];
        let ends = [end, self.state(&self.ground.read().await?, &pruned)];
        process.kill()?;
        self.ground.remove().await?;
        Ok(FaultFree { took, ends })
    }

    async fn run_killed_at(self, moments: [f64; 2], fault_free: &FaultFree) -> Result<()> {
        let installed = self.push(INSTALLED)?;
        self.ground.create(APPS, "10m", None).await?;
        let process = Process::start(&self.process)?;
        self.kill(process, fault_free.took[0].mul_f64(moments[0])).await.context("while it installed")?;
        let process = Process::start(&self.process)?;
        let before = self.end(&installed, &fault_free.ends[0]).await.context("after the end of the installation")?;

        let pruned = self.push(KEPT)?;
        self.kill(process, fault_free.took[1].mul_f64(moments[1])).await.context("while it pruned")?;
        let process = Process::start(&self.process)?;
        let after = self.end(&pruned, &fault_free.ends[1]).await.context("after the end of the prune")?;
        for id in ids(&pruned, self.ground.name()).into_values().flatten() {
            let uid = |world: &World| world.objects.get(&id).map(|found| found.uid.clone());
            ensure!(uid(&before) == uid(&after), "{id} was made anew");
        }
        process.kill()?;
        self.ground.remove().await
    }

    /// Waits, kills, and looks at what is left.
    async fn kill(&self, process: Process, after: Duration) -> Result<()> {
        tokio::time::sleep(after).await;
        process.kill()?;
        tokio::time::sleep(LATE).await;
        self.ground.read().await?.check_inventories()?;
        self.ground.check_canaries().await
    }

    async fn end(&self, commit: &Commit, expected: &State) -> Result<World> {
        self.reach(commit).await?;
        let end = observe(LIMIT, "the end state of the run without a fault", || async {
            let world = self.ground.read().await?;
            let state = self.state(&world, commit);
            ensure!(state == *expected, "{}", state.difference(expected));
            Ok(world)
        });
        let world = end.await?;
        world.check_inventories()?;
        self.ground.check_canaries().await?;
        Ok(world)
    }

    async fn reach(&self, commit: &Commit) -> Result<()> {
        let log = || std::fs::read_to_string(&self.process.log).unwrap_or_default();
        self.ground.reach(Some(commit)).await.with_context(log)
    }

    /// The revisions of two runs differ, because their files name their namespaces.
    fn state(&self, world: &World, commit: &Commit) -> State {
        world.state(&self.ground.canary_ids()).with(&commit.revision, "REVISION")
    }

    /// Pushes the first `count` objects.
    fn push(&self, count: usize) -> Result<Commit> {
        let maps = (0..INSTALLED).map(|number| match number % 10 {
            9 => secret(&format!("secret-{number:03}"), "1"),
            _ => config_map(&format!("config-{number:03}"), "1"),
        });
        let objects: Vec<Value> = maps.take(count).collect();
        let text: String = objects.iter().map(|object| format!("---\n{object}\n")).collect();
        self.worktree.write(&format!("{APPS}/all.yaml"), text.replace(NAMESPACE, self.ground.name()))?;
        let commit = self.worktree.publish("a commit")?;
        Ok(Commit { revision: format!("main@sha1:{commit}"), ..Commit::new(0, [(APPS, objects)]) })
    }
}
