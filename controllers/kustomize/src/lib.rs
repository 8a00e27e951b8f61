//! The kustomize controller: artifacts become objects in the cluster, and stay as Git has them.
//!
//! A pass over a Kustomization observes (its source, its dependencies, the artifact), plans (core/plan decides), acts
//! (dry runs, the intent, applies, warranted deletes) and reports (status and events). It never waits: it answers what it
//! waits for, and the next pass plans afresh; what is unchanged costs no request.
//!
//! Behaves as Flux's kustomize-controller does (docs/spec/kustomizations.md has the fields, docs/differences-from-flux.md
//! the differences).

mod act;
mod artifacts;
mod build;
mod context;
mod finalize;
mod health;
mod memory;
mod observe;
mod overrides;
mod plan;
mod problem;
mod reconcile;
mod report;
mod status;
mod watch;

pub use context::Options;
pub use overrides::overrides;
pub use watch::{RunError, run};
