//! The addresses and ports of Services: given out, kept when a client leaves them out, dropped when the type needs none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use rand::RngExt;
use serde_json::{Value, json};

use super::path::{Fields, at, list, list_mut, map_at, put, take, text};
use crate::registry::Served;
use crate::state::State;
use crate::status::{Cause, Status};

/// The first address of the range that Services have, 10.96.0.0/16, and how many there are.
const RANGE: (Ipv4Addr, u32) = (Ipv4Addr::new(10, 96, 0, 0), 1 << 16);
/// The ports that nodes open for Services.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;
/// The address of a Service that has none.
const NONE: &str = "None";

/// Gives a Service the addresses and ports that it needs and does not have.
///
/// # Errors
/// An address or port is outside its range or in use.
pub(crate) fn allocate(
    state: &mut State,
    served: &Served,
    old: Option<&Fields>,
    new: &mut Fields,
) -> Result<(), Status> {
    if let Some(old) = old {
        keep_allocated(old, new);
    }
    if text(new, "spec.type") != "ExternalName" {
        give(state, served, old, new)
            .map_err(|causes| Status::invalid("", "Service", text(new, "metadata.name"), causes))?;
        check_node_ports(old, new)?;
    }
    if let Some(old) = old {
        drop_unneeded(old, new);
    }
    if text(new, "spec.type") == "ExternalName" {
        take(new, "spec.internalTrafficPolicy");
    }
    Ok(())
}

/// Gives a Service that is reached through an address what it lacks, or says what is wrong.
fn give(state: &mut State, served: &Served, old: Option<&Fields>, new: &mut Fields) -> Result<(), Vec<Cause>> {
    let wrong = families(old, new);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let used = Used::of(state, served, new);
    let address = match text(new, "spec.clusterIP").to_owned() {
        given if given.is_empty() => used.free_address(state).ok_or_else(|| vec![full("spec.clusterIPs", "IP")])?,
        given if given != NONE && old.is_none() => {
            used.check_address(&given).map_err(|why| {
                let message = format!("Invalid value: [\"{given}\"]: failed to allocate IP {given}: {why}");
                vec![Cause::new("FieldValueInvalid", "spec.clusterIPs", message)]
            })?;
            given
        }
        given => given,
    };
    put(new, "spec.clusterIP", address.as_str());
    map_at(new, "spec").entry("clusterIPs").or_insert_with(|| json!([address]));
    node_ports(state, old, new, used).map_err(|cause| vec![cause])
}

/// What the other Services have.
#[derive(Default)]
struct Used {
    addresses: BTreeSet<String>,
    ports: BTreeSet<i64>,
}

impl Used {
    fn of(state: &State, served: &Served, but: &Fields) -> Self {
        let mut used = Self::default();
        let uid = text(but, "metadata.uid");
        for other in state.store.objects(&Arc::clone(served.collection())) {
            if other.uid() == uid {
                continue;
            }
            let Some(other) = other.value().as_object() else { continue };
            used.addresses.extend(list(other, "spec.clusterIPs").iter().filter_map(Value::as_str).map(String::from));
            used.ports.extend(list(other, "spec.ports").iter().filter_map(|port| port["nodePort"].as_i64()));
            used.ports.extend(at(other, "spec.healthCheckNodePort").and_then(Value::as_i64));
        }
        used
    }

    /// The first address that is free from a random one on; none when all are taken. The ends of the range are no hosts'.
    fn free_address(&self, state: &mut State) -> Option<String> {
        let (hosts, start) = (RANGE.1 - 2, state.random.random_range(0..RANGE.1 - 2));
        let mut addresses = (0..hosts).map(|offset| u32::from(RANGE.0) + 1 + (start + offset) % hosts);
        let free = |address: &String| !self.addresses.contains(address);
        addresses.by_ref().map(|address| Ipv4Addr::from(address).to_string()).find(free)
    }

    fn check_address(&self, address: &str) -> Result<(), String> {
        let number = address.parse::<Ipv4Addr>().map(u32::from).unwrap_or_default();
        let inside = number.checked_sub(u32::from(RANGE.0)).is_some_and(|offset| offset < RANGE.1);
        if !inside {
            return Err("the provided network does not match the current range".into());
        }
        if self.addresses.contains(address) { Err("provided IP is already allocated".into()) } else { Ok(()) }
    }

    fn take(&mut self, port: i64) -> Result<i64, String> {
        if !NODE_PORTS.contains(&port) {
            let (first, last) = NODE_PORTS.into_inner();
            return Err(format!("provided port is not in the valid range. The range of valid ports is {first}-{last}"));
        }
        if self.ports.insert(port) { Ok(port) } else { Err("provided port is already allocated".into()) }
    }

