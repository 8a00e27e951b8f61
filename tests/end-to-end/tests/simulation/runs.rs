//! Runs of an operation: one without a fault to compare with, and what all of them have in common.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::json;
use thalweg_end_to_end::objects::{self, cluster_role, config_map, secret};
use thalweg_end_to_end::scenario::APPS;
use thalweg_harness::faults::{Label, Schedule};
use thalweg_harness::oracles::{self, Canaries};

use crate::instance::Instance;
use crate::operation::{INTERVAL, Operation, SECRET, Step};
use crate::state::State;
use crate::world::{NAMESPACE, World};

/// How long a process may take to come to its end point.
const LIMIT: Duration = Duration::from_secs(3600);

/// An operation in a world where all that it begins with is there.
pub(crate) struct Run<'a> {
    pub(crate) world: World,
    operation: &'a Operation,
    canaries: Canaries,
    /// Of the objects that were there before.
    uids: BTreeMap<String, String>,
    /// What the processes that have ended told.
    told: Mutex<Vec<String>>,
}

/// What the run without a fault showed.
pub(crate) struct FaultFree {
    /// The requests of the change.
    pub(crate) labels: Vec<Label>,
    pub(crate) end: State,
}

impl<'a> Run<'a> {
    /// Does what comes before the change, and waits until it has come to rest. The process goes on.
    pub(crate) async fn begin(operation: &'a Operation, seed: u64) -> Result<(Self, Instance)> {
        let world = World::new(seed);
        let canaries = canaries(&world)?;
        let instance = world.start(Schedule::none());
        perform(&operation.before, &world).await;
        world.settle().await.context("before the change")?;
        let uids = oracles::uids(&world.server);
        Ok((Self { world, operation, canaries, uids, told: Mutex::default() }, instance))
    }

    /// The change, as the user makes it.
    pub(crate) async fn change(&self) {
        perform(&self.operation.change, &self.world).await;
    }

    /// The change, whose process ends where its schedule says. The user goes on with the change all the same.
    pub(crate) async fn change_cut_short(&self, instance: Instance) -> Result<()> {
        let mut change = std::pin::pin!(self.change());
        let wire = instance.wire.clone();
        let mut ended = std::pin::pin!(tokio::time::timeout(LIMIT, wire.ended()));
        let is_changed = tokio::select! { biased;
            ended = &mut ended => { ended.context("the process does not end")?; false }
            () = &mut change => true,
        };
        if is_changed {
            let reached = ended.await;
            ensure!(reached.is_ok(), "the point is not reached; the requests were {:?}", wire.labels());
        }
        self.end(instance);
        if !is_changed {
            change.await;
        }
        Ok(())
    }

    /// Ends a process; what it told is kept.
    pub(crate) fn end(&self, instance: Instance) {
        self.told.lock().unwrap().extend(instance.told());
    }

    /// What the user does after the process has ended.
    pub(crate) async fn after_end(&self) {
        perform(&self.operation.after_end, &self.world).await;
    }

    /// O2 to O7: what must hold of any run that has come to rest.
    pub(crate) async fn check(&self, instance: &Instance) -> Result<()> {
        let may_go = self.operation.may_delete();
        oracles::deletes_are_justified(&self.world.server, &may_go)?;
        oracles::nothing_made_anew(&self.uids, &self.world.server, &may_go)?;
        self.check_among_writers(instance).await
    }

    /// The same without what cannot be told when others delete and make objects too.
    pub(crate) async fn check_among_writers(&self, instance: &Instance) -> Result<()> {
        let server = &self.world.server;
        oracles::no_orphan_at_any_time(server)?;
        self.canaries.check(server)?;
        oracles::stable(server, INTERVAL).await?;
        let mut told = self.told.lock().unwrap().clone();
        told.extend(instance.told());
        oracles::no_secret_anywhere(server, SECRET, &told)
    }
}

/// Each operation, and how it goes without a fault.
pub(crate) fn fault_free_runs(operations: Vec<Operation>) -> Vec<(Operation, FaultFree)> {
    let (mut runs, mut failures) = (Vec::new(), String::new());
    for operation in operations {
        match in_simulation(run_without_fault(&operation)) {
            Ok(fault_free) => runs.push((operation, fault_free)),
            Err(error) => {
                let _ = writeln!(failures, "\n{} without a fault: {error:#}", operation.name);
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    runs
}

async fn run_without_fault(operation: &Operation) -> Result<FaultFree> {
    let (run, instance) = Run::begin(operation, 0).await?;
    instance.wire.begin(Schedule::none());
    run.change().await;
    run.world.settle().await?;
    let labels = instance.wire.labels();
    ensure!(!labels.is_empty(), "it asks nothing of the server");
    run.after_end().await;
    run.world.settle().await?;
    let end = State::of(&run.world);
    run.check(&instance).await?;
    Ok(FaultFree { labels, end })
}

/// What the Kustomization of the operations would take for its own if it went by labels and names alone.
fn canaries(world: &World) -> Result<Canaries> {
    let beside = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "beside"}});
    world.hands.create(beside).map_err(|status| anyhow!("{}", status.message))?;
    let lookalikes = [
        (config_map("look-alike", "canary"), NAMESPACE),
        (secret("config-00", "canary"), NAMESPACE),
        (config_map("config-00", "canary"), "beside"),
        (config_map("config-05", "canary"), "beside"),
        (cluster_role("look-alike"), ""),
    ];
    let lookalikes = lookalikes.map(|(object, namespace)| {
        let text = object.to_string().replace(objects::NAMESPACE, namespace);
        serde_json::from_str(&text).unwrap()
    });
    Canaries::make(&world.hands, (NAMESPACE, APPS), lookalikes.into())
}

async fn perform(steps: &[Step], world: &World) {
    for step in steps {
        step.perform(world).await;
    }
}

/// Runs in a time of its own, which passes at once. A panic is a failure like any other.
pub(crate) fn in_simulation<T>(run: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run)));
    ended.unwrap_or_else(|panic| Err(anyhow!("it panicked: {}", told(&*panic))))
}

fn told(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

/// Runs all, on all cores, and answers how long that took. A failure is told at once, after the line that `replay` gives
/// for it.
#[expect(clippy::disallowed_methods, reason = "how long the runs take, for who reads the output")]
pub(crate) fn in_parallel<R: Sync>(
    runs: &[R],
    replay: impl Fn(&R) -> String + Sync,
    run: impl Fn(&R) -> Result<()> + Sync,
) -> Duration {
    let started = Instant::now();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(chosen) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = run(chosen) {
                        let failure = format!("\n{}\n{error:#}\n", replay(chosen));
                        // Past the capture of test output: there may be many more to come.
                        let _ = std::io::stderr().write_all(failure.as_bytes());
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} runs failed{}", failures.len(), runs.len(), failures.concat());
    started.elapsed()
}
