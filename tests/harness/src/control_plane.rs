//! A Kubernetes control plane: the program of tests/cluster, which is a real one, the embedded API server as
//! `thalweg api-server`, or a cluster that the environment names.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, ServiceAccount};
use kube::api::{Api, DeleteParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::audit::AuditLog;
use crate::objects::install_crds;
use crate::tools::{cluster_program, thalweg_binary};
use crate::waiting::observe;

/// Says which API server is started where a test does not mind: `real` (the default) or `embedded`.
const API_SERVER_VARIABLE: &str = "THALWEG_API_SERVER";
/// Names the kubeconfig of a cluster that tests may write to, instead of one of their own.
const KUBECONFIG_VARIABLE: &str = "KUBECONFIG_TEST";
/// Names the audit log of that cluster, if the tests can read it.
const AUDIT_LOG_VARIABLE: &str = "AUDIT_LOG_TEST";
const STOP_LIMIT: Duration = Duration::from_secs(20);
const SERVICE_ACCOUNT_LIMIT: Duration = Duration::from_secs(30);
/// Namespaces of one test, at most, on a cluster that is used again and again.
const NAMESAKES_MAX: u32 = 1000;

/// Which API server a control plane has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ApiServerKind {
    /// The one that `THALWEG_API_SERVER` names; the real one when it names none.
    #[default]
    Any,
    /// kube-apiserver, with etcd and kube-controller-manager.
    Real,
    /// `thalweg api-server`.
    Embedded,
}

/// How a control plane is started.
#[derive(Debug, Clone, Default)]
pub struct ControlPlaneOptions {
    /// What is started.
    pub api_server: ApiServerKind,
    /// Simulated nodes; with none, pods stay Pending. The embedded API server has none, and makes workloads ready itself.
    pub nodes: u32,
    /// The folder for its data, kept when it stops; a temporary one otherwise.
    pub data: Option<PathBuf>,
    /// Where the kubeconfig is written; beside the data otherwise.
    pub kubeconfig: Option<PathBuf>,
    /// The cluster that this kubeconfig names, instead of one of our own.
    pub existing: Option<PathBuf>,
    /// Further arguments of `cluster start`; the embedded API server takes none of them.
    pub arguments: Vec<String>,
}

/// A running control plane. One that was started here stops when this is dropped, and when this process ends.
#[derive(Debug)]
pub struct ControlPlane {
    kubeconfig: PathBuf,
    audit: Option<AuditLog>,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    child: Child,
    server: String,
    /// Removed last, when nothing writes to it.
    _folder: Option<TempDir>,
}

/// The one line that either server prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    kubeconfig: PathBuf,
    server: String,
}

