//! `cargo xtask check`: what a change must pass. Every step runs, so that one run tells all.

use anyhow::{Result, bail};

use crate::generate;
use crate::program::{cargo, program, run};
use crate::suites::{self, Passed};
use crate::terminal::step;

/// What it is called, and what it does.
type Step = (&'static str, fn() -> Result<()>);

pub(crate) fn check() -> Result<()> {
    let steps: [Step; 8] = [
        ("format", || run(&mut cargo(&["fmt", "--all", "--check"]))),
        ("generated files", generate::check),
        ("spelling", || run(&mut program("typos", &[]))),
        // Told that cargo calls it, it would take its first argument for its own name.
        ("unused dependencies", || run(program("cargo-machete", &["."]).env_remove("CARGO"))),
        ("bans, licences and sources of dependencies", deny),
        ("lints", lints),
        ("tests", || suites::test(&Passed::default())),
        ("docs", docs),
    ];
    let mut failed = Vec::new();
    for (name, work) in steps {
        if let Err(error) = step(name, work) {
            crate::terminal::failure(&format!("{error:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Advisories need the network and change with the day: `cargo deny check advisories` is a command of its own.
fn deny() -> Result<()> {
    run(&mut program(
        "cargo-deny",
        &["--offline", "--all-features", "--locked", "check", "bans", "licenses", "sources"],
    ))
}

fn lints() -> Result<()> {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"]))
}

fn docs() -> Result<()> {
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
    run(docs.env("RUSTDOCFLAGS", "--deny warnings"))
}
