//! What goes wrong by chance, from a seed: the same seed makes the same sequence of requests.
//!
//! | trial | what goes wrong | docs/HAZARDS.md |
//! | --- | --- | --- |
//! | [`Trial::DoubleCrash`] | the process ends, and so does the next one while it recovers | R2 |
//! | [`Trial::StaleView`] | a new process is told how things were, for a while | R3 |
//! | [`Trial::LostEvents`] | events of watches are dropped, doubled or late, streams end | R4 |
//! | [`Trial::FailingCalls`] | three in ten calls fail, for ten minutes | R5 |
//! | [`Trial::ConflictStorm`] | somebody else writes to the same objects, twenty times a second | R6 |
//! | [`Trial::ClockJumps`] | the wall clock jumps by hours and years, to and fro | R12 |
//!
//! `THALWEG_SEEDS=200..10000` chooses the seeds, `THALWEG_SEED=17` one of them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use thalweg_end_to_end::scenario::APPS;
use thalweg_harness::faults::{Passed, Rates, Schedule, Side};
use thalweg_harness::oracles;
use tokio::time::Instant;

use crate::instance::Instance;
use crate::operation::{INTERVAL, KUSTOMIZE, Operation, SOURCE};
use crate::runs::{FaultFree, Run, fault_free_runs, in_parallel, in_simulation};
use crate::stale::restart_in_the_past;
use crate::state::State;
use crate::world::{NAMESPACE, World};

/// Without a word from the environment.
const SEEDS: Range<u64> = 0..1000;
/// Among so many seeds, some storm is met by a write.
const SEEDS_WITH_CONFLICTS: usize = 100;
/// How long what goes wrong goes on.
const TROUBLE: Duration = Duration::from_secs(600);
/// When a call that nobody answers is given up (thalweg_kubernetes).
const CALL_TIMEOUT: Duration = Duration::from_secs(65);
/// How often the end is looked at.
const LOOK: Duration = Duration::from_secs(10);
const REPLAY: &str = "cargo test -p thalweg-end-to-end --test simulation by_chance";

/// What goes wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trial {
    DoubleCrash,
    StaleView,
    LostEvents,
    FailingCalls,
    ConflictStorm,
    ClockJumps,
}

const TRIALS: [Trial; 6] = [
    Trial::DoubleCrash,
    Trial::StaleView,
    Trial::LostEvents,
    Trial::FailingCalls,
    Trial::ConflictStorm,
    Trial::ClockJumps,
];

impl Trial {
    /// How long it may take from the end of the trouble until all is well.
    fn recovery(self) -> Duration {
        match self {
            // A call that is given up, the retry after that failure, and a pass.
            Self::FailingCalls => CALL_TIMEOUT + INTERVAL + 3 * LOOK,
            Self::DoubleCrash | Self::StaleView | Self::ConflictStorm | Self::ClockJumps => 2 * INTERVAL,
            // The next list makes good what a watch lost.
            Self::LostEvents => Duration::from_secs(36 * 60),
        }
    }
}

#[test]
fn whatever_goes_wrong_by_chance_all_is_well_in_the_end() {
    let operations = fault_free_runs(Operation::all());
    let seeds: Vec<u64> = seeds().collect();
    assert!(!seeds.is_empty(), "THALWEG_SEEDS names no seed");
    let conflicts = AtomicUsize::new(0);
    let replay = |seed: &u64| {
        let (trial, operation, _) = chosen(*seed, &operations);
        format!("THALWEG_SEED={seed} {REPLAY}\n{trial:?} of {}", operation.name)
    };
    let took = in_parallel(&seeds, replay, |seed| {
        let (trial, operation, fault_free) = chosen(*seed, &operations);
        let passed = in_simulation(run(*seed, trial, operation, fault_free))?;
        if trial == Trial::ConflictStorm {
            let answered = passed.iter().filter(|passed| passed.code == 409).count();
            conflicts.fetch_add(answered, Ordering::Relaxed);
        }
        Ok(())
    });
    let conflicts = conflicts.into_inner();
    println!("{} seeds in {} s, {conflicts} conflicts in storms", seeds.len(), took.as_secs());
    assert!(conflicts > 0 || seeds.len() < SEEDS_WITH_CONFLICTS, "no storm was met");
}

