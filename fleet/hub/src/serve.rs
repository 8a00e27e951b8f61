//! Runs the hub: opens the store, listens with TLS or on loopback, and stops in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::clock::Clock;
use crate::hub::Hub;
use crate::server;
use crate::store::{Store, StoreError};

/// Connections at the same time.
const CONNECTIONS_MAX: usize = 8192;
/// How long a client may take for its TLS handshake, or for the head of a request.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long open requests may take to end when the hub stops.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(3);
/// How often an idle HTTP/2 connection is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How to run a hub.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's file; made if it is not there.
    pub database: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Certificate and key. Without them the address must be on loopback.
    pub tls: Option<TlsFiles>,
    /// What time it is.
    pub clock: Clock,
}

/// Where the certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// PEM, the chain from the server's certificate up.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
}

/// Why a hub does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Bearer tokens would travel in the clear.
    #[error("the hub serves plain HTTP on loopback only, and {0} is not: give --tls-cert-file and --tls-key-file")]
    PlainOutsideLoopback(SocketAddr),
    /// No store.
    #[error("cannot use the hub's store")]
    Store(#[source] StoreError),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A PEM file is not there, or is none.
    #[error("cannot read {}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key do not belong together, or are of a kind that is not supported.
    #[error("cannot serve TLS with {}", certificate.display())]
    Tls {
        /// The certificate's file.
        certificate: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

/// A hub that runs.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    tls: bool,
    store: Store,
    task: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// Its store, to mint tokens in.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns when the hub has stopped: after the shutdown that `serve` was given, with the store closed.
    pub async fn finished(self) {
        // The task ends by itself; that it panicked is in the log already.
        self.task.await.ok();
    }
}

/// Starts a hub and returns once it listens. It stops when `shutdown` is cancelled.
///
/// # Errors
/// Plain HTTP outside loopback; a store, certificate, key or address that cannot be used.
pub async fn serve(options: Options, shutdown: CancellationToken) -> Result<Serving, ServeError> {
    let Options { database, address, tls, clock } = options;
    if tls.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::PlainOutsideLoopback(address));
    }
    let acceptor = tls.as_ref().map(tls_acceptor).transpose()?;
    let store = Store::open(&database).await.map_err(ServeError::Store)?;
    let listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let hub = Arc::new(Hub::new(store.clone(), clock, shutdown.clone()));
    let router = server::router(hub);
    let tls = acceptor.is_some();
    tracing::info!(%address, tls, "hub listening");
    let closing = store.clone();
    let task = tokio::spawn(async move {
        accept(listener, acceptor, router, shutdown).await;
        closing.close().await;
        tracing::info!("hub stopped");
    });
    Ok(Serving { address, tls, store, task })
}

fn tls_acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ServeError> {
    let unreadable = |path: &PathBuf| {
        let path = path.clone();
        move |source| ServeError::Pem { path, source }
    };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(unreadable(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable(&files.key))?;
    let failed = |source| ServeError::Tls { certificate: files.certificate.clone(), source };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(failed)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts connections until `shutdown`, each in a task of its own, then lets open requests end.
async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: axum::Router,
    shutdown: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let next = async {
            let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
            (listener.accept().await, slot)
        };
        let (stream, slot) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            (accepted, slot) = next => match accepted {
                Ok((stream, _)) => (stream, slot),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        stream.set_nodelay(true).ok();
        let (acceptor, router, watcher) = (acceptor.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            match acceptor {
                None => connection(stream, router, watcher).await,
                Some(acceptor) => match handshake(&acceptor, stream).await {
                    Some(stream) => connection(stream, router, watcher).await,
                    None => tracing::debug!("TLS handshake failed"),
                },
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIME_MAX, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still open when the hub stopped");
    }
}

async fn handshake(acceptor: &TlsAcceptor, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    tokio::time::timeout(HEAD_TIME_MAX, acceptor.accept(stream)).await.ok()?.ok()
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: axum::Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE).max_concurrent_streams(256);
    let service = TowerToHyperService::new(router.map_request(
        |request: axum::http::Request<hyper::body::Incoming>| -> Request { request.map(axum::body::Body::new) },
    ));
    let serving = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    // A client that goes away is no news.
    watcher.watch(serving).await.ok();
}
