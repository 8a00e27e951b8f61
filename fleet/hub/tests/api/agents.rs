//! The agents' side: heartbeats, desired state, acknowledgements, tombstones, epochs.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use thalweg_hub::Subject;
use tokio::time::Instant;

use crate::world::{Answer, World, cluster, configuration, fleet_baseline, registration};

async fn desired(world: &World, agent: &str, rest: &str) -> Answer {
    world.send(Method::GET, &format!("/agent/v1/desired?cluster={}{rest}", cluster("a")), Some(agent), None).await
}

async fn report(world: &World, agent: &str, status: Value) -> Answer {
    let body = json!({"cluster": cluster("a"), "configurations": [status]});
    world.send(Method::POST, "/agent/v1/status", Some(agent), Some(body)).await
}

fn since(state: &Value) -> String {
    format!("&since={}:{}", state["epoch"]["hub"].as_str().unwrap(), state["epoch"]["number"])
}

#[tokio::test]
async fn a_document_is_creating_until_the_agent_acknowledges_its_generation() {
    let mut world = World::new().await;
    let agent = world.enrol("a").await;
    let path = configuration("a", "fleet-baseline");
    world.arm(Method::PUT, &path, Some(fleet_baseline())).await.expect(201);
    let state = desired(&world, &agent, "").await.expect(200).body;
    assert_eq!(state["tombstones"], json!([]));
    let document = &state["configurations"][0];
    assert_eq!(document["id"], path);
    assert_eq!(document["properties"], fleet_baseline()["properties"], "as it was said, without defaults");

    let status = |generation: &Value, outcome: &str, compliance: &str| {
        json!({"id": path, "generation": generation, "outcome": outcome, "complianceState": compliance,
               "sourceSyncedCommitId": "main@sha1:abc", "sourceUpdatedAt": "2026-11-21T12:00:00Z",
               "statuses": [{"name": "fleet-baseline", "namespace": "cluster-config", "kind": "GitRepository",
                             "complianceState": compliance, "appliedBy": null, "helmReleaseProperties": null,
                             "statusConditions": [{"type": "Ready", "status": "True", "reason": "Succeeded",
                                                   "message": "ok", "lastTransitionTime": "2026-11-21T12:00:00Z"}]}]})
    };
    let first = document["generation"].clone();
    report(&world, &agent, status(&first, "Applied", "Compliant")).await.expect(200);
    world.restart().await;
    let read = world.arm(Method::GET, &path, None).await.expect(200).body["properties"].clone();
    assert_eq!(read["provisioningState"], "Succeeded");
    assert_eq!(read["complianceState"], "Compliant");
    assert_eq!(read["sourceSyncedCommitId"], "main@sha1:abc");
    assert_eq!(read["statuses"][0]["statusConditions"][0]["reason"], "Succeeded");
    assert!(read["statusUpdatedAt"].is_string());

    let mut changed = fleet_baseline();
    changed["properties"]["kustomizations"]["infra"]["path"] = json!("./other");
    let put = world.arm(Method::PUT, &path, Some(changed.clone())).await.expect(200);
    assert_eq!(put.body["properties"]["provisioningState"], "Updating");
    assert_eq!(put.body["properties"]["complianceState"], "Pending", "the report is of an earlier generation");
    report(&world, &agent, status(&first, "Applied", "Compliant")).await.expect(200);
    let read = world.arm(Method::GET, &path, None).await.expect(200);
    assert_eq!(read.body["properties"]["provisioningState"], "Updating", "an earlier generation acknowledges nothing");

    let state = desired(&world, &agent, &since(&state)).await.expect(200).body;
    let second = state["configurations"][0]["generation"].clone();
    assert!(second.as_u64() > first.as_u64());
    let mut failed = status(&second, "Failed", "Non-Compliant");
    failed["errorMessage"] = json!("a FluxConfiguration of this name exists");
    report(&world, &agent, failed).await.expect(200);
    let read = world.arm(Method::GET, &path, None).await.expect(200).body["properties"].clone();
    assert_eq!(read["provisioningState"], "Failed");
    assert_eq!(read["errorMessage"], "a FluxConfiguration of this name exists");
    report(&world, &agent, status(&first, "Applied", "Compliant")).await.expect(200);
    let read = world.arm(Method::GET, &path, None).await.expect(200);
    assert_eq!(read.body["properties"]["provisioningState"], "Failed", "a late report of an earlier one is of no use");

    // The same document again is a retry, since the last one failed.
    world.arm(Method::PUT, &path, Some(changed)).await.expect(200);
    let state = desired(&world, &agent, &since(&state)).await.expect(200).body;
    assert!(state["configurations"][0]["generation"].as_u64() > second.as_u64());
}

