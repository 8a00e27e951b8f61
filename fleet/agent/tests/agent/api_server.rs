//! As much of an API server as the agent uses: Secrets, Namespaces and FluxConfigurations, with watches, server-side
//! apply of whole specs, merge patches, preconditions and finalizers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub(crate) const CONFIGURATIONS: &str = "/apis/thalweg.dev/v1alpha1";

#[derive(Clone, Default)]
pub(crate) struct ApiServer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By path.
    objects: BTreeMap<String, Value>,
    resource_version: u64,
    /// The specs that were applied last, by path.
    applied: BTreeMap<String, Value>,
    watchers: Vec<(String, UnboundedSender<Value>)>,
    requests: Vec<(Method, String)>,
    /// Requests (method, part of the path) to fail once, after they took effect or before.
    failures: Vec<(Method, String, bool)>,
}

type Answer = (u16, Value);

impl ApiServer {
    pub(crate) fn client(&self) -> kube::Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.serve(request).await }
        });
        kube::Client::new(service, "default")
    }

    /// A FluxConfiguration, if it is there.
    pub(crate) fn configuration(&self, namespace: &str, name: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(&path_of(namespace, name)).cloned()
    }

    pub(crate) fn configurations(&self) -> usize {
        self.0.lock().unwrap().objects.keys().filter(|path| path.contains("/fluxconfigurations/")).count()
    }

    pub(crate) fn object(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().objects.get(path).cloned()
    }

    /// Someone else changes a FluxConfiguration, or makes it.
    pub(crate) fn edit(&self, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.0.lock().unwrap();
        let path = path_of(namespace, name);
        let mut object = state.objects.get(&path).cloned().unwrap_or_else(|| {
            json!({"apiVersion": "thalweg.dev/v1alpha1", "kind": "FluxConfiguration",
                   "metadata": {"name": name, "namespace": namespace}, "spec": {}})
        });
        change(&mut object);
        state.store(&path, object);
    }

    /// Someone else deletes a FluxConfiguration, or ends its finalizers.
    pub(crate) fn remove(&self, namespace: &str, name: &str) {
        self.0.lock().unwrap().discard(&path_of(namespace, name));
    }

    pub(crate) fn deletes(&self) -> usize {
        self.0.lock().unwrap().requests.iter().filter(|(method, _)| method == Method::DELETE).count()
    }

    pub(crate) fn writes(&self) -> usize {
        let state = self.0.lock().unwrap();
        state.requests.iter().filter(|(method, path)| method == Method::PATCH && path.contains("fluxconf")).count()
    }

    /// The next such request fails: before it takes effect, or with its answer lost.
    pub(crate) fn fail_once(&self, method: Method, path: &str, after: bool) {
        self.0.lock().unwrap().failures.push((method, path.to_owned(), after));
    }

    async fn serve(&self, request: Request<Body>) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, kube::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let query: BTreeMap<String, String> = head
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let path = head.uri.path().to_owned();
        let mut state = self.0.lock().unwrap();
        if query.contains_key("watch") {
            let (sender, lines) = unbounded_channel();
            let since: u64 = query["resourceVersion"].parse().unwrap();
            for object in state.objects.values().filter(|object| version(object) > since) {
                sender.send(json!({"type": "MODIFIED", "object": object})).unwrap();
            }
            state.watchers.push((path, sender));
            let lines = futures::stream::unfold(lines, |mut lines| async move { Some((lines.recv().await?, lines)) });
            let frames = lines.map(|line: Value| Ok(Frame::data(Bytes::from(format!("{line}\n")))));
            return Ok(Response::new(StreamBody::new(frames).boxed_unsync()));
        }
        state.requests.push((head.method.clone(), path.clone()));
        let failure = state
            .failures
            .iter()
            .position(|(method, part, _)| *method == head.method && path.contains(part))
            .map(|index| state.failures.remove(index).2);
        let kind = head.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        let broken = || refused(500, "InternalError", "", "it broke");
        let (code, answer) = match failure {
            Some(false) => broken(),
            Some(true) => {
                state.answer(&head.method, &path, &query, &kind, body);
                broken()
            }
            None => state.answer(&head.method, &path, &query, &kind, body),
        };
        let body = Full::new(Bytes::from(answer.to_string())).boxed_unsync();
        Ok(Response::builder().status(code).body(body).unwrap())
    }
}

