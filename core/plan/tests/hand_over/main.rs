//! Hand-over and pruning, checked in every state that two owners of one artifact can reach.
//!
//! Three objects, two owners, six events (each happens once, at any moment, or never), one crash of either owner at any
//! moment. Every interleaving is followed, breadth first. What is decided is decided by this crate: `gate`, `intent`, `judge`,
//! inventories and claims. The model's own are the objects and statuses of a cluster, the order in which an owner goes about
//! an attempt (that of `controllers/kustomize/src/act.rs`), and what wakes it. Out of the model are requests that commit after
//! their sender's end (see docs/HAZARDS.md), views that lag behind (every owner sees what is there; the simulation of
//! tests/end-to-end has them), refusals, health, and statuses with a second writer.

mod check;
mod cluster;
mod decisions;
mod explore;
mod owner;
mod world;

use crate::decisions::Weakness;
use crate::explore::explore;
use crate::world::World;

#[test]
fn no_interleaving_of_two_owners_six_events_and_a_crash_forgets_or_deletes_what_it_should_not() {
    let world = World::new();
    let explored = explore(&world, None).unwrap_or_else(|violation| panic!("{violation}"));
    println!("{} states, {} transitions, {} at rest", explored.states, explored.transitions, explored.at_rest);
    let met: Vec<&str> = explored.met.into_iter().collect();
    let expected = [
        "claimed",
        "deleted",
        "found gone when deleting",
        "gone",
        "handed over",
        "in sync",
        "judged again",
        "not ours",
        "recorded before a delete",
        "recorded before an apply",
        "written",
        "written without a record",
    ];
    assert_eq!(met, expected, "the model reaches every turn that it is about");
}

#[test]
fn an_owner_that_leaves_out_a_safeguard_is_reported() {
    for (weakness, expected) in [
        (Weakness::WritesWithoutIntent, "is ours and not in the inventory of the owner that it names"),
        (Weakness::IgnoresClaims, "was deleted although it is wanted"),
        (Weakness::DeletesWithoutPreconditions, "was deleted without a live warrant"),
        (Weakness::ForgetsBeforeDeleting, "is ours and not in the inventory of the owner that it names"),
        (Weakness::ForgetsWhatItHolds, "is ours and not in the inventory of the owner that it names"),
        (Weakness::SleepsThroughDrift, "is not as it is wanted"),
        (Weakness::MissesMoves, "the owners may go on for ever"),
    ] {
        let violation = explore(&World::new(), Some(weakness)).expect_err(&format!("{weakness:?} was not reported"));
        assert!(violation.what.ends_with(expected), "{weakness:?}: {violation}");
    }
}
