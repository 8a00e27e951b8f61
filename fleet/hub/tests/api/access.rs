//! Who may do what: every route and every kind of caller (SEC-HUB-2, SEC-TUN-4).

use reqwest::Method;
use serde_json::{Value, json};
use thalweg_hub::Subject;
use thalweg_hub::server::{Audience, OPERATIONS, Operation};

use crate::world::{GROUP, World, cluster, configuration, fleet_baseline, registration};

/// An otherwise good request for each operation, on cluster `name`.
fn request(operation: Operation, name: &str) -> (String, Option<Value>) {
    let path = operation
        .path()
        .replace("{subscription}", "0000-1111")
        .replace("{group}", "rg-arc-fleet")
        .replace("{cluster}", name)
        .replace("{configuration}", "fleet-baseline");
    let body = match operation {
        Operation::PutResourceGroup | Operation::PutCluster => Some(json!({"location": "eastus"})),
        Operation::PutConfiguration => Some(fleet_baseline()),
        Operation::Register => Some(registration("new")),
        Operation::Heartbeat => Some(json!({"cluster": cluster(name)})),
        Operation::Status => Some(json!({"cluster": cluster(name), "configurations": [
            {"id": configuration(name, "fleet-baseline"), "generation": 1, "outcome": "Applied"}]})),
        _ => None,
    };
    let query = match operation.resource_type() {
        Some(of) => format!("?api-version={}", of.api_versions().last().unwrap()),
        None if operation == Operation::Desired => format!("?cluster={}", cluster(name)),
        None => String::new(),
    };
    (format!("{path}{query}"), body)
}

#[tokio::test]
async fn no_route_answers_without_a_token_that_is_known() {
    let world = World::new().await;
    let spent = world.mint(Subject::Cluster { resource_id: cluster("a").parse().unwrap() }).await;
    world.send(Method::POST, "/agent/v1/register", Some(&spent), Some(registration("c"))).await.expect(200);
    let user = &world.user;
    let tokens: &[(&str, Vec<(&str, String)>)] = &[
        ("no token", vec![]),
        ("an empty header", vec![("authorization", String::new())]),
        ("an empty token", vec![("authorization", "Bearer ".to_owned())]),
        ("garbage", vec![("authorization", "Bearer garbage".to_owned())]),
        ("the digest of a token", vec![("authorization", format!("Bearer {}", hex_digest(user)))]),
        ("a user's token as a password", vec![("authorization", format!("Basic {user}"))]),
        ("a prefix of a token", vec![("authorization", format!("Bearer {}", &user[..user.len() - 1]))]),
        (
            "two headers",
            vec![("authorization", "Bearer garbage".to_owned()), ("authorization", format!("Bearer {user}"))],
        ),
    ];
    let mut refused = 0;
    for operation in OPERATIONS {
        let (path, body) = request(*operation, "a");
        for (what, headers) in tokens {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = body.as_ref().map(|body| body.to_string().into_bytes());
            let answer = world.send_with(operation.method(), &path, &headers, body).await;
            assert_eq!(answer.status, 401, "{operation:?} with {what}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"thalweg\"", "{operation:?} with {what}");
            refused += 1;
        }
    }
    assert_eq!(refused, OPERATIONS.len() * tokens.len());
    for (method, path) in [(Method::GET, "/"), (Method::GET, "/subscriptions/s/nothing"), (Method::PATCH, GROUP)] {
        let answer = world.send(method, path, None, None).await;
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.code(), "AuthenticationFailed");
    }
    world.send(Method::GET, "/healthz", None, None).await.expect(200);
    // Nothing happened.
    let list = world.arm(Method::GET, &configuration("a", ""), None).await.expect(200);
    assert_eq!(list.body["value"], json!([]));
}

