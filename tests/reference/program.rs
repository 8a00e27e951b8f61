//! Where the programs of this folder are, for the tests that ask them.
#![expect(clippy::disallowed_methods, reason = "the environment says where the programs are")]

use std::path::PathBuf;

/// A program: `THALWEG_REFERENCE` is the folder that it was built into.
pub(crate) fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("THALWEG_REFERENCE").expect(
        "THALWEG_REFERENCE is unset: `cargo xtask conformance --reference` builds what this test asks, and sets it",
    );
    let program = PathBuf::from(folder).join(name);
    assert!(program.is_file(), "{} is missing: `cargo xtask conformance --reference` builds it", program.display());
    program
}
