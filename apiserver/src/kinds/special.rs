//! The defaults that no table can express, a function each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::path::{Fields, at, list, list_mut, map, map_at, put, text};

/// The number of templates that a DaemonSet has had.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// A default in code: the kind it is for, and what it does.
type Special = (&'static str, &'static str, fn(&mut Fields));

const BEFORE: [Special; 2] = [("", "Pod", requests_of_containers), ("", "Secret", string_data)];

const AFTER: [Special; 7] = [
    ("apps", "DaemonSet", template_generation),
    ("", "Pod", host_ports),
    ("", "Namespace", name_label),
    ("", "LimitRange", limits),
    ("", "Node", allocatable),
    ("apps", "StatefulSet", claim_templates),
    ("autoscaling", "HorizontalPodAutoscaler", cpu_utilization),
];

/// What must be there before the table is applied.
pub(crate) fn before_defaults(group: &str, kind: &str, object: &mut Fields) {
    run(&BEFORE, group, kind, object);
}

/// What builds on the defaults of the table.
pub(crate) fn after_defaults(group: &str, kind: &str, object: &mut Fields) {
    run(&AFTER, group, kind, object);
}

fn run(specials: &[Special], group: &str, kind: &str, object: &mut Fields) {
    specials.iter().filter(|special| special.0 == group && special.1 == kind).for_each(|special| special.2(object));
}

/// A container of a pod that is limited requests as much.
fn requests_of_containers(pod: &mut Fields) {
    for containers in ["spec.containers", "spec.initContainers"] {
        for container in list_mut(pod, containers) {
            fill_from(container, "resources.requests", "resources.limits");
        }
    }
}

/// `stringData` goes into `data`.
fn string_data(secret: &mut Fields) {
    let Some(Value::Object(texts)) = secret.remove("stringData") else { return };
    let data = map_at(secret, "data");
    for (key, text) in texts {
        data.insert(key, STANDARD.encode(text.as_str().unwrap_or_default()).into());
    }
}

/// A DaemonSet that does not say how many templates it has had has had none.
fn template_generation(set: &mut Fields) {
    map_at(set, "metadata.annotations").entry(TEMPLATE_GENERATION).or_insert(json!("0"));
}

/// On the network of its host, a pod's ports are the host's.
fn host_ports(pod: &mut Fields) {
    if at(pod, "spec.hostNetwork") != Some(&Value::Bool(true)) {
        return;
    }
    for containers in ["spec.containers", "spec.initContainers"] {
        for container in list_mut(pod, containers) {
            for port in list_mut(container, "ports") {
                let number = port.get("containerPort").cloned().unwrap_or(Value::Null);
                port.entry("hostPort").or_insert(number);
            }
        }
    }
}

/// A namespace carries its name as a label.
pub(crate) fn name_label(namespace: &mut Fields) {
    let name = text(namespace, "metadata.name").to_owned();
    if !name.is_empty() {
        map_at(namespace, "metadata.labels").insert("kubernetes.io/metadata.name".into(), name.into());
    }
}

/// For containers: no limit is the most that is allowed, no request is the limit or else the least.
fn limits(range: &mut Fields) {
    for item in list_mut(range, "spec.limits") {
        if text(item, "type") == "Container" {
            fill_from(item, "default", "max");
            fill_from(item, "defaultRequest", "default");
            fill_from(item, "defaultRequest", "min");
        }
    }
}

/// All that a node has can be used.
fn allocatable(node: &mut Fields) {
    if let (Some(capacity), None) = (at(node, "status.capacity").cloned(), at(node, "status.allocatable")) {
        put(node, "status.allocatable", capacity);
    }
}

/// The claims of a StatefulSet are whole objects.
fn claim_templates(set: &mut Fields) {
    for claim in list_mut(set, "spec.volumeClaimTemplates") {
        claim.insert("apiVersion".into(), json!("v1"));
        claim.insert("kind".into(), json!("PersistentVolumeClaim"));
    }
}

/// The first version of autoscalers knows the processor alone.
fn cpu_utilization(autoscaler: &mut Fields) {
    if text(autoscaler, "apiVersion") == "autoscaling/v1" {
        map_at(autoscaler, "spec").entry("targetCPUUtilizationPercentage").or_insert(json!(80));
    }
}

/// Fills the map at `to` with what it lacks of the map at `from`.
fn fill_from(object: &mut Fields, to: &str, from: &str) {
    let Some(from) = map(object, from).cloned() else { return };
    let to = map_at(object, to);
    for (key, value) in from {
        to.entry(key).or_insert(value);
    }
}

/// The part of a pod's resources that its quality of service counts.
const COUNTED: [&str; 2] = ["cpu", "memory"];

/// A pod's quality of service, from what its containers request and are limited to.
pub(crate) fn quality_of_service(pod: &Fields) -> &'static str {
    let containers: Vec<&Fields> = ["spec.containers", "spec.initContainers"]
        .iter()
        .flat_map(|path| list(pod, path))
        .filter_map(Value::as_object)
        .collect();
    let amount = |container: &Fields, part: &str, name: &str| {
        map(container, part).and_then(|amounts| amounts.get(name)).filter(|amount| *amount != "0").cloned()
    };
    let any = containers.iter().any(|container| {
        COUNTED.iter().any(|name| {
            ["resources.requests", "resources.limits"].iter().any(|part| amount(container, part, name).is_some())
        })
    });
    let guaranteed = containers.iter().all(|container| {
        COUNTED.iter().all(|name| {
            let limit = amount(container, "resources.limits", name);
            limit.is_some() && limit == amount(container, "resources.requests", name)
        })
    });
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