impl State {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        query: &BTreeMap<String, String>,
        kind: &str,
        body: Value,
    ) -> Answer {
        let name = path.rsplit('/').next().unwrap().to_owned();
        match (method.as_str(), path) {
            ("GET", "/version") => (
                200,
                json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}),
            ),
            ("GET", "/api/v1/nodes") => (
                200,
                json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": "1", "continue": "more", "remainingItemCount": 4},
                "items": [{"metadata": {"name": "a"}}]}),
            ),
            ("GET", "/api" | "/apis") => (200, discovery(path)),
            ("GET", _) if path == format!("{CONFIGURATIONS}/fluxconfigurations") => {
                let items: Vec<_> = self
                    .objects
                    .iter()
                    .filter(|(path, _)| path.contains("/fluxconfigurations/"))
                    .map(|(_, object)| object.clone())
                    .collect();
                let metadata = json!({"resourceVersion": self.resource_version.to_string()});
                (200, json!({"kind": "List", "metadata": metadata, "items": items}))
            }
            ("GET", _) => match self.objects.get(path) {
                Some(object) => (200, object.clone()),
                None => refused(404, "NotFound", &name, "not found"),
            },
            ("POST", _) => {
                let name = body["metadata"]["name"].as_str().unwrap().to_owned();
                let path = format!("{path}/{name}");
                match self.objects.contains_key(&path) {
                    true => refused(409, "AlreadyExists", &name, "already exists"),
                    false => (201, self.store(&path, body)),
                }
            }
            ("PATCH", _) if kind.contains("apply") => self.apply(path, &name, query["force"] == "true", body),
            ("PATCH", _) => self.merge(path, &name, body),
            ("DELETE", _) => self.delete(path, &name, &body),
            _ => refused(405, "MethodNotAllowed", "", "no"),
        }
    }

    fn apply(&mut self, path: &str, name: &str, force: bool, body: Value) -> Answer {
        let uid = body["metadata"].get("uid");
        let namespace = body["metadata"]["namespace"].as_str().unwrap();
        match self.objects.get(path).cloned() {
            None if uid.is_some() => refused(409, "Conflict", name, "uid mismatch"),
            None if !self.objects.contains_key(&format!("/api/v1/namespaces/{namespace}")) => {
                refused(404, "NotFound", namespace, "namespaces not found")
            }
            None => {
                self.applied.insert(path.to_owned(), body["spec"].clone());
                (201, self.store(path, body))
            }
            Some(live) if uid.is_some_and(|uid| *uid != live["metadata"]["uid"]) => {
                refused(409, "Conflict", name, "uid mismatch")
            }
            Some(live) if !force && live["spec"] != body["spec"] => {
                refused(409, "Conflict", name, "Apply failed with 1 conflict")
            }
            Some(mut live) => {
                let before = self.applied.insert(path.to_owned(), body["spec"].clone()).unwrap_or_default();
                give_up(&mut live["spec"], &before, &body["spec"]);
                merge_into(&mut live["spec"], &body["spec"]);
                for field in ["labels", "annotations"] {
                    for (key, value) in body["metadata"][field].as_object().unwrap() {
                        live["metadata"][field][key] = value.clone();
                    }
                }
                (200, self.store(path, live))
            }
        }
    }

    fn merge(&mut self, path: &str, name: &str, patch: Value) -> Answer {
        let Some(mut live) = self.objects.get(path).cloned() else {
            return refused(404, "NotFound", name, "not found");
        };
        let expected = &patch["metadata"]["resourceVersion"];
        if expected.is_string() && *expected != live["metadata"]["resourceVersion"] {
            return refused(409, "Conflict", name, "the object has been modified");
        }
        if live["kind"] == "FluxConfiguration" {
            merge_into(&mut live["spec"], &patch["spec"]);
            return (200, self.store(path, live));
        }
        for (key, value) in patch["data"].as_object().into_iter().flatten() {
            match value {
                Value::Null => live["data"].as_object_mut().unwrap().remove(key),
                value => live["data"].as_object_mut().unwrap().insert(key.clone(), value.clone()),
            };
        }
        live["stringData"] = patch["stringData"].clone();
        (200, self.store(path, live))
    }

    fn delete(&mut self, path: &str, name: &str, options: &Value) -> Answer {
        let Some(mut live) = self.objects.get(path).cloned() else {
            return refused(404, "NotFound", name, "not found");
        };
        for (field, wanted) in options["preconditions"].as_object().into_iter().flatten() {
            if live["metadata"][field] != *wanted {
                return refused(409, "Conflict", name, "the precondition does not hold");
            }
        }
        if live["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty()) {
            live["metadata"]["deletionTimestamp"] = json!("2026-11-21T12:00:00Z");
            return (200, self.store(path, live));
        }
        self.discard(path);
        (200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
    }

    /// Stores an object as the server does, unless nothing changed, and tells the watchers.
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        if let Some(texts) = object.as_object_mut().unwrap().remove("stringData") {
            for (key, text) in texts.as_object().into_iter().flatten() {
                let text = text.as_str().unwrap();
                object["data"][key] = json!(base64::engine::general_purpose::STANDARD.encode(text));
            }
        }
        let before = self.objects.get(path).cloned();
        if before.as_ref() == Some(&object) {
            return object;
        }
        self.resource_version += 1;
        let generation = match &before {
            None => {
                object["metadata"]["uid"] = json!(format!("uid-{}", self.resource_version));
                1
            }
            Some(before) => {
                let generation = before["metadata"]["generation"].as_i64().unwrap_or(1);
                generation + i64::from(before["spec"] != object["spec"])
            }
        };
        object["metadata"]["generation"] = json!(generation);
        object["metadata"]["resourceVersion"] = json!(self.resource_version.to_string());
        self.objects.insert(path.to_owned(), object.clone());
        self.tell(path, if before.is_some() { "MODIFIED" } else { "ADDED" }, &object);
        object
    }

    fn discard(&mut self, path: &str) {
        let Some(mut object) = self.objects.remove(path) else { return };
        self.resource_version += 1;
        object["metadata"]["resourceVersion"] = json!(self.resource_version.to_string());
        self.tell(path, "DELETED", &object);
    }

    fn tell(&mut self, path: &str, kind: &str, object: &Value) {
        if path.contains("/fluxconfigurations/") {
            let event = json!({"type": kind, "object": object});
            self.watchers.retain(|(_, watcher)| watcher.send(event.clone()).is_ok());
        }
    }
}

