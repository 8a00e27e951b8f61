//! The layer.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures::future::BoxFuture;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use super::label::{Label, Side, call};
use super::rates::{Chance, Nature};
use super::{Fault, Schedule, Stale, body};

/// A request that was answered, or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// When it was sent, since the layer was made.
    pub at: Duration,
    /// Its name; the method and path of one that has no label.
    pub call: String,
    /// The code that arrived; 0 for none.
    pub code: u16,
    /// What went wrong.
    pub fault: Option<Fault>,
}

/// What lies between one program and its API server. Clones share everything.
#[derive(Clone)]
pub struct Wire {
    namespace: Arc<str>,
    started: Instant,
    chance: Arc<Mutex<Chance>>,
    state: Arc<watch::Sender<State>>,
}

#[derive(Default)]
struct State {
    at: VecDeque<(Label, Fault)>,
    stale: Option<Stale>,
    end: Option<(usize, Side)>,
    has_ended: bool,
    in_flight: usize,
    /// Requests with a label that were sent.
    asked: usize,
    passed: Vec<Passed>,
    labels: Vec<Label>,
    sent: BTreeMap<String, usize>,
}

/// What becomes of a request.
enum Way {
    Through,
    Faulty(Fault),
    Nowhere,
}

impl Wire {
    /// A wire whose labels do not show `namespace`; empty for none.
    pub fn new(namespace: &str, schedule: Schedule) -> Self {
        let wire = Self {
            namespace: namespace.into(),
            started: Instant::now(),
            chance: Arc::new(Mutex::new(Chance::new(schedule.rates.clone(), schedule.seed))),
            state: Arc::new(watch::Sender::default()),
        };
        wire.begin(schedule);
        wire
    }

    /// Counts from here on, by another schedule.
    pub fn begin(&self, schedule: Schedule) {
        *self.chance.lock().unwrap_or_else(PoisonError::into_inner) = Chance::new(schedule.rates, schedule.seed);
        self.state.send_modify(|state| {
            (state.at, state.end, state.stale) = (schedule.at.into(), schedule.end, schedule.stale);
            state.asked = 0;
            (state.labels, state.passed, state.sent) = (Vec::new(), Vec::new(), BTreeMap::new());
        });
    }

    /// The labels of the requests answered since [`begin`](Self::begin), in the order of the answers. Those that were
    /// answered 409 are left out: another run may not meet the conflict.
    pub fn labels(&self) -> Vec<Label> {
        self.state.borrow().labels.clone()
    }

    /// All requests answered since [`begin`](Self::begin), those without a label too.
    pub fn passed(&self) -> Vec<Passed> {
        self.state.borrow().passed.clone()
    }

    /// Waits until the program has ended, and what it had under way is answered: that may or may not happen when a
    /// process ends, and here it does.
    pub async fn ended(&self) {
        let mut state = self.state.subscribe();
        let _ = state.wait_for(|state| state.has_ended && state.in_flight == 0).await;
    }

    /// Waits until no request that has a label was answered for this long.
    pub async fn quiet(&self, pause: Duration) {
        loop {
            let before = self.state.borrow().labels.len();
            tokio::time::sleep(pause).await;
            let state = self.state.borrow();
            if state.labels.len() == before && state.in_flight == 0 {
                return;
            }
        }
    }

    /// Whether the program has ended.
    pub fn has_ended(&self) -> bool {
        self.state.borrow().has_ended
    }

    /// The program ends: no further request is sent, and no answer arrives any more.
    pub fn end(&self) {
        self.state.send_modify(|state| state.has_ended = true);
    }

    fn way(&self, call: Option<&str>, nature: Nature) -> Way {
        let drawn = self.chance.lock().unwrap_or_else(PoisonError::into_inner).request(nature);
        let mut way = Way::Nowhere;
        self.state.send_modify(|state| {
            if state.has_ended {
                return;
            }
            let nth = call.map(|call| state.next(call));
            let is_due =
                state.at.front().is_some_and(|(label, _)| call == Some(label.call.as_str()) && nth == Some(label.nth));
            state.asked += usize::from(call.is_some());
            let end = state.end.filter(|(nth, _)| call.is_some() && *nth == state.asked).map(|(_, side)| side.end());
            let fault = if is_due { state.at.pop_front().map(|(_, fault)| fault) } else { end.or(drawn) };
            state.has_ended |= fault == Some(Fault::EndBefore);
            way = match fault {
                _ if state.has_ended => Way::Nowhere,
                None => Way::Through,
                Some(fault) => Way::Faulty(fault),
            };
            state.in_flight += usize::from(!matches!(way, Way::Nowhere | Way::Faulty(Fault::Silent)));
        });
        way
    }

    /// Notes an answer; whether it may arrive.
    fn note(&self, passed: Passed, is_labelled: bool) -> bool {
        let mut may_arrive = false;
        self.state.send_modify(|state| {
            state.in_flight -= 1;
            if !state.has_ended {
                if is_labelled && passed.code != 409 {
                    let nth = state.next(&passed.call);
                    state.sent.insert(passed.call.clone(), nth);
                    state.labels.push(Label { call: passed.call.clone(), nth });
                }
                state.has_ended = passed.fault == Some(Fault::EndAfter);
                state.passed.push(passed);
            }
            may_arrive = !state.has_ended;
        });
        may_arrive
    }
}

