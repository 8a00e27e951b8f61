//! Sources: where desired state is fetched from, and the artifact that a fetch leaves. Group `source.toolkit.fluxcd.io`.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube_derive::CustomResource;
use serde::{Deserialize, Serialize};

use crate::{GoDuration, LocalObjectReference, is_false};

/// The API group of sources.
pub const GROUP: &str = "source.toolkit.fluxcd.io";
/// The version of that group that is served.
pub const VERSION: &str = "v1";
/// The kind of a GitRepository.
pub const GIT_REPOSITORY: &str = "GitRepository";

/// The branch of a GitRepository that names no reference.
pub const DEFAULT_BRANCH: &str = "master";
/// The provider of a GitRepository that names none.
pub const DEFAULT_PROVIDER: &str = "generic";
/// The timeout of a Git operation when the spec names none.
pub const DEFAULT_TIMEOUT: GoDuration = GoDuration::from_secs(60);

/// A Git repository to fetch.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "source.toolkit.fluxcd.io",
    version = "v1",
    kind = "GitRepository",
    plural = "gitrepositories",
    shortname = "gitrepo",
    namespaced,
    status = "GitRepositoryStatus",
    schema = "disabled",
    derive = "PartialEq",
    derive = "Default",
    crates(kube_core = "::kube_core")
)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositorySpec {
    /// `http`, `https` or `ssh` URL.
    pub url: String,
    /// Secret with credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalObjectReference>,
    /// `generic`, `aws`, `azure` or `github`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Service account for a provider's workload identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// How often the repository is looked at.
    pub interval: GoDuration,
    /// How long a Git operation may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
    /// What to fetch; see [`GitRepositorySpec::reference`].
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<GitRepositoryRef>,
    /// Verification of signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<GitRepositoryVerification>,
    /// Secret with the address of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_secret_ref: Option<LocalObjectReference>,
    /// Patterns in `.sourceignore` format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<String>,
    /// Nothing is fetched while it is set.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suspend: bool,
    /// Fetch submodules too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recurse_submodules: bool,
    /// Artifacts of other repositories to copy in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<GitRepositoryInclude>,
    /// The folders to keep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sparse_checkout: Vec<String>,
}

impl GitRepositorySpec {
    /// What to fetch. A commit beats a name, a name a tag, a tag a semver range, and that a branch, as Flux's code decides.
    pub fn reference(&self) -> Reference<'_> {
        let Some(GitRepositoryRef { branch, tag, semver, name, commit }) = &self.git_ref else {
            return Reference::Branch(DEFAULT_BRANCH);
        };
        let [branch, tag, semver, name, commit] =
            [branch, tag, semver, name, commit].map(|field| field.as_deref().filter(|text| !text.is_empty()));
        match (commit, name, tag, semver) {
            (Some(sha), ..) => Reference::Commit { sha, branch },
            (None, Some(name), ..) => Reference::Name(name),
            (None, None, Some(tag), _) => Reference::Tag(tag),
            (None, None, None, Some(range)) => Reference::Semver(range),
            (None, None, None, None) => Reference::Branch(branch.unwrap_or(DEFAULT_BRANCH)),
        }
    }

    /// How long a Git operation may take.
    pub fn timeout(&self) -> GoDuration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// What a GitRepository fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The head of a branch.
    Branch(&'a str),
    /// A tag.
    Tag(&'a str),
    /// The highest tag in a range of versions.
    Semver(&'a str),
    /// A full reference, such as `refs/pull/1/head`.
    Name(&'a str),
    /// A commit, looked for on a branch if one is named.
    Commit {
        /// The commit.
        sha: &'a str,
        /// The branch.
        branch: Option<&'a str>,
    },
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(text) | Self::Tag(text) | Self::Semver(text) | Self::Name(text) => formatter.write_str(text),
            Self::Commit { sha, .. } => formatter.write_str(sha),
        }
    }
}

/// The fields that choose what to fetch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitRepositoryRef {
    /// A branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// A tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// A range of versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// A full reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Which signatures are verified, and with whose keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryVerification {
    /// `HEAD`, `head`, `Tag` or `TagAndHEAD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Secret with public keys.
    pub secret_ref: LocalObjectReference,
}

/// A repository whose artifact is copied into this one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryInclude {
    /// The other GitRepository.
    pub repository: LocalObjectReference,
    /// The folder to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// The folder to copy it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_path: Option<String>,
}

/// What is known of a GitRepository.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitRepositoryStatus {
    /// The generation that this status tells of; -1 before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The artifact of the last fetch that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// The artifacts copied in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_artifacts: Vec<Artifact>,
    /// `spec.ignore` of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ignore: Option<String>,
    /// `spec.recurseSubmodules` of the artifact.
    #[serde(default, skip_serializing_if = "is_false")]
    pub observed_recurse_submodules: bool,
    /// `spec.include` of the artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_include: Vec<GitRepositoryInclude>,
    /// `spec.sparseCheckout` of the artifact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observed_sparse_checkout: Vec<String>,
    /// The mode in which the artifact's revision was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_verification_mode: Option<String>,
    /// The request for reconciliation that was answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A file in the storage of a source controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Place in the storage: `<kind>/<namespace>/<name>/<file>`.
    pub path: String,
    /// Where to GET it.
    pub url: String,
    /// What it holds, such as `main@sha1:…`.
    pub revision: String,
    /// `<algorithm>:<hex>` of the file.
    pub digest: String,
    /// When it was stored.
    pub last_update_time: Time,
    /// Length of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// What its origin says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: serde_json::Value, expected: Reference<'_>) {
        let spec: GitRepositorySpec = serde_json::from_value(
            serde_json::json!({"url": "https://example.com/a.git", "interval": "1m", "ref": reference}),
        )
        .unwrap();
        assert_eq!(spec.reference(), expected, "{reference}");
    }

    #[test]
    fn the_most_exact_reference_wins() {
        use serde_json::json;
        check(json!(null), Reference::Branch("master"));
        check(json!({}), Reference::Branch("master"));
        check(json!({"branch": "main"}), Reference::Branch("main"));
        check(json!({"branch": "main", "semver": ">1"}), Reference::Semver(">1"));
        check(json!({"tag": "v1", "semver": ">1"}), Reference::Tag("v1"));
        check(json!({"tag": "v1", "name": "refs/pull/1/head"}), Reference::Name("refs/pull/1/head"));
        check(json!({"commit": "ab", "name": "refs/pull/1/head"}), Reference::Commit { sha: "ab", branch: None });
        check(json!({"commit": "ab", "branch": "main"}), Reference::Commit { sha: "ab", branch: Some("main") });
        check(json!({"commit": "", "tag": "v1"}), Reference::Tag("v1"));
    }
}
