//! Every request of a piece of work is a place where the controller may end. Wherever it does, the cluster is consistent
//! at that moment, and a new controller brings it to the state that it would have reached without the end.
//!
//! A scenario runs once without a fault, which gives its labels and the state to reach; then once for each label, ended
//! before and after that request. `THALWEG_CRASH_POINTS` chooses: `all`, or `2/6` for the second sixth (the default is
//! the first). A failure prints the point; `THALWEG_CRASH_POINT` runs that one alone. [`killed`] does the same to the real
//! process, at moments instead of requests.

mod killed;
mod run;

use thalweg_end_to_end::scenario::Scenario;

#[tokio::test]
async fn an_install_ends_alike_wherever_its_controller_ended() {
    run::check(&Scenario::install()).await;
}

#[tokio::test]
async fn a_prune_ends_alike_wherever_its_controller_ended() {
    run::check(&Scenario::prune()).await;
}

#[tokio::test]
async fn a_move_between_owners_ends_alike_and_keeps_the_objects() {
    run::check(&Scenario::move_between_owners()).await;
}

#[tokio::test]
async fn a_move_to_an_owner_that_waits_ends_alike_and_keeps_the_objects() {
    run::check(&Scenario::move_to_a_dependent()).await;
}

#[tokio::test]
async fn a_deletion_ends_alike_wherever_its_controller_ended() {
    run::check(&Scenario::delete()).await;
}

#[tokio::test]
async fn a_change_that_is_reverted_after_a_crash_leaves_nothing() {
    run::check(&Scenario::revert()).await;
}
