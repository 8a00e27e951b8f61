//! What to build, and how.

use crate::flux::Flux;

/// What to build. The default is what `kustomize build --reorder none` does.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The directory, from the root of the tree: the `spec.path` of a Kustomization.
    pub path: String,
    /// Which files a kustomization may name.
    pub load_restrictor: LoadRestrictor,
    /// In which order objects come, unless the top kustomization has `sortOptions`.
    pub reorder: Reorder,
    /// Builds as Flux's kustomize-controller does: directories without a kustomization are built, `schemas` of
    /// kustomizations are added to the builtin one, and the overrides of a Flux Kustomization are laid over the top.
    pub flux: Option<Flux>,
}

/// Which files a kustomization may name besides directories, which may lie anywhere in the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// Those in its own directory and below.
    #[default]
    RootOnly,
    /// Those in the tree.
    None,
}

/// The order of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// As they were named.
    #[default]
    None,
    /// As `kustomize build` orders without a flag: what others need comes first.
    Legacy,
}
