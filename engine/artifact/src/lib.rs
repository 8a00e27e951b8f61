//! Artifacts: archive, publish, serve, fetch, expire.
//!
//! A source controller publishes a tree of files as one archive; consumers fetch it, check its digest and read it in memory.
//!
//! ```
//! # use std::{collections::BTreeMap, convert::Infallible};
//! use thalweg_artifact::{Place, Publication, Storage, StorageOptions, Tree};
//!
//! struct Files(Vec<(&'static str, &'static str)>);
//! impl Tree for Files {
//!     type Error = Infallible;
//!     fn files(&self) -> impl Iterator<Item = (&str, bool)> {
//!         self.0.iter().map(|(path, _)| (*path, false))
//!     }
//!     fn read(&self, index: usize) -> Result<Vec<u8>, Infallible> {
//!         Ok(self.0[index].1.into())
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! let storage = Storage::new(StorageOptions::new(folder.path(), "source-controller.flux-system.svc.cluster.local."));
//! let place = Place::new("GitRepository", "flux-system", "fleet").unwrap();
//! let publication = Publication {
//!     file_name: "363a.tar.gz".into(),
//!     revision: "main@sha1:363a".into(),
//!     ignore: None,
//!     time: "2026-06-01T10:00:00Z".parse().unwrap(),
//! };
//! let artifact = storage.publish(&place, publication, Files(vec![("a.yaml", "kind: A")])).await.unwrap();
//! assert_eq!(artifact.path, "gitrepository/flux-system/fleet/363a.tar.gz");
//! # });
//! ```
//!
//! The only crate that reads or writes the storage folder. No symbolic link is written or followed; nothing is unpacked to disk.

#![expect(clippy::disallowed_methods, reason = "the door to the storage folder")]

mod archive;
mod blocking;
mod digest;
mod error;
mod fetch;
mod ignore;
mod limits;
mod path;
mod server;
mod storage;
mod unpack;

pub use archive::Tree;
pub use blocking::Blocking;
pub use error::{ArchiveError, Error, FetchError};
pub use fetch::{Fetcher, FetcherOptions, Files};
pub use limits::Limits;
pub use path::Place;
pub use server::router;
pub use storage::{Artifact, Publication, Storage, StorageOptions, Verdict};
pub use unpack::unpack;
