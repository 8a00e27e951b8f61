//! The rules of a kind, wherever it comes from: one door for the write paths, behind it `kinds` and `definitions`.

use serde_json::{Value, json};
use thalweg_merge::managed::FieldSet;
use thalweg_schema::unknown_fields;

use crate::registry::Served;
use crate::state::State;
use crate::status::{Cause, Status};
use crate::{definitions, kinds};

/// The group of CustomResourceDefinitions.
const EXTENSIONS: &str = "apiextensions.k8s.io";

/// Whether the objects of this kind define kinds.
pub(crate) fn defines_kinds(served: &Served) -> bool {
    served.group == EXTENSIONS && served.plural == "customresourcedefinitions"
}

/// Reads an object as the kind's type: what it does not know goes, what is absent has its default. Returns what a strict reader
/// says of the fields that went: `unknown field "spec.foo"`.
///
/// # Errors
/// What Go's decoder says of a value that has the wrong type.
pub(crate) fn read(served: &Served, object: &mut Value) -> Result<Vec<String>, String> {
    // An empty list of managedFields takes those of a built-in kind away; of a custom one it is no list.
    let forgotten = object["metadata"]["managedFields"] == json!([]);
    let unknown = if served.is_custom() {
        let unknown = unknown_fields(&served.schema, object, true);
        definitions::read(served, object)?;
        unknown
    } else {
        kinds::read(served, object)?
    };
    if defines_kinds(served) {
        definitions::default(object);
    }
    if forgotten {
        let list = json!([]);
        put(&mut object["metadata"], "managedFields", Some(&list).filter(|_| !served.is_custom()));
    }
    Ok(unknown)
}

/// The same for an object that an apply has made.
///
/// # Errors
/// What Go's decoder says of a value that has the wrong type.
pub(crate) fn read_applied(served: &Served, object: &mut Value) -> Result<(), String> {
    if served.is_custom() {
        definitions::read_applied(served, object);
        return Ok(());
    }
    read(served, object).map(drop)
}

/// Fills in what the server decides and takes back what this request may not write. `old` is none for a creation.
pub(crate) fn prepare(
    state: &mut State,
    served: &Served,
    subresource: &str,
    old: Option<&Value>,
    new: &mut Value,
) -> Result<(), Status> {
    if served.is_custom() {
        prepare_custom(served, subresource, old, new);
        return Ok(());
    }
    if subresource == "finalize"
        && let Some(old) = old
    {
        keep_all_but(old, new, "spec");
    }
    kinds::prepare(state, served, subresource, old, new)?;
    if defines_kinds(served) && subresource.is_empty() {
        definitions::begin(new);
        kinds::read(served, new).map_err(Status::bad_request)?;
    }
    Ok(())
}

/// The strategy of custom resources (apiextensions-apiserver, registry/customresource).
fn prepare_custom(served: &Served, subresource: &str, old: Option<&Value>, new: &mut Value) {
    let has_status = served.subresource("status").is_some();
    match (old, subresource) {
        (None, _) => {
            if has_status && let Some(new) = new.as_object_mut() {
                new.remove("status");
            }
        }
        (Some(old), "status") => keep_all_but(old, new, "status"),
        (Some(old), _) if has_status => put(new, "status", old.get("status")),
        (Some(_), _) => {}
    }
}

/// Takes back all but one field, and what the server itself keeps of a write.
fn keep_all_but(old: &Value, new: &mut Value, field: &str) {
    let mut kept = old.clone();
    put(&mut kept, field, new.get(field));
    for field in ["managedFields", "resourceVersion"] {
        let value = new["metadata"].get(field).cloned();
        put(&mut kept["metadata"], field, value.as_ref());
    }
    *new = kept;
}

/// What is wrong with an object, after `prepare`.
pub(crate) fn validate(
    state: &State,
    served: &Served,
    subresource: &str,
    old: Option<&Value>,
    new: &Value,
    warnings: &mut Vec<String>,
) -> Vec<Cause> {
    if served.is_custom() {
        return definitions::validate_object(served, subresource, old, new);
    }
    let mut causes = kinds::validate(state, served, subresource, old, new, warnings);
    if defines_kinds(served) {
        causes.extend(definitions::validate(old, new));
    }
    causes
}

/// Whether an object has a generation, which counts the changes of what is wanted.
pub(crate) fn has_generation(served: &Served) -> bool {
    served.is_custom() || kinds::rules(served).generation.is_some()
}

/// Whether an update changes what is wanted: of custom resources anything but metadata and, where it is written apart, the status.
pub(crate) fn wants_otherwise(served: &Served, old: &Value, new: &Value) -> bool {
    if !served.is_custom() {
        let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return false };
        return kinds::rules(served).generation_grows(old, new);
    }
    let apart = served.subresource("status").is_some();
    let spec = |value: &Value| {
        let fields = value.as_object().into_iter().flatten();
        let skip = |key: &str| matches!(key, "metadata" | "apiVersion" | "kind") || apart && key == "status";
        fields.filter(|(key, _)| !skip(key)).map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>()
    };
    spec(old) != spec(new)
}

/// Fields that a request to this subresource cannot change: nobody comes to own them by it.
pub(crate) fn reset_fields(served: &Served, subresource: &str) -> FieldSet {
    if !served.is_custom() {
        return kinds::reset_fields(served, subresource);
    }
    match subresource {
        "status" => FieldSet::of_fields(&[&["spec"], &["metadata"]]),
        _ if served.subresource("status").is_some() => FieldSet::of_fields(&[&["status"]]),
        _ => FieldSet::default(),
    }
}

/// An object of this kind with nothing set, as its type is written.
pub(crate) fn empty(served: &Served) -> Value {
    if served.is_custom() {
        return json!({"apiVersion": served.api_version(), "kind": served.kind});
    }
    kinds::empty(served)
}

/// Sets a field, or takes it away.
pub(crate) fn put(object: &mut Value, key: &str, value: Option<&Value>) {
    if !object.is_object() {
        *object = json!({});
    }
    let fields = object.as_object_mut().expect("made one above");
    match value {
        Some(value) => {
            fields.insert(key.to_owned(), value.clone());
        }
        None => {
            fields.remove(key);
        }
    }
}
