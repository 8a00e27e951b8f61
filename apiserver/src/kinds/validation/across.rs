//! The rules that span fields, a function for each kind.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::events;
use super::formats::data_key;
use super::workloads::{deployment_status, job_template, pod_spec, selected_template, stateful_set, strategy};
use super::wrong::Wrong;
use crate::kinds::path::{Fields, at, list, map, text};
use crate::kinds::quantity::billionths;
use crate::names::{label_key, label_value, path_segment, subdomain};

/// The most that a ConfigMap or a Secret holds.
const DATA_BYTES_MAX: usize = 1024 * 1024;

/// Checks an object of a built-in kind.
pub(super) fn validate(group: &str, kind: &str, old: Option<&Fields>, new: &Fields, wrong: &mut Wrong) {
    match (group, kind) {
        ("", "ConfigMap") => config_map(new, wrong),
        ("", "Secret") => secret(new, wrong),
        ("", "Service") => service(old, new, wrong),
        ("", "Pod") => pod_spec(new, "spec", wrong),
        ("", "PersistentVolumeClaim") => claim(old, new, wrong),
        ("", "ResourceQuota") => amounts(new, "spec.hard", wrong),
        ("apps", "Deployment") => selected_template(new, "deployment", wrong),
        ("apps", "ReplicaSet") => selected_template(new, "replica set", wrong),
        ("apps", "DaemonSet") => selected_template(new, "daemonset", wrong),
        ("apps", "StatefulSet") => {
            selected_template(new, "statefulset", wrong);
            stateful_set(old, new, wrong);
        }
        ("batch", "Job") => job_template(new, "spec.template", wrong),
        ("batch", "CronJob") => job_template(new, "spec.jobTemplate.spec.template", wrong),
        ("rbac.authorization.k8s.io", "Role") => role(new, true, wrong),
        ("rbac.authorization.k8s.io", "ClusterRole") => role(new, false, wrong),
        ("rbac.authorization.k8s.io", "RoleBinding") => binding(new, &["Role", "ClusterRole"], wrong),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => binding(new, &["ClusterRole"], wrong),
        ("coordination.k8s.io", "Lease") => lease(new, wrong),
        ("" | "events.k8s.io", "Event") => events::validate(group, old, new, wrong),
        _ => {}
    }
}

/// Checks what comes after the checks of the table.
pub(super) fn validate_last(group: &str, kind: &str, new: &Fields, wrong: &mut Wrong) {
    if (group, kind) == ("apps", "Deployment") {
        strategy(new, wrong);
    }
}

/// Checks the status of an object of a built-in kind.
pub(super) fn validate_status(group: &str, kind: &str, new: &Fields, wrong: &mut Wrong) {
    match (group, kind) {
        ("", "Namespace") => {
            let terminating = at(new, "metadata.deletionTimestamp").is_some();
            let (expected, when) = if terminating { ("Terminating", "is not empty") } else { ("Active", "is empty") };
            let phase = text(new, "status.phase");
            if phase != expected {
                let detail = format!("may only be '{expected}' if `deletionTimestamp` {when}");
                wrong.invalid("status.Phase", &phase.into(), &detail);
            }
        }
        ("apps", "Deployment") => deployment_status(new, wrong),
        _ => {}
    }
}

/// The number at a path; 0 when there is none.
pub(super) fn number(object: &Fields, path: &str) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or(0)
}

fn config_map(new: &Fields, wrong: &mut Wrong) {
    let mut bytes = 0;
    let binary = map(new, "binaryData");
    for (key, value) in map(new, "data").into_iter().flatten() {
        let path = format!("data[{key}]");
        data_key(key).iter().for_each(|message| wrong.invalid(&*path, &key.as_str().into(), message));
        if binary.is_some_and(|binary| binary.contains_key(key)) {
            wrong.invalid(&*path, &key.as_str().into(), "duplicate of key present in binaryData");
        }
        bytes += value.as_str().map_or(0, str::len);
    }
    for (key, value) in binary.into_iter().flatten() {
        data_key(key)
            .iter()
            .for_each(|message| wrong.invalid(format!("binaryData[{key}]"), &key.as_str().into(), message));
        bytes += decoded(value).len();
    }
    if bytes > DATA_BYTES_MAX {
        wrong.too_long("", DATA_BYTES_MAX);
    }
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default()
}

