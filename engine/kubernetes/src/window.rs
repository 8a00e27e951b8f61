//! How many requests may be under way at once, how long one may take, and how large its answer may be.
//!
//! Watches are let through: they take no place in the window, for they never end, and their answers are streams.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, Service, ServiceExt as _};

/// Requests under way at once, when nothing else is asked for; half of what API priority and fairness grants a workload.
pub(crate) const IN_FLIGHT_DEFAULT: usize = 64;
/// How long an exchange may take, without the waits that it asks for. The API server itself gives up after a minute.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(65);
/// How large an answer may be; a page of 500 large objects is the largest that we ask for.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A layer that lets `in_flight` requests through at once; the others wait in turn.
#[derive(Clone, Debug)]
pub struct Window {
    places: Arc<Semaphore>,
}

impl Window {
    /// A window of `in_flight` requests, at least one.
    pub fn new(in_flight: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(in_flight.max(1))) }
    }
}

impl<S> Layer<S> for Window {
    type Service = Windowed<S>;

    fn layer(&self, inner: S) -> Windowed<S> {
        Windowed { places: self.places.clone(), inner }
    }
}

/// A service behind a [`Window`].
#[derive(Clone, Debug)]
pub struct Windowed<S> {
    places: Arc<Semaphore>,
    inner: S,
}

impl<S> Service<Request<Body>> for Windowed<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, places) = (self.inner.clone(), self.places.clone());
        Box::pin(async move {
            if is_watch(&request) {
                return inner.oneshot(request).await.map_err(Into::into);
            }
            let _place = places.acquire_owned().await?;
            tokio::time::timeout(EXCHANGE_TIMEOUT, exchange(inner, request)).await?
        })
    }
}

async fn exchange<S>(inner: S, request: Request<Body>) -> Result<Response<Body>, BoxError>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<BoxError>,
{
    let (head, body) = inner.oneshot(request).await.map_err(Into::into)?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok(Response::from_parts(head, Body::from(body)))
}

fn is_watch(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1" | "follow=true"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_so_many_requests_are_under_way_and_watches_do_not_count() {
        let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, highest) = (under_way.clone(), most.clone());
        let slow = tower::service_fn(move |request: Request<Body>| {
            let (counted, highest) = (counted.clone(), highest.clone());
            async move {
                if is_watch(&request) {
                    std::future::pending::<()>().await;
                }
                highest.fetch_max(counted.fetch_add(1, SeqCst) + 1, SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                counted.fetch_sub(1, SeqCst);
                Ok::<_, BoxError>(Response::new(Body::empty()))
            }
        });
        let window = Window::new(3).layer(slow);
        let request = |uri: &str| Request::get(uri).body(Body::empty()).unwrap();
        for _ in 0..10 {
            tokio::spawn(window.clone().oneshot(request("/api/v1/pods?watch=true")));
        }
        let requests = (0..9).map(|_| window.clone().oneshot(request("/api/v1/pods")));
        let started = tokio::time::Instant::now();
        futures::future::try_join_all(requests).await.unwrap();
        assert_eq!((most.load(SeqCst), started.elapsed().as_secs()), (3, 3));
    }
}
