//! The service: requests in, answers out.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::answer::Answer;
use crate::audit::{Entry, Event};
use crate::auth::{self, Attributes};
use crate::body::{Body, Error};
use crate::loopback::Loopback;
use crate::object::Object;
use crate::options::Options;
use crate::request::{Call, Payload, Query, Target, Verb};
use crate::respond;
use crate::state::State;
use crate::status::Status;
use crate::table::{self, View};
use crate::{discovery, openapi};

/// A Kubernetes API server. A clone is the same server.
#[derive(Clone, Debug)]
pub struct ApiServer {
    state: Arc<Mutex<State>>,
}

impl ApiServer {
    /// A server with the namespaces of a new cluster.
    pub fn new(options: Options) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(options))) }
    }

    /// A server of its own that begins with all that this one holds: cheap, since objects are shared until they change.
    pub fn fork(&self, options: Options) -> Self {
        Self { state: Arc::new(Mutex::new(self.state().fork(options))) }
    }

    /// The requests after this sequence number, as the audit trail recorded them.
    pub fn audit_since(&self, sequence: u64) -> Vec<Arc<Entry>> {
        self.state().audit.since(sequence)
    }

    /// The sequence number of the newest request.
    pub fn audit_sequence(&self) -> u64 {
        self.state().audit.sequence()
    }

    /// Verbs without HTTP, as an administrator; `manager` is the field manager and the user agent.
    pub fn loopback(&self, manager: &str) -> Loopback {
        Loopback::new(self.clone(), manager)
    }

    /// The objects of every kind as they were when this resourceVersion was the newest; `None` beyond the history.
    pub fn objects_at(&self, resource_version: u64) -> Option<Vec<Arc<Object>>> {
        self.state().store.everything_at(resource_version)
    }

    /// Forgets the history: watches from the past, and pages of old lists, are answered 410 from now on.
    pub fn compact(&self) {
        self.state().store.compact(0);
    }

    /// All that the server knows. Held for no longer than one request.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, head: &Parts, body: Result<Bytes, Status>) -> Response<Body> {
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let pretty = query.flag("pretty");
        let (method, uri) = (head.method.as_str().to_lowercase(), head.uri.path_and_query());
        let mut state = self.state();
        let mut event =
            state.received(&method, uri.map_or("", PathAndQuery::as_str), header(&head.headers, &USER_AGENT));
        let answered = Self::answer(&mut state, head, query, body, &mut event);
        let (view, answer) = answered.unwrap_or_else(|status| (View::Whole, Err(status)));
        let unfinished = event.and_then(|event| event.answered(&state.options, &answer));
        let written = respond::write(&state, view, pretty, answer);
        drop(state);
        let response = written.into_response(self.clone());
        match unfinished {
            Some(unfinished) => response.map(|body| body.holding(unfinished)),
            None => response,
        }
    }

    fn answer(
        state: &mut State,
        head: &Parts,
        query: Query,
        body: Result<Bytes, Status>,
        event: &mut Option<Event>,
    ) -> Result<(View, Result<Answer, Status>), Status> {
        let path = head.uri.path();
        let Some(target) = Target::parse(path) else {
            let verb = head.method.as_str().to_lowercase();
            let asked = Attributes::path(&verb, path);
            let user = auth::authenticate(state, &head.headers, &asked)?;
            event.iter_mut().for_each(|event| event.by(&user));
            auth::authorize(state, &user, &asked)?;
            return Ok((View::Whole, not_resource(state, head)));
        };
        let verb = target.verb(&head.method, &query).ok_or_else(Status::method_not_allowed)?;
        let is_namespace = target.is_namespace();
        let mut name = target.name;
        let chosen =
            query.get("fieldSelector").strip_prefix("metadata.name=").filter(|name| !name.contains([',', '=']));
        if let Some(chosen) = chosen.filter(|_| name.is_empty() && matches!(verb, Verb::List | Verb::Watch)) {
            name = chosen.to_owned();
        }
        let attributes = Attributes {
            verb: verb.as_str(),
            group: &target.group,
            plural: &target.plural,
            subresource: &target.subresource,
            // A namespace is in itself, as kube-apiserver sees it: who may read a namespace may be said inside it.
            namespace: if is_namespace { &name } else { &target.namespace },
            name: &name,
            path: "",
        };
        event.iter_mut().for_each(|event| event.about(&attributes, &target.version));
        let user = auth::authenticate(state, &head.headers, &attributes)?;
        event.iter_mut().for_each(|event| event.by(&user));
        auth::authorize(state, &user, &attributes)?;
        let Some(served) = state.registry.find(&target.group, &target.version, &target.plural) else {
            return Ok((View::Whole, Ok(discovery::unknown(&state.registry, path))));
        };
        let view = table::negotiate(header(&head.headers, &ACCEPT), &query)?;
        let bytes = body?;
        let payload = match header(&head.headers, &CONTENT_TYPE) {
            "" if bytes.is_empty() => Payload::Empty,
            media => Payload::Raw(media.to_owned(), bytes),
        };
        let call = Call {
            verb,
            served,
            namespace: target.namespace,
            name,
            subresource: target.subresource,
            query,
            payload,
            view,
            user,
            user_agent: header(&head.headers, &USER_AGENT).to_owned(),
        };
        Ok((view, state.perform(&call)))
    }
}

fn not_resource(state: &State, head: &Parts) -> Result<Answer, Status> {
    if head.method != Method::GET {
        return Err(Status::method_not_allowed());
    }
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    let found = discovery::respond(state, path, query, &head.headers);
    let found = found.or_else(|| openapi::respond(state, path, query, &head.headers));
    found.unwrap_or_else(|| Ok(discovery::unknown(&state.registry, path)))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl<B> tower::Service<Request<B>> for ApiServer
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Error>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let bytes_max = server.state().options.body_bytes_max;
            let body = match Limited::new(body, bytes_max).collect().await {
                Ok(collected) => Ok(collected.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => Err(Status::too_large(bytes_max)),
                Err(error) => Err(Status::bad_request(error.to_string())),
            };
            let mut response = server.respond(&head, body);
            // Clients of HTTP/2 end the connection when a HEAD is answered with a body.
            if head.method == Method::HEAD {
                *response.body_mut() = Body::empty();
            }
            Ok(response)
        })
    }
}
