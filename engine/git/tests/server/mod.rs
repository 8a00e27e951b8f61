//! A bare repository behind `git http-backend`, and what a test wants to know or to break about it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    response::Response,
};

const BACKEND: &str = "/usr/lib/git-core/git-http-backend";

pub(crate) struct Server {
    state: Arc<Shared>,
    address: std::net::SocketAddr,
    root: tempfile::TempDir,
}

#[derive(Default)]
struct Shared {
    root: PathBuf,
    requests: Mutex<Vec<String>>,
    sent: AtomicU64,
    authorization: Mutex<Option<String>>,
    redirect: Mutex<Option<String>>,
    refused: Mutex<Option<String>>,
    old: AtomicBool,
    hanging: AtomicBool,
}

impl Server {
    pub(crate) async fn start() -> Server {
        assert!(Path::new(BACKEND).exists(), "{BACKEND} is missing: install git");
        let root = tempfile::tempdir().unwrap();
        let state = Arc::new(Shared { root: root.path().to_owned(), ..Shared::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let server = Server { state, address, root };
        server.output(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(server.repository()), "");
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What was asked so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Bytes of all answers so far.
    pub(crate) fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn require(&self, authorization: &str) {
        *self.state.authorization.lock().unwrap() = Some(authorization.to_owned());
    }

    pub(crate) fn redirect_to(&self, base: &str) {
        *self.state.redirect.lock().unwrap() = Some(base.trim_end_matches('/').to_owned());
    }

    /// Answers a request that wants this commit as servers do that give out advertised commits alone.
    pub(crate) fn refuse(&self, commit: &str) {
        *self.state.refused.lock().unwrap() = Some(commit.to_owned());
    }

    pub(crate) fn speak_only_v0(&self) {
        self.state.old.store(true, Ordering::SeqCst);
    }

    pub(crate) fn hang(&self) {
        self.state.hanging.store(true, Ordering::SeqCst);
    }

    pub(crate) fn resume(&self) {
        self.state.hanging.store(false, Ordering::SeqCst);
    }

    /// Adds `files` to what the index holds, and commits it as the new tip of `branch`.
    pub(crate) fn commit(&self, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        let tree = self.run(&["write-tree"]);
        let name = format!("refs/heads/{branch}");
        let parent = self.git(&["rev-parse", "-q", "--verify", &name]).output().unwrap();
        let parent = String::from_utf8(parent.stdout).unwrap().trim().to_owned();
        let mut arguments = vec!["commit-tree", &tree, "-m", message];
        if !parent.is_empty() {
            arguments.extend(["-p", &parent]);
        }
        let commit = self.run(&arguments);
        self.run(&["update-ref", &name, &commit]);
        commit
    }

    pub(crate) fn commit_tree(&self, branch: &str, tree: &str) {
        let commit = self.run(&["commit-tree", tree, "-m", "hostile"]);
        self.run(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let blob = self.blob(text);
        self.run(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
        if path.ends_with(".sh") {
            self.run(&["update-index", "--cacheinfo", &format!("100755,{blob},{path}")]);
        }
    }

    pub(crate) fn symlink(&self, path: &str, target: &str) {
        let blob = self.blob(target);
        self.run(&["update-index", "--add", "--cacheinfo", &format!("120000,{blob},{path}")]);
    }

    pub(crate) fn gitlink(&self, path: &str, commit: &str) {
        self.run(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
    }

    pub(crate) fn blob(&self, text: &str) -> String {
        self.output(&mut self.git(&["hash-object", "-w", "--stdin"]), text)
    }

    /// Writes a tree of (mode, name, id) without any check.
    pub(crate) fn tree(&self, entries: &[(&str, &str, &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend(format!("{mode} {name}\0").into_bytes());
            bytes.extend((0..40).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()));
        }
        let path = self.root.path().join("tree");
        std::fs::write(&path, bytes).unwrap();
        self.run(&["hash-object", "-w", "-t", "tree", "--literally", path.to_str().unwrap()])
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.output(&mut self.git(arguments), "")
    }

    fn repository(&self) -> PathBuf {
        self.root.path().join("repo.git")
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(self.repository()).args(arguments);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", self.root.path());
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Test").env(format!("GIT_{who}_EMAIL"), "test@example.com");
        }
        command
    }

    fn output(&self, command: &mut Command, input: &str) -> String {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

async fn answer(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    state.requests.lock().unwrap().push(format!("{} {}", head.method, head.uri));
    while state.hanging.load(Ordering::SeqCst) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    if let Some(base) = state.redirect.lock().unwrap().clone() {
        return Response::builder()
            .status(302)
            .header("location", format!("{base}{}", head.uri))
            .body(Body::empty())
            .unwrap();
    }
    let given = head.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    if state.authorization.lock().unwrap().as_ref().is_some_and(|wanted| Some(wanted) != given.as_ref()) {
        return Response::builder().status(401).header("www-authenticate", "Basic").body(Body::empty()).unwrap();
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if let Some(commit) = state.refused.lock().unwrap().clone()
        && String::from_utf8_lossy(&body).contains(&format!("want {commit}"))
    {
        let line = format!("ERR upload-pack: not our ref {commit}");
        let packet = format!("{:04x}{line}", line.len() + 4);
        let response = Response::builder().header("content-type", "application/x-git-upload-pack-result");
        return response.body(Body::from(packet)).unwrap();
    }
    tokio::task::spawn_blocking(move || backend(&state, &head, &body)).await.unwrap()
}

fn backend(state: &Shared, head: &axum::http::request::Parts, body: &Bytes) -> Response {
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    let mut command = Command::new(BACKEND);
    command.env_clear().env("GIT_PROJECT_ROOT", &state.root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", head.method.as_str()).env("PATH_INFO", head.uri.path());
    command.env("QUERY_STRING", head.uri.query().unwrap_or_default()).env("CONTENT_TYPE", header("content-type"));
    command.env("CONTENT_LENGTH", body.len().to_string()).env("PATH", "/usr/bin:/bin");
    if !state.old.load(Ordering::SeqCst) {
        command.env("GIT_PROTOCOL", header("git-protocol"));
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = body.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap().ok();
    state.sent.fetch_add(output.len() as u64, Ordering::SeqCst);
    let split = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut response = Response::builder();
    for line in std::str::from_utf8(&output[..split]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(&value[..3]),
            name => response.header(name, value),
        };
    }
    response.body(Body::from(output[split + 4..].to_vec())).unwrap()
}
