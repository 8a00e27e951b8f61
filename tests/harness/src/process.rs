//! A program that runs beside a test: its output in a file, its end in the test's hands.

use std::ffi::OsString;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::tools::thalweg_binary;

const WAIT_PAUSE: Duration = Duration::from_millis(10);
/// How much of a log a failure shows.
const LOG_LINES_SHOWN: usize = 40;

/// What to start, and where its output goes.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables added to its environment; `None` removes one.
    pub environment: Vec<(String, Option<OsString>)>,
    /// The file that receives both of its outputs.
    pub log: PathBuf,
}

impl ProcessOptions {
    /// Our own binary in one of its roles, as `arguments` say.
    ///
    /// # Errors
    /// When the binary was not built.
    pub fn thalweg<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>, log: impl Into<PathBuf>) -> Result<Self> {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Ok(ProcessOptions { program: thalweg_binary()?, arguments, environment: Vec::new(), log: log.into() })
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_string(), Some(value.into())));
        self
    }
}

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the program, appending its output to the log.
    ///
    /// # Errors
    /// When it cannot be started or the log cannot be written.
    pub fn start(options: &ProcessOptions) -> Result<Process> {
        let log = File::options().create(true).append(true).open(&options.log);
        let log = log.with_context(|| format!("opening the log {}", options.log.display()))?;
        let mut command = Command::new(&options.program);
        command.args(&options.arguments).stdin(Stdio::null());
        for (name, value) in &options.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdout(log.try_clone().context("sharing the log")?).stderr(log);
        let child = command.spawn().with_context(|| format!("starting {}", options.program.display()))?;
        Ok(Process { child, log: options.log.clone() })
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file that holds its output.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// All it has printed so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines it printed, for a failure's message.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("asking whether a process ended")
    }

    /// Fails, with the last lines of its log, if it ended.
    ///
    /// # Errors
    /// When it ended.
    pub fn check_running(&mut self) -> Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}; the end of {}:\n{}", self.log.display(), self.log_tail()),
        }
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id()).context("reading a process id")?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("sending {signal}"))
    }

    /// Ends it at once, as a power failure would, and waits until it is gone.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("killing a process")?;
        self.child.wait().context("waiting for a killed process")?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it still runs after `limit`: it is killed then.
    pub async fn terminate(mut self, limit: Duration) -> Result<ExitStatus> {
        if self.ended()?.is_none() {
            self.signal(Signal::SIGTERM)?;
        }
        self.wait(limit).await
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if start.elapsed() > limit {
                bail!("it still runs after {limit:?}; the end of {}:\n{}", self.log.display(), self.log_tail());
            }
            tokio::time::sleep(WAIT_PAUSE).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TCP port of loopback that nothing listens on now.
///
/// # Errors
/// When the operating system has none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("asking for a free port")?;
    Ok(listener.local_addr().context("asking for a free port")?.port())
}
