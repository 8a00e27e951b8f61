//! The one door to an API server.
//!
//! A [`Cluster`] is a connection under our own identity; [`Cluster::impersonating`] gives a client that acts as a
//! [`ServiceAccount`] over the same connections. [`Mapping`] turns a kind into the [`Resource`] that serves it.
//! [`Watches`] follow the metadata of the objects we own, one watch a kind; [`Objects`] follow one kind of ours, typed,
//! and an object that cannot be read never stops the others. [`requests`] are the reads and writes of the apply engine,
//! [`Refusal`] says what an error means.
//!
//! Everything, discovery and watches included, goes through the `kube::Client` that the cluster was made of. So a test
//! puts a `tower` service under all of it: `Cluster::from_client(kube::Client::new(service, "default"))`, or a layer over
//! the service of a real client ([`service`]). There is no other seam.
//!
//! ```no_run
//! use thalweg_kubernetes::{Cluster, ConnectOptions, ServiceAccount, get};
//! use thalweg_manifest::ObjectId;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = Cluster::connect(&ConnectOptions::default()).await?;
//! let deployer = cluster.impersonating(&ServiceAccount::new("apps", "deployer")?);
//! if let Some(deployments) = cluster.mapping().resolve("apps", "v1", "Deployment").await? {
//!     let podinfo = ObjectId::new("apps", "Deployment", "apps", "podinfo");
//!     let live = get(&deployer, &deployments, &podinfo).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What comes in is JSON from the API server; what goes out are requests. Nothing is decided here, and nothing that a
//! request or an answer holds is logged.

mod cluster;
mod error;
mod follow;
mod held;
mod impersonation;
mod mapping;
#[cfg(test)]
mod mock;
mod objects;
pub mod requests;
mod retry_after;
mod watches;
mod window;

pub use cluster::{Cluster, ConnectOptions, service};
pub use error::{Error, Refusal};
pub use impersonation::{InvalidServiceAccount, ServiceAccount};
pub use mapping::{Mapping, Resource};
pub use objects::{Event, Kind, Objects};
pub use requests::{Deleted, apply, delete, dry_run_apply, get, get_metadata, patch_status};
pub use thalweg_manifest::{Applied, Seen};
pub use watches::{Changed, NamedWatch, Watches};
pub use window::{Window, Windowed};
