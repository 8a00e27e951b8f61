//! What is known of a FluxConfiguration.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of a FluxConfiguration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FluxConfigurationStatus {
    /// Generation of the spec that this status tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The verdict over everything the configuration made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compliance_state: Option<ComplianceState>,
    /// The verdict over each object: the source first, then the Kustomizations by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<ObjectStatus>,
    /// Revision that the source fetched last, such as `main@sha1:5c5f…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_synced_commit_id: Option<String>,
    /// Conditions; Ready says what the verdict says, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The verdict: as asked, not as asked, on its way, left alone, or not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ComplianceState {
    /// As asked.
    Compliant,
    /// Not as asked, and not about to be.
    #[serde(rename = "Non-Compliant")]
    NonCompliant,
    /// On its way.
    Pending,
    /// Left alone.
    Suspended,
    /// Nobody knows.
    #[default]
    Unknown,
}

impl ComplianceState {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "Compliant",
            Self::NonCompliant => "Non-Compliant",
            Self::Pending => "Pending",
            Self::Suspended => "Suspended",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for ComplianceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The verdict over one object, as the Azure Resource Manager API tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// Name of the object.
    pub name: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Kind of the object: GitRepository or Kustomization.
    pub kind: String,
    /// The verdict.
    pub compliance_state: ComplianceState,
    /// The Kustomization that applied the object; absent for what the configuration made itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<ObjectReference>,
    /// The conditions of the object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_conditions: Vec<ObjectStatusCondition>,
}

/// Names an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectReference {
    /// Name of the object.
    pub name: String,
    /// Namespace of the object.
    pub namespace: String,
}

/// A condition of an object, as the Azure Resource Manager API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatusCondition {
    /// Type of the condition.
    #[serde(rename = "type")]
    pub type_: String,
    /// True, False or Unknown.
    pub status: String,
    /// Why, as a word.
    pub reason: String,
    /// Why, as a text.
    pub message: String,
    /// When the status changed last.
    pub last_transition_time: Time,
}
