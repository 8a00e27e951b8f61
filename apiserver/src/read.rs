//! Reading objects: get and list.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::answer::{Answer, List, Reply};
use crate::field_selector::FieldSelector;
use crate::names::quoted;
use crate::object::Object;
use crate::request::{Call, Verb};
use crate::selector::Selector;
use crate::state::State;
use crate::status::{Cause, Status};
use crate::store::Objects;
use crate::write;

/// How a list goes on from a token that is too old.
const INCONSISTENT: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Reads one object, or its scale.
pub(crate) fn get(state: &State, call: &Call) -> Result<Answer, Status> {
    let served = &call.served;
    let version =
        resource_version(&call.query).map_err(|why| Status::bad_request(format!("invalid resource version: {why}")))?;
    state.check_reached(version)?;
    let object = state.store.get(served.collection(), &call.namespace, &call.name);
    let object = object.ok_or_else(|| Status::not_found(served, &call.name))?;
    if call.subresource == "scale" {
        let object = Object::new(state.in_version(object, served));
        return Ok(Reply::Value(200, write::scale(served, &object)?).into());
    }
    Ok(Reply::Object(200, served.clone(), Arc::clone(object)).into())
}

/// Reads the objects that the selectors choose, or a page of them.
pub(crate) fn list(state: &State, call: &Call) -> Result<Answer, Status> {
    Ok(Reply::List(call.served.clone(), select(state, call)?).into())
}

/// Which objects of a collection are meant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) namespace: String,
    pub(crate) labels: Selector,
    pub(crate) fields: FieldSelector,
}

impl Choice {
    pub(crate) fn of(call: &Call) -> Result<Self, Status> {
        let labels = Selector::parse(call.query.get("labelSelector"))?;
        let mut fields = FieldSelector::parse(call.query.get("fieldSelector"), &call.served)?;
        if !call.name.is_empty() {
            if fields.is_empty() {
                fields = FieldSelector::name(&call.name);
            } else if fields.chosen_name() != Some(call.name.as_str()) {
                return Err(Status::bad_request("fieldSelector metadata.name doesn't match requested name"));
            }
        }
        Ok(Self { namespace: call.namespace.clone(), labels, fields })
    }

    /// Whether an object is meant.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        (self.namespace.is_empty() || self.namespace == object.namespace())
            && self.labels.matches(object.labels())
            && self.fields.matches(object)
    }
}

/// Reads the objects that the selectors choose, or a page of them.
pub(crate) fn select(state: &State, call: &Call) -> Result<List, Status> {
    validate(call)?;
    let choice = Choice::of(call)?;
    let query = &call.query;
    let version =
        resource_version(query).map_err(|why| Status::bad_request(format!("invalid resource version: {why}")))?;
    let limit = match query.get("limit") {
        "" => 0,
        text => text
            .parse::<i64>()
            .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(text))))?,
    };
    let limit = usize::try_from(limit).unwrap_or(0);
    let exact = query.get("resourceVersionMatch") == "Exact";
    let token = Token::parse(query.get("continue"))?;
    let (at, start) = match &token {
        Some(_) if version != 0 => {
            return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
        }
        Some(token) => (token.version.unwrap_or(state.store.version()), Some(token.start.as_str())),
        // Without a match, a page that begins at a version is of that version.
        None if version != 0 && (exact || limit > 0 && query.get("resourceVersionMatch").is_empty()) => (version, None),
        None => (state.store.version(), None),
    };
    state.check_reached(version.max(at))?;
    // A list from "0" comes from the cache of the real server, which knows no pages.
    let limit = if query.get("resourceVersion") == "0" && token.is_none() { 0 } else { limit };
    let past;
    let objects = if at == state.store.version() {
        state.store.all(call.served.collection())
    } else {
        past = state.store.objects_at(call.served.collection(), at);
        match &past {
            Some(objects) => Some(objects),
            None => return Err(expired(&token)),
        }
    };
    let Some(objects) = objects else { return Ok(List { resource_version: at, ..List::default() }) };
    Ok(page(objects, &choice, start, limit, at))
}