#[test]
fn the_same_seed_by_chance_makes_the_same_sequence_of_requests() {
    let operations = fault_free_runs(Operation::all());
    for seed in 0..12 {
        let (trial, operation, fault_free) = chosen(seed, &operations);
        let [first, second] = [(); 2].map(|()| in_simulation(run(seed, trial, operation, fault_free)).unwrap());
        let differ = first.iter().zip(&second).position(|(first, second)| first != second);
        assert_eq!(differ.map(|at| (&first[at], &second[at])), None, "{trial:?} of {} (seed {seed})", operation.name);
        assert_eq!(first.len(), second.len(), "{trial:?} of {} (seed {seed})", operation.name);
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is told by its environment what to run")]
fn seeds() -> Range<u64> {
    if let Ok(seed) = std::env::var("THALWEG_SEED") {
        let seed = seed.parse().expect("THALWEG_SEED is a number");
        return seed..seed + 1;
    }
    let Ok(range) = std::env::var("THALWEG_SEEDS") else { return SEEDS };
    let (from, to) = range.split_once("..").expect("THALWEG_SEEDS is FROM..TO");
    from.parse().expect("THALWEG_SEEDS is FROM..TO")..to.parse().expect("THALWEG_SEEDS is FROM..TO")
}

fn chosen(seed: u64, operations: &[(Operation, FaultFree)]) -> (Trial, &Operation, &FaultFree) {
    let trial = TRIALS[usize::try_from(seed).unwrap_or_default() % TRIALS.len()];
    let mut generator = StdRng::seed_from_u64(seed);
    let (operation, fault_free) = &operations[generator.random_range(0..operations.len())];
    (trial, operation, fault_free)
}

/// One run; answers every request that was made in it.
async fn run(seed: u64, trial: Trial, operation: &Operation, fault_free: &FaultFree) -> Result<Vec<Passed>> {
    let (run, instance) = Run::begin(operation, seed).await?;
    let mut trouble = Trouble {
        run: &run,
        operation,
        requests: fault_free.labels.len(),
        generator: StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        passed: Vec::new(),
    };
    let instance = trouble.make(trial, instance).await?;
    let mut passed = trouble.passed;
    passed.extend(instance.wire.passed());
    instance.wire.begin(Schedule::none());
    run.after_end().await;
    recover(&run, fault_free, trial.recovery()).await?;
    run.world.settle().await?;
    passed.extend(instance.wire.passed());
    oracles::no_hot_loop(&passed)?;
    oracles::waits_as_told(&passed)?;
    match trial {
        Trial::ConflictStorm => run.check_among_writers(&instance).await?,
        _ => run.check(&instance).await?,
    }
    Ok(passed)
}

/// Waits until all is as it would be without a fault.
async fn recover(run: &Run<'_>, fault_free: &FaultFree, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let difference = State::of(&run.world).difference(&fault_free.end);
        if difference.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{} s later it is still otherwise{difference}", limit.as_secs());
        tokio::time::sleep(LOOK).await;
    }
}

/// What goes wrong while the change is made.
struct Trouble<'a> {
    run: &'a Run<'a>,
    operation: &'a Operation,
    /// How many the change takes without a fault.
    requests: usize,
    generator: StdRng,
    /// Of the processes that have ended.
    passed: Vec<Passed>,
}

impl Trouble<'_> {
    /// Makes the change and the trouble; answers the process that is there in the end.
    async fn make(&mut self, trial: Trial, instance: Instance) -> Result<Instance> {
        let (run, world) = (self.run, &self.run.world);
        match trial {
            Trial::DoubleCrash => {
                self.crash(instance).await?;
                let again = Schedule::end_at_request(self.generator.random_range(1..=20), self.side());
                let second = world.start(again);
                if tokio::time::timeout(TROUBLE, second.wire.ended()).await.is_err() {
                    return Ok(second);
                }
                self.passed.extend(second.wire.passed());
                run.end(second);
                Ok(world.start(Schedule::none()))
            }
            Trial::StaleView => {
                self.crash(instance).await?;
                let behind = self.generator.random_range(1..=20);
                restart_in_the_past(run, self.operation, behind).await
            }
            Trial::LostEvents => {
                let rates =
                    Rates { dropped: 0.1, duplicated: 0.1, delayed: 0.1, ended: 0.05, gone: 0.1, ..Rates::default() };
                self.change_amid(rates, &instance).await;
                Ok(instance)
            }
            Trial::FailingCalls => {
                let rates = Rates { failed: 0.1, too_many: 0.1, broken: 0.05, silent: 0.05, ..Rates::default() };
                self.change_amid(rates, &instance).await;
                Ok(instance)
            }
            Trial::ConflictStorm => {
                tokio::join!(run.change(), storm(world, &mut self.generator));
                Ok(instance)
            }
            Trial::ClockJumps => {
                tokio::join!(run.change(), jumps(world, &mut self.generator));
                Ok(instance)
            }
        }
    }

    /// The process ends at some request of the change.
    async fn crash(&mut self, instance: Instance) -> Result<()> {
        let nth = self.generator.random_range(1..=self.requests);
        instance.wire.begin(Schedule::end_at_request(nth, self.side()));
        let wire = instance.wire.clone();
        self.run.change_cut_short(instance).await?;
        self.passed.extend(wire.passed());
        Ok(())
    }

    async fn change_amid(&mut self, rates: Rates, instance: &Instance) {
        instance.wire.begin(Schedule::by_chance(rates, self.generator.random()));
        self.run.change().await;
        tokio::time::sleep(TROUBLE).await;
    }

    fn side(&mut self) -> Side {
        Side::ALL[self.generator.random_range(0..2)]
    }
}

/// The wall clock is set wrong, and in the end right.
async fn jumps(world: &World, generator: &mut StdRng) {
    for _ in 0..8 {
        let hours = [-87_600, -1, 0, 1, 87_600][generator.random_range(0..5)];
        world.clock.set_offset(SignedDuration::from_hours(hours));
        tokio::time::sleep(Duration::from_millis(generator.random_range(0..2_000))).await;
    }
    world.clock.set_offset(SignedDuration::ZERO);
}

/// Somebody edits what we apply, and what applies it, for half a minute.
async fn storm(world: &World, generator: &mut StdRng) {
    for count in 0..600 {
        let names = ["config-00", "config-01", "config-02", "config-03"];
        let name = names[generator.random_range(0..names.len())];
        let patch = json!({"data": {"value": format!("storm-{count}")}});
        let _ = world.hands.merge("v1", "ConfigMap", NAMESPACE, name, "", patch);
        let mark = if count == 599 { json!(null) } else { json!(count.to_string()) };
        let patch = json!({"metadata": {"annotations": {"storm": mark}}});
        for name in [APPS, "more", "fleet-apps"] {
            let _ = world.hands.merge(KUSTOMIZE, "Kustomization", NAMESPACE, name, "", patch.clone());
        }
        let _ = world.hands.merge(SOURCE, "GitRepository", NAMESPACE, "source", "", patch);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
