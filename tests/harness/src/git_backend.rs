//! `git http-backend` behind HTTP: one request in, one CGI process, one answer out.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio_util::io::ReaderStream;

/// Lines of a CGI header block, at most.
const HEADER_LINES_MAX: usize = 64;

/// One HTTP request, as CGI wants to know it.
pub(crate) struct CgiRequest {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Lets git answer the request from the repositories below `root`.
pub(crate) async fn answer(root: &Path, request: CgiRequest) -> Result<Response<Body>> {
    let mut command = Command::from(crate::worktree::isolated_git());
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "pusher")
        .env("REQUEST_METHOD", request.method.as_str())
        .env("PATH_INFO", request.uri.path())
        .env("QUERY_STRING", request.uri.query().unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string());
    for (name, variable) in [
        (header::CONTENT_TYPE, "CONTENT_TYPE"),
        (header::CONTENT_ENCODING, "HTTP_CONTENT_ENCODING"),
        (header::HeaderName::from_static("git-protocol"), "GIT_PROTOCOL"),
    ] {
        if let Some(value) = request.headers.get(name) {
            command.env(variable, value.to_str().context("reading a header")?);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let mut backend = command.spawn().context("starting git http-backend")?;
    let mut input = backend.stdin.take().context("taking the input of git http-backend")?;
    let output = backend.stdout.take().context("taking the output of git http-backend")?;
    tokio::spawn(async move {
        // git may answer without reading all: that is no error of ours.
        let _ = input.write_all(&request.body).await;
        drop(input);
        let _ = backend.wait().await;
    });
    read_answer(BufReader::new(output)).await
}

/// A CGI answer: header lines, an empty line, the body.
async fn read_answer(mut output: BufReader<ChildStdout>) -> Result<Response<Body>> {
    let mut response = Response::builder().status(StatusCode::OK);
    for _ in 0..HEADER_LINES_MAX {
        let mut line = String::new();
        output.read_line(&mut line).await.context("reading the answer of git http-backend")?;
        let line = line.trim_end();
        if line.is_empty() {
            return response.body(Body::from_stream(ReaderStream::new(output))).context("building an answer");
        }
        let (name, value) = line.split_once(": ").with_context(|| format!("reading a header from `{line}`"))?;
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            response = response.status(code.parse::<u16>().with_context(|| format!("reading a status from `{line}`"))?);
        } else {
            response = response.header(name, value);
        }
    }
    bail!("git http-backend sent more than {HEADER_LINES_MAX} header lines")
}