    /// Takes the first port that is free from a random one on; none when all are taken.
    fn take_free_port(&mut self, state: &mut State) -> Option<i64> {
        let start = state.random.random_range(NODE_PORTS);
        let mut ports = (start..=*NODE_PORTS.end()).chain(*NODE_PORTS.start()..start);
        ports.find(|port| self.ports.insert(*port))
    }
}

fn full(field: &str, what: &str) -> Cause {
    Cause::new("InternalError", field, format!("Internal error: failed to allocate {what}: range is full"))
}

/// A Service has one family, IPv4, but one without address and selector is for whoever fills it in. Returns what is wrong.
fn families(old: Option<&Fields>, new: &mut Fields) -> Vec<Cause> {
    let unmanaged = text(new, "spec.clusterIP") == NONE && at(new, "spec.selector").is_none();
    let before = old.and_then(|old| at(old, "spec.ipFamilyPolicy")).cloned();
    let spec = map_at(new, "spec");
    let policy = spec
        .entry("ipFamilyPolicy")
        .or_insert_with(|| before.unwrap_or_else(|| json!(if unmanaged { "RequireDualStack" } else { "SingleStack" })))
        .clone();
    let dual = unmanaged && policy != "SingleStack";
    let families =
        spec.entry("ipFamilies").or_insert_with(|| if dual { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) });
    let mut wrong = Vec::new();
    if unmanaged {
        return wrong;
    }
    let mut invalid = |field: String, value: &Value, why: &str| {
        wrong.push(Cause::new("FieldValueInvalid", field, format!("Invalid value: {value}: {why}")));
    };
    if policy == "RequireDualStack" {
        invalid("spec.ipFamilyPolicy".into(), &policy, "this cluster is not configured for dual-stack services");
    }
    for (index, family) in families.as_array().into_iter().flatten().enumerate().filter(|(_, family)| *family != "IPv4")
    {
        invalid(format!("spec.ipFamilies[{index}]"), family, "not configured on this cluster");
    }
    wrong
}

fn node_ports(state: &mut State, old: Option<&Fields>, new: &mut Fields, mut used: Used) -> Result<(), Cause> {
    let balanced = text(new, "spec.type") == "LoadBalancer";
    let without = balanced && at(new, "spec.allocateLoadBalancerNodePorts") == Some(&Value::Bool(false));
    let mut own: BTreeSet<i64> = old.map(ports_of).unwrap_or_default();
    // In a new Service, ports of the same number have one port of the nodes, whatever the protocol.
    let mut shared: BTreeMap<i64, i64> = BTreeMap::new();
    if old.is_none() {
        let given = list(new, "spec.ports").iter().rev();
        shared.extend(given.filter_map(|port| Some((port["port"].as_i64()?, port["nodePort"].as_i64()?))));
    }
    if text(new, "spec.type") == "NodePort" || balanced {
        for (index, port) in list_mut(new, "spec.ports").enumerate() {
            let number = port.get("port").and_then(Value::as_i64).unwrap_or(0);
            let wanted = port.get("nodePort").and_then(Value::as_i64).or_else(|| shared.get(&number).copied());
            let given = match wanted {
                Some(wanted) if own.contains(&wanted) => wanted,
                Some(wanted) => used.take(wanted).map_err(|why| {
                    let field = format!("spec.ports[{index}].nodePort");
                    Cause::new("FieldValueInvalid", field, format!("Invalid value: {wanted}: {why}"))
                })?,
                None if without => continue,
                None => used
                    .take_free_port(state)
                    .ok_or_else(|| full(&format!("spec.ports[{index}].nodePort"), "nodePort"))?,
            };
            own.insert(given);
            if old.is_none() {
                shared.insert(number, given);
            }
            port.insert("nodePort".into(), given.into());
        }
    }
    if balanced && text(new, "spec.externalTrafficPolicy") == "Local" && at(new, "spec.healthCheckNodePort").is_none() {
        let field = "spec.healthCheckNodePort";
        put(new, field, used.take_free_port(state).ok_or_else(|| full(field, "nodePort"))?);
    }
    Ok(())
}

/// An update gives no port of the nodes twice.
fn check_node_ports(old: Option<&Fields>, new: &Fields) -> Result<(), Status> {
    let mut seen = BTreeSet::new();
    let needed = matches!(text(new, "spec.type"), "NodePort" | "LoadBalancer");
    for port in list(new, "spec.ports").iter().filter(|_| needed && old.is_some()) {
        let (protocol, number) = (port["protocol"].as_str().unwrap_or_default(), port["nodePort"].as_i64());
        if let Some(number) = number.filter(|number| !seen.insert((protocol, *number))) {
            return Err(Status::new(500, "", format!("duplicate nodePort: {{{protocol} {number}}}")));
        }
    }
    Ok(())
}

