//! `cargo xtask fuzz`: cargo-fuzz on the targets of fuzz/.
//!
//! A run begins with the cases of testdata/, with what earlier runs found (target/fuzz) and with what was kept of that
//! (fuzz/corpus), which a regular test runs too. Nothing but this needs nightly Rust.

mod seeds;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::program::{program, run};
use crate::terminal::{failure, note, step};
use crate::{setup, workspace};

/// The targets, each with the longest input worth trying, in bytes.
const TARGETS: [(&str, u32); 3] = [("yaml", 2048), ("kustomization", 8192), ("patches", 4096)];

/// An input that takes longer is a finding.
const INPUT_SECONDS_MAX: u32 = 10;
const MEMORY_MEGABYTES_MAX: u32 = 2048;

#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// Which target; all of them, one after the other, when there is none
    #[arg(value_parser = TARGETS.map(|(name, _)| name))]
    target: Option<String>,
    /// How long each runs
    #[arg(long, value_name = "N", default_value_t = 10)]
    minutes: u32,
    /// Instead, keep in fuzz/corpus the fewest of the inputs that were found which together reach what all of them reach
    #[arg(long)]
    keep: bool,
}

pub(crate) fn fuzz(options: &Fuzz) -> Result<()> {
    setup::fuzzing()?;
    let mut failed = Vec::new();
    for (name, length_max) in TARGETS {
        if options.target.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let target = Target { name, length_max };
        let done = match options.keep {
            true => step(&format!("keep inputs of {name}"), || target.keep()),
            false => step(&format!("fuzz {name} for {} minutes", options.minutes), || target.search(options.minutes)),
        };
        if let Err(error) = done {
            failure(&format!("{error:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}. A finding is mended with a regular test of its own", failed.join(", "));
    }
    Ok(())
}

struct Target {
    name: &'static str,
    length_max: u32,
}

impl Target {
    /// Looks for inputs that reach something new, until one is a finding or the time is over.
    fn search(&self, minutes: u32) -> Result<()> {
        let findings = self.fresh_or_there("findings")?;
        let mut search = self.run(self.fresh_or_there("corpus")?)?;
        search.arg(format!("-max_total_time={}", minutes * 60));
        search.arg(format!("-artifact_prefix={}/", findings.display()));
        search.arg(format!("-dict={}", fuzz_folder().join("dictionaries").join(self.name).display()));
        run(&mut search)
    }

    fn keep(&self) -> Result<()> {
        let (fewest, kept) = (self.found("fewest"), self.kept());
        if fewest.exists() {
            std::fs::remove_dir_all(&fewest).with_context(|| format!("removing {}", fewest.display()))?;
        }
        run(self.run(self.fresh_or_there("fewest")?)?.args(["-set_cover_merge=1", "-use_counters=0"]))?;
        if kept.exists() {
            std::fs::remove_dir_all(&kept).with_context(|| format!("removing {}", kept.display()))?;
        }
        run(program("cp", &["-R"]).arg(fewest).arg(&kept))?;
        note(&format!("{} inputs", std::fs::read_dir(kept)?.count()));
        Ok(())
    }

    /// cargo-fuzz with all the inputs that there are; what is new goes to the folder `into`.
    fn run(&self, into: PathBuf) -> Result<Command> {
        let seeds = self.fresh_or_there("seeds")?;
        seeds::write(self.name, &seeds)?;
        let mut fuzz = program("rustup", &["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir"]);
        // Safe Rust has nothing for a sanitizer to find.
        fuzz.arg(fuzz_folder()).args(["--sanitizer", "none", "--target-dir"]).arg(workspace::target().join("fuzz"));
        fuzz.arg(self.name).arg(into).arg(seeds).arg(self.fresh_or_there("corpus")?);
        fuzz.args(self.kept().exists().then(|| self.kept()));
        fuzz.args(["--".to_owned(), format!("-timeout={INPUT_SECONDS_MAX}")]);
        fuzz.args([format!("-rss_limit_mb={MEMORY_MEGABYTES_MAX}"), format!("-max_len={}", self.length_max)]);
        Ok(fuzz)
    }

    fn kept(&self) -> PathBuf {
        fuzz_folder().join("corpus").join(self.name)
    }

    fn found(&self, what: &str) -> PathBuf {
        workspace::target().join("fuzz").join(what).join(self.name)
    }

    /// The folder, made if it is not there.
    fn fresh_or_there(&self, what: &str) -> Result<PathBuf> {
        let folder = self.found(what);
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(folder)
    }
}

fn fuzz_folder() -> PathBuf {
    workspace::root().join("fuzz")
}
