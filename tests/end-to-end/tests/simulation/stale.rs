//! A new process is shown how things were: all lists and watches are of a past in which its predecessor had not yet done what
//! it did (R3). On the word of that past nothing wanted is deleted, nothing of ours is forgotten, and nothing is made for an
//! owner that has gone since; once the view has caught up, all is as it should be.

use anyhow::{Context as _, Result, ensure};
use thalweg_harness::faults::{Label, Point, Schedule, Side, Stale};
use thalweg_harness::oracles;
use tokio::time::Instant;

use crate::instance::Instance;
use crate::operation::{INTERVAL, Operation};
use crate::runs::{FaultFree, Run, fault_free_runs, in_parallel, in_simulation};
use crate::state::State;

/// How many changes the view is behind.
const VERSIONS_BEHIND: [u64; 3] = [3, 10, 20];
/// The operations in which something goes, or goes from one owner to another.
const OPERATIONS: [&str; 7] =
    ["prune", "move", "move-to-dependent", "delete", "revert", "configuration-change", "configuration-delete"];
/// Each so-manieth request is one after which the process ends.
const STEP: usize = 3;

#[test]
fn a_view_of_the_past_after_a_restart_deletes_and_forgets_nothing() {
    let operations = fault_free_runs(OPERATIONS.map(|name| Operation::named(name).unwrap()).into());
    let runs: Vec<(&Operation, &FaultFree, &Label, u64)> = operations
        .iter()
        .flat_map(|(operation, fault_free)| {
            let labels = fault_free.labels.iter().step_by(STEP);
            labels.flat_map(move |label| VERSIONS_BEHIND.map(|behind| (operation, fault_free, label, behind)))
        })
        .collect();
    let name = |(operation, _, label, behind): &(&Operation, &FaultFree, &Label, u64)| {
        format!("{} ends after {label}, the next process is {behind} versions behind", operation.name)
    };
    let took = in_parallel(&runs, name, |(operation, fault_free, label, behind)| {
        in_simulation(run(operation, fault_free, label, *behind))
    });
    println!("{} views of the past in {} s", runs.len(), took.as_secs());
}

async fn run(operation: &Operation, fault_free: &FaultFree, label: &Label, behind: u64) -> Result<()> {
    let (run, instance) = Run::begin(operation, 0).await?;
    instance.wire.begin(Schedule::end_at(&Point { side: Side::After, label: label.clone() }));
    run.change_cut_short(instance).await?;
    let instance = restart_in_the_past(&run, operation, behind).await?;
    run.after_end().await;
    run.world.settle().await?;
    let difference = State::of(&run.world).difference(&fault_free.end);
    ensure!(difference.is_empty(), "it ends otherwise{difference}");
    run.check(&instance).await
}

/// A process whose view is so many changes behind for an interval.
pub(crate) async fn restart_in_the_past(run: &Run<'_>, operation: &Operation, behind: u64) -> Result<Instance> {
    let server = &run.world.server;
    let newest = server.audit_since(0).last().map_or(0, |entry| entry.resource_version);
    let (restarted, until) = (server.audit_sequence(), Instant::now() + INTERVAL);
    let stale = Stale { resource_version: newest.saturating_sub(behind).max(1), until };
    let instance = run.world.start(Schedule { stale: Some(stale), ..Schedule::none() });
    tokio::time::sleep_until(until).await;
    oracles::none_deleted(server, restarted, &operation.wanted()).context("on a view of the past")?;
    Ok(instance)
}
