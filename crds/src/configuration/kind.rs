//! What a FluxConfiguration asks for.

use std::collections::BTreeMap;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::status::FluxConfigurationStatus;
use crate::{LocalObjectReference, is_false};

/// The API group of our own kinds.
pub const GROUP: &str = "thalweg.dev";
/// The version of that group that is served.
pub const VERSION: &str = "v1alpha1";
/// The kind of a FluxConfiguration.
pub const FLUX_CONFIGURATION: &str = "FluxConfiguration";

/// Every interval and timeout of a FluxConfiguration that names none, in seconds.
pub const DEFAULT_SECONDS: i64 = 600;
/// The longest name of a FluxConfiguration and key of a kustomization together, in characters.
pub const NAME_AND_KEY_MAX: usize = 62;
/// The most kustomizations of a FluxConfiguration.
pub const KUSTOMIZATIONS_MAX: usize = 1000;

/// A source and the Kustomizations of it. The fields are those of the `fluxConfigurations` resource of Azure Resource
/// Manager, without what is secret.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "thalweg.dev",
    version = "v1alpha1",
    kind = "FluxConfiguration",
    plural = "fluxconfigurations",
    shortname = "fluxconfig",
    category = "all",
    category = "thalweg",
    namespaced,
    status = "FluxConfigurationStatus",
    doc = "FluxConfiguration keeps a cluster, or one namespace of it, as a source describes it, and says whether it is.",
    derive = "PartialEq",
    derive = "Default",
    crates(kube_core = "::kube_core")
)]
#[serde(rename_all = "camelCase")]
pub struct FluxConfigurationSpec {
    /// What the kustomizations may change. Defaults to the whole cluster; cannot be changed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Which of the four sources below is used. Defaults to GitRepository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_kind: Option<SourceKind>,
    /// Leave the source and everything it describes alone while this is set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// A Git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_repository: Option<GitRepositoryDefinition>,
    /// An S3-compatible bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketDefinition>,
    /// An Azure Blob container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_blob: Option<AzureBlobDefinition>,
    /// An OCI artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci_repository: Option<OciRepositoryDefinition>,
    /// The kustomizations by key. The Kustomization of a key is named NAME-KEY after the configuration.
    #[serde(default, deserialize_with = "null_is_default_each", skip_serializing_if = "BTreeMap::is_empty")]
    pub kustomizations: BTreeMap<String, KustomizationDefinition>,
    /// Secret in the namespace of the configuration with its protected settings: keys such as `httpsKey` or
    /// `sshPrivateKey`, values as they are (the Azure API takes them base64-encoded once more).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// Whether a write at the hub ends only when the configuration is compliant.
    #[serde(default, skip_serializing_if = "is_false")]
    pub wait_for_reconciliation: bool,
    /// How long such a write waits at most, as an ISO 8601 duration such as PT30M.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciliation_wait_duration: Option<String>,
}

fn null_is_default_each<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    let values = Option::<BTreeMap<String, Option<T>>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(values.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

impl FluxConfigurationSpec {
    /// The scope, with its default.
    pub fn scope(&self) -> Scope {
        self.scope.unwrap_or_default()
    }

    /// The kind of the source, with its default.
    pub fn source_kind(&self) -> SourceKind {
        self.source_kind.unwrap_or_default()
    }
}

/// What the kustomizations may change: the whole cluster (the default) or the namespace of the configuration. Cannot be
/// changed later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// The whole cluster.
    #[default]
    Cluster,
    /// The namespace of the configuration.
    Namespace,
}

/// Which of the four sources is used. Defaults to GitRepository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SourceKind {
    /// `gitRepository`.
    #[default]
    GitRepository,
    /// `bucket`.
    Bucket,
    /// `azureBlob`.
    AzureBlob,
    /// `ociRepository`.
    #[serde(rename = "OCIRepository")]
    OciRepository,
}

/// A Git repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryDefinition {
    /// URL: `https://…`, `http://…`, `ssh://…` or `git@…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How long a fetch may take. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// How often the repository is looked at. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// What to fetch. A commit beats a semver range, that a tag, and that a branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_ref: Option<RepositoryRef>,
    /// SSH known_hosts of the server, base64-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_known_hosts: Option<String>,
    /// User name for HTTPS; its password or token is the protected setting `httpsKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https_user: Option<String>,
    /// PEM certificate authority of the server, base64-encoded.
    #[serde(default, rename = "httpsCACert", skip_serializing_if = "Option::is_none")]
    pub https_ca_cert: Option<String>,
    /// Secret in the namespace of the configuration that the source uses for authentication, in the format of Flux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_auth_ref: Option<String>,
    /// Who authenticates: Azure, GitHub or Generic. Defaults to Generic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<GitProvider>,
}