#[tokio::test]
async fn a_change_wakes_the_waiting_agent_at_once_and_others_sleep_on() {
    let world = World::new().await;
    let agent = world.enrol("a").await;
    let state = desired(&world, &agent, "").await.expect(200).body;
    let nothing = desired(&world, &agent, &format!("{}&wait=0", since(&state))).await;
    assert_eq!(nothing.status, 304);
    let started = Instant::now();
    let wait = format!("{}&wait=50", since(&state));
    let waiting = desired(&world, &agent, &wait);
    let change = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.arm(Method::PUT, &configuration("b", "other"), Some(fleet_baseline())).await.expect(201);
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.arm(Method::PUT, &configuration("a", "fleet-baseline"), Some(fleet_baseline())).await.expect(201);
        Instant::now()
    };
    let (woken, put_at) = tokio::join!(async { (waiting.await, Instant::now()) }, change);
    assert!(woken.1.saturating_duration_since(put_at) < Duration::from_millis(500));
    assert!(started.elapsed() < Duration::from_secs(10));
    let configurations = woken.0.expect(200).body["configurations"].clone();
    assert_eq!(configurations.as_array().unwrap().len(), 1, "of this cluster alone");
    assert_eq!(configurations[0]["id"], configuration("a", "fleet-baseline"));
}

