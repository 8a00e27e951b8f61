//! The suites: `test`, `conformance` and `demo`.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::program::{cargo, program, read, run};
use crate::terminal::{failure, note, step};
use crate::{setup, workspace};

/// Packages whose tests need a control plane.
const END_TO_END: [&str; 1] = ["thalweg-end-to-end"];

/// Crash points are spread over so many runs, unless `--all` asks for every one.
const CRASH_SHARES: u32 = 6;

#[derive(clap::Args, Default)]
pub(crate) struct Passed {
    /// Passed to `cargo test`, such as a filter or `--package NAME`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct Conformance {
    /// Every crash point, instead of the sixth whose turn it is
    #[arg(long)]
    all: bool,
    /// Run against this cluster, which the tests write to, instead of one of their own
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    #[command(flatten)]
    passed: Passed,
}

#[derive(clap::Args)]
pub(crate) struct Demo {
    /// Leave it running until Ctrl-C, with a kubeconfig to use
    #[arg(long)]
    keep: bool,
}

pub(crate) fn test(passed: &Passed) -> Result<()> {
    let mut test = cargo(&["test", "--workspace", "--no-fail-fast", "--locked", "--quiet"]);
    for package in END_TO_END {
        test.args(["--exclude", package]);
    }
    run(test.args(&passed.arguments))
}

pub(crate) fn conformance(options: &Conformance) -> Result<()> {
    if options.kubeconfig.is_none() && !setup::control_plane_is_there() {
        setup::control_plane()?;
    }
    let share = if options.all { "all".to_string() } else { share_in_turn()? };
    step("build thalweg", || run(&mut cargo(&["build", "--package", "thalweg", "--locked", "--quiet"])))?;
    step(&format!("end-to-end specification (crash points: {share})"), || {
        let mut test = cargo(&["test", "--locked", "--quiet"]);
        for package in END_TO_END {
            test.args(["--package", package]);
        }
        test.env("THALWEG_CRASH_POINTS", &share).env("THALWEG_BIN", workspace::built().join("thalweg"));
        if let Some(kubeconfig) = &options.kubeconfig {
            let path = std::path::absolute(kubeconfig).context("reading the path of the kubeconfig")?;
            test.env("KUBECONFIG_TEST", path);
        }
        run(test.args(&options.passed.arguments))
    })
}

/// `2/6`: which share of the crash points this commit runs. Each commit has the next one.
fn share_in_turn() -> Result<String> {
    let commits = read(&mut program("git", &["rev-list", "--count", "HEAD"])).context("counting commits")?;
    let commits: u32 = commits.parse().context("counting commits")?;
    Ok(format!("{}/{CRASH_SHARES}", commits % CRASH_SHARES + 1))
}

/// Builds what the demo needs and hands the terminal over to it.
pub(crate) fn demo(options: &Demo) -> ExitCode {
    let prepared = prepare_demo();
    let ended = prepared.and_then(|()| {
        let mut demo = program(workspace::built().join("thalweg-demo"), &[]);
        demo.env("THALWEG_BIN", workspace::built().join("thalweg"));
        if options.keep {
            demo.arg("--keep");
        }
        demo.status().context("starting the demo")
    });
    match ended {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            failure(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn prepare_demo() -> Result<()> {
    if !setup::control_plane_is_there() {
        note("First time here: a Kubernetes control plane is built from source. That takes about seven minutes, once.");
        setup::control_plane()?;
    }
    step("build thalweg and the demo", || {
        run(&mut cargo(&["build", "--package", "thalweg", "--package", "thalweg-demo", "--locked", "--quiet"]))
    })
}
