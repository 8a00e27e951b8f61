//! A hub with one user, a cluster, and an agent between them that can be stopped and started.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use reqwest::Method;
use serde_json::{Value, json};
use thalweg_agent::{Context, Error, Options, Token};
use thalweg_controller_runtime::{CancellationToken, Clock, Random};
use thalweg_hub::{Serving, Subject, TlsFiles, mint_token, serve};
use thalweg_kubernetes::Cluster;
use thalweg_protocol::agent::Epoch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::api_server::ApiServer;

pub(crate) const CLUSTER: &str =
    "/subscriptions/s/resourceGroups/rg-arc-fleet/providers/Microsoft.Kubernetes/connectedClusters/edge";
pub(crate) const SECRET: &str = "/api/v1/namespaces/thalweg-system/secrets/thalweg-agent-credential";

pub(crate) fn arm(name: &str) -> String {
    format!("{CLUSTER}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/{name}")
}

pub(crate) fn document(path: &str) -> Value {
    json!({"properties": {
        "scope": "cluster", "namespace": "cluster-config", "sourceKind": "GitRepository",
        "gitRepository": {"url": "https://example.com/fleet", "repositoryRef": {"branch": "main"}},
        "kustomizations": {"infra": {"path": path, "prune": true}, "apps": {"dependsOn": ["infra"]}},
    }})
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) api_server: ApiServer,
    pub(crate) token: Option<String>,
    pub(crate) accept: Option<Epoch>,
    address: SocketAddr,
    user: String,
    hub: Option<(Serving, CancellationToken)>,
    agent: Option<(JoinHandle<Result<(), Error>>, CancellationToken)>,
}

impl World {
    /// With a hub; the agent is not started.
    pub(crate) async fn new() -> Self {
        let mut world = Self {
            folder: tempfile::tempdir().unwrap(),
            api_server: ApiServer::default(),
            token: None,
            accept: None,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            user: String::new(),
            hub: None,
            agent: None,
        };
        world.start_hub().await;
        world.user = world.mint(Subject::User { name: "ada".to_owned() }).await;
        world.token = Some(world.mint_registration().await);
        world
    }

    /// With a hub and an agent that has registered.
    pub(crate) async fn connected() -> Self {
        let mut world = Self::new().await;
        world.start_agent();
        world.eventually("the cluster is connected", async |world| world.connected_now().await).await;
        world
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("hub.db")
    }

    pub(crate) async fn start_hub(&mut self) {
        let shutdown = CancellationToken::new();
        let options = thalweg_hub::Options {
            database: self.database(),
            address: self.address,
            tls: None::<TlsFiles>,
            clock: thalweg_hub::Clock::default(),
        };
        let serving = serve(options, shutdown.clone()).await.unwrap();
        self.address = serving.address();
        self.hub = Some((serving, shutdown));
    }

    pub(crate) async fn stop_hub(&mut self) {
        let (serving, shutdown) = self.hub.take().unwrap();
        shutdown.cancel();
        serving.finished().await;
    }

    async fn mint(&self, subject: Subject) -> String {
        mint_token(self.hub.as_ref().unwrap().0.store(), subject).await.unwrap()
    }

    pub(crate) async fn mint_registration(&self) -> String {
        self.mint(Subject::Cluster { resource_id: CLUSTER.parse().unwrap() }).await
    }

    pub(crate) async fn mint_user(&mut self) {
        self.user = self.mint(Subject::User { name: "ada".to_owned() }).await;
    }

    pub(crate) fn start_agent(&mut self) {
        let shutdown = CancellationToken::new();
        let mut options = Options::new(format!("http://{}", self.address).parse().unwrap());
        options.token = self.token.as_deref().and_then(Token::new);
        options.status_interval = Duration::from_millis(200);
        options.accept_epoch = self.accept.clone();
        let context = Context {
            cluster: Cluster::from_client(self.api_server.client()),
            clock: Clock::system(),
            random: Random::seeded(1),
        };
        self.agent = Some((tokio::spawn(thalweg_agent::run(context, options, shutdown.clone())), shutdown));
    }

    pub(crate) async fn stop_agent(&mut self) {
        let (task, shutdown) = self.agent.take().unwrap();
        shutdown.cancel();
        task.await.unwrap().unwrap();
    }

    /// The agent ends by itself: what it says.
    pub(crate) async fn agent_fails(&mut self) -> Error {
        let (task, _) = self.agent.take().unwrap();
        tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap().unwrap_err()
    }

    pub(crate) async fn put(&self, name: &str, body: Value) -> Value {
        let (status, body) = self.request(Method::PUT, &arm(name), Some(body)).await;
        assert!(status == 200 || status == 201, "{status} {body}");
        body["properties"].clone()
    }

    /// The properties of a configuration at the hub; null when it is not there.
    pub(crate) async fn get(&self, name: &str) -> Value {
        let (_, body) = self.request(Method::GET, &arm(name), None).await;
        body["properties"].clone()
    }

    pub(crate) async fn delete(&self, name: &str) -> u16 {
        self.request(Method::DELETE, &arm(name), None).await.0
    }

    pub(crate) async fn request(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let version = if path.contains("fluxConfigurations") { "2025-04-01" } else { "2021-10-01" };
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = format!("http://{}{path}{mark}api-version={version}", self.address);
        let mut request = reqwest::Client::new().request(method, url).bearer_auth(&self.user);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    pub(crate) async fn connected_now(&self) -> bool {
        let (_, cluster) = self.request(Method::GET, CLUSTER, None).await;
        cluster["properties"]["connectivityStatus"] == "Connected"
    }

    /// The epoch that the agent remembers.
    pub(crate) fn held(&self) -> Epoch {
        let encoded = self.api_server.object(SECRET).unwrap()["data"]["epoch"].clone();
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap().parse().unwrap()
    }

    #[track_caller]
    pub(crate) fn eventually<'w, F>(&'w self, what: &'w str, holds: F) -> impl Future<Output = ()> + use<'w, F>
    where
        F: AsyncFn(&World) -> bool + 'w,
    {
        let place = std::panic::Location::caller();
        async move {
            let deadline = Instant::now() + Duration::from_secs(20);
            while !holds(self).await {
                assert!(Instant::now() < deadline, "{place}: never came: {what}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    pub(crate) async fn settles(&self, name: &str, provisioning: &str) -> Value {
        self.eventually(&format!("{name} is {provisioning}"), async |world| {
            world.get(name).await["provisioningState"] == provisioning
        })
        .await;
        self.get(name).await
    }
}
