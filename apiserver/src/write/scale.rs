//! The scale subresource: how many there are, and how many there shall be.

use serde_json::{Value, json};
use thalweg_schema::Scale;

use super::Write;
use super::options::Options;
use super::patch::{self, PatchType};
use super::update::change;
use crate::answer::{Answer, Reply};
use crate::decode;
use crate::registry::Served;
use crate::request::{Call, Verb};
use crate::state::State;
use crate::status::{Cause, Status};

/// The Scale of an object.
pub(super) fn read(served: &Served, object: &Value) -> Result<Value, Status> {
    let paths = paths(served)?;
    let metadata = &object["metadata"];
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {},
        "spec": {},
        "status": {"replicas": find(object, &paths.status_replicas).cloned().unwrap_or(json!(0))},
    });
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = metadata.get(field) {
            scale["metadata"][field] = value.clone();
        }
    }
    if let Some(replicas) = find(object, &paths.spec_replicas).filter(|replicas| **replicas != 0) {
        scale["spec"]["replicas"] = replicas.clone();
    }
    if let Some(selector) = paths.label_selector.as_ref().and_then(|path| find(object, path)) {
        let text = selector.as_str().map_or_else(|| selector_text(selector), str::to_owned);
        if !text.is_empty() {
            scale["status"]["selector"] = text.into();
        }
    }
    Ok(scale)
}

/// PUT or PATCH of a Scale: writes how many there shall be.
pub(super) fn write(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let apply = if call.verb == Verb::Patch { Some(PatchType::of(call)? == PatchType::Apply) } else { None };
    let kind = if apply.is_some() { "PatchOptions" } else { "UpdateOptions" };
    let mut write = Write::new(call, Options::read(call, kind, apply)?);
    let served = &call.served;
    let path = paths(served)?.spec_replicas.clone();
    let (code, object) = change(state, &mut write, false, None, |state, write, live| {
        let live = live.expect("a scale is never created");
        let scale = match apply {
            Some(_) => patch::patched(&read(served, live)?, call)?,
            None => decode::object(&call.payload, "Scale")?.value,
        };
        write.check_name(&scale)?;
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
        check_replicas(call, replicas)?;
        let version = scale["metadata"].get("resourceVersion").cloned();
        let mut new = live.clone();
        if apply == Some(true) {
            let (group, kind) = (scale["apiVersion"].as_str(), scale["kind"].as_str());
            if (group, kind) != (Some("autoscaling/v1"), Some("Scale")) {
                let (group, kind) = (group.unwrap_or_default().replace('/', ", Version="), kind.unwrap_or_default());
                return Err(Status::bad_request(format!("invalid object type: {group}, Kind={kind}")));
            }
            let mut config =
                json!({"apiVersion": served.api_version(), "kind": served.kind, "metadata": {"name": call.name}});
            set(&mut config, &path, replicas.into())?;
            new = write.writer(state).applied(Some(live), &config, write.options.force)?;
        } else {
            set(&mut new, &path, replicas.into())?;
            write.writer(state).updated(Some(live), &mut new);
        }
        if let Some(version) = version {
            new["metadata"]["resourceVersion"] = version;
        }
        Ok(new)
    })?;
    let warnings = std::mem::take(&mut write.warnings);
    let scale = read(served, &state.in_version(&object, served))?;
    Ok(Answer { reply: Reply::Value(code, scale), warnings })
}

fn check_replicas(call: &Call, replicas: i64) -> Result<(), Status> {
    if replicas >= 0 {
        return Ok(());
    }
    let served = &call.served;
    let value = replicas.to_string();
    if served.is_custom() {
        let cause = Cause::invalid(".spec.replicas", &value, "should be a non-negative integer");
        return Err(Status::invalid(&served.group, &served.kind, &call.name, vec![cause]));
    }
    let cause = Cause::invalid("spec.replicas", &value, "must be greater than or equal to 0");
    Err(Status::invalid("autoscaling", "Scale", &call.name, vec![cause]))
}

fn paths(served: &Served) -> Result<&Scale, Status> {
    let scale = served.subresource("scale").and_then(|scale| scale.scale.as_ref());
    scale.ok_or_else(Status::no_such_resource)
}

fn find<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|part| !part.is_empty()).try_fold(object, |value, part| value.get(part))
}

/// Sets the field that `path` names; what is missing above it is made.
fn set(object: &mut Value, path: &str, value: Value) -> Result<(), Status> {
    let mut place = object;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        if !place.is_object() && !place.is_null() {
            let message =
                format!("value cannot be set because {path} is below what is not a map[string]interface {{}}");
            return Err(Status::new(500, "", message));
        }
        place = &mut place[part];
    }
    *place = value;
    Ok(())
}

/// A LabelSelector as a text.
fn selector_text(selector: &Value) -> String {
    let structured = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    let labels = if structured { &selector["matchLabels"] } else { selector };
    let equal = labels.as_object().into_iter().flatten();
    let mut terms: Vec<String> =
        equal.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(",");
        terms.push(match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    terms.sort();
    terms.join(",")
}
