//! What the demo reads from the cluster, as a person with kubectl would.

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, WatchEvent, WatchParams};
use serde_json::{Value, json};

use crate::repository::SHOP;

/// The namespace of the FluxConfiguration, as the hub's document names it.
pub(crate) const CONFIGURATION_NAMESPACE: &str = "rivers";
/// The name of the FluxConfiguration.
pub(crate) const CONFIGURATION: &str = "shop";

/// A client of the demo's cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    client: Client,
}

/// What a FluxConfiguration says of itself, in the cluster or at the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// `Compliant`, `Non-Compliant`, …
    pub(crate) state: String,
    /// The revision that the source holds.
    pub(crate) revision: String,
    /// All messages of its parts.
    pub(crate) messages: Vec<String>,
}

impl Cluster {
    pub(crate) fn new(client: Client) -> Cluster {
        Cluster { client }
    }

    pub(crate) async fn version(&self) -> Result<String> {
        Ok(self.client.apiserver_version().await.context("asking for the API server's version")?.git_version)
    }

    /// The FluxConfiguration's own verdict.
    pub(crate) async fn verdict(&self) -> Result<Verdict> {
        let api =
            self.api("thalweg.dev", "v1alpha1", "FluxConfiguration", "fluxconfigurations", CONFIGURATION_NAMESPACE);
        let object = api.get(CONFIGURATION).await.context("reading the FluxConfiguration")?;
        Ok(Verdict::read(&object.data["status"]))
    }

    /// Waits until every Kustomization named is Ready, and returns them in the order in which they became so.
    pub(crate) async fn kustomizations_ready(&self, names: &[&str]) -> Result<Vec<String>> {
        let api = self.kustomizations();
        let mut ready = Vec::<String>::new();
        loop {
            let list = api.list(&Default::default()).await.context("listing Kustomizations")?;
            for object in &list.items {
                note_ready(object, &mut ready);
            }
            let from = list.metadata.resource_version.unwrap_or_default();
            let watch = api.watch(&WatchParams::default(), &from).await.context("watching Kustomizations")?;
            let mut watch = std::pin::pin!(watch);
            while !names.iter().all(|name| ready.iter().any(|one| one == name)) {
                match watch.try_next().await.context("watching Kustomizations")? {
                    Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => note_ready(&object, &mut ready),
                    Some(_) => {}
                    None => break,
                }
            }
            if names.iter().all(|name| ready.iter().any(|one| one == name)) {
                return Ok(ready);
            }
        }
    }

    /// A key of a ConfigMap of the shop; `None` when the ConfigMap is not there.
    pub(crate) async fn text_of(&self, config_map: &str, key: &str) -> Result<Option<String>> {
        let found = self.config_maps().get_opt(config_map).await.context("reading a ConfigMap")?;
        Ok(found.map(|map| map.data["data"][key].as_str().unwrap_or_default().to_string()))
    }

    /// Changes a ConfigMap of the shop behind Git's back.
    pub(crate) async fn edit(&self, config_map: &str, key: &str, value: &str) -> Result<()> {
        let patch = Patch::Merge(json!({"data": {key: value}}));
        let parameters = PatchParams { field_manager: Some("kubectl-edit".to_string()), ..PatchParams::default() };
        self.config_maps().patch(config_map, &parameters, &patch).await.context("editing a ConfigMap")?;
        Ok(())
    }

    /// The UIDs of the shop's objects that a broken commit must not touch.
    pub(crate) async fn identities(&self) -> Result<Vec<(String, String)>> {
        let deployments = self.api("apps", "v1", "Deployment", "deployments", SHOP);
        let mut found = Vec::new();
        for (what, object) in [
            ("Deployment web", deployments.get_opt("web").await.context("reading a Deployment")?),
            ("ConfigMap banner", self.config_maps().get_opt("banner").await.context("reading a ConfigMap")?),
        ] {
            let Some(object) = object else { bail!("{what} is gone") };
            found.push((what.to_string(), object.metadata.uid.unwrap_or_default()));
        }
        Ok(found)
    }

    fn config_maps(&self) -> Api<DynamicObject> {
        self.api("", "v1", "ConfigMap", "configmaps", SHOP)
    }

    fn kustomizations(&self) -> Api<DynamicObject> {
        self.api("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations", CONFIGURATION_NAMESPACE)
    }

    fn api(&self, group: &str, version: &str, kind: &str, plural: &str, namespace: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }
}

impl Verdict {
    /// From the status of a FluxConfiguration, or the properties of an answer of the hub: they have the same names.
    pub(crate) fn read(from: &Value) -> Verdict {
        let text = |name: &str| from[name].as_str().unwrap_or_default().to_string();
        let empty = Vec::new();
        let messages = from["statuses"].as_array().unwrap_or(&empty).iter().flat_map(|status| {
            let conditions = status["statusConditions"].as_array().unwrap_or(&empty).iter();
            conditions.filter_map(|condition| condition["message"].as_str()).map(str::to_string).collect::<Vec<_>>()
        });
        Verdict { state: text("complianceState"), revision: text("sourceSyncedCommitId"), messages: messages.collect() }
    }

    /// Fails, saying what it is instead, unless it is this.
    pub(crate) fn check(self, state: &str, commit: &str) -> Result<Verdict> {
        if self.state == state && self.revision.ends_with(commit) {
            return Ok(self);
        }
        bail!("{} at {}: {}", self.state, self.revision, self.messages.join("; "))
    }
}

fn note_ready(object: &DynamicObject, ready: &mut Vec<String>) {
    let empty = Vec::new();
    let conditions = object.data["status"]["conditions"].as_array().unwrap_or(&empty);
    let holds = conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let name = object.metadata.name.clone().unwrap_or_default();
    if holds && !ready.contains(&name) {
        ready.push(name);
    }
}
