//! The process around a verb: its runtime, its logs, the signals that end it, and its exit status.

use std::future::Future;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use thalweg_controller_runtime::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use crate::logging::{self, LogFlags};

/// What the environment tells: all that is ever read of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// The namespace that we live in, if we live in a cluster.
    pub(crate) runtime_namespace: Option<String>,
    /// The name of our pod or host.
    pub(crate) host_name: String,
}

impl Environment {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment; flags name their variables"
    )]
    pub(crate) fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let of_kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned());
        let host_name = variable("HOSTNAME").or_else(of_kernel).unwrap_or_else(|| "localhost".to_owned());
        Self { runtime_namespace: variable("RUNTIME_NAMESPACE"), host_name }
    }
}

/// Runs a role until it ends or a signal asks it to.
pub(crate) fn run<F>(log: &LogFlags, role: impl FnOnce(CancellationToken) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<()>>,
{
    logging::start(log);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(error = %error, "the runtime cannot start");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let role = role(shutdown.clone());
        tokio::select! { biased;
            result = role => result,
            result = insist(&shutdown) => result,
        }
    });
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(error = format!("{error:#}"), "ended");
            ExitCode::FAILURE
        }
    }
}

/// Prints a line to standard output, for those who asked for it.
pub(crate) fn print(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{line}")
}

/// Cancels `shutdown` at the first SIGTERM or SIGINT; resolves at the second.
async fn insist(shutdown: &CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    let mut next = async || {
        tokio::select! { biased;
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    let first = next().await;
    info!(signal = first, "stopping");
    shutdown.cancel();
    let second = next().await;
    anyhow::bail!("stopped at once by a second signal, {second}")
}