fn ports_of(service: &Fields) -> BTreeSet<i64> {
    list(service, "spec.ports").iter().filter_map(|port| port["nodePort"].as_i64()).collect()
}

/// What the server gave and a client left out stays.
fn keep_allocated(old: &Fields, new: &mut Fields) {
    let (was, is) = (text(old, "spec.type").to_owned(), text(new, "spec.type").to_owned());
    let addressed = |of: &str| of != "ExternalName";
    let on_nodes = |of: &str| matches!(of, "NodePort" | "LoadBalancer");
    if addressed(&was) && addressed(&is) {
        for field in ["spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy"] {
            if let (None, Some(value)) = (at(new, field), at(old, field)) {
                put(new, field, value.clone());
            }
        }
    }
    // Who changes one of the two fields means both.
    if at(old, "spec.clusterIP") != at(new, "spec.clusterIP")
        && at(old, "spec.clusterIPs") == at(new, "spec.clusterIPs")
    {
        match at(new, "spec.clusterIP").cloned() {
            Some(address) => put(new, "spec.clusterIPs", json!([address])),
            None => drop(take(new, "spec.clusterIPs")),
        }
    }
    if on_nodes(&was) && on_nodes(&is) {
        let taken: BTreeSet<i64> = ports_of(old).intersection(&ports_of(new)).copied().collect();
        for port in list_mut(new, "spec.ports").filter(|port| !port.contains_key("nodePort")) {
            let same = |other: &&Value| other["name"] == *port.get("name").unwrap_or(&Value::Null);
            let number = list(old, "spec.ports").iter().rfind(same).and_then(|other| other["nodePort"].as_i64());
            if let Some(number) = number.filter(|number| !taken.contains(number)) {
                port.insert("nodePort".into(), number.into());
            }
        }
    }
    if needs_health_port(old) && needs_health_port(new) {
        let number = at(old, "spec.healthCheckNodePort").cloned().unwrap_or(Value::Null);
        map_at(new, "spec").entry("healthCheckNodePort").or_insert(number);
    }
}

fn needs_health_port(service: &Fields) -> bool {
    text(service, "spec.type") == "LoadBalancer" && text(service, "spec.externalTrafficPolicy") == "Local"
}

/// Whether a Service is reached from outside.
fn is_open(service: &Fields) -> bool {
    match text(service, "spec.type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !list(service, "spec.externalIPs").is_empty(),
        _ => false,
    }
}

/// What another type had and this one does not need goes, unless the client changed it at the same time.
fn drop_unneeded(old: &Fields, new: &mut Fields) {
    let (was, is) = (text(old, "spec.type").to_owned(), text(new, "spec.type").to_owned());
    let drop_same = |new: &mut Fields, path: &str| {
        if at(old, path) == at(new, path) {
            take(new, path);
        }
    };
    if was != "ExternalName" && is == "ExternalName" {
        let addresses = ["spec.clusterIP", "spec.clusterIPs"];
        if addresses.iter().all(|path| at(old, path) == at(new, path)) {
            addresses.iter().for_each(|path| drop(take(new, path)));
        }
        drop_same(new, "spec.ipFamilies");
        drop_same(new, "spec.ipFamilyPolicy");
    }
    let on_nodes = |of: &str| matches!(of, "NodePort" | "LoadBalancer");
    if on_nodes(&was) && !on_nodes(&is) && ports_of(old).is_superset(&ports_of(new)) {
        list_mut(new, "spec.ports").for_each(|port| drop(port.remove("nodePort")));
    }
    if needs_health_port(old) && !needs_health_port(new) {
        drop_same(new, "spec.healthCheckNodePort");
    }
    if was == "LoadBalancer" && is != "LoadBalancer" {
        drop_same(new, "spec.allocateLoadBalancerNodePorts");
        drop_same(new, "spec.loadBalancerClass");
        put(new, "status.loadBalancer", json!({}));
    }
    if is_open(old) && !is_open(new) {
        drop_same(new, "spec.externalTrafficPolicy");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiServer, Options};

    #[test]
    fn the_last_free_address_and_port_are_found_and_none_beyond_them() {
        let server = ApiServer::new(Options::default());
        let mut state = server.state();
        let mut used = Used {
            addresses: (1..RANGE.1 - 1).map(|host| Ipv4Addr::from(u32::from(RANGE.0) + host).to_string()).collect(),
            ports: NODE_PORTS.collect(),
        };
        assert_eq!((used.free_address(&mut state), used.take_free_port(&mut state)), (None, None));
        used.addresses.remove("10.96.1.2");
        used.ports.remove(&31_000);
        assert_eq!(used.free_address(&mut state).as_deref(), Some("10.96.1.2"));
        assert_eq!(used.take_free_port(&mut state), Some(31_000));
        assert_eq!(used.take_free_port(&mut state), None);
    }
}
