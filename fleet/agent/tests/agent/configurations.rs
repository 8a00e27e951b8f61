//! From a PUT at the hub to an object in the cluster, and back.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::world::{CLUSTER, World, arm, document};

fn report(object: &mut Value, compliance: &str) {
    object["status"] = json!({
        "observedGeneration": object["metadata"]["generation"], "complianceState": compliance,
        "sourceSyncedCommitId": "main@sha1:abc",
        "statuses": [{"name": "fleet-apps", "namespace": "cluster-config", "kind": "Kustomization",
                      "complianceState": compliance,
                      "statusConditions": [{"type": "Ready", "status": "False", "reason": "BuildFailed",
                                            "message": "apps/x.yaml:3: why", "lastTransitionTime": "2026-11-21T12:00:00Z"}]}],
    });
}

#[tokio::test]
async fn a_put_becomes_an_object_and_its_status_comes_back() {
    let world = World::connected().await;
    let (_, cluster) = world.request(Method::GET, CLUSTER, None).await;
    assert_eq!(cluster["properties"]["kubernetesVersion"], "v1.36.3");
    assert_eq!(cluster["properties"]["totalNodeCount"], 5);

    world.put("fleet", document("./infra")).await;
    let answer = world.settles("fleet", "Succeeded").await;
    assert_eq!(answer["complianceState"], "Pending");
    let object = world.api_server.configuration("cluster-config", "fleet").unwrap();
    assert_eq!(
        object["spec"],
        json!({
            "scope": "cluster", "sourceKind": "GitRepository",
            "gitRepository": {"url": "https://example.com/fleet", "repositoryRef": {"branch": "main"}},
            "kustomizations": {"infra": {"path": "./infra", "prune": true}, "apps": {"dependsOn": ["infra"]}},
        })
    );
    assert_eq!(object["metadata"]["labels"], json!({"thalweg.dev/managed-by": "agent"}));
    assert_eq!(object["metadata"]["annotations"]["thalweg.dev/resource-id"], arm("fleet"));
    assert!(world.api_server.object("/api/v1/namespaces/cluster-config").is_some(), "its namespace was made");

    world.api_server.edit("cluster-config", "fleet", |object| report(object, "Non-Compliant"));
    world.eventually("the verdict", async |world| world.get("fleet").await["complianceState"] == "Non-Compliant").await;
    let answer = world.get("fleet").await;
    assert_eq!(answer["statuses"][0]["statusConditions"][0]["message"], "apps/x.yaml:3: why");
    assert_eq!(answer["sourceSyncedCommitId"], "main@sha1:abc");
    let updated = answer["sourceUpdatedAt"].clone();
    assert!(updated.is_string());

    world.api_server.edit("cluster-config", "fleet", |object| report(object, "Compliant"));
    world.eventually("compliance", async |world| world.get("fleet").await["complianceState"] == "Compliant").await;
    assert_eq!(world.get("fleet").await["sourceUpdatedAt"], updated, "the same commit");

    let put = world.put("fleet", document("./other")).await;
    assert_eq!(put["provisioningState"], "Updating");
    assert_eq!(world.settles("fleet", "Succeeded").await["complianceState"], "Pending");
    let object = world.api_server.configuration("cluster-config", "fleet").unwrap();
    assert_eq!(object["spec"]["kustomizations"]["infra"]["path"], "./other");
    assert_eq!(world.api_server.writes(), 3, "one that found no namespace, then one a document");
}

#[tokio::test]
async fn what_someone_changes_or_deletes_in_the_cluster_comes_back() {
    let world = World::connected().await;
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    let path = |world: &World| {
        world
            .api_server
            .configuration("cluster-config", "fleet")
            .map(|object| object["spec"]["kustomizations"]["infra"]["path"].clone())
    };
    world.api_server.edit("cluster-config", "fleet", |object| {
        object["spec"]["kustomizations"]["infra"]["path"] = json!("./edited");
    });
    world.eventually("the edit is undone", async |world| path(world) == Some(json!("./infra"))).await;
    world.api_server.edit("cluster-config", "fleet", |object| {
        object["spec"]["kustomizations"]["extra"] = json!({"path": "./added"});
    });
    world
        .eventually("the addition is undone", async |world| {
            let object = world.api_server.configuration("cluster-config", "fleet").unwrap();
            object["spec"]["kustomizations"].get("extra").is_none()
        })
        .await;
    world.api_server.remove("cluster-config", "fleet");
    world.eventually("it is made again", async |world| path(world).is_some()).await;
    // A status is nobody's edit.
    let writes = world.api_server.writes();
    world.api_server.edit("cluster-config", "fleet", |object| report(object, "Compliant"));
    world.eventually("compliance", async |world| world.get("fleet").await["complianceState"] == "Compliant").await;
    assert_eq!(world.api_server.writes(), writes);
}