fn secret(new: &Fields, wrong: &mut Wrong) {
    let data = map(new, "data");
    let mut bytes = 0;
    for (key, value) in data.into_iter().flatten() {
        data_key(key).iter().for_each(|message| wrong.invalid(format!("data[{key}]"), &key.as_str().into(), message));
        bytes += decoded(value).len();
    }
    if bytes > DATA_BYTES_MAX {
        wrong.too_long("data", DATA_BYTES_MAX);
    }
    let has = |key: &str| data.is_some_and(|data| data.contains_key(key));
    let mut need = |keys: &[&str]| {
        for key in keys.iter().filter(|key| !has(key)) {
            wrong.required(format!("data[{key}]"), "");
        }
    };
    match text(new, "type") {
        "kubernetes.io/tls" => need(&["tls.crt", "tls.key"]),
        "kubernetes.io/ssh-auth" => need(&["ssh-privatekey"]),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => need(&["username", "password"]),
        docker @ ("kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson") => {
            let key = if docker.ends_with("json") { ".dockerconfigjson" } else { ".dockercfg" };
            need(&[key]);
        }
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if map(new, "metadata.annotations").and_then(|all| all.get(name)).is_none_or(|value| value == "") {
                wrong.required(format!("metadata.annotations[{name}]"), "");
            }
        }
        _ => {}
    }
}

