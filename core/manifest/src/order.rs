//! The order in which Flux applies objects; deletes go the other way.

use std::cmp::Ordering;

use crate::{Object, ObjectId};

/// Kinds that go first, in this order. The kind alone counts, whatever its group.
const FIRST: [&str; 23] = [
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that go last, in this order.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn rank(kind: &str) -> usize {
    if let Some(position) = FIRST.iter().position(|first| *first == kind) {
        return position;
    }
    LAST.iter().position(|last| *last == kind).map_or(FIRST.len(), |position| FIRST.len() + 1 + position)
}

/// Compares two identities in apply order: by kind (Flux's list), group, kind, namespace, name.
pub fn compare(left: &ObjectId, right: &ObjectId) -> Ordering {
    rank(&left.kind)
        .cmp(&rank(&right.kind))
        .then_with(|| left.group.cmp(&right.group))
        .then_with(|| left.kind.cmp(&right.kind))
        .then_with(|| left.namespace.cmp(&right.namespace))
        .then_with(|| left.name.cmp(&right.name))
}

/// Sorts objects into apply order.
pub fn sort(objects: &mut [Object]) {
    objects.sort_by(|left, right| compare(&left.id(), &right.id()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_in_the_order_of_flux_and_the_rest_by_group_and_name() {
        let mut ids = [
            ObjectId::new("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "v"),
            ObjectId::new("example.dev", "Widget", "b", "a"),
            ObjectId::new("apps", "Deployment", "a", "d"),
            ObjectId::new("", "ConfigMap", "b", "a"),
            ObjectId::new("", "ConfigMap", "a", "b"),
            ObjectId::new("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "", "m"),
            ObjectId::new("", "Namespace", "", "n"),
            ObjectId::new("batch", "Job", "a", "j"),
            ObjectId::new("apiextensions.k8s.io", "CustomResourceDefinition", "", "c"),
        ];
        ids.sort_by(compare);
        let names: Vec<String> = ids.iter().map(ObjectId::subject).collect();
        assert_eq!(
            names,
            [
                "CustomResourceDefinition/c",
                "Namespace/n",
                "ConfigMap/a/b",
                "ConfigMap/b/a",
                "Deployment/a/d",
                "Job/a/j",
                "Widget/b/a",
                "MutatingWebhookConfiguration/m",
                "ValidatingWebhookConfiguration/v",
            ]
        );
    }
}
