//! The headers that every ARM answer carries.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

/// The content type of every body.
pub(super) const JSON: &str = "application/json; charset=utf-8";

/// Characters of a caller's own request id that are repeated to it.
const ID_CHARS_MAX: usize = 128;

/// Gives the request an id, the answer its headers, and the log a line; what is logged holds no query, header or body.
pub(super) async fn complete(request: Request, next: Next) -> Response {
    let id = Uuid::new_v4().to_string();
    let correlation = said(request.headers(), "x-ms-correlation-request-id");
    let client = said(request.headers(), "x-ms-return-client-request-id")
        .filter(|wanted| wanted.as_bytes().eq_ignore_ascii_case(b"true"))
        .and_then(|_| said(request.headers(), "x-ms-client-request-id"));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = tracing::debug_span!("request", %method, path, request_id = id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.in_scope(|| {
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), "request failed");
        } else {
            tracing::debug!(status = status.as_u16(), "request answered");
        }
    });
    let id = HeaderValue::from_str(&id).expect("a UUID is plain text");
    let headers = response.headers_mut();
    headers.insert("x-ms-correlation-request-id", correlation.unwrap_or_else(|| id.clone()));
    headers.insert("x-ms-request-id", id);
    if let Some(client) = client {
        headers.insert("x-ms-client-request-id", client);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(JSON));
    }
    response
}

fn said(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    headers.get(name).filter(|value| !value.is_empty() && value.len() <= ID_CHARS_MAX).cloned()
}
