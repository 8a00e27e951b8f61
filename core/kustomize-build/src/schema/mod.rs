//! What a build knows about kinds: Kubernetes v1.21.2 as kyaml embeds it, and schemas that a kustomization brings.
//!
//! A [`Schemas`] belongs to one build. It answers which scope a kind has, and a [`SchemaNode`] for a kind, from which fields
//! and elements are reached and which says how a patch merges what is there. A [`Comment`] is a schema that stands in a
//! comment beside a field.

mod brought;
mod comment;
mod json;
mod node;
mod schemas;
mod scopes;
mod shape;
mod table;
#[cfg(test)]
mod tests;

use crate::identity::Gvk;

pub(crate) use comment::Comment;
pub(crate) use json::{Mismatch, check as check_json};
pub(crate) use node::SchemaNode;
pub(crate) use schemas::{OpenApi, Schemas};
pub(crate) use scopes::Scopes;

/// Whether Kubernetes v1.21.2 has this kind without namespaces. Kinds that it does not know have them.
pub(crate) fn is_cluster_scoped(gvk: Gvk<&str>) -> bool {
    scopes::builtin(gvk) == Some(scopes::Scope::Cluster)
}
