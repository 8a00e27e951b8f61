//! The tasks of this repository: `cargo xtask help` lists them.
//!
//! It stays light (it parses a command line and JSON, no more), so that the first task on a fresh machine starts in seconds;
//! the work itself is done by cargo, go and the programs of this workspace.
#![expect(clippy::disallowed_methods, reason = "tasks start programs, look at files and take the time")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tasks talk to a person")]

mod bench;
mod check;
mod fuzz;
mod generate;
mod program;
mod reference;
mod setup;
mod suites;
mod terminal;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this repository
#[derive(Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install and build what the other tasks need (12 minutes the first time, seconds after that)
    Setup,
    /// Format, generated files, spelling, dependencies, lints, tests and docs: what a change must pass
    Check,
    /// The tests that need no cluster and no network, the end-to-end specification on the embedded API server among them
    Test(suites::Passed),
    /// The end-to-end specification, against a real Kubernetes control plane, and ours against kustomize and go-yaml
    Conformance(suites::Conformance),
    /// From git push to compliance, step by step, in seconds: on the embedded API server
    Demo(suites::Demo),
    /// Look for inputs on which the readers of YAML, builds or patches panic or contradict themselves (nightly Rust)
    Fuzz(fuzz::Fuzz),
    /// What is claimed to be fast, beside the reference tools
    Bench(bench::Bench),
    /// Write the files that are made from other files
    Generate(generate::Generate),
}

fn main() -> ExitCode {
    let done = match CommandLine::parse().task {
        Task::Setup => setup::everything(),
        Task::Check => check::check(),
        Task::Test(passed) => suites::test(&passed),
        Task::Conformance(conformance) => suites::conformance(&conformance),
        Task::Demo(demo) => return suites::demo(&demo),
        Task::Fuzz(fuzz) => fuzz::fuzz(&fuzz),
        Task::Bench(bench) => bench::bench(&bench),
        Task::Generate(generate) => generate::generate(&generate),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::failure(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
