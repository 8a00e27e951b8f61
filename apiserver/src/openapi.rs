//! The OpenAPI v3 documents of what is served: the index and a document a group version.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::HeaderMap;
use serde_json::{Map, json};
use thalweg_schema::{Resource, openapi};

use crate::answer::{Answer, Reply};
use crate::discovery::{digest, tagged};
use crate::registry::{Registry, Served};
use crate::state::State;
use crate::status::Status;

const JSON: &str = "application/json";
/// For a document that was asked for under its own hash: it never changes.
const FOREVER: &str = "public, immutable";
const NOT_KEPT: &str = "no-cache, private";

/// Answers a GET of this path, or `None` when it is another's.
pub(crate) fn respond(state: &State, path: &str, query: &str, headers: &HeaderMap) -> Option<Result<Answer, Status>> {
    let path = path.strip_prefix("/openapi/v3")?.trim_matches('/');
    let mut documents = documents(&state.registry);
    if path.is_empty() {
        let paths = documents.iter().map(|(path, resources)| {
            let url = format!("/openapi/v3/{path}?hash={}", hash(resources));
            (path.clone(), json!({"serverRelativeURL": url}))
        });
        return Some(Ok(Reply::Value(200, json!({"paths": paths.collect::<Map<_, _>>()})).into()));
    }
    let resources = documents.remove(path)?;
    let asked = query.split('&').find_map(|parameter| parameter.strip_prefix("hash="));
    let kept = if asked == Some(&hash(&resources)) { FOREVER } else { NOT_KEPT };
    let document = openapi::document(resources.iter().map(|served| -> &Resource { served }));
    Some(Ok(tagged(headers, JSON, kept, document.to_string().into_bytes())))
}

/// The resources of each document, by its path: `api/v1`, `apis/apps/v1`.
fn documents(registry: &Registry) -> BTreeMap<String, Vec<&Served>> {
    let mut documents: BTreeMap<String, Vec<&Served>> = BTreeMap::new();
    for served in registry.all() {
        let prefix = if served.group.is_empty() { "api" } else { "apis" };
        documents.entry(format!("{prefix}/{}", served.api_version())).or_default().push(served);
    }
    documents
}

/// What tells one state of a document from another, without making it: which kinds are in it, and for custom kinds what
/// defines them.
fn hash(resources: &[&Served]) -> String {
    let mut text = env!("CARGO_PKG_VERSION").to_owned();
    for served in resources {
        write!(text, " {}/{}", served.plural, served.kind).expect("a text takes what is written");
        if let Some(definition) = served.definition() {
            write!(text, " {}", definition.value["spec"]).expect("a text takes what is written");
        }
    }
    digest(text.as_bytes())
}
