//! What is particular to built-in kinds: defaults, allocations, rules of writing, validation.
//!
//! Nearly all of it is data: `tables/defaults.yaml`, `tables/rules.yaml`
//! and `tables/validation.yaml`. What is validated, and what is not, is listed in docs/api-server.md.

mod convert;
mod defaults;
pub(crate) mod events;
mod path;
mod pods;
mod prepare;
mod quantity;
mod rules;
mod services;
mod special;
mod validation;
mod warnings;

use serde_json::{Value, json};
use thalweg_merge::managed::FieldSet;
use thalweg_schema::{Resource, kubernetes, normalise, type_error, unknown_fields};

use crate::registry::Served;
use crate::state::State;
use crate::status::{Cause, Status};
pub(crate) use convert::convert;
use path::{Fields, put};
pub(crate) use rules::rules;
use validation::{Subject, Wrong};

/// The built-in kinds, the preferred version of each first.
pub(crate) fn resources() -> Vec<Resource> {
    kubernetes::resources().to_vec()
}

/// Where the objects of a built-in kind are kept: events of both groups lie in one place.
pub(crate) fn collection(resource: &Resource) -> (String, String) {
    let group = if resource.plural == "events" { "" } else { resource.group.as_str() };
    (group.to_owned(), resource.plural.clone())
}

/// What every answer about a built-in kind warns of.
pub(crate) fn deprecation(resource: &Resource) -> Option<&'static str> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "endpoints") => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        ("", "componentstatuses") => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

/// Reads what a client sent, or a patch made, as the server's types do: unknown fields, nulls and zeros go, amounts and times
/// become canonical, absent fields have their defaults. Tells of the fields that the kind does not have: `unknown field "spec.foo"`.
///
/// # Errors
/// What Go's decoder says of a value that has the wrong type.
pub(crate) fn read(resource: &Resource, object: &mut Value) -> Result<Vec<String>, String> {
    if let Some(error) = type_error(&resource.schema, object) {
        return Err(error);
    }
    let unknown = unknown_fields(&resource.schema, object, true);
    let empty = empty_lists(object);
    complete(resource, object);
    // A list that is given empty is a value, and has an owner, until it has been stored.
    for list in empty {
        if let Some(value @ Value::Null) = object.pointer_mut(&list) {
            *value = json!([]);
        }
    }
    Ok(unknown)
}

/// Where lists without items stand among the fields of an object.
fn empty_lists(object: &Value) -> Vec<String> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(_, value)| *value == &json!([])).map(|(name, _)| format!("/{name}")).collect()
}

/// Drops and adds zeros as Go's types do, and gives absent fields their defaults.
fn complete(resource: &Resource, object: &mut Value) {
    normalise(&resource.schema, object);
    let special = |object: &mut Value, of: fn(&str, &str, &mut Fields)| {
        if let Some(fields) = object.as_object_mut() {
            of(&resource.group, &resource.kind, fields);
        }
    };
    special(object, special::before_defaults);
    defaults::fill(&resource.schema, object);
    special(object, special::after_defaults);
    normalise(&resource.schema, object);
}

/// An object of this kind with nothing set, as its Go type is written.
pub(crate) fn empty(resource: &Resource) -> Value {
    let mut object = json!({"apiVersion": resource.api_version(), "kind": resource.kind});
    normalise(&resource.schema, &mut object);
    object
}

/// Fields that a request to this subresource (empty: to the object) cannot change: nobody comes to own them by it.
pub(crate) fn reset_fields(resource: &Resource, subresource: &str) -> FieldSet {
    let kept = rules(resource).kept(resource, subresource);
    let paths: Vec<Vec<&str>> = kept.iter().map(|path| path.split('.').collect()).collect();
    FieldSet::of_fields(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Fills in what the server decides, and takes back what this request may not write: the status on a write of the object, all
/// but the status on a write of the status. `old` is the stored object, or none for a creation.
///
/// # Errors
/// What is decided cannot be, such as an address that another Service has.
pub(crate) fn prepare(
    state: &mut State,
    served: &Served,
    subresource: &str,
    old: Option<&Value>,
    new: &mut Value,
) -> Result<(), Status> {
    let rules = rules(served);
    // Nodes register with their status.
    if old.is_some() || served.kind != "Node" {
        rules::restore(&rules.kept(served, subresource), old, new);
    }
    if let Some(object) = new.as_object_mut().filter(|_| subresource.is_empty()) {
        let mut finalizers = path::list(object, "metadata.finalizers").to_vec();
        let missing = rules.finalizers.iter().filter(|_| old.is_none()).map(|name| json!(name));
        let missing: Vec<Value> = missing.filter(|name| !finalizers.contains(name)).collect();
        if !missing.is_empty() {
            finalizers.extend(missing);
            put(object, "metadata.finalizers", finalizers);
        }
        prepare::decide(state, served, old.and_then(Value::as_object), object)?;
    }
    complete(served, new);
    Ok(())
}

/// What is wrong with an object, after `prepare`. Warnings are texts of `Warning` headers.
pub(crate) fn validate(
    _state: &State,
    served: &Served,
    subresource: &str,
    old: Option<&Value>,
    new: &Value,
    warnings: &mut Vec<String>,
) -> Vec<Cause> {
    let mut wrong = Wrong::default();
    let (old, new) = (old.and_then(Value::as_object), new.as_object());
    if let Some(new) = new {
        let subject =
            Subject { group: &served.group, kind: &served.kind, schema: &served.schema, rules: rules(served) };
        match (subresource, old) {
            ("", old) => {
                validation::validate(&subject, old, new, &mut wrong);
                if wrong.0.is_empty() {
                    warnings::warnings(served, old, new, warnings);
                }
            }
            (_, Some(_)) => validation::validate_status(&subject, new, &mut wrong),
            (_, None) => {}
        }
    }
    wrong.0
}
