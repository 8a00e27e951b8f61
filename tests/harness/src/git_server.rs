//! A Git server on loopback: real repositories, served by `git http-backend` over HTTP or HTTPS.
//!
//! It runs on a thread and runtime of its own, so that a test may stop its own runtime without stopping the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::serve::Listener;
use base64::Engine as _;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::Authority;
use crate::git_backend::{self, CgiRequest};
use crate::worktree::{Worktree, isolated_git, run};

/// Request bodies are held in memory: a push larger than this is refused.
const BODY_BYTES_MAX: usize = 256 << 20;

/// Who may read and push.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Access {
    /// No credentials are asked for.
    #[default]
    Anyone,
    /// HTTP basic authentication.
    Basic {
        /// The one user.
        username: String,
        /// Their password.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

/// How a server behaves.
#[derive(Default)]
pub struct GitServerOptions {
    /// Who may read and push.
    pub access: Access,
    /// Serve HTTPS with a certificate of this authority.
    pub authority: Option<Authority>,
}

/// What clients asked of one repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GitTraffic {
    /// `GET …/info/refs`: the handshake of protocol 2, or a whole list of references in the older ones.
    pub handshakes: u64,
    /// `ls-refs`: which commit a reference names.
    pub reference_lists: u64,
    /// `fetch`: objects.
    pub fetches: u64,
    /// `receive-pack`: a push.
    pub pushes: u64,
    /// Answers 401 and 403.
    pub refused: u64,
    /// All requests.
    pub requests: u64,
}

/// A running server. Dropping it stops it and removes its repositories.
pub struct GitServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    root: TempDir,
    access: Access,
    authority: Option<Authority>,
    state: Mutex<Changing>,
}

#[derive(Default)]
struct Changing {
    traffic: BTreeMap<String, GitTraffic>,
    refuse_all_with: Option<StatusCode>,
}

impl GitServer {
    /// A server without credentials, over plain HTTP.
    ///
    /// # Errors
    /// When there is no port or no git.
    pub fn start() -> Result<GitServer> {
        GitServer::start_with(GitServerOptions::default())
    }

    /// A server that behaves as `options` say.
    ///
    /// # Errors
    /// When there is no port or no git.
    pub fn start_with(options: GitServerOptions) -> Result<GitServer> {
        let acceptor = options.authority.as_ref().map(Authority::acceptor).transpose()?;
        let root =
            tempfile::Builder::new().prefix("git-server-").tempdir().context("making a folder for repositories")?;
        let shared = Arc::new(Shared {
            root,
            access: options.access,
            authority: options.authority,
            state: Mutex::new(Changing::default()),
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("binding the Git server's port")?;
        listener.set_nonblocking(true).context("preparing the Git server's port")?;
        let address = listener.local_addr().context("asking for the Git server's port")?;
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().fallback(serve).with_state(shared.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.context("starting the Git server's runtime")?;
        let thread = std::thread::Builder::new().name("git-server".to_string()).spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("the listener was made non-blocking");
                let stop = async move { drop(stopped.await) };
                tokio::select! {
                    () = stop => {}
                    () = listen(listener, acceptor, router) => {}
                }
            });
        });
        let thread = thread.context("starting the Git server's thread")?;
        Ok(GitServer { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The URL of a repository, whether it exists or not.
    pub fn url(&self, repository: &str) -> String {
        let scheme = if self.shared.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/{repository}.git", self.address)
    }

    /// What a client must trust to reach this server, if it serves HTTPS.
    pub fn authority_pem(&self) -> Option<&str> {
        self.shared.authority.as_ref().map(Authority::certificate_pem)
    }

    /// Makes an empty repository and a work tree that pushes to it.
    ///
    /// # Errors
    /// With what git printed.
    pub fn repository(&self, name: &str) -> Result<Worktree> {
        let folder = self.folder(name);
        if !folder.exists() {
            let mut init = isolated_git();
            init.args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&folder);
            run(&mut init, "git init --bare")?;
            for setting in ["http.receivepack", "uploadpack.allowAnySHA1InWant"] {
                let mut configure = isolated_git();
                configure.arg("-C").arg(&folder).args(["config", setting, "true"]);
                run(&mut configure, "git config")?;
            }
        }
        self.worktree(name)
    }

    /// Another work tree of a repository that exists: someone else who pushes to it.
    ///
    /// # Errors
    /// With what git printed.
    pub fn worktree(&self, name: &str) -> Result<Worktree> {
        Worktree::new(&self.url(name), &self.shared.access, self.authority_pem())
    }

    /// The folder of a bare repository, to look at or to damage.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.shared.root.path().join(format!("{name}.git"))
    }

    /// What clients asked of a repository since it began.
    pub fn traffic(&self, repository: &str) -> GitTraffic {
        self.shared.state().traffic.get(repository).copied().unwrap_or_default()
    }

