use std::time::Duration;

use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ObjectMeta;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::mock::{api_server, refused};

fn app() -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some("app".to_owned()),
            namespace: Some("apps".to_owned()),
            uid: Some("uid".to_owned()),
            annotations: Some(BTreeMap::from([
                ("event.toolkit.fluxcd.io/team".to_owned(), "blue".to_owned()),
                ("other".to_owned(), "no".to_owned()),
            ])),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

fn applied(message: &str) -> Event {
    Event::about(&app(), EventKind::Normal, "Apply", "ReconciliationSucceeded", message)
        .with("revision", "main@sha1:abc")
}

fn options(address: Option<&str>) -> EventsOptions {
    EventsOptions {
        reporting_controller: "kustomize-controller".to_owned(),
        reporting_instance: "kustomize-controller-7d9".to_owned(),
        address: address.map(|address| address.parse().unwrap()),
    }
}

fn start(client: kube::Client, metrics: &Metrics, address: Option<&str>) -> Events {
    let clock = Clock::simulated("2026-06-01T10:00:00.5Z".parse().unwrap());
    Events::start(client, clock, Random::seeded(1), metrics.clone(), options(address)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_event_has_every_field_that_the_api_server_asks_for() {
    let (client, calls) = api_server(|call| std::future::ready((201, call.body)));
    let events = start(client, &Metrics::new(), None);
    events.send(applied("ConfigMap/a created"));
    events.flush().await;
    let calls = calls.lock().unwrap().clone();
    let [call] = calls.as_slice() else { panic!("one call: {calls:?}") };
    assert_eq!((&call.method, call.path.as_str()), (&Method::POST, "/apis/events.k8s.io/v1/namespaces/apps/events"));
    let mut event = call.body.clone();
    let name = event["metadata"]["name"].take();
    let (stem, suffix) = name.as_str().unwrap().split_once('.').unwrap();
    assert!(stem == "app" && suffix.len() == 16 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    assert_eq!(
        event,
        json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {
                "name": null, "namespace": "apps",
                "annotations": {"event.toolkit.fluxcd.io/team": "blue", "revision": "main@sha1:abc"},
            },
            "eventTime": "2026-06-01T10:00:00.500000Z",
            "reportingController": "kustomize-controller", "reportingInstance": "kustomize-controller-7d9",
            "action": "Apply", "reason": "ReconciliationSucceeded", "type": "Normal", "note": "ConfigMap/a created",
            "regarding": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "apps", "name": "app", "uid": "uid"},
        })
    );
}