#[tokio::test]
async fn each_kind_of_caller_reaches_its_own_routes_alone() {
    let world = World::new().await;
    let agent_a = world.enrol("a").await;
    let unspent = world.mint(Subject::Cluster { resource_id: cluster("b").parse().unwrap() }).await;
    for operation in OPERATIONS {
        let audience = operation.audience();
        let callers = [
            // On a cluster of its own: deleting it ends its agent.
            ("user", world.user.as_str(), "c", audience == Audience::Users),
            ("agent of a, on a", agent_a.as_str(), "a", audience == Audience::Agents),
            ("agent of a, on b", agent_a.as_str(), "b", false),
            ("registration token", unspent.as_str(), "b", false),
        ];
        for (who, token, name, allowed) in callers {
            if audience == Audience::Registrants && who == "registration token" {
                continue;
            }
            let (path, body) = request(*operation, name);
            let answer = world.send(operation.method(), &path, Some(token), body).await;
            assert_eq!(answer.status != 403, allowed, "{operation:?} by {who}: {} {}", answer.status, answer.body);
            assert_ne!(answer.status, 401, "{operation:?} by {who}");
            if !allowed && operation.method() != Method::HEAD {
                assert_eq!(answer.code(), "AuthorizationFailed", "{operation:?} by {who}");
            }
        }
    }
}

#[tokio::test]
async fn a_status_of_another_clusters_configuration_is_refused_whole() {
    let world = World::new().await;
    let agent = world.enrol("a").await;
    for name in ["a", "b"] {
        world.arm(Method::PUT, &configuration(name, "fleet-baseline"), Some(fleet_baseline())).await.expect(201);
    }
    let body = json!({"cluster": cluster("a"), "configurations": [
        {"id": configuration("a", "fleet-baseline"), "generation": 1, "outcome": "Applied"},
        {"id": configuration("b", "fleet-baseline"), "generation": 2, "outcome": "Applied"}]});
    world
        .send(Method::POST, "/agent/v1/status", Some(&agent), Some(body))
        .await
        .expect_error(403, "AuthorizationFailed");
    for name in ["a", "b"] {
        let read = world.arm(Method::GET, &configuration(name, "fleet-baseline"), None).await.expect(200);
        assert_eq!(read.body["properties"]["provisioningState"], "Creating", "{name}");
    }
}

#[tokio::test]
async fn a_registration_token_works_once_and_ends_the_agent_before() {
    let world = World::new().await;
    let first = world.enrol("a").await;
    let token = world.mint(Subject::Cluster { resource_id: cluster("A").parse().unwrap() }).await;
    let register = |credential: &'static str| {
        world.send(Method::POST, "/agent/v1/register", Some(&token), Some(registration(credential)))
    };
    let answer = register("second").await.expect(200);
    assert_eq!(answer.body["cluster"], cluster("a"), "the id as it was created");
    register("third").await.expect_error(401, "AuthenticationFailed");
    register("second").await.expect(200);
    let beat = |credential: String| {
        let body = json!({"cluster": cluster("a"), "kubernetesVersion": "v1.36.3"});
        let world = &world;
        async move { world.send(Method::POST, "/agent/v1/heartbeat", Some(&credential), Some(body)).await }
    };
    beat("second".to_owned()).await.expect(200);
    beat(first).await.expect(401);
    beat("third".to_owned()).await.expect(401);
    beat(token.clone()).await.expect(403);
    // Deleting the cluster ends its credentials, and a spent token does not bring them back.
    world.arm(Method::DELETE, &cluster("a"), None).await.expect(200);
    beat("second".to_owned()).await.expect(401);
    register("second").await.expect(401);
}

#[tokio::test]
async fn a_credential_that_is_in_use_cannot_be_registered_for_another_cluster() {
    let world = World::new().await;
    let user = world.user.clone();
    let token = world.mint(Subject::Cluster { resource_id: cluster("a").parse().unwrap() }).await;
    world
        .send(Method::POST, "/agent/v1/register", Some(&token), Some(registration(&user)))
        .await
        .expect_error(409, "Conflict");
    world.arm(Method::GET, GROUP, None).await.expect(200);
}

fn hex_digest(token: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(token.as_bytes()))
}
