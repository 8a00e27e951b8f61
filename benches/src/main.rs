//! `cargo xtask bench`: what reading YAML and building kustomizations takes, beside the reference tools, in one run.
//!
//! Everything goes from bytes to bytes, and nothing is kept between two iterations. Times are medians. The programs that are
//! measured besides this one come from the environment: see [`programs::Programs`].
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "measures, runs programs, and says what it saw")]

mod build;
mod clock;
mod peak;
mod programs;
mod table;
mod tree;
mod yaml;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::programs::Programs;
use crate::table::Table;

#[derive(Parser)]
struct Flags {
    /// Also the reference on 4,000 objects: minutes a build
    #[arg(long)]
    slowest: bool,
    #[command(subcommand)]
    alone: Option<Alone>,
}

/// What a process does alone, so that its peak memory is that of one thing.
#[derive(Subcommand)]
enum Alone {
    /// Runs a program and prints the most memory that it held, in bytes
    #[command(hide = true)]
    Peak { program: Vec<String> },
    /// Reads a YAML file
    #[command(hide = true)]
    Read { file: std::path::PathBuf },
    /// Holds the bytes of a file
    #[command(hide = true)]
    Hold { file: std::path::PathBuf },
}

fn main() -> Result<()> {
    let flags = Flags::parse();
    match flags.alone {
        Some(Alone::Peak { program }) => println!("{}", peak::of(&program)?),
        Some(Alone::Read { file }) => yaml::read(&file)?,
        Some(Alone::Hold { file }) => drop(std::hint::black_box(std::fs::read(file)?)),
        None => measure(flags.slowest)?,
    }
    Ok(())
}

fn measure(slowest: bool) -> Result<()> {
    let programs = Programs::from_environment()?;
    let mut table = Table::begin();
    yaml::measure(&programs, &mut table)?;
    build::library(&programs, slowest, &mut table)?;
    build::threads(&mut table)?;
    build::command(&programs, &mut table)?;
    build::memory(&programs, &mut table)
}
