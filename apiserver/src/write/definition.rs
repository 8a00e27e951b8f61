//! What follows for the served kinds when a CustomResourceDefinition is written or goes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::{self, Deleted, Deletion};
use super::{remove, store};
use crate::definitions;
use crate::object::Object;
use crate::registry::Served;
use crate::request::{Call, Payload, Verb};
use crate::shape;
use crate::state::State;
use crate::status::Status;

/// Holds a definition until its objects are gone.
const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Serves what was just written.
pub(super) fn after_write(state: &mut State, served: &Served, object: &Object) {
    if shape::defines_kinds(served) {
        state.registry.define(object.value());
    }
}

/// Serves no longer what a removed definition defined.
pub(super) fn after_removal(state: &mut State, served: &Served, object: &Object) {
    if shape::defines_kinds(served) {
        state.registry.undefine(object.name());
    }
}

/// Begins the deletion of a definition: it is marked, its objects are deleted, and it goes with the last of them.
pub(super) fn delete(
    state: &mut State,
    served: &Served,
    object: &Arc<Object>,
    deletion: &Deletion,
) -> Result<Deleted, Status> {
    deletion.check_storage(served, object)?;
    let mut value = object.value().clone();
    value["metadata"]["deletionTimestamp"] = state.timestamp().into();
    let mut finalizers = value["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    if !finalizers.contains(&json!(FINALIZER)) {
        finalizers.push(json!(FINALIZER));
    }
    value["metadata"]["finalizers"] = finalizers.into();
    let message = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
    set_terminating(state, &mut value, "True", "InstanceDeletionPending", message);
    if deletion.dry_run {
        return Ok(Deleted::Later(Arc::new(Object::new(value))));
    }
    Ok(Deleted::Later(store(state, served, value)))
}

/// Does what kube-apiserver's own controllers do after a write: accepts the names of definitions, deletes the objects of those
/// whose deletion has begun, and lets go of those that have none left.
pub(crate) fn settle(state: &mut State, written: &Served) {
    if !written.is_custom() && !shape::defines_kinds(written) {
        return;
    }
    let Some(served) = state.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions") else { return };
    let definitions: Vec<Arc<Object>> = state.store.objects(served.collection()).map(Arc::clone).collect();
    if shape::defines_kinds(written) {
        definitions.iter().for_each(|definition| accept(state, &served, definition, &definitions));
    }
    for definition in definitions.iter().filter(|definition| definition.terminating()) {
        let finalizers = definition.value()["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        if !finalizers.contains(&json!(FINALIZER)) {
            continue;
        }
        let spec = &definition.value()["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let collection = Arc::new((text(&spec["group"]), text(&spec["names"]["plural"])));
        let kind = state.registry.stored(&collection);
        let objects: Vec<Arc<Object>> = state.store.objects(&collection).map(Arc::clone).collect();
        for object in objects.iter().filter(|object| !object.terminating()) {
            if let Some(kind) = &kind {
                // Deleting without preconditions is refused by nothing.
                let _ = delete::delete_object(state, kind, object, Deletion::default());
            }
        }
        if state.store.objects(&collection).next().is_none() {
            release(state, &served, definition, finalizers);
        }
    }
}

/// Accepts the names of a definition that no other has, and establishes it. The real one does so in two writes.
fn accept(state: &mut State, served: &Served, definition: &Object, all: &[Arc<Object>]) {
    if definition.terminating() {
        return;
    }
    let old = definition.value();
    let others: Vec<&Value> = all.iter().map(|other| other.value()).filter(|other| *other != old).collect();
    let mut new = old.clone();
    definitions::prepare_among(Some(old), &mut new, &others, &state.timestamp());
    if new["status"] == old["status"] {
        return;
    }
    let call = Call {
        name: definition.name().to_owned(),
        subresource: "status".to_owned(),
        payload: Payload::Read("application/json", new),
        user_agent: "kube-apiserver".to_owned(),
        ..Call::new(Verb::Update, served.clone())
    };
    let accepted = super::perform(state, &call);
    debug_assert!(accepted.is_ok(), "a definition cannot be established: {accepted:?}");
}

fn release(state: &mut State, served: &Served, definition: &Object, mut finalizers: Vec<Value>) {
    finalizers.retain(|finalizer| *finalizer != FINALIZER);
    if finalizers.is_empty() {
        remove(state, served, "", definition.name());
        return;
    }
    let mut value = definition.value().clone();
    value["metadata"]["finalizers"] = finalizers.into();
    set_terminating(state, &mut value, "False", "InstanceDeletionCompleted", "removed all instances");
    store(state, served, value);
}

fn set_terminating(state: &State, value: &mut Value, status: &str, reason: &str, message: &str) {
    let condition = json!({
        "type": "Terminating", "status": status, "lastTransitionTime": state.timestamp(), "reason": reason, "message": message,
    });
    let mut conditions = value["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|condition| condition["type"] != "Terminating");
    conditions.push(condition);
    value["status"]["conditions"] = conditions.into();
}
