//! Cells of services, endpoints and ingresses.

use jiff::Timestamp;
use serde_json::Value;

use super::{at, few, integer, items, joined, or, text};

/// Hosts, ports and addresses that are shown.
const SHOWN_MAX: usize = 3;

pub(super) fn service_ip(service: &Value, _: &[&str], _: Timestamp) -> Value {
    items(at(service, ".spec.clusterIPs")).next().map_or_else(|| "<none>".into(), Value::clone)
}

pub(super) fn service_external(service: &Value, arguments: &[&str], now: Timestamp) -> Value {
    let external = joined(items(at(service, ".spec.externalIPs")).map(text));
    match at(service, ".spec.type").as_str().unwrap_or_default() {
        "ClusterIP" | "NodePort" => or(external, "<none>").into(),
        "LoadBalancer" => {
            let balancers = text(&addresses(service, arguments, now));
            let both = [balancers, external].into_iter().filter(|text| !text.is_empty());
            or(joined(both), "<pending>").into()
        }
        "ExternalName" => text(at(service, ".spec.externalName")).into(),
        _ => "<unknown>".into(),
    }
}

pub(super) fn service_ports(service: &Value, _: &[&str], _: Timestamp) -> Value {
    let port = |port: &Value| {
        let (number, protocol) = (integer(&port["port"]), text(&port["protocol"]));
        match integer(&port["nodePort"]) {
            0 => format!("{number}/{protocol}"),
            node_port => format!("{number}:{node_port}/{protocol}"),
        }
    };
    or(joined(items(at(service, ".spec.ports")).map(port)), "<none>").into()
}

pub(super) fn endpoints(endpoints: &Value, _: &[&str], _: Timestamp) -> Value {
    let mut all = Vec::new();
    for subset in items(&endpoints["subsets"]) {
        let ips = || items(&subset["addresses"]).map(|address| text(&address["ip"]));
        if items(&subset["ports"]).next().is_none() {
            all.extend(ips());
        }
        for port in items(&subset["ports"]) {
            all.extend(ips().map(|ip| {
                let ip = if ip.contains(':') { format!("[{ip}]") } else { ip };
                format!("{ip}:{}", integer(&port["port"]))
            }));
        }
    }
    if items(&endpoints["subsets"]).next().is_none() {
        return "<none>".into();
    }
    few(all.into_iter(), SHOWN_MAX, ",").into()
}

pub(super) fn slice_ports(slice: &Value, _: &[&str], _: Timestamp) -> Value {
    let ports = items(&slice["ports"]).map(|port| or(or(text(&port["port"]), &text(&port["name"])), "*"));
    or(few(ports, SHOWN_MAX, ","), "<unset>").into()
}

pub(super) fn slice_addresses(slice: &Value, _: &[&str], _: Timestamp) -> Value {
    let addresses = items(&slice["endpoints"]).flat_map(|endpoint| items(&endpoint["addresses"])).map(text);
    or(few(addresses, SHOWN_MAX, ","), "<unset>").into()
}

pub(super) fn ingress_hosts(ingress: &Value, _: &[&str], _: Timestamp) -> Value {
    let rules: Vec<_> = items(at(ingress, ".spec.rules")).map(|rule| text(&rule["host"])).collect();
    let hosts: Vec<_> = rules.iter().filter(|host| !host.is_empty()).take(SHOWN_MAX).cloned().collect();
    match (hosts.join(","), rules.len().checked_sub(SHOWN_MAX)) {
        (shown, _) if shown.is_empty() => "*".into(),
        (shown, Some(more)) if more > 0 && hosts.len() == SHOWN_MAX => format!("{shown} + {more} more...").into(),
        (shown, _) => shown.into(),
    }
}

pub(super) fn ingress_ports(ingress: &Value, _: &[&str], _: Timestamp) -> Value {
    if items(at(ingress, ".spec.tls")).next().is_some() { "80, 443".into() } else { "80".into() }
}

/// The addresses of load balancers.
pub(super) fn addresses(object: &Value, _: &[&str], _: Timestamp) -> Value {
    let ingress = items(at(object, ".status.loadBalancer.ingress"));
    let mut addresses: Vec<_> = ingress.map(|address| or(text(&address["ip"]), &text(&address["hostname"]))).collect();
    addresses.retain(|address| !address.is_empty());
    addresses.sort();
    addresses.dedup();
    addresses.join(",").into()
}

pub(super) fn class_parameters(class: &Value, _: &[&str], _: Timestamp) -> Value {
    let parameters = at(class, ".spec.parameters");
    if parameters.is_null() {
        return "<none>".into();
    }
    let group = parameters["apiGroup"].as_str().map(|group| format!(".{group}")).unwrap_or_default();
    format!("{}{group}/{}", text(&parameters["kind"]), text(&parameters["name"])).into()
}