#[tokio::test]
async fn a_stopping_hub_lets_waiting_agents_go() {
    let mut world = World::new().await;
    let agent = world.enrol("a").await;
    let state = desired(&world, &agent, "").await.expect(200).body;
    let url = format!("/agent/v1/desired?cluster={}{}&wait=50", cluster("a"), since(&state));
    let (client, base) = world.raw();
    let waiting = tokio::spawn(async move { client.get(format!("{base}{url}")).bearer_auth(agent).send().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    world.stop().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(waiting.await.unwrap().unwrap().status(), 304);
}

#[tokio::test]
async fn a_deleted_configuration_is_a_tombstone_until_the_agent_says_it_is_gone() {
    let mut world = World::new().await;
    let agent = world.enrol("a").await;
    let path = configuration("a", "fleet-baseline");
    world.arm(Method::PUT, &path, Some(fleet_baseline())).await.expect(201);
    let state = desired(&world, &agent, "").await.expect(200).body;
    let first = state["configurations"][0]["generation"].clone();
    report(&world, &agent, json!({"id": path, "generation": first, "outcome": "Applied"})).await.expect(200);
    world.arm(Method::DELETE, &path, None).await.expect(202);
    world.arm(Method::DELETE, &path, None).await.expect(202);
    world.restart().await;
    let read = world.arm(Method::GET, &path, None).await.expect(200);
    assert_eq!(read.body["properties"]["provisioningState"], "Deleting");
    world.arm(Method::PUT, &path, Some(fleet_baseline())).await.expect_error(409, "Conflict");
    let state = desired(&world, &agent, &since(&state)).await.expect(200).body;
    assert_eq!(state["configurations"], json!([]));
    let tombstone = state["tombstones"][0].clone();
    assert_eq!((&tombstone["id"], &tombstone["namespace"]), (&json!(path), &json!("cluster-config")));

    // Neither an old report nor a premature one ends it.
    report(&world, &agent, json!({"id": path, "generation": first, "outcome": "Deleted"})).await.expect(200);
    report(&world, &agent, json!({"id": path, "generation": 999, "outcome": "Deleted"})).await.expect(200);
    world.arm(Method::GET, &path, None).await.expect(200);
    let failed =
        json!({"id": path, "generation": tombstone["generation"], "outcome": "Failed", "errorMessage": "finalizer"});
    report(&world, &agent, failed).await.expect(200);
    let read = world.arm(Method::GET, &path, None).await.expect(200);
    assert_eq!(read.body["properties"]["provisioningState"], "Deleting");
    assert_eq!(read.body["properties"]["errorMessage"], "finalizer");

    let gone = json!({"id": path, "generation": tombstone["generation"], "outcome": "Deleted"});
    report(&world, &agent, gone.clone()).await.expect(200);
    world.arm(Method::GET, &path, None).await.expect_error(404, "ResourceNotFound");
    world.arm(Method::DELETE, &path, None).await.expect(204);
    let unknown = report(&world, &agent, gone).await.expect(200);
    assert_eq!(unknown.body["unknown"], json!([path]));

    // Made again, its generation is higher than any before: an old acknowledgement is not taken for a new one.
    world.arm(Method::PUT, &path, Some(fleet_baseline())).await.expect(201);
    let state = desired(&world, &agent, "").await.expect(200).body;
    assert!(state["configurations"][0]["generation"].as_u64() > tombstone["generation"].as_u64());
    world.arm(Method::DELETE, &format!("{path}?forceDelete=true"), None).await.expect(200);
    world.arm(Method::GET, &path, None).await.expect(404);
    let state = desired(&world, &agent, "").await.expect(200).body;
    assert_eq!((&state["configurations"], &state["tombstones"]), (&json!([]), &json!([])), "silence: the object stays");
}

#[tokio::test]
async fn a_hub_that_is_older_than_the_agent_or_another_one_says_so() {
    let world = World::new().await;
    let agent = world.enrol("a").await;
    let state = desired(&world, &agent, "").await.expect(200).body;
    let hub = state["epoch"]["hub"].as_str().unwrap();
    let number = state["epoch"]["number"].as_u64().unwrap();
    desired(&world, &agent, &format!("&since={hub}:{}", number + 1)).await.expect_error(409, "EpochRefused");
    desired(&world, &agent, &format!("&since=other:{number}")).await.expect_error(409, "EpochRefused");
    desired(&world, &agent, "&since=nonsense").await.expect_error(400, "InvalidRequestContent");
    world.send(Method::GET, "/agent/v1/desired", Some(&agent), None).await.expect_error(400, "InvalidRequestContent");
}

#[tokio::test]
async fn a_cluster_is_connected_while_it_is_heard_and_shows_what_its_agent_says() {
    let world = World::new().await;
    let agent = world.enrol("a").await;
    let read = world.arm(Method::GET, &cluster("a"), None).await.expect(200).body["properties"].clone();
    assert_eq!(read["connectivityStatus"], "Connected");
    assert_eq!((&read["kubernetesVersion"], &read["totalNodeCount"]), (&json!("v1.36.3"), &json!(3)));
    world.clock.advance(15 * 60 - 5);
    let read = world.arm(Method::GET, &cluster("a"), None).await.expect(200);
    assert_eq!(read.body["properties"]["connectivityStatus"], "Connected");
    world.clock.advance(10);
    let read = world.arm(Method::GET, &cluster("a"), None).await.expect(200);
    assert_eq!(read.body["properties"]["connectivityStatus"], "Offline");
    let beat = json!({"cluster": cluster("a"), "kubernetesVersion": "v1.37.0", "totalNodeCount": 4, "agentVersion": "0.2.0",
                      "errors": [{"message": "hub older than cluster", "severity": "Error", "component": "desired",
                                  "time": "2026-11-21T12:00:00Z"}]});
    let answer = world.send(Method::POST, "/agent/v1/heartbeat", Some(&agent), Some(beat)).await.expect(200);
    assert_eq!(answer.body["nextAfterSeconds"], 60);
    let read = world.arm(Method::GET, &cluster("a"), None).await.expect(200).body["properties"].clone();
    assert_eq!(read["connectivityStatus"], "Connected");
    assert_eq!((&read["kubernetesVersion"], &read["agentVersion"]), (&json!("v1.37.0"), &json!("0.2.0")));
    assert_eq!(read["arcAgentProfile"]["agentErrors"][0]["message"], "hub older than cluster");
}

#[tokio::test]
async fn registering_makes_the_cluster_that_the_token_is_for() {
    let world = World::new().await;
    let id = "/subscriptions/new/resourceGroups/Edge/providers/Microsoft.Kubernetes/connectedClusters/Store-1";
    let token = world.mint(Subject::Cluster { resource_id: id.parse().unwrap() }).await;
    let answer = world
        .send(Method::POST, "/agent/v1/register", Some(&token), Some(registration("credential")))
        .await
        .expect(200);
    assert_eq!((&answer.body["cluster"], &answer.body["heartbeatSeconds"]), (&json!(id), &json!(60)));
    let read = world.arm(Method::GET, id, None).await.expect(200);
    assert_eq!(read.body["properties"]["connectivityStatus"], "Connected");
    let bad = json!({"credentialSha256": "short"});
    let token = world.mint(Subject::Cluster { resource_id: id.parse().unwrap() }).await;
    world
        .send(Method::POST, "/agent/v1/register", Some(&token), Some(bad))
        .await
        .expect_error(400, "InvalidRequestContent");
    world.send(Method::POST, "/agent/v1/register", Some(&token), Some(registration("next"))).await.expect(200);
}
