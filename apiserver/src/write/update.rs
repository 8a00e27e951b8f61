//! PUT, and what every change of an existing object goes through (apiserver, registry/generic/registry, `Update`).

use std::sync::Arc;

use serde_json::Value;
use thalweg_merge::managed;

use super::create;
use super::options::Options;
use super::{Write, namespace, remove, store};
use crate::answer::Answer;
use crate::auth;
use crate::kinds;
use crate::metadata;
use crate::names::quoted;
use crate::object::Object;
use crate::registry::Served;
use crate::request::{Call, Verb};
use crate::shape;
use crate::state::State;
use crate::status::{Cause, Status};

const MODIFIED: &str = "the object has been modified; please apply your changes to the latest version and try again";

pub(super) fn update(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let mut write = Write::new(call, Options::read(call, "UpdateOptions", None)?);
    let written = replace(state, &mut write);
    write.answered(written)
}

fn replace(state: &mut State, write: &mut Write<'_>) -> Result<(u16, Arc<Object>), Status> {
    let call = write.call;
    let mut object = write.body(state)?;
    write.settle_namespace(&mut object)?;
    write.check_name(&object)?;
    write.drop_duplicate_owners(&mut object);
    let uid = object["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty()).map(str::to_owned);
    let may_create =
        !call.served.is_custom() && call.subresource.is_empty() && kinds::rules(&call.served).create_on_update;
    change(state, write, may_create, uid, |state, write, live| {
        write.writer(state).updated(live, &mut object);
        Ok(object)
    })
}

/// Replaces an object by what `make` makes of it, or creates it. `uid` is that of the object that is meant. The HTTP status code
/// of the answer tells whether it was created.
pub(super) fn change<'a>(
    state: &mut State,
    write: &mut Write<'a>,
    may_create: bool,
    uid: Option<String>,
    make: impl FnOnce(&State, &mut Write<'a>, Option<&Value>) -> Result<Value, Status>,
) -> Result<(u16, Arc<Object>), Status> {
    let call = write.call;
    let served = &call.served;
    let existing = state.store.get(served.collection(), &call.namespace, &call.name).cloned();
    if existing.is_none() && !may_create {
        return Err(Status::not_found(served, &call.name));
    }
    if let Some(uid) = &uid {
        check_uid(call, existing.as_deref(), uid)?;
    }
    let live = existing.as_ref().map(|object| state.in_version(object, served));
    let mut new = make(state, write, live.as_ref())?;
    let Some((existing, live)) = existing.zip(live) else {
        namespace::check(state, call, &call.name)?;
        auth::authorize(state, &call.user, &call.attributes_as("create"))?;
        return Ok((201, create::insert(state, write, new)?));
    };
    check_version(served, call, &existing, &mut new)?;
    write.settle_namespace(&mut new)?;
    metadata::keep_system_fields(&live, &mut new);
    shape::prepare(state, served, &call.subresource, Some(&live), &mut new)?;
    let wanted = call.subresource != "status" && shape::has_generation(served);
    if wanted && shape::wants_otherwise(served, &live, &new) {
        let generation = live["metadata"]["generation"].as_i64().unwrap_or(0);
        new["metadata"]["generation"] = (generation + 1).into();
    }
    // Every update is checked so, and by the rules of its kind once more, or twice.
    let mut causes = metadata::validate_update(&live, &new);
    let again = metadata::validate_update(&live, &new);
    match kinds::rules(served).revalidates.as_str() {
        "before" if call.subresource.is_empty() => {
            causes.extend(metadata::validate(served, &new));
            causes.extend(again);
        }
        "after" if call.subresource.is_empty() => {
            causes.extend(again);
            causes.extend(metadata::validate(served, &new));
        }
        _ => causes.extend(again),
    }
    causes.extend(shape::validate(state, served, &call.subresource, Some(&live), &new, &mut write.warnings));
    if !causes.is_empty() {
        return Err(Status::invalid(&served.group, &served.kind, &call.name, causes));
    }
    auth::escalates(state, &call.user, Verb::Update, served, &new)?;
    managed::keep_times(&live, &mut new);
    if goes(served, &live, &new) {
        if !write.options.dry_run {
            remove(state, served, existing.namespace(), existing.name());
        }
        return Ok((200, Arc::new(Object::new(new))));
    }
    if new == live {
        return Ok((200, existing));
    }
    if write.options.dry_run {
        return Ok((200, Arc::new(Object::new(new))));
    }
    Ok((200, store(state, served, new)))
}

/// Whether an object goes with this change: its deletion has begun, and its last finalizer is taken away.
fn goes(served: &Served, old: &Value, new: &Value) -> bool {
    let empty = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
    let waits = old["metadata"]["deletionGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds > 0);
    let namespace = namespace::is_namespace(served) && !empty(&new["spec"]["finalizers"]);
    !old["metadata"]["deletionTimestamp"].is_null() && empty(&new["metadata"]["finalizers"]) && !waits && !namespace
}

fn check_uid(call: &Call, existing: Option<&Object>, uid: &str) -> Result<(), Status> {
    let have = existing.map_or("", Object::uid);
    if uid == have {
        return Ok(());
    }
    let served = &call.served;
    let group = if served.group.is_empty() { String::new() } else { format!("{}/", served.group) };
    let group = if served.is_custom() { group } else { String::new() };
    let namespace = if call.namespace.is_empty() { String::new() } else { format!("{}/", call.namespace) };
    let key = format!("/registry/{group}{}/{namespace}{}", served.plural, call.name);
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {have}"
    );
    Err(Status::conflict(served, &call.name, &why))
}

/// Whether the change comes from the newest version, if it says from which.
fn check_version(served: &Served, call: &Call, existing: &Object, new: &mut Value) -> Result<(), Status> {
    let given = new["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let version = match given {
        "" => 0,
        text => text.parse::<u64>().map_err(|_| {
            Status::new(500, "", format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(text)))
        })?,
    };
    let conditional = served.is_custom() || kinds::rules(served).conditional;
    if version == 0 && conditional {
        let cause = Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
        return Err(Status::invalid(&served.group, &served.plural, &call.name, vec![cause]));
    }
    if version != 0 && version != existing.resource_version() {
        return Err(Status::conflict(served, &call.name, MODIFIED));
    }
    new["metadata"]["resourceVersion"] = existing.resource_version().to_string().into();
    Ok(())
}
