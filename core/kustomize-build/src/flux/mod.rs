//! What Flux's kustomize-controller does to the kustomization of a path before it is built: fluxcd/pkg's `kustomize`.
//!
//! A directory without a kustomization gets one that names all that is there. What a Flux Kustomization asks for is laid over
//! it. Only this top kustomization is read loosely: its unknown fields are dropped, and numbers become texts.

mod directory;
mod overrides;

use crate::Error;
use crate::kustomization::{self, Fields, Kustomization, List, NAMES, Strictness};
use crate::load::Loader;
use crate::path;

/// What a Flux Kustomization lays over the top: fields of its `spec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flux {
    /// `targetNamespace`: takes the place of `namespace`.
    pub target_namespace: Option<String>,
    /// `namePrefix`: takes the place of `namePrefix`.
    pub name_prefix: Option<String>,
    /// `nameSuffix`: takes the place of `nameSuffix`.
    pub name_suffix: Option<String>,
    /// `patches`: behind the others.
    pub patches: Vec<FluxPatch>,
    /// `components`: behind the others.
    pub components: Vec<String>,
    /// `ignoreMissingComponents`: components whose path is not there are left out.
    pub ignore_missing_components: bool,
    /// `images`: over those of the same name, or behind the others.
    pub images: Vec<FluxImage>,
    /// `buildMetadata`: takes the place of `buildMetadata` unless it is empty.
    pub build_metadata: Vec<String>,
}

/// An entry of `spec.patches`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxPatch {
    /// The patch, strategic or JSON.
    pub patch: String,
    /// Which objects it is for; those it names when there is none.
    pub target: Option<FluxTarget>,
}

/// Which objects a patch is for; what is empty means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxTarget {
    /// A regular expression, as the next four.
    pub group: String,
    /// Of the API.
    pub version: String,
    /// Of the objects.
    pub kind: String,
    /// Of the objects.
    pub name: String,
    /// Of the objects.
    pub namespace: String,
    /// A selector over annotations.
    pub annotation_selector: String,
    /// A selector over labels.
    pub label_selector: String,
}

/// An entry of `spec.images`; what is empty changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxImage {
    /// Without tag.
    pub name: String,
    /// Takes the place of the name.
    pub new_name: String,
    /// Takes the place of tag and digest, together with the digest.
    pub new_tag: String,
    /// Takes the place of tag and digest, together with the tag.
    pub digest: String,
}

/// The kustomization that is built: the one that is there or one that is made, with what `flux` lays over it.
pub(crate) fn kustomization(loader: &Loader<'_>, flux: &Flux) -> Result<Kustomization, Error> {
    let mut top = match loader.kustomization_file()? {
        Some((file, text)) => {
            let mut top = kustomization::read(&file, text, Strictness::Loose, loader.limits())?;
            if top.fields.resources.is_empty() {
                top.fields.build_metadata = List::from_iter(["originAnnotations".to_owned()]);
            }
            top
        }
        None => generated(loader)?,
    };
    overrides::lay(flux, &mut top.fields, loader)?;
    top.check()
}

/// The kustomization of a directory that has none.
fn generated(loader: &Loader<'_>) -> Result<Kustomization, Error> {
    let resources = directory::resources(loader)?;
    let mut fields = Fields::default();
    if resources.is_empty() {
        fields.namespace.value = "_placeholder".to_owned();
    } else {
        fields.resources = List::from_iter(resources);
    }
    Ok(Kustomization::made(path::child(loader.root(), NAMES[0]), fields))
}

#[cfg(test)]
mod tests;