/// Who authenticates: the credentials of the configuration (Generic, the default), Azure or a GitHub App.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GitProvider {
    /// The credentials of the configuration.
    #[default]
    Generic,
    /// Azure DevOps with workload identity.
    Azure,
    /// A GitHub App.
    GitHub,
}

/// What to fetch from a Git repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryRef {
    /// Branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Range of versions, matched against tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Commit; the branch must be given too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// An S3-compatible bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketDefinition {
    /// URL of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Name of the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_name: Option<String>,
    /// Use HTTP in place of HTTPS. Defaults to true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insecure: Option<bool>,
    /// How long a fetch may take. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// How often the bucket is looked at. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// Access key id; its secret is the protected setting `bucketSecretKey`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// Secret in the namespace of the configuration that the source uses for authentication, in the format of Flux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_auth_ref: Option<String>,
}

/// An Azure Blob container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureBlobDefinition {
    /// URL of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Name of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    /// How long a fetch may take. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// How often the container is looked at. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// A service principal to authenticate as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_principal: Option<ServicePrincipalDefinition>,
    /// A managed identity to authenticate as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_identity: Option<ManagedIdentityDefinition>,
    /// Secret in the namespace of the configuration that the source uses for authentication, in the format of Flux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_auth_ref: Option<String>,
}

/// A service principal, without what is secret of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipalDefinition {
    /// Client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Tenant id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Send the chain of the client certificate too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub client_certificate_send_chain: bool,
}

/// A managed identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedIdentityDefinition {
    /// Client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// An OCI artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciRepositoryDefinition {
    /// URL: `oci://…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How long a fetch may take. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// How often the artifact is looked at. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// What to fetch. A digest beats a semver range, and that a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_ref: Option<OciRepositoryRef>,
    /// Which layer to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_selector: Option<LayerSelector>,
    /// How the signature is verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<OciVerification>,
    /// Use HTTP in place of HTTPS.
    #[serde(default, skip_serializing_if = "is_false")]
    pub insecure: bool,
    /// Authenticate with workload identity.
    #[serde(default, skip_serializing_if = "is_false")]
    pub use_workload_identity: bool,
    /// Service account whose pull secrets are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// Secret in the namespace of the configuration that the source uses for authentication, in the format of Flux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_auth_ref: Option<String>,
}

/// What to fetch from an OCI repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OciRepositoryRef {
    /// Tag. Defaults to latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Range of versions, matched against tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Digest: `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Which layer of an OCI artifact to use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerSelector {
    /// Media type of the layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What to do with it. Defaults to extract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<LayerOperation>,
}

/// What to do with the layer: its files are the artifact (extract, the default), or it is the artifact (copy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LayerOperation {
    /// Its files are the artifact.
    #[default]
    Extract,
    /// It is the artifact.
    Copy,
}

/// How the signature of an OCI artifact is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OciVerification {
    /// Who signed: cosign or notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Settings of the verification.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verification_config: BTreeMap<String, String>,
    /// Identities of which one must have signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_oidc_identity: Vec<OidcIdentity>,
}

/// An identity that may sign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OidcIdentity {
    /// Regular expression that the issuer matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Regular expression that the subject matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// A kustomization of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KustomizationDefinition {
    /// Folder in the source. Defaults to its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Keys of the kustomizations of this configuration that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// How long an attempt may take. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_in_seconds: Option<i64>,
    /// How often the cluster is compared, at the latest. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval_in_seconds: Option<i64>,
    /// When a failed attempt is repeated. Defaults to the interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval_in_seconds: Option<i64>,
    /// Delete objects that left the source. Defaults to false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub prune: bool,
    /// Make objects anew when a change of an immutable field is refused. Defaults to false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Await the health of every applied object. Defaults to true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<bool>,
    /// Variables to substitute in the built objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_build: Option<PostBuildDefinition>,
}

/// Variables to substitute in the built objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostBuildDefinition {
    /// Variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub substitute: BTreeMap<String, String>,
    /// ConfigMaps and Secrets with variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitute_from: Vec<SubstituteFromDefinition>,
}

/// A ConfigMap or Secret with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubstituteFromDefinition {
    /// ConfigMap or Secret.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// It may be absent.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}
