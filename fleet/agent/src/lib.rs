//! The agent: brings what the hub desires of this cluster into it, and says what became of it. Outbound only.
//!
//! It registers once with a one-time token, then beats, pulls desired state by long poll, writes it as FluxConfigurations,
//! and pushes their status. The configuration controller does the rest; when the hub is away the cluster goes on as it is.
//!
//! What the agent never does: delete anything without a tombstone of a hub and epoch that it follows (I-18, silence is
//! not a command), touch an object that it did not mark as its own, delete a namespace, or speak plain HTTP outside
//! loopback. One reconcile is a pure plan between reading and acting, as in every
//! controller.
//!
//! [`run`] is the entry; it returns when it is told to stop, or when only an operator can help.

mod act;
mod backoff;
mod credential;
mod enrol;
mod heartbeat;
mod hub;
mod marks;
mod memory;
mod observe;
mod options;
mod plan;
mod pull;
mod push;
mod reconcile;
mod report;
mod run;
mod troubles;

pub use credential::Token;
pub use hub::HubError;
pub use marks::{EPOCH_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, RESOURCE_ID_ANNOTATION};
pub use memory::{MemoryError, SECRET_NAME};
pub use options::{HubUrl, InvalidHubUrl, Options};
pub use run::{Context, Error, run};
