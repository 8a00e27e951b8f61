//! `thalweg api-server`: serves the embedded API server by itself, for programs that need a Kubernetes API and no cluster.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::json;
use thalweg_apiserver::audit::Log;
use thalweg_apiserver::serve::{Security, serve};
use thalweg_apiserver::{ApiServer, Options, User, controllers};
use thalweg_controller_runtime::CancellationToken;
use tokio::net::TcpListener;
use tracing::{error, info};

use crate::logging::LogFlags;
use crate::process;

/// Of the administrator's token and of the seed.
const TOKEN_BYTES: usize = 32;
/// How often it is asked whether the parent is still there.
const PARENT_PAUSE: Duration = Duration::from_millis(100);

/// `thalweg api-server`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApiServerFlags {
    /// Where to write a kubeconfig with an administrator's token; readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,
    /// Where to listen: an address and a port, on loopback; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where names and uids come from: with the same seed, the same requests are given the same ones [default: a new one].
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Where to append a line for each request: audit.k8s.io/v1 Events of the level Metadata.
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// Stop when the process that started this one ends.
    #[arg(long)]
    exit_with_parent: bool,
    #[command(flatten)]
    log: LogFlags,
}

/// Serves until a signal.
pub(crate) fn run(flags: ApiServerFlags) -> ExitCode {
    process::run(&flags.log.clone(), |shutdown| serve_until(flags, shutdown))
}

async fn serve_until(flags: ApiServerFlags, shutdown: CancellationToken) -> anyhow::Result<()> {
    let ApiServerFlags { kubeconfig, listen, seed, audit_log, exit_with_parent, log: _ } = flags;
    let parent = exit_with_parent.then(parent_id);
    if !listen.ip().is_loopback() {
        bail!("{listen} is not on loopback: this server keeps its objects in memory and is not for others to reach");
    }
    let kubeconfig = absolute(kubeconfig)?;
    let audit_log = audit_log.map(absolute).transpose()?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    let secret = random()?;
    let seed = seed.unwrap_or_else(|| secret.iter().fold(0, |seed, byte| seed << 8 | u64::from(*byte)));
    let token = hex::encode(random()?);
    let server = ApiServer::new(Options {
        seed,
        authentication: true,
        tokens: BTreeMap::from([(token.clone(), User::administrator())]),
        // Nobody can ask this process for them.
        audit_entries: 0,
        audit_log: audit_log.as_deref().map(open_audit_log).transpose()?,
        ..Options::default()
    });
    let serving = serve(server.clone(), listener, Security::Tls)?;
    write_secret(&kubeconfig, &serving.kubeconfig(Some(&token)))
        .with_context(|| format!("writing the kubeconfig {}", kubeconfig.display()))?;
    let (url, pid) = (serving.url(), std::process::id());
    // The one line on standard output, alike for all servers of the tests.
    let ready = json!({"kubeconfig": kubeconfig, "server": url, "auditLog": audit_log, "pid": pid});
    process::print(&ready.to_string())?;
    tokio::select! { biased;
        () = shutdown.cancelled() => {}
        () = end_of(parent) => info!("stopping: the process that started this one ended"),
        () = controllers::run(server) => {}
    }
    serving.stop().await;
    Ok(())
}

fn absolute(path: PathBuf) -> anyhow::Result<PathBuf> {
    std::path::absolute(&path).with_context(|| format!("reading the path {}", path.display()))
}

/// A line is in the file before the request is answered, so that whoever has the answer finds it there.
#[expect(clippy::disallowed_methods, reason = "the audit log that was asked for by flag")]
fn open_audit_log(path: &Path) -> anyhow::Result<Log> {
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let file = file.with_context(|| format!("opening the audit log {}", path.display()))?;
    Ok(Arc::new(move |event| {
        if let Err(error) = (&file).write_all(format!("{event}\n").as_bytes()) {
            error!(%error, "a line of the audit log is lost");
        }
    }))
}

/// Waits until another process takes the place of this parent; for ever if there is none to wait for.
async fn end_of(parent: Option<u32>) {
    let Some(parent) = parent else { return std::future::pending().await };
    while parent_id() == parent {
        tokio::time::sleep(PARENT_PAUSE).await;
    }
}

fn random() -> anyhow::Result<[u8; TOKEN_BYTES]> {
    let mut bytes = [0; TOKEN_BYTES];
    let filled = rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    filled.ok().context("the system has no randomness")?;
    Ok(bytes)
}

/// A file that only its owner reads. One that is there already is replaced, so that it never has more readers than that.
#[expect(clippy::disallowed_methods, reason = "the kubeconfig that was asked for by flag")]
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?.write_all(text.as_bytes())?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "looks at the file that was written")]
    fn a_kubeconfig_is_for_its_owner_alone_even_where_another_was_readable() {
        let path = std::env::temp_dir().join(format!("thalweg-kubeconfig-{}", std::process::id()));
        std::fs::write(&path, "old").unwrap();
        super::write_secret(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&path).unwrap();
    }
}
