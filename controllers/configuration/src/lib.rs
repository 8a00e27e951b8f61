//! A FluxConfiguration becomes a source and Kustomizations, and its compliance is reported.
//!
//! A pass over a FluxConfiguration observes (what it made, its Secret), plans (what to create, apply and delete), acts, and
//! reports (compliance). It never waits, and it never takes over an object that it did not make: a new object is created
//! by an apply that a present object refuses, and everything it made carries the label `thalweg.dev/configuration-uid`
//! with the UID of the FluxConfiguration. Deleting happens in reverse order of `dependsOn`. While nothing changed, a pass
//! sends no request.
//!
//! docs/spec/fluxconfigurations.md has the fields, names and conditions.

mod act;
mod children;
mod compliance;
mod context;
mod desired;
mod observe;
mod plan;
mod problem;
mod reconcile;
mod report;
mod settings;
mod watch;

pub use context::Options;
pub use watch::{RunError, run};