fn page(objects: &Objects, choice: &Choice, start: Option<&str>, limit: usize, at: u64) -> List {
    let mut list = List { resource_version: at, ..List::default() };
    // Tokens name places within what is listed.
    let within = if choice.namespace.is_empty() { String::new() } else { format!("{}/", choice.namespace) };
    let first = format!("{within}{}", start.unwrap_or_default());
    let mut rest = objects.range(first..).filter(|(_, object)| choice.matches(object));
    let mut last: Option<&str> = None;
    for (path, object) in rest.by_ref() {
        if let Some(last) = last.filter(|_| limit > 0 && list.items.len() == limit) {
            list.continue_ = Token { version: Some(at), start: format!("{last}\0") }.text();
            let whole = choice.labels.is_empty() && choice.fields.is_empty();
            list.remaining = whole.then(|| 1 + rest.count() as u64);
            break;
        }
        list.items.push(Arc::clone(object));
        last = path.strip_prefix(&within);
    }
    list
}

/// Where a list goes on.
struct Token {
    /// At which version; none for the newest.
    version: Option<u64>,
    /// The first path that it may hold.
    start: String,
}

impl Token {
    fn parse(text: &str) -> Result<Option<Self>, Status> {
        if text.is_empty() {
            return Ok(None);
        }
        let refused =
            |why: &str| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("illegal base64 data"))?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|_| {
            let first = bytes.first().map(|byte| char::from(*byte)).unwrap_or_default();
            let first = if first.is_control() { format!("\\u{:04x}", u32::from(first)) } else { first.into() };
            refused(&format!("invalid character '{first}' looking for beginning of value"))
        })?;
        if token["v"] != "meta.k8s.io/v1" {
            return Err(refused(&format!("server does not recognize this encoded version {}", token["v"])));
        }
        let version = match token["rv"].as_i64() {
            None | Some(0) => return Err(refused("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")),
            Some(version) => u64::try_from(version).ok(),
        };
        let start = token["start"].as_str().unwrap_or_default();
        if start.is_empty() {
            return Err(refused("encoded start key empty (version meta.k8s.io/v1)"));
        }
        Ok(Some(Self { version, start: start.trim_start_matches('/').to_owned() }))
    }

    fn text(&self) -> String {
        let version = self.version.map_or(json!(-1), Value::from);
        let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": format!("/{}", self.start)});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }
}

fn expired(token: &Option<Token>) -> Status {
    let Some(token) = token else { return Status::expired("The resourceVersion for the provided list is too old.") };
    let token = Token { version: None, start: token.start.clone() };
    Status { continue_token: token.text(), ..Status::expired(INCONSISTENT) }
}

/// The `resourceVersion` of a request; 0 when it is not given.
pub(crate) fn resource_version(query: &crate::request::Query) -> Result<u64, String> {
    let text = query.get("resourceVersion");
    if text.is_empty() {
        return Ok(0);
    }
    let quoted = quoted(text);
    text.parse().map_err(|_| {
        format!("resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: invalid syntax")
    })
}

/// Whether the parameters of a list or a watch go together (apimachinery, meta/internalversion/validation).
pub(crate) fn validate(call: &Call) -> Result<(), Status> {
    const FIELD: &str = "resourceVersionMatch";
    let query = &call.query;
    let (matching, version) = (query.get(FIELD), query.get("resourceVersion"));
    let watch = call.verb == Verb::Watch;
    let initial = query.has("sendInitialEvents");
    let mut causes = Vec::new();
    let mut forbid = |when: bool, field: &str, why: &str| {
        if when {
            causes.push(Cause::forbidden(field, why));
        }
    };
    let given = !matching.is_empty();
    if watch {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        forbid(initial && matching != "NotOlderThan", FIELD, why);
        let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        forbid(given && !initial, FIELD, why);
    } else {
        forbid(
            given && version.is_empty(),
            FIELD,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        );
    }
    let continued = given && !query.get("continue").is_empty();
    forbid(continued && !watch, FIELD, "resourceVersionMatch is forbidden when continue is provided");
    let supported: &[&str] = if watch { &["NotOlderThan"] } else { &["Exact", "NotOlderThan", ""] };
    if given && !supported.contains(&matching) {
        causes.push(Cause::not_supported(FIELD, &quoted(matching), supported));
    }
    let mut forbid = |when: bool, field: &str, why: &str| {
        if when {
            causes.push(Cause::forbidden(field, why));
        }
    };
    forbid(continued && watch, FIELD, "resourceVersionMatch is forbidden when continue is provided");
    if !watch {
        let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
        forbid(matching == "Exact" && version == "0", FIELD, why);
        forbid(initial, "sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid_options("ListOptions", causes)) }
}
