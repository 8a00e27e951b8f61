//! Records what a real kube-apiserver answers to the steps of testdata/merge: see the README there.
//!
//! `cargo run -p thalweg-merge --example record -- ADDRESS [CASE…]`, where ADDRESS is that of a `kubectl proxy`, such as `127.0.0.1:8001`.
#![expect(clippy::disallowed_methods, reason = "this tool writes testdata, and is no part of the crate")]
#![expect(clippy::print_stdout, reason = "a person waits for it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

/// Times have whole seconds: the entries of two steps differ when the steps are further apart.
const BETWEEN_STEPS: Duration = Duration::from_millis(1100);

/// The time of an entry that a case brings along.
const GIVEN_TIME: &str = "2020-01-01T00:00:00Z";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the address of a kubectl proxy");
    let wanted: Vec<String> = arguments.collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/merge");
    let mut cases: Vec<_> =
        fs::read_dir(&folder).expect("testdata/merge").map(|entry| entry.expect("a case").path()).collect();
    cases.retain(|case| case.is_dir() && (wanted.is_empty() || wanted.iter().any(|name| case.ends_with(name))));
    cases.sort();
    for case in cases {
        println!("{}", case.display());
        let text = fs::read_to_string(case.join("case.yaml")).expect("case.yaml");
        let answers = Recording::new(&address, &serde_yaml::from_str(&text).expect("YAML")).answers();
        let answers = serde_json::to_string_pretty(&answers).expect("JSON") + "\n";
        fs::write(case.join("answers.json"), answers).expect("writing answers.json");
    }
}

struct Recording<'a> {
    address: &'a str,
    case: &'a Value,
    /// Times and resource versions, by the step at which they were first seen.
    seen: BTreeMap<String, usize>,
}

impl<'a> Recording<'a> {
    fn new(address: &'a str, case: &'a Value) -> Self {
        Self { address, case, seen: BTreeMap::new() }
    }

    fn answers(mut self) -> Value {
        if let Some(definition) = self.case.get("definition") {
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            let name = definition["metadata"]["name"].as_str().expect("a name");
            self.call("DELETE", &format!("{path}/{name}"), "application/json", "");
            sleep(BETWEEN_STEPS);
            let (code, answer) = self.call("POST", path, "application/json", &definition.to_string());
            assert_eq!(code, 201, "{answer}");
            sleep(2 * BETWEEN_STEPS);
        }
        let whole = self.case["path"].as_str().expect("a path");
        let (collection, name) = whole.rsplit_once('/').expect("…/plural/name");
        self.call("DELETE", &format!("{whole}?gracePeriodSeconds=0"), "application/json", "");
        let mut last = Value::Null;
        let mut answers = Vec::new();
        for (position, step) in self.case["steps"].as_array().expect("steps").iter().enumerate() {
            sleep(BETWEEN_STEPS);
            if let Some(definition) = step.get("definition") {
                let name = definition["metadata"]["name"].as_str().expect("a name");
                let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
                let (code, answer) = self.call("PATCH", &path, "application/merge-patch+json", &definition.to_string());
                assert_eq!(code, 200, "{answer}");
                sleep(3 * BETWEEN_STEPS);
                answers.push(json!({"code": code}));
                continue;
            }
            let path = step["path"].as_str().unwrap_or(whole).to_string();
            let (code, live) = self.call("GET", &path, "", "");
            let live = if code == 200 { self.normalised(live, position) } else { Value::Null };
            let mut answer = serde_json::Map::new();
            if live != last {
                answer.insert("before".to_string(), live.clone());
            }
            let (code, body) = self.step(step, &path, collection, name, position);
            last = if (200..300).contains(&code) { body.clone() } else { live };
            answer.insert("code".to_string(), code.into());
            answer.insert("body".to_string(), body);
            answers.push(answer.into());
        }
        self.call("DELETE", &format!("{whole}?gracePeriodSeconds=0"), "application/json", "");
        Value::Array(answers)
    }

    fn step(&mut self, step: &Value, path: &str, collection: &str, name: &str, position: usize) -> (u16, Value) {
        let action = step["do"].as_str().expect("an action");
        let subresource = step["subresource"].as_str().map_or_else(String::new, |name| format!("/{name}"));
        let mut query = vec!["fieldValidation=Ignore".to_string()];
        query.extend(step["manager"].as_str().map(|manager| format!("fieldManager={}", manager.replace(' ', "%20"))));
        query.extend((step["force"] == true).then(|| "force=true".to_string()));
        let query = query.join("&");
        let patch = |kind: &'static str| ("PATCH", format!("{path}{subresource}?{query}"), kind);
        let mut body = step["body"].clone();
        if body.is_object() && matches!(action, "apply" | "create" | "update") {
            body["metadata"]["name"] = name.into();
        }
        let (method, path, kind) = match action {
            "apply" => patch("application/apply-patch+yaml"),
            "merge" => patch("application/merge-patch+json"),
            "strategic" => patch("application/strategic-merge-patch+json"),
            "json" => patch("application/json-patch+json"),
            "create" => ("POST", format!("{collection}?{query}"), "application/json"),
            "update" => {
                let (_, live) = self.call("GET", path, "", "");
                body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
                ("PUT", format!("{path}{subresource}?{query}"), "application/json")
            }
            other => panic!("no such action: {other}"),
        };
        let (code, answer) = self.call(method, &path, kind, &body.to_string());
        (code, self.normalised(answer, position))
    }

    /// What is not the same every time: names of the step at which it was first seen.
    fn normalised(&mut self, mut value: Value, position: usize) -> Value {
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return value };
        for (name, fixed) in [("uid", "uid"), ("creationTimestamp", "2000-01-01T00:00:00Z")] {
            if metadata.contains_key(name) {
                metadata.insert(name.to_string(), fixed.into());
            }
        }
        if let Some(version) = metadata.get_mut("resourceVersion") {
            *version = self.first_seen(version, position).to_string().into();
        }
        for entry in metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(time) = entry.get_mut("time").filter(|time| **time != GIVEN_TIME) {
                *time = format!("2000-01-01T00:00:{:02}Z", self.first_seen(time, position)).into();
            }
        }
        value
    }

    fn first_seen(&mut self, value: &Value, position: usize) -> usize {
        *self.seen.entry(value.as_str().unwrap_or_default().to_string()).or_insert(position)
    }

    fn call(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).expect("a kubectl proxy");
        let agent = "recorder/1.0";
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {agent}\r\nConnection: close\r\nAccept: application/json\r\n",
            self.address
        );
        write!(stream, "{head}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code");
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_string()
        };
        (code, serde_json::from_str(&body).unwrap_or(Value::Null))
    }
}

fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).expect("the size of a chunk");
        text += &rest[..size];
        body = rest[size..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    text
}
