//! A hub on a free port with a store of its own, and callers of every kind.

use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use thalweg_hub::{Clock, Options, Serving, Subject, mint_token, serve};
use tokio_util::sync::CancellationToken;

pub(crate) const GROUP: &str = "/subscriptions/0000-1111/resourceGroups/rg-arc-fleet";

pub(crate) fn cluster(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Kubernetes/connectedClusters/{name}")
}

pub(crate) fn configuration(cluster_name: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/{name}", cluster(cluster_name))
}

/// The walkthrough's configuration.
pub(crate) fn fleet_baseline() -> Value {
    json!({"properties": {
        "scope": "cluster",
        "namespace": "cluster-config",
        "sourceKind": "GitRepository",
        "gitRepository": {
            "url": "https://github.com/acme-platform/fleet-gitops",
            "repositoryRef": {"branch": "main"},
        },
        "kustomizations": {
            "infra": {"path": "./infrastructure", "prune": true},
            "apps": {"path": "./apps/prod", "prune": true, "dependsOn": ["infra"]},
        },
    }})
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) user: String,
    serving: Option<Serving>,
    shutdown: CancellationToken,
    client: reqwest::Client,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self
    }

    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{}", self.body);
        self
    }
}

impl World {
    /// A hub with one user, the walkthrough's resource group and the clusters `a` and `b`, without agents.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self {
            folder,
            clock: Clock::default(),
            user: String::new(),
            serving: None,
            shutdown: CancellationToken::new(),
            client: reqwest::Client::new(),
        };
        world.start().await;
        world.user = world.mint(Subject::User { name: "ada".to_owned() }).await;
        world.arm(Method::PUT, GROUP, Some(json!({"location": "eastus"}))).await.expect(201);
        for name in ["a", "b"] {
            let body = json!({
                "location": "eastus", "identity": {"type": "SystemAssigned"},
                "properties": {"agentPublicKeyCertificate": "", "distribution": "k3s", "infrastructure": "generic"},
                "tags": {"environment": "prod"},
            });
            world.arm(Method::PUT, &cluster(name), Some(body)).await.expect(201);
        }
        world
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("hub.db")
    }

    async fn start(&mut self) {
        self.shutdown = CancellationToken::new();
        let options = Options {
            database: self.database(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            clock: self.clock.clone(),
        };
        self.serving = Some(serve(options, self.shutdown.clone()).await.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        self.serving.take().unwrap().finished().await;
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) async fn mint(&self, subject: Subject) -> String {
        mint_token(self.serving.as_ref().unwrap().store(), subject).await.unwrap()
    }

    /// A client and the hub's address, for requests that outlive the hub.
    pub(crate) fn raw(&self) -> (reqwest::Client, String) {
        (self.client.clone(), self.serving.as_ref().unwrap().url())
    }

    /// Registers an agent for a cluster and gives its credential.
    pub(crate) async fn enrol(&self, cluster_name: &str) -> String {
        let token = self.mint(Subject::Cluster { resource_id: cluster(cluster_name).parse().unwrap() }).await;
        let credential = format!("credential-of-{cluster_name}-{token}");
        self.send(Method::POST, "/agent/v1/register", Some(&token), Some(registration(&credential))).await.expect(200);
        credential
    }

    /// An ARM request of the user, with a version that the type knows.
    pub(crate) async fn arm(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let lower = path.to_lowercase();
        let version = match () {
            () if lower.contains("fluxconfigurations") => "2023-05-01",
            () if lower.contains("connectedclusters") => "2021-10-01",
            () => "2024-11-01",
        };
        let mark = if path.contains('?') { '&' } else { '?' };
        self.send(method, &format!("{path}{mark}api-version={version}"), Some(&self.user), body).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut headers = Vec::new();
        let authorization = token.map(|token| format!("Bearer {token}"));
        if let Some(authorization) = &authorization {
            headers.push(("authorization", authorization.as_str()));
        }
        self.send_with(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
    }

    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let url = format!("{}{path}", self.serving.as_ref().unwrap().url());
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }
}

pub(crate) fn registration(credential: &str) -> Value {
    json!({
        "credentialSha256": hex::encode(Sha256::digest(credential.as_bytes())),
        "kubernetesVersion": "v1.36.3", "totalNodeCount": 3, "totalCoreCount": 12, "agentVersion": "0.1.0",
    })
}
