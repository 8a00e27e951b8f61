//! The end-to-end specification: the real binary on a real control plane, with a real Git server. A namespace a case.
#![expect(clippy::disallowed_methods, reason = "tests start programs, write files and read the clock")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests tell figures, and on failure what the controllers said"
)]
#![expect(clippy::unwrap_used, reason = "tests; clippy sees only the functions marked as such")]

mod bad_input;
mod configurations;
mod control_plane;
mod ground;
mod kustomizations;
mod main_path;
mod order;
mod ownership;
mod sources;
