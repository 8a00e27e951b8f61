//! Requests in, statuses and bodies out, as kube-apiserver 1.36 answers them.
#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they do")]

use futures::StreamExt;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, BodyStream};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use thalweg_apiserver::{ApiServer, Body, Options};
use tower::ServiceExt;

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

fn server() -> ApiServer {
    let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    ApiServer::new(Options { now: Arc::new(move || noon), ..Options::default() })
}

async fn send(server: &ApiServer, method: Method, path: &str, media: &str, body: &str) -> Response<Body> {
    let request =
        Request::builder().method(method).uri(path).header("content-type", media).header("user-agent", "test/1");
    let body = if body.is_empty() { Body::empty() } else { Body::from(body.to_owned()) };
    server.clone().oneshot(request.body(body).unwrap()).await.unwrap()
}

async fn ask(server: &ApiServer, line: &str, body: &str) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let (method, media) = match method {
        "MERGE" => (Method::PATCH, MERGE),
        "APPLY" => (Method::PATCH, APPLY),
        other => (other.parse().unwrap(), JSON),
    };
    let response = send(server, method, path, media, body).await;
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into()))
}

#[tokio::test]
async fn refusals_are_worded_as_the_server_words_them() {
    let server = server();
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"a","labels":{"x":"b"}},"data":{"a":"b"}}"#)
        .await;
    let uid = ask(&server, &format!("GET {CONFIG_MAPS}/a"), "").await.1["metadata"]["uid"].as_str().unwrap().to_owned();
    let version = ask(&server, &format!("GET {CONFIG_MAPS}/a"), "").await.1["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    let cases: Vec<(&str, &str, u16, &str, String)> = include_str!("refusals.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut parts = line.splitn(5, '|');
            let mut part = || parts.next().unwrap_or_else(|| panic!("five parts: {line}")).trim();
            let message = |text: &str| text.replace("{uid}", &uid).replace("{version}", &version);
            (part(), part(), part().parse().unwrap(), part(), message(part()))
        })
        .collect();
    for (line, body, code, reason, message) in cases {
        let line = line.replace("{cm}", CONFIG_MAPS);
        let (got_code, got) = ask(&server, &line, body).await;
        let got_reason = got["reason"].as_str().unwrap_or_default();
        let got_message = got["message"].as_str().unwrap_or_else(|| got.as_str().unwrap_or_default()).trim();
        assert_eq!((got_code, got_reason, got_message), (code, reason, message.as_str()), "{line} {body}");
    }
}

/// The events of a watch until there are this many.
async fn events(response: Response<Body>, count: usize) -> Vec<Value> {
    let mut stream = BodyStream::new(response.into_body());
    let mut events = Vec::new();
    let mut text = Vec::new();
    while events.len() < count {
        let frame = stream.next().await.expect("the watch goes on").unwrap().into_data().unwrap();
        text.extend_from_slice(&frame);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            events.push(serde_json::from_slice(&line).unwrap());
        }
    }
    events
}

