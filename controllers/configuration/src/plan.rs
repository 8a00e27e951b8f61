//! What to do about the difference between what a FluxConfiguration asks for and what it made. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};
use thalweg_crds::kustomize::KUSTOMIZATION;
use thalweg_crds::managers;
use thalweg_crds::source::GIT_REPOSITORY;
use thalweg_manifest::{Object, ObjectId, managed_fields};

use crate::observe::{Child, Observed};
use crate::problem::Problem;

/// One request. Prints as what it does to which object: the object may be a Secret.
pub(crate) enum Step {
    /// Make an object that does not exist; refused by the API server when it does.
    Create(Object),
    /// Make the object of this UID as asked; refused by the API server when it is another one.
    Apply { object: Object, uid: String },
    /// Delete the object of this UID.
    Delete { id: ObjectId, uid: String },
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(object) => write!(formatter, "create {}", object.id().subject()),
            Self::Apply { object, uid: _ } => write!(formatter, "apply {}", object.id().subject()),
            Self::Delete { id, uid: _ } => write!(formatter, "delete {}", id.subject()),
        }
    }
}

/// What to do, in this order, and whose end is awaited before more can be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) waits_for: BTreeSet<ObjectId>,
}

impl Plan {
    fn delete(&mut self, id: &ObjectId, child: &Child) {
        if !child.deleting {
            self.steps.push(Step::Delete { id: id.clone(), uid: child.uid.clone() });
        }
        self.waits_for.insert(id.clone());
    }
}

/// Makes what is missing, applies what differs, and deletes what is no longer asked for.
pub(crate) fn plan(desired: Vec<Object>, observed: &Observed) -> Result<Plan, Problem> {
    let mut plan = Plan::default();
    let mut wanted = BTreeSet::new();
    for object in desired {
        let id = object.id();
        wanted.insert(id.clone());
        match observed.children.get(&id) {
            None if observed.taken.contains(&id) => return Err(Problem::NameTaken(id)),
            None => plan.steps.push(Step::Create(object)),
            Some(child) if child.deleting => {
                plan.waits_for.insert(id);
            }
            Some(child) if is_in_sync(&object, &child.content) => {}
            Some(child) => plan.steps.push(Step::Apply { object, uid: child.uid.clone() }),
        }
    }
    let left = |id: &ObjectId| !wanted.contains(id);
    delete_kustomizations(&mut plan, observed, left);
    for (id, child) in observed.children.iter().filter(|(id, _)| left(id) && id.kind != KUSTOMIZATION) {
        plan.delete(id, child);
    }
    Ok(plan)
}

/// Deletes all that a FluxConfiguration made: the Kustomizations, then the source, then the rest. An empty plan: all is gone.
pub(crate) fn plan_deletion(observed: &Observed) -> Plan {
    let mut plan = Plan::default();
    delete_kustomizations(&mut plan, observed, |_| true);
    for is_next in [|id: &ObjectId| id.kind == GIT_REPOSITORY, |_: &ObjectId| true] {
        if !plan.waits_for.is_empty() {
            break;
        }
        for (id, child) in observed.children.iter().filter(|(id, _)| is_next(id)) {
            plan.delete(id, child);
        }
    }
    plan
}

/// Deletes, of the chosen Kustomizations, those on which no other chosen one depends; the others come when these are gone.
fn delete_kustomizations(plan: &mut Plan, observed: &Observed, is_chosen: impl Fn(&ObjectId) -> bool) {
    let chosen = || observed.children.iter().filter(|(id, _)| id.kind == KUSTOMIZATION && is_chosen(id));
    let needed: BTreeSet<&str> =
        chosen().flat_map(|(id, child)| dependencies(child).filter(|name| *name != id.name)).collect();
    let free: Vec<_> = chosen().filter(|(id, _)| !needed.contains(id.name.as_str())).collect();
    if free.is_empty() {
        // Nothing, or people made a cycle of them.
        chosen().for_each(|(id, child)| plan.delete(id, child));
    }
    for (id, child) in free {
        plan.delete(id, child);
    }
}

/// The names of the Kustomizations of its namespace that a Kustomization depends on.
fn dependencies(child: &Child) -> impl Iterator<Item = &str> {
    let dependencies = child.content.get("spec").and_then(|spec| spec.get("dependsOn")).and_then(Value::as_array);
    dependencies.into_iter().flatten().filter_map(|dependency| dependency.get("name")?.as_str())
}

/// Whether applying `desired` would change nothing: every value is there, and we own no field that is no longer asked for.
fn is_in_sync(desired: &Object, live: &Map<String, Value>) -> bool {
    let entries = live.get("metadata").and_then(|metadata| metadata.get("managedFields")).and_then(Value::as_array);
    let entry = managed_fields::apply_entry(entries.map_or(&[], Vec::as_slice), managers::CONFIGURATION);
    holds(live, desired.content()) && entry.is_none_or(|entry| asks_for(desired.content(), entry.fields))
}

fn holds(live: &Map<String, Value>, desired: &Map<String, Value>) -> bool {
    desired.iter().all(|(name, value)| match (live.get(name), value) {
        (Some(Value::Object(live)), Value::Object(desired)) => holds(live, desired),
        (live, desired) => live == Some(desired),
    })
}

/// Whether `desired` has every field of `fields`, which is in `fieldsV1` form. Items of lists are not looked at: the lists of
/// our objects are owned as a whole.
fn asks_for(desired: &Map<String, Value>, fields: &Map<String, Value>) -> bool {
    fields.iter().all(|(selector, below)| match (selector.strip_prefix("f:"), below.as_object()) {
        (None, _) | (_, None) => true,
        (Some(name), Some(below)) => match desired.get(name) {
            None => false,
            Some(Value::Object(desired)) => asks_for(desired, below),
            Some(_) => true,
        },
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
