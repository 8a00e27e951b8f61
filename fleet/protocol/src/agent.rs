//! The data plane between hub and agent: register once, then heartbeat, desired and status, all asked by the agent.
//!
//! Rules both sides hold (I-18, silence is not a command):
//! - desired state carries an [`Epoch`]; the agent keeps the highest it acted on and refuses a lower one or another hub's;
//! - a configuration that an answer does not hold is kept; only a [`Tombstone`] deletes;
//! - a document is always whole; its `generation` is the epoch number at which it last changed, so a configuration that
//!   is deleted and made again never reuses one;
//! - a cluster's credential reaches that cluster alone; every request names the cluster it is meant for.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::configuration::{ComplianceState, Desired, ObjectStatus};
use crate::resource::{ClusterId, ConfigurationId};

/// Seconds that a [`desired`](DESIRED_PATH) request may wait at most.
pub const WAIT_SECONDS_MAX: u64 = 60;
/// Seconds between heartbeats unless the hub says otherwise.
pub const HEARTBEAT_SECONDS_DEFAULT: u64 = 60;

/// POST, with the one-time token.
pub const REGISTER_PATH: &str = "/agent/v1/register";
/// POST, with the agent's credential.
pub const HEARTBEAT_PATH: &str = "/agent/v1/heartbeat";
/// GET `?cluster=ID[&since=EPOCH][&wait=SECONDS]`, with the agent's credential.
pub const DESIRED_PATH: &str = "/agent/v1/desired";
/// POST, with the agent's credential.
pub const STATUS_PATH: &str = "/agent/v1/status";

/// A point in one hub's history of desired state. Prints and parses as `HUB:NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Made once, when the hub's store is made.
    pub hub: String,
    /// Grows with every change of desired state on that hub.
    pub number: u64,
}

/// Why an agent does not act on desired state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochRefused {
    /// The hub is not the one that this agent acted for: lost and made anew, or another.
    #[error("the desired state comes from hub {offered}, but this cluster follows hub {held}")]
    OtherHub {
        /// The hub of the epoch that is held.
        held: String,
        /// The hub of the epoch that was offered.
        offered: String,
    },
    /// The hub's history ends before what this agent acted on: restored from an older backup.
    #[error("the hub is older than this cluster: it is at epoch {offered}, the cluster at {held}")]
    Regressed {
        /// The number that is held.
        held: u64,
        /// The number that was offered.
        offered: u64,
    },
}

impl Epoch {
    /// Whether desired state of the epoch `offered` may follow `self`, the highest acted on so far.
    ///
    /// # Errors
    /// Another hub, or a lower number.
    pub fn accept(&self, offered: &Epoch) -> Result<(), EpochRefused> {
        match () {
            () if self.hub != offered.hub => {
                Err(EpochRefused::OtherHub { held: self.hub.clone(), offered: offered.hub.clone() })
            }
            () if self.number > offered.number => {
                Err(EpochRefused::Regressed { held: self.number, offered: offered.number })
            }
            () => Ok(()),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.hub, self.number)
    }
}

/// A text that is not `HUB:NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an epoch (HUB:NUMBER): {0:?}")]
pub struct InvalidEpoch(String);

impl FromStr for Epoch {
    type Err = InvalidEpoch;

    fn from_str(text: &str) -> Result<Self, InvalidEpoch> {
        let invalid = || InvalidEpoch(text.chars().take(100).collect());
        let (hub, number) = text.split_once(':').ok_or_else(invalid)?;
        if hub.is_empty() {
            return Err(invalid());
        }
        Ok(Self { hub: hub.to_owned(), number: number.parse().map_err(|_| invalid())? })
    }
}

/// What an agent says of its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFacts {
    /// The API server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes_version: Option<String>,
    /// Nodes in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_node_count: Option<i64>,
    /// Processor cores of all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_core_count: Option<i64>,
    /// The agent's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
}

/// Body of POST [`REGISTER_PATH`]. The agent makes its credential, keeps it, and sends its digest, so a request whose
/// answer was lost can be sent again: the token is spent on this digest and works for no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// SHA-256 of the credential that the agent will use, in lower-case hexadecimal.
    pub credential_sha256: String,
    /// What the agent says of its cluster.
    #[serde(flatten)]
    pub facts: ClusterFacts,
}

