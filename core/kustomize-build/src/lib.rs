//! A tree of files to objects.
//!
//! [`build`] answers the objects below a path of a [`Tree`], each with the file and line it came from, and the files it
//! read; [`render`] answers the text that `kustomize build` v5.8.1 prints, to the byte. With [`Options::flux`] the build is
//! that of Flux's kustomize-controller: a directory without a kustomization file is built too, and what a Flux Kustomization
//! asks for is laid over the top.
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
//! let options = Options { path: "./apps".to_owned(), ..Options::default() };
//! let built = build(&tree, &options).expect("one object");
//! assert_eq!(built.objects[0].origin().to_string(), "apps/a.yaml:1");
//! ```

mod build;
mod configuration;
mod error;
mod field_spec;
mod finish;
mod flux;
mod generate;
mod identity;
#[cfg(test)]
mod judge_tests;
mod kustomization;
mod label_selector;
mod layer;
mod load;
mod merge;
mod options;
mod order;
mod origin;
mod patch;
mod path;
mod pattern;
mod plugin;
mod reference;
mod resource;
mod resource_map;
mod schema;
mod steps;
mod transform;
mod tree;
mod variables;

pub use build::{Build, Rendered, Warning, build, render};
pub use error::{Error, Obstacle, Place};
pub use field_spec::FieldError;
pub use flux::{Flux, FluxImage, FluxPatch, FluxTarget};
pub use generate::GeneratorProblem;
pub use merge::MergeError;
pub use options::{LoadRestrictor, Options, Reorder};
pub use patch::{JsonPatchError, PatchProblem};
pub use transform::{PathError, ReplacementError};
pub use tree::{Entry, Tree};
