//! Documents: PUT, GET, LIST, DELETE as ARM answers them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{GROUP, World, cluster, configuration, fleet_baseline};

#[tokio::test]
async fn the_walkthroughs_configuration_round_trips() {
    let mut world = World::new().await;
    let path = configuration("a", "fleet-baseline");
    let put = world.arm(Method::PUT, &path, Some(fleet_baseline())).await.expect(201);
    let expected = json!({
        "id": path, "name": "fleet-baseline", "type": "Microsoft.KubernetesConfiguration/fluxConfigurations",
        "properties": {
            "scope": "cluster", "namespace": "cluster-config", "sourceKind": "GitRepository", "suspend": false,
            "gitRepository": {
                "url": "https://github.com/acme-platform/fleet-gitops", "repositoryRef": {"branch": "main"},
                "timeoutInSeconds": 600, "syncIntervalInSeconds": 600,
            },
            "kustomizations": {
                "infra": {"name": "infra", "path": "./infrastructure", "prune": true, "force": false, "wait": true,
                          "timeoutInSeconds": 600, "syncIntervalInSeconds": 600},
                "apps": {"name": "apps", "path": "./apps/prod", "prune": true, "force": false, "wait": true,
                         "dependsOn": ["infra"], "timeoutInSeconds": 600, "syncIntervalInSeconds": 600},
            },
            "waitForReconciliation": false,
            "provisioningState": "Creating", "errorMessage": null, "complianceState": "Unknown", "statuses": [],
            "sourceSyncedCommitId": null, "sourceUpdatedAt": null, "statusUpdatedAt": null,
        },
    });
    let without_system_data = |mut body: Value| {
        let system_data = body.as_object_mut().unwrap().remove("systemData").unwrap();
        assert_eq!(system_data["createdBy"], "ada");
        assert_eq!(system_data["createdByType"], "User");
        body
    };
    assert_eq!(without_system_data(put.body), expected);
    let get = world.arm(Method::GET, &path, None).await.expect(200);
    assert_eq!(get.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(without_system_data(get.body.clone()), expected);

    world.restart().await;
    let again = world.arm(Method::GET, &path.to_uppercase(), None).await.expect(200);
    assert_eq!(again.body, get.body, "a restart keeps everything, and any case finds it");
    let list = world.arm(Method::GET, &configuration("A", ""), None).await.expect(200);
    assert_eq!(list.body, json!({"value": [get.body]}));

    // What a GET answered can be PUT again; it is the same document.
    let same =
        world.arm(Method::PUT, &path, Some(json!({"properties": fleet_baseline()["properties"]}))).await.expect(200);
    assert_eq!(same.body["properties"]["provisioningState"], "Creating");
    let echoed = world.arm(Method::PUT, &path, Some(get.body.clone())).await.expect(200);
    assert_eq!(echoed.body["properties"], {
        let mut properties = get.body["properties"].clone();
        properties["provisioningState"] = json!("Updating");
        properties
    });
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_arms_code() {
    let world = World::new().await;
    world.arm(Method::PUT, &configuration("a", "there"), Some(fleet_baseline())).await.expect(201);
    let with = |change: Value| {
        let mut body = fleet_baseline();
        for (name, value) in change.as_object().unwrap() {
            body["properties"][name] = value.clone();
        }
        Some(body)
    };
    let there = configuration("a", "there");
    let group = |name: &str| format!("/subscriptions/0000-1111/resourcegroups/{name}");
    let cases: Vec<(Method, String, Option<Value>, u16, &str)> = vec![
        (Method::GET, configuration("a", "absent"), None, 404, "ResourceNotFound"),
        (Method::GET, configuration("absent", "there"), None, 404, "ResourceNotFound"),
        (Method::PUT, configuration("absent", "new"), Some(fleet_baseline()), 404, "ResourceNotFound"),
        (Method::GET, group("absent"), None, 404, "ResourceGroupNotFound"),
        (Method::GET, there.replace("rg-arc-fleet", "absent"), None, 404, "ResourceGroupNotFound"),
        (
            Method::PUT,
            cluster("c").replace("rg-arc-fleet", "absent"),
            Some(json!({"location": "x"})),
            404,
            "ResourceGroupNotFound",
        ),
        (Method::PUT, cluster("c"), Some(json!({})), 400, "InvalidRequestContent"),
        (Method::PUT, cluster("a"), Some(json!({"location": "westus"})), 409, "InvalidResourceLocation"),
        (Method::PUT, GROUP.to_owned(), Some(json!({"location": "westus"})), 409, "InvalidResourceGroupLocation"),
        (Method::PUT, group("a%2Fb"), Some(json!({"location": "westus"})), 400, "InvalidResourceName"),
        (Method::PUT, cluster("a.b"), Some(json!({"location": "westus"})), 400, "InvalidResourceName"),
        (Method::DELETE, GROUP.to_owned(), None, 409, "ResourceGroupNotEmpty"),
        (Method::PUT, there.clone(), with(json!({"scope": "namespace"})), 400, "PropertyChangeNotAllowed"),
        (Method::PUT, there.clone(), with(json!({"namespace": "other"})), 400, "PropertyChangeNotAllowed"),
        (Method::PUT, there.clone(), with(json!({"scope": "galaxy"})), 400, "InvalidRequestContent"),
        (Method::PUT, there.clone(), with(json!({"waitForReconciliation": true})), 400, "NotSupported"),
        (Method::PUT, there.clone(), Some(json!([])), 400, "InvalidRequestContent"),
        (Method::PUT, configuration("a", "Caps"), Some(fleet_baseline()), 400, "InvalidRequestContent"),
        (Method::PATCH, there.clone(), Some(json!({})), 405, "MethodNotAllowed"),
        (Method::POST, there.clone(), Some(json!({})), 405, "MethodNotAllowed"),
        (Method::GET, format!("{there}/operations/1"), None, 404, "NotSupported"),
        (Method::GET, format!("{}?$top=1", configuration("a", "")), None, 400, "NotSupported"),
        (Method::GET, format!("{}?%24skipToken=x", configuration("a", "")), None, 400, "NotSupported"),
        (Method::GET, there.replace("fluxConfigurations", "extensions"), None, 404, "InvalidResourceType"),
        (Method::GET, "/nothing".to_owned(), None, 404, "InvalidResourceType"),
    ];
    for (method, path, body, status, code) in cases {
        let answer = world.arm(method.clone(), &path, body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{method} {path}: {}", answer.body);
        assert!(!answer.body["error"]["message"].as_str().unwrap().is_empty());
        if status == 405 {
            assert_eq!(answer.headers["allow"], "PUT, GET, DELETE");
        }
    }
    let authorization = format!("Bearer {}", world.user);
    let headers = [("authorization", authorization.as_str())];
    let broken = format!("{there}?api-version=2025-04-01");
    for body in [&b"{"[..], b"", b"\xff", b"null"] {
        let answer = world.send_with(Method::PUT, &broken, &headers, Some(body.to_vec())).await;
        answer.expect_error(400, "InvalidRequestContent");
    }
    let large = vec![b' '; (1 << 20) + 1];
    let answer = world.send_with(Method::PUT, &broken, &headers, Some(large)).await;
    answer.expect_error(413, "RequestContentTooLarge");
}

#[tokio::test]
async fn the_api_version_is_asked_for_and_checked() {
    let world = World::new().await;
    let user = Some(world.user.as_str());
    for path in [GROUP.to_owned(), cluster("a"), configuration("a", "")] {
        world.send(Method::GET, &path, user, None).await.expect_error(400, "MissingApiVersionParameter");
        let unknown = format!("{path}?api-version=1999-01-01");
        world.send(Method::GET, &unknown, user, None).await.expect_error(400, "InvalidApiVersionParameter");
    }
    for version in ["2025-04-01", "2022-03-01", "2024-04-01-preview"] {
        let path = format!("{}?API-Version={version}", configuration("a", ""));
        world.send(Method::GET, &path, user, None).await.expect(200);
    }
}

#[tokio::test]
async fn resource_groups_and_clusters_live_as_arm_says() {
    let world = World::new().await;
    let lower = "/subscriptions/0000-1111/resourcegroups/Second";
    let put = world.arm(Method::PUT, lower, Some(json!({"location": "eastus", "tags": {"a": "b"}}))).await.expect(201);
    assert_eq!(
        put.body,
        json!({"id": "/subscriptions/0000-1111/resourceGroups/Second", "name": "Second", "location": "eastus",
               "type": "Microsoft.Resources/resourceGroups", "tags": {"a": "b"},
               "properties": {"provisioningState": "Succeeded"}})
    );
    let again = world.arm(Method::PUT, &lower.to_uppercase(), Some(json!({"location": "East US"}))).await.expect(200);
    assert_eq!((&again.body["name"], &again.body["tags"]), (&json!("Second"), &json!({})));
    world.arm(Method::HEAD, lower, None).await.expect(204);
    world.arm(Method::HEAD, "/subscriptions/0000-1111/resourcegroups/third", None).await.expect(404);
    let list = world.arm(Method::GET, "/subscriptions/0000-1111/resourcegroups", None).await.expect(200);
    let names: Vec<_> = list.body["value"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["rg-arc-fleet", "Second"]);
    world.arm(Method::DELETE, lower, None).await.expect(200);
    world.arm(Method::DELETE, lower, None).await.expect(204);

    let read = world.arm(Method::GET, &cluster("a"), None).await.expect(200);
    assert_eq!(read.body["properties"]["connectivityStatus"], "Connecting");
    assert_eq!(read.body["properties"]["distribution"], "k3s");
    assert_eq!(read.body["tags"]["environment"], "prod");
    let replaced =
        json!({"location": "eastus", "properties": {"connectivityStatus": "Connected", "totalNodeCount": 9}});
    let put = world.arm(Method::PUT, &cluster("a"), Some(replaced)).await.expect(200);
    assert_eq!(put.body["properties"]["connectivityStatus"], "Connecting", "read-only fields are ignored");
    assert_eq!(put.body["properties"]["totalNodeCount"], Value::Null);
    for list in [
        "/subscriptions/0000-1111/providers/Microsoft.Kubernetes/connectedclusters".to_owned(),
        format!("{GROUP}/providers/Microsoft.Kubernetes/connectedClusters"),
    ] {
        let list = world.arm(Method::GET, &list, None).await.expect(200);
        assert_eq!(list.body["value"].as_array().unwrap().len(), 2);
    }
    world.arm(Method::DELETE, &cluster("b"), None).await.expect(200);
    world.arm(Method::DELETE, &cluster("b"), None).await.expect(204);
    world.arm(Method::GET, &cluster("b"), None).await.expect_error(404, "ResourceNotFound");
}

#[tokio::test]
async fn answers_carry_arms_headers() {
    let world = World::new().await;
    let authorization = format!("Bearer {}", world.user);
    let path = format!("{GROUP}?api-version=2024-11-01");
    let asked = [
        ("authorization", authorization.as_str()),
        ("x-ms-client-request-id", "mine"),
        ("x-ms-return-client-request-id", "true"),
    ];
    let answer = world.send_with(Method::GET, &path, &asked, None).await.expect(200);
    assert_eq!(answer.headers["x-ms-client-request-id"], "mine");
    assert_eq!(answer.headers["x-ms-request-id"].len(), 36);
    assert!(answer.headers.contains_key("x-ms-correlation-request-id"));
    let answer = world.send_with(Method::GET, &path, &asked[..2], None).await.expect(200);
    assert!(!answer.headers.contains_key("x-ms-client-request-id"));
}
