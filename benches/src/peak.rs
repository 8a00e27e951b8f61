//! The most memory that a program holds.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

/// Runs a program without looking at its output; the most memory that it held, in bytes.
pub(crate) fn of(program: &[String]) -> Result<u64> {
    let (name, arguments) = program.split_first().context("no program is named")?;
    let status = Command::new(name).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ensure!(status.with_context(|| format!("starting {name}"))?.success(), "{name} failed");
    let kibibytes = getrusage(UsageWho::RUSAGE_CHILDREN).context("asking what the program used")?.max_rss();
    Ok(u64::try_from(kibibytes)? * 1024)
}
