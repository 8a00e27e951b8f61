//! Carries a step out. Decides nothing.

use kube::api::{Api, Patch, PatchParams};
use serde_json::{Map, Value, json};
use thalweg_crds::configuration::{FLUX_CONFIGURATION, FluxConfiguration, FluxConfigurationSpec, GROUP, VERSION};
use thalweg_crds::managers;
use thalweg_kubernetes::{Cluster, Deleted, Error as ClusterError, Refusal as _, Resource, apply, delete};
use thalweg_manifest::{Object, ObjectId};
use thalweg_protocol::agent::Epoch;
use thalweg_protocol::configuration::Desired;
use thalweg_protocol::resource::ConfigurationId;

use crate::marks::Marks;
use crate::memory::make_namespace;
use crate::plan::surplus;

/// What the cluster did not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// The API server refused, or did not answer.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The answer to our own write is not a FluxConfiguration.
    #[error("cannot read the FluxConfiguration that the API server answered")]
    Answer(#[source] serde_json::Error),
}

/// The spec of a document: its properties without what belongs elsewhere. Text says why it cannot be one.
pub(crate) fn spec(desired: &Desired) -> Result<FluxConfigurationSpec, String> {
    let Value::Object(mut properties) = json!(desired) else { return Err("the document is no object".to_owned()) };
    // The namespace is the object's; a Secret is named by whoever may write to the cluster, not by the hub.
    for elsewhere in ["namespace", "secretRef"] {
        properties.remove(elsewhere);
    }
    serde_json::from_value(Value::Object(properties))
        .map_err(|fault| format!("this agent does not understand the document: {fault}"))
}

/// Writes the document: over the object of `uid`, or as a new object where none is. Makes the namespace if it is missing.
pub(crate) async fn write(
    cluster: &Cluster,
    kind: &Resource,
    object: &ObjectId,
    id: &ConfigurationId,
    epoch: &Epoch,
    spec: &FluxConfigurationSpec,
    uid: Option<&str>,
) -> Result<FluxConfiguration, ActError> {
    let desired = body(object, id, epoch, spec, uid);
    // Only an object that is known to be ours has fields taken over; a new one that someone else just made conflicts.
    let force = uid.is_some();
    let applied = match apply(cluster.client(), kind, &desired, managers::AGENT, force).await {
        Err(error) if uid.is_none() && error.is_not_found() => {
            make_namespace(cluster.client(), &object.namespace).await?;
            apply(cluster.client(), kind, &desired, managers::AGENT, force).await?
        }
        applied => applied?,
    };
    let written: FluxConfiguration = serde_json::from_value(applied).map_err(ActError::Answer)?;
    // The document is the whole spec: what others added, which an apply leaves to them, goes.
    match surplus(&json!(written.spec), &json!(spec)) {
        Some(removals) => strip(cluster, kind, object, &written, removals).await,
        None => Ok(written),
    }
}

/// Removes fields of the very object that was written, as it was answered.
async fn strip(
    cluster: &Cluster,
    kind: &Resource,
    object: &ObjectId,
    written: &FluxConfiguration,
    removals: Value,
) -> Result<FluxConfiguration, ActError> {
    let api: Api<FluxConfiguration> = Api::namespaced(cluster.client().clone(), &object.namespace);
    let patch = json!({
        "metadata": {"uid": written.metadata.uid, "resourceVersion": written.metadata.resource_version},
        "spec": removals,
    });
    let parameters = PatchParams { field_manager: Some(managers::AGENT.to_owned()), ..PatchParams::default() };
    let stripped = api.patch(&object.name, &parameters, &Patch::Merge(patch)).await;
    stripped.map_err(|error| ClusterError::of("patch", format!("{}/{object}", kind.api.kind), error).into())
}

/// Deletes the very object that was seen; whether it is gone already.
pub(crate) async fn remove(
    cluster: &Cluster,
    kind: &Resource,
    object: &ObjectId,
    uid: &str,
    resource_version: &str,
) -> Result<bool, ActError> {
    match delete(cluster.client(), kind, object, uid, resource_version).await? {
        Deleted::Done | Deleted::Gone => Ok(true),
        Deleted::Accepted(_) => Ok(false),
    }
}

fn body(
    object: &ObjectId,
    id: &ConfigurationId,
    epoch: &Epoch,
    spec: &FluxConfigurationSpec,
    uid: Option<&str>,
) -> Object {
    let (labels, annotations) = Marks::written(id, epoch);
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), object.name.clone().into());
    metadata.insert("namespace".to_owned(), object.namespace.clone().into());
    metadata.insert("labels".to_owned(), labels);
    metadata.insert("annotations".to_owned(), annotations);
    if let Some(uid) = uid {
        metadata.insert("uid".to_owned(), uid.into());
    }
    Object::from_json(json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": FLUX_CONFIGURATION,
        "metadata": metadata,
        "spec": spec,
    }))
    .expect("it has apiVersion, kind and name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_is_the_document_without_namespace_secret_and_unknown_fields() {
        let desired: Desired = serde_json::from_value(json!({
            "scope": "cluster", "namespace": "cluster-config", "sourceKind": "GitRepository",
            "gitRepository": {"url": "https://example.com/r", "repositoryRef": {"branch": "main"}, "later": true},
            "kustomizations": {"infra": {"path": "./infra", "prune": true}, "apps": {"dependsOn": ["infra"]}},
            "secretRef": {"name": "anything"}, "later": {"a": 1},
        }))
        .unwrap();
        assert_eq!(
            json!(spec(&desired).unwrap()),
            json!({
                "scope": "cluster", "sourceKind": "GitRepository",
                "gitRepository": {"url": "https://example.com/r", "repositoryRef": {"branch": "main"}},
                "kustomizations": {"infra": {"path": "./infra", "prune": true}, "apps": {"dependsOn": ["infra"]}},
            })
        );
        let odd: Desired =
            serde_json::from_value(json!({"gitRepository": {"url": "https://a", "provider": "Other"}})).unwrap();
        assert!(spec(&odd).unwrap_err().contains("provider") || spec(&odd).unwrap_err().contains("Other"));
    }
}
