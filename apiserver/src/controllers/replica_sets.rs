//! The ReplicaSets of a Deployment: one for each template that it had.
//!
//! Programs that wait for a Deployment (Helm) or roll it back (kubectl) look for them. Their names are made as the real
//! controller makes them, from another hash.

use std::sync::Arc;

use serde_json::{Value, json};

use super::simulation::Phase;
use super::{collection, garbage, text};
use crate::loopback::Loopback;
use crate::object::Object;
use crate::server::ApiServer;
use crate::status::Status;

/// The annotation that counts the templates of a Deployment.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const HISTORY: i64 = 10;

/// The name of the set of pods that a workload's template makes.
pub(super) fn name(workload: &Value) -> String {
    format!("{}-{}", text(&workload["metadata"]["name"]), hash(&workload["spec"]["template"]))
}

/// Gives a Deployment the ReplicaSet of its template, and takes the pods from those of older ones when it is ready. Returns
/// the revision of the template.
pub(super) fn reconcile(
    server: &ApiServer,
    loopback: &Loopback,
    deployment: &Object,
    phase: Phase,
) -> Result<String, Status> {
    let owned = owned(server, deployment);
    let newest = owned.iter().map(|set| revision(set)).max().unwrap_or(0);
    let template = &deployment.value()["spec"]["template"];
    let current = owned.iter().find(|set| template_of(set) == *template);
    let wanted = deployment.value()["spec"]["replicas"].as_i64().unwrap_or(1);
    let number = match current {
        Some(set) if revision(set) == newest => newest,
        _ => newest + 1,
    };
    match current {
        None => drop(loopback.create(replica_set(deployment.value(), wanted, number))?),
        Some(set) => change(loopback, set, wanted, number)?,
    }
    if phase == Phase::Ready {
        let mut others: Vec<&Arc<Object>> = owned.iter().filter(|set| template_of(set) != *template).collect();
        others.sort_by_key(|set| revision(set));
        let kept = deployment.value()["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(HISTORY);
        let surplus = others.len().saturating_sub(usize::try_from(kept).unwrap_or(0));
        for (index, set) in others.into_iter().enumerate() {
            if index < surplus {
                garbage::delete(loopback, set, "Background")?;
            } else {
                change(loopback, set, 0, revision(set))?;
            }
        }
    }
    Ok(number.to_string())
}

fn owned(server: &ApiServer, deployment: &Object) -> Vec<Arc<Object>> {
    let (state, sets) = (server.state(), collection("apps", "replicasets"));
    let is_owned = |set: &Object| {
        let mut owners = set.value()["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        set.namespace() == deployment.namespace()
            && owners.any(|owner| owner["controller"] == true && owner["uid"] == deployment.uid())
    };
    let sets = state.store.objects(&sets);
    sets.filter(|set| is_owned(set) && !set.terminating()).cloned().collect()
}

fn change(loopback: &Loopback, set: &Object, replicas: i64, number: i64) -> Result<(), Status> {
    if set.value()["spec"]["replicas"] == replicas && revision(set) == number {
        return Ok(());
    }
    let annotations =
        json!({REVISION: number.to_string(), "deployment.kubernetes.io/desired-replicas": replicas.to_string()});
    let patch = json!({"metadata": {"annotations": annotations}, "spec": {"replicas": replicas}});
    loopback.merge("apps/v1", "ReplicaSet", set.namespace(), set.name(), "", patch).map(drop::<Arc<Object>>)
}

fn replica_set(deployment: &Value, replicas: i64, number: i64) -> Value {
    let (metadata, spec) = (&deployment["metadata"], &deployment["spec"]);
    let hash = json!(hash(&spec["template"]));
    let mut annotations = metadata["annotations"].as_object().cloned().unwrap_or_default();
    annotations.remove(LAST_APPLIED);
    annotations.insert(REVISION.to_owned(), json!(number.to_string()));
    annotations.insert("deployment.kubernetes.io/desired-replicas".to_owned(), json!(replicas.to_string()));
    let mut template = spec["template"].clone();
    template["metadata"]["labels"][HASH] = hash.clone();
    let mut selector = spec["selector"].clone();
    selector["matchLabels"][HASH] = hash;
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name(deployment),
            "namespace": metadata["namespace"],
            "labels": template["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"],
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    })
}

/// The template that a ReplicaSet was made from.
fn template_of(set: &Object) -> Value {
    let mut template = set.value()["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template
}

fn revision(set: &Object) -> i64 {
    text(&set.value()["metadata"]["annotations"][REVISION]).parse().unwrap_or(0)
}

/// FNV-1a of a template's JSON, in the letters that Kubernetes uses for generated names.
fn hash(template: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = template.to_string().bytes().fold(0x811c_9dc5, step);
    let digits = hash.to_string();
    digits.bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}
