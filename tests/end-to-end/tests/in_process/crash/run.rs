//! Runs a scenario at its points and holds each run against the one without a fault.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::future::ready;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use kube::Client;
use thalweg_harness::faults::{Label, Point, Schedule, Side};
use thalweg_harness::{ControlPlane, observe};
use tokio::time::Instant;

use crate::ground::{Ground, LIMIT, Publisher};
use crate::instance::Instance;
use thalweg_end_to_end::commit::{Commit, ids};
use thalweg_end_to_end::objects::{State, World};
use thalweg_end_to_end::scenario::{APPS, Change, Scenario};

/// Runs at a time, on one control plane.
const RUNS_AT_A_TIME: usize = 4;
/// How long nothing must be asked for a controller to count as done.
const QUIET: Duration = Duration::from_millis(150);
/// No run lasts as long: nothing here waits for an interval.
const INTERVAL: &str = "10m";
/// No run asks more often than this times what it would without a fault.
const REQUESTS_FACTOR_MAX: usize = 3;

/// Runs the scenario without a fault, then at the points that are chosen.
///
/// # Panics
/// With a line for each point at which the scenario did not end as it should.
pub(super) async fn check(scenario: &Scenario) {
    let start = Instant::now();
    let choice = Choice::from_environment(scenario.name);
    if matches!(choice, Choice::Nothing) {
        return;
    }
    let plane = ControlPlane::shared().await.unwrap();
    let stage = Stage {
        plane,
        client: plane.client("thalweg-tests").await.unwrap(),
        publisher: &Publisher::start().await.unwrap(),
        scenario,
    };
    let name = format!("crash-{}", scenario.name);
    let fault_free = stage.run_without_fault(&name).await.context("without a fault").unwrap();
    let labels = fault_free.labels.iter();
    let points: Vec<Point> =
        labels.flat_map(|label| Side::ALL.map(|side| Point { side, label: label.clone() })).collect();
    let chosen = choice.of(&points);

    let runs = chosen.iter().enumerate().map(|(index, point)| {
        let (stage, fault_free, name) = (&stage, &fault_free, format!("{name}-{index:03}"));
        async move { (point, stage.run_to(point, fault_free, &name).await) }
    });
    let ended: Vec<(&Point, Result<()>)> = futures::stream::iter(runs).buffer_unordered(RUNS_AT_A_TIME).collect().await;
    let mut failures = String::new();
    for (point, error) in ended.iter().filter_map(|(point, result)| Some((point, result.as_ref().err()?))) {
        let _ = writeln!(failures, "\nTHALWEG_CRASH_POINT='{}/{point}' {REPLAY}\n{error:#}", scenario.name);
    }
    let (count, total, seconds) = (chosen.len(), points.len(), start.elapsed().as_secs());
    // Past the capture of test output: a run says what it covered, also when all is well.
    let _ = writeln!(std::io::stderr(), "{}: {count} of {total} crash points in {seconds} s", scenario.name);
    assert!(failures.is_empty(), "{failures}");
}

const REPLAY: &str = "cargo test -p thalweg-end-to-end --test in_process crash";

/// Which points are run.
enum Choice {
    Share { turn: usize, of: usize },
    One(Point),
    Nothing,
}

impl Choice {
    #[expect(clippy::disallowed_methods, reason = "a test is told by its environment what to run")]
    fn from_environment(scenario: &str) -> Self {
        if let Ok(point) = std::env::var("THALWEG_CRASH_POINT") {
            let (named, point) = point.split_once('/').expect("THALWEG_CRASH_POINT is SCENARIO/POINT");
            return if named == scenario { Choice::One(point.parse().unwrap()) } else { Choice::Nothing };
        }
        let share = std::env::var("THALWEG_CRASH_POINTS").unwrap_or_else(|_| "1/6".to_owned());
        let share = if share == "all" { "1/1" } else { &share };
        let (turn, of) = share.split_once('/').expect("THALWEG_CRASH_POINTS is `all` or TURN/OF");
        let (turn, of) = (turn.parse().unwrap(), of.parse().unwrap());
        assert!((1..=of).contains(&turn), "THALWEG_CRASH_POINTS is `all` or TURN/OF");
        Choice::Share { turn, of }
    }

    fn of(&self, points: &[Point]) -> Vec<Point> {
        match self {
            Choice::Share { turn, of } => points.iter().skip(turn - 1).step_by(*of).cloned().collect(),
            Choice::One(point) => vec![point.clone()],
            Choice::Nothing => Vec::new(),
        }
    }
}

/// What all runs of a scenario share.
struct Stage<'a> {
    plane: &'static ControlPlane,
    client: Client,
    publisher: &'a Publisher,
    scenario: &'a Scenario,
}

/// What the run without a fault showed.
struct FaultFree {
    labels: Vec<Label>,
    end: State,
}

