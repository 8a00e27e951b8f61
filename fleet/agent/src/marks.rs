//! How the agent knows its own objects: a label, the resource id, and the epoch of the document that was written.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg_protocol::agent::Epoch;
use thalweg_protocol::resource::ConfigurationId;

/// On every FluxConfiguration that an agent wrote.
pub const MANAGED_BY_LABEL: &str = "thalweg.dev/managed-by";
/// The label's value.
pub const MANAGED_BY: &str = "agent";
/// On every FluxConfiguration that an agent wrote: the ARM id of the resource that it stands for.
pub const RESOURCE_ID_ANNOTATION: &str = "thalweg.dev/resource-id";
/// On every FluxConfiguration that an agent wrote: hub and generation of the document, as `HUB:NUMBER`.
pub const EPOCH_ANNOTATION: &str = "thalweg.dev/hub-epoch";

/// What an object says about who wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The resource that it stands for; none when an agent did not write it.
    pub(crate) resource: Option<ConfigurationId>,
    /// The document that was written.
    pub(crate) epoch: Option<Epoch>,
}

impl Marks {
    /// The marks among an object's labels and annotations. One that lost its label is no longer the agent's.
    pub(crate) fn of(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Self {
        if labels.get(MANAGED_BY_LABEL).map(String::as_str) != Some(MANAGED_BY) {
            return Self::default();
        }
        Self {
            resource: annotations.get(RESOURCE_ID_ANNOTATION).and_then(|id| id.parse().ok()),
            epoch: annotations.get(EPOCH_ANNOTATION).and_then(|epoch| epoch.parse().ok()),
        }
    }

    /// The labels and annotations to write.
    pub(crate) fn written(id: &ConfigurationId, epoch: &Epoch) -> (Value, Value) {
        let annotations = json!({RESOURCE_ID_ANNOTATION: id.to_string(), EPOCH_ANNOTATION: epoch.to_string()});
        (json!({MANAGED_BY_LABEL: MANAGED_BY}), annotations)
    }
}
