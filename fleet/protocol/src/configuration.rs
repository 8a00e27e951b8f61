//! The fluxConfigurations document: what a client PUTs, what the hub stores, and what a GET answers.
//!
//! [`accept`] turns the body of a PUT into [`Desired`]: secrets refused by name, read-only fields left out, every rule
//! of the type checked. Fields this version does not know are kept in `other` and travel on. [`Desired::with_defaults`]
//! fills ARM's defaults, for answers alone: what is stored stays what was said.

mod check;
mod secret;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use check::{CreateOnlyChanged, accept, unchanged_create_only};
pub use secret::secret_fields;

use crate::SystemData;
use crate::resource::ConfigurationId;

/// Seconds: ARM's default of every timeout and every interval.
pub const SECONDS_DEFAULT: i64 = 600;

/// Properties that only the hub writes; in a request they are ignored.
pub const READ_ONLY: &[&str] = &[
    "complianceState",
    "errorMessage",
    "provisioningState",
    "repositoryPublicKey",
    "sourceSyncedCommitId",
    "sourceUpdatedAt",
    "statuses",
    "statusUpdatedAt",
];

/// A Flux configuration as the hub answers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FluxConfiguration {
    /// The full id.
    pub id: ConfigurationId,
    /// The name, as it was created.
    pub name: String,
    /// `Microsoft.KubernetesConfiguration/fluxConfigurations`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Observed, then desired with defaults.
    pub properties: FluxConfigurationProperties,
    /// Who made it and changed it.
    pub system_data: SystemData,
}

/// The properties of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FluxConfigurationProperties {
    /// What the hub and the cluster say. First, so that reading an answer leaves only the rest to `desired`.
    #[serde(flatten)]
    pub observed: Observed,
    /// What was asked for, with defaults.
    #[serde(flatten)]
    pub desired: Desired,
}

/// The read-only half of the properties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// Where the hub's document is on its way to the cluster.
    pub provisioning_state: ProvisioningState,
    /// Why provisioning failed.
    #[serde(default)]
    pub error_message: Option<String>,
    /// Whether the cluster is as Git says.
    pub compliance_state: ComplianceState,
    /// One for each Flux object.
    #[serde(default)]
    pub statuses: Vec<ObjectStatus>,
    /// The revision that the source holds, such as `main@sha1:…`.
    #[serde(default)]
    pub source_synced_commit_id: Option<String>,
    /// When the source changed last.
    #[serde(default)]
    pub source_updated_at: Option<Timestamp>,
    /// When the cluster reported last.
    #[serde(default)]
    pub status_updated_at: Option<Timestamp>,
}

/// The life of a document between hub and cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProvisioningState {
    /// Stored; the agent has not acknowledged it yet.
    Creating,
    /// Changed; the agent has not acknowledged the change yet.
    Updating,
    /// The agent wrote it into the cluster.
    Succeeded,
    /// The agent could not; the error message says why.
    Failed,
    /// Deleted here; the agent has not confirmed that it is gone.
    Deleting,
    /// Never given by this hub.
    Canceled,
}

/// Whether a cluster is as Git says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComplianceState {
    /// Everything is ready at the revision that is desired.
    Compliant,
    /// Something failed.
    #[serde(rename = "Non-Compliant")]
    NonCompliant,
    /// Work is going on.
    Pending,
    /// Suspended on request.
    Suspended,
    /// Never reported.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The state of one Flux object of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// The object's name.
    #[serde(default)]
    pub name: String,
    /// Its namespace.
    #[serde(default)]
    pub namespace: String,
    /// Its kind, such as `Kustomization`.
    #[serde(default)]
    pub kind: String,
    /// Whether it is as Git says.
    #[serde(default)]
    pub compliance_state: ComplianceState,
    /// The Kustomization that applied it; none for those of the configuration itself.
    #[serde(default)]
    pub applied_by: Option<Value>,
    /// Its Kubernetes conditions.
    #[serde(default)]
    pub status_conditions: Vec<Value>,
    /// Set for HelmReleases alone.
    #[serde(default)]
    pub helm_release_properties: Option<Value>,
}