impl Stage<'_> {
    async fn run_without_fault(&self, name: &str) -> Result<FaultFree> {
        let (ground, instance) = self.prepare(name).await?;
        let before = ground.read().await?;
        instance.wire.begin(Schedule::none());
        self.begin_change(&ground).await?;
        ground.reach(self.scenario.changed()).await?;
        instance.wire.quiet(QUIET).await;
        let labels = instance.wire.labels();
        if self.scenario.is_reverted() {
            self.revert(&ground).await?;
            ground.reach(self.scenario.end.as_ref()).await?;
            instance.wire.quiet(QUIET).await;
        }
        let world = ground.read().await?;
        world.check_inventories()?;
        ground.check_canaries().await?;
        self.check_survivors(&before, None, &world)?;
        let end = world.state(&ground.canary_ids());
        drop(instance);
        ground.remove().await?;
        Ok(FaultFree { labels, end })
    }

    async fn run_to(&self, point: &Point, fault_free: &FaultFree, name: &str) -> Result<()> {
        let (ground, instance) = self.prepare(name).await?;
        let before = ground.read().await?;
        instance.wire.begin(Schedule::end_at(point));
        self.begin_change(&ground).await?;
        let ended = tokio::time::timeout(LIMIT, instance.wire.ended()).await;
        let requests =
            || format!("this point was not reached within {LIMIT:?}; the requests were {:#?}", instance.wire.labels());
        ended.with_context(requests)?;
        let at_crash = ground.read().await?;
        at_crash.check_inventories().context("at the crash")?;
        ground.check_canaries().await.context("at the crash")?;
        drop(instance);

        if self.scenario.is_reverted() {
            self.revert(&ground).await?;
        }
        let instance = Instance::start(self.plane, ground.name(), name);
        ground.reach(self.scenario.end.as_ref()).await.context("after the crash")?;
        let ignored = ground.canary_ids();
        let end = observe(LIMIT, "the end state of the run without a fault", || async {
            let world = ground.read().await?;
            let state = world.state(&ignored);
            ensure!(state == fault_free.end, "{}", state.difference(&fault_free.end));
            Ok(world)
        });
        let end = end.await.context("after the crash")?;
        end.check_inventories().context("at the end")?;
        ground.check_canaries().await.context("at the end")?;
        self.check_survivors(&before, Some(&at_crash), &end)?;

        if self.scenario.end.is_some() {
            // What the cluster shows may have been so before the second controller looked at it.
            observe(LIMIT, "the second controller has made a pass", || {
                ready(instance.passes().checked_sub(1).ok_or("none"))
            })
            .await?;
        }
        instance.wire.quiet(QUIET).await;
        let requests = instance.wire.labels().len();
        let least = fault_free.labels.len().max(2 * self.scenario.size() + 3);
        ensure!(requests <= REQUESTS_FACTOR_MAX * least, "the second controller sent {requests} requests");
        instance.wire.begin(Schedule::none());
        tokio::time::sleep(QUIET).await;
        let labels = instance.wire.labels();
        ensure!(labels.is_empty(), "the second controller does not come to rest: {labels:?}");
        drop(instance);
        ground.remove().await
    }

    /// A controller that has come to rest at the commit before the change.
    async fn prepare(&self, name: &str) -> Result<(Ground<'_>, Instance)> {
        let ground = Ground::new(self.plane, &self.client, self.publisher, name, APPS).await?;
        let instance = Instance::start(self.plane, ground.name(), name);
        if let Some(commit) = &self.scenario.before {
            ground.install(commit, INTERVAL).await?;
            ground.reach(Some(commit)).await.context("before the change")?;
            instance.wire.quiet(QUIET / 3).await;
        }
        Ok((ground, instance))
    }

    async fn begin_change(&self, ground: &Ground<'_>) -> Result<()> {
        match &self.scenario.change {
            Change::Install(commit) => ground.install(commit, INTERVAL).await,
            Change::Publish(commit) => ground.publish(commit).await,
            Change::Delete => {
                for folder in self.scenario.before.iter().flat_map(|commit| commit.folders.keys()) {
                    ground.delete(folder).await?;
                }
                Ok(())
            }
        }
    }

    async fn revert(&self, ground: &Ground<'_>) -> Result<()> {
        match &self.scenario.end {
            Some(commit) => ground.publish(commit).await,
            None => Ok(()),
        }
    }

    /// What is wanted before, or at the crash, and in the end is never made anew.
    fn check_survivors(&self, before: &World, at_crash: Option<&World>, end: &World) -> Result<()> {
        let wanted = |commit: Option<&Commit>| -> BTreeSet<String> {
            commit.into_iter().flat_map(|commit| ids(commit, before.namespace()).into_values().flatten()).collect()
        };
        let (changed, last) = (wanted(self.scenario.changed()), wanted(self.scenario.end.as_ref()));
        let always = before.objects.iter().filter(|(id, _)| changed.contains(*id) && last.contains(*id));
        let at_crash = at_crash.into_iter().flat_map(|world| &world.objects).filter(|(id, _)| last.contains(*id));
        for (id, found) in always.chain(at_crash) {
            let uid = end.objects.get(id).map(|found| &found.uid);
            ensure!(uid == Some(&found.uid), "{id} was {} and is {uid:?}", found.uid);
        }
        Ok(())
    }
}
