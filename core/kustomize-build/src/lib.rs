//! A tree of files to objects.
//!
//! [`build`] answers the objects below a path of a [`Tree`], each with the file and line it came from, and the files it
//! read. A directory with a kustomization file is built as kustomize builds it, of which `resources` alone is supported so
//! far: every other field that is set is refused by name. A directory without one is built as Flux does: all its YAML files
//! and the kustomizations below it, in lexical order.
//!
//! Nothing outside of the tree can be named, nothing is fetched, and no base is built inside itself.
//!
//! ```
//! use std::collections::BTreeMap;
//! use thalweg_kustomize_build::{Options, build};
//!
//! let tree = BTreeMap::from([
//!     ("apps/kustomization.yaml".to_owned(), "resources: [a.yaml]"),
//!     ("apps/a.yaml".to_owned(), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
//! ]);
//! let built = build(&tree, &Options { path: "./apps".to_owned() }).expect("one object");
//! assert_eq!(built.objects[0].origin().to_string(), "apps/a.yaml:1");
//! ```

mod build;
mod error;
mod kustomization;
mod path;
mod resources;
mod tree;

pub use build::{Build, Options, build};
pub use error::{Error, Place};
pub use tree::{Entry, Tree};
