//! Every request of an operation is a place where the process may end. Wherever it does, the cluster is consistent at that
//! moment, and a new process brings it to the state that it would have reached without the end.
//!
//! An operation runs once without a fault, which gives its labels and the state to reach; then once for each label, ended
//! before and after that request. A failure prints the line that replays it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use thalweg_harness::faults::{Point, Schedule, Side};

use crate::operation::Operation;
use crate::runs::{FaultFree, Run, fault_free_runs, in_parallel, in_simulation};
use crate::state::State;

/// No run asks more often than this times what it would without a fault.
const REQUESTS_FACTOR_MAX: usize = 3;
/// Requests that a restart alone may cost.
const REQUESTS_AT_START_MAX: usize = 40;
/// Operations with more requests are left to chance when a second process ends too.
const PAIRED_REQUESTS_MAX: usize = 40;
const REPLAY: &str = "cargo test -p thalweg-end-to-end --test simulation";

/// A run whose process ends at a point.
struct Crash<'a> {
    operation: &'a Operation,
    fault_free: &'a FaultFree,
    point: Point,
}

#[test]
fn every_operation_ends_alike_wherever_its_process_ended() {
    let operations = fault_free_runs(chosen_operations());
    let crashes: Vec<Crash<'_>> = operations.iter().flat_map(crashes).collect();
    assert!(!crashes.is_empty(), "no request is where THALWEG_CRASH_POINT says");
    let took = in_parallel(&crashes, |crash| crash.replay("every_operation"), |crash| in_simulation(crash.run()));
    println!("{} crash points in {} s:{}", crashes.len(), took.as_secs(), counted(&crashes));
}

/// `THALWEG_CRASH_PAIRS=1/50 … -- --ignored` runs every fiftieth first point.
#[test]
#[ignore = "hours: tens of thousands of runs"]
fn every_pair_of_ends_leads_to_the_same_state() {
    let operations = fault_free_runs(chosen_operations());
    let few = operations.iter().filter(|(_, fault_free)| fault_free.labels.len() <= PAIRED_REQUESTS_MAX);
    let crashes: Vec<Crash<'_>> = few.flat_map(crashes).step_by(share()).collect();
    assert!(!crashes.is_empty(), "no request is where THALWEG_CRASH_POINT says");
    let took = in_parallel(&crashes, |crash| crash.replay("every_pair -- --ignored"), Crash::run_each_second_end);
    println!("after {} first ends in {} s:{}", crashes.len(), took.as_secs(), counted(&crashes));
}

impl Crash<'_> {
    fn replay(&self, test: &str) -> String {
        format!("THALWEG_CRASH_POINT='{}/{}' {REPLAY} {test}", self.operation.name, self.point)
    }

    async fn run(&self) -> Result<()> {
        let run = self.cut_short().await?;
        let instance = run.world.start(Schedule::none());
        run.world.settle().await?;
        let requests = instance.wire.labels().len();
        let most = REQUESTS_FACTOR_MAX * self.fault_free.labels.len() + REQUESTS_AT_START_MAX;
        ensure!(requests <= most, "the second process sent {requests} requests, {most} are allowed");
        self.compare(&run)?;
        run.check(&instance).await
    }

    /// The world after the first process has ended.
    async fn cut_short(&self) -> Result<Run<'_>> {
        let (run, instance) = Run::begin(self.operation, 0).await?;
        instance.wire.begin(Schedule::end_at(&self.point));
        run.change_cut_short(instance).await?;
        run.after_end().await;
        Ok(run)
    }

    fn compare(&self, run: &Run<'_>) -> Result<()> {
        let difference = State::of(&run.world).difference(&self.fault_free.end);
        ensure!(difference.is_empty(), "it ends otherwise{difference}");
        Ok(())
    }

    fn run_each_second_end(&self) -> Result<()> {
        for side in Side::ALL {
            let mut nth = 1;
            while in_simulation(self.run_with_second_end(nth, side)).with_context(|| format!("then {side:?} {nth}"))? {
                nth += 1;
            }
        }
        Ok(())
    }

    /// Whether the second process sent so many requests that it ended.
    async fn run_with_second_end(&self, nth: usize, side: Side) -> Result<bool> {
        let run = self.cut_short().await?;
        let second = run.world.start(Schedule::end_at_request(nth, side));
        run.world.settle().await?;
        if !second.wire.has_ended() {
            return Ok(false);
        }
        run.end(second);
        let third = run.world.start(Schedule::none());
        run.world.settle().await?;
        self.compare(&run)?;
        run.check(&third).await?;
        Ok(true)
    }
}

fn crashes((operation, fault_free): &(Operation, FaultFree)) -> impl Iterator<Item = Crash<'_>> {
    let points = fault_free.labels.iter().flat_map(|label| Side::ALL.map(|side| Point { side, label: label.clone() }));
    let chosen = chosen_point();
    let is_chosen = move |point: &Point| chosen.as_ref().is_none_or(|(_, chosen)| chosen == point);
    points.filter(is_chosen).map(move |point| Crash { operation, fault_free, point })
}

/// How many points of each operation.
fn counted(crashes: &[Crash<'_>]) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    crashes.iter().for_each(|crash| *counts.entry(&crash.operation.name).or_default() += 1);
    counts.iter().fold(String::new(), |mut line, (name, count)| {
        let _ = write!(line, " {name} {count},");
        line
    })
}

fn chosen_operations() -> Vec<Operation> {
    match chosen_point() {
        Some((name, _)) => vec![Operation::named(&name).expect("THALWEG_CRASH_POINT names an operation")],
        None => Operation::all(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment what to run")]
fn share() -> usize {
    let text = std::env::var("THALWEG_CRASH_PAIRS").unwrap_or_else(|_| "1/1".to_owned());
    text.strip_prefix("1/").and_then(|of| of.parse().ok()).expect("THALWEG_CRASH_PAIRS is 1/N")
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment what to run")]
fn chosen_point() -> Option<(String, Point)> {
    let text = std::env::var("THALWEG_CRASH_POINT").ok()?;
    let (name, point) = text.split_once('/').expect("THALWEG_CRASH_POINT is OPERATION/POINT");
    Some((name.to_owned(), point.parse().unwrap()))
}
