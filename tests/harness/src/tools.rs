//! Finds the programs that tests start, and says how to get one that is missing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The folder that holds the workspace's `Cargo.toml`.
///
/// Asked for at run time, where cargo says it: two checkouts that share a target folder share what was compiled too.
pub fn workspace_root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&here).ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    root.expect("a crate of this workspace is below its root").to_path_buf()
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the workspace.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root().join("target"), PathBuf::from)
}

/// The program of tests/cluster: `THALWEG_CLUSTER`, or what `cargo xtask setup` built.
pub(crate) fn cluster_program() -> Result<PathBuf> {
    let (path, from) = match std::env::var_os("THALWEG_CLUSTER") {
        Some(named) => (PathBuf::from(named), "named by THALWEG_CLUSTER"),
        None => (target_folder().join("tools/cluster"), "built by `cargo xtask setup`"),
    };
    if !path.is_file() {
        bail!(
            "there is no control plane to test against: {} ({from}) does not exist.\n\
             Run `cargo xtask setup` (about seven minutes, once), set THALWEG_CLUSTER to such a program,\n\
             or set KUBECONFIG_TEST to the kubeconfig of a cluster that tests may write to.",
            path.display()
        );
    }
    Ok(path)
}

/// The program of tests/programs: `THALWEG_PROGRAMS`, or what `cargo xtask setup` built.
///
/// # Errors
/// When there is none; the message says how to build it.
pub fn programs_binary() -> Result<PathBuf> {
    let named = std::env::var_os("THALWEG_PROGRAMS").map(PathBuf::from);
    let path = named.unwrap_or_else(|| target_folder().join("tools/programs"));
    if !path.is_file() {
        bail!(
            "there are no programs to run: {} does not exist. Run `cargo xtask setup`, or set THALWEG_PROGRAMS to what \
             `go build` makes of tests/programs",
            path.display()
        );
    }
    Ok(path)
}

/// The `thalweg` binary: `THALWEG_BIN`, or the one beside the test that runs.
///
/// # Errors
/// When there is none; the message says how to build it.
pub fn thalweg_binary() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("THALWEG_BIN") {
        let path = PathBuf::from(named);
        if !path.is_file() {
            bail!("THALWEG_BIN names {}, which does not exist", path.display());
        }
        return Ok(path);
    }
    let program = std::env::current_exe().context("finding the program that runs")?;
    let found = program.ancestors().skip(1).take(2).map(|folder| folder.join("thalweg")).find(|path| path.is_file());
    found.with_context(|| {
        format!(
            "there is no `thalweg` binary beside {}: run `cargo build --package thalweg` with the same profile \
             (`cargo xtask conformance` does), or set THALWEG_BIN",
            program.display()
        )
    })
}
