//! What an object is called: group, version, kind, namespace and name.

use std::fmt;

use thalweg_yaml::kyaml::{Node, Text};

use crate::schema::{self, Scopes};

/// What kustomize compares as the namespace of kinds that have none.
pub(crate) const WITHOUT_NAMESPACE: &str = "_non_namespaceable_";

/// A kind in a version: of its own texts, or of those of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Gvk<T = Text> {
    pub(crate) group: T,
    pub(crate) version: T,
    pub(crate) kind: T,
}

/// An object by its kind, namespace and name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id<T = Text> {
    pub(crate) gvk: Gvk<T>,
    /// As it is written: empty and `default` are told apart here, and are the same in [`Id::is_same`].
    pub(crate) namespace: T,
    pub(crate) name: T,
    /// Whether the schema that the build brings has the kind without namespaces.
    pub(crate) is_brought_without_namespace: bool,
}

impl<'t> Gvk<&'t str> {
    /// Of an object's `apiVersion` and `kind`; what has no slash is a version of the core group.
    pub(crate) fn new(api_version: &'t str, kind: &'t str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group, version, kind }
    }

    /// The kind of an object.
    pub(crate) fn of(object: &'t Node) -> Self {
        let text = |key| object.get(key).and_then(Node::as_str).unwrap_or_default();
        Self::new(text("apiVersion"), text("kind"))
    }

    pub(crate) fn owned(self) -> Gvk {
        Gvk { group: self.group.into(), version: self.version.into(), kind: self.kind.into() }
    }
}

impl<T: AsRef<str>> Gvk<T> {
    pub(crate) fn borrowed(&self) -> Gvk<&str> {
        Gvk { group: self.group.as_ref(), version: self.version.as_ref(), kind: self.kind.as_ref() }
    }

    /// As `apiVersion` writes it.
    pub(crate) fn api_version(&self) -> String {
        let Gvk { group, version, .. } = self.borrowed();
        if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
    }
}

impl<'t> Id<&'t str> {
    /// The current identity of an object.
    pub(crate) fn of(object: &'t Node, scopes: &Scopes) -> Self {
        let gvk = Gvk::of(object);
        Self {
            gvk,
            namespace: metadata(object, "namespace"),
            name: metadata(object, "name"),
            is_brought_without_namespace: scopes.lack_namespaces(gvk),
        }
    }

    pub(crate) fn owned(self) -> Id {
        Id {
            gvk: self.gvk.owned(),
            namespace: self.namespace.into(),
            name: self.name.into(),
            is_brought_without_namespace: self.is_brought_without_namespace,
        }
    }

    /// Whether both mean one object of a cluster.
    pub(crate) fn is_same(self, other: Self) -> bool {
        self.name == other.name && self.gvk == other.gvk && self.effective_namespace() == other.effective_namespace()
    }

    /// Whether its kind is known to have no namespaces, to Kubernetes v1.21.2 or to the schema that the build brings.
    pub(crate) fn is_cluster_scoped(self) -> bool {
        self.is_brought_without_namespace || schema::is_cluster_scoped(self.gvk)
    }

    /// The namespace that counts: [`WITHOUT_NAMESPACE`] for kinds that have none, `default` where it is left out.
    pub(crate) fn effective_namespace(self) -> &'t str {
        match self.namespace {
            _ if self.is_cluster_scoped() => WITHOUT_NAMESPACE,
            "" => "default",
            namespace => namespace,
        }
    }
}

impl<T: AsRef<str>> Id<T> {
    pub(crate) fn borrowed(&self) -> Id<&str> {
        Id {
            gvk: self.gvk.borrowed(),
            namespace: self.namespace.as_ref(),
            name: self.name.as_ref(),
            is_brought_without_namespace: self.is_brought_without_namespace,
        }
    }
}

/// A text in the metadata of an object; empty when it is absent, null or no scalar.
pub(crate) fn metadata<'o>(object: &'o Node, key: &str) -> &'o str {
    let value = object.at(&["metadata", key]).filter(|value| !value.is_null());
    value.and_then(Node::as_str).unwrap_or_default()
}

impl<T: AsRef<str>> fmt::Display for Id<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Id { gvk, namespace, name, .. } = self.borrowed();
        write!(formatter, "{} {}", gvk.api_version(), gvk.kind)?;
        match namespace {
            "" | WITHOUT_NAMESPACE => write!(formatter, " {name}"),
            namespace => write!(formatter, " {namespace}/{name}"),
        }
    }
}