    /// Answers every request with `status` from now on; `None` ends that.
    pub fn refuse_all_with(&self, status: Option<u16>) -> Result<()> {
        self.shared.state().refuse_all_with =
            status.map(StatusCode::from_u16).transpose().context("reading a status")?;
        Ok(())
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, Changing> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// The answer of a server that does not let this request through.
    fn refusal(&self, headers: &HeaderMap) -> Option<(StatusCode, &'static str)> {
        if let Some(status) = self.state().refuse_all_with {
            return Some((status, ""));
        }
        let (expected, challenge) = match &self.access {
            Access::Anyone => return None,
            Access::Basic { username, password } => {
                let pair = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
                (format!("Basic {pair}"), "Basic realm=\"git\"")
            }
            Access::Bearer(token) => (format!("Bearer {token}"), "Bearer"),
        };
        let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        (sent != Some(expected.as_str())).then_some((StatusCode::UNAUTHORIZED, challenge))
    }

    fn count(&self, repository: &str, kind: Kind, status: StatusCode) {
        let mut state = self.state();
        let traffic = state.traffic.entry(repository.to_string()).or_default();
        traffic.requests += 1;
        traffic.refused += u64::from(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN));
        match kind {
            Kind::Handshake => traffic.handshakes += 1,
            Kind::ReferenceList => traffic.reference_lists += 1,
            Kind::Fetch => traffic.fetches += 1,
            Kind::Push => traffic.pushes += 1,
            Kind::Other => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Handshake,
    ReferenceList,
    Fetch,
    Push,
    Other,
}

impl Kind {
    fn of(method: &Method, path: &str, body: &[u8]) -> Kind {
        let lists = || body.windows(LS_REFS.len()).any(|window| window == LS_REFS);
        match path {
            _ if *method == Method::GET && path.ends_with("/info/refs") => Kind::Handshake,
            _ if path.ends_with("/git-upload-pack") && lists() => Kind::ReferenceList,
            _ if path.ends_with("/git-upload-pack") => Kind::Fetch,
            _ if path.ends_with("/git-receive-pack") => Kind::Push,
            _ => Kind::Other,
        }
    }
}

/// The first line of a `ls-refs` request; clients compress only requests longer than these.
const LS_REFS: &[u8] = b"command=ls-refs";

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path();
    let repository = path.split_once(".git/").map_or(path, |(name, _)| name).trim_start_matches('/').to_string();
    let kind = Kind::of(&parts.method, path, &body);
    let answer = match shared.refusal(&parts.headers) {
        Some((status, "")) => status.into_response(),
        Some((status, challenge)) => (status, [(header::WWW_AUTHENTICATE, challenge)]).into_response(),
        None => {
            let request = CgiRequest { method: parts.method, uri: parts.uri, headers: parts.headers, body };
            match git_backend::answer(shared.root.path(), request).await {
                Ok(answer) => answer,
                Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
            }
        }
    };
    shared.count(&repository, kind, answer.status());
    answer
}

async fn listen(listener: TcpListener, acceptor: Option<TlsAcceptor>, router: Router) {
    let ended = match acceptor {
        None => axum::serve(listener, router).await,
        Some(acceptor) => axum::serve(TlsListener { listener, acceptor }, router).await,
    };
    ended.expect("axum serves until it is dropped");
}

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // A client that does not trust us hangs up here: its own failure, and not the server's.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clone(worktree: &Worktree, url: &str) -> Result<String> {
        worktree.git(&["ls-remote", url, "refs/heads/main"])
    }

    #[test]
    fn a_push_is_what_the_next_reader_sees() {
        let server = GitServer::start().unwrap();
        let writer = server.repository("fleet").unwrap();
        let commit = writer.write("apps/one.yaml", "a: 1\n").unwrap().publish("one").unwrap();
        let reader = server.worktree("fleet").unwrap();
        assert_eq!(clone(&reader, &server.url("fleet")).unwrap(), format!("{commit}\trefs/heads/main"));
        let traffic = server.traffic("fleet");
        assert_eq!(
            (traffic.pushes, traffic.reference_lists, traffic.fetches, traffic.refused),
            (1, 1, 0, 0),
            "{traffic:?}"
        );
        reader.git(&["fetch", "--quiet", "origin"]).unwrap();
        assert_eq!(server.traffic("fleet").fetches, 1);
    }

    #[test]
    fn equal_files_make_equal_commits() {
        let server = GitServer::start().unwrap();
        let commit = |name| server.repository(name).unwrap().write("a", "1").unwrap().publish("one").unwrap();
        assert_eq!(commit("first"), commit("second"));
    }

    #[test]
    fn a_wrong_password_is_refused() {
        let access = Access::Basic { username: "ada".to_string(), password: "right".to_string() };
        let server = GitServer::start_with(GitServerOptions { access, ..Default::default() }).unwrap();
        server.repository("fleet").unwrap().publish("one").unwrap();
        let stranger = Worktree::new(&server.url("fleet"), &Access::Bearer("wrong".to_string()), None).unwrap();
        clone(&stranger, &server.url("fleet")).unwrap_err();
        assert_eq!(server.traffic("fleet").refused, 1);
    }

    #[test]
    fn https_is_trusted_by_its_authority_alone() {
        let authority = Some(Authority::new().unwrap());
        let server = GitServer::start_with(GitServerOptions { authority, ..Default::default() }).unwrap();
        server.repository("fleet").unwrap().publish("one").unwrap();
        let stranger = Worktree::new(&server.url("fleet"), &Access::Anyone, None).unwrap();
        let refusal = clone(&stranger, &server.url("fleet")).unwrap_err().to_string();
        assert!(refusal.contains("certificate"), "{refusal}");
    }

    #[test]
    fn an_outage_ends_when_it_is_told_to() {
        let server = GitServer::start().unwrap();
        let worktree = server.repository("fleet").unwrap();
        server.refuse_all_with(Some(503)).unwrap();
        worktree.publish("one").unwrap_err();
        server.refuse_all_with(None).unwrap();
        worktree.push().unwrap();
    }
}
