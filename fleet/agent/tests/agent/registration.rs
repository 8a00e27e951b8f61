//! Registration: once, and interrupted anywhere.

use reqwest::Method;
use serde_json::Value;
use thalweg_agent::Error;

use crate::world::{CLUSTER, SECRET, World, document};

fn data(world: &World, key: &str) -> Value {
    world.api_server.object(SECRET).unwrap()["data"][key].clone()
}

#[tokio::test]
async fn a_registered_agent_needs_no_token_after_a_restart() {
    let mut world = World::connected().await;
    let credential = data(&world, "credential");
    world.stop_agent().await;
    world.token = None;
    world.start_agent();
    world.put("fleet", document("./infra")).await;
    world.settles("fleet", "Succeeded").await;
    assert_eq!(data(&world, "credential"), credential);
    // The token it registered with may stay where it is mounted.
    world.stop_agent().await;
    world.token = Some("twc_spent".to_owned());
    world.start_agent();
    world.put("fleet", document("./other")).await;
    world.settles("fleet", "Succeeded").await;
    assert_eq!(data(&world, "credential"), credential);
}

#[tokio::test]
async fn registration_survives_an_interruption_at_any_write() {
    for (method, part, after) in [
        (Method::POST, "/secrets", false),
        (Method::POST, "/secrets", true),
        (Method::PATCH, "/secrets/", false),
        (Method::PATCH, "/secrets/", true),
    ] {
        let mut world = World::new().await;
        world.api_server.fail_once(method.clone(), part, after);
        world.start_agent();
        world.eventually("the agent works", async |world| world.connected_now().await).await;
        world.put("fleet", document("./infra")).await;
        world.settles("fleet", "Succeeded").await;
    }
}

#[tokio::test]
async fn an_agent_that_cannot_register_says_what_it_needs() {
    let mut world = World::new().await;
    let good = world.token.take();
    world.start_agent();
    assert!(matches!(world.agent_fails().await, Error::NoToken));
    world.token = Some("twc_unknown".to_owned());
    world.start_agent();
    let error = world.agent_fails().await;
    assert!(matches!(error, Error::TokenRefused));
    assert!(error.to_string().contains("thalweg hub token --cluster"), "{error}");
    // With a good one it goes on from there.
    world.token = good;
    world.start_agent();
    world.eventually("the agent works", async |world| world.connected_now().await).await;
    assert_eq!(world.request(Method::GET, CLUSTER, None).await.0, 200);
}
