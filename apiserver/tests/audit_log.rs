//! The audit log: who asked for what and what became of it, as kube-apiserver tells it at the level Metadata.
#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they do")]

use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use thalweg_apiserver::{ApiServer, Body, Options};
use tower::ServiceExt;

const SECRETS: &str = "/api/v1/namespaces/default/secrets";

/// A server and what its log was told.
fn logged() -> (ApiServer, Arc<Mutex<Vec<Value>>>) {
    let noon: Timestamp = "2026-01-01T12:00:00.5Z".parse().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let log = Arc::new(move |event: &Value| told.lock().unwrap().push(event.clone()));
    let options = Options { now: Arc::new(move || noon), audit_log: Some(log), ..Options::default() };
    (ApiServer::new(options), events)
}

async fn send(server: &ApiServer, method: Method, uri: &str, as_user: &str, body: &str) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(uri).header("user-agent", "test/1");
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    if !as_user.is_empty() {
        request = request.header("impersonate-user", as_user);
    }
    server.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

#[tokio::test]
async fn an_event_says_who_asked_for_what_and_nothing_of_what_was_in_it() {
    let (server, events) = logged();
    let secret = r#"{"metadata":{"name":"a"},"stringData":{"key":"hidden"}}"#;
    send(&server, Method::POST, &format!("{SECRETS}?fieldManager=me"), "", secret).await;
    let events = events.lock().unwrap();
    assert_eq!(
        events[..],
        [json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
            "auditID": "00000000-0000-0000-0000-000000000001",
            "requestURI": format!("{SECRETS}?fieldManager=me"), "verb": "create", "userAgent": "test/1",
            "user": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]},
            "objectRef": {"resource": "secrets", "namespace": "default", "name": "a", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 201},
            "requestReceivedTimestamp": "2026-01-01T12:00:00.500000Z", "stageTimestamp": "2026-01-01T12:00:00.500000Z",
        })]
    );
}

#[tokio::test]
async fn every_request_is_told_also_those_that_are_refused_and_those_about_no_object() {
    let (server, events) = logged();
    let body = r#"{"metadata":{"name":"default"}}"#;
    for (method, uri, as_user, body) in [
        (Method::GET, "/api/v1/namespaces/default", "", ""),
        (Method::GET, "/api/v1/namespaces/default", "ada", ""),
        (Method::GET, "/version?timeout=1s", "", ""),
        (Method::GET, "/apis/example.com/v1/widgets", "", ""),
        (Method::POST, "/api/v1/namespaces", "", body),
        (Method::DELETE, SECRETS, "", ""),
        (Method::PUT, "/api/v1/namespaces/default/status", "", "{"),
    ] {
        send(&server, method, uri, as_user, body).await;
    }
    server.loopback("kube-controller-manager").get("v1", "Namespace", "", "none").unwrap_err();
    let brief = |event: &Value| {
        let (user, status, object) = (&event["user"], &event["responseStatus"], &event["objectRef"]);
        let user = event.get("impersonatedUser").unwrap_or(user)["username"].as_str().unwrap();
        let object = ["namespace", "name", "subresource"].map(|key| object[key].as_str().unwrap_or("-")).join(" ");
        let reason = status["reason"].as_str().unwrap_or("-");
        format!(
            "{user} {} {} {object} {} {reason}",
            event["verb"].as_str().unwrap(),
            event["requestURI"],
            status["code"]
        )
    };
    let told: Vec<String> = events.lock().unwrap().iter().map(brief).collect();
    assert_eq!(
        told,
        [
            r#"kubernetes-admin get "/api/v1/namespaces/default" default default - 200 -"#,
            r#"ada get "/api/v1/namespaces/default" default default - 403 Forbidden"#,
            r#"kubernetes-admin get "/version?timeout=1s" - - - 200 -"#,
            r#"kubernetes-admin list "/apis/example.com/v1/widgets" - - - 404 -"#,
            r#"kubernetes-admin create "/api/v1/namespaces" - default - 409 AlreadyExists"#,
            r#"kubernetes-admin deletecollection "/api/v1/namespaces/default/secrets" default - - 200 -"#,
            r#"kubernetes-admin update "/api/v1/namespaces/default/status" default default status 400 BadRequest"#,
            r#"kubernetes-admin get "/api/v1/namespaces/none" - none - 404 NotFound"#,
        ]
    );
}

#[tokio::test]
async fn a_watch_is_told_when_it_begins_and_when_it_ends() {
    let (server, events) = logged();
    let stages = || events.lock().unwrap().iter().map(|event| event["stage"].clone()).collect::<Vec<_>>();
    let watch = send(&server, Method::GET, &format!("{SECRETS}?watch=true"), "", "").await;
    let mut body = watch.into_body();
    assert_eq!(stages(), ["ResponseStarted"]);
    server
        .loopback("test")
        .create(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "default"},
        }))
        .unwrap();
    body.frame().await.unwrap().unwrap();
    assert_eq!(stages(), ["ResponseStarted", "ResponseComplete"]);
    drop(body);
    let events = events.lock().unwrap();
    assert_eq!((&events[2]["verb"], &events[2]["stage"]), (&json!("watch"), &json!("ResponseComplete")));
    assert_eq!(events[2]["auditID"], events[0]["auditID"]);
}
