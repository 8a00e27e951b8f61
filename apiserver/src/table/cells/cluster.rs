//! Cells of nodes, classes, bindings, quotas and admission policies.

use jiff::Timestamp;
use serde_json::Value;

use super::{at, items, or, text};

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

pub(super) fn default_name(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let annotations = &object["metadata"]["annotations"];
    let is_default = |name: &str| annotations[name] == "true";
    let marked = [
        "ingressclass.kubernetes.io/is-default-class",
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ];
    let name = text(&object["metadata"]["name"]);
    if marked.into_iter().any(is_default) { format!("{name} (default)").into() } else { name.into() }
}

pub(super) fn node_status(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let ready = items(at(object, ".status.conditions")).find(|condition| condition["type"] == "Ready");
    let ready = match ready {
        Some(condition) if condition["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let closed = at(object, ".spec.unschedulable") == true;
    if closed { format!("{ready},SchedulingDisabled").into() } else { ready.into() }
}

pub(super) fn node_roles(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let labels = object["metadata"]["labels"].as_object().into_iter().flatten();
    let role = |(key, value): (&String, &Value)| match key.strip_prefix(ROLE_PREFIX) {
        Some(role) => Some(role.to_owned()),
        None => (key == ROLE_LABEL).then(|| text(value)),
    };
    let mut roles: Vec<_> = labels.filter_map(role).filter(|role| !role.is_empty()).collect();
    roles.sort();
    roles.dedup();
    or(roles.join(","), "<none>").into()
}

pub(super) fn node_address(object: &Value, arguments: &[&str], _: Timestamp) -> Value {
    let address = items(at(object, ".status.addresses")).find(|address| address["type"] == arguments[0]);
    address.map_or_else(|| "<none>".into(), |address| address["address"].clone())
}

pub(super) fn node_kernel(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let kernel = or(text(at(object, ".status.nodeInfo.kernelVersion")), "<unknown>");
    match text(at(object, ".status.nodeInfo.architecture")) {
        architecture if architecture.is_empty() => kernel.into(),
        architecture => format!("{kernel} ({architecture})").into(),
    }
}

pub(super) fn subjects(object: &Value, arguments: &[&str], _: Timestamp) -> Value {
    let named = |subject: &Value| match arguments[0] {
        "ServiceAccount" => format!("{}/{}", text(&subject["namespace"]), text(&subject["name"])),
        _ => text(&subject["name"]),
    };
    let subjects = items(&object["subjects"]).filter(|subject| subject["kind"] == arguments[0]);
    subjects.map(named).collect::<Vec<_>>().join(", ").into()
}

pub(super) fn quota(object: &Value, arguments: &[&str], _: Timestamp) -> Value {
    let used = at(object, ".status.used");
    let hard = at(object, ".status.hard").as_object().into_iter().flatten();
    let mut hard: Vec<_> = hard.filter(|(name, _)| name.starts_with("limits.") == (arguments[0] == "limits")).collect();
    hard.sort_by_key(|(name, _)| *name);
    let written = hard.into_iter().map(|(name, hard)| format!("{name}: {}/{}", or(text(&used[name]), "0"), text(hard)));
    written.collect::<Vec<_>>().join(", ").into()
}

pub(super) fn controller(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let Some(owner) = items(&object["metadata"]["ownerReferences"]).find(|owner| owner["controller"] == true) else {
        return "<none>".into();
    };
    let group = text(&owner["apiVersion"]).rsplit_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
    format!("{}{group}/{}", text(&owner["kind"]).to_lowercase(), text(&owner["name"])).into()
}

pub(super) fn param_kind(object: &Value, _: &[&str], _: Timestamp) -> Value {
    match at(object, ".spec.paramKind") {
        Value::Null => "<unset>".into(),
        kind => format!("{}/{}", text(&kind["apiVersion"]), text(&kind["kind"])).into(),
    }
}

pub(super) fn param_ref(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let reference = at(object, ".spec.paramRef");
    match text(&reference["name"]) {
        name if name.is_empty() => or(super::requirements(&reference["selector"]), "<unset>").into(),
        name => format!("{}/{name}", or(text(&reference["namespace"]), "*")).into(),
    }
}
