//! What admission does to a new Pod: its service account and token, its priority, the tolerations that all pods have.

use std::sync::Arc;

use rand::RngExt;
use serde_json::{Value, json};

use super::path::{Fields, at, list, list_mut, map_at, put, text};
use crate::registry::Served;
use crate::state::State;
use crate::status::Status;

const TOKEN_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What generated names are made of.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// What the API server asks for, so that a token outlives an hour.
const TOKEN_SECONDS: u64 = 3607;
/// Priority classes that exist without an object.
const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];
/// How long a pod stays on a node that is not ready or cannot be reached.
const TOLERATED_SECONDS: u64 = 300;

/// Completes a new pod, as the admission plugins of the API server do.
///
/// # Errors
/// Its service account or its priority class does not exist.
pub(crate) fn admit(state: &mut State, served: &Served, pod: &mut Fields) -> Result<(), Status> {
    service_account(state, served, pod)?;
    priority(state, served, pod)?;
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        tolerate(pod, key);
    }
    Ok(())
}

fn service_account(state: &mut State, served: &Served, pod: &mut Fields) -> Result<(), Status> {
    let named = text(pod, "spec.serviceAccountName");
    let account_name = if named.is_empty() { "default" } else { named }.to_owned();
    let (namespace, name) = (text(pod, "metadata.namespace").to_owned(), text(pod, "metadata.name").to_owned());
    put(pod, "spec.serviceAccountName", account_name.as_str());
    put(pod, "spec.serviceAccount", account_name.as_str());

    let accounts = Arc::new((String::new(), "serviceaccounts".to_owned()));
    let Some(account) = state.store.get(&accounts, &namespace, &account_name).cloned() else {
        let why = format!(
            "error looking up service account {namespace}/{account_name}: serviceaccount \"{account_name}\" not found"
        );
        return Err(Status::forbidden(served, &name, &why));
    };
    let secrets = account.value()["imagePullSecrets"].clone();
    if list(pod, "spec.imagePullSecrets").is_empty() && !secrets.is_null() {
        put(pod, "spec.imagePullSecrets", secrets);
    }
    let wanted =
        at(pod, "spec.automountServiceAccountToken").unwrap_or(&account.value()["automountServiceAccountToken"]);
    if *wanted != Value::Bool(false) {
        let suffix: String = (0..5).map(|_| char::from(LETTERS[state.random.random_range(0..LETTERS.len())])).collect();
        mount_token(pod, &format!("kube-api-access-{suffix}"));
    }
    Ok(())
}

/// Gives every container the token, unless something is mounted in its place.
fn mount_token(pod: &mut Fields, volume: &str) {
    let mut mounted = false;
    for containers in ["spec.initContainers", "spec.containers"] {
        for container in list_mut(pod, containers) {
            let mounts = container.entry("volumeMounts").or_insert_with(|| json!([]));
            let Some(mounts) = mounts.as_array_mut() else { continue };
            if !mounts.iter().any(|mount| mount["mountPath"] == TOKEN_MOUNT) {
                mounts.push(json!({"name": volume, "readOnly": true, "mountPath": TOKEN_MOUNT}));
                mounted = true;
            }
        }
    }
    if mounted {
        let mut volumes = list(pod, "spec.volumes").to_vec();
        volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [
                {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
            ]}},
        ]}}));
        put(pod, "spec.volumes", volumes);
    }
}

fn priority(state: &State, served: &Served, pod: &mut Fields) -> Result<(), Status> {
    let named = text(pod, "spec.priorityClassName").to_owned();
    let classes = Arc::new(("scheduling.k8s.io".to_owned(), "priorityclasses".to_owned()));
    let class = if named.is_empty() {
        let found = state.store.objects(&classes).find(|class| class.value()["globalDefault"] == true);
        found.map(Arc::clone)
    } else {
        state.store.get(&classes, "", &named).cloned()
    };
    let system = SYSTEM_PRIORITIES.iter().find(|(name, _)| *name == named).map(|(_, value)| *value);
    let value = class.as_ref().map(|class| class.value()["value"].as_i64().unwrap_or(0)).or(system);
    if value.is_none() && !named.is_empty() {
        let name = text(pod, "metadata.name").to_owned();
        return Err(Status::forbidden(served, &name, &format!("no PriorityClass with name {named} was found")));
    }
    let policy = class.as_ref().and_then(|class| class.value()["preemptionPolicy"].as_str());
    if let (Some(class), true) = (&class, named.is_empty()) {
        put(pod, "spec.priorityClassName", class.name());
    }
    put(pod, "spec.priority", value.unwrap_or(0));
    map_at(pod, "spec").entry("preemptionPolicy").or_insert_with(|| policy.unwrap_or("PreemptLowerPriority").into());
    Ok(())
}

fn tolerate(pod: &mut Fields, key: &str) {
    let mut tolerations = list(pod, "spec.tolerations").to_vec();
    let tolerated = tolerations.iter().any(|toleration| {
        let field = |name: &str| toleration[name].as_str().unwrap_or_default();
        (field("key") == key || field("key").is_empty()) && matches!(field("effect"), "" | "NoExecute")
    });
    if !tolerated {
        tolerations.push(json!({
            "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATED_SECONDS,
        }));
        put(pod, "spec.tolerations", tolerations);
    }
}
