//! The hub on HTTP: routes, who may use them, envelopes and headers.
//!
//! Every request is authenticated before anything else is looked at, also one that no route serves; [`OPERATIONS`] is the
//! whole list of routes and says which kind of caller each is for. `/healthz` alone needs no token.

mod headers;
mod operation;
mod path;
mod query;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use thalweg_protocol::{ErrorEnvelope, code};
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::{Api, Failure};
pub use operation::{Audience, OPERATIONS, Operation};
use request::{Reply, authenticate, perform};

/// The hub as a service: paths in any case, headers and envelopes as ARM has them, a panic is a 500.
pub fn router<A: Api>(api: Arc<A>) -> Router {
    let mut routes = Router::new();
    for operation in OPERATIONS {
        let filter = MethodFilter::try_from(operation.method()).expect("operations have usual methods");
        let handler = move |State(api): State<Arc<A>>, names: Option<Path<_>>, request: Request| async move {
            let Path(names) = names.unwrap_or(Path(BTreeMap::new()));
            answer(perform(&*api, *operation, names, request).await)
        };
        routes = routes.route(&operation.path().to_ascii_lowercase(), on(filter, handler));
    }
    let routes = routes
        .method_not_allowed_fallback(no_method::<A>)
        .fallback(no_route::<A>)
        .with_state(api)
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request handler panicked");
            answer(Err(Failure::new(500, code::INTERNAL_SERVER_ERROR, "The hub could not do this. Its log says why.")))
        }))
        .layer(axum::middleware::from_fn(headers::complete));
    Router::new().fallback_service(tower::util::MapRequestLayer::new(path::canonical_request).layer(routes))
}

/// No type of this hub, or a part of ARM that it does not serve yet.
async fn no_route<A: Api>(State(api): State<Arc<A>>, request: Request) -> Response {
    if let Err(failure) = authenticate(&*api, request.headers()).await {
        return answer(Err(failure));
    }
    let path = request.uri().path();
    answer(Err(if path.split('/').any(|segment| segment == "operations" || segment == "operationstatuses") {
        Failure::new(
            404,
            code::NOT_SUPPORTED,
            "Operation URLs are not supported yet: a PUT answers at once; read the resource's provisioningState.",
        )
    } else {
        Failure::new(
            404,
            code::INVALID_RESOURCE_TYPE,
            "This hub serves resourceGroups, Microsoft.Kubernetes/connectedClusters and \
             Microsoft.KubernetesConfiguration/fluxConfigurations; the path names none of them.",
        )
    }))
}

/// A type of this hub, a verb that it does not serve.
async fn no_method<A: Api>(State(api): State<Arc<A>>, matched: Option<MatchedPath>, request: Request) -> Response {
    if let Err(failure) = authenticate(&*api, request.headers()).await {
        return answer(Err(failure));
    }
    let message = if request.method() == axum::http::Method::PATCH {
        "PATCH is not supported yet: PUT the whole resource.".to_owned()
    } else {
        format!("{} is not supported here.", request.method())
    };
    let mut response = answer(Err(Failure::new(405, code::METHOD_NOT_ALLOWED, message)));
    let served = OPERATIONS
        .iter()
        .filter(|operation| matched.as_ref().is_some_and(|path| path.as_str().eq_ignore_ascii_case(operation.path())));
    let allow = served.map(|operation| operation.method().to_string()).collect::<Vec<_>>().join(", ");
    if let Ok(allow) = HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// A reply or a failure as a response; what the caller is not told goes to the log.
fn answer(result: Result<Reply, Failure>) -> Response {
    match result {
        Ok(Reply { status, body: None }) => status.into_response(),
        Ok(Reply { status, body: Some(json) }) => {
            (status, [(header::CONTENT_TYPE, headers::JSON)], Body::from(json)).into_response()
        }
        Err(Failure { status, error, cause }) => {
            if let Some(cause) = cause {
                tracing::error!(error = %chain(&cause), "a request failed");
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = serde_json::to_vec(&ErrorEnvelope { error }).expect("an error is text alone");
            let mut response = (status, [(header::CONTENT_TYPE, headers::JSON)], body).into_response();
            if status == StatusCode::UNAUTHORIZED {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"thalweg\""));
            }
            response
        }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