#[tokio::test(start_paused = true)]
async fn equal_events_become_a_series_and_others_do_not() {
    let (client, calls) = api_server(|call| std::future::ready((201, json!({"metadata": {}, "was": call.body}))));
    let events = start(client, &Metrics::new(), None);
    let (minute, long) = (Duration::from_secs(60), Duration::from_secs(7 * 60));
    for (wait, message) in [(minute, "a"), (minute, "a"), (minute, "b"), (minute, "a"), (long, "a")] {
        events.send(applied(message));
        events.flush().await;
        tokio::time::sleep(wait).await;
    }
    tokio::time::sleep(long).await;
    events.send(applied("a"));
    events.flush().await;
    let calls = calls.lock().unwrap().clone();
    let written: Vec<_> = calls
        .iter()
        .map(|call| (call.method.as_str(), call.body["note"].as_str(), call.body["series"]["count"].as_i64()))
        .collect();
    assert_eq!(
        written,
        [
            ("POST", Some("a"), None),
            ("PATCH", None, Some(2)),
            ("POST", Some("b"), None),
            ("PATCH", None, Some(3)),
            ("PATCH", None, Some(4)),
            ("POST", Some("a"), None),
        ]
    );
    assert!(calls[1].path.ends_with(calls[0].body["metadata"]["name"].as_str().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_series_whose_event_expired_begins_anew_and_a_taken_name_is_replaced() {
    let (client, calls) = api_server(|call| {
        std::future::ready(match call.method {
            Method::PATCH => refused(404, "NotFound"),
            _ => (201, call.body),
        })
    });
    let events = start(client, &Metrics::new(), None);
    events.send(applied("a"));
    events.send(applied("a"));
    events.flush().await;
    let methods: Vec<_> = calls.lock().unwrap().iter().map(|call| call.method.clone()).collect();
    assert_eq!(methods, [Method::POST, Method::PATCH, Method::POST]);

    let metrics = Metrics::new();
    let (client, calls) = api_server(|_| std::future::ready(refused(409, "AlreadyExists")));
    let events = start(client, &metrics, None);
    events.send(applied("a"));
    events.flush().await;
    let names: Vec<_> = calls.lock().unwrap().iter().map(|call| call.body["metadata"]["name"].to_string()).collect();
    assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    assert_eq!(dropped(&metrics, "kubernetes"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_message_is_cut_for_the_api_server() {
    let (client, calls) = api_server(|call| std::future::ready((201, call.body)));
    let events = start(client, &Metrics::new(), None);
    events.send(applied(&vec!["ConfigMap/apps/a-name-of-some-length created"; 100].join("\n")));
    events.flush().await;
    let note = calls.lock().unwrap()[0].body["note"].as_str().unwrap().to_owned();
    assert!(note.len() <= NOTE_BYTES_MAX && note.len() > NOTE_BYTES_MAX - 50, "{}", note.len());
    let shown = note.lines().count() - 1;
    assert_eq!(note.lines().last().unwrap(), format!("… and {} more", 100 - shown));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_costs_the_oldest_events_and_nothing_else() {
    let (client, calls) = api_server(|_| std::future::pending());
    let metrics = Metrics::new();
    let events = start(client, &metrics, None);
    tokio::task::yield_now().await;
    for number in 0..EVENTS_MAX + 11 {
        events.send(applied(&number.to_string()));
    }
    assert_eq!(dropped(&metrics, "kubernetes"), 11);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(calls.lock().unwrap()[0].body["note"], "11", "the oldest were dropped");
    assert_eq!(dropped(&metrics, "kubernetes"), 12, "one write timed out");
}

#[tokio::test(start_paused = true)]
async fn waiting_events_are_bounded_in_bytes() {
    let events = Events::in_memory(Clock::system());
    for _ in 0..10 {
        events.send(applied(&"x".repeat(EVENT_BYTES_MAX / 4)));
    }
    assert_eq!(events.taken().len(), 3);
}

fn dropped(metrics: &Metrics, destination: &str) -> u64 {
    let series =
        format!(r#"thalweg_events_dropped_total{{controller="kustomize-controller",destination="{destination}"}} "#);
    let text = metrics.encode();
    text.lines().find_map(|line| line.strip_prefix(series.as_str())).map_or(0, |count| count.parse().unwrap())
}

/// Answers posts with the given codes, one after the other and then with 200, on a real socket; gives the bodies.
async fn receiver(codes: &'static [u16]) -> (String, mpsc::UnboundedReceiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let (bodies, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut codes = codes.iter();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let body = loop {
                stream.read_buf(&mut request).await.unwrap();
                let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
                if let Ok(body) = serde_json::from_slice::<Value>(&request[end + 4..]) {
                    break body;
                }
            };
            let code = codes.next().unwrap_or(&200);
            let answer = format!("HTTP/1.1 {code} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            bodies.send(body).unwrap();
        }
    });
    (address, received)
}

#[tokio::test]
async fn an_event_is_posted_as_flux_posts_it() {
    let (address, mut received) = receiver(&[]).await;
    let (client, _) = api_server(|call| std::future::ready((201, call.body)));
    let events = start(client, &Metrics::new(), Some(&address));
    let source = ObjectReference { kind: Some("GitRepository".to_owned()), ..ObjectReference::default() };
    events.send(Event::about(&app(), EventKind::Trace, "Apply", "Progressing", "not posted"));
    events.send(Event { kind: EventKind::Warning, ..applied("failed\nbadly").with_related(source) });
    assert_eq!(
        received.recv().await.unwrap(),
        json!({
            "involvedObject": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "apps", "name": "app", "uid": "uid"},
            "relatedObject": {"kind": "GitRepository"},
            "severity": "error", "timestamp": "2026-06-01T10:00:00Z", "message": "failed\nbadly",
            "reason": "ReconciliationSucceeded", "action": "Apply",
            "metadata": {"event.toolkit.fluxcd.io/team": "blue", "revision": "main@sha1:abc"},
            "reportingController": "kustomize-controller", "reportingInstance": "kustomize-controller-7d9",
        })
    );
}

#[tokio::test]
async fn a_heartbeat_is_posted_and_is_no_event_in_kubernetes() {
    let (address, mut received) = receiver(&[]).await;
    let (client, calls) = api_server(|call| std::future::ready((201, call.body)));
    let events = start(client, &Metrics::new(), Some(&address));
    events.send(Event { kind: EventKind::Heartbeat, ..applied("nothing changed") });
    events.flush().await;
    assert_eq!(received.recv().await.unwrap()["severity"], "info");
    assert!(calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn server_errors_are_retried_and_other_refusals_are_not() {
    let (address, mut received) = receiver(&[503, 429, 404]).await;
    let (client, _) = api_server(|call| std::future::ready((201, call.body)));
    let metrics = Metrics::new();
    let events = start(client, &metrics, Some(&address));
    for message in ["first", "second"] {
        events.send(applied(message));
    }
    events.flush().await;
    let posted: Vec<_> = std::iter::from_fn(|| received.try_recv().ok()).map(|body| body["message"].clone()).collect();
    assert_eq!(posted, ["first", "first", "second"], "503 is retried, 429 is an answer, 404 is final");
    assert_eq!(dropped(&metrics, "events-addr"), 1);
}
