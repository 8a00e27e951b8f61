//! What the tests of the whole system share: real parts, started and watched.
//!
//! | part | type |
//! | --- | --- |
//! | a Kubernetes control plane, real or embedded | [`ControlPlane`], [`Namespace`] |
//! | what was asked of it | [`AuditLog`] |
//! | a Git server, and someone who pushes to it | [`GitServer`], [`Worktree`] |
//! | Git repositories in memory, for the source controller in a simulation | [`MemoryGit`], [`MemoryRepository`] |
//! | what goes wrong between a program and its API server | [`faults`] |
//! | what must hold whatever went wrong | [`oracles`] |
//! | a server that never answers | [`SilentServer`] |
//! | our own binary | [`Process`] |
//! | waiting | [`eventually`], [`observe`] |
//!
//! What a test is started with, in its environment, each optional:
//!
//! | variable | what it names |
//! | --- | --- |
//! | `THALWEG_API_SERVER` | the API server that tests run on, where they do not mind: `real` (the default) or `embedded` |
//! | `THALWEG_CLUSTER` | the program of tests/cluster, instead of the one that `cargo xtask setup` built |
//! | `THALWEG_BIN` | the `thalweg` binary, instead of the one beside the test |
//! | `KUBECONFIG_TEST` | the kubeconfig of a cluster that tests may write to, instead of one of their own |
//! | `AUDIT_LOG_TEST` | the audit log of that cluster |
//!
//! Only crates below tests/ use this one. A part that cannot be started fails the test and says what is missing.
#![expect(clippy::disallowed_methods, reason = "tests start programs, write files and read the clock")]

mod audit;
mod authority;
mod control_plane;
pub mod faults;
mod git_backend;
mod git_server;
mod memory_git;
mod objects;
pub mod oracles;
mod process;
mod silent_server;
mod tools;
mod waiting;
mod worktree;

pub use audit::{AuditLog, AuditMark, Request, Requests, counted};
pub use authority::Authority;
pub use control_plane::{ApiServerKind, ControlPlane, ControlPlaneOptions, Namespace};
pub use git_server::{Access, GitServer, GitServerOptions, GitTraffic};
pub use memory_git::{MemoryFiles, MemoryGit, MemoryRemote, MemoryRepository};
pub use objects::{apply, install_crds, read_documents};
pub use process::{Process, ProcessOptions, free_port};
pub use silent_server::SilentServer;
pub use tools::{programs_binary, thalweg_binary, workspace_root};
pub use waiting::{eventually, observe};
pub use worktree::Worktree;
