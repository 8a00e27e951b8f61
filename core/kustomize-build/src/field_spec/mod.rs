//! Where in objects a transformer acts: field specs, the builtin ones and those of configurations.

mod path;
mod visit;

pub(crate) use path::{FieldPath, PARTS_MAX, Part, split};
pub use visit::FieldError;
pub(crate) use visit::{Create, Fields, check_scalar, set_scalar};
pub(crate) mod builtin;

use thalweg_yaml::kyaml::Text;

use crate::identity::Gvk;

/// A path in objects of some kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldSpec {
    /// Empty parts match anything.
    pub(crate) group: Text,
    pub(crate) version: Text,
    pub(crate) kind: Text,
    /// `spec/template/metadata/labels`, as kustomize writes it: parts are separated by slashes, `\/` is a slash in a part,
    /// `[]` behind a part goes into a list.
    pub(crate) path: Text,
    /// Whether missing parts of the path are made.
    pub(crate) create: bool,
}

impl FieldSpec {
    /// Whether it is for this kind.
    pub(crate) fn selects(&self, gvk: Gvk<&str>) -> bool {
        let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
        fits(&self.kind, gvk.kind) && fits(&self.group, gvk.group) && fits(&self.version, gvk.version)
    }
}
