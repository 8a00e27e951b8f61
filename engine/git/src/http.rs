//! Git's HTTP requests, with a deadline, a limit of bytes, a way to stop, and one rule for redirects.
//!
//! The Git library is blocking; this runs on a blocking thread and drives an async client from there, so that a deadline or
//! a cancellation ends a request at once. The first failure is kept as our own error: the library would make text of it.

use std::{
    io::{self, BufRead, Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse, Transport};
use reqwest::{Method, Response, StatusCode, Url, header};
use tokio::{runtime::Handle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Error, Remote};

const REDIRECTS_MAX: usize = 5;

/// One operation against one remote: everything its requests share.
pub(crate) struct Session {
    client: reqwest::Client,
    runtime: Handle,
    remote: Remote,
    deadline: Instant,
    received_max: u64,
    received: AtomicU64,
    stop: CancellationToken,
    interrupted: AtomicBool,
    base: Mutex<Url>,
    failure: Mutex<Option<Error>>,
}

impl Session {
    /// A session whose time starts now. Must be called in a tokio runtime.
    pub(crate) fn new(remote: &Remote, client: reqwest::Client, received_max: u64) -> Arc<Session> {
        Arc::new(Session {
            client,
            runtime: Handle::current(),
            remote: remote.clone(),
            deadline: Instant::now() + remote.timeout(),
            received_max,
            received: AtomicU64::new(0),
            stop: CancellationToken::new(),
            interrupted: AtomicBool::new(false),
            base: Mutex::new(remote.parsed_url().clone()),
            failure: Mutex::new(None),
        })
    }

    /// Ends the session's requests when dropped.
    pub(crate) fn stop_on_drop(&self) -> DropGuard {
        self.stop.clone().drop_guard()
    }

    /// Set once a request has failed: the Git library looks at it between objects.
    pub(crate) fn interrupted(&self) -> &AtomicBool {
        &self.interrupted
    }

    pub(crate) fn url(&self) -> &str {
        self.remote.url()
    }

    pub(crate) fn transport(self: &Arc<Self>) -> Result<Transport<Requests>, Error> {
        let url = gix::url::parse(self.url().as_bytes()).map_err(|error| self.explain(error))?;
        Ok(Transport::new_http(Requests(self.clone()), url, gix_transport::Protocol::V2, false))
    }

    /// Our own failure if there was one, else what the Git library found wrong.
    pub(crate) fn explain(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| Error::Protocol { url: self.url().to_owned(), source: error.into() })
    }

    fn fail(&self, error: Error) -> io::Error {
        self.interrupted.store(true, Ordering::Relaxed);
        let text = io::Error::other(error.to_string());
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        text
    }

    fn block_on<T>(&self, future: impl Future<Output = reqwest::Result<T>>) -> io::Result<T> {
        let timeout = || Error::Timeout { url: self.url().to_owned(), timeout: self.remote.timeout() };
        let outcome = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(Error::Cancelled),
                outcome = tokio::time::timeout_at(self.deadline, future) => outcome.map_err(|_| timeout()),
            }
        });
        let connect =
            |source: reqwest::Error| Error::Connect { url: self.url().to_owned(), source: source.without_url() };
        outcome.and_then(|answer| answer.map_err(connect)).map_err(|error| self.fail(error))
    }

    /// Sends one request; only the first of an operation, a GET, may be redirected.
    fn send(&self, request: &Request, body: Bytes) -> io::Result<Response> {
        for _ in 0..=REDIRECTS_MAX {
            let base = self.base.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let address = format!("{}{}", base.as_str().trim_end_matches('/'), request.tail);
            let mut builder = self.client.request(request.method.clone(), address).headers(request.headers.clone());
            if let Some(authorization) = self.remote.authorization() {
                builder = builder.header(header::AUTHORIZATION, authorization);
            }
            let response = self.block_on(builder.body(body.clone()).send())?;
            if !response.status().is_redirection() {
                return self.judged(response);
            }
            let target = self.redirected(request, &response).map_err(|error| self.fail(error))?;
            *self.base.lock().unwrap_or_else(PoisonError::into_inner) = target;
        }
        Err(self.fail(Error::Redirected {
            url: self.url().to_owned(),
            target: "another address".to_owned(),
            reason: "there are too many of them",
        }))
    }

    fn judged(&self, response: Response) -> io::Result<Response> {
        let url = self.url().to_owned();
        Err(self.fail(match response.status() {
            StatusCode::UNAUTHORIZED => Error::Unauthorized { url },
            StatusCode::FORBIDDEN => Error::Forbidden { url },
            StatusCode::NOT_FOUND => Error::RepositoryNotFound { url },
            status if status.is_success() => return Ok(response),
            status => Error::Status { url, status: status.as_u16() },
        }))
    }

    fn redirected(&self, request: &Request, response: &Response) -> Result<Url, Error> {
        let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let target = location.and_then(|location| response.url().join(location).ok());
        let refused =
            |target: &str, reason| Error::Redirected { url: self.url().to_owned(), target: target.to_owned(), reason };
        let Some(target) = target else { return Err(refused("", "its Location is not a URL")) };
        let credentials = self.remote.authorization().is_some();
        redirect(response.url(), &target, credentials, request).map_err(|reason| refused(&shown(&target), reason))
    }
}

