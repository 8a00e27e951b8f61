//! What the tests of the whole system share: real parts, started and watched.
//!
//! | part | type |
//! | --- | --- |
//! | a Kubernetes control plane | [`ControlPlane`], [`Namespace`] |
//! | what was asked of it | [`AuditLog`] |
//! | a Git server, and someone who pushes to it | [`GitServer`], [`Worktree`] |
//! | our own binary | [`Process`] |
//! | waiting | [`eventually`], [`observe`] |
//!
//! Only crates below tests/ use this one. A part that cannot be started fails the test and says what is missing.
#![expect(clippy::disallowed_methods, reason = "tests start programs, write files and read the clock")]

mod audit;
mod authority;
mod control_plane;
mod git_backend;
mod git_server;
mod objects;
mod process;
mod tools;
mod waiting;
mod worktree;

pub use audit::{AuditLog, AuditMark, Request, Requests, counted};
pub use authority::Authority;
pub use control_plane::{ControlPlane, ControlPlaneOptions, Namespace};
pub use git_server::{Access, GitServer, GitServerOptions, GitTraffic};
pub use objects::{apply, install_crds, read_documents};
pub use process::{Process, ProcessOptions, free_port};
pub use tools::{thalweg_binary, workspace_root};
pub use waiting::{eventually, observe};
pub use worktree::Worktree;
