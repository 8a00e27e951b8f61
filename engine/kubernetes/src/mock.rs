//! An API server for tests: a `tower` service that answers as a test says and keeps what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::BoxError;

use crate::Cluster;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn is_watch(&self) -> bool {
        self.query.contains_key("watch")
    }

    fn read(head: http::request::Parts, body: &[u8]) -> Self {
        let pairs = head.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            headers: head.headers,
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }
}

pub(crate) enum Reply {
    Json(u16, Value),
    /// A watch: lines as they come, until the sender is dropped.
    Stream(UnboundedReceiver<Value>),
    /// The connection is refused.
    Refused,
    Never,
}

pub(crate) type Log = Arc<Mutex<Vec<Asked>>>;

/// A client of a server that answers each request with `answer`.
pub(crate) fn client(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (kube::Client, Log) {
    let log = Log::default();
    let (asked, answer) = (log.clone(), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (asked, answer) = (asked.clone(), answer.clone());
        async move {
            let (head, body) = request.into_parts();
            let request = Asked::read(head, &body.collect().await?.to_bytes());
            let reply = answer(&request);
            asked.lock().unwrap().push(request);
            respond(reply).await
        }
    });
    (kube::Client::new(service, "default"), log)
}

pub(crate) fn cluster(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Cluster, Log) {
    let (client, log) = client(answer);
    (Cluster::from_client(client), log)
}

async fn respond(reply: Reply) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, BoxError> {
    let (code, body) = match reply {
        Reply::Json(code, value) => (code, Full::new(Bytes::from(value.to_string())).boxed_unsync()),
        Reply::Stream(lines) => {
            let lines = futures::stream::unfold(lines, |mut lines| async move { Some((lines.recv().await?, lines)) });
            let frames = lines.map(|line| Ok(Frame::data(Bytes::from(format!("{line}\n")))));
            (200, StreamBody::new(frames).boxed_unsync())
        }
        Reply::Refused => return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()),
        Reply::Never => std::future::pending().await,
    };
    Ok(Response::builder().status(code).body(body)?)
}

pub(crate) fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message})
}

/// A refusal that names its object.
pub(crate) fn status_of(name: &str, code: u16, reason: &str, message: &str) -> Value {
    let mut status = status(code, reason, message);
    status["details"] = json!({"name": name});
    status
}

pub(crate) fn refused(code: u16, reason: &str, message: &str) -> Reply {
    Reply::Json(code, status(code, reason, message))
}

pub(crate) fn list(resource_version: &str, items: &[Value]) -> Reply {
    Reply::Json(200, json!({"kind": "List", "metadata": {"resourceVersion": resource_version}, "items": items}))
}

pub(crate) fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

/// A watch that tells these events and stays open.
pub(crate) fn open(events: &[Value]) -> Reply {
    let (sender, lines) = unbounded_channel();
    for event in events {
        sender.send(event.clone()).unwrap();
    }
    // Never dropped, so never closed.
    std::mem::forget(sender);
    Reply::Stream(lines)
}

/// A watch that tells these events and is then closed.
pub(crate) fn closed(events: &[Value]) -> Reply {
    let (sender, lines) = unbounded_channel();
    for event in events {
        sender.send(event.clone()).unwrap();
    }
    Reply::Stream(lines)
}

/// A watch that tells what is sent to it.
pub(crate) fn live() -> (UnboundedSender<Value>, Reply) {
    let (sender, lines) = unbounded_channel();
    (sender, Reply::Stream(lines))
}

/// A server of one collection: lists and watches are answered in turn, and not at all after the last.
pub(crate) fn scripted(lists: Vec<Reply>, watches: Vec<Reply>) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let (lists, watches) = (Mutex::new(VecDeque::from(lists)), Mutex::new(VecDeque::from(watches)));
    move |asked| {
        let replies = if asked.is_watch() { &watches } else { &lists };
        replies.lock().unwrap().pop_front().unwrap_or(Reply::Never)
    }
}

/// An aggregated discovery document: groups with their versions, whether they are stale, and (kind, plural, scope).
pub(crate) type Served<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str, &'a str)]);

pub(crate) fn discovery(served: &[Served<'_>]) -> Value {
    let items = served.iter().map(|(group, version, freshness, kinds)| {
        let resources = kinds.iter().map(|(kind, plural, scope)| {
            json!({"resource": plural, "responseKind": {"group": group, "version": version, "kind": kind}, "scope": scope})
        });
        let resources: Vec<Value> = resources.collect();
        json!({
            "metadata": {"name": group},
            "versions": [{"version": version, "resources": resources, "freshness": freshness}],
        })
    });
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items.collect::<Vec<_>>()})
}
