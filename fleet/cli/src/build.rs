//! `thalweg build`: what a directory builds to, as `kustomize build` prints it, or as Flux builds it.

mod disk;
mod flux;
mod refused_flags;

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use thalweg_kustomize_build::{LoadRestrictor, Options, Rendered, Reorder, render};

use self::disk::Disk;
use self::refused_flags::RefusedFlags;

/// `thalweg build`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BuildFlags {
    /// The directory of the kustomization.
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Build as Flux builds for the Kustomization in this file.
    #[arg(long, value_name = "FILE")]
    flux: Option<PathBuf>,
    /// Write the objects to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Whether files outside of the directory of a kustomization may be named.
    #[arg(long, value_enum, value_name = "RULE", default_value_t)]
    load_restrictor: Restrictor,
    /// In which order objects come, unless the kustomization has sortOptions.
    #[arg(long, value_enum, value_name = "ORDER", default_value_t)]
    reorder: Order,
    /// Also say, on standard error, how long it took and what was read.
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    refused: RefusedFlags,
}

/// As `kustomize build --load-restrictor` names them.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Restrictor {
    #[default]
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone")]
    None,
}

/// As `kustomize build --reorder` names them.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Order {
    #[default]
    None,
    Legacy,
}

/// Builds, and prints the objects or why there are none.
pub(crate) fn run(flags: &BuildFlags) -> ExitCode {
    match build(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who closes standard output has read enough.
            let is_closed = |cause: &std::io::Error| cause.kind() == ErrorKind::BrokenPipe;
            if !error.downcast_ref().is_some_and(is_closed) {
                say(&format!("Error: {error:#}"));
            }
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long it took, for --stats")]
fn build(flags: &BuildFlags) -> anyhow::Result<()> {
    let started = Instant::now();
    flags.refused.check()?;
    let options = options(flags)?;
    let disk = Disk::default();
    let built = render(&disk, &options).map_err(anyhow::Error::from);
    let Rendered { text, warnings } = built.with_context(|| format!("building {}", flags.directory.display()))?;
    let took = started.elapsed();
    for warning in warnings {
        say(&format!("Warning: {warning}"));
    }
    write(flags.output.as_deref(), text.as_bytes())?;
    if flags.stats {
        let (files, bytes) = disk.read();
        let milliseconds = took.as_secs_f64() * 1e3;
        say(&format!("{} bytes in {milliseconds:.2} ms, from {files} files of {bytes} bytes", text.len()));
    }
    Ok(())
}

fn options(flags: &BuildFlags) -> anyhow::Result<Options> {
    let shown = flags.directory.display();
    let directory = flags.directory.canonicalize().with_context(|| format!("building {shown}"))?;
    if !directory.is_dir() {
        bail!("building {shown}: it is a file: name the directory that holds the kustomization");
    }
    let path = disk::in_tree(&directory).with_context(|| format!("building {shown}: its path is not UTF-8"))?;
    Ok(Options {
        path,
        load_restrictor: match flags.load_restrictor {
            Restrictor::RootOnly => LoadRestrictor::RootOnly,
            Restrictor::None => LoadRestrictor::None,
        },
        reorder: match flags.reorder {
            Order::None => Reorder::None,
            Order::Legacy => Reorder::Legacy,
        },
        flux: flags.flux.as_deref().map(flux::read).transpose()?,
    })
}

#[expect(clippy::disallowed_methods, reason = "a file that the user names")]
fn write(file: Option<&Path>, text: &[u8]) -> anyhow::Result<()> {
    if let Some(file) = file {
        return std::fs::write(file, text).with_context(|| format!("writing {}", file.display()));
    }
    let mut output = std::io::stdout().lock();
    output.write_all(text).and_then(|()| output.flush()).context("writing to standard output")
}

/// Tells the user, in a terminal perhaps: files are named from where the user is, and what a terminal would obey is spelled out.
fn say(message: &str) {
    let line: String = disk::named_from(&here(), message).chars().map(spelled_out).collect();
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Control characters, and those that turn the direction of a text, as escapes.
fn spelled_out(character: char) -> String {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match character {
        '\n' | '\t' => character.to_string(),
        _ if character.is_control() || turns => character.escape_default().to_string(),
        _ => character.to_string(),
    }
}

#[expect(clippy::disallowed_methods, reason = "messages name files as the user would")]
fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}
