//! Answering probes and scrapes.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Metrics;

/// An address cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nothing can listen there.
    #[error("listening on {address}")]
    Listen {
        /// The address, as it was given.
        address: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The server ended.
    #[error("serving")]
    Serve(#[source] io::Error),
}

/// Listens on an address in Go's form, `host:port` or `:port` for every interface. `None` for an empty address and for
/// `0`, which switch a server off.
pub async fn listen(address: &str) -> Result<Option<TcpListener>, ServeError> {
    let listening = match address.strip_prefix(':') {
        _ if address.is_empty() || address == "0" => return Ok(None),
        None => TcpListener::bind(address).await,
        Some(port) => match port.parse::<u16>() {
            Err(_) => Err(io::Error::new(io::ErrorKind::InvalidInput, "the port is not a number below 65536")),
            Ok(port) => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
                Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
                }
                listening => listening,
            },
        },
    };
    listening.map(Some).map_err(|source| ServeError::Listen { address: address.to_owned(), source })
}

/// Serves `/metrics` until `shutdown`.
pub async fn serve_metrics(
    listener: TcpListener,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    serve(listener, metrics_router(metrics), shutdown).await
}

/// Serves `/healthz` and `/readyz` until `shutdown`. Both say that the process answers and no more, as Flux's do.
pub async fn serve_health(listener: TcpListener, shutdown: CancellationToken) -> Result<(), ServeError> {
    serve(listener, health_router(), shutdown).await
}

/// Serves a router until `shutdown`, then lets open requests finish.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> Result<(), ServeError> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await.map_err(ServeError::Serve)
}

fn metrics_router(metrics: Metrics) -> Router {
    const TYPE: [(&str, &str); 1] = [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    Router::new().route("/metrics", get(async move || (TYPE, metrics.encode())))
}

fn health_router() -> Router {
    Router::new().route("/healthz", get(async || "ok")).route("/readyz", get(async || "ok"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};
    use tower::ServiceExt as _;

    use super::*;

    async fn status(router: Router, path: &str) -> StatusCode {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn probes_and_scrapes_are_answered() {
        for (path, expected) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 404)] {
            assert_eq!(status(health_router(), path).await, expected, "{path}");
        }
        assert_eq!(status(metrics_router(Metrics::new()), "/metrics").await, 200);
    }

    #[tokio::test]
    async fn an_address_is_read_as_go_reads_it() {
        assert!(listen("").await.unwrap().is_none());
        assert!(listen("0").await.unwrap().is_none());
        assert_ne!(listen(":0").await.unwrap().unwrap().local_addr().unwrap().port(), 0);
        assert!(listen("127.0.0.1:0").await.unwrap().unwrap().local_addr().unwrap().ip().is_loopback());
        let error = listen(":port").await.unwrap_err();
        assert_eq!(error.to_string(), "listening on :port");
    }
}
