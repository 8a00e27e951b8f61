//! The programs that are measured besides the libraries linked here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock::middle;

/// Where the programs are; `cargo xtask bench` builds them and sets the variables.
pub(crate) struct Programs {
    /// `THALWEG_BIN`
    pub(crate) thalweg: PathBuf,
    /// `KUSTOMIZE`: the pinned one of tests/reference.
    pub(crate) kustomize: PathBuf,
    /// `KUSTOMIZE_TIMES`: its library, in a loop.
    kustomize_times: PathBuf,
    /// `YAML_TIMES`: sigs.k8s.io/yaml, in a loop.
    yaml_times: PathBuf,
}

impl Programs {
    pub(crate) fn from_environment() -> Result<Self> {
        let named = |name: &str| {
            let path = std::env::var_os(name).with_context(|| format!("{name} is not set: run `cargo xtask bench`"))?;
            Ok::<_, anyhow::Error>(PathBuf::from(path))
        };
        Ok(Self {
            thalweg: named("THALWEG_BIN")?,
            kustomize: named("KUSTOMIZE")?,
            kustomize_times: named("KUSTOMIZE_TIMES")?,
            yaml_times: named("YAML_TIMES")?,
        })
    }

    /// kustomize's library on a tree, so many times in one process; with `reset`, its schema is read anew each time, as
    /// Flux does.
    pub(crate) fn kustomize_library(&self, objects: usize, times: usize, reset: bool) -> Result<Duration> {
        let mut run = Command::new(&self.kustomize_times);
        run.arg(crate::tree::folder(objects))
            .arg(crate::tree::OVERLAY)
            .arg(times.to_string())
            .args(reset.then_some("reset"));
        median_said(&mut run)
    }

    /// sigs.k8s.io/yaml's Unmarshal of a file into generic values.
    pub(crate) fn sigs_yaml(&self, file: &std::path::Path, times: usize) -> Result<Duration> {
        median_said(Command::new(&self.yaml_times).arg(file).arg(times.to_string()))
    }

    /// The most memory that a program holds, in bytes; it is started by a process that holds little itself.
    pub(crate) fn peak(&self, program: impl IntoIterator<Item = OsString>) -> Result<u64> {
        let this = std::env::current_exe().context("finding this program")?;
        let output = succeeded(Command::new(this).args(["peak", "--"]).args(program))?;
        String::from_utf8_lossy(&output.stdout).trim().parse().context("reading the peak of a program")
    }
}

/// What a program prints: nanoseconds, a line a run.
fn median_said(program: &mut Command) -> Result<Duration> {
    let output = succeeded(program)?;
    let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::parse).collect::<Result<Vec<u64>, _>>();
    let lines = lines.with_context(|| format!("reading the times that {program:?} printed"))?;
    Ok(middle(lines.into_iter().map(Duration::from_nanos).collect()))
}

pub(crate) fn succeeded(program: &mut Command) -> Result<Output> {
    let output = program.output().with_context(|| format!("starting {program:?}"))?;
    ensure!(output.status.success(), "{program:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output)
}
