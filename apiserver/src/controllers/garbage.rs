//! Garbage collection: what is owned goes with its owners.
//!
//! Mirrors `k8s.io/kubernetes/pkg/controller/garbagecollector`: background, foreground and orphaning deletion, owners that
//! are absent, and the rule that an owner is in the namespace of what it owns or has none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Place, text};
use crate::loopback::Loopback;
use crate::object::Object;
use crate::server::ApiServer;
use crate::status::Status;
use crate::store::Change;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Who is where, and who names whom as an owner.
#[derive(Debug, Default)]
pub(super) struct Graph {
    places: BTreeMap<String, Place>,
    dependents: BTreeMap<String, BTreeSet<Place>>,
}

impl Graph {
    /// Takes a change in.
    pub(super) fn note(&mut self, change: &Change) {
        if let Some(old) = &change.old {
            let place = Place::of(&change.collection, old);
            self.places.remove(old.uid());
            for owner in owners(old) {
                if let Some(dependents) = self.dependents.get_mut(text(&owner["uid"])) {
                    dependents.remove(&place);
                    if dependents.is_empty() {
                        self.dependents.remove(text(&owner["uid"]));
                    }
                }
            }
        }
        if let Some(new) = &change.new {
            let place = Place::of(&change.collection, new);
            for owner in owners(new) {
                self.dependents.entry(text(&owner["uid"]).to_owned()).or_default().insert(place.clone());
            }
            self.places.insert(new.uid().to_owned(), place);
        }
    }

    /// Whom a change that was noted may concern: the object, its owners, what it owns.
    pub(super) fn affected(&self, change: &Change) -> Vec<Place> {
        let mut affected = Vec::new();
        let object = change.new.as_ref().or(change.old.as_ref());
        let waits = change.new.as_ref().is_some_and(|new| new.terminating());
        if let Some(new) = change.new.as_ref().filter(|new| waits || !owners(new).is_empty()) {
            affected.push(Place::of(&change.collection, new));
        }
        if let Some(object) = object.filter(|_| waits || change.new.is_none()) {
            affected.extend(self.dependents(object.uid()).cloned());
        }
        for side in change.old.iter().chain(&change.new) {
            affected.extend(owners(side).iter().filter_map(|owner| self.places.get(text(&owner["uid"]))).cloned());
        }
        affected
    }

    fn dependents(&self, uid: &str) -> impl Iterator<Item = &Place> {
        self.dependents.get(uid).into_iter().flatten()
    }
}

/// What an owner is to what it owns.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// It is there.
    Solid,
    /// It waits for what it owns to go.
    Waiting,
    /// It is not there.
    Absent,
}

/// Deletes an object whose owners are gone, or finishes the deletion of one that waited for what it owns.
pub(super) fn reconcile(server: &ApiServer, graph: &Graph, place: &Place) -> Result<(), Status> {
    let Some(object) = place.read(server) else { return Ok(()) };
    let loopback = &super::acting(server, "generic-garbage-collector");
    if object.terminating() {
        return finish(server, loopback, graph, &object);
    }
    let references = owners(&object);
    let found: Option<Vec<Owner>> = references.iter().map(|reference| look_up(server, &object, reference)).collect();
    let Some(found) = found.filter(|found| !found.is_empty()) else { return Ok(()) };
    if found.iter().all(|owner| *owner == Owner::Solid) {
        return Ok(());
    }
    if found.contains(&Owner::Solid) {
        let kept = references.iter().zip(&found).filter(|(_, owner)| **owner == Owner::Solid);
        let kept: Vec<&Value> = kept.map(|(reference, _)| reference).collect();
        return patch(loopback, &object, json!({"ownerReferences": kept}));
    }
    let owns = graph.dependents(object.uid()).next().is_some();
    let policy = match () {
        () if found.contains(&Owner::Waiting) && owns => "Foreground",
        () if has_finalizer(&object, ORPHAN) => "Orphan",
        () if has_finalizer(&object, FOREGROUND) => "Foreground",
        () => "Background",
    };
    delete(loopback, &object, policy)
}

fn finish(server: &ApiServer, loopback: &Loopback, graph: &Graph, object: &Object) -> Result<(), Status> {
    let dependents = graph.dependents(object.uid()).filter_map(|place| place.read(server));
    if has_finalizer(object, ORPHAN) {
        for dependent in dependents {
            let others = owners(&dependent).iter().filter(|owner| text(&owner["uid"]) != object.uid());
            let others: Vec<&Value> = others.collect();
            patch(loopback, &dependent, json!({"ownerReferences": others}))?;
        }
        return drop_finalizer(loopback, object, ORPHAN);
    }
    let blocks = |owner: &Value| text(&owner["uid"]) == object.uid() && owner["blockOwnerDeletion"] == true;
    let blocked = dependents.into_iter().any(|dependent| owners(&dependent).iter().any(blocks));
    if has_finalizer(object, FOREGROUND) && !blocked {
        return drop_finalizer(loopback, object, FOREGROUND);
    }
    Ok(())
}

/// What has become of an owner. None when that cannot be told: its kind is not served, or it has a namespace where the
/// object has none; such an object is left alone.
fn look_up(server: &ApiServer, object: &Object, reference: &Value) -> Option<Owner> {
    let state = server.state();
    let served = state.registry.find_kind(text(&reference["apiVersion"]), text(&reference["kind"]))?;
    let namespace = if served.namespaced { object.namespace() } else { "" };
    if served.namespaced && namespace.is_empty() {
        return None;
    }
    let owner = state.store.get(served.collection(), namespace, text(&reference["name"]));
    Some(match owner.filter(|owner| owner.uid() == text(&reference["uid"])) {
        None => Owner::Absent,
        Some(owner) if owner.terminating() && has_finalizer(owner, FOREGROUND) => Owner::Waiting,
        Some(_) => Owner::Solid,
    })
}

/// Deletes an object as it was seen.
pub(super) fn delete(loopback: &Loopback, object: &Object, propagation: &str) -> Result<(), Status> {
    let (api_version, kind) = (text(&object.value()["apiVersion"]), text(&object.value()["kind"]));
    let options = json!({"propagationPolicy": propagation, "preconditions": {"uid": object.uid()}});
    loopback.delete(api_version, kind, object.namespace(), object.name(), options)
}

/// Takes a finalizer off an object as it was seen.
pub(super) fn drop_finalizer(loopback: &Loopback, object: &Object, finalizer: &str) -> Result<(), Status> {
    let finalizers = object.value()["metadata"]["finalizers"].as_array().into_iter().flatten();
    let kept: Vec<&Value> = finalizers.filter(|name| *name != finalizer).collect();
    patch(loopback, object, json!({"finalizers": kept}))
}

/// Changes the metadata of an object as it was seen.
fn patch(loopback: &Loopback, object: &Object, mut metadata: Value) -> Result<(), Status> {
    metadata["uid"] = json!(object.uid());
    metadata["resourceVersion"] = json!(object.resource_version().to_string());
    let (api_version, kind) = (text(&object.value()["apiVersion"]), text(&object.value()["kind"]));
    let (namespace, name) = (object.namespace(), object.name());
    loopback.merge(api_version, kind, namespace, name, "", json!({"metadata": metadata})).map(drop::<Arc<Object>>)
}

pub(super) fn has_finalizer(object: &Object, finalizer: &str) -> bool {
    let finalizers = object.value()["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|finalizers| finalizers.iter().any(|name| name == finalizer))
}

fn owners(object: &Object) -> &[Value] {
    object.value()["metadata"]["ownerReferences"].as_array().map_or(&[], Vec::as_slice)
}
