//! A hub that went back in time, or is another one, is not followed: nothing is deleted or changed (I-18, H6).

use reqwest::Method;
use serde_json::Value;
use tokio::time::{Duration, sleep};

use crate::world::{CLUSTER, World, document};

/// Stops the hub and puts the store back that `backup` holds, or an empty one.
async fn restore(world: &mut World, backup: Option<&std::path::Path>) {
    world.stop_hub().await;
    for suffix in ["", "-wal", "-shm"] {
        let mut file = world.database().into_os_string();
        file.push(suffix);
        #[expect(clippy::disallowed_methods, reason = "an operator restores a file")]
        match (suffix, backup) {
            ("", Some(backup)) => {
                std::fs::copy(backup, &file).unwrap();
            }
            _ => drop(std::fs::remove_file(&file)),
        }
    }
    world.start_hub().await;
}

async fn errors(world: &World) -> Value {
    let (_, cluster) = world.request(Method::GET, CLUSTER, None).await;
    cluster["properties"]["arcAgentProfile"]["agentErrors"].clone()
}

#[tokio::test]
async fn a_hub_restored_from_an_older_backup_deletes_and_changes_nothing_until_it_is_accepted() {
    let mut world = World::connected().await;
    world.put("old", document("./one")).await;
    world.put("doomed", document("./one")).await;
    world.settles("old", "Succeeded").await;
    world.settles("doomed", "Succeeded").await;
    // The backup: "doomed" is being deleted, "old" is at its first version.
    world.stop_agent().await;
    world.delete("doomed").await;
    world.stop_hub().await;
    let backup = world.folder.path().join("backup.db");
    #[expect(clippy::disallowed_methods, reason = "an operator copies a file")]
    std::fs::copy(world.database(), &backup).unwrap();
    world.start_hub().await;
    world.start_agent();
    world.eventually("it is gone", async |world| world.get("doomed").await.is_null()).await;
    // After the backup: made again, and changed.
    world.put("doomed", document("./two")).await;
    world.put("old", document("./two")).await;
    world.settles("old", "Succeeded").await;
    world.settles("doomed", "Succeeded").await;
    let before = ["old", "doomed"].map(|name| world.api_server.configuration("cluster-config", name));
    let deletes = world.api_server.deletes();

    restore(&mut world, Some(&backup)).await;
    sleep(Duration::from_secs(2)).await;
    let after = ["old", "doomed"].map(|name| world.api_server.configuration("cluster-config", name));
    assert_eq!((after, world.api_server.deletes()), (before.clone(), deletes));
    // A restart is no consent.
    world.stop_agent().await;
    world.start_agent();
    world
        .eventually("the operator can see why", async |world| {
            errors(world).await.to_string().contains("the hub is older than this cluster")
        })
        .await;
    let after = ["old", "doomed"].map(|name| world.api_server.configuration("cluster-config", name));
    assert_eq!((after, world.api_server.deletes()), (before, deletes));

    // Accepted by name, it is followed: its tombstone too.
    world.stop_agent().await;
    let held: thalweg_protocol::agent::Epoch = world.held();
    world.accept = Some(thalweg_protocol::agent::Epoch { number: 0, ..held });
    world.start_agent();
    world.eventually("the tombstone is done", async |world| world.get("doomed").await.is_null()).await;
    world.settles("old", "Succeeded").await;
    let old = world.api_server.configuration("cluster-config", "old").unwrap();
    assert_eq!(old["spec"]["kustomizations"]["infra"]["path"], "./one");
}

#[tokio::test]
async fn a_hub_that_was_replaced_by_an_empty_one_changes_nothing() {
    let mut world = World::connected().await;
    world.put("fleet", document("./one")).await;
    world.settles("fleet", "Succeeded").await;
    let before = world.api_server.configuration("cluster-config", "fleet");
    restore(&mut world, None).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(world.api_server.configuration("cluster-config", "fleet"), before);
    assert_eq!(world.api_server.deletes(), 0);
    // Registering with the new hub is an operator's word; still nothing goes that it does not name.
    world.stop_agent().await;
    world.token = Some(world.mint_registration().await);
    world.mint_user().await;
    world.start_agent();
    world.eventually("the agent works", async |world| world.connected_now().await).await;
    assert_eq!(world.api_server.configuration("cluster-config", "fleet"), before);
    world.put("fleet", document("./two")).await;
    world.settles("fleet", "Succeeded").await;
    assert_eq!(world.api_server.deletes(), 0);
}