/// A merge patch.
fn merge_into(live: &mut Value, patch: &Value) {
    for (key, value) in patch.as_object().unwrap() {
        match value {
            Value::Null => drop(live.as_object_mut().unwrap().remove(key)),
            Value::Object(_) if live[key].is_object() => merge_into(&mut live[key], value),
            value => live[key] = value.clone(),
        }
    }
}

/// Removes what was applied before and no longer is.
fn give_up(live: &mut Value, before: &Value, after: &Value) {
    for (key, value) in before.as_object().into_iter().flatten() {
        match after.get(key) {
            None => drop(live.as_object_mut().unwrap().remove(key)),
            Some(after) if live[key].is_object() => give_up(&mut live[key], value, after),
            Some(_) => {}
        }
    }
}

pub(crate) fn path_of(namespace: &str, name: &str) -> String {
    format!("{CONFIGURATIONS}/namespaces/{namespace}/fluxconfigurations/{name}")
}

fn version(object: &Value) -> u64 {
    let is_ours = object["kind"] == "FluxConfiguration";
    if is_ours { object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap() } else { 0 }
}

fn refused(code: u16, reason: &str, name: &str, message: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
                        "message": message, "details": {"name": name}});
    (code, status)
}

fn discovery(path: &str) -> Value {
    let resources = json!([{"resource": "fluxconfigurations", "responseKind": {"kind": "FluxConfiguration"}, "scope": "Namespaced"}]);
    let items = match path {
        "/apis" => json!([{"metadata": {"name": "thalweg.dev"},
                           "versions": [{"version": "v1alpha1", "freshness": "Current", "resources": resources}]}]),
        _ => json!([]),
    };
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items})
}
