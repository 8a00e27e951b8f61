//! `thalweg agent`: binds this cluster to a hub.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use thalweg_agent::{Context, HubUrl, Options, Token, run as run_agent};
use thalweg_controller_runtime::{CancellationToken, Clock, Random};
use thalweg_crds::GoDuration;
use thalweg_kubernetes::{Cluster, ConnectOptions};
use thalweg_protocol::agent::Epoch;

use crate::logging::LogFlags;
use crate::process;

/// `thalweg agent`.
#[derive(Args, Clone, Debug)]
pub(crate) struct AgentFlags {
    /// The hub: https://, or http:// on loopback.
    #[arg(long, value_name = "URL", env = "THALWEG_HUB")]
    hub: HubUrl,
    /// Certificate authorities of the hub to trust beside the system's, PEM.
    #[arg(long, value_name = "FILE")]
    hub_ca_file: Option<PathBuf>,
    /// The one-time token to register with; not needed any more once the agent is registered.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The namespace of the agent's Secret; made if it is not there [default: RUNTIME_NAMESPACE, or thalweg-system].
    #[arg(long, value_name = "NAME", env = "RUNTIME_NAMESPACE")]
    namespace: Option<String>,
    /// Status that changes again within this time is sent together [default: 10s].
    #[arg(long, value_name = "DURATION")]
    status_interval: Option<GoDuration>,
    /// Follow this hub from this epoch on, although the cluster is ahead of it or followed another hub.
    #[arg(long, value_name = "HUB:NUMBER")]
    accept_epoch: Option<Epoch>,
    /// A kubeconfig file; without one, KUBECONFIG, ~/.kube/config, or the pod that this runs in.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    #[command(flatten)]
    log: LogFlags,
}

/// Runs the agent.
pub(crate) fn run(flags: AgentFlags) -> ExitCode {
    process::run(&flags.log.clone(), |shutdown| follow_hub(flags, shutdown))
}

async fn follow_hub(flags: AgentFlags, shutdown: CancellationToken) -> anyhow::Result<()> {
    let AgentFlags { hub, hub_ca_file, token_file, namespace, status_interval, accept_epoch, kubeconfig, log: _ } =
        flags;
    let certificate_authority = match hub_ca_file {
        None => None,
        Some(path) => Some(read(&path)?.with_context(|| format!("{} is not there", path.display()))?),
    };
    let defaults = Options::new(hub);
    let options = Options {
        certificate_authority,
        token: token(token_file.as_deref())?,
        namespace: namespace.filter(|name| !name.is_empty()).unwrap_or(defaults.namespace),
        status_interval: status_interval.map_or(defaults.status_interval, GoDuration::get),
        accept_epoch,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..defaults
    };
    let connect = ConnectOptions { kubeconfig, ..ConnectOptions::default() };
    let cluster = Cluster::connect(&connect).await.context("connecting to the API server")?;
    let context = Context { cluster, clock: Clock::system(), random: Random::system() };
    run_agent(context, options, shutdown).await.context("the agent cannot go on")
}

/// The token in a file. A file that is not there holds none: the token was used, and its Secret may be gone.
fn token(file: Option<&Path>) -> anyhow::Result<Option<Token>> {
    let Some(path) = file else { return Ok(None) };
    let Some(content) = read(path)? else { return Ok(None) };
    let token = std::str::from_utf8(&content).ok().and_then(Token::new);
    token.map(Some).with_context(|| format!("{} holds no token", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "files that flags name are read here")]
fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_that_is_not_there_holds_none_and_an_empty_one_is_an_error() {
        assert_eq!(token(None).unwrap(), None);
        assert_eq!(token(Some(Path::new("/nowhere/token"))).unwrap(), None);
        assert_eq!(token(Some(Path::new("/dev/null"))).unwrap_err().to_string(), "/dev/null holds no token");
    }
}
