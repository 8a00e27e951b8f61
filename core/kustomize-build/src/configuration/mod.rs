//! Where transformers act: the builtin configuration, that of `configurations`, and that of `crds`, merged.
//!
//! A layer merges what its bases have with the builtin configuration (and what its `configurations` add to that), and then
//! with its `crds`; so a base's rules also serve the layers above. Configurations are shared, and cheap to copy.

mod builtin;
mod crds;
mod merge;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::Error;
use crate::field_spec::FieldSpec;
use crate::identity::Gvk;

pub(crate) use merge::Conflict;

/// The field specs of each transformer, and where objects name other objects (kustomize's `TransformerConfig`).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Configuration {
    sets: [Arc<[FieldSpec]>; Set::ALL.len()],
    name_references: Arc<[NameReference]>,
}

/// Where objects of some kinds are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameReference {
    /// What is named; empty parts match anything.
    pub(crate) referred: Gvk,
    /// Where it is named.
    pub(crate) field_specs: Vec<FieldSpec>,
}

/// The lists of field specs, by transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    NamePrefix,
    NameSuffix,
    Namespace,
    CommonLabels,
    Labels,
    TemplateLabels,
    CommonAnnotations,
    VarReference,
    Images,
    Replicas,
}

impl Set {
    const ALL: [Self; 10] = [
        Self::NamePrefix,
        Self::NameSuffix,
        Self::Namespace,
        Self::CommonLabels,
        Self::Labels,
        Self::TemplateLabels,
        Self::CommonAnnotations,
        Self::VarReference,
        Self::Images,
        Self::Replicas,
    ];

    /// As configurations write it.
    fn name(self) -> &'static str {
        match self {
            Self::NamePrefix => "namePrefix",
            Self::NameSuffix => "nameSuffix",
            Self::Namespace => "namespace",
            Self::CommonLabels => "commonLabels",
            Self::Labels => "labels",
            Self::TemplateLabels => "templateLabels",
            Self::CommonAnnotations => "commonAnnotations",
            Self::VarReference => "varReference",
            Self::Images => "images",
            Self::Replicas => "replicas",
        }
    }
}

/// As configurations write the name references.
const NAME_REFERENCE: &str = "nameReference";

impl Configuration {
    /// What kustomize has built in.
    pub(crate) fn builtin() -> &'static Self {
        builtin::configuration()
    }

    /// Whether there is nothing in it but what is built in.
    pub(crate) fn is_builtin(&self) -> bool {
        builtin::is_of(self)
    }

    /// The builtin configuration and that of the files of `configurations`, each a path and its content, in order.
    pub(crate) fn of_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Error> {
        let mut own = None;
        for (file, text) in files {
            let of_file = read::configuration(file, text)?;
            own = Some(own.unwrap_or_else(Self::default).with(&of_file)?);
        }
        match own {
            Some(own) => Ok(Self::builtin().with(&own)?),
            None => Ok(Self::builtin().clone()),
        }
    }

    /// The configuration that the OpenAPI definitions of `crds` tell, each file a path and its content, in order.
    pub(crate) fn of_crds<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, Error> {
        files
            .into_iter()
            .try_fold(Self::default(), |sum, (file, text)| Ok(sum.with(&crds::configuration(file, text)?)?))
    }

    /// Both, this one first: a field spec that is there already is not added again.
    pub(crate) fn with(&self, other: &Self) -> Result<Self, Conflict> {
        merge::both(self, other)
    }

    /// Names that get a prefix.
    pub(crate) fn name_prefix(&self) -> &[FieldSpec] {
        self.set(Set::NamePrefix)
    }

    /// Names that get a suffix.
    pub(crate) fn name_suffix(&self) -> &[FieldSpec] {
        self.set(Set::NameSuffix)
    }

    /// Names of namespaces outside of `metadata.namespace`.
    pub(crate) fn namespace(&self) -> &[FieldSpec] {
        self.set(Set::Namespace)
    }

    /// Labels and selectors, for `commonLabels` and `labels` with `includeSelectors`.
    pub(crate) fn common_labels(&self) -> &[FieldSpec] {
        self.set(Set::CommonLabels)
    }

    /// What every entry of `labels` has besides `metadata/labels`; nothing is built in.
    pub(crate) fn labels(&self) -> &[FieldSpec] {
        self.set(Set::Labels)
    }

    /// Labels of templates, for `labels` with `includeTemplates`.
    pub(crate) fn template_labels(&self) -> &[FieldSpec] {
        self.set(Set::TemplateLabels)
    }

    /// Annotations.
    pub(crate) fn common_annotations(&self) -> &[FieldSpec] {
        self.set(Set::CommonAnnotations)
    }

    /// Fields in which vars are resolved.
    pub(crate) fn var_references(&self) -> &[FieldSpec] {
        self.set(Set::VarReference)
    }

    /// Images.
    pub(crate) fn images(&self) -> &[FieldSpec] {
        self.set(Set::Images)
    }

    /// Numbers of replicas.
    pub(crate) fn replicas(&self) -> &[FieldSpec] {
        self.set(Set::Replicas)
    }

    /// Where objects name other objects, in the order of what is named.
    pub(crate) fn name_references(&self) -> &[NameReference] {
        &self.name_references
    }

    fn set(&self, set: Set) -> &[FieldSpec] {
        &self.sets[set as usize]
    }
}

impl NameReference {
    /// Whether objects of this kind are named.
    #[cfg(test)]
    pub(crate) fn refers_to(&self, gvk: Gvk<&str>) -> bool {
        let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
        let Gvk { group, version, kind } = &self.referred;
        fits(group, gvk.group) && fits(version, gvk.version) && fits(kind, gvk.kind)
    }
}
