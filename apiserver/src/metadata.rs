//! The rules of `metadata`, the same for every kind (apimachinery, api/validation/objectmeta.go).

use serde_json::{Value, json};

use crate::names::{self, NameRule, quoted};
use crate::registry::Served;
use crate::status::Cause;

/// Bytes of all annotations of an object together, at most.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
/// What the server sets: a client that creates an object cannot.
const SYSTEM_FIELDS: [&str; 5] =
    ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

/// Kinds whose names follow another rule than that of DNS subdomains.
const NAME_RULES: [(&str, NameRule); 6] = [
    ("namespaces", NameRule::Label),
    ("services", NameRule::Label),
    ("roles", NameRule::PathSegment),
    ("rolebindings", NameRule::PathSegment),
    ("clusterroles", NameRule::PathSegment),
    ("clusterrolebindings", NameRule::PathSegment),
];

/// Takes away what only the server sets.
pub(crate) fn forget_system_fields(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in SYSTEM_FIELDS {
            metadata.remove(field);
        }
    }
}

/// Drops owner references that are given twice; returns their uids.
pub(crate) fn drop_duplicate_owners(object: &mut Value) -> Vec<String> {
    let Some(owners) = object.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let (mut kept, mut dropped) = (Vec::<Value>::new(), Vec::new());
    for owner in owners.drain(..) {
        if kept.contains(&owner) {
            dropped.push(owner["uid"].as_str().unwrap_or_default().to_owned());
        } else {
            kept.push(owner);
        }
    }
    *owners = kept;
    dropped
}

/// What is wrong with the metadata of an object.
pub(crate) fn validate(served: &Served, object: &Value) -> Vec<Cause> {
    let metadata = &object["metadata"];
    let mut causes = Vec::new();
    let name = metadata["name"].as_str().unwrap_or_default();
    let rule = NAME_RULES.iter().find(|(plural, _)| *plural == served.plural).map(|(_, rule)| *rule);
    let rule = rule.filter(|_| !served.is_custom()).unwrap_or(NameRule::Subdomain);
    let prefix = metadata["generateName"].as_str().unwrap_or_default();
    if !prefix.is_empty() {
        // What is generated ends with letters: a dash before them is none at the end.
        let masked = prefix.strip_suffix('-').filter(|rest| !rest.is_empty()).map(|rest| format!("{rest}a"));
        let problems = names::problems(rule, masked.as_deref().unwrap_or(prefix));
        causes.extend(problems.iter().map(|why| Cause::invalid("metadata.generateName", &quoted(prefix), why)));
    }
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        causes.extend(
            names::problems(rule, name).into_iter().map(|why| Cause::invalid("metadata.name", &quoted(name), &why)),
        );
    }
    if metadata["generation"].as_i64().is_some_and(|generation| generation < 0) {
        let value = metadata["generation"].to_string();
        causes.push(Cause::invalid("metadata.generation", &value, "must be greater than or equal to 0"));
    }
    described(metadata, &mut causes);
    finalizers(&metadata["finalizers"], &mut causes);
    causes
}

/// What is wrong with the change from `old` to `new`.
pub(crate) fn validate_update(old: &Value, new: &Value) -> Vec<Cause> {
    let (old, new) = (&old["metadata"], &new["metadata"]);
    let mut causes = Vec::new();
    if !old["deletionTimestamp"].is_null() {
        let before = texts(&old["finalizers"]);
        let mut added: Vec<&str> = texts(&new["finalizers"]);
        added.retain(|finalizer| !before.contains(finalizer));
        added.sort_unstable();
        if !added.is_empty() {
            let added: Vec<String> = added.into_iter().map(quoted).collect();
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &why));
        }
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if old[field] != new[field] {
            let value = match &new[field] {
                Value::String(text) => quoted(text),
                other => other.to_string(),
            };
            causes.push(Cause::invalid(&format!("metadata.{field}"), &value, "field is immutable"));
        }
    }
    described(new, &mut causes);
    causes
}

/// Labels, annotations and owners.
fn described(metadata: &Value, causes: &mut Vec<Cause>) {
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        let field = "metadata.labels";
        causes.extend(names::label_key(key).iter().map(|why| Cause::invalid(field, &quoted(key), why)));
        let value = value.as_str().unwrap_or_default();
        causes.extend(names::label_value(value).iter().map(|why| Cause::invalid(field, &quoted(value), why)));
    }
    annotations(&metadata["annotations"], causes);
    owners(&metadata["ownerReferences"], causes);
}

/// Puts back what an update cannot change, or need not say.
pub(crate) fn keep_system_fields(old: &Value, new: &mut Value) {
    let old = &old["metadata"];
    let new = &mut new["metadata"];
    let mut keep = |field: &str, over: bool| {
        if !old[field].is_null() && (over || new[field].is_null() || new[field] == "") {
            new[field] = old[field].clone();
        }
    };
    keep("uid", false);
    keep("creationTimestamp", true);
    keep("deletionTimestamp", true);
    keep("deletionGracePeriodSeconds", false);
    keep("generation", true);
    let fields = new.as_object_mut().expect("metadata is an object");
    fields.remove("selfLink");
    if old["generation"].is_null() {
        fields.remove("generation");
    }
}

fn annotations(annotations: &Value, causes: &mut Vec<Cause>) {
    let mut bytes = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        bytes += key.len() + value.as_str().map_or(0, str::len);
        let problems = names::label_key(&key.to_lowercase());
        causes.extend(problems.iter().map(|why| Cause::invalid("metadata.annotations", &quoted(key), why)));
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        let message = format!("Too long: may not be more than {ANNOTATIONS_BYTES_MAX} bytes");
        causes.push(Cause::new("FieldValueTooLong", "metadata.annotations", message));
    }
}

fn owners(owners: &Value, causes: &mut Vec<Cause>) {
    let mut controller: Option<String> = None;
    for owner in owners.as_array().into_iter().flatten() {
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        let empty = [("apiVersion", "version must not be empty"), ("kind", "must not be empty")];
        let empty = empty.into_iter().chain([("name", "must not be empty"), ("uid", "must not be empty")]);
        for (key, why) in empty.filter(|(key, _)| text(key).is_empty()) {
            causes.push(Cause::invalid(&format!("metadata.ownerReferences.{key}"), "\"\"", why));
        }
        if (text("apiVersion"), text("kind")) == ("v1", "Event") {
            let why = "/v1, Kind=Event is disallowed from being an owner";
            causes.push(Cause::invalid("metadata.ownerReferences", &owner.to_string(), why));
        }
        if owner["controller"] == json!(true) {
            let this = format!("{}/{}", text("kind"), text("name"));
            if let Some(first) = &controller {
                let why = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                );
                causes.push(Cause::invalid("metadata.ownerReferences", &owners.to_string(), &why));
            } else {
                controller = Some(this);
            }
        }
    }
}

fn finalizers(finalizers: &Value, causes: &mut Vec<Cause>) {
    let field = "metadata.finalizers";
    let names = texts(finalizers);
    for name in &names {
        causes.extend(names::label_key(name).iter().map(|why| Cause::invalid(field, &quoted(name), why)));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        let why = "finalizer orphan and foregroundDeletion cannot be both set";
        causes.push(Cause::invalid(field, &finalizers.to_string(), why));
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
