//! Namespaces: what each of them has, and how one goes.
//!
//! Mirrors the service account, root CA and namespace controllers of kube-controller-manager. The content of a namespace
//! that is being deleted goes at once, not after the five seconds that the real one gives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::conditions::{self, Condition};
use super::{acting, collection, garbage, text};
use crate::object::Object;
use crate::server::ApiServer;
use crate::status::Status;
use crate::store::{Collection, Store};

const FINALIZER: &str = "kubernetes";
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";
const ROOT_CERTIFICATE_DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using \
    internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";

/// Whether a namespace is being deleted.
pub(super) fn is_terminating(store: &Store, name: &str) -> bool {
    store.get(&collection("", "namespaces"), "", name).is_some_and(|namespace| namespace.terminating())
}

/// Gives a namespace its service account and its root certificate or, when it is being deleted, empties it.
pub(super) fn reconcile(server: &ApiServer, name: &str) -> Result<(), Status> {
    let namespace = server.state().store.get(&collection("", "namespaces"), "", name).cloned();
    match namespace {
        Some(namespace) if namespace.terminating() => empty(server, &namespace),
        Some(_) => furnish(server, name),
        None => Ok(()),
    }
}

fn furnish(server: &ApiServer, namespace: &str) -> Result<(), Status> {
    for (controller, plural, object) in [
        (
            "root-ca-cert-publisher",
            "configmaps",
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": ROOT_CERTIFICATE,
                    "namespace": namespace,
                    "annotations": {"kubernetes.io/description": ROOT_CERTIFICATE_DESCRIPTION},
                },
                "data": {"ca.crt": ""},
            }),
        ),
        (
            "service-account-controller",
            "serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}),
        ),
    ] {
        let name = text(&object["metadata"]["name"]);
        let missing = server.state().store.get(&collection("", plural), namespace, name).is_none();
        if missing {
            acting(server, controller).create(object)?;
        }
    }
    Ok(())
}

fn empty(server: &ApiServer, namespace: &Object) -> Result<(), Status> {
    let loopback = &acting(server, "namespace-controller");
    let finalizers = namespace.value()["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        return Ok(());
    }
    let mut failures = Vec::new();
    for (_, object) in content(server, namespace.name()).iter().filter(|(_, object)| !object.terminating()) {
        if let Err(status) = garbage::delete(loopback, object, "Background")
            && status.code != 404
        {
            failures.push(status.message);
        }
    }
    let left = content(server, namespace.name());
    let mut value = namespace.value().clone();
    if left.is_empty() {
        value["spec"]["finalizers"] = finalizers.into_iter().filter(|finalizer| finalizer != FINALIZER).collect();
        return loopback.update(value, "finalize").map(drop::<Arc<Object>>);
    }
    let now = server.state().now();
    value["status"]["phase"] = json!("Terminating");
    let stated = progress(&left, &failures);
    value["status"]["conditions"] = conditions::merge(&namespace.value()["status"]["conditions"], &stated, now);
    if value["status"] == namespace.value()["status"] {
        return Ok(());
    }
    loopback.update(value, "status").map(drop::<Arc<Object>>)
}

/// Everything in a namespace that can be deleted.
fn content(server: &ApiServer, namespace: &str) -> Vec<(Collection, Arc<Object>)> {
    let state = server.state();
    let deletable =
        state.registry.all().filter(|served| served.namespaced && served.verbs.iter().any(|verb| verb == "delete"));
    let mut collections: Vec<&Collection> = deletable.map(|served| served.collection()).collect();
    collections.sort();
    collections.dedup();
    let inside = |collection: &Collection| {
        let objects = state.store.objects(collection).filter(|object| object.namespace() == namespace);
        objects.map(|object| (Arc::clone(collection), Arc::clone(object))).collect::<Vec<_>>()
    };
    collections.into_iter().flat_map(inside).collect()
}

/// The conditions of a namespace with this content.
fn progress(left: &[(Collection, Arc<Object>)], failures: &[String]) -> Vec<Condition> {
    let mut resources: BTreeMap<String, usize> = BTreeMap::new();
    let mut finalizers: BTreeMap<&str, usize> = BTreeMap::new();
    for (collection, object) in left {
        *resources.entry(format!("{}.{}", collection.1, collection.0)).or_default() += 1;
        for finalizer in object.value()["metadata"]["finalizers"].as_array().into_iter().flatten() {
            *finalizers.entry(text(finalizer)).or_default() += 1;
        }
    }
    let listed: Vec<String> =
        resources.iter().map(|(name, count)| format!("{name} has {count} resource instances")).collect();
    let held: Vec<String> =
        finalizers.iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let condition =
        |type_, holds: bool, (reason, message): (&'static str, String), (good_reason, good): (&'static str, &str)| {
            if holds {
                Condition::new(type_, "True", reason, message)
            } else {
                Condition::new(type_, "False", good_reason, good)
            }
        };
    let never = ("", String::new());
    vec![
        condition(
            "NamespaceDeletionDiscoveryFailure",
            false,
            never.clone(),
            ("ResourcesDiscovered", "All resources successfully discovered"),
        ),
        condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            never,
            ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
        ),
        condition(
            "NamespaceDeletionContentFailure",
            !failures.is_empty(),
            (
                "ContentDeletionFailed",
                format!("Failed to delete all resource types, {} remaining: {}", failures.len(), failures.join(", ")),
            ),
            ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
        ),
        condition(
            "NamespaceContentRemaining",
            !listed.is_empty(),
            ("SomeResourcesRemain", format!("Some resources are remaining: {}", listed.join(", "))),
            ("ContentRemoved", "All content successfully removed"),
        ),
        condition(
            "NamespaceFinalizersRemaining",
            !held.is_empty(),
            (
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {}", held.join(", ")),
            ),
            ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
        ),
    ]
}
