//! The running parts: API server, Git server, hub, agent, controllers. One folder holds their data and their logs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use thalweg_harness::{
    ApiServerKind, ControlPlane, ControlPlaneOptions, GitServer, Process, ProcessOptions, Worktree, free_port, observe,
    thalweg_binary,
};

use crate::arm::{self, Arm};
use crate::cluster::Cluster;
use crate::screen::Screen;

const ROLE_START_LIMIT: Duration = Duration::from_secs(20);
const WATCH_PAUSE: Duration = Duration::from_millis(500);

/// Everything that runs, stopped when dropped, what was started last first.
pub(crate) struct Workshop {
    pub(crate) roles: Vec<(&'static str, Process)>,
    pub(crate) repository: Option<Worktree>,
    pub(crate) git: Option<GitServer>,
    pub(crate) control_plane: Option<ControlPlane>,
    pub(crate) api_server: ApiServerKind,
    folder: Option<TempDir>,
    path: PathBuf,
}

/// The hub and the one user who may ask it.
pub(crate) struct Hub {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) arm: Arm,
}

impl Workshop {
    pub(crate) fn new(api_server: ApiServerKind) -> Result<Workshop> {
        let folder = tempfile::Builder::new().prefix("thalweg-demo-").tempdir().context("making a folder")?;
        let path = folder.path().to_path_buf();
        std::fs::create_dir(path.join("logs")).context("making a folder for logs")?;
        let (roles, folder) = (Vec::new(), Some(folder));
        Ok(Workshop { roles, repository: None, git: None, control_plane: None, api_server, folder, path })
    }

    /// Leaves the folder on the disk when the demo ends.
    pub(crate) fn keep_folder(&mut self) -> &Path {
        if let Some(folder) = self.folder.take() {
            let _ = folder.keep();
        }
        &self.path
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    pub(crate) async fn start_control_plane(&mut self) -> Result<Cluster> {
        let options = ControlPlaneOptions {
            api_server: self.api_server,
            nodes: 1,
            data: Some(self.path.join("control-plane")),
            kubeconfig: Some(self.kubeconfig()),
            ..ControlPlaneOptions::default()
        };
        let started = tokio::task::spawn_blocking(move || ControlPlane::start(&options)).await;
        let control_plane = started.context("waiting for the control plane")??;
        let client = control_plane.client("thalweg-demo").await?;
        self.control_plane = Some(control_plane);
        Ok(Cluster::new(client))
    }

    pub(crate) fn start_git(&mut self) -> Result<(&Worktree, String)> {
        let git = self.git.insert(GitServer::start()?);
        let url = git.url("shop");
        let repository = git.repository("shop")?;
        Ok((self.repository.insert(repository), url))
    }

    pub(crate) async fn start_hub(&mut self) -> Result<Hub> {
        let token = self.token(&["--user", "ada"])?;
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let url = format!("http://{address}");
        let store = self.hub_store();
        self.start("hub", &["hub", "--address", &address, "--database", &store], &[])?;
        let arm = Arm::new(&url, &token)?;
        let probe = arm.clone();
        let answers = || async { probe.put(&arm::group_id(), &serde_json::json!({"location": "local"})).await };
        self.until("the hub answers", answers).await?;
        Ok(Hub { url, token, arm })
    }

    /// The agent's one-time token stands in a file, as it would in a Secret.
    pub(crate) fn start_agent(&mut self, hub: &Hub) -> Result<()> {
        let token = self.token(&["--cluster", &arm::cluster_id()])?;
        let file = self.path.join("agent-token");
        std::fs::write(&file, token).context("writing the agent's token")?;
        let kubeconfig = self.kubeconfig();
        let flags = [
            format!("--hub={}", hub.url),
            format!("--token-file={}", file.display()),
            format!("--kubeconfig={}", kubeconfig.display()),
            "--status-interval=1s".to_string(),
        ];
        let arguments: Vec<&str> = std::iter::once("agent").chain(flags.iter().map(String::as_str)).collect();
        self.start("agent", &arguments, &[])
    }

    pub(crate) async fn start_controllers(&mut self) -> Result<()> {
        let kubeconfig = self.kubeconfig().display().to_string();
        let storage = self.path.join("artifacts");
        std::fs::create_dir(&storage).context("making the artifact storage")?;
        let storage_address = format!("127.0.0.1:{}", free_port()?);
        let health = format!("127.0.0.1:{}", free_port()?);
        let metrics = format!("127.0.0.1:{}", free_port()?);
        let flags = [
            ("--kubeconfig", kubeconfig.as_str()),
            ("--storage-path", &storage.display().to_string()),
            ("--storage-addr", &storage_address),
            ("--storage-adv-addr", &storage_address),
            ("--health-addr", &health),
            ("--metrics-addr", &metrics),
        ];
        let arguments: Vec<String> = flags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let arguments: Vec<&str> = std::iter::once("controller").chain(arguments.iter().map(String::as_str)).collect();
        self.start("controller", &arguments, &[("RUNTIME_NAMESPACE", "flux-system")])?;
        let ready = format!("http://{health}/readyz");
        let answers = || async {
            let answer = reqwest::get(&ready).await?;
            if answer.status().is_success() { Ok(()) } else { bail!("{ready} answers {}", answer.status()) }
        };
        self.until("the controllers are ready", answers).await
    }

    /// Waits for `probe`, and fails at once when a part has ended.
    pub(crate) async fn until<T, F, P>(&mut self, what: &str, mut probe: P) -> Result<T>
    where
        F: Future<Output = Result<T>>,
        P: FnMut() -> F,
    {
        self.within(ROLE_START_LIMIT, what, &mut probe).await
    }

    /// Waits for `probe` until `limit`, and fails at once when a part has ended.
    pub(crate) async fn within<T, F, P>(&mut self, limit: Duration, what: &str, probe: P) -> Result<T>
    where
        F: Future<Output = Result<T>>,
        P: FnMut() -> F,
    {
        tokio::select! {
            biased;
            ended = watch(&mut self.roles) => ended,
            found = observe(limit, what, probe) => found,
        }
    }

    /// Until Ctrl-C, or until a part ends by itself.
    pub(crate) async fn run_until_told_to_stop(&mut self, screen: &Screen) -> Result<()> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            ended = watch::<()>(&mut self.roles) => return ended,
        }
        screen.line("\nStopping.");
        Ok(())
    }

    fn start(&mut self, role: &'static str, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
        let log = self.path.join("logs").join(format!("{role}.log"));
        let options = ProcessOptions::thalweg(arguments.iter().copied(), log)?;
        let options = environment.iter().fold(options, |options, (name, value)| options.with(name, *value));
        self.roles.push((role, Process::start(&options)?));
        Ok(())
    }

    /// `thalweg hub token` prints a token once.
    fn token(&self, whose: &[&str]) -> Result<String> {
        let mut command = std::process::Command::new(thalweg_binary()?);
        command.args(["hub", "token", "--database", &self.hub_store()]).args(whose);
        let output = command.output().context("starting `thalweg hub token`")?;
        if !output.status.success() {
            bail!("`thalweg hub token` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
    }

    fn hub_store(&self) -> String {
        self.path.join("hub.db").display().to_string()
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        while self.roles.pop().is_some() {}
    }
}

/// Never returns while all of them run.
async fn watch<T>(roles: &mut [(&'static str, Process)]) -> Result<T> {
    loop {
        for (name, role) in roles.iter_mut() {
            role.check_running().with_context(|| format!("thalweg {name}"))?;
        }
        tokio::time::sleep(WATCH_PAUSE).await;
    }
}
