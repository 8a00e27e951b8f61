//! What the agent remembers across restarts, in one Secret: its credential, its cluster's id, the epoch it acted on.
//!
//! Intent comes before effect: the credential is kept before it is registered, and an epoch before it is acted on. Every
//! write carries the resourceVersion that was read, so of two agents on one cluster only one goes on.

use std::collections::BTreeMap;
use std::str::FromStr;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;
use thalweg_crds::managers;
use thalweg_kubernetes::{Cluster, Error as ClusterError, Refusal as _};
use thalweg_protocol::agent::Epoch;
use thalweg_protocol::resource::ClusterId;

use crate::credential::Token;
use crate::marks::{MANAGED_BY, MANAGED_BY_LABEL};

/// The Secret's name.
pub const SECRET_NAME: &str = "thalweg-agent-credential";

/// What went wrong with the Secret.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It could not be read or written.
    #[error("cannot keep the agent's Secret")]
    Cluster(#[source] ClusterError),
    /// Someone else wrote it: another agent runs on this cluster, or a person changed it.
    #[error("the agent's Secret was changed by another writer")]
    Changed,
    /// It does not hold what an agent writes.
    #[error("the agent's Secret holds no valid {0}; delete the Secret and register again")]
    Invalid(&'static str),
}

/// What is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// Sent to the hub with every request.
    pub(crate) credential: Token,
    /// Digest of the token that it was registered with.
    pub(crate) token_sha256: String,
    /// Set once registered.
    pub(crate) bound: Option<Bound>,
    resource_version: String,
}

/// What is remembered of a registered agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The cluster that the credential is for.
    pub(crate) cluster: ClusterId,
    /// The epoch at which an operator said to follow this hub, by registering or by accepting.
    pub(crate) accepted: Epoch,
    /// The highest epoch acted on.
    pub(crate) held: Epoch,
}

/// The Secret.
#[derive(Clone)]
pub(crate) struct Keeper {
    client: kube::Client,
    namespace: String,
}

impl Keeper {
    pub(crate) fn new(cluster: &Cluster, namespace: &str) -> Self {
        Self { client: cluster.client().clone(), namespace: namespace.to_owned() }
    }

    /// What was remembered, if anything was.
    pub(crate) async fn load(&self) -> Result<Option<Memory>, MemoryError> {
        let secret = self.secrets().get_opt(SECRET_NAME).await.map_err(failed("get"))?;
        secret.map(read).transpose()
    }

    /// Remembers a new credential, not registered yet; what was remembered before is replaced.
    pub(crate) async fn begin(
        &self,
        before: Option<&Memory>,
        credential: Token,
        token_sha256: String,
    ) -> Result<Memory, MemoryError> {
        let written = match before {
            None => {
                self.make_namespace().await?;
                let secret = Secret {
                    metadata: ObjectMeta {
                        name: Some(SECRET_NAME.to_owned()),
                        labels: Some([(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned())].into()),
                        ..ObjectMeta::default()
                    },
                    string_data: Some(
                        [
                            ("credential".to_owned(), credential.reveal().to_owned()),
                            ("token-sha256".to_owned(), token_sha256.clone()),
                        ]
                        .into(),
                    ),
                    ..Secret::default()
                };
                let parameters = PostParams { field_manager: Some(managers::AGENT.to_owned()), ..Default::default() };
                self.secrets().create(&parameters, &secret).await.map_err(changed("create"))?
            }
            Some(before) => {
                let data = json!({
                    "stringData": {"credential": credential.reveal(), "token-sha256": token_sha256},
                    "data": {"cluster": null, "accepted-epoch": null, "epoch": null},
                });
                self.patch(before, data).await?
            }
        };
        read(written)
    }

    /// Remembers that the credential is registered, or which epoch is acted on.
    pub(crate) async fn bind(&self, memory: &Memory, bound: &Bound) -> Result<Memory, MemoryError> {
        let Bound { cluster, accepted, held } = bound;
        let data = json!({"stringData": {
            "cluster": cluster.to_string(),
            "accepted-epoch": accepted.to_string(),
            "epoch": held.to_string(),
        }});
        read(self.patch(memory, data).await?)
    }

    async fn patch(&self, memory: &Memory, mut patch: serde_json::Value) -> Result<Secret, MemoryError> {
        patch["metadata"] = json!({"resourceVersion": memory.resource_version});
        let parameters = PatchParams { field_manager: Some(managers::AGENT.to_owned()), ..Default::default() };
        self.secrets().patch(SECRET_NAME, &parameters, &Patch::Merge(patch)).await.map_err(changed("patch"))
    }

    async fn make_namespace(&self) -> Result<(), MemoryError> {
        make_namespace(&self.client, &self.namespace).await.map_err(MemoryError::Cluster)
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// Makes a namespace if it is not there. It is never deleted by the agent.
pub(crate) async fn make_namespace(client: &kube::Client, name: &str) -> Result<(), ClusterError> {
    let namespace = Namespace {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    let parameters = PostParams { field_manager: Some(managers::AGENT.to_owned()), ..Default::default() };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.create(&parameters, &namespace).await {
        Err(error) if !error.is_already_exists() => {
            // It may be there although we may not make any.
            match namespaces.get_opt(name).await {
                Ok(Some(_)) => Ok(()),
                Ok(None) | Err(_) => Err(ClusterError::of("create", format!("Namespace/{name}"), error)),
            }
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn read(secret: Secret) -> Result<Memory, MemoryError> {
    let data = secret.data.unwrap_or_default();
    let credential =
        text(&data, "credential").and_then(|text| Token::new(&text)).ok_or(MemoryError::Invalid("credential"))?;
    let bound = match text(&data, "cluster") {
        None => None,
        Some(_) => Some(Bound {
            cluster: parsed(&data, "cluster")?,
            accepted: parsed(&data, "accepted-epoch")?,
            held: parsed(&data, "epoch")?,
        }),
    };
    Ok(Memory {
        credential,
        token_sha256: text(&data, "token-sha256").unwrap_or_default(),
        bound,
        resource_version: secret.metadata.resource_version.unwrap_or_default(),
    })
}

fn text(data: &BTreeMap<String, ByteString>, key: &str) -> Option<String> {
    String::from_utf8(data.get(key)?.0.clone()).ok()
}

fn parsed<T: FromStr>(data: &BTreeMap<String, ByteString>, key: &'static str) -> Result<T, MemoryError> {
    text(data, key).and_then(|text| text.parse().ok()).ok_or(MemoryError::Invalid(key))
}

fn failed(verb: &'static str) -> impl FnOnce(kube::Error) -> MemoryError {
    move |error| MemoryError::Cluster(ClusterError::of(verb, format!("Secret/{SECRET_NAME}"), error))
}

fn changed(verb: &'static str) -> impl FnOnce(kube::Error) -> MemoryError {
    move |error| match () {
        () if error.is_conflict() || error.is_already_exists() => MemoryError::Changed,
        () => failed(verb)(error),
    }
}
