//! Who owns an object: the Kustomization that its labels name.

use std::collections::BTreeMap;
use std::fmt;

/// A Kustomization, as the owner labels of an object name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The namespace of the Kustomization.
    pub namespace: String,
    /// The name of the Kustomization.
    pub name: String,
}

impl Owner {
    /// The label that holds the owner's name.
    pub const NAME_LABEL: &'static str = "kustomize.toolkit.fluxcd.io/name";
    /// The label that holds the owner's namespace.
    pub const NAMESPACE_LABEL: &'static str = "kustomize.toolkit.fluxcd.io/namespace";

    /// The owner that `labels` name, when they name one.
    pub fn named_by(labels: &BTreeMap<String, String>) -> Option<Self> {
        Some(Self {
            namespace: labels.get(Self::NAMESPACE_LABEL)?.clone(),
            name: labels.get(Self::NAME_LABEL)?.clone(),
        })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}