fn brief(events: &[Value]) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .map(|event| {
            (text(&event["type"]), text(&event["object"]["metadata"]["name"]), event["object"]["data"].clone())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_of_each_change_in_order() {
    let server = server();
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"a"},"data":{"k":"1"}}"#).await;
    let watch = send(&server, Method::GET, &format!("{CONFIG_MAPS}?watch=true&allowWatchBookmarks=true"), "", "").await;
    let chosen = send(&server, Method::GET, &format!("{CONFIG_MAPS}?watch=true&labelSelector=on=yes"), "", "").await;
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"b","finalizers":["x/y"]},"data":{"k":"1"}}"#)
        .await;
    ask(&server, &format!("MERGE {CONFIG_MAPS}/a"), r#"{"data":{"k":"2"}}"#).await;
    ask(&server, &format!("MERGE {CONFIG_MAPS}/a"), r#"{"data":{"k":"2"}}"#).await;
    ask(&server, &format!("MERGE {CONFIG_MAPS}/a"), r#"{"metadata":{"labels":{"on":"yes"}}}"#).await;
    ask(&server, &format!("MERGE {CONFIG_MAPS}/a"), r#"{"metadata":{"labels":{"on":"no"}}}"#).await;
    ask(&server, &format!("DELETE {CONFIG_MAPS}/b"), "").await;
    ask(&server, &format!("MERGE {CONFIG_MAPS}/b"), r#"{"metadata":{"finalizers":null}}"#).await;
    ask(&server, &format!("DELETE {CONFIG_MAPS}/a"), "").await;
    let told = events(watch, 10).await;
    let expected = [
        ("ADDED", "a", json!({"k": "1"})),
        ("BOOKMARK", "", Value::Null),
        ("ADDED", "b", json!({"k": "1"})),
        ("MODIFIED", "a", json!({"k": "2"})),
        ("MODIFIED", "a", json!({"k": "2"})),
        ("MODIFIED", "a", json!({"k": "2"})),
        ("MODIFIED", "b", json!({"k": "1"})),
        ("DELETED", "b", json!({"k": "1"})),
        ("DELETED", "a", json!({"k": "2"})),
        ("BOOKMARK", "", Value::Null),
    ];
    assert_eq!(brief(&told), expected.map(|(kind, name, data)| (kind.to_owned(), name.to_owned(), data)));
    assert_eq!(told[1]["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    let versions: Vec<u64> = told
        .iter()
        .map(|event| event["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(versions[2..9].windows(2).all(|pair| pair[0] + 1 == pair[1]), "each write has its version: {versions:?}");
    assert_eq!(versions[9], versions[8]);
    let told = events(chosen, 2).await;
    let expected = [("ADDED", "a", json!({"k": "2"})), ("DELETED", "a", json!({"k": "2"}))];
    assert_eq!(brief(&told), expected.map(|(kind, name, data)| (kind.to_owned(), name.to_owned(), data)));
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_before_the_history_is_told_that_it_is_too_old() {
    let server = server();
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"a"}}"#).await;
    server.compact();
    let watch = send(&server, Method::GET, &format!("{CONFIG_MAPS}?watch=true&resourceVersion=1"), "", "").await;
    assert_eq!(watch.status(), 200);
    let bytes = watch.into_body().collect().await.unwrap().to_bytes();
    let event: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(event["type"], "ERROR");
    assert_eq!((&event["object"]["code"], &event["object"]["reason"]), (&json!(410), &json!("Expired")));
}

#[tokio::test]
async fn pages_of_a_list_are_of_one_version() {
    let server = server();
    for name in ["a", "b", "c", "d", "e"] {
        ask(&server, &format!("POST {CONFIG_MAPS}"), &format!(r#"{{"metadata":{{"name":"{name}"}}}}"#)).await;
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, first) = ask(&server, &format!("GET {CONFIG_MAPS}?limit=2"), "").await;
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    assert_eq!(first["items"][0].get("kind"), None);
    ask(&server, &format!("DELETE {CONFIG_MAPS}/c"), "").await;
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"bb"}}"#).await;
    let next =
        |list: &Value| format!("GET {CONFIG_MAPS}?limit=2&continue={}", list["metadata"]["continue"].as_str().unwrap());
    let (_, second) = ask(&server, &next(&first), "").await;
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    server.compact();
    let (code, expired) = ask(&server, &next(&second), "").await;
    assert_eq!((code, &expired["reason"]), (410, &json!("Expired")));
    let (_, rest) = ask(&server, &next(&expired), "").await;
    assert_eq!(names(&rest), ["e"]);
    let at = first["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert!(server.objects_at(at).is_none());
}

#[tokio::test]
async fn a_dry_run_answers_as_a_write_and_writes_nothing() {
    let server = server();
    let (code, object) = ask(&server, &format!("POST {CONFIG_MAPS}?dryRun=All"), r#"{"metadata":{"name":"a"}}"#).await;
    assert_eq!((code, &object["metadata"]["resourceVersion"]), (201, &Value::Null));
    assert_eq!(ask(&server, &format!("GET {CONFIG_MAPS}/a"), "").await.0, 404);
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"a"}}"#).await;
    let (_, patched) = ask(&server, &format!("MERGE {CONFIG_MAPS}/a?dryRun=All"), r#"{"data":{"k":"1"}}"#).await;
    assert_eq!(patched["data"], json!({"k": "1"}));
    assert_eq!(ask(&server, &format!("DELETE {CONFIG_MAPS}/a?dryRun=All"), "").await.0, 200);
    let (_, live) = ask(&server, &format!("GET {CONFIG_MAPS}/a"), "").await;
    assert_eq!(live.get("data"), None);
    assert_eq!(live["metadata"]["resourceVersion"], patched["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn deletion_answers_with_a_status_or_the_marked_object() {
    let server = server();
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"a"}}"#).await;
    let (code, status) = ask(&server, &format!("DELETE {CONFIG_MAPS}/a"), "").await;
    let uid = status["details"]["uid"].clone();
    let details = json!({"name": "a", "kind": "configmaps", "uid": uid});
    let expected =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
    assert_eq!((code, status), (200, expected));
    ask(&server, &format!("POST {CONFIG_MAPS}"), r#"{"metadata":{"name":"a"}}"#).await;
    let (code, object) = ask(&server, &format!("DELETE {CONFIG_MAPS}/a?propagationPolicy=Foreground"), "").await;
    assert_eq!((code, &object["metadata"]["finalizers"]), (200, &json!(["foregroundDeletion"])));
    assert_eq!(object["metadata"]["deletionTimestamp"], "2026-01-01T12:00:00Z");
    let (code, object) = ask(&server, &format!("MERGE {CONFIG_MAPS}/a"), r#"{"metadata":{"finalizers":[]}}"#).await;
    assert_eq!((code, &object["metadata"]["name"]), (200, &json!("a")));
    assert_eq!(ask(&server, &format!("GET {CONFIG_MAPS}/a"), "").await.0, 404);
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_goes() {
    let server = server();
    ask(&server, "POST /api/v1/namespaces", r#"{"metadata":{"name":"n"}}"#).await;
    let (code, namespace) = ask(&server, "DELETE /api/v1/namespaces/n", "").await;
    assert_eq!((code, &namespace["status"]["phase"]), (200, &json!("Terminating")));
    let (code, status) = ask(&server, "POST /api/v1/namespaces/n/configmaps", r#"{"metadata":{"name":"y"}}"#).await;
    assert_eq!(code, 403);
    let cause = json!({"reason": "NamespaceTerminating", "message": "namespace n is being terminated", "field": "metadata.namespace"});
    assert_eq!(status["details"]["causes"], json!([cause]));
    let body = r#"{"metadata":{"name":"n"},"spec":{"finalizers":[]}}"#;
    assert_eq!(ask(&server, "PUT /api/v1/namespaces/n/finalize", body).await.0, 200);
    assert_eq!(ask(&server, "GET /api/v1/namespaces/n", "").await.0, 404);
}

#[tokio::test]
async fn an_apply_creates_then_owns_and_conflicts() {
    let server = server();
    let config = |value: &str| {
        format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"a"}},"data":{{"k":"{value}"}}}}"#)
    };
    let (code, created) = ask(&server, &format!("APPLY {CONFIG_MAPS}/a?fieldManager=one"), &config("1")).await;
    assert_eq!((code, &created["metadata"]["managedFields"][0]["manager"]), (201, &json!("one")), "{created}");
    let (code, again) = ask(&server, &format!("APPLY {CONFIG_MAPS}/a?fieldManager=one"), &config("1")).await;
    assert_eq!((code, again), (200, created));
    let (code, conflict) = ask(&server, &format!("APPLY {CONFIG_MAPS}/a?fieldManager=two"), &config("2")).await;
    assert_eq!((code, &conflict["reason"]), (409, &json!("Conflict")), "{conflict}");
    let (code, _) = ask(&server, &format!("APPLY {CONFIG_MAPS}/a?fieldManager=two&force=true"), &config("2")).await;
    assert_eq!(code, 200);
}

#[tokio::test]
async fn every_request_is_in_the_audit_trail() {
    let server = server();
    let before = server.audit_sequence();
    ask(&server, &format!("POST {CONFIG_MAPS}?dryRun=All"), r#"{"metadata":{"generateName":"a-"}}"#).await;
    ask(&server, &format!("GET {CONFIG_MAPS}/none"), "").await;
    let entries = server.audit_since(before);
    let brief: Vec<_> =
        entries.iter().map(|entry| (entry.verb.as_str(), entry.name.len(), entry.code, entry.dry_run)).collect();
    assert_eq!(brief, [("create", 7, 201, true), ("get", 4, 404, false)]);
    assert_eq!((entries[0].user_agent.as_str(), entries[0].plural.as_str()), ("test/1", "configmaps"));
}

const DEFINITION: &str = r#"{
  "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
  "spec": {
    "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
    "versions": [{
      "name": "v1", "served": true, "storage": true,
      "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
      "schema": {"openAPIV3Schema": {"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"replicas": {"type": "integer", "default": 1}, "size": {"type": "string"}}},
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}}
      }}}
    }]
  }
}"#;
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

#[tokio::test]
async fn a_definition_serves_its_kind_until_its_last_object_is_gone() {
    let server = server();
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(ask(&server, &format!("GET {WIDGETS}"), "").await.0, 404);
    let (code, definition) = ask(&server, &format!("POST {definitions}"), DEFINITION).await;
    assert_eq!(code, 201, "{definition}");
    let body = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","finalizers":["x/y"]},"spec":{"size":"s","odd":1},"status":{"replicas":3}}"#;
    let (code, widget) = ask(&server, &format!("POST {WIDGETS}"), body).await;
    assert_eq!((code, &widget["spec"]), (201, &json!({"replicas": 1, "size": "s"})), "{widget}");
    assert_eq!((&widget["metadata"]["generation"], widget.get("status")), (&json!(1), None));
    let (_, widget) =
        ask(&server, &format!("MERGE {WIDGETS}/w/status"), r#"{"status":{"replicas":2},"spec":{"size":"l"}}"#).await;
    assert_eq!((&widget["status"], &widget["spec"]["size"]), (&json!({"replicas": 2}), &json!("s")), "{widget}");
    assert_eq!(widget["metadata"]["generation"], 1);
    let (code, scale) = ask(&server, &format!("MERGE {WIDGETS}/w/scale"), r#"{"spec":{"replicas":5}}"#).await;
    assert_eq!(
        (code, &scale["kind"], &scale["spec"], &scale["status"]),
        (200, &json!("Scale"), &json!({"replicas": 5}), &json!({"replicas": 2})),
        "{scale}"
    );
    let (_, widget) = ask(&server, &format!("GET {WIDGETS}/w"), "").await;
    assert_eq!((&widget["spec"]["replicas"], &widget["metadata"]["generation"]), (&json!(5), &json!(2)));
    let (_, list) = ask(&server, &format!("GET {WIDGETS}"), "").await;
    assert_eq!((&list["kind"], &list["items"][0]["kind"]), (&json!("WidgetList"), &json!("Widget")));

    let (code, definition) = ask(&server, &format!("DELETE {definitions}/widgets.example.com"), "").await;
    assert_eq!(code, 200);
    assert_eq!(definition["metadata"]["finalizers"], json!(["customresourcecleanup.apiextensions.k8s.io"]));
    let (code, refusal) = ask(
        &server,
        &format!("POST {WIDGETS}"),
        r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"late"}}"#,
    )
    .await;
    let why =
        "widgets.example.com \"late\" is forbidden: create not allowed while custom resource definition is terminating";
    assert_eq!((code, &refusal["message"]), (403, &json!(why)));
    let (_, widget) = ask(&server, &format!("GET {WIDGETS}/w"), "").await;
    assert!(widget["metadata"]["deletionTimestamp"].is_string(), "{widget}");
    ask(&server, &format!("MERGE {WIDGETS}/w"), r#"{"metadata":{"finalizers":null}}"#).await;
    assert_eq!(ask(&server, &format!("GET {WIDGETS}"), "").await.0, 404);
    assert_eq!(ask(&server, &format!("GET {definitions}/widgets.example.com"), "").await.0, 404);
}

#[tokio::test]
async fn a_deployment_has_a_generation_a_status_and_a_scale() {
    let server = server();
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let body = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}},"status":{"replicas":7}}"#;
    let (code, created) = ask(&server, &format!("POST {deployments}"), body).await;
    assert_eq!(
        (code, &created["status"], &created["metadata"]["generation"]),
        (201, &json!({}), &json!(1)),
        "{created}"
    );
    let (_, patched) =
        ask(&server, &format!("MERGE {deployments}/d/status"), r#"{"status":{"replicas":2},"spec":{"replicas":9}}"#)
            .await;
    assert_eq!(
        (&patched["status"]["replicas"], &patched["spec"]["replicas"], &patched["metadata"]["generation"]),
        (&json!(2), &json!(2), &json!(1))
    );
    let (_, patched) =
        ask(&server, &format!("MERGE {deployments}/d"), r#"{"status":{"replicas":9},"spec":{"replicas":3}}"#).await;
    assert_eq!(
        (&patched["status"]["replicas"], &patched["spec"]["replicas"], &patched["metadata"]["generation"]),
        (&json!(2), &json!(3), &json!(2))
    );
    let (_, scale) = ask(&server, &format!("GET {deployments}/d/scale"), "").await;
    assert_eq!(
        (&scale["spec"], &scale["status"]),
        (&json!({"replicas": 3}), &json!({"replicas": 2, "selector": "a=b"}))
    );
    let body = r#"{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":0}}"#;
    let (code, scale) = ask(&server, &format!("PUT {deployments}/d/scale"), body).await;
    assert_eq!((code, &scale["spec"]), (200, &json!({})), "{scale}");
    let (_, deployment) = ask(&server, &format!("GET {deployments}/d"), "").await;
    assert_eq!(deployment["spec"]["replicas"], 0);
    let strategic = r#"{"spec":{"template":{"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}}}}"#;
    let path = format!("{deployments}/d");
    let response = send(&server, Method::PATCH, &path, "application/strategic-merge-patch+json", strategic).await;
    assert_eq!(response.status(), 200);
    let (_, deployment) = ask(&server, &format!("GET {path}"), "").await;
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "i");
}

#[tokio::test(start_paused = true)]
async fn a_pod_goes_at_once_or_after_its_grace() {
    let server = server();
    let pods = "/api/v1/namespaces/default/pods";
    let account = r#"{"metadata":{"name":"default"}}"#;
    ask(&server, "POST /api/v1/namespaces/default/serviceaccounts", account).await;
    for (name, node, finalizers) in [("p", "", "[]"), ("placed", "n1", "[]"), ("held", "", r#"["a/b"]"#)] {
        let spec = format!(r#"{{"nodeName":"{node}","containers":[{{"name":"c","image":"i"}}]}}"#);
        let body = format!(r#"{{"metadata":{{"name":"{name}","finalizers":{finalizers}}},"spec":{spec}}}"#);
        let (code, pod) = ask(&server, &format!("POST {pods}"), &body).await;
        assert_eq!(code, 201, "{pod}");
    }
    let watch = send(
        &server,
        Method::GET,
        &format!("{pods}?watch=true&resourceVersion={}", server.audit_since(0).last().unwrap().resource_version),
        "",
        "",
    )
    .await;
    // What is deleted, and what the answer says: seconds of grace, seconds from now, generation.
    for (path, grace, seconds, generation) in [
        ("p", 0, 0, 2),
        ("placed", 30, 30, 2),
        ("placed?gracePeriodSeconds=60", 30, 30, 2),
        ("placed?gracePeriodSeconds=5", 5, 5, 2),
        ("placed?gracePeriodSeconds=0", 0, 0, 2),
        ("held", 0, 0, 2),
        ("held", 0, 0, 2),
    ] {
        let (code, pod) = ask(&server, &format!("DELETE {pods}/{path}"), "").await;
        let metadata = &pod["metadata"];
        let told = (code, &metadata["deletionGracePeriodSeconds"], &metadata["generation"]);
        assert_eq!(told, (200, &json!(grace), &json!(generation)), "{path}: {pod}");
        assert_eq!(metadata["deletionTimestamp"], json!(format!("2026-01-01T12:00:{seconds:02}Z")), "{path}");
    }
    let told = events(watch, 7).await;
    let kinds: Vec<(String, String)> = brief(&told).into_iter().map(|(kind, name, _)| (kind, name)).collect();
    let expected = [
        ("MODIFIED", "p"),
        ("DELETED", "p"),
        ("MODIFIED", "placed"),
        ("MODIFIED", "placed"),
        ("MODIFIED", "placed"),
        ("DELETED", "placed"),
        ("MODIFIED", "held"),
    ];
    assert_eq!(kinds, expected.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
}

#[tokio::test]
async fn a_list_over_all_namespaces_loses_none_between_its_pages() {
    let server = server();
    for namespace in ["a", "a-b", "ab"] {
        let body = format!(r#"{{"metadata":{{"name":"{namespace}"}}}}"#);
        assert_eq!(ask(&server, "POST /api/v1/namespaces", &body).await.0, 201);
        for name in ["x", "y"] {
            let path = format!("POST /api/v1/namespaces/{namespace}/configmaps");
            ask(&server, &path, &format!(r#"{{"metadata":{{"name":"{name}","labels":{{"paged":""}}}}}}"#)).await;
        }
    }
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("GET /api/v1/configmaps?labelSelector=paged&limit=1&continue={token}");
        let (_, list) = ask(&server, &path, "").await;
        for item in list["items"].as_array().unwrap() {
            let part = |field: &str| item["metadata"][field].as_str().unwrap().to_owned();
            names.push(format!("{}/{}", part("namespace"), part("name")));
        }
        match list["metadata"]["continue"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    // The order of etcd's keys, in which "-" comes before "/".
    assert_eq!(names, ["a-b/x", "a-b/y", "a/x", "a/y", "ab/x", "ab/y"]);
}

#[tokio::test]
async fn what_no_client_should_send_is_answered_all_the_same() {
    let server = server();
    let account = r#"{"metadata":{"name":"default"}}"#;
    ask(&server, "POST /api/v1/namespaces/default/serviceaccounts", account).await;
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gauges.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "gauges", "kind": "Gauge"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "subresources": {"status": {}, "scale": {
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                }},
            }],
        },
    });
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    assert_eq!(ask(&server, &format!("POST {definitions}"), &definition.to_string()).await.0, 201);
    let gauges = "/apis/example.com/v1/namespaces/default/gauges";
    let gauge = r#"{"apiVersion":"example.com/v1","kind":"Gauge","metadata":{"name":"g"},"spec":"full"}"#;
    assert_eq!(ask(&server, &format!("POST {gauges}"), gauge).await.0, 201);
    let pods = "/api/v1/namespaces/default/pods";
    let pod = |name: &str, grace: i64| {
        let spec = json!({"nodeName": "n", "terminationGracePeriodSeconds": grace, "containers": [{"name": "c", "image": "i"}]});
        json!({"metadata": {"name": name}, "spec": spec}).to_string()
    };
    assert_eq!(ask(&server, &format!("POST {pods}"), &pod("p", i64::MAX)).await.0, 201);
    let scale = r#"{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"g"},"spec":{"replicas":1}}"#;
    for (line, body, code) in [
        (format!("PUT {gauges}/g/scale"), scale, 500),
        (format!("DELETE {pods}/p"), "", 200),
        (format!("DELETE {pods}/p?gracePeriodSeconds=9223372036854775806"), "", 200),
        (format!("DELETE {pods}/p?gracePeriodSeconds=5"), "", 200),
    ] {
        let (answered, answer) = ask(&server, &line, body).await;
        assert_eq!(answered, code, "{line}: {answer}");
    }
    let (_, pod) = ask(&server, &format!("GET {pods}/p"), "").await;
    let metadata = &pod["metadata"];
    assert_eq!(metadata["deletionGracePeriodSeconds"], 1, "what was to go beyond the calendar goes now: {metadata}");
    assert_eq!(metadata["deletionTimestamp"], "2026-01-01T12:00:00Z");
    let endless = format!("{pods}?watch=true&timeoutSeconds=18446744073709551615");
    assert_eq!(send(&server, Method::GET, &endless, JSON, "").await.status(), 200);
}

#[tokio::test]
async fn a_definition_in_the_place_of_a_built_in_kind_takes_only_itself_away() {
    let server = server();
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "ingresses.networking.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": "networking.k8s.io", "scope": "Namespaced", "names": {"plural": "ingresses", "kind": "Ingress"},
            "versions": [{
                "name": "v9", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    });
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (code, answer) = ask(&server, &format!("POST {definitions}"), &definition.to_string()).await;
    assert_eq!(code, 201, "{answer}");
    assert_eq!(ask(&server, &format!("DELETE {definitions}/ingresses.networking.k8s.io"), "").await.0, 200);
    assert_eq!(ask(&server, "GET /apis/networking.k8s.io/v1/ingresses", "").await.0, 200);
}
