//! What to do about a set of objects, decided from values alone.
//!
//! In: the objects that a source asks for ([`Desired`]), what the cluster showed of them ([`Seen`]), what our last writes
//! were granted ([`Measure`]), the inventory, and what other owners want. Out: a [`Verdict`] for each object, the
//! [`Write`]s of a stage and whether the inventory must be recorded first, and a [`Fate`] for each object that is no
//! longer wanted. Acting on a plan leaves nothing to decide.
//!
//! Three types carry the safety of deletion (see docs/HAZARDS.md):
//! - [`Complete`]: a set that was read to its end. Whatever failed to be read yields an error, never a smaller set.
//! - [`Inventory`]: what an owner may have created. It gains an entry before the object exists.
//! - [`Warrant`]: the only thing a deletion accepts; only [`judge`] makes one.
//!
//! Nothing here talks to an API server, reads a clock or a file, or waits.

mod complete;
mod corrections;
mod desired;
mod inventory;
mod owner;
mod prune;
mod stage;
mod verdict;

pub use complete::Complete;
pub use corrections::Corrections;
pub use desired::{Desired, Wanted};
pub use inventory::{Entry, Inventory};
pub use owner::Owner;
pub use prune::{Claims, Fate, Kept, Released, Sight, Warrant, judge};
pub use stage::{Answer, Gated, Write, Written, gate, intent};
pub use thalweg_manifest::Seen;
pub use verdict::{Mark, Measure, Trust, Verdict, difference, judge_drift};
