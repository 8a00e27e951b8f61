//! The source controller: keeps an artifact of every GitRepository's newest revision.
//!
//! An attempt observes (the stored artifact, the Secret, the revision upstream), plans (keep or store), acts (fetch,
//! archive, publish) and reports (conditions, events, when to look again). From the first question to the upstream on it is
//! a task outside the workers: however long upstreams take, nobody waits for them in a worker. The status is written after
//! the file is in place, and only when it says something new. A check that finds nothing new asks the upstream for its
//! references and the API server for nothing, but for the Secret where there is one.
//!
//! ```ignore
//! let storage = Storage::new(StorageOptions::new("/data", "source-controller.flux-system.svc.cluster.local."));
//! let server = axum::serve(listener, thalweg_artifact::router(storage.clone()));
//! let options = Options::new(storage, Git::new(GitOptions::new("/tmp/git")));
//! thalweg_source_controller::run(context, options, shutdown).await?;
//! ```

mod act;
mod controller;
mod error;
mod exchange;
mod observe;
mod plan;
mod reconcile;
mod remote;
mod report;
#[cfg(test)]
mod tests;

pub use controller::{Options, StartError, run};
pub use error::Error;
pub use remote::{Credentials, Fetched, Remote, Remotes, Resolved};
