//! The requests of one controller instance: named, counted, and ended where a test says.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service, ServiceExt as _};

/// One request of a fault-free run: what it does to which object, for the how-manieth time.
///
/// `apply configmaps/a 1`. Lists, watches, discovery, Leases and Events have none; neither has a request that is answered
/// 409, because another run may not meet the conflict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label {
    pub(crate) call: String,
    pub(crate) nth: usize,
}

/// On which side of a request an instance ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The request is not sent.
    Before,
    /// The server has carried it out and answered.
    After,
}

/// Where an instance ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) side: Side,
    pub(crate) label: Label,
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        write!(formatter, "{side}/{} {}", self.label.call, self.label.nth)
    }
}

impl FromStr for Point {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let wrong = || anyhow::anyhow!("a crash point is `before/VERB RESOURCE/NAME NTH` or `after/…`, not {text:?}");
        let (side, label) = text.split_once('/').ok_or_else(wrong)?;
        let (call, nth) = label.rsplit_once(' ').ok_or_else(wrong)?;
        let side = match side {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return Err(wrong()),
        };
        let label = Label { call: call.to_owned(), nth: nth.parse().map_err(|_| wrong())? };
        Ok(Point { side, label })
    }
}

/// The requests of one instance: a layer under its client. Clones share everything.
#[derive(Clone)]
pub(crate) struct Calls {
    namespace: Arc<str>,
    state: Arc<watch::Sender<State>>,
}

#[derive(Default)]
struct State {
    point: Option<Point>,
    has_ended: bool,
    in_flight: usize,
    /// In the order of the answers.
    labels: Vec<Label>,
    answered: BTreeMap<String, usize>,
}

impl Calls {
    /// The requests of an instance that works in `namespace`, whose name no label shows.
    pub(crate) fn new(namespace: &str) -> Self {
        Self { namespace: namespace.into(), state: Arc::new(watch::Sender::default()) }
    }

    /// The namespace in which the instance works.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Counts from here on; at `point`, if there is one, the instance ends.
    pub(crate) fn begin(&self, point: Option<Point>) {
        self.state.send_modify(|state| {
            (state.point, state.labels, state.answered) = (point, Vec::new(), BTreeMap::new());
        });
    }

    /// The requests answered since [`begin`](Self::begin).
    pub(crate) fn labels(&self) -> Vec<Label> {
        self.state.borrow().labels.clone()
    }

    /// Waits until the instance has ended at its point, and what it had under way is answered: that may or may not
    /// happen when a process ends, and here it does.
    pub(crate) async fn ended(&self, limit: Duration) -> anyhow::Result<()> {
        let mut state = self.state.subscribe();
        let ended = tokio::time::timeout(limit, state.wait_for(|state| state.has_ended && state.in_flight == 0)).await;
        ended.map(drop).map_err(|_| {
            let labels: Vec<String> =
                self.labels().iter().map(|label| format!("\n  {} {}", label.call, label.nth)).collect();
            anyhow::anyhow!("this point was not reached within {limit:?}; the requests were{}", labels.concat())
        })
    }

    /// No further request is sent, and no answer arrives any more.
    pub(crate) fn end(&self) {
        self.state.send_modify(|state| state.has_ended = true);
    }

    /// Waits until nothing has been asked for this long.
    pub(crate) async fn quiet(&self, pause: Duration) {
        loop {
            let before = self.state.borrow().labels.len();
            tokio::time::sleep(pause).await;
            let state = self.state.borrow();
            if state.labels.len() == before && state.in_flight == 0 {
                return;
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.state.borrow().has_ended
    }

    /// Whether the request may be sent; if so, it is under way.
    fn may_send(&self, call: &str) -> bool {
        let mut may_send = false;
        self.state.send_if_modified(|state| {
            state.has_ended |= state.is_at(call, Side::Before);
            may_send = !state.has_ended;
            state.in_flight += usize::from(may_send);
            true
        });
        may_send
    }

    /// Whether the answer may arrive; in any case the request is not under way any more.
    fn may_arrive(&self, call: &str, is_conflict: bool) -> bool {
        let mut may_arrive = false;
        self.state.send_if_modified(|state| {
            state.in_flight -= 1;
            if !is_conflict && !state.has_ended {
                let is_the_end = state.is_at(call, Side::After);
                let nth = state.next(call);
                state.labels.push(Label { call: call.to_owned(), nth });
                state.answered.insert(call.to_owned(), nth);
                state.has_ended = is_the_end;
            }
            may_arrive = !state.has_ended;
            true
        });
        may_arrive
    }
}

impl State {
    fn next(&self, call: &str) -> usize {
        self.answered.get(call).map_or(1, |nth| nth + 1)
    }

    fn is_at(&self, call: &str, side: Side) -> bool {
        let next = self.next(call);
        self.point
            .as_ref()
            .is_some_and(|point| point.side == side && point.label.call == call && point.label.nth == next)
    }
}

impl<S> Layer<S> for Calls {
    type Service = Called<S>;

    fn layer(&self, inner: S) -> Called<S> {
        Called { calls: self.clone(), inner }
    }
}

/// A service whose requests are [`Calls`].
#[derive(Clone)]
pub(crate) struct Called<S> {
    calls: Calls,
    inner: S,
}

impl<S> Service<Request<Body>> for Called<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (calls, inner) = (self.calls.clone(), self.inner.clone());
        Box::pin(async move {
            let Some(call) = call(&request, &calls.namespace) else {
                if calls.has_ended() {
                    return pending().await;
                }
                let answer = inner.oneshot(request).await;
                return if calls.has_ended() { pending().await } else { answer };
            };
            if !calls.may_send(&call) {
                return pending().await;
            }
            let answer = inner.oneshot(request).await;
            let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            tracing::debug!(namespace = &*calls.namespace, call, code, "answered");
            let is_conflict = answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::CONFLICT);
            if calls.may_arrive(&call, is_conflict) { answer } else { pending().await }
        })
    }
}

