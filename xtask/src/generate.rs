//! `cargo xtask generate`: writes the files that are made from other files, and tells when one is out of date.
//!
//! The CustomResourceDefinitions of our own kinds come from the types in crds/; those of Flux's kinds are the source, and
//! the types are tested against them. The tables of fields in docs/spec/ come from both. The tables of Kubernetes' own kinds
//! in core/schema, and how apiserver reads them as protobuf, come from the Kubernetes modules that tests/cluster pins;
//! those of core/kustomize-build from the kustomize that tests/reference pins. With `--expected`, the programs that
//! tests/reference pins say again what testdata/ builds to.

mod expected;
mod go_source;
mod kubernetes;
mod kustomize;
mod protobuf;

use anyhow::{Context, Result};

use crate::program::{cargo, run};
use crate::terminal::step;

/// The tests that compare the definitions and the tables of docs/spec/ with the types, and write them when told to.
const GENERATED_TESTS: [&str; 6] = ["--package", "thalweg-crds", "--test", "contract", "--", "generated::"];

#[derive(clap::Args)]
pub(crate) struct Generate {
    /// Instead, remake the expected files that reference tools make: of all cases, or of those whose name begins with PREFIX
    #[arg(long, value_name = "PREFIX", num_args = 0..=1, default_missing_value = "")]
    expected: Option<String>,
}

pub(crate) fn generate(options: &Generate) -> Result<()> {
    if let Some(prefix) = &options.expected {
        return expected::write(prefix);
    }
    step("tables of Kubernetes' own kinds", kubernetes::write)?;
    step("the field table of Kubernetes protobuf", protobuf::write)?;
    step("tables of what kustomize has built in", kustomize::write)?;
    step("CustomResourceDefinitions of our own kinds, and the tables of docs/spec", || {
        run(cargo(&["test", "--locked", "--quiet"]).args(GENERATED_TESTS).env("UPDATE_EXPECT", "1"))
    })?;
    Ok(())
}

/// Fails when generating would change a file.
pub(crate) fn check() -> Result<()> {
    run(cargo(&["test", "--locked", "--quiet"]).args(GENERATED_TESTS).env_remove("UPDATE_EXPECT"))
        .context("a generated file is out of date: run `cargo xtask generate`")?;
    kubernetes::check()?;
    protobuf::check()?;
    kustomize::check()
}
