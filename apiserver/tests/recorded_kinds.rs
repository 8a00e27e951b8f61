//! Objects of built-in kinds become what kube-apiserver makes of them: testdata/kinds/*.yaml and the answers beside them, which
//! tests/end-to-end/tests/agreement records.
#![expect(clippy::disallowed_methods, reason = "tests read their cases from files")]
#![expect(clippy::unwrap_used, reason = "what the test shares with itself may fail as it does")]

use std::path::Path;

use http::{Request, header};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use thalweg_apiserver::{ApiServer, Body, Options};
use tower::ServiceExt;

#[tokio::test]
async fn objects_become_what_the_real_server_makes_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/kinds");
    let server = ApiServer::new(Options::default());
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}});
    create(&server, &account, "").await;
    let mut differing = Vec::new();
    for file in ["cluster", "core", "network", "pods", "workloads"] {
        let probes = std::fs::read_to_string(folder.join(format!("{file}.yaml"))).unwrap();
        let answers = std::fs::read_to_string(folder.join(format!("{file}.expected.json"))).unwrap();
        let answers: Vec<Value> = serde_json::from_str(&answers).unwrap();
        let probes: Vec<Value> =
            serde_yaml::Deserializer::from_str(&probes).map(|document| Value::deserialize(document).unwrap()).collect();
        assert_eq!(probes.len(), answers.len(), "{file}: every object has an answer");
        for (probe, expected) in probes.iter().zip(&answers) {
            let answer = named(create(&server, probe, "?dryRun=All&fieldManager=probe").await);
            let told = format!("{file}: {} {}", probe["kind"], probe["metadata"]);
            compare(&told, &answer, expected, &mut differing);
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

async fn create(server: &ApiServer, object: &Value, query: &str) -> Value {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap().to_lowercase());
    let plural = match kind.as_str() {
        "endpoints" => kind,
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ if kind.ends_with('y') => format!("{}ies", &kind[..kind.len() - 1]),
        _ => format!("{kind}s"),
    };
    let root = if version.contains('/') { "apis" } else { "api" };
    let namespace =
        object["metadata"]["namespace"].as_str().map(|name| format!("/namespaces/{name}")).unwrap_or_default();
    let request = Request::post(format!("/{root}/{version}{namespace}/{plural}{query}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(object.to_string()))
        .unwrap();
    let answer = server.clone().oneshot(request).await.unwrap();
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// The answer with names in place of what must differ, as the recorder writes them.
fn named(answer: Value) -> Value {
    let text = |path: &str| answer.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (uid, address, name) = (text("/metadata/uid"), text("/spec/clusterIP"), text("/metadata/name"));
    let generated = if text("/metadata/generateName").is_empty() { String::new() } else { name };
    let address = if address.starts_with("10.") { address } else { String::new() };
    let names = [(uid, "<uid 1>"), (address, "<address 1>"), (generated, "<generated 1>")];
    rewritten(answer, &|text| {
        if text.len() == 20 && text.starts_with("20") && text.ends_with('Z') && text > "2025" {
            return "<time>".into();
        }
        let known = names.iter().filter(|(value, _)| !value.is_empty());
        known.fold(text.to_owned(), |text, (value, name)| text.replace(value, name))
    })
}

fn rewritten(value: Value, rewrite: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => rewrite(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| rewritten(item, rewrite)).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, rewritten(value, rewrite))).collect(),
        other => other,
    }
}

/// Node ports and the names of token volumes are drawn.
fn is_drawn(ours: &Value, real: &Value) -> bool {
    let begins = |value: &Value, start: &str| value.as_str().is_some_and(|text| text.starts_with(start));
    let port = |value: &Value| value.as_u64().is_some_and(|number| (30_000..32_768).contains(&number));
    begins(ours, "kube-api-access-") && begins(real, "<token volume")
        || port(ours) && (begins(real, "<port") || port(real))
}

fn compare(path: &str, ours: &Value, real: &Value, differing: &mut Vec<String>) {
    match (ours, real) {
        (Value::Object(ours), Value::Object(real)) => {
            let absent = json!("(nothing)");
            let get = |map: &Map<String, Value>, key: &str| map.get(key).unwrap_or(&absent).clone();
            let keys: std::collections::BTreeSet<&String> = ours.keys().chain(real.keys()).collect();
            keys.into_iter()
                .for_each(|key| compare(&format!("{path}.{key}"), &get(ours, key), &get(real, key), differing));
        }
        (Value::Array(ours), Value::Array(real)) if ours.len() == real.len() => {
            let pairs = ours.iter().zip(real).enumerate();
            pairs.for_each(|(index, (ours, real))| compare(&format!("{path}[{index}]"), ours, real, differing));
        }
        (ours, real) if ours != real && !is_drawn(ours, real) => {
            differing.push(format!("{path}: ours {ours}, real {real}"));
        }
        _ => {}
    }
}
