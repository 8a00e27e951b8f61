//! The Kubernetes contract: kinds, conditions, reasons, events.
//!
//! What Thalweg promises to people who write its objects with kubectl and to programs that read them: the [`source`] and
//! [`kustomize`] kinds as Flux defines them, the [`configuration`] kind of its own, the [`conditions`] and [`reasons`] that
//! status is told in, and the [`labels`], [`annotations`], [`finalizers`] and [`managers`] it leaves on objects.
//! [`unsupported`] names the fields that a spec sets and Thalweg does not serve yet.
//! The YAML that installs the kinds lies
//! beside this folder: `kubectl apply --server-side -f crds/`.
//!
//! Types and constants alone: nothing here talks to an API server.
//!
//! ```
//! use thalweg_crds::source::GitRepository;
//!
//! let repository: GitRepository = serde_json::from_value(serde_json::json!({
//!     "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "fleet", "namespace": "apps"},
//!     "spec": {"url": "https://example.com/fleet.git", "interval": "1h30m"},
//! })).expect("a GitRepository");
//! assert_eq!(repository.spec.interval.as_secs(), 5400);
//! assert_eq!(repository.spec.reference().to_string(), "master");
//! ```

pub mod annotations;
pub mod conditions;
pub mod configuration;
mod duration;
pub mod finalizers;
pub mod kustomize;
pub mod labels;
pub mod managers;
pub mod reasons;
mod reference;
pub mod source;
pub mod unsupported;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

pub use duration::{GoDuration, InvalidDuration};
pub use reference::LocalObjectReference;

/// The CustomResourceDefinitions whose source is this crate, with the files in `crds/` that hold them. Those of Flux's kinds
/// are written by hand, and this crate is tested against them.
pub fn custom_resource_definitions() -> Vec<(&'static str, CustomResourceDefinition)> {
    vec![("fluxconfigurations.yaml", configuration::custom_resource_definition())]
}

fn is_false(value: &bool) -> bool {
    !*value
}