impl State {
    fn next(&self, call: &str) -> usize {
        self.sent.get(call).map_or(1, |nth| nth + 1)
    }
}

impl<S> Layer<S> for Wire {
    type Service = Wired<S>;

    fn layer(&self, inner: S) -> Wired<S> {
        Wired { wire: self.clone(), inner }
    }
}

/// A service at the other end of a [`Wire`].
#[derive(Clone)]
pub struct Wired<S> {
    wire: Wire,
    inner: S,
}

impl<S, B> Service<Request<Body>> for Wired<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (wire, inner) = (self.wire.clone(), self.inner.clone());
        Box::pin(async move {
            let label = call(&request, &wire.namespace);
            let is_watch = request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
            let nature = match (request.method(), &label) {
                (&Method::GET, None) => Nature::ReadMany,
                (&Method::GET, Some(_)) => Nature::Read,
                _ => Nature::Write,
            };
            let at = wire.started.elapsed();
            let fault = match wire.way(label.as_deref(), nature) {
                Way::Nowhere => return pending().await,
                Way::Through => None,
                Way::Faulty(fault) => Some(fault),
            };
            let stale = wire.state.borrow().stale.filter(|stale| Instant::now() < stale.until);
            let request = match stale {
                Some(stale) if is_watch => {
                    tokio::time::sleep_until(stale.until).await;
                    request
                }
                Some(stale) if nature == Nature::ReadMany => as_of(stale.resource_version, request),
                _ => request,
            };
            let name = label.clone().unwrap_or_else(|| format!("{} {}", request.method(), request.uri()));
            let answer = carry(request, inner, fault.clone()).await;
            let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            tracing::debug!(call = name, code, ?fault, "answered");
            if !wire.note(Passed { at, call: name, code, fault }, label.is_some()) {
                return pending().await;
            }
            let answer = answer?;
            Ok(if is_watch && code == 200 {
                answer.map(|body| body::events(body, wire.chance.clone()))
            } else {
                answer
            })
        })
    }
}

type Answer = Response<body::Body>;

async fn carry<S, B>(request: Request<Body>, inner: S, fault: Option<Fault>) -> Result<Answer, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let send = async move |request| -> Result<Answer, BoxError> {
        let answer = inner.oneshot(request).await.map_err(Into::into)?;
        Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
    };
    match fault {
        None | Some(Fault::EndAfter) => send(request).await,
        Some(Fault::EndBefore | Fault::Silent) => pending().await,
        Some(Fault::Refused { code, retry_after }) => Ok(refusal(code, retry_after)),
        Some(Fault::AnswerLost { code }) => send(request).await.map(|_| refusal(code, None)),
        Some(Fault::Reset) => broken(send(request).await?, true).await,
        Some(Fault::Truncated) => broken(send(request).await?, false).await,
        Some(Fault::Slow(delay)) => {
            tokio::time::sleep(delay).await;
            send(request).await
        }
        Some(Fault::Pretended) => pretended(send(as_dry_run(request)).await?).await,
    }
}

async fn broken(answer: Answer, is_error: bool) -> Result<Answer, BoxError> {
    let (parts, body) = answer.into_parts();
    Ok(Response::from_parts(parts, body::cut(body, is_error).await))
}

/// The answer to a dry run, with a resourceVersion as if it had been none.
async fn pretended(answer: Answer) -> Result<Answer, BoxError> {
    let (mut parts, body) = answer.into_parts();
    let mut object: Value = serde_json::from_slice(&body.collect().await?.to_bytes())?;
    if let Some(Value::String(version)) = object.pointer_mut("/metadata/resourceVersion") {
        *version = (version.parse::<u64>()? + 1).to_string();
    }
    parts.headers.remove(CONTENT_LENGTH);
    let body = Full::from(object.to_string()).map_err(|never| match never {}).boxed_unsync();
    Ok(Response::from_parts(parts, body))
}

fn as_dry_run(request: Request<Body>) -> Request<Body> {
    with_query(request, "dryRun=All")
}

/// A list as of a resourceVersion; its further pages are of the same one anyway.
fn as_of(resource_version: u64, request: Request<Body>) -> Request<Body> {
    if request.uri().query().is_some_and(|query| query.contains("continue=")) {
        return request;
    }
    with_query(request, &format!("resourceVersion={resource_version}&resourceVersionMatch=Exact"))
}

fn with_query(request: Request<Body>, more: &str) -> Request<Body> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path();
    let query = parts.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
    parts.uri = format!("{path}?{query}{more}").parse().expect("a URI with more parameters is a URI");
    Request::from_parts(parts, body)
}

fn refusal(code: u16, retry_after: Option<u32>) -> Answer {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "InternalError",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
        "message": format!("a fault of the test: {reason}"),
        "details": {"retryAfterSeconds": retry_after.unwrap_or_default()},
    });
    let mut answer = Response::builder().status(code).header(CONTENT_TYPE, "application/json");
    if let Some(seconds) = retry_after {
        answer = answer.header(RETRY_AFTER, seconds);
    }
    let body = Full::from(status.to_string()).map_err(|never| match never {}).boxed_unsync();
    answer.body(body).expect("a status, two headers and a text are an answer")
}