#[tokio::test]
async fn a_delete_is_a_tombstone_until_the_object_is_gone() {
    let world = World::connected().await;
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    world.api_server.edit("cluster-config", "fleet", |object| {
        object["metadata"]["finalizers"] = json!(["thalweg.dev/configuration"]);
    });
    assert_eq!(world.delete("fleet").await, 202);
    world
        .eventually("it is terminating", async |world| {
            let object = world.api_server.configuration("cluster-config", "fleet").unwrap();
            object["metadata"]["deletionTimestamp"].is_string()
        })
        .await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(world.get("fleet").await["provisioningState"], "Deleting");
    world.api_server.remove("cluster-config", "fleet");
    world.eventually("the hub forgets it", async |world| world.get("fleet").await.is_null()).await;
    assert!(world.api_server.object("/api/v1/namespaces/cluster-config").is_some(), "a namespace is never deleted");
    assert_eq!(world.api_server.deletes(), 1);
    // And it can be made again.
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
}

#[tokio::test]
async fn an_object_that_no_agent_made_is_left_alone_and_said_to_be() {
    let world = World::connected().await;
    world.api_server.edit("cluster-config", "fleet", |object| object["spec"] = json!({"suspend": true}));
    let theirs = world.api_server.configuration("cluster-config", "fleet");
    world.put("fleet", document("./infra")).await;
    let answer = world.settles("fleet", "Failed").await;
    assert_eq!(answer["errorMessage"], "a FluxConfiguration of this name exists that no hub made; it is left alone");
    assert_eq!(answer["complianceState"], "Non-Compliant");
    world.put("good", document("./infra")).await;
    world.settles("good", "Succeeded").await;
    world.delete("fleet").await;
    world.eventually("the tombstone is done", async |world| world.get("fleet").await.is_null()).await;
    assert_eq!(world.api_server.configuration("cluster-config", "fleet"), theirs);
    assert_eq!(world.api_server.deletes(), 0);
    // Once it is out of the way, the configuration goes on by itself.
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Failed").await;
    world.api_server.remove("cluster-config", "fleet");
    world.settles("fleet", "Succeeded").await;
}

#[tokio::test]
async fn one_that_lost_its_mark_is_no_longer_ours_to_delete() {
    let world = World::connected().await;
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    world.api_server.edit("cluster-config", "fleet", |object| object["metadata"]["labels"] = json!({}));
    world.settles("fleet", "Failed").await;
    world.delete("fleet").await;
    world.eventually("the tombstone is done", async |world| world.get("fleet").await.is_null()).await;
    assert_eq!(world.api_server.configurations(), 1);
}

#[tokio::test]
async fn while_the_hub_is_away_nothing_changes_and_when_it_returns_all_goes_on() {
    let mut world = World::connected().await;
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    let before = world.api_server.configuration("cluster-config", "fleet");
    world.stop_hub().await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(world.api_server.configuration("cluster-config", "fleet"), before);
    // The cluster goes on: an edit is undone without the hub.
    world.api_server.edit("cluster-config", "fleet", |object| object["spec"]["suspend"] = json!(true));
    world
        .eventually("the edit is undone", async |world| {
            world.api_server.configuration("cluster-config", "fleet").unwrap()["spec"]
                == before.as_ref().unwrap()["spec"]
        })
        .await;
    world.api_server.edit("cluster-config", "fleet", |object| report(object, "Compliant"));
    world.start_hub().await;
    world
        .eventually("the news arrives", async |world| world.get("fleet").await["complianceState"] == "Compliant")
        .await;
    world.put("fleet", document("./other")).await;
    world.settles("fleet", "Succeeded").await;
    assert_eq!(world.api_server.deletes(), 0);
}

#[tokio::test]
async fn what_the_hub_forgets_stays_in_the_cluster() {
    let mut world = World::connected().await;
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    let (status, _) = world.request(Method::DELETE, &format!("{}?forceDelete=true", arm("fleet")), None).await;
    assert_eq!(status, 200);
    world.put("other", document("./infra")).await;
    world.settles("other", "Succeeded").await;
    assert_eq!(world.api_server.configurations(), 2);
    // The whole cluster is forgotten: the credential ends, the objects stay.
    world.request(Method::DELETE, CLUSTER, None).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!((world.api_server.configurations(), world.api_server.deletes()), (2, 0));
    // A new token brings it back; the objects are recognised.
    world.stop_agent().await;
    world.token = Some(world.mint_registration().await);
    world.start_agent();
    world
        .eventually("the cluster is back", async |world| world.request(Method::GET, CLUSTER, None).await.0 == 200)
        .await;
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    assert_eq!((world.api_server.configurations(), world.api_server.deletes()), (2, 0));
}

#[tokio::test]
async fn a_write_that_fails_is_tried_again_and_holds_up_no_other() {
    let world = World::connected().await;
    for after in [false, true] {
        world.api_server.fail_once(Method::PATCH, "fluxconfigurations/first", after);
        world.put("first", document(&format!("./{after}"))).await;
        world.put("second", document(&format!("./{after}"))).await;
        world.settles("second", "Succeeded").await;
        world.settles("first", "Succeeded").await;
    }
    world.api_server.fail_once(Method::DELETE, "fluxconfigurations/first", true);
    world.delete("first").await;
    world.eventually("it is gone", async |world| world.get("first").await.is_null()).await;
    assert_eq!(world.api_server.configurations(), 1);
}
