//! The one door to Git: which commit a reference names, and that commit's files.
//!
//! ```no_run
//! # async fn example() -> Result<(), thalweg_git::Error> {
//! use thalweg_git::{Auth, Git, Options, Reference, Remote};
//!
//! let git = Git::new(Options::new("/tmp/git"));
//! let remote = Remote::new("https://example.com/fleet.git", Auth::None)?;
//! let main = Reference::branch("main")?;
//! let resolved = git.resolve(&remote, &main).await?; // one ls-refs; no object travels
//! let checkout = git.fetch(&remote, &main, "flux-system_fleet").await?;
//! assert_eq!(checkout.revision(), resolved.revision); // main@sha1:…
//! let mut contents = checkout.contents()?;
//! for file in checkout.files() {
//!     let bytes = contents.read(file)?;
//! }
//! # Ok(()) }
//! ```
//!
//! Speaks smart HTTP and HTTPS (protocol v2, and v0/v1 where a server knows no better). Never spawns a process, reads Git
//! configuration, asks for a password, writes a work tree or follows a symbolic link. No type of the Git library shows.

#![expect(clippy::disallowed_methods, reason = "the door to the folder of Git caches")]

mod cache;
mod checkout;
mod door;
mod error;
mod fetch;
mod http;
mod limits;
mod reference;
mod remote;
mod resolve;
mod tree;

pub use checkout::{Checkout, Contents};
pub use door::{Git, Options};
pub use error::Error;
pub use limits::Limits;
pub use reference::{Reference, Resolved};
pub use remote::{Auth, Remote};
pub use tree::File;
