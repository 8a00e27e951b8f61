//! The stages in which Flux applies a set: what other objects need in order to be accepted goes first.

use crate::ObjectId;

/// A stage, in the order in which stages are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Custom resource definitions, namespaces and cluster roles; awaited before the next stage.
    Definitions,
    /// Kinds whose name ends in `Class`; awaited before the next stage.
    Classes,
    /// All other objects.
    Rest,
}

impl Stage {
    /// Every stage, first to last.
    pub const ALL: [Self; 3] = [Self::Definitions, Self::Classes, Self::Rest];

    /// The stage of an object.
    pub fn of(id: &ObjectId) -> Self {
        match (id.group.as_str(), id.kind.as_str()) {
            ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("", "Namespace")
            | ("rbac.authorization.k8s.io", "ClusterRole") => Self::Definitions,
            (_, kind) if kind.ends_with("Class") => Self::Classes,
            _ => Self::Rest,
        }
    }

    /// Whether the stage's objects must be Current before the next stage begins.
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Definitions | Self::Classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_before_classes_and_classes_before_the_rest() {
        for (group, kind, stage) in [
            ("apiextensions.k8s.io", "CustomResourceDefinition", Stage::Definitions),
            ("", "Namespace", Stage::Definitions),
            ("rbac.authorization.k8s.io", "ClusterRole", Stage::Definitions),
            ("rbac.authorization.k8s.io", "ClusterRoleBinding", Stage::Rest),
            ("storage.k8s.io", "StorageClass", Stage::Classes),
            ("gateway.networking.k8s.io", "GatewayClass", Stage::Classes),
            ("example.dev", "Namespace", Stage::Rest),
            ("", "ConfigMap", Stage::Rest),
        ] {
            assert_eq!(Stage::of(&ObjectId::new(group, kind, "", "a")), stage, "{group}/{kind}");
        }
    }
}
