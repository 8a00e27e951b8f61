//! POST: a new object.

use std::sync::Arc;

use rand::RngExt;
use serde_json::Value;

use super::options::Options;
use super::{Write, namespace, store};
use crate::answer::{Answer, Reply};
use crate::auth;
use crate::metadata;
use crate::object::Object;
use crate::request::Call;
use crate::shape;
use crate::state::State;
use crate::status::Status;

/// What a generated name ends with is drawn from these: no vowels, no words.
const NAME_CHARACTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const NAME_CHARACTERS_DRAWN: usize = 5;
/// Bytes of a generated name before what is drawn, at most.
const NAME_PREFIX_BYTES_MAX: usize = 63 - NAME_CHARACTERS_DRAWN;
/// How often another name is drawn when there is such an object already.
const NAME_ATTEMPTS_MAX: usize = 8;

pub(super) fn create(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let mut write = Write::new(call, Options::read(call, "CreateOptions", None)?);
    let mut object = write.body(state)?;
    if call.served.verbs == ["create"] {
        write.settle_namespace(&mut object)?;
        let reviewed = auth::review(state, call, object)?;
        return Ok(Answer { reply: Reply::Value(201, reviewed), warnings: write.warnings });
    }
    metadata::forget_system_fields(&mut object);
    write.settle_namespace(&mut object)?;
    namespace::check(state, call, object["metadata"]["name"].as_str().unwrap_or_default())?;
    write.drop_duplicate_owners(&mut object);
    write.writer(state).updated(None, &mut object);
    if object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !matches!(version, "" | "0")) {
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let created = insert(state, &mut write, object);
    write.answered(created.map(|object| (201, object)))
}

/// Puts an object that does not exist yet in its place, under a name that is drawn if it asks for one.
pub(super) fn insert(state: &mut State, write: &mut Write<'_>, mut object: Value) -> Result<Arc<Object>, Status> {
    let text = |object: &Value, key: &str| object["metadata"][key].as_str().unwrap_or_default().to_owned();
    let (prefix, given) = (text(&object, "generateName"), text(&object, "name"));
    if prefix.is_empty() || !given.is_empty() {
        return insert_named(state, write, object);
    }
    for attempt in 1.. {
        object["metadata"]["name"] = draw(state, &prefix).into();
        match insert_named(state, write, object.clone()) {
            Err(status) if status.reason == "AlreadyExists" && attempt < NAME_ATTEMPTS_MAX => {}
            other => return other,
        }
    }
    unreachable!("the loop returns at its last attempt")
}

fn draw(state: &mut State, prefix: &str) -> String {
    let mut cut = prefix.len().min(NAME_PREFIX_BYTES_MAX);
    while !prefix.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut name = prefix[..cut].to_owned();
    for _ in 0..NAME_CHARACTERS_DRAWN {
        name.push(char::from(NAME_CHARACTERS[state.random.random_range(0..NAME_CHARACTERS.len())]));
    }
    name
}

fn insert_named(state: &mut State, write: &mut Write<'_>, mut object: Value) -> Result<Arc<Object>, Status> {
    let call = write.call;
    let served = &call.served;
    object["metadata"]["uid"] = state.uid().into();
    object["metadata"]["creationTimestamp"] = state.timestamp().into();
    shape::prepare(state, served, "", None, &mut object)?;
    if shape::has_generation(served) {
        object["metadata"]["generation"] = 1.into();
    }
    shape::put(&mut object["metadata"], "resourceVersion", None);
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut causes = metadata::validate(served, &object);
    causes.extend(shape::validate(state, served, "", None, &object, &mut write.warnings));
    if !causes.is_empty() {
        return Err(Status::invalid(&served.group, &served.kind, &name, causes));
    }
    auth::escalates(state, &call.user, call.verb, served, &object)?;
    if let Some(existing) = state.store.get(served.collection(), &call.namespace, &name) {
        let mut status = Status::already_exists(served, &name);
        if existing.terminating() {
            status.message = format!("object is being deleted: {}", status.message);
        }
        return Err(status);
    }
    if write.options.dry_run {
        return Ok(Arc::new(Object::new(object)));
    }
    Ok(store(state, served, object))
}
