//! An object, its health and why.
//!
//! [`assess`] is kstatus, the rules by which Flux and kubectl-apply-like tools judge whether an object has become what its
//! spec asks for, with Flux's own rule for Jobs (a Job must complete). An object and the time go in, a [`Health`] and a
//! message come out; nothing is read from a cluster.
//!
//! ```
//! use thalweg_health::{Health, assess};
//!
//! let claim = serde_json::json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}});
//! let assessment = assess(claim.as_object().expect("a mapping"), jiff::Timestamp::UNIX_EPOCH);
//! assert_eq!(assessment.health, Health::InProgress);
//! assert_eq!(assessment.message, "PVC is not Bound. phase: Pending");
//! ```

mod assess;
mod fields;
mod kinds;
mod workloads;

pub use assess::{Assessment, Health, assess};
