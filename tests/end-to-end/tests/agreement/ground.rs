//! The two servers, ready to be asked, and sequences of requests put to both.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thalweg_apiserver::{ApiServer, Options};
use thalweg_harness::{ApiServerKind, ControlPlane, ControlPlaneOptions, workspace_root};
use tokio::sync::OnceCell;

use crate::difference::differences;
use crate::normal::Names;
use crate::server::{Answer, Server, USER_AGENT};
use crate::step::{Sent, Step};

/// Controllers that the cases need; the others would write to what is compared.
const CONTROLLERS: &str = "--kube-controller-manager-flag=--controllers=serviceaccount-controller,namespace-controller";
/// Differences of one sequence that are shown.
const LINES_SHOWN: usize = 12;

/// The two servers, asked by one test.
pub(crate) struct Ground {
    pub(crate) ours: Server,
    pub(crate) real: Server,
}

/// How a sequence went.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Requests that were answered.
    pub(crate) steps: usize,
    /// Writes among them, and those that both servers did.
    pub(crate) writes: usize,
    pub(crate) done: usize,
    /// The steps whose answers differ, and how.
    pub(crate) difference: Option<String>,
}

impl Ground {
    /// Clients of a test's own: their connections end with its runtime.
    async fn asking(servers: &Servers) -> Result<Ground> {
        let real = Server { client: servers.real.client(USER_AGENT).await? };
        let ours = Server { client: kube::Client::new(servers.ours.clone(), "default") };
        Ok(Ground { ours, real })
    }

    /// Makes the custom resources that the cases use.
    async fn install(&self) -> Result<()> {
        let text = std::fs::read_to_string(testdata("agreement/definitions.yaml"))?;
        for document in serde_yaml::Deserializer::from_str(&text) {
            let definition: Value = serde::Deserialize::deserialize(document)?;
            let name = definition["metadata"]["name"].as_str().context("a definition has a name")?;
            let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            for server in [&self.ours, &self.real] {
                server.ask(&sent("POST", path, &definition)).await;
                server.until_served(name, &definition["spec"]).await?;
            }
        }
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        self.ours.ask(&sent("POST", "/api/v1/namespaces/default/serviceaccounts", &account)).await;
        Ok(())
    }

    /// Makes a namespace on both.
    pub(crate) async fn namespace(&self, name: &str) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        for server in [&self.ours, &self.real] {
            let answer = server.ask(&sent("POST", "/api/v1/namespaces", &namespace)).await;
            assert!(matches!(answer.status, 201 | 409), "making the namespace {name}: {}", answer.body);
        }
    }

    /// Puts a sequence to both, and compares answer by answer.
    ///
    /// With `to_the_end` it goes on after a difference.
    pub(crate) async fn run(&self, namespace: &str, steps: &[Step], to_the_end: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let (mut ours, mut real) = (Side::new(&self.ours), Side::new(&self.real));
        for (index, step) in steps.iter().enumerate() {
            let (our_answer, request) = ours.ask(namespace, step).await;
            let (real_answer, _) = real.ask(namespace, step).await;
            outcome.steps += 1;
            if request.method != "GET" {
                outcome.writes += 1;
                outcome.done += usize::from([&our_answer, &real_answer].iter().all(|answer| answer.status / 100 == 2));
            }
            if std::env::var_os("AGREEMENT_SHOW").is_some() {
                println!("{index}: {} {} {}", request.method, request.uri, request.body);
                println!(
                    "  ours {} {}\n  real {} {}",
                    our_answer.status, our_answer.body, real_answer.status, real_answer.body
                );
            }
            let lines = differences(&our_answer, &real_answer);
            if !lines.is_empty() {
                let more = lines.len().saturating_sub(LINES_SHOWN);
                let shown: Vec<&str> = lines.iter().take(LINES_SHOWN).map(String::as_str).collect();
                let more = if more > 0 { format!("\n    … and {more} more") } else { String::new() };
                let told = outcome.difference.take().map(|told| told + "\n  ").unwrap_or_default();
                outcome.difference = Some(
                    told + &format!(
                        "step {index}: {} {} ({}) {}\n    {}{more}",
                        request.method,
                        request.uri,
                        request.content_type,
                        request.body,
                        shown.join("\n    ")
                    ),
                );
                if !to_the_end {
                    break;
                }
            }
        }
        outcome
    }
}

/// One server's part in a sequence.
struct Side<'a> {
    server: &'a Server,
    answers: Vec<Answer>,
    names: Names,
}

impl<'a> Side<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, answers: Vec::new(), names: Names::default() }
    }

    async fn ask(&mut self, namespace: &str, step: &Step) -> (Answer, Sent) {
        let sent = step.fill(namespace, &self.answers);
        let answer = self.server.ask(&sent).await;
        let normal = self.names.normalise(&answer, namespace);
        self.answers.push(answer);
        (normal, sent)
    }
}

/// A request without much.
pub(crate) fn sent(method: &str, path: &str, body: &Value) -> Sent {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let content_type = if body.is_empty() { "" } else { "application/json" };
    Sent {
        method: method.into(),
        uri: path.into(),
        content_type: content_type.into(),
        headers: Default::default(),
        body,
    }
}

/// The path of a kind's objects.
pub(crate) fn collection(api_version: &str, kind: &str, namespace: &str) -> String {
    let kind = kind.to_lowercase();
    let plural = match kind.as_str() {
        "endpoints" => kind,
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ if kind.ends_with('y') => format!("{}ies", &kind[..kind.len() - 1]),
        _ => format!("{kind}s"),
    };
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    let namespace = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    format!("{root}/{api_version}{namespace}/{plural}")
}

/// A file below testdata/.
pub(crate) fn testdata(path: &str) -> PathBuf {
    workspace_root().join("testdata").join(path)
}

/// The servers that all tests of this program share.
struct Servers {
    ours: ApiServer,
    real: ControlPlane,
}

impl Servers {
    async fn start() -> Result<Servers> {
        let options = ControlPlaneOptions {
            api_server: ApiServerKind::Real,
            arguments: vec![CONTROLLERS.into()],
            ..ControlPlaneOptions::default()
        };
        let servers = Servers { ours: ApiServer::new(Options::default()), real: ControlPlane::start(&options)? };
        Ground::asking(&servers).await?.install().await?;
        Ok(servers)
    }
}

/// The servers, started once.
pub(crate) async fn ground() -> Ground {
    static SHARED: OnceCell<Servers> = OnceCell::const_new();
    Ground::asking(SHARED.get_or_try_init(Servers::start).await.unwrap()).await.unwrap()
}
