//! Server-side apply, and who set which field: what kube-apiserver 1.36 does with `metadata.managedFields`.
//!
//! [`apply`] merges a configuration into an object, and fails when another manager has set a field to another value;
//! [`update`] records what any other write changed; [`keep_times`] makes a write that changes nothing equal to what is stored.
//! All work on whole objects as JSON, in the version of the request.

mod combine;
mod compare;
mod conflict;
mod entries;
mod field_set;
mod migrate;
mod owned;
mod path;
mod shape;
mod validate;
mod values;
mod write;

use jiff::Timestamp;
use serde_json::Value;
use thalweg_schema::Schema;

pub use conflict::{ApplyError, Cause, Conflicts};
pub use field_set::FieldSet;
pub use path::{PathElement, Scalar, Unreadable};

/// Bytes of a manager's name, at most.
const MANAGER_BYTES_MAX: usize = 128;

/// The versions in which one kind is served.
///
/// A closure `Fn(&str) -> Option<Schema>` is one, for kinds whose versions differ in `apiVersion` alone.
pub trait Versions {
    /// The shape of an object in the version `group/version` (`v1` in the core group); `None` when it is not served, and what
    /// managers own in that version is forgotten.
    ///
    /// The shape of a custom resource includes apiVersion, kind and metadata.
    fn schema(&self, api_version: &str) -> Option<Schema>;

    /// The object in another version.
    fn convert(&self, object: &Value, api_version: &str) -> Value {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            fields.insert("apiVersion".to_string(), api_version.into());
        }
        object
    }
}

impl<F: Fn(&str) -> Option<Schema>> Versions for F {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        self(api_version)
    }
}

/// Who writes, and what the server knows of the kind.
#[derive(Clone, Copy)]
pub struct Writing<'a> {
    /// The versions of the kind.
    pub versions: &'a dyn Versions,
    /// The version of the request, such as `apps/v1`, in which all objects are given and answered.
    pub api_version: &'a str,
    /// The kind, such as `Deployment`.
    pub kind: &'a str,
    /// The subresource that is written to, such as `status`; empty for the object itself.
    pub subresource: &'a str,
    /// Who writes: the parameter `fieldManager`, or what [`default_manager`] makes of the User-Agent.
    pub manager: &'a str,
    /// Fields that this request cannot change, and nobody comes to own by it: `status` at a custom resource with that
    /// subresource, `metadata` and `spec` at its status.
    pub reset_fields: &'a FieldSet,
    /// The time of a new entry; fractions of a second are left out.
    pub now: Timestamp,
}

/// The object after `config` is applied to `live`, with its managedFields, before defaults and the rules of the kind;
/// `live` itself (times included) when nothing changes. `live` is `None` when there is no such object yet.
///
/// `force` takes fields away from the managers that conflict.
///
/// # Errors
/// When managers conflict, or `config` does not fit the schema, or is of another version, or has managedFields.
pub fn apply(writing: &Writing<'_>, live: Option<&Value>, config: &Value, force: bool) -> Result<Value, ApplyError> {
    let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
    if (text("apiVersion"), text("kind")) != (writing.api_version, writing.kind) {
        let kind = write::printed_kind(text("apiVersion"), text("kind"));
        return Err(ApplyError::BadRequest(format!("invalid object type: {kind}")));
    }
    let stored = live.and_then(entries::of);
    let undecodable = || ApplyError::Unfit("failed to decode managed fields".to_string());
    let managers = entries::read(stored).ok_or_else(undecodable)?;
    let nothing = writing.nothing();
    let live = live.unwrap_or(&nothing);
    let (new, managers) = match writing.applied(managers, live, config, force) {
        Err(ApplyError::Conflicts(conflicts)) if writing.manager == migrate::KUBECTL => {
            migrate::settle(writing, live, conflicts)?;
            writing.applied(entries::read(stored).ok_or_else(undecodable)?, live, config, true)?
        }
        other => other?,
    };
    let mut new = new.unwrap_or_else(|| live.clone());
    if writing.manager == migrate::KUBECTL {
        migrate::keep_annotation(&mut new, config);
    }
    entries::put(&mut new, &managers);
    Ok(new)
}

/// Sets the managedFields of `new`: the object that a create, update or patch is about to store, after defaults and before the
/// rules of the kind. `live` is `None` when the object is created.
///
/// managedFields that `new` brings count, except at a subresource; an empty list, or one empty entry, forgets all managers.
/// Objects that nobody applied and that have no managedFields stay without.
pub fn update(writing: &Writing<'_>, live: Option<&Value>, new: &mut Value) {
    let brought = entries::take(new);
    let stored = || entries::read(live.and_then(entries::of)).unwrap_or_default();
    let managers = if !writing.subresource.is_empty() {
        stored()
    } else if entries::is_reset(brought.as_ref()) {
        Default::default()
    } else {
        entries::read(brought.as_ref()).filter(|managers| !managers.is_empty()).unwrap_or_else(stored)
    };
    let exists = live.is_some_and(|live| live.pointer("/metadata/uid").is_some());
    if managers.is_empty() && exists {
        return;
    }
    // Whoever cannot be told what changed knows nothing: an object is better stored without managedFields than not at all.
    let nothing = writing.nothing();
    if let Ok(managers) = writing.updated(managers, live.unwrap_or(&nothing), new, writing.manager) {
        entries::put(new, &managers);
    }
}

/// Puts the times of `live`'s managedFields back into `new` when nothing but these times differs: what is stored stays as it is.
/// Belongs after the rules of the kind, at every update, patch and apply of an object that exists.
pub fn keep_times(live: &Value, new: &mut Value) {
    let entries = |object| entries::of(object).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (old_entries, new_entries) = (entries(live), entries(new));
    let same = |(old, new): (&Value, &Value)| match (old.as_object(), new.as_object()) {
        (Some(old), Some(new)) => {
            let timeless =
                |entry: &'_ serde_json::Map<String, Value>| entry.len() - usize::from(entry.contains_key("time"));
            timeless(old) == timeless(new)
                && old.iter().all(|(name, value)| name == "time" || new.get(name) == Some(value))
        }
        _ => false,
    };
    if old_entries.len() == new_entries.len()
        && old_entries != new_entries
        && old_entries.iter().zip(new_entries).all(same)
        && values::equal_but_managed_fields(live, new)
        && let (Some(kept), Some(entries)) = (entries::of(live), new.pointer_mut("/metadata/managedFields"))
    {
        *entries = kept.clone();
    }
}

/// The manager's name when a request has no `fieldManager`: the User-Agent up to its first slash, printable characters, 128 bytes
/// at most.
pub fn default_manager(user_agent: &str) -> String {
    let product = user_agent.split('/').next().unwrap_or_default();
    let mut name = String::new();
    for character in
        product.chars().filter(|character| *character == ' ' || !(character.is_control() || character.is_whitespace()))
    {
        if name.len() + character.len_utf8() > MANAGER_BYTES_MAX {
            break;
        }
        name.push(character);
    }
    name
}
