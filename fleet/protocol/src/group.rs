//! The resource group document: a name, a location and tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::resource::ResourceGroupId;

/// The body of a PUT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroupRequest {
    /// Where the group's records are kept; chosen once.
    #[serde(default)]
    pub location: String,
    /// Free labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// A resource group as the hub answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroup {
    /// The full id.
    pub id: ResourceGroupId,
    /// The name, as it was created.
    pub name: String,
    /// `Microsoft.Resources/resourceGroups`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the group's records are kept.
    pub location: String,
    /// Free labels.
    pub tags: BTreeMap<String, String>,
    /// `provisioningState`, always `Succeeded`.
    pub properties: ResourceGroupProperties,
}

/// The read-only properties of a resource group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceGroupProperties {
    /// Always `Succeeded`.
    pub provisioning_state: String,
}
