//! The connectedCluster document: what its owner says of a cluster, and what its agent reports.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::SystemData;
use crate::resource::ClusterId;

/// Without a heartbeat for this long a cluster is Offline.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(15 * 60);

/// The properties that only the hub writes; in a request they are ignored.
pub const READ_ONLY: &[&str] = &[
    "agentVersion",
    "connectivityStatus",
    "kubernetesVersion",
    "lastConnectivityTime",
    "managedIdentityCertificateExpirationTime",
    "miscellaneousProperties",
    "offering",
    "provisioningState",
    "totalCoreCount",
    "totalNodeCount",
];

/// The body of a PUT. Properties that this hub does not know are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedClusterRequest {
    /// Where the cluster's records are kept; chosen once.
    #[serde(default)]
    pub location: String,
    /// Free labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// `{"type": "None" | "SystemAssigned"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Value>,
    /// `ProvisionedCluster` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What the owner says of the cluster.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// A connected cluster as the hub answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedCluster {
    /// The full id.
    pub id: ClusterId,
    /// The name, as it was created.
    pub name: String,
    /// `Microsoft.Kubernetes/connectedClusters`.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Where the cluster's records are kept.
    pub location: String,
    /// Free labels.
    pub tags: BTreeMap<String, String>,
    /// As the request.
    pub identity: Value,
    /// As the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Reported by the agent or computed, then what the owner says.
    pub properties: ConnectedClusterProperties,
    /// Who made it and changed it.
    pub system_data: SystemData,
}

/// The properties of a connected cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectedClusterProperties {
    /// Computed on read from the last heartbeat.
    pub connectivity_status: ConnectivityStatus,
    /// When the agent was heard last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_connectivity_time: Option<Timestamp>,
    /// Always `Succeeded`.
    pub provisioning_state: String,
    /// The agent's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The API server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// Nodes in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_node_count: Option<i64>,
    /// Processor cores of all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_core_count: Option<i64>,
    /// What the owner says of the cluster, and the defaults of what they do not.
    #[serde(flatten)]
    pub owner: Map<String, Value>,
}

/// Whether the agent is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectivityStatus {
    /// Never heard.
    Connecting,
    /// Heard within [`OFFLINE_AFTER`].
    Connected,
    /// Heard, but not within [`OFFLINE_AFTER`].
    Offline,
}

impl ConnectivityStatus {
    /// The status at `now` of a cluster that was last heard at `heard`.
    pub fn at(now: Timestamp, heard: Option<Timestamp>) -> Self {
        match heard {
            None => Self::Connecting,
            Some(heard) if now.duration_since(heard).as_secs() < OFFLINE_AFTER.as_secs() as i64 => Self::Connected,
            Some(_) => Self::Offline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_offline_fifteen_minutes_after_it_was_heard() {
        let heard: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let cases = [
            (None, 0, ConnectivityStatus::Connecting),
            (Some(heard), 0, ConnectivityStatus::Connected),
            (Some(heard), 899, ConnectivityStatus::Connected),
            (Some(heard), 900, ConnectivityStatus::Offline),
            (Some(heard), -5, ConnectivityStatus::Connected),
        ];
        for (heard_at, seconds, expected) in cases {
            let now = heard + jiff::SignedDuration::from_secs(seconds);
            assert_eq!(ConnectivityStatus::at(now, heard_at), expected, "{seconds}");
        }
    }
}
