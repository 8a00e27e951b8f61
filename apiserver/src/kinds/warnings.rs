//! What the server warns of when an object of a built-in kind is written: the warnings that are met most, and what is stored
//! here without having an effect.

use serde_json::Value;
use thalweg_schema::Resource;

use super::path::{Fields, at, list, text};
use super::rules::rules;

/// Where the pods of a kind are described.
const TEMPLATES: [(&str, &str); 8] = [
    ("", "Pod"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
];

/// Its kinds say what is to be asked of other objects before they are stored. Nothing here asks them.
const ADMISSION: &str = "admissionregistration.k8s.io";

/// Texts of `Warning` headers for an object that is created, or takes the place of `old`.
pub(crate) fn warnings(resource: &Resource, old: Option<&Fields>, new: &Fields, warnings: &mut Vec<String>) {
    let key = (resource.group.as_str(), resource.kind.as_str());
    if resource.group == ADMISSION && old.is_none() {
        warnings.push(format!("{} is stored and not enforced by this server", resource.kind));
    }
    if key == ("", "Service") {
        service(new, warnings);
    }
    let looked_at = |old: &Fields| key.1 == "Pod" || rules(resource).generation_grows(old, new);
    if TEMPLATES.contains(&key) && old.is_none_or(looked_at) {
        match key.1 {
            "Pod" => pod(new, "spec", warnings),
            "CronJob" => pod(new, "spec.jobTemplate.spec.template.spec", warnings),
            _ => pod(new, "spec.template.spec", warnings),
        }
    }
}

fn service(new: &Fields, warnings: &mut Vec<String>) {
    let external = at(new, "spec.externalIPs").is_some();
    let named = text(new, "spec.type") == "ExternalName";
    if text(new, "spec.clusterIP") == "None" {
        if external {
            warnings.push("spec.externalIPs is ignored for headless services".into());
        }
        if text(new, "spec.sessionAffinity") != "None" {
            warnings.push("spec.SessionAffinity is ignored for headless services".into());
        }
    } else if external && !named {
        warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    if named && external {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if !named && at(new, "spec.externalName").is_some() {
        warnings.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
}

fn pod(new: &Fields, path: &str, warnings: &mut Vec<String>) {
    for (index, constraint) in list(new, &format!("{path}.topologySpreadConstraints")).iter().enumerate() {
        if constraint["labelSelector"].is_null() {
            warnings.push(format!(
                "{path}.topologySpreadConstraints[{index}].labelSelector: a null labelSelector results in matching no pod"
            ));
        }
    }
    for containers in ["initContainers", "containers"] {
        for (index, container) in list(new, &format!("{path}.{containers}")).iter().enumerate() {
            let path = format!("{path}.{containers}[{index}]");
            if let Some(container) = container.as_object() {
                environment(container, &path, warnings);
                ports(container, &path, warnings);
            }
        }
    }
}

fn environment(container: &Fields, path: &str, warnings: &mut Vec<String>) {
    let mut seen: Vec<&Value> = Vec::new();
    for (index, variable) in list(container, "env").iter().enumerate() {
        let name = &variable["name"];
        if seen.contains(&name) {
            warnings.push(format!(
                "{path}.env[{index}]: hides previous definition of {name}, which may be dropped when using apply"
            ));
        }
        seen.push(name);
    }
}

fn ports(container: &Fields, path: &str, warnings: &mut Vec<String>) {
    let ports = list(container, "ports");
    let number = |port: &Value| port["containerPort"].as_i64();
    for (index, port) in ports.iter().enumerate() {
        let same = |other: &&Value| number(other) == number(port) && other["protocol"] == port["protocol"];
        let same_place = |other: &&Value| other["hostPort"] == port["hostPort"] && other["hostIP"] == port["hostIP"];
        if let Some(first) = ports[..index].iter().position(|other| same(&other) && same_place(&other)) {
            warnings.push(format!("{path}.ports[{index}]: duplicate port definition with {path}.ports[{first}]"));
        }
        let named = |other: &&Value| !port["name"].is_null() && other["name"] == port["name"];
        if let Some(first) = ports[..index].iter().position(|other| named(&other)) {
            let (name, first) = (&port["name"], format!("{path}.ports[{first}]"));
            warnings.push(format!(
                "{path}.ports[{index}]: duplicate port name {name} with {first}, services and probes that select ports by name will use {first}"
            ));
        }
    }
}