fn service(old: Option<&Fields>, new: &Fields, wrong: &mut Wrong) {
    let type_ = text(new, "spec.type");
    let headless = text(new, "spec.clusterIP") == "None";
    let unchanged_type = |old: &&Fields| text(old, "spec.type") != "ExternalName" && type_ != "ExternalName";
    if let Some(old) = old.filter(unchanged_type) {
        let (was, is) = (list(old, "spec.clusterIPs"), list(new, "spec.clusterIPs"));
        if !was.is_empty() && was.first() != is.first() {
            let detail = if is.is_empty() { "primary clusterIP can not be unset" } else { "may not change once set" };
            wrong.invalid("spec.clusterIPs[0]", &Value::Array(is.to_vec()), detail);
        }
    }
    let ports = list(new, "spec.ports");
    if ports.is_empty() && !headless && type_ != "ExternalName" {
        wrong.required("spec.ports", "");
    }
    if headless && matches!(type_, "LoadBalancer" | "NodePort") {
        let detail = format!("may not be set to 'None' for {type_} services");
        wrong.invalid("spec.clusterIPs[0]", &"None".into(), &detail);
    }
    if type_ == "ExternalName" {
        for field in ["spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy"] {
            if at(new, field).is_some() {
                wrong.forbidden(field, "may not be set for ExternalName services");
            }
        }
        match text(new, "spec.externalName").trim_end_matches('.') {
            "" => wrong.required("spec.externalName", ""),
            name => {
                subdomain(name).iter().for_each(|message| wrong.invalid("spec.externalName", &name.into(), message));
            }
        }
    }
    let (mut names, mut node_ports, mut numbers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        match port["name"].as_str().unwrap_or_default() {
            "" if ports.len() > 1 => wrong.required(format!("{path}.name"), ""),
            "" => {}
            name if !names.insert(name) => wrong.duplicate(format!("{path}.name"), &name.into()),
            _ => {}
        }
        let protocol = port["protocol"].as_str().unwrap_or_default();
        if let Some(node_port) = port["nodePort"].as_i64() {
            if type_ == "ClusterIP" {
                wrong.forbidden(format!("{path}.nodePort"), "may not be used when `type` is 'ClusterIP'");
            }
            if !node_ports.insert((protocol, node_port)) {
                wrong.duplicate(format!("{path}.nodePort"), &port["nodePort"]);
            }
        }
        if !numbers.insert((protocol, port["port"].as_i64())) {
            let (protocol, number) = (json!(protocol), &port["port"]);
            wrong.duplicate_shown(&*path, &format!(
                "{{\"Name\":\"\",\"Protocol\":{protocol},\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            ));
        }
    }
    labels(map(new, "spec.selector"), "spec.selector", wrong);
}

fn amounts(new: &Fields, path: &str, wrong: &mut Wrong) {
    for (name, amount) in map(new, path).into_iter().flatten() {
        if billionths(amount.as_str().unwrap_or_default()).is_some_and(|amount| amount < 0) {
            wrong.invalid(format!("{path}[{name}]"), amount, "must be greater than or equal to 0");
        }
    }
}

fn claim(old: Option<&Fields>, new: &Fields, wrong: &mut Wrong) {
    let size = |claim: &Fields| at(claim, "spec.resources.requests.storage").cloned();
    if list(new, "spec.accessModes").is_empty() {
        wrong.required("spec.accessModes", "at least 1 access mode is required");
    }
    if size(new).is_none() {
        wrong.required("spec.resources[storage]", "");
    }
    let Some(old) = old else { return };
    let fixed = |claim: &Fields| {
        let mut spec = map(claim, "spec").cloned().unwrap_or_default();
        ["resources", "volumeName", "volumeAttributesClassName"].iter().for_each(|field| drop(spec.remove(*field)));
        spec
    };
    if fixed(old) != fixed(new) {
        wrong.forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        );
    }
}

fn role(new: &Fields, namespaced: bool, wrong: &mut Wrong) {
    for (index, rule) in list(new, "rules").iter().enumerate() {
        let path = format!("rules[{index}]");
        let has = |field: &str| rule[field].as_array().is_some_and(|items| !items.is_empty());
        if !has("verbs") {
            wrong.required(format!("{path}.verbs"), "verbs must contain at least one value");
        }
        if has("nonResourceURLs") {
            let urls = &rule["nonResourceURLs"];
            if namespaced {
                wrong.invalid(
                    format!("{path}.nonResourceURLs"),
                    urls,
                    "namespaced rules cannot apply to non-resource URLs",
                );
            }
            if has("apiGroups") || has("resources") || has("resourceNames") {
                let detail = "rules cannot apply to both regular resources and non-resource URLs";
                wrong.invalid(format!("{path}.nonResourceURLs"), urls, detail);
            }
            continue;
        }
        for (field, what) in [("apiGroups", "api group"), ("resources", "resource")] {
            if !has(field) {
                wrong.required(format!("{path}.{field}"), &format!("resource rules must supply at least one {what}"));
            }
        }
    }
}

fn binding(new: &Fields, kinds: &[&str], wrong: &mut Wrong) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let kind = text(new, "roleRef.kind");
    if !kinds.contains(&kind) {
        wrong.unsupported("roleRef.kind", &kind.into(), kinds);
    }
    match text(new, "roleRef.name") {
        "" => wrong.required("roleRef.name", ""),
        name => path_segment(name).iter().for_each(|message| wrong.invalid("roleRef.name", &name.into(), message)),
    }
    for (index, subject) in list(new, "subjects").iter().enumerate() {
        let path = format!("subjects[{index}]");
        let field = |name: &str| subject[name].as_str().unwrap_or_default();
        if field("name").is_empty() {
            wrong.required(format!("{path}.name"), "");
        }
        match field("kind") {
            "ServiceAccount" => {
                let name = field("name");
                if !name.is_empty() {
                    subdomain(name)
                        .iter()
                        .for_each(|message| wrong.invalid(format!("{path}.name"), &name.into(), message));
                }
                if !field("apiGroup").is_empty() {
                    wrong.unsupported(format!("{path}.apiGroup"), &field("apiGroup").into(), &[""]);
                }
                if kinds.len() == 1 && field("namespace").is_empty() {
                    wrong.required(format!("{path}.namespace"), "");
                }
            }
            "User" | "Group" if field("apiGroup") != GROUP => {
                wrong.unsupported(format!("{path}.apiGroup"), &field("apiGroup").into(), &[GROUP]);
            }
            "User" | "Group" => {}
            other => wrong.unsupported(format!("{path}.kind"), &other.into(), &["ServiceAccount", "User", "Group"]),
        }
    }
}

fn lease(new: &Fields, wrong: &mut Wrong) {
    if let Some(seconds) =
        at(new, "spec.leaseDurationSeconds").filter(|seconds| seconds.as_i64().is_some_and(|n| n <= 0))
    {
        wrong.invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0");
    }
}

/// Checks labels, or what is matched with labels.
pub(super) fn labels(labels: Option<&Fields>, path: &str, wrong: &mut Wrong) {
    for (key, value) in labels.into_iter().flatten() {
        label_key(key).iter().for_each(|message| wrong.invalid(path, &key.as_str().into(), message));
        label_value(value.as_str().unwrap_or_default()).iter().for_each(|message| wrong.invalid(path, value, message));
    }
}
