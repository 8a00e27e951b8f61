//! The identity of an object in a cluster, in the text form of Flux's inventory.

use std::fmt;
use std::str::FromStr;

/// Names an object by namespace, name, group and kind; the version is not part of an identity.
///
/// Its text is the `id` of an entry of a Flux inventory, `<namespace>_<name>_<group>_<kind>`: the namespace of a
/// cluster-scoped object and the core group are empty, and `:` in the name of an RBAC object is written `__`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Empty for a cluster-scoped object.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// Empty for the core group.
    pub group: String,
    /// `kind`.
    pub kind: String,
}

impl ObjectId {
    /// An identity from its four parts.
    pub fn new(
        group: impl Into<String>,
        kind: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self { namespace: namespace.into(), name: name.into(), group: group.into(), kind: kind.into() }
    }

    /// `Kind/namespace/name`, or `Kind/name` for a cluster-scoped object: how Flux's messages name an object.
    pub fn subject(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }

    fn name_is_encoded(&self) -> bool {
        self.group == "rbac.authorization.k8s.io"
            && matches!(self.kind.as_str(), "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding")
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, name, group, kind } = self;
        if self.name_is_encoded() {
            write!(formatter, "{namespace}_{}_{group}_{kind}", name.replace(':', "__"))
        } else {
            write!(formatter, "{namespace}_{name}_{group}_{kind}")
        }
    }
}

/// A text that is not an inventory id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an inventory id: expected <namespace>_<name>_<group>_<kind>")]
pub struct InvalidId(String);

impl FromStr for ObjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId(text.to_owned());
        let (namespace, rest) = text.split_once('_').ok_or_else(invalid)?;
        let (rest, kind) = rest.rsplit_once('_').ok_or_else(invalid)?;
        let (name, group) = rest.rsplit_once('_').ok_or_else(invalid)?;
        if name.is_empty() || kind.is_empty() {
            return Err(invalid());
        }
        Ok(Self::new(group, kind, namespace, name.replace("__", ":")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: ObjectId, text: &str) {
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
    }

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        check(ObjectId::new("", "Service", "default", "podinfo"), "default_podinfo__Service");
        check(ObjectId::new("apps", "Deployment", "default", "podinfo"), "default_podinfo_apps_Deployment");
        check(ObjectId::new("", "Namespace", "", "apps"), "_apps__Namespace");
        check(
            ObjectId::new("rbac.authorization.k8s.io", "ClusterRole", "", "system:aggregate"),
            "_system__aggregate_rbac.authorization.k8s.io_ClusterRole",
        );
    }

    #[test]
    fn a_text_without_four_parts_is_refused() {
        for text in ["", "a", "a_b", "a_b_c", "___Kind", "ns_name_group_"] {
            assert_eq!(text.parse::<ObjectId>(), Err(InvalidId(text.to_owned())));
        }
    }

    #[test]
    fn a_subject_names_the_namespace_only_where_there_is_one() {
        assert_eq!(ObjectId::new("", "ConfigMap", "apps", "a").subject(), "ConfigMap/apps/a");
        assert_eq!(ObjectId::new("", "Namespace", "", "apps").subject(), "Namespace/apps");
    }
}
