//! The rules that span fields of workloads: selectors, templates and their containers, strategies, counts.

use serde_json::{Value, json};

use super::across::{labels, number};
use super::formats::percent;
use super::wrong::Wrong;
use crate::kinds::path::{Fields, at, list, map, text};
use crate::kinds::quantity::billionths;
use crate::label_selector::selects;
use crate::names::{label_key, label_value};

/// What a volume may be made of, in the order in which it is looked at: one of them.
const VOLUME_SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "flocker",
    "downwardAPI",
    "fc",
    "azureFile",
    "configMap",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "storageos",
    "portworxVolume",
    "scaleIO",
    "projected",
    "csi",
    "ephemeral",
    "image",
];

/// Counts of a status, and how they stand to each other.
pub(super) fn deployment_status(new: &Fields, wrong: &mut Wrong) {
    let names = [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
    ];
    for name in names {
        let path = format!("status.{name}");
        if number(new, &path) < 0 {
            wrong.invalid(&*path, &number(new, &path).into(), "must be greater than or equal to 0");
        }
    }
    for (part, whole, name) in [
        ("updatedReplicas", "replicas", "status.replicas"),
        ("readyReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "replicas", "status.replicas"),
        ("availableReplicas", "readyReplicas", "readyReplicas"),
    ] {
        let path = format!("status.{part}");
        if number(new, &path) > number(new, &format!("status.{whole}")) {
            wrong.invalid(&*path, &number(new, &path).into(), &format!("cannot be greater than {name}"));
        }
    }
}

/// A selector that must choose what the template makes.
pub(super) fn selected_template(new: &Fields, owner: &str, wrong: &mut Wrong) {
    let chosen = map(new, "spec.template.metadata.labels");
    let labels = chosen.map_or(Value::Null, |labels| Value::Object(labels.clone()));
    let mismatch = "`selector` does not match template `labels`";
    let Some(selector) = map(new, "spec.selector") else {
        wrong.required("spec.selector", "");
        wrong.invalid("spec.template.metadata.labels", &labels, mismatch);
        return template(new, "spec.template", wrong);
    };
    self::selector(selector, "spec.selector", wrong);
    let value = Value::Object(selector.clone());
    let empty = selector
        .values()
        .all(|part| part.as_object().is_none_or(Fields::is_empty) && part.as_array().is_none_or(Vec::is_empty));
    if empty {
        wrong.invalid("spec.selector", &value, &format!("empty selector is invalid for {owner}"));
    } else if !selects(&value, &labels) {
        wrong.invalid("spec.template.metadata.labels", &labels, mismatch);
    }
    template(new, "spec.template", wrong);
}

fn template(new: &Fields, path: &str, wrong: &mut Wrong) {
    labels(map(new, &format!("{path}.metadata.labels")), &format!("{path}.metadata.labels"), wrong);
    let policy = text(new, &format!("{path}.spec.restartPolicy"));
    if policy != "Always" {
        wrong.unsupported(format!("{path}.spec.restartPolicy"), &policy.into(), &["Always"]);
    }
    pod_spec(new, &format!("{path}.spec"), wrong);
}

/// What a Job makes: pods that end.
pub(super) fn job_template(new: &Fields, path: &str, wrong: &mut Wrong) {
    let policy = text(new, &format!("{path}.spec.restartPolicy"));
    if policy == "Always" {
        let field = format!("{path}.spec.restartPolicy");
        wrong.required(field, "valid values: \"OnFailure\", \"Never\"");
    }
    pod_spec(new, &format!("{path}.spec"), wrong);
}

/// What containers mount must be there; what they request must be within their limits.
pub(super) fn pod_spec(new: &Fields, path: &str, wrong: &mut Wrong) {
    for (index, volume) in list(new, &format!("{path}.volumes")).iter().enumerate() {
        for source in VOLUME_SOURCES.iter().filter(|source| !volume[**source].is_null()).skip(1) {
            wrong.forbidden(format!("{path}.volumes[{index}].{source}"), "may not specify more than 1 volume type");
        }
    }
    let volumes: Vec<&Value> = list(new, &format!("{path}.volumes")).iter().map(|volume| &volume["name"]).collect();
    let claims: Vec<&Value> =
        list(new, "spec.volumeClaimTemplates").iter().map(|claim| &claim["metadata"]["name"]).collect();
    for containers in ["containers", "initContainers"] {
        for (index, container) in list(new, &format!("{path}.{containers}")).iter().enumerate() {
            let at = format!("{path}.{containers}[{index}]");
            for (index, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
                if !volumes.contains(&&mount["name"]) && !claims.contains(&&mount["name"]) {
                    let message = format!("Not found: {}", mount["name"]);
                    wrong.0.push(crate::status::Cause::new(
                        "FieldValueNotFound",
                        format!("{at}.volumeMounts[{index}].name"),
                        message,
                    ));
                }
            }
            if let Some(container) = container.as_object() {
                resources(container, &at, wrong);
            }
        }
    }
}

fn resources(container: &Fields, path: &str, wrong: &mut Wrong) {
    let quantity = |value: &Value| billionths(value.as_str().unwrap_or_default());
    let limits = map(container, "resources.limits");
    for (name, request) in map(container, "resources.requests").into_iter().flatten() {
        let limit = limits.and_then(|limits| limits.get(name));
        if let (Some(limit), Some(request_amount)) = (limit, quantity(request))
            && quantity(limit).is_some_and(|limit| request_amount > limit)
        {
            let detail =
                format!("must be less than or equal to {name} limit of {}", limit.as_str().unwrap_or_default());
            wrong.invalid(format!("{path}.resources.requests"), request, &detail);
        }
    }
}

/// How a Deployment replaces its pods.
pub(super) fn strategy(new: &Fields, wrong: &mut Wrong) {
    let update = map(new, "spec.strategy.rollingUpdate");
    match text(new, "spec.strategy.type") {
        "Recreate" if update.is_some() => {
            wrong.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let value = |name: &str| update.and_then(|update| update.get(name)).unwrap_or(&Value::Null);
            for name in ["maxUnavailable", "maxSurge"] {
                let path = format!("spec.strategy.rollingUpdate.{name}");
                int_or_percent(value(name), &path, wrong);
            }
            let zero = |value: &Value| matches!(value.as_i64(), Some(0)) || value == "0%";
            if zero(value("maxUnavailable")) && zero(value("maxSurge")) {
                let path = "spec.strategy.rollingUpdate.maxUnavailable";
                wrong.invalid(path, value("maxUnavailable"), "may not be 0 when `maxSurge` is 0");
            }
        }
        _ => {
            let shown = format!("{{\"Type\":{},\"RollingUpdate\":null}}", json!(text(new, "spec.strategy.type")));
            wrong.unsupported_shown("spec.strategy", &shown, &["Recreate", "RollingUpdate"]);
        }
    }
    let (deadline, ready) = (at(new, "spec.progressDeadlineSeconds"), number(new, "spec.minReadySeconds"));
    if let Some(deadline) = deadline.filter(|deadline| deadline.as_i64().is_some_and(|seconds| seconds <= ready)) {
        wrong.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
    }
}

fn int_or_percent(value: &Value, path: &str, wrong: &mut Wrong) {
    match value {
        Value::String(text) => percent(text).iter().for_each(|message| wrong.invalid(path, value, message)),
        value if value.as_i64().is_some_and(|number| number < 0) => {
            wrong.invalid(path, value, "must be greater than or equal to 0");
        }
        _ => {}
    }
}

/// What of a StatefulSet can change.
pub(super) fn stateful_set(old: Option<&Fields>, new: &Fields, wrong: &mut Wrong) {
    const FREE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |set: &Fields| {
        let mut spec = map(set, "spec").cloned().unwrap_or_default();
        FREE.iter().for_each(|field| drop(spec.remove(*field)));
        spec
    };
    if old.is_some_and(|old| fixed(old) != fixed(new)) {
        wrong.forbidden("spec", "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
    }
}

/// Checks a label selector.
fn selector(selector: &Fields, path: &str, wrong: &mut Wrong) {
    labels(map(selector, "matchLabels"), &format!("{path}.matchLabels"), wrong);
    for (index, expression) in list(selector, "matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        match expression["operator"].as_str().unwrap_or_default() {
            "In" | "NotIn" if values.is_empty() => {
                wrong.required(format!("{path}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                wrong.forbidden(
                    format!("{path}.values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => wrong.invalid(format!("{path}.operator"), &other.into(), "not a valid selector operator"),
        }
        let key = expression["key"].as_str().unwrap_or_default();
        label_key(key).iter().for_each(|message| wrong.invalid(format!("{path}.key"), &key.into(), message));
        for (index, value) in values.iter().enumerate() {
            let path = format!("{path}.values[{index}]");
            label_value(value).iter().for_each(|message| wrong.invalid(&*path, &(*value).into(), message));
        }
    }
}
