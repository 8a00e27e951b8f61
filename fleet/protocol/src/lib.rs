//! What hub, agent and CLI say to each other: types and the OpenAPI document, no I/O.
//!
//! Two conversations share this crate. Clients speak the Azure Resource Manager wire format with the hub:
//! [`resource`] ids, the [`group`], [`cluster`] and [`configuration`] documents, [`ErrorEnvelope`], [`SystemData`] and
//! the [`version`] rule. Agents speak the data plane of [`agent`]: register, heartbeat, desired, status.
//!
//! Ids compare without regard to case and print as they were created:
//!
//! ```
//! use thalweg_protocol::resource::ClusterId;
//!
//! let created: ClusterId = "/subscriptions/s1/resourceGroups/Fleet/providers/Microsoft.Kubernetes/connectedClusters/Edge-1".parse()?;
//! let asked: ClusterId = "/SUBSCRIPTIONS/s1/resourcegroups/fleet/providers/microsoft.kubernetes/connectedclusters/edge-1".parse()?;
//! assert_eq!(created, asked);
//! assert_eq!(created.name(), "Edge-1");
//! # Ok::<(), thalweg_protocol::resource::InvalidId>(())
//! ```
//!
//! [`OPENAPI`] describes every route; the hub's tests hold its routes to it.

pub mod agent;
pub mod cluster;
pub mod configuration;
mod envelope;
pub mod group;
pub mod resource;
pub mod version;

pub use envelope::{AdditionalInfo, ErrorBody, ErrorEnvelope, List, SystemData, code};

/// The OpenAPI 3.1 document of every route the hub serves.
pub const OPENAPI: &str = include_str!("../openapi.json");
