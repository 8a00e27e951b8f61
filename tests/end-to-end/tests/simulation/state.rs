//! What two runs have in common when they end alike.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};
use thalweg_apiserver::Object;
use thalweg_harness::oracles::objects;

use crate::world::{MANAGER, World};

/// Every object of a world, without what no two runs share: uids, versions, times, durations.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct State(BTreeMap<String, String>);

impl State {
    pub(crate) fn of(world: &World) -> Self {
        let objects: Vec<Arc<Object>> = objects(&world.server);
        let names: BTreeMap<String, String> = objects
            .iter()
            .map(|object| {
                let value = object.value();
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (
                    text(&value["metadata"]["uid"]),
                    format!("uid of {} {}", text(&value["kind"]), text(&value["metadata"]["name"])),
                )
            })
            .collect();
        let lines = objects.iter().map(|object| {
            let value = object.value();
            let metadata = &value["metadata"];
            let subject = format!("{} {}/{}", value["kind"], metadata["namespace"], metadata["name"]).replace('"', "");
            let mut text = comparable(value).to_string();
            for (uid, name) in &names {
                text = text.replace(uid, name);
            }
            (subject, text)
        });
        Self(lines.collect())
    }

    /// In what `self` is not as `expected`; empty when it is.
    pub(crate) fn difference(&self, expected: &State) -> String {
        let mut text = String::new();
        let none = "absent".to_owned();
        let subjects: std::collections::BTreeSet<&String> = self.0.keys().chain(expected.0.keys()).collect();
        for subject in subjects {
            let (is, should_be) = (self.0.get(subject).unwrap_or(&none), expected.0.get(subject).unwrap_or(&none));
            if is != should_be {
                let _ = write!(text, "\n  {subject}\n    is        {is}\n    should be {should_be}");
            }
        }
        text
    }
}

fn comparable(object: &Value) -> Value {
    let mut value = object.clone();
    let metadata = value["metadata"].take();
    let status = value["status"].take();
    // None and no entry are alike: another writer's came and went.
    let entries_of = |field: &str| Some(&metadata[field]).filter(|value| **value != json!({}));
    let mut managers: Vec<String> = entries(&metadata["managedFields"])
        .filter(|entry| entry["manager"] != MANAGER)
        .map(|entry| format!("{} {} {}", entry["manager"], entry["operation"], entry["subresource"]))
        .collect();
    managers.sort();
    managers.dedup();
    value["metadata"] = json!({
        "labels": entries_of("labels"), "annotations": entries_of("annotations"), "finalizers": metadata["finalizers"],
        "ownerReferences": metadata["ownerReferences"], "isTerminating": !metadata["deletionTimestamp"].is_null(),
        "managers": managers,
    });
    let mut conditions: Vec<String> = entries(&status["conditions"])
        .map(|condition| {
            let message = if condition["type"] == "Ready" { &condition["message"] } else { &Value::Null };
            format!("{} {} {} {message}", condition["type"], condition["status"], condition["reason"])
        })
        .collect();
    conditions.sort();
    let mut rest = status.as_object().cloned().unwrap_or_default();
    let is_observed = rest.get("observedGeneration") == Some(&metadata["generation"]);
    for varying in ["conditions", "history", "observedGeneration", "lastHandledReconcileAt"] {
        rest.remove(varying);
    }
    let mut rest = Value::Object(rest);
    without_times(&mut rest);
    value["status"] = json!({"conditions": conditions, "isObserved": is_observed, "rest": rest});
    value
}

fn without_times(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "a time".to_owned(),
        Value::String(text) if text.starts_with("Health check passed in ") => *text = "Health check passed".to_owned(),
        Value::Object(fields) => {
            fields.remove("observedGeneration");
            fields.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
