//! The programs of tests/reference, each linked with the modules that its authors released it with, and the tests that ask them.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::program::{cargo, program, run};
use crate::terminal::step;
use crate::{setup, workspace};

/// A Go program, built into [`workspace::tools`].
pub(crate) struct Program {
    name: &'static str,
    /// The folder of its module, below tests/reference.
    module: &'static str,
    package: &'static str,
}

/// The command itself.
pub(crate) const KUSTOMIZE: Program =
    Program { name: "kustomize", module: "kustomize", package: "sigs.k8s.io/kustomize/kustomize/v5" };
/// Asks [`KUSTOMIZE`] about many trees.
const KUSTOMIZE_JUDGE: Program = Program { name: "kustomize-judge", module: "kustomize", package: "." };
/// What kustomize-controller builds.
pub(crate) const FLUX_KUSTOMIZE: Program = Program { name: "flux-kustomize", module: "flux-kustomize", package: "." };
/// What kustomize makes of an object and a patch.
pub(crate) const MERGE: Program = Program { name: "reference-merge2", module: "merge2", package: "." };
/// What kustomize prints.
pub(crate) const PRINT: Program = Program { name: "reference-print", module: "print", package: "." };
/// What Go's readers of YAML read.
const READ: Program = Program { name: "reference-yaml", module: "yaml", package: "." };

/// How long its library takes.
pub(crate) const KUSTOMIZE_TIMES: Program =
    Program { name: "kustomize-times", module: "kustomize", package: "./times" };
/// How long sigs.k8s.io/yaml takes.
pub(crate) const YAML_TIMES: Program = Program { name: "yaml-times", module: "yaml", package: "./times" };

/// Those that [`tests`] ask.
const ASKED: [&Program; 5] = [&KUSTOMIZE, &KUSTOMIZE_JUDGE, &MERGE, &PRINT, &READ];

/// The tests that ask: of these packages those that are ignored elsewhere.
const TESTS: [&str; 13] = [
    "--package",
    "thalweg-yaml",
    "--package",
    "thalweg-kustomize-build",
    "--lib",
    "--test",
    "read_reference",
    "--test",
    "print_reference",
    "--test",
    "random_trees",
    "--",
    "--ignored",
];

impl Program {
    pub(crate) fn path(&self) -> PathBuf {
        workspace::tools().join(self.name)
    }

    /// To be run where the caller says.
    pub(crate) fn command(&self) -> Command {
        Command::new(self.path())
    }

    fn build(&self) -> Result<()> {
        let mut build = program("go", &["build", "-trimpath", "-ldflags", "-s -w", "-o"]);
        build.arg(self.path()).arg(self.package);
        run(build.current_dir(workspace::root().join("tests/reference").join(self.module)))
    }
}

/// Builds those that are named.
pub(crate) fn build(programs: &[&Program]) -> Result<()> {
    if programs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    step(&format!("programs of tests/reference: {}", names.join(", ")), || {
        programs.iter().try_for_each(|program| program.build())
    })
}

/// Builds those that [`tests`] ask.
pub(crate) fn build_asked() -> Result<()> {
    build(&ASKED)
}

/// What the tests ask about, besides what each of them asks a fixed number of times.
pub(crate) struct Questions {
    /// Random trees of kustomizations.
    pub(crate) trees: u64,
    /// The seed of the first.
    pub(crate) first_tree: u64,
}

/// Compares our readers, printers, patches and builds with the reference's.
pub(crate) fn tests(questions: &Questions, arguments: &[String]) -> Result<()> {
    step("Go", setup::go)?;
    build_asked()?;
    let Questions { trees, first_tree } = questions;
    let seeds = format!("{first_tree}..{}", first_tree + trees);
    step(&format!("comparisons with the programs of tests/reference (random trees: seeds {seeds})"), || {
        let mut test = cargo(&["test", "--no-fail-fast", "--locked", "--quiet"]);
        test.args(TESTS).args(arguments).env("THALWEG_REFERENCE", workspace::tools());
        run(test.env("RANDOM_TREES", trees.to_string()).env("RANDOM_TREES_FIRST", first_tree.to_string()))
    })
}
