//! Kubernetes objects as data: identify, order, compare, digest.
//!
//! An [`Object`] is the JSON of one Kubernetes object and the place it was read from. An [`ObjectId`] names an object in
//! a cluster whatever its version; it prints and parses as an entry of Flux's inventory. [`order`] sorts objects as Flux
//! applies them, [`stage`] says which of them must exist first, [`managed_fields`] reads what server-side apply granted
//! to a field manager, and [`digest`] names a set of objects by its content.
//!
//! Nothing here knows a Kubernetes client, and nothing reads a clock, a file or the network.
//!
//! ```
//! use thalweg_manifest::{Object, ObjectId};
//!
//! let object = Object::from_json(serde_json::json!({
//!     "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:reader", "namespace": "apps"},
//! })).expect("an object with apiVersion, kind and name");
//! assert_eq!(object.id().to_string(), "apps_system__reader_rbac.authorization.k8s.io_Role");
//! assert_eq!("apps_system__reader_rbac.authorization.k8s.io_Role".parse::<ObjectId>(), Ok(object.id()));
//! ```

pub mod digest;
mod id;
pub mod managed_fields;
mod object;
pub mod order;
mod seen;
pub mod stage;

pub use id::{InvalidId, ObjectId};
pub use object::{Incomplete, Object, Origin};
pub use seen::{Applied, Seen};
