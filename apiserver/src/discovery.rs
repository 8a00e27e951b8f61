//! What is served: /api, /apis and what lies under them, /version, health.
//!
//! Answers paths that name no resource, as functions of the registry alone.

mod groups;
mod health;

use http::HeaderMap;
use http::header::{ACCEPT, HOST, IF_NONE_MATCH};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Reply, Tagged};
use crate::registry::Registry;
use crate::state::State;
use crate::status::Status;
use crate::table::clauses;

use groups::Group;

/// The content type of aggregated discovery, in which one answer says all (KEP 3352).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers a GET of this path, or `None` when it is another's.
pub(crate) fn respond(state: &State, path: &str, query: &str, headers: &HeaderMap) -> Option<Result<Answer, Status>> {
    let registry = &state.registry;
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    Some(match parts[..] {
        [] => Ok(value(paths(registry))),
        ["api"] => listed(headers, || groups::all(registry).filter(Group::is_core), || versions(headers)),
        ["apis"] => listed(headers, || groups::all(registry).filter(|group| !group.is_core()), || group_list(registry)),
        ["apis", name] => match groups::all(registry).find(|group| group.name == name) {
            Some(group) => Ok(value(with_type("APIGroup", group.summary()))),
            None => return None,
        },
        ["api", version] => resources(registry, "", version)?,
        ["apis", group, version] => resources(registry, group, version)?,
        ["version"] => Ok(value(version())),
        [kind @ ("healthz" | "livez" | "readyz")] => Ok(text(200, health::report(kind, query))),
        ["healthz" | "livez" | "readyz", check] if health::exists(check) => Ok(text(200, "ok".to_owned())),
        _ => return None,
    })
}

/// The answer to a path that nothing serves: under a group of our own a `Status`, elsewhere a page.
pub(crate) fn unknown(registry: &Registry, path: &str) -> Answer {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let ours = match (parts.next(), parts.next(), parts.next()) {
        (Some("api"), Some(_), _) => true,
        (Some("apis"), Some(name), Some(_)) => {
            groups::all(registry).any(|group| group.name == name && group.is_built_in())
        }
        _ => false,
    };
    if !ours {
        return text(404, "404 page not found\n".to_owned());
    }
    Reply::Status(Status::no_such_resource()).into()
}

/// A body that changes seldom, with the tag by which a client asks whether it did.
pub(crate) fn tagged(
    headers: &HeaderMap,
    content_type: &'static str,
    cache_control: &'static str,
    body: Vec<u8>,
) -> Answer {
    let etag = format!("\"{}\"", digest(&body));
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag));
    let (code, body) = if unchanged { (304, Vec::new()) } else { (200, body) };
    Reply::Tagged(Tagged { code, content_type, cache_control, etag, body: body.into() }).into()
}

/// SHA-256 in upper case.
pub(crate) fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Aggregated discovery of these groups if that is liked best, `plain` otherwise.
fn listed<'a, G>(
    headers: &HeaderMap,
    groups: impl FnOnce() -> G,
    plain: impl FnOnce() -> Value,
) -> Result<Answer, Status>
where
    G: Iterator<Item = Group<'a>>,
{
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    for clause in clauses(accept).iter().filter(|clause| clause.allows_json()) {
        match (clause.parameter("as"), clause.parameter("g"), clause.parameter("v")) {
            ("", "", "") => return Ok(value(plain())),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => {
                let items = groups().map(|group| group.aggregated()).collect::<Vec<_>>();
                let list = json!({
                    "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
                });
                return Ok(tagged(headers, AGGREGATED, "public", list.to_string().into_bytes()));
            }
            _ => {}
        }
    }
    Err(Status::not_acceptable("application/json"))
}

fn resources(registry: &Registry, name: &str, version: &str) -> Option<Result<Answer, Status>> {
    let group = groups::all(registry).find(|group| group.name == name)?;
    let resources = group.version(version)?;
    let group_version = if name.is_empty() { version.to_owned() } else { format!("{name}/{version}") };
    let list = json!({"groupVersion": group_version, "resources": resources.iter().flat_map(|one| groups::listed(registry, one)).collect::<Vec<_>>()});
    Some(Ok(value(with_type("APIResourceList", list))))
}

fn group_list(registry: &Registry) -> Value {
    let groups = groups::all(registry).filter(|group| !group.is_core());
    with_type("APIGroupList", json!({"groups": groups.map(|group| group.summary()).collect::<Vec<_>>()}))
}

fn versions(headers: &HeaderMap) -> Value {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = json!({"clientCIDR": "0.0.0.0/0", "serverAddress": host});
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]})
}

/// The release whose answers we give. The build is ours.
fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.3+thalweg", "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn paths(registry: &Registry) -> Value {
    let mut paths: Vec<String> =
        ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]
            .map(String::from)
            .into();
    for group in groups::all(registry).filter(|group| !group.is_core()) {
        paths.push(format!("/apis/{}", group.name));
        paths.extend(group.versions.keys().map(|version| format!("/apis/{}/{}", group.name, version.0)));
    }
    paths.sort();
    json!({"paths": paths})
}

fn with_type(kind: &str, mut value: Value) -> Value {
    value["kind"] = kind.into();
    value["apiVersion"] = "v1".into();
    value
}

fn value(value: Value) -> Answer {
    Reply::Value(200, value).into()
}

fn text(code: u16, text: String) -> Answer {
    Reply::Written(code, TEXT, text.into()).into()
}

#[cfg(test)]
mod tests;