/// The base URL that a redirect leads to, or why it is not followed.
///
/// Credentials stay with their origin (scheme, host and port): no other server ever sees them.
fn redirect(from: &Url, to: &Url, credentials: bool, request: &Request) -> Result<Url, &'static str> {
    if request.method != Method::GET {
        return Err("only the first request may be redirected");
    }
    if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() != "https") {
        return Err("it leads away from a secure connection");
    }
    if credentials && from.origin() != to.origin() {
        return Err("the credentials belong to another server");
    }
    let base = to.as_str().strip_suffix(request.tail.as_str()).and_then(|base| Url::parse(base).ok());
    let mut base = base.ok_or("it asks for something else")?;
    base.set_username("").and_then(|()| base.set_password(None)).map_err(|()| "it cannot be requested")?;
    Ok(base)
}

/// A URL without what may be secret in it.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[derive(Debug)]
struct Request {
    method: Method,
    /// What follows the base URL: `/info/refs?service=git-upload-pack`.
    tail: String,
    headers: header::HeaderMap,
}

/// The session as the Git library's HTTP backend.
pub(crate) struct Requests(Arc<Session>);

impl Requests {
    fn exchange(
        &self,
        method: Method,
        url: &str,
        base_url: &str,
        lines: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<Arc<Exchange>> {
        let tail = url.strip_prefix(base_url).ok_or_else(|| self.malformed("a request outside the repository"))?;
        let mut headers = header::HeaderMap::new();
        for line in lines {
            let parsed = line.as_ref().split_once(':').and_then(|(name, value)| {
                Some((name.parse::<header::HeaderName>().ok()?, value.trim().parse::<header::HeaderValue>().ok()?))
            });
            let (name, value) = parsed.ok_or_else(|| self.malformed("a malformed header"))?;
            headers.append(name, value);
        }
        let tail = format!("/{}", tail.trim_start_matches('/'));
        let request = Request { method, tail, headers };
        Ok(Arc::new(Exchange {
            session: self.0.clone(),
            request,
            outgoing: Mutex::default(),
            answer: Mutex::default(),
        }))
    }

    fn malformed(&self, what: &str) -> gix::Error {
        gix::Error::from_error(io::Error::other(format!("the Git library asked for {what}")))
    }
}

impl Http for Requests {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = Outgoing;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Headers, Body>> {
        let exchange = self.exchange(Method::GET, url, base_url, headers)?;
        Ok(GetResponse { headers: Headers::new(exchange.clone()), body: Body::new(exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Headers, Body, Outgoing>> {
        let exchange = self.exchange(Method::POST, url, base_url, headers)?;
        Ok(PostResponse {
            headers: Headers::new(exchange.clone()),
            body: Body::new(exchange.clone()),
            post_body: Outgoing(exchange),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result<()> {
        Ok(())
    }
}

/// A request that is sent when its answer is first read: by then its body is complete.
struct Exchange {
    session: Arc<Session>,
    request: Request,
    outgoing: Mutex<Vec<u8>>,
    answer: Mutex<Option<Response>>,
}

impl Exchange {
    fn with_answer<T>(&self, read: impl FnOnce(&mut Response) -> io::Result<T>) -> io::Result<T> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if answer.is_none() {
            let body = std::mem::take(&mut *self.outgoing.lock().unwrap_or_else(PoisonError::into_inner));
            *answer = Some(self.session.send(&self.request, Bytes::from(body))?);
        }
        read(answer.as_mut().expect("set above"))
    }

    fn chunk(&self) -> io::Result<Bytes> {
        let session = &self.session;
        let chunk = self.with_answer(|answer| session.block_on(answer.chunk()))?.unwrap_or_default();
        let received = session.received.fetch_add(chunk.len() as u64, Ordering::Relaxed) + chunk.len() as u64;
        if received > session.received_max {
            return Err(session.fail(Error::Limit {
                what: format!("the data received from '{}'", session.url()),
                limit: session.received_max,
                unit: "bytes",
            }));
        }
        Ok(chunk)
    }
}

/// The request's body, collected.
pub(crate) struct Outgoing(Arc<Exchange>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.outgoing.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer's header lines.
pub(crate) struct Headers {
    exchange: Arc<Exchange>,
    lines: Option<io::Cursor<Vec<u8>>>,
}

impl Headers {
    fn new(exchange: Arc<Exchange>) -> Headers {
        Headers { exchange, lines: None }
    }

    fn lines(&mut self) -> io::Result<&mut io::Cursor<Vec<u8>>> {
        if self.lines.is_none() {
            let lines = self.exchange.with_answer(|answer| {
                let lines = answer
                    .headers()
                    .iter()
                    .map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()].join(&b':'));
                Ok(lines.flat_map(|line| [line, b"\n".to_vec()].concat()).collect())
            })?;
            self.lines = Some(io::Cursor::new(lines));
        }
        Ok(self.lines.as_mut().expect("set above"))
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lines()?.read(buffer)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.lines()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(lines) = &mut self.lines {
            lines.consume(amount);
        }
    }
}

/// The answer's body, read as it arrives.
pub(crate) struct Body {
    exchange: Arc<Exchange>,
    chunk: Bytes,
}

impl Body {
    fn new(exchange: Arc<Exchange>) -> Body {
        Body { exchange, chunk: Bytes::new() }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(buffer)?;
        self.consume(amount);
        Ok(amount)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.is_empty() {
            self.chunk = self.exchange.chunk()?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        let _consumed = self.chunk.split_to(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_follow_a_redirect_to_another_origin() {
        const TAIL: &str = "/info/refs?service=git-upload-pack";
        let request = |method| Request { method, tail: TAIL.to_owned(), headers: header::HeaderMap::new() };
        for (from, to, credentials, expected) in [
            ("https://a/r", "https://a/renamed", true, Ok("https://a/renamed")),
            ("https://a/r", "https://b/r", false, Ok("https://b/r")),
            ("http://a/r", "https://a/r", false, Ok("https://a/r")),
            ("https://a/r", "https://b:x@b/r", false, Ok("https://b/r")),
            ("https://a/r", "https://b/r", true, Err("the credentials belong to another server")),
            ("https://a/r", "https://a:8443/r", true, Err("the credentials belong to another server")),
            ("http://a/r", "https://a/r", true, Err("the credentials belong to another server")),
            ("https://a/r", "http://a/r", false, Err("it leads away from a secure connection")),
            ("http://a/r", "file:///etc", false, Err("it leads away from a secure connection")),
        ] {
            let from = Url::parse(&format!("{from}{TAIL}")).unwrap();
            let to = Url::parse(&format!("{to}{TAIL}")).unwrap();
            let actual = redirect(&from, &to, credentials, &request(Method::GET));
            assert_eq!(actual.as_ref().map(Url::as_str).map_err(|reason| *reason), expected, "{from} to {to}");
            assert!(redirect(&from, &to, credentials, &request(Method::POST)).is_err(), "{from} to {to}");
        }
        let from = Url::parse(&format!("https://a/r{TAIL}")).unwrap();
        let login = Url::parse("https://a/login?next=r").unwrap();
        assert_eq!(redirect(&from, &login, false, &request(Method::GET)), Err("it asks for something else"));
    }
}
