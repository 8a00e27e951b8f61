//! What stands in the cells of built-in kinds: the functions that tables/columns.txt names.
//!
//! A function is given the object, its arguments and the time. Where a value is absent it says what Kubernetes' printers say:
//! most often nothing, zero or `<none>`.

mod cluster;
mod events;
mod metrics;
mod network;
mod pods;
mod volumes;

use jiff::Timestamp;
use serde_json::Value;

use super::age;

/// The object, the arguments, now → a cell.
pub(super) type Read = fn(&Value, &[&str], Timestamp) -> Value;

/// The function of this name.
///
/// # Panics
/// When there is none: the table that names it is part of the program.
pub(super) fn named(name: &str) -> Read {
    match name {
        "text" => |object, arguments, _| text(at(object, arguments[0])).into(),
        "int" => |object, arguments, _| integer(at(object, arguments[0])).into(),
        "bool" => |object, arguments, _| at(object, arguments[0]).as_bool().unwrap_or_default().into(),
        "flag" => |object, arguments, _| match at(object, arguments[0]).as_bool() {
            Some(true) => "True".into(),
            Some(false) => "False".into(),
            None => "<unset>".into(),
        },
        "or" => |object, arguments, _| or(text(at(object, arguments[1])), arguments[0]).into(),
        "age" => |object, arguments, now| age::age(at(object, arguments[0]).as_str(), now).into(),
        "since" => |object, arguments, now| match at(object, arguments[1]).as_str() {
            Some(time) => age::age(Some(time), now).into(),
            None => arguments[0].into(),
        },
        "count" => |object, arguments, _| arguments.iter().map(|path| size(at(object, path))).sum::<usize>().into(),
        "ratio" => |object, arguments, _| {
            format!("{}/{}", integer(at(object, arguments[0])), integer(at(object, arguments[1]))).into()
        },
        "containers" => {
            |object, arguments, _| joined(items(at(object, arguments[0])).map(|item| text(&item[arguments[1]]))).into()
        }
        "labels" => |object, arguments, _| or(labels(at(object, arguments[0])), "<none>").into(),
        "requirements" => |object, arguments, _| requirements(at(object, arguments[0])).into(),
        "selector" => |object, arguments, _| or(requirements(at(object, arguments[0])), "<none>").into(),
        "reference" => |object, arguments, _| {
            let reference = at(object, arguments[0]);
            format!("{}/{}", text(&reference["kind"]), text(&reference["name"])).into()
        },
        "default_name" => cluster::default_name,
        "node_status" => cluster::node_status,
        "node_roles" => cluster::node_roles,
        "node_address" => cluster::node_address,
        "node_kernel" => cluster::node_kernel,
        "subjects" => cluster::subjects,
        "quota" => cluster::quota,
        "controller" => cluster::controller,
        "param_kind" => cluster::param_kind,
        "param_ref" => cluster::param_ref,
        "event_last" => events::last,
        "event_first" => events::first,
        "event_count" => events::count,
        "event_object" => events::object,
        "event_field" => events::field,
        "event_source" => events::source,
        "event_message" => events::message,
        "metrics" => metrics::metrics,
        "service_ip" => network::service_ip,
        "service_external" => network::service_external,
        "service_ports" => network::service_ports,
        "endpoints" => network::endpoints,
        "slice_ports" => network::slice_ports,
        "slice_addresses" => network::slice_addresses,
        "ingress_hosts" => network::ingress_hosts,
        "ingress_ports" => network::ingress_ports,
        "addresses" => network::addresses,
        "class_parameters" => network::class_parameters,
        "pod_ready" => pods::ready,
        "pod_status" => pods::status,
        "pod_restarts" => pods::restarts,
        "pod_ip" => pods::ip,
        "pod_gates" => pods::gates,
        "job_status" => pods::job_status,
        "job_completions" => pods::job_completions,
        "job_duration" => pods::job_duration,
        "modes" => volumes::modes,
        "class" => volumes::class,
        "volume_phase" => volumes::phase,
        "volume_claim" => volumes::claim,
        "claim_capacity" => volumes::claim_capacity,
        "claim_modes" => volumes::claim_modes,
        _ => panic!("tables/columns.txt names {name:?}, which is no function"),
    }
}

/// The value at a path of names, `.spec.replicas`; null when there is none.
fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').filter(|name| !name.is_empty()).fold(object, |value, name| &value[name])
}

/// A text, or what a scalar is as a text; nothing for the rest.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => String::new(),
    }
}

fn integer(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn or(text: String, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text }
}

fn size(value: &Value) -> usize {
    value.as_object().map(serde_json::Map::len).or(value.as_array().map(Vec::len)).unwrap_or_default()
}

fn items(value: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

/// The first few, and how many there are besides.
fn few(texts: impl Iterator<Item = String>, max: usize, separator: &str) -> String {
    let texts: Vec<_> = texts.collect();
    let shown = texts[..texts.len().min(max)].join(separator);
    if texts.len() > max { format!("{shown} + {} more...", texts.len() - max) } else { shown }
}

fn labels(value: &Value) -> String {
    let mut pairs: Vec<_> =
        value.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={}", text(value))).collect();
    pairs.sort();
    pairs.join(",")
}

/// A label selector as a text.
fn requirements(selector: &Value) -> String {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut all: Vec<_> = equal.map(|(key, value)| (key.clone(), format!("{key}={}", text(value)))).collect();
    for expression in items(&selector["matchExpressions"]) {
        let key = text(&expression["key"]);
        let mut values: Vec<_> = items(&expression["values"]).map(text).collect();
        values.sort();
        let values = values.join(",");
        let written = match expression["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        };
        all.push((key, written));
    }
    all.sort_by(|left, right| left.0.cmp(&right.0));
    joined(all.into_iter().map(|(_, written)| written))
}

/// Whether a condition of this type is True.
fn holds(conditions: &Value, type_: &str) -> bool {
    items(conditions)
        .find(|condition| condition["type"] == type_)
        .is_some_and(|condition| condition["status"] == "True")
}
