//! What Kubernetes knows about its kinds: fields, list types, merge keys, scopes, names.
//!
//! A [`Schema`] describes the values of one field, or of a whole kind, whether it comes from Kubernetes' OpenAPI document
//! or from a CustomResourceDefinition. A [`Resource`] is what an API server says of a kind in its discovery.
//! What a schema asks of a value: [`prune`], [`default`], [`schema_errors`], [`list_type_errors`], [`embedded_errors`].
//!
//! [`kubernetes`] has the kinds that Kubernetes itself serves; those of a CustomResourceDefinition are made of [`Node`]s.
//! [`unknown_fields`], [`type_error`] and [`normalise`] do with an object what Go's decoder and encoder do with it, and
//! [`openapi`] describes a group version to clients.
//!
//! ```
//! let mut resources = thalweg_schema::kubernetes::resources().iter();
//! let deployments = resources.find(|resource| resource.qualified() == "deployments.apps").expect("it is built in");
//! let template = &deployments.schema.properties["spec"].properties["template"];
//! assert_eq!(template.definition(), Some("io.k8s.api.core.v1.PodTemplateSpec"));
//! ```
//!
//! Values in, values out: nothing here reads a file, a clock or the network.

mod definitions;
mod embedded;
mod field_error;
mod formats;
pub mod kubernetes;
mod list_types;
mod names;
mod node;
mod normal;
pub mod openapi;
mod pattern;
mod prune;
pub mod quantity;
mod resource;
mod structural;
mod structure;
pub mod time;
mod typing;
mod unknown;
mod validate;

pub use embedded::embedded_errors;
pub use field_error::{FieldError, child, entry, go_kind, go_type, quoted};
pub use formats::is_known_format;
pub use list_types::list_type_errors;
pub use names::{label_errors, subdomain_errors};
pub use node::{ListType, MapType, Node, Patch, Rule, Schema, Type, Validation, Written};
pub use normal::normalise;
pub use pattern::Pattern;
pub use prune::{default, default_applied, prune};
pub use resource::{Column, Resource, Scale, Subresource};
pub use structural::structural;
pub use structure::structure_errors;
pub use typing::type_error;
pub use unknown::unknown_fields;
pub use validate::{is_unchanged, old_item, schema_errors};