/// Answer of POST [`REGISTER_PATH`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterResponse {
    /// The cluster that the token was for; the credential is bound to it.
    pub cluster: ClusterId,
    /// Where the hub's history is now.
    pub epoch: Epoch,
    /// Seconds between heartbeats.
    pub heartbeat_seconds: u64,
}

/// Body of POST [`HEARTBEAT_PATH`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatRequest {
    /// The cluster that the agent acts for.
    pub cluster: ClusterId,
    /// What the agent says of its cluster.
    #[serde(flatten)]
    pub facts: ClusterFacts,
    /// The highest epoch that the agent acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// What keeps the agent from its work, such as a refused epoch. Replaces what it said before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<AgentError>,
}

/// One reason why an agent does not do its work, as in `properties.arcAgentProfile.agentErrors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentError {
    /// What is wrong, for people.
    pub message: String,
    /// `Error` or `Warning`.
    pub severity: String,
    /// The part of the agent that met it.
    pub component: String,
    /// Since when.
    pub time: Timestamp,
}

/// Answer of POST [`HEARTBEAT_PATH`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatResponse {
    /// Where the hub's history is now.
    pub epoch: Epoch,
    /// The hub's clock.
    pub server_time: Timestamp,
    /// Seconds until the next heartbeat.
    pub next_after_seconds: u64,
}

/// Answer of GET [`DESIRED_PATH`]: everything that the hub wants of the cluster. 304 when nothing changed since the epoch
/// that was asked for, within the time to wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredState {
    /// Where the hub's history is.
    pub epoch: Epoch,
    /// Documents, whole. One that is missing is kept.
    #[serde(default)]
    pub configurations: Vec<DesiredConfiguration>,
    /// Documents to delete. Repeated until the agent says that the object is gone.
    #[serde(default)]
    pub tombstones: Vec<Tombstone>,
}

/// One Flux configuration to have in the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredConfiguration {
    /// Its resource id.
    pub id: ConfigurationId,
    /// The epoch number at which it last changed.
    pub generation: u64,
    /// The document as it was said, without defaults and without secrets.
    pub properties: Desired,
}

/// One Flux configuration to delete from the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    /// Its resource id.
    pub id: ConfigurationId,
    /// The epoch number at which it was deleted.
    pub generation: u64,
    /// The namespace of its object.
    pub namespace: String,
}

/// Body of POST [`STATUS_PATH`]. Sending the same again changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRequest {
    /// The cluster that the agent acts for.
    pub cluster: ClusterId,
    /// One for each configuration whose state is new.
    pub configurations: Vec<ConfigurationStatus>,
}

/// The state of one configuration in the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationStatus {
    /// Its resource id.
    pub id: ConfigurationId,
    /// The generation of the document, or of the tombstone, that this speaks of.
    pub generation: u64,
    /// What became of that generation.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Whether the cluster is as Git says.
    #[serde(default)]
    pub compliance_state: ComplianceState,
    /// One for each Flux object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<ObjectStatus>,
    /// The revision that the source holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_synced_commit_id: Option<String>,
    /// When the source changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_updated_at: Option<Timestamp>,
}

/// What became of a generation in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The document is written into the cluster.
    Applied,
    /// It could not be written, or not be deleted.
    Failed,
    /// The tombstone is done: the object is gone, or never was.
    Deleted,
}

/// Answer of POST [`STATUS_PATH`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusResponse {
    /// Configurations in the request that the hub does not hold. Their objects are kept.
    #[serde(default)]
    pub unknown: Vec<ConfigurationId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_another_hub_or_a_lower_one_is_refused() {
        let held = Epoch { hub: "a".into(), number: 7 };
        let cases = [
            ("a:7", None),
            ("a:8", None),
            ("a:6", Some("the hub is older than this cluster: it is at epoch 6, the cluster at 7")),
            ("b:9", Some("the desired state comes from hub b, but this cluster follows hub a")),
        ];
        for (offered, expected) in cases {
            let refused = held.accept(&offered.parse().unwrap()).err().map(|refused| refused.to_string());
            assert_eq!(refused.as_deref(), expected, "{offered}");
        }
    }

    #[test]
    fn an_epoch_prints_and_parses() {
        let epoch: Epoch = "0b6f:12".parse().unwrap();
        assert_eq!((epoch.to_string(), epoch.number), ("0b6f:12".to_owned(), 12));
        for bad in ["", "12", ":12", "a:", "a:-1", "a:1:2"] {
            assert!(bad.parse::<Epoch>().is_err(), "{bad:?}");
        }
    }
}
