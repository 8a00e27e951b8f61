//! Serving on a port: HTTP/1.1 and HTTP/2, plain or under TLS.
//!
//! Any service with the server's answers can be served, so that the layers of a test stand between it and the port.

mod certificates;
mod kubeconfig;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use crate::body::Body;

pub use certificates::Certificates;
pub use kubeconfig::kubeconfig;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;
/// Requests at a time on one HTTP/2 connection: what client-go multiplexes at most, watches included.
const STREAMS_MAX: u32 = 1000;
/// The head of a request.
const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// How long a client may take over the TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long requests may go on once the server is told to stop; watches never end by themselves.
const STOP_LIMIT: Duration = Duration::from_secs(2);
/// How long to wait when the system has no more connections to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a port cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listener's own address could not be read.
    #[error("cannot tell the address that is listened on")]
    Address(#[source] io::Error),
    /// The certificates cannot be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// TLS does not take the certificates.
    #[error("cannot use the certificate that was made")]
    Tls(#[from] rustls::Error),
}

/// How what goes over a port is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    Plain,
    /// TLS, with a certificate that is made for the occasion.
    Tls,
}

/// A server on a port. It stops when this is dropped, or, with time for requests to end, by [`Serving::stop`].
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    authority: Option<String>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// Serves on a listener until told to stop.
///
/// # Errors
/// When TLS is wanted and no certificate can be made.
pub fn serve<S>(service: S, listener: TcpListener, security: Security) -> Result<Serving, ServeError>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let address = listener.local_addr().map_err(ServeError::Address)?;
    let (tls, authority) = match security {
        Security::Plain => (None, None),
        Security::Tls => {
            let certificates = Certificates::new(address.ip())?;
            (Some(TlsAcceptor::from(configuration(&certificates)?)), Some(certificates.authority))
        }
    };
    let (stop, stopped) = watch::channel(false);
    let accepting = tokio::spawn(accept(service, listener, tls, stopped));
    Ok(Serving { address, authority, stop, accepting })
}

impl Serving {
    /// Where it is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate of the authority that signed the server's, PEM; none without TLS.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// A kubeconfig for this server and the bearer of `token`, YAML.
    pub fn kubeconfig(&self, token: Option<&str>) -> String {
        kubeconfig(&self.url(), self.authority(), token)
    }

    /// Accepts no more, gives requests a little time to end, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn configuration(certificates: &Certificates) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificates.certificate.clone()], certificates.key.clone_key())?;
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(configuration))
}

async fn accept<S>(service: S, listener: TcpListener, tls: Option<TlsAcceptor>, mut stopped: watch::Receiver<bool>)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! { biased;
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let (service, tls, watcher) = (service.clone(), tls.clone(), graceful.watcher());
                connections.spawn(async move {
                    talk(service, stream, tls, watcher).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_LIMIT, graceful.shutdown()).await;
}

/// Answers the requests of one connection.
async fn talk<S>(service: S, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(STREAMS_MAX).max_header_list_size(HEADER_BYTES_MAX);
    builder.http1().max_buf_size(HEADER_BYTES_MAX as usize);
    let service = TowerToHyperService::new(service);
    let ended = match tls {
        None => watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
            Ok(Ok(stream)) => watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await,
            _ => return,
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests;
