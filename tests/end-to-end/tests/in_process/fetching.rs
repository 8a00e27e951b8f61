//! Artifacts whose server does not answer: they are awaited outside the workers.

use std::time::Duration;

use serde_json::Value;
use thalweg_end_to_end::commit::Commit;
use thalweg_end_to_end::objects::{config_map, kustomizations};
use thalweg_harness::{ControlPlane, SilentServer, observe};
use thalweg_kustomize_controller::Options;

use crate::ground::{Ground, LIMIT, Publisher};
use crate::instance::Instance;

/// More than there are workers, of which there are four.
const SILENT: usize = 6;
const APPS: &str = "apps";

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
    let (publisher, silent) = (Publisher::start().await.unwrap(), SilentServer::start().await.unwrap());
    let plane = ControlPlane::shared().await.unwrap();
    let client = plane.client("thalweg-tests").await.unwrap();
    let ground = Ground::new(plane, &client, &publisher, "silent-artifacts", APPS).await.unwrap();
    for number in 0..SILENT {
        ground.create_silent(&format!("silent-{number}"), number, silent.address()).await.unwrap();
    }
    let instance = Instance::start_with(plane, ground.name(), ground.name(), Options::default());
    // What holds a worker shows here already: no more servers are asked than there are workers.
    silent.connected(LIMIT, 4).await.unwrap();

    let commit = Commit::new(1, [(APPS, vec![config_map("config", "1")])]);
    ground.install(&commit, "10m").await.unwrap();
    let is_applied = || async {
        let all = kustomizations(&ground.client, ground.name()).await.map_err(|error| format!("{error:#}"))?;
        let is_applied = all[APPS]["status"]["lastAppliedRevision"] == commit.revision.as_str();
        if is_applied { Ok(()) } else { Err(all[APPS]["status"].to_string()) }
    };
    observe(Duration::from_secs(10), "the artifact that is served is applied", is_applied).await.unwrap();
    silent.connected(LIMIT, SILENT).await.unwrap();

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
