//! A server that says when to come again is asked again then: `Retry-After`, as client-go obeys it.
//!
//! The API server refuses so before it has looked at the request (priority and fairness, a start, a shutdown), and whoever
//! comes back sooner makes it worse. The wait takes no place in the window.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Request, Response, StatusCode};
use kube::client::Body;
use tokio::time::sleep;
use tower::{BoxError, Service, ServiceExt as _};

/// How often one request is sent again (client-go: 10).
const REPEATED_MAX: u32 = 10;
/// What we wait for; a longer time is for the caller to spend otherwise, and the answer is passed on.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// A service that comes again when it is told.
pub(crate) fn obeying<S>(
    inner: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send + 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send + 'static,
{
    tower::service_fn(move |mut request: Request<Body>| {
        let inner = inner.clone();
        async move {
            for _ in 0..REPEATED_MAX {
                let again = copy(&request);
                let answer = inner.clone().oneshot(request).await?;
                let (Some(pause), Some(again)) = (pause(&answer), again) else { return Ok(answer) };
                drop(answer);
                sleep(pause).await;
                request = again;
            }
            inner.oneshot(request).await
        }
    })
}

fn pause(answer: &Response<Body>) -> Option<Duration> {
    let status = answer.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|pause| *pause <= PAUSE_MAX)
}

/// A body that is streamed cannot be sent twice; ours are all in memory.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    *copy.headers_mut() = request.headers().clone();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use http_body_util::BodyExt as _;
    use tokio::time::Instant;

    use super::*;

    /// When a request arrived, and its body, for each time that it did: seconds since the first.
    async fn asked(refused: u32, status: u16, header: Option<&'static str>) -> (u16, Vec<(u64, String)>) {
        let (arrived, count) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU32::new(0)));
        let (log, started) = (arrived.clone(), Instant::now());
        let server = tower::service_fn(move |request: Request<Body>| {
            let (log, count) = (log.clone(), count.clone());
            async move {
                let body = request.into_body().collect().await?.to_bytes();
                log.lock().unwrap().push((started.elapsed().as_secs(), String::from_utf8_lossy(&body).into_owned()));
                let status = if count.fetch_add(1, Ordering::Relaxed) < refused { status } else { 200 };
                let mut answer = Response::builder().status(status);
                if let Some(seconds) = header {
                    answer = answer.header(RETRY_AFTER, seconds);
                }
                Ok::<_, BoxError>(answer.body(Body::empty())?)
            }
        });
        let request = Request::patch("/apis/a").body(Body::from(b"{}".to_vec())).unwrap();
        let answer = obeying(server).oneshot(request).await.unwrap();
        let arrived = arrived.lock().unwrap().clone();
        (answer.status().as_u16(), arrived)
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_sent_again_when_the_server_says_and_not_before() {
        for (status, header, expected) in [
            (429, Some("3"), (200, vec![0, 3, 6])),
            (503, Some("1"), (200, vec![0, 1, 2])),
            (429, None, (429, vec![0])),
            (503, None, (503, vec![0])),
            (409, Some("3"), (409, vec![0])),
            (429, Some("3600"), (429, vec![0])),
            (429, Some("Wed, 21 Oct 2026 07:28:00 GMT"), (429, vec![0])),
        ] {
            let (code, arrived) = asked(2, status, header).await;
            let times = arrived.iter().map(|(at, _)| *at).collect::<Vec<_>>();
            assert_eq!((code, times), expected, "{status} {header:?}");
            assert!(arrived.iter().all(|(_, body)| body == "{}"), "{arrived:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_has_time_is_told_to_the_caller() {
        let (code, arrived) = asked(u32::MAX, 429, Some("1")).await;
        assert_eq!((code, arrived.len()), (429, 11));
    }
}