/// `VERB RESOURCE/NAME`, if the request is counted. `namespace` is left out of names that hold it.
fn call(request: &Request<Body>, namespace: &str) -> Option<String> {
    let uri = request.uri();
    let segments: Vec<&str> = uri.path().split('/').skip(1).collect();
    let rest = match segments.as_slice() {
        ["api", _version, rest @ ..] | ["apis", _, _version, rest @ ..] => rest,
        _ => return None,
    };
    let (resource, name, subresource) = match rest {
        ["namespaces", _, resource, rest @ ..] if !matches!(*resource, "status" | "finalize") => {
            (*resource, rest.first(), rest.get(1))
        }
        [resource, rest @ ..] => (*resource, rest.first(), rest.get(1)),
        [] => return None,
    };
    if matches!(resource, "leases" | "events") {
        return None;
    }
    let is_dry_run = uri.query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("dryRun=")));
    let is_apply = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/apply-patch+yaml");
    let verb = match (request.method(), name, subresource) {
        (&Method::GET, None, _) => return None,
        (&Method::GET, Some(_), _) => "get",
        _ if is_dry_run => "dry-run",
        (&Method::POST, ..) => "create",
        (&Method::PUT, ..) => "update",
        (&Method::PATCH, ..) if is_apply => "apply",
        (&Method::PATCH, _, Some(&"status")) => "patch-status",
        (&Method::PATCH, ..) => "patch",
        (&Method::DELETE, ..) => "delete",
        (method, ..) => method.as_str(),
    };
    let name = name.copied().unwrap_or_default().replace(namespace, "NAMESPACE");
    Some(format!("{verb} {resource}/{name}"))
}

#[test]
fn a_request_is_named_by_what_it_does_to_which_object() {
    let check = |method: &str, uri: &str, content: &str, expected: Option<&str>| {
        let request = Request::builder().method(method).uri(uri).header(CONTENT_TYPE, content).body(Body::empty());
        assert_eq!(call(&request.unwrap(), "here").as_deref(), expected, "{method} {uri}");
    };
    let (apply, merge) = ("application/apply-patch+yaml", "application/merge-patch+json");
    let kustomization = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/here/kustomizations/apps";
    check("PATCH", "/api/v1/namespaces/here/configmaps/a?force=true", apply, Some("apply configmaps/a"));
    check("PATCH", "/api/v1/namespaces/here/configmaps/a?dryRun=All", apply, Some("dry-run configmaps/a"));
    check("PATCH", kustomization, merge, Some("patch kustomizations/apps"));
    check("PATCH", &format!("{kustomization}/status"), merge, Some("patch-status kustomizations/apps"));
    check("DELETE", "/api/v1/namespaces/here/secrets/a", "", Some("delete secrets/a"));
    check("GET", "/api/v1/namespaces/here", "", Some("get namespaces/NAMESPACE"));
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/here-reader";
    check("GET", role, "", Some("get clusterroles/NAMESPACE-reader"));
    for uncounted in ["/api", "/apis/apps/v1", "/api/v1/configmaps?watch=true", "/api/v1/namespaces/here/configmaps"] {
        check("GET", uncounted, "", None);
    }
    check("POST", "/apis/events.k8s.io/v1/namespaces/here/events", "", None);
    check("PATCH", "/apis/coordination.k8s.io/v1/namespaces/here/leases/a", merge, None);
}
