//! What a pass answers: when to look again.

use std::collections::BTreeSet;

use thalweg_manifest::ObjectId;
use tokio::time::Instant;

/// When an object is to be reconciled again. Whatever is answered, a change of the object itself or at a standing edge
/// of the [`Graph`](crate::Graph) wakes it earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing is left to do until something changes.
    Done,
    /// At this instant: the next interval, or a retry.
    At(Instant),
    /// When one of these objects changes, at the latest at the deadline.
    When {
        /// What is awaited, until the next pass begins.
        objects: BTreeSet<ObjectId>,
        /// The latest instant, if there is one.
        deadline: Option<Instant>,
    },
    /// What the pass has begun goes on outside the workers, and these objects change when it ends. As [`Next::When`], but neither
    /// a success nor a failure: the delay after the next failure goes on growing.
    Underway {
        /// What is awaited, until the next pass begins.
        objects: BTreeSet<ObjectId>,
        /// The latest instant, if there is one.
        deadline: Option<Instant>,
    },
    /// The object does not exist any more: its edges, failures and metric series are dropped.
    Gone,
}
