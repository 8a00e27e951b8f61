//! `cargo xtask generate`: writes the files that are made from other files, and tells when one is out of date.
//!
//! The CustomResourceDefinitions of our own kinds come from the types in crds/; those of Flux's kinds are the source, and
//! the types are tested against them. The tables of fields in docs/spec/ come from both. The tables of Kubernetes' own kinds
//! in core/schema, and how apiserver reads them as protobuf, come from the Kubernetes modules that tests/cluster pins.

mod go_source;
mod kubernetes;
mod protobuf;

use std::process::Command;

use anyhow::{Context, Result};

use crate::program::{cargo, run};
use crate::terminal::{note, step};
use crate::workspace;

/// The tests that compare the definitions and the tables of docs/spec/ with the types, and write them when told to.
const GENERATED_TESTS: [&str; 6] = ["--package", "thalweg-crds", "--test", "contract", "--", "generated::"];

/// Folders of cases whose expected files `record.sh` writes, asking kubectl.
const RECORDED_BY_KUBECTL: [&str; 2] = ["testdata/kustomize", "testdata/yaml"];

#[derive(clap::Args)]
pub(crate) struct Generate {
    /// Also remake the expected files that reference tools make
    #[arg(long)]
    expected: bool,
}

pub(crate) fn generate(options: &Generate) -> Result<()> {
    step("tables of Kubernetes' own kinds", kubernetes::write)?;
    step("the field table of Kubernetes protobuf", protobuf::write)?;
    step("CustomResourceDefinitions of our own kinds, and the tables of docs/spec", || {
        run(cargo(&["test", "--locked", "--quiet"]).args(GENERATED_TESTS).env("UPDATE_EXPECT", "1"))
    })?;
    if options.expected {
        for folder in RECORDED_BY_KUBECTL {
            let script = workspace::root().join(folder).join("record.sh");
            step(&format!("expected files of {folder}, by kubectl"), || run(Command::new("sh").arg(script)))?;
        }
        note("expected files that need a control plane are made by the commands in the READMEs of testdata/");
    }
    Ok(())
}

/// Fails when generating would change a file.
pub(crate) fn check() -> Result<()> {
    run(cargo(&["test", "--locked", "--quiet"]).args(GENERATED_TESTS).env_remove("UPDATE_EXPECT"))
        .context("a generated file is out of date: run `cargo xtask generate`")?;
    kubernetes::check()?;
    protobuf::check()
}
