//! A client of the hub's ARM API, as small as a client can be.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The resource id of the demo's resource group.
pub(crate) fn group_id() -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rivers")
}

/// The resource id of the demo's cluster.
pub(crate) fn cluster_id() -> String {
    format!("{}/providers/Microsoft.Kubernetes/connectedClusters/riverside", group_id())
}

/// The resource id of the demo's configuration.
pub(crate) fn configuration_id() -> String {
    format!("{}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/shop", cluster_id())
}

/// A type's `api-version`, by what its resource id ends in.
pub(crate) fn api_version(id: &str) -> &'static str {
    match id.rsplit('/').nth(1) {
        Some("resourceGroups") => "2024-11-01",
        Some("connectedClusters") => "2026-05-01",
        _ => "2025-04-01",
    }
}

/// Talks to one hub as one user.
#[derive(Clone)]
pub(crate) struct Arm {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Arm {
    pub(crate) fn new(url: &str, token: &str) -> Result<Arm> {
        let client = reqwest::Client::builder().timeout(REQUEST_LIMIT).no_proxy().build();
        let client = client.context("making an HTTP client")?;
        Ok(Arm { client, url: url.to_string(), token: token.to_string() })
    }

    pub(crate) async fn put(&self, id: &str, body: &Value) -> Result<Value> {
        self.send(self.client.put(self.address(id)).json(body), &format!("PUT {id}")).await
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Value> {
        self.send(self.client.get(self.address(id)), &format!("GET {id}")).await
    }

    fn address(&self, id: &str) -> String {
        format!("{}{id}?api-version={}", self.url, api_version(id))
    }

    async fn send(&self, request: reqwest::RequestBuilder, what: &str) -> Result<Value> {
        let answer = request.bearer_auth(&self.token).send().await.with_context(|| format!("sending {what}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("reading the answer of {what}"))?;
        if !status.is_success() {
            bail!("{what} was answered with {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("reading the answer of {what}: {text}"))
    }
}

/// What a fleet owner asks for: a repository and two Kustomizations of it, one behind the other.
pub(crate) fn configuration(repository: &str) -> Value {
    json!({"properties": {
        "scope": "cluster",
        "namespace": "rivers",
        "sourceKind": "GitRepository",
        "gitRepository": {
            "url": repository,
            "repositoryRef": {"branch": "main"},
            "syncIntervalInSeconds": 1,
            "timeoutInSeconds": 30,
        },
        "kustomizations": {
            "infra": {"path": "./infra", "prune": true},
            "apps": {"path": "./apps", "prune": true, "dependsOn": ["infra"]},
        },
    }})
}
