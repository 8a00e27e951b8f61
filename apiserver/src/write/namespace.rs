//! What a namespace allows: nothing is created in one that is not there, or going (the NamespaceLifecycle admission plugin).

use serde_json::json;

use super::delete::{self, Deleted, Deletion};
use super::{remove, store};
use crate::object::Object;
use crate::registry::Served;
use crate::request::Call;
use crate::state::State;
use crate::status::{Cause, Status};
use std::sync::Arc;

/// Namespaces that cannot be deleted.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// Whether a kind is that of namespaces.
pub(super) fn is_namespace(served: &Served) -> bool {
    served.group.is_empty() && served.plural == "namespaces"
}

/// Whether an object of this name may be created in the namespace of the call.
pub(super) fn check(state: &State, call: &Call, name: &str) -> Result<(), Status> {
    let custom = call.served.definition().is_some_and(|definition| definition.terminating());
    if custom {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(Status::forbidden(&call.served, name, why));
    }
    if call.namespace.is_empty() || is_namespace(&call.served) {
        return Ok(());
    }
    let namespaces = state.registry.find("", "v1", "namespaces");
    let Some(namespaces) = namespaces else { return Ok(()) };
    let namespace = &call.namespace;
    match state.store.get(namespaces.collection(), "", namespace) {
        None => Err(Status::not_found(&namespaces, namespace)),
        Some(object) if object.terminating() => {
            let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
            let mut status = Status::forbidden(&call.served, name, &why);
            let message = format!("namespace {namespace} is being terminated");
            let cause = Cause::new("NamespaceTerminating", "metadata.namespace", message);
            if let Some(details) = &mut status.details {
                details.causes.push(cause);
            }
            Err(status)
        }
        Some(_) => Ok(()),
    }
}

/// Deletes a namespace: it is marked, and goes when its content is gone and `spec.finalizers` is empty.
pub(super) fn delete(
    state: &mut State,
    served: &Served,
    object: &Arc<Object>,
    deletion: &Deletion,
) -> Result<Deleted, Status> {
    let name = object.name();
    if IMMORTAL.contains(&name) {
        return Err(Status::forbidden(served, name, "this namespace may not be deleted"));
    }
    deletion.check_storage(served, object)?;
    let mut value = object.value().clone();
    if !object.terminating() {
        value["metadata"]["deletionTimestamp"] = state.timestamp().into();
        value["status"]["phase"] = json!("Terminating");
        let orphan = deletion.orphans(&value);
        delete::set_finalizers(&mut value, orphan, false);
        if deletion.dry_run {
            return Ok(Deleted::Later(Arc::new(Object::new(value))));
        }
        return Ok(Deleted::Later(store(state, served, value)));
    }
    let empty = |value: &serde_json::Value| value.as_array().is_none_or(Vec::is_empty);
    if empty(&value["spec"]["finalizers"]) && empty(&value["metadata"]["finalizers"]) && !deletion.dry_run {
        let gone = remove(state, served, "", name);
        return Ok(Deleted::Now(gone.unwrap_or_else(|| Arc::clone(object))));
    }
    Ok(Deleted::Later(Arc::clone(object)))
}
