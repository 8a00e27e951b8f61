//! Controllers inside the test process: what becomes of a cluster when they end at any request, and what their work costs.
//!
//! One program and one control plane; a namespace a run. Git, and the controller that fetches from it, are played by the
//! tests ([`ground`]), so that every request counted here is the kustomize controller's.
#![expect(clippy::disallowed_methods, reason = "tests read the logs of what they start")]
#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]

mod budgets;
mod configuration;
mod crash;
mod fetching;
mod ground;
mod instance;
