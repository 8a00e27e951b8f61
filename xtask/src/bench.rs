//! `cargo xtask bench`: what is claimed to be fast, beside the reference tools, in one run.

use anyhow::Result;

use crate::program::{cargo, program, run};
use crate::terminal::step;
use crate::{reference, setup, workspace};

#[derive(clap::Args)]
pub(crate) struct Bench {
    /// Also what takes the reference minutes: 4,000 objects
    #[arg(long)]
    slowest: bool,
}

pub(crate) fn bench(options: &Bench) -> Result<()> {
    step("Go", setup::go)?;
    reference::build(&[&reference::KUSTOMIZE, &reference::KUSTOMIZE_TIMES, &reference::YAML_TIMES])?;
    step("build thalweg and benches/, optimised", || {
        run(&mut cargo(&["build", "--release", "--locked", "--package", "thalweg", "--package", "thalweg-benches"]))
    })?;
    let built = workspace::target().join("release");
    let mut bench = program(built.join("thalweg-benches"), &[]);
    bench.args(options.slowest.then_some("--slowest")).env("THALWEG_BIN", built.join("thalweg"));
    bench.env("KUSTOMIZE", reference::KUSTOMIZE.path());
    bench.env("KUSTOMIZE_TIMES", reference::KUSTOMIZE_TIMES.path());
    run(bench.env("YAML_TIMES", reference::YAML_TIMES.path()))
}
