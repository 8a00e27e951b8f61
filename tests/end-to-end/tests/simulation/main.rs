//! The whole system on one thread, with paused time and no socket: API server, Git, artifacts and controllers are services
//! in this process, and everything that happens follows from a seed.
//!
//! | file | what it shows |
//! | --- | --- |
//! | [`crash`] | every operation ends alike wherever the process ended (R1, R2 of docs/HAZARDS.md) |
//! | [`chance`] | stale views, lost events, failing calls, other writers, clocks that jump (R3, R4, R5, R6, R12) |
//! | [`stale`] | a new process that is shown the past deletes and forgets nothing (R3) |
//! | [`planted`] | a bug that is planted is found |
//! | [`budgets`] | what a piece of work costs in requests |
#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]

mod budgets;
mod chance;
mod crash;
mod instance;
mod operation;
mod planted;
mod runs;
mod stale;
mod state;
mod world;
