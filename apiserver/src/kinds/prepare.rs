//! What the server decides when an object of a built-in kind is written: a function for each kind that needs one.

use serde_json::{Value, json};

use super::path::{Fields, at, list, list_mut, map, map_at, put, take, text};
use super::special::{TEMPLATE_GENERATION, name_label, quality_of_service};
use super::{pods, services};
use crate::registry::Served;
use crate::state::State;
use crate::status::Status;

/// Fills in what is decided here. `old` is the stored object, or none for a creation.
pub(crate) fn decide(state: &mut State, served: &Served, old: Option<&Fields>, new: &mut Fields) -> Result<(), Status> {
    match (served.group.as_str(), served.kind.as_str()) {
        ("", "Namespace") => namespace(old, new),
        ("", "PersistentVolume") => volume(&state.now().to_string(), old, new),
        ("", "PersistentVolumeClaim") if old.is_none() => {
            data_source(new);
            default_class(
                state,
                ("storage.k8s.io", "storageclasses"),
                "storageclass.kubernetes.io",
                "storageClassName",
                new,
            );
        }
        ("networking.k8s.io", "Ingress") if old.is_none() => {
            default_class(
                state,
                ("networking.k8s.io", "ingressclasses"),
                "ingressclass.kubernetes.io",
                "ingressClassName",
                new,
            );
        }
        ("", "ServiceAccount") => secret_names(new),
        ("", "Service") => services::allocate(state, served, old, new)?,
        ("", "Pod") if old.is_none() => {
            pods::admit(state, served, new)?;
            let quality = quality_of_service(new);
            new.insert("status".into(), json!({"phase": "Pending", "qosClass": quality}));
        }
        ("", "Node") if old.is_none() => not_ready(new),
        ("apps", "DaemonSet") => template_generation(old, new),
        ("batch", "Job") if old.is_none() => job_labels(new),
        _ => {}
    }
    Ok(())
}

/// `kubernetes` must finalize a namespace; the finalizers are changed through `finalize` alone.
fn namespace(old: Option<&Fields>, new: &mut Fields) {
    let finalizers = match old {
        Some(old) => list(old, "spec.finalizers").to_vec(),
        None => {
            let mut given = list(new, "spec.finalizers").to_vec();
            if !given.contains(&json!("kubernetes")) {
                given.push(json!("kubernetes"));
            }
            given
        }
    };
    if finalizers.is_empty() {
        take(new, "spec.finalizers");
    } else {
        put(new, "spec.finalizers", finalizers);
    }
    name_label(new);
}

fn volume(now: &str, old: Option<&Fields>, new: &mut Fields) {
    if old.is_none() {
        let now: String = now.split('.').next().unwrap_or(now).trim_end_matches('Z').to_owned() + "Z";
        put(new, "status", json!({"phase": "Pending", "lastPhaseTransitionTime": now}));
    }
}

/// `dataSource` and `dataSourceRef` are one thing, unless the latter names a namespace.
fn data_source(claim: &mut Fields) {
    let (source, reference) = (at(claim, "spec.dataSource").cloned(), at(claim, "spec.dataSourceRef").cloned());
    match (source, reference) {
        (Some(source), None) => put(claim, "spec.dataSourceRef", source),
        (None, Some(reference)) if reference["namespace"].is_null() => put(claim, "spec.dataSource", reference),
        _ => {}
    }
}

/// The secrets of a service account are named, and nothing else is said of them.
fn secret_names(account: &mut Fields) {
    list_mut(account, "secrets").for_each(|secret| secret.retain(|field, _| field == "name"));
}

/// A claim or an ingress without a class has the default one, if there is one.
fn default_class(state: &State, classes: (&str, &str), annotation: &str, field: &str, new: &mut Fields) {
    if at(new, &format!("spec.{field}")).is_some() {
        return;
    }
    let collection = std::sync::Arc::new((classes.0.to_owned(), classes.1.to_owned()));
    let annotation = format!("{annotation}/is-default-class");
    let default =
        state.store.objects(&collection).find(|class| class.value()["metadata"]["annotations"][&annotation] == "true");
    if let Some(class) = default {
        put(new, &format!("spec.{field}"), class.name());
    }
}

/// A new node takes no pods before it is ready.
fn not_ready(node: &mut Fields) {
    let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
    let mut taints = list(node, "spec.taints").to_vec();
    if !taints.iter().any(|other| other["key"] == taint["key"] && other["effect"] == taint["effect"]) {
        taints.push(taint);
    }
    put(node, "spec.taints", taints);
}

/// The number of templates that a DaemonSet has had, as an annotation.
fn template_generation(old: Option<&Fields>, new: &mut Fields) {
    let before = old.and_then(|old| map(old, "metadata.annotations")?.get(TEMPLATE_GENERATION)?.as_str()?.parse().ok());
    let generation = match old {
        None => 1,
        Some(old) => before.unwrap_or(0_i64) + i64::from(at(old, "spec.template") != at(new, "spec.template")),
    };
    map_at(new, "metadata.annotations").insert(TEMPLATE_GENERATION.into(), generation.to_string().into());
}

/// A Job finds its pods by its uid, unless it says how.
fn job_labels(job: &mut Fields) {
    if at(job, "spec.manualSelector") == Some(&Value::Bool(true)) {
        return;
    }
    // Labels that were copied from the template follow it.
    let follows = at(job, "metadata.labels") == at(job, "spec.template.metadata.labels");
    let (name, uid) = (text(job, "metadata.name").to_owned(), text(job, "metadata.uid").to_owned());
    let labels = map_at(job, "spec.template.metadata.labels");
    for (key, value) in [("job-name", &name), ("controller-uid", &uid)] {
        for key in [key.to_owned(), format!("batch.kubernetes.io/{key}")] {
            labels.entry(key).or_insert_with(|| value.as_str().into());
        }
    }
    let labels = labels.clone();
    if follows {
        put(job, "metadata.labels", labels);
    }
    let selector = map_at(job, "spec.selector.matchLabels");
    selector.entry("batch.kubernetes.io/controller-uid").or_insert_with(|| uid.into());
}
