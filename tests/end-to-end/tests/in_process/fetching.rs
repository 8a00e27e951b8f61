//! Artifacts whose server does not answer: they are awaited outside the workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use thalweg_harness::{ControlPlane, observe};
use thalweg_kustomize_controller::Options;
use tokio::net::TcpListener;

use crate::ground::{Ground, LIMIT, Publisher};
use crate::instance::Instance;
use thalweg_end_to_end::commit::Commit;
use thalweg_end_to_end::objects::{config_map, kustomizations};

/// More than there are workers, of which there are four.
const SILENT: usize = 6;
const APPS: &str = "apps";

/// A server that takes connections and says nothing.
struct SilentServer {
    address: String,
    connections: Arc<AtomicUsize>,
}

impl SilentServer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                held.push(connection);
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, connections }
    }

    async fn connected(&self, count: usize) {
        let are_there = || {
            let connections = self.connections.load(Ordering::SeqCst);
            std::future::ready(if connections >= count { Ok(()) } else { Err(format!("{connections} connections")) })
        };
        observe(LIMIT, &format!("{count} connections"), are_there).await.unwrap();
    }
}

/// What the status of a Kustomization says while its artifact is fetched.
fn is_fetching(kustomization: &Value) -> bool {
    let conditions = kustomization["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| {
        let message = condition["message"].as_str().unwrap_or_default();
        condition["type"] == "Reconciling" && message.starts_with("Fetching manifests for revision main@sha1:")
    })
}

#[tokio::test]
async fn artifacts_that_do_not_answer_hold_no_worker() {
    let (publisher, silent) = (Publisher::start().await.unwrap(), SilentServer::start().await);
    let plane = ControlPlane::shared().await.unwrap();
    let client = plane.client("thalweg-tests").await.unwrap();
    let ground = Ground::new(plane, &client, &publisher, "silent-artifacts", APPS).await.unwrap();
    for number in 0..SILENT {
        ground.create_silent(&format!("silent-{number}"), number, &silent.address).await.unwrap();
    }
    let instance = Instance::start_with(plane, ground.name(), ground.name(), Options::default());
    // What holds a worker shows here already: no more servers are asked than there are workers.
    silent.connected(4).await;

    let commit = Commit::new(1, [(APPS, vec![config_map("config", "1")])]);
    ground.install(&commit, "10m").await.unwrap();
    let is_applied = || async {
        let all = kustomizations(&ground.client, ground.name()).await.map_err(|error| format!("{error:#}"))?;
        let is_applied = all[APPS]["status"]["lastAppliedRevision"] == commit.revision.as_str();
        if is_applied { Ok(()) } else { Err(all[APPS]["status"].to_string()) }
    };
    observe(Duration::from_secs(10), "the artifact that is served is applied", is_applied).await.unwrap();
    silent.connected(SILENT).await;

    let all_say_so = || async {
        let all = kustomizations(&ground.client, ground.name()).await.map_err(|error| format!("{error:#}"))?;
        let silent = all.iter().filter(|(name, _)| *name != APPS);
        let count = silent.filter(|(_, kustomization)| is_fetching(kustomization)).count();
        if count == SILENT { Ok(()) } else { Err(format!("{count} say that they fetch")) }
    };
    observe(LIMIT, "the others say that they fetch", all_say_so).await.unwrap();
    let passes = instance.passes();
    assert!(passes < 60, "nobody polls: {passes} passes");
    drop(instance);
    ground.remove().await.unwrap();
}
