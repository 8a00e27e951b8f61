//! What programs in Go noticed: each test is a difference from kube-apiserver 1.36 that was one.
#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they do")]

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use thalweg_apiserver::{ApiServer, Body, Options};
use tower::ServiceExt;

const EVENTS: &str = "/api/v1/namespaces/default/events";
const NEW_EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

async fn send(server: &ApiServer, line: &str, body: &Value) -> Response<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let (method, media) = match method {
        "MERGE" => (Method::PATCH, "application/merge-patch+json"),
        other => (other.parse().unwrap(), "application/json"),
    };
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).header("content-type", media).body(body).unwrap();
    server.clone().oneshot(request).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn ask(server: &ApiServer, line: &str, body: &Value) -> (u16, Value) {
    let response = send(server, line, body).await;
    let code = response.status().as_u16();
    (code, serde_json::from_str(&text(response).await).unwrap_or_default())
}

/// The fields that a refusal names, and what it says of each.
fn causes(status: &Value) -> Vec<(&str, &str)> {
    let causes = status["details"]["causes"].as_array().unwrap();
    causes.iter().map(|cause| (cause["field"].as_str().unwrap_or(""), cause["message"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn events_have_the_fields_of_the_group_that_asks() {
    let server = ApiServer::new(Options::default());
    let about = json!({"kind": "ConfigMap", "name": "x", "namespace": "default"});
    let old = json!({
        "metadata": {"name": "old"}, "involvedObject": about, "message": "m", "source": {"component": "c"}, "count": 2,
        "firstTimestamp": "2023-11-14T22:13:20Z", "type": "Normal",
    });
    assert_eq!(ask(&server, &format!("POST {EVENTS}"), &old).await.0, 201);
    let new = json!({
        "metadata": {"name": "new"}, "regarding": about, "note": "n", "eventTime": "2023-11-14T22:13:20.123456Z",
        "action": "A", "reason": "R", "type": "Normal", "reportingController": "e.com/c", "reportingInstance": "i",
    });
    assert_eq!(ask(&server, &format!("POST {NEW_EVENTS}"), &new).await.0, 201);
    let (_, mut shown) = ask(&server, &format!("GET {NEW_EVENTS}/old"), &Value::Null).await;
    shown.as_object_mut().unwrap().remove("metadata");
    let expected = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "regarding": about, "note": "m",
        "deprecatedSource": {"component": "c"}, "deprecatedCount": 2, "deprecatedFirstTimestamp": "2023-11-14T22:13:20Z",
        "deprecatedLastTimestamp": null, "eventTime": null, "type": "Normal",
    });
    assert_eq!(shown, expected);
    let (_, mut shown) = ask(&server, &format!("GET {EVENTS}/new"), &Value::Null).await;
    shown.as_object_mut().unwrap().remove("metadata");
    let expected = json!({
        "apiVersion": "v1", "kind": "Event", "involvedObject": about, "message": "n", "source": {}, "firstTimestamp": null,
        "lastTimestamp": null, "eventTime": "2023-11-14T22:13:20.123456Z", "action": "A", "reason": "R", "type": "Normal",
        "reportingComponent": "e.com/c", "reportingInstance": "i",
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn events_are_chosen_by_the_fields_of_the_group_that_asks() {
    let server = ApiServer::new(Options::default());
    let about = json!({"name": "x", "namespace": "default"});
    let old = json!({"metadata": {"name": "old"}, "involvedObject": about, "source": {"component": "c"}});
    ask(&server, &format!("POST {EVENTS}"), &old).await;
    let new = json!({
        "metadata": {"name": "new"}, "regarding": about, "eventTime": "2023-11-14T22:13:20.123456Z",
        "action": "A", "reason": "R", "type": "Normal", "reportingController": "e.com/c", "reportingInstance": "i",
    });
    ask(&server, &format!("POST {NEW_EVENTS}"), &new).await;
    for (path, selector, expected) in [
        (EVENTS, "involvedObject.name=x", "new old"),
        (EVENTS, "source=c", "old"),
        (EVENTS, "source=e.com/c", "new"),
        (EVENTS, "reportingComponent=e.com/c", "new"),
        (EVENTS, "regarding.name=x", "400"),
        (NEW_EVENTS, "regarding.name=x", "new old"),
        (NEW_EVENTS, "reportingController=e.com/c", "new"),
        (NEW_EVENTS, "source=c", "400"),
    ] {
        let (code, list) = ask(&server, &format!("GET {path}?fieldSelector={selector}"), &Value::Null).await;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = items.iter().filter_map(|item| item["metadata"]["name"].as_str()).collect();
        let found = if code == 200 { names.join(" ") } else { code.to_string() };
        assert_eq!(found, expected, "{path} {selector}");
    }
}

#[tokio::test]
async fn events_must_say_who_reports_what() {
    let server = ApiServer::new(Options::default());
    let elsewhere = json!({"metadata": {"name": "e"}, "involvedObject": {"namespace": "kube-system"}});
    let (code, refusal) = ask(&server, &format!("POST {EVENTS}"), &elsewhere).await;
    let message = "Invalid value: \"kube-system\": does not match event.namespace";
    assert_eq!((code, causes(&refusal)), (422, vec![("involvedObject.namespace", message)]));
    let (code, refusal) = ask(&server, &format!("POST {NEW_EVENTS}"), &json!({"metadata": {"name": "e"}})).await;
    let expected = [("eventTime", "Required value"), ("type", "Invalid value: \"\": has invalid value: ")];
    assert_eq!((code, causes(&refusal)), (422, expected.to_vec()));
    let both = json!({
        "metadata": {"name": "e"}, "eventTime": "2023-11-14T22:13:20.123456Z", "reportingController": "c", "type": "Normal",
        "deprecatedCount": 2, "series": {"count": 1},
    });
    let (_, refusal) = ask(&server, &format!("POST {NEW_EVENTS}"), &both).await;
    let expected = [
        ("reportingInstance", "Required value"),
        ("action", "Required value"),
        ("reason", "Required value"),
        ("series.count", "Invalid value: \"\": should be at least 2"),
        ("series.lastObservedTime", "Required value"),
        ("count", "Invalid value: \"\": needs to be unset"),
    ];
    assert_eq!(causes(&refusal), expected);
}

#[tokio::test(start_paused = true)]
async fn a_watch_has_a_bookmark_before_it_ends() {
    let server = ApiServer::new(Options::default());
    // How long it lasts in seconds, and how many bookmarks it then has.
    for (seconds, bookmarks) in [(1, 0), (6, 1), (100, 2)] {
        let path = "/api/v1/configmaps?watch=1&allowWatchBookmarks=true&resourceVersion=1";
        let watch = send(&server, &format!("GET {path}&timeoutSeconds={seconds}"), &Value::Null).await;
        let told = text(watch).await;
        assert_eq!(told.matches("BOOKMARK").count(), bookmarks, "{seconds} s: {told}");
    }
}

#[tokio::test]
async fn an_eviction_asks_the_disruption_budget() {
    let server = ApiServer::new(Options::default());
    let namespace = "/api/v1/namespaces/default";
    let account = json!({"metadata": {"name": "default"}});
    ask(&server, &format!("POST {namespace}/serviceaccounts"), &account).await;
    let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    let budget =
        json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "kept"}}}});
    assert_eq!(ask(&server, &format!("POST {budgets}"), &budget).await.0, 201);
    for name in ["kept", "free"] {
        let pod = json!({
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        });
        assert_eq!(ask(&server, &format!("POST {namespace}/pods"), &pod).await.0, 201);
        let running = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        ask(&server, &format!("MERGE {namespace}/pods/{name}/status"), &running).await;
    }
    let evict = async |name: &str| {
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
        ask(&server, &format!("POST {namespace}/pods/{name}/eviction"), &eviction).await
    };
    let (code, refusal) = evict("kept").await;
    let message = "The disruption budget b is still being processed by the server.";
    assert_eq!((code, causes(&refusal)), (429, vec![("", message)]));
    for (allowed, expected, message) in
        [(0, 429, "The disruption budget b needs 1 healthy pods and has 1 currently"), (1, 201, "")]
    {
        let status = json!({"status": {
            "observedGeneration": 1, "desiredHealthy": 1, "currentHealthy": 1, "expectedPods": 1, "disruptionsAllowed": allowed,
        }});
        ask(&server, &format!("MERGE {budgets}/b/status"), &status).await;
        let (code, answer) = evict("kept").await;
        let told = answer["details"]["causes"][0]["message"].as_str().unwrap_or_default();
        assert_eq!((code, told), (expected, message), "{answer}");
    }
    assert_eq!(evict("free").await.0, 201);
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let server = ApiServer::new(Options::default());
    for path in ["/api", "/version", "/api/v1/namespaces/default"] {
        let response = send(&server, &format!("HEAD {path}"), &Value::Null).await;
        assert_eq!((response.status().as_u16(), text(response).await.as_str()), (405, ""), "{path}");
    }
}
