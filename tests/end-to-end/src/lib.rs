//! The whole system as a specification.
//!
//! Here is what its programs share: [`objects`] that are applied and found again, a [`commit`] that holds them, and the
//! [`scenario`]s that lead from one to another. The specification is in `tests/`: `conformance` and `in_process` run on
//! either API server, `agreement` and `programs` on both side by side, `simulation` on the embedded one with paused time.
#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]

pub mod commit;
pub mod objects;
pub mod scenario;