impl ControlPlane {
    /// The control plane that the tests of one program share, with our CustomResourceDefinitions installed.
    ///
    /// # Errors
    /// When there is no program to start, or it does not start; the message says what to do.
    pub async fn shared() -> Result<&'static ControlPlane> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        let start = || async {
            let control_plane = ControlPlane::start(&ControlPlaneOptions::default())?;
            install_crds(&control_plane.client("thalweg-tests").await?).await?;
            anyhow::Ok(control_plane)
        };
        SHARED.get_or_try_init(start).await
    }

    /// Starts a control plane, or uses the one that `options` or `KUBECONFIG_TEST` name.
    ///
    /// # Errors
    /// When there is no program to start, or it does not start; the message says what to do.
    pub fn start(options: &ControlPlaneOptions) -> Result<ControlPlane> {
        // A cluster that somebody named is a real one.
        let wants_embedded = options.api_server == ApiServerKind::Embedded;
        let named = std::env::var_os(KUBECONFIG_VARIABLE).filter(|_| !wants_embedded).map(PathBuf::from);
        if let Some(kubeconfig) = options.existing.clone().or(named) {
            let audit = std::env::var_os(AUDIT_LOG_VARIABLE).map(AuditLog::at);
            return Ok(ControlPlane { kubeconfig, audit, own: None });
        }
        let (folder, data) = match &options.data {
            Some(data) => (None, data.clone()),
            None => {
                let folder = tempfile::Builder::new().prefix("control-plane-").tempdir();
                let folder = folder.context("making a folder for a control plane")?;
                let data = folder.path().join("data");
                (Some(folder), data)
            }
        };
        std::fs::create_dir_all(&data).with_context(|| format!("making the folder {}", data.display()))?;
        let (audit, said) = (data.join("audit.log"), data.with_extension("start.log"));
        let mut command = match options.api_server.chosen()? {
            ApiServerKind::Embedded => embedded(options, &data)?,
            _ => real(options, &data)?,
        };
        command.arg("--exit-with-parent").arg("--audit-log").arg(&audit);
        let said_file = std::fs::File::create(&said).with_context(|| format!("writing {}", said.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said_file);
        let program = PathBuf::from(command.get_program());
        let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let ready = read_ready(&mut child).with_context(|| {
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            format!("starting a control plane with {}: it said\n{said}", program.display())
        })?;
        let own = Own { child, server: ready.server, _folder: folder };
        Ok(ControlPlane { kubeconfig: ready.kubeconfig, audit: Some(AuditLog::at(audit)), own: Some(own) })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The URL of the API server, if it was started here.
    pub fn server(&self) -> Option<&str> {
        self.own.as_ref().map(|own| own.server.as_str())
    }

    /// The id of the process that was started here.
    pub fn process(&self) -> Option<u32> {
        self.own.as_ref().map(|own| own.child.id())
    }

    /// A client with all rights, on the runtime of the caller, that calls itself `user_agent` in the audit log.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn client(&self, user_agent: &str) -> Result<Client> {
        let reading = || format!("reading the kubeconfig {}", self.kubeconfig.display());
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig).with_context(reading)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.with_context(reading)?;
        config.headers.push((
            axum::http::header::USER_AGENT,
            axum::http::HeaderValue::from_str(user_agent).context("naming a client")?,
        ));
        Client::try_from(config).context("making a client")
    }

    /// What the API server was asked.
    ///
    /// # Errors
    /// When this is a cluster whose audit log was not named.
    pub fn audit(&self) -> Result<&AuditLog> {
        let missing = || format!("no audit log: set {AUDIT_LOG_VARIABLE} beside {KUBECONFIG_VARIABLE}, or set neither");
        self.audit.as_ref().with_context(missing)
    }

    /// A new namespace named after a test, with its default service account.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn namespace(&self, client: &Client, name: &str) -> Result<Namespace> {
        let api: Api<NamespaceObject> = Api::all(client.clone());
        for attempt in 1..=NAMESAKES_MAX {
            let name = if attempt == 1 { name.to_string() } else { format!("{name}-{attempt}") };
            let object = serde_json::from_value(serde_json::json!({
                "metadata": {"name": name, "labels": {"thalweg.dev/test": "true"}},
            }));
            match api.create(&PostParams::default(), &object.context("building a namespace")?).await {
                Ok(_) => return Namespace { name, client: client.clone() }.ready().await,
                Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                Err(error) => return Err(error).with_context(|| format!("making the namespace {name}")),
            }
        }
        bail!("there are {NAMESAKES_MAX} namespaces named after {name}: remove those labelled thalweg.dev/test=true")
    }
}

/// The end of a control plane, first politely.
impl Drop for Own {
    fn drop(&mut self) {
        let start = std::time::Instant::now();
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        while start.elapsed() < STOP_LIMIT {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A test's own namespace.
#[derive(Clone)]
pub struct Namespace {
    name: String,
    client: Client,
}

impl Namespace {
    /// Its name: the test's, with a number behind it if an earlier run left one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Removes it with all it holds, without waiting.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn remove(&self) -> Result<()> {
        let api: Api<NamespaceObject> = Api::all(self.client.clone());
        let removed = api.delete(&self.name, &DeleteParams::default()).await;
        removed.map(drop).with_context(|| format!("removing the namespace {}", self.name))
    }

    async fn ready(self) -> Result<Namespace> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.name);
        let what = format!("namespace {} has its default service account", self.name);
        observe(SERVICE_ACCOUNT_LIMIT, &what, || accounts.get("default")).await?;
        Ok(self)
    }
}

impl ApiServerKind {
    fn chosen(self) -> Result<ApiServerKind> {
        if self != ApiServerKind::Any {
            return Ok(self);
        }
        match std::env::var(API_SERVER_VARIABLE).as_deref() {
            Ok("embedded") => Ok(ApiServerKind::Embedded),
            Ok("real") | Err(_) => Ok(ApiServerKind::Real),
            Ok(other) => bail!("{API_SERVER_VARIABLE} is `{other}`: it is `real` or `embedded`"),
        }
    }
}

/// `cluster start`.
fn real(options: &ControlPlaneOptions, data: &Path) -> Result<Command> {
    let mut command = Command::new(cluster_program()?);
    command.arg("start").arg("--data").arg(data).args(["--nodes", &options.nodes.to_string()]);
    if let Some(kubeconfig) = &options.kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    command.args(&options.arguments);
    Ok(command)
}

/// `thalweg api-server`.
fn embedded(options: &ControlPlaneOptions, data: &Path) -> Result<Command> {
    let mut command = Command::new(thalweg_binary()?);
    let kubeconfig = options.kubeconfig.clone().unwrap_or_else(|| data.join("kubeconfig"));
    command.arg("api-server").arg("--kubeconfig").arg(kubeconfig);
    Ok(command)
}

fn read_ready(child: &mut Child) -> Result<Ready> {
    let output = child.stdout.take().expect("its output was asked for");
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).context("reading its ready line")?;
    if line.is_empty() {
        let status = child.wait().context("waiting for its end")?;
        bail!("it ended with {status} before it was ready");
    }
    serde_json::from_str(&line).with_context(|| format!("reading its ready line {line}"))
}
