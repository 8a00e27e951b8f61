//! What all controllers share: the graph of who waits for what, queue and workers, lease, finalizer, status, events, metrics.
//!
//! # A controller
//!
//! A controller is a crate with one entry, which returns when `shutdown` is cancelled and its running reconciles have ended:
//!
//! ```ignore
//! pub async fn run(context: ControllerContext, options: Options, shutdown: CancellationToken) -> Result<(), Error>;
//! ```
//!
//! `options` are the flags that this controller alone has. The entry watches its kinds, updates its stores, tells the graph
//! (`context.graph.changed(&id)`) and its own queue (`handle.wake(id, Trigger::Object)`), and works the queue off:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use thalweg_controller_runtime::{CancellationToken, ControllerContext, Failure, Next, Queue, Reconcile, Trigger, run};
//! use thalweg_manifest::ObjectId;
//!
//! struct Widgets { context: ControllerContext }
//!
//! impl Reconcile for Widgets {
//!     async fn reconcile(&self, id: &ObjectId, _: &Trigger) -> Result<Next, Failure> {
//!         self.context.graph.interested(id, [ObjectId::new("", "Secret", &id.namespace, "key")].into());
//!         // observe, plan, act, report …
//!         Ok(self.context.after_interval(Duration::from_secs(600)))
//!     }
//! }
//!
//! async fn widgets(context: ControllerContext, shutdown: CancellationToken) {
//!     let queue = Queue::new(&context.graph, &[("example.dev", "Widget")]);
//!     let handle = queue.handle(); // for the tasks that read the watches
//!     # let _ = handle;
//!     let (options, metrics) = (context.run_options("widget"), context.metrics.clone());
//!     run(queue, Arc::new(Widgets { context }), options, metrics, shutdown).await;
//! }
//! ```
//!
//! # Rules
//!
//! A reconcile never waits in its worker: it answers [`Next::When`]. It registers standing interest before it reads, and
//! whoever feeds a store updates it before it tells the graph; then no wake is lost. Nothing here has a thread of its own
//! or reads the wall clock but through [`Clock`], so all of it runs on paused time.

pub mod events;
pub mod finalizer;
pub mod lease;
pub mod random;
pub mod serve;
pub mod status;

mod clock;
mod context;
mod failure;
mod graph;
mod metrics;
#[cfg(test)]
mod mock;
mod next;
mod queue;
mod run;

pub use reqwest::Url;
pub use tokio_util::sync::CancellationToken;

pub use clock::Clock;
pub use context::{ControllerContext, ControllerOptions};
pub use events::{Event, EventKind, Events, EventsOptions};
pub use failure::{Failure, chain};
pub use graph::Graph;
pub use metrics::Metrics;
pub use next::Next;
pub use queue::{Queue, QueueHandle, Trigger};
pub use random::Random;
pub use run::{Reconcile, RunOptions, run};
pub use status::patch_status;
