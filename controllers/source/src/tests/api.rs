//! An API server in memory, as far as this controller needs one: list, watch, GET and merge patches with a resourceVersion.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[derive(Clone, Default)]
pub(crate) struct Api(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    version: u64,
    repositories: BTreeMap<String, Value>,
    secrets: BTreeMap<String, Value>,
    watches: Vec<UnboundedSender<Value>>,
    calls: Vec<String>,
    /// Done before the next patch is looked at, once: what another client does meanwhile.
    meanwhile: Option<Value>,
}

type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

impl Api {
    pub(crate) fn client(&self) -> kube::Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok::<_, tower::BoxError>(api.answer(&head, serde_json::from_slice(&body).unwrap_or_default()))
            }
        });
        kube::Client::new(service, "team")
    }

    /// Requests but lists and watches, since the last call of this.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    pub(crate) fn secret(&self, name: &str, data: Value) {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data});
        self.0.lock().unwrap().secrets.insert(name.to_owned(), secret);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        self.0.lock().unwrap().repositories.get(name).cloned()
    }

    /// What a user does: a merge patch, which makes a new generation when it changes the spec.
    pub(crate) fn apply(&self, name: &str, patch: Value) {
        self.0.lock().unwrap().apply(name, &patch);
    }

    pub(crate) fn delete(&self, name: &str) {
        self.apply(name, json!({"metadata": {"deletionTimestamp": "2026-06-01T11:00:00Z"}}));
    }

    pub(crate) fn meanwhile(&self, patch: Value) {
        self.0.lock().unwrap().meanwhile = Some(patch);
    }

    fn answer(&self, head: &http::request::Parts, body: Value) -> Reply {
        let mut state = self.0.lock().unwrap();
        let segments: Vec<&str> = head.uri.path().trim_start_matches('/').split('/').collect();
        let query = head.uri.query().unwrap_or_default();
        let names =
            segments.iter().position(|segment| *segment == "namespaces").map_or(&[][..], |at| &segments[at + 2..]);
        match (&head.method, names) {
            (&Method::GET, []) if query.contains("watch=true") => state.watch(),
            (&Method::GET, []) => state.list(),
            (method, [kind, name, rest @ ..]) => {
                let call = format!(
                    "{method} {}",
                    [*kind, *name].into_iter().chain(rest.iter().copied()).collect::<Vec<_>>().join("/")
                );
                state.calls.push(call);
                match *method {
                    Method::GET if *kind == "secrets" => found(state.secrets.get(*name)),
                    Method::GET => found(state.repositories.get(*name)),
                    _ => state.patch(name, rest == ["status"], body),
                }
            }
            other => unreachable!("{other:?}"),
        }
    }
}

impl State {
    fn list(&self) -> Reply {
        let items: Vec<&Value> = self.repositories.values().collect();
        json_reply(
            200,
            &json!({"kind": "List", "metadata": {"resourceVersion": self.version.to_string()}, "items": items}),
        )
    }

    fn watch(&mut self) -> Reply {
        let (sender, lines) = unbounded_channel::<Value>();
        self.watches.push(sender);
        let lines = futures::stream::unfold(lines, |mut lines| async move { Some((lines.recv().await?, lines)) });
        let frames = lines.map(|line| Ok(Frame::data(Bytes::from(format!("{line}\n")))));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }

    fn patch(&mut self, name: &str, is_status: bool, mut patch: Value) -> Reply {
        if let Some(meanwhile) = self.meanwhile.take() {
            self.apply(name, &meanwhile);
        }
        let Some(held) = self.repositories.get(name) else { return refused(404, "NotFound") };
        if held.pointer("/metadata/resourceVersion") != patch.pointer("/metadata/resourceVersion") {
            return refused(409, "Conflict");
        }
        let fields = patch.as_object_mut().unwrap();
        if is_status {
            fields.retain(|field, _| field == "status");
        } else {
            fields.remove("status");
        }
        self.apply(name, &patch);
        json_reply(200, &self.repositories.get(name).cloned().unwrap_or(patch))
    }

    fn apply(&mut self, name: &str, patch: &Value) {
        self.version += 1;
        let is_new = !self.repositories.contains_key(name);
        let held = self.repositories.entry(name.to_owned()).or_insert_with(|| {
            json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": {"name": name, "namespace": "team", "uid": format!("uid-{name}"), "generation": 0},
                "status": {"observedGeneration": -1},
            })
        });
        let spec = held["spec"].clone();
        merge(held, patch);
        held["metadata"]["resourceVersion"] = self.version.to_string().into();
        if held["spec"] != spec {
            held["metadata"]["generation"] = (held["metadata"]["generation"].as_i64().unwrap() + 1).into();
        }
        let metadata = &held["metadata"];
        let finalizers = metadata["finalizers"].as_array().map_or(0, Vec::len);
        let is_gone = metadata["deletionTimestamp"].is_string() && finalizers == 0;
        let kind = if is_gone {
            "DELETED"
        } else if is_new {
            "ADDED"
        } else {
            "MODIFIED"
        };
        let event = json!({"type": kind, "object": held});
        self.watches.retain(|watch| watch.send(event.clone()).is_ok());
        if is_gone {
            self.repositories.remove(name);
        }
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (field, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(field);
        } else {
            merge(&mut target[field], value);
        }
    }
}

fn found(object: Option<&Value>) -> Reply {
    object.map_or_else(|| refused(404, "NotFound"), |object| json_reply(200, object))
}

fn refused(code: u16, reason: &str) -> Reply {
    json_reply(code, &json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason}))
}

fn json_reply(code: u16, body: &Value) -> Reply {
    let body = Full::new(Bytes::from(body.to_string())).boxed_unsync();
    Response::builder().status(code).body(body).unwrap()
}
