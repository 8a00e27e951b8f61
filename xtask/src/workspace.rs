//! Where things are.

use std::path::{Path, PathBuf};

/// The folder that holds the workspace's `Cargo.toml`.
///
/// Asked for at run time, where cargo says it: two checkouts that share a target folder share this program too.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).parent().expect("this crate is one folder below the root").to_path_buf()
}

/// Where `cargo xtask setup` puts the programs of tests/cluster, tests/programs and tests/reference.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// Where cargo puts what it builds for development.
pub(crate) fn built() -> PathBuf {
    target().join("debug")
}

/// Where cargo puts all that it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
