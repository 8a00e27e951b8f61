//! A plan, carried out: dry runs, applies, deletes and reads, as many at a time as their order allows.
//!
//! In: decisions of `thalweg-plan` and the client of whoever they are carried out as. Out: what the server answered, by
//! object, or a [`Refusal`] that names the object, its file and line, and the server's reason. Answers are noted with the
//! metadata watches, so that nothing that follows works from an older view.
//!
//! Nothing is decided here. In particular nothing is deleted without a [`Warrant`](thalweg_plan::Warrant).

mod applier;
mod refusal;

pub use applier::{Applied, Applier, Deleted, Question};
pub use refusal::{Doing, Refusal, Refusals};