/// What a client asks for. Holds no secret: [`accept`] refuses every field that could.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// `cluster` (the default) or `namespace`; chosen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The namespace of every object of the configuration, `default` by default; chosen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Which of the four sources is set, `GitRepository` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_kind: Option<SourceKind>,
    /// Stops source and kustomizations; false by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// A Git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_repository: Option<GitRepository>,
    /// An S3-compatible bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Bucket>,
    /// An Azure Blob container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_blob: Option<Source>,
    /// An OCI artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci_repository: Option<Source>,
    /// By name. A null entry is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kustomizations: Option<BTreeMap<String, Option<Kustomization>>>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How far a configuration may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// The whole cluster.
    #[default]
    Cluster,
    /// Its own namespace.
    Namespace,
}

/// Which kind of source a configuration has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SourceKind {
    /// `gitRepository` is set.
    #[default]
    GitRepository,
    /// `bucket` is set.
    Bucket,
    /// `azureBlob` is set.
    AzureBlob,
    /// `ociRepository` is set.
    #[serde(rename = "OCIRepository")]
    OciRepository,
}

/// A Git repository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitRepository {
    /// What all sources share; the references and credentials' names are among its `other`.
    #[serde(flatten)]
    pub source: Source,
}

/// An S3-compatible bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Plain HTTP; ARM's default is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// What all sources share.
    #[serde(flatten)]
    pub source: Source,
}

/// What all sources share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Where the source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Seconds, 600 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// Seconds, 600 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// The kind's own fields, passed on as they are.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One Kustomization of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kustomization {
    /// In answers, the key again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From the source's root, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Names of others that must be ready first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<DependsOn>>,
    /// Seconds, 600 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// Seconds, 600 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// Seconds; the interval by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval_in_seconds: Option<i64>,
    /// Delete what Git no longer holds; false by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<bool>,
    /// Recreate what cannot be changed; false by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// Wait until what was applied is healthy; true by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<bool>,
    /// Fields passed on as they are, `postBuild` among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The name of a sibling; older API versions wrap it in an object.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "DependsOnText", into = "String")]
pub struct DependsOn(pub String);

#[derive(Deserialize)]
#[serde(untagged)]
enum DependsOnText {
    Name(String),
    #[serde(rename_all = "camelCase")]
    Wrapped {
        kustomization_name: String,
    },
}

impl From<DependsOnText> for DependsOn {
    fn from(text: DependsOnText) -> Self {
        match text {
            DependsOnText::Name(name) | DependsOnText::Wrapped { kustomization_name: name } => Self(name),
        }
    }
}

impl From<DependsOn> for String {
    fn from(name: DependsOn) -> Self {
        name.0
    }
}

impl Desired {
    /// The namespace, said or by default.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// The scope, said or by default.
    pub fn scope(&self) -> Scope {
        self.scope.unwrap_or_default()
    }

    /// The kind of source, said or by default.
    pub fn source_kind(&self) -> SourceKind {
        self.source_kind.unwrap_or_default()
    }

    /// As a GET answers it: ARM's defaults wherever nothing was said.
    #[must_use]
    pub fn with_defaults(mut self) -> Self {
        self.scope.get_or_insert_default();
        self.namespace.get_or_insert_with(|| "default".to_owned());
        self.source_kind.get_or_insert_default();
        self.suspend.get_or_insert(false);
        if let Some(git) = &mut self.git_repository {
            git.source.fill();
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.insecure.get_or_insert(true);
            bucket.source.fill();
        }
        for source in [&mut self.azure_blob, &mut self.oci_repository].into_iter().flatten() {
            source.fill();
        }
        for (name, kustomization) in self.kustomizations.iter_mut().flatten() {
            if let Some(kustomization) = kustomization {
                kustomization.name = Some(name.clone());
                kustomization.path.get_or_insert_default();
                kustomization.timeout_in_seconds.get_or_insert(SECONDS_DEFAULT);
                kustomization.sync_interval_in_seconds.get_or_insert(SECONDS_DEFAULT);
                kustomization.prune.get_or_insert(false);
                kustomization.force.get_or_insert(false);
                kustomization.wait.get_or_insert(true);
            }
        }
        self.other.entry("waitForReconciliation").or_insert(Value::Bool(false));
        self
    }
}

impl Source {
    fn fill(&mut self) {
        self.timeout_in_seconds.get_or_insert(SECONDS_DEFAULT);
        self.sync_interval_in_seconds.get_or_insert(SECONDS_DEFAULT);
    }
}
