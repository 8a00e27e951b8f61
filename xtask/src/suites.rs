//! The suites: `test`, `conformance` and `demo`.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::program::{cargo, program, read, run};
use crate::terminal::{failure, note, step};
use crate::{reference, setup, workspace};

/// The package whose tests need an API server.
const END_TO_END: &str = "thalweg-end-to-end";

/// Those of its tests that run on the embedded API server too.
const ON_EMBEDDED: [&str; 2] = ["conformance", "in_process"];

/// Those that run on the real control plane.
const ON_REAL: [&str; 4] = ["conformance", "in_process", "agreement", "programs"];

/// Not on the embedded API server: there, every crash point is reached without waiting for the clock.
const CRASHES: [&str; 2] = ["--skip", "crash::"];

/// At a time: they wait more than they compute.
const ON_EMBEDDED_THREADS: &str = "8";

/// Crash points are spread over so many runs, unless `--all` asks for every one.
const CRASH_SHARES: u32 = 6;

/// Random sequences of writes with `--all`; the suite itself says how many otherwise.
const SEQUENCES_ALL: u32 = 5000;

/// Random trees that ours and kustomize build, and with `--all`.
const TREES: u64 = 2000;
const TREES_ALL: u64 = 20_000;

#[derive(clap::Args, Default)]
pub(crate) struct Passed {
    /// Passed to `cargo test`, such as a filter or `--package NAME`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct Conformance {
    /// Every crash point, instead of the sixth whose turn it is, 5000 random sequences of writes, 20000 random trees
    #[arg(long)]
    all: bool,
    /// Only the comparisons with kustomize, go-yaml and the like (tests/reference), which need Go but no cluster
    #[arg(long)]
    reference: bool,
    /// Random trees of kustomizations that ours and kustomize must build alike [default: 2000]
    #[arg(long, value_name = "N")]
    trees: Option<u64>,
    /// The seed of the first random tree
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    first_tree: u64,
    /// Random sequences of writes that the embedded API server and the real one must answer alike
    #[arg(long, value_name = "N")]
    sequences: Option<u32>,
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
    /// On a real control plane, which is built the first time (7 minutes)
    #[arg(long)]
    real: bool,
}

pub(crate) fn test(passed: &Passed) -> Result<()> {
    let mut test = cargo(&["test", "--no-fail-fast", "--locked", "--quiet"]);
    if passed.names_packages() {
        return run(test.args(&passed.arguments));
    }
    let own = run(test.args(["--workspace", "--exclude", END_TO_END]).args(&passed.arguments));
    own.and(simulation(passed)).and(embedded(passed))
}

/// Every crash point, and a thousand seeds of whatever else goes wrong, with paused time.
fn simulation(passed: &Passed) -> Result<()> {
    run(end_to_end(&["simulation"]).args(&passed.arguments))
}

/// The end-to-end specification on the embedded API server.
fn embedded(passed: &Passed) -> Result<()> {
    build_thalweg()?;
    let (of_cargo, of_tests) = passed.split();
    let mut test = end_to_end(&ON_EMBEDDED);
    test.args(of_cargo).arg("--").args(CRASHES).args(of_tests);
    run(test.env("THALWEG_API_SERVER", "embedded").env("RUST_TEST_THREADS", ON_EMBEDDED_THREADS))
}

fn build_thalweg() -> Result<()> {
    run(&mut cargo(&["build", "--package", "thalweg", "--locked", "--quiet"]))
}

fn end_to_end(programs: &[&str]) -> Command {
    let mut test = cargo(&["test", "--no-fail-fast", "--locked", "--quiet", "--package", END_TO_END]);
    for name in programs {
        test.args(["--test", name]);
    }
    test.env("THALWEG_BIN", workspace::built().join("thalweg"));
    test
}

impl Passed {
    fn names_packages(&self) -> bool {
        self.split().0.iter().any(|argument| argument.starts_with("--package") || argument.starts_with("-p"))
    }

    /// What is for cargo, and what is for the tests.
    fn split(&self) -> (&[String], &[String]) {
        let end = self.arguments.iter().position(|argument| argument == "--");
        end.map_or((&self.arguments, &[]), |end| (&self.arguments[..end], &self.arguments[end + 1..]))
    }
}

pub(crate) fn conformance(options: &Conformance) -> Result<()> {
    let arguments = &options.passed.arguments;
    if options.reference {
        return references(options, arguments);
    }
    // Arguments choose among the tests of the specification.
    let compared = if arguments.is_empty() { references(options, &[]) } else { Ok(()) };
    compared.and(specification(options))
}

/// Ours and the programs of tests/reference.
fn references(options: &Conformance, arguments: &[String]) -> Result<()> {
    let trees = options.trees.unwrap_or(if options.all { TREES_ALL } else { TREES });
    reference::tests(&reference::Questions { trees, first_tree: options.first_tree }, arguments)
}

/// The end-to-end specification.
fn specification(options: &Conformance) -> Result<()> {
    if options.kubeconfig.is_none() && !setup::control_plane_is_there() {
        setup::control_plane()?;
    }
    setup::programs()?;
    let share = if options.all { "all".to_string() } else { share_in_turn()? };
    step("build thalweg", build_thalweg)?;
    step(&format!("end-to-end specification (crash points: {share})"), || {
        let mut test = end_to_end(&ON_REAL);
        test.env("THALWEG_CRASH_POINTS", &share).env("THALWEG_API_SERVER", "real");
        if let Some(sequences) = options.sequences.or(options.all.then_some(SEQUENCES_ALL)) {
            test.env("AGREEMENT_SEQUENCES", sequences.to_string());
        }
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
    let prepared = prepare_demo(options.real);
    let ended = prepared.and_then(|()| {
        let mut demo = program(workspace::built().join("thalweg-demo"), &[]);
        demo.env("THALWEG_BIN", workspace::built().join("thalweg"));
        let flags = [("--keep", options.keep), ("--real", options.real)];
        demo.args(flags.iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag));
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

fn prepare_demo(real: bool) -> Result<()> {
    if real && !setup::control_plane_is_there() {
        note("First time here: a Kubernetes control plane is built from source. That takes about seven minutes, once.");
        setup::control_plane()?;
    }
    step("build thalweg and the demo", || {
        run(&mut cargo(&["build", "--package", "thalweg", "--package", "thalweg-demo", "--locked", "--quiet"]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_two_dashes_is_for_the_tests() {
        let check = |line: &str, expected: (usize, usize, bool)| {
            let passed = Passed { arguments: line.split_whitespace().map(str::to_string).collect() };
            let (of_cargo, of_tests) = passed.split();
            assert_eq!((of_cargo.len(), of_tests.len(), passed.names_packages()), expected, "{line}");
        };
        check("", (0, 0, false));
        check("filter", (1, 0, false));
        check("filter -- --nocapture -p", (1, 2, false));
        check("-p thalweg-dag -- --nocapture", (2, 1, true));
        check("--package=thalweg-dag", (1, 0, true));
    }
}
