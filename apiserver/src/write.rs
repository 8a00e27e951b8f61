//! Creating, changing and deleting objects.

mod collection;
mod create;
mod definition;
mod delete;
mod eviction;
mod namespace;
mod options;
mod patch;
mod scale;
mod update;

use std::sync::Arc;

use serde_json::Value;

pub(crate) use definition::settle as settle_definitions;
use options::{Options, Strictness};

use crate::answer::{Answer, Reply};
use crate::decode;
use crate::metadata;
use crate::names::quoted;
use crate::object::Object;
use crate::ownership::Writer;
use crate::registry::Served;
use crate::request::{Call, Verb};
use crate::shape;
use crate::state::State;
use crate::status::{Cause, Status};

/// Does what a call asks that writes.
pub(crate) fn perform(state: &mut State, call: &Call) -> Result<Answer, Status> {
    match (call.verb, call.subresource.as_str()) {
        (Verb::Create, "") => create::create(state, call),
        (Verb::Create, "eviction") => eviction::evict(state, call),
        (Verb::Update | Verb::Patch, "scale") => scale::write(state, call),
        (Verb::Update, "finalize") => update::update(state, call),
        (Verb::Update, _) => update::update(state, call),
        (Verb::Patch, _) => patch::patch(state, call),
        (Verb::Delete, "") => delete::delete(state, call),
        (Verb::DeleteCollection, "") => collection::delete(state, call),
        _ => Err(Status::method_not_allowed()),
    }
}

/// The scale of an object.
pub(crate) fn scale(served: &Served, object: &Object) -> Result<Value, Status> {
    scale::read(served, object.value())
}

/// A write that is under way.
#[derive(Debug)]
struct Write<'a> {
    call: &'a Call,
    options: Options,
    warnings: Vec<String>,
}

impl<'a> Write<'a> {
    fn new(call: &'a Call, options: Options) -> Self {
        Self { call, options, warnings: Vec::new() }
    }

    /// Who set which field is told by this.
    fn writer<'b>(&'b self, state: &'b State) -> Writer<'b> {
        Writer {
            registry: &state.registry,
            served: &self.call.served,
            subresource: &self.call.subresource,
            manager: &self.options.manager,
            now: state.now(),
        }
    }

    /// The object in the body.
    fn body(&mut self, state: &State) -> Result<Value, Status> {
        let served = &self.call.served;
        let decoded = decode::object(&self.call.payload, &served.kind)?;
        let mut object = decoded.value;
        let absent = |object: &Value, key: &str| object[key].as_str().is_none_or(str::is_empty);
        if served.is_custom() && absent(&object, "kind") {
            return Err(decode::without_kind(&object, &served.kind));
        }
        for (key, own) in [("apiVersion", served.api_version()), ("kind", served.kind.clone())] {
            if absent(&object, key) && !served.is_custom() {
                object[key] = own.into();
            }
        }
        self.check_kind(state, &object)?;
        let mut read = object.clone();
        let unknown = shape::read(served, &mut read).map_err(|why| self.unreadable(&object, &why))?;
        let errors = strict_errors(&decoded.duplicates, unknown);
        match self.options.strictness {
            Strictness::Strict if !errors.is_empty() => {
                return Err(self.unreadable(&object, &format!("strict decoding error: {}", errors.join(", "))));
            }
            Strictness::Warn => self.warnings.extend(errors),
            _ => {}
        }
        if !read["metadata"].is_object() {
            read["metadata"] = Value::Object(Default::default());
        }
        Ok(read)
    }

    fn unreadable(&self, object: &Value, why: &str) -> Status {
        let (api_version, kind) = type_of(object);
        let version = api_version.rsplit('/').next().unwrap_or_default();
        let own = &self.call.served.kind;
        Status::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {own}: {why}"))
    }

    /// Whether an object is of the kind and the version of the request.
    fn check_kind(&self, state: &State, object: &Value) -> Result<(), Status> {
        let served = &self.call.served;
        let (api_version, kind) = type_of(object);
        if (api_version, kind) == (&served.api_version(), &served.kind) {
            return Ok(());
        }
        let known = served.is_custom() || kind == served.kind && is_known(state, api_version, kind);
        if known && api_version != served.api_version() {
            let expected = served.api_version();
            return Err(Status::bad_request(format!(
                "the API version in the data ({api_version}) does not match the expected API version ({expected})"
            )));
        }
        if served.is_custom() {
            return Err(self.another_custom_kind(object));
        }
        Err(self.unreadable(object, &self.another_kind(state, object)))
    }

    /// Why an object of another built-in kind is refused.
    fn another_kind(&self, state: &State, object: &Value) -> String {
        let served = &self.call.served;
        let (api_version, kind) = type_of(object);
        if !is_known(state, api_version, kind) {
            return format!(
                "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"pkg/runtime/scheme.go:111\""
            );
        }
        let version = api_version.rsplit('/').next().unwrap_or_default();
        let group = if served.group.is_empty() { "core" } else { served.group.split('.').next().unwrap_or_default() };
        format!("converting ({version}.{kind}) to ({group}.{}): unknown conversion", served.kind)
    }

    fn another_custom_kind(&self, object: &Value) -> Status {
        let served = &self.call.served;
        let (api_version, kind) = type_of(object);
        let (given, own) = (api_version.to_owned(), served.api_version());
        let mut causes = Vec::new();
        for (field, given, own) in [("kind", kind, &served.kind), ("apiVersion", given.as_str(), &own)] {
            if given != own {
                causes.push(Cause::invalid(field, &quoted(given), &format!("must be {own}")));
            }
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        Status::invalid(&served.group, kind, name, causes)
    }

    /// Makes the namespace of an object that of the request.
    fn settle_namespace(&self, object: &mut Value) -> Result<(), Status> {
        let asked = &self.call.namespace;
        let given = object["metadata"]["namespace"].as_str().unwrap_or_default();
        if !given.is_empty() && !asked.is_empty() && given != asked {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Status::bad_request(message));
        }
        let namespace = (!asked.is_empty()).then(|| asked.as_str().into());
        shape::put(&mut object["metadata"], "namespace", namespace.as_ref());
        Ok(())
    }

    /// Whether an object is the one that the path names.
    fn check_name(&self, object: &Value) -> Result<(), Status> {
        let (given, name) = (object["metadata"]["name"].as_str().unwrap_or_default(), &self.call.name);
        if given == name {
            return Ok(());
        }
        if given.is_empty() {
            return Err(Status::bad_request(format!(
                "the name of the object ({name} based on URL) was undeterminable: name must be provided"
            )));
        }
        Err(Status::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )))
    }

    fn drop_duplicate_owners(&mut self, object: &mut Value) {
        let dropped = metadata::drop_duplicate_owners(object);
        if !dropped.is_empty() {
            self.warnings.push(format!(
                ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
                dropped.join(", ")
            ));
        }
    }

    /// The answer to what was written or refused; a refusal carries the warnings too.
    fn answered(self, written: Result<(u16, Arc<Object>), Status>) -> Result<Answer, Status> {
        match written {
            Ok((code, object)) => Ok(self.answer(code, object)),
            Err(status) => Err(Status { warnings: self.warnings, ..status }),
        }
    }

    fn answer(self, code: u16, object: Arc<Object>) -> Answer {
        Answer { reply: Reply::Object(code, self.call.served.clone(), object), warnings: self.warnings }
    }
}

/// The `apiVersion` and the `kind` of an object.
fn type_of(object: &Value) -> (&str, &str) {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    (text("apiVersion"), text("kind"))
}

/// As many errors as apimachinery's strict readers keep.
const STRICT_ERRORS_MAX: usize = 100;

/// What a strict reader says: of fields that were given twice, then of those that the kind does not have.
fn strict_errors(duplicates: &[String], unknown: Vec<String>) -> Vec<String> {
    let told = |path: &String| {
        let end = format!("\"{path}\"");
        unknown.iter().any(|error| error.ends_with(&end))
    };
    let duplicates = duplicates.iter().filter(|path| !told(path));
    let duplicates: Vec<String> = duplicates.map(|path| format!("duplicate field \"{path}\"")).collect();
    duplicates.into_iter().chain(unknown).take(STRICT_ERRORS_MAX).collect()
}

/// Whether there is such a kind, be it that of an object or of what stands around objects.
fn is_known(state: &State, api_version: &str, kind: &str) -> bool {
    (api_version, kind) == ("v1", "Status") || state.registry.find_kind(api_version, kind).is_some()
}

/// Stores an object, in the version in which its kind is kept, and does what follows from it.
fn store(state: &mut State, served: &Served, value: Value) -> Arc<Object> {
    let stored = state.registry.stored(served.collection()).unwrap_or_else(|| served.clone());
    let value = served.convert(&value, &stored);
    let object = state.store.put(served.collection(), value);
    definition::after_write(state, served, &object);
    state.announce(served.collection());
    object
}

/// Removes an object, and does what follows from it. The answer is the object as it was, at the resourceVersion of its removal.
fn remove(state: &mut State, served: &Served, namespace: &str, name: &str) -> Option<Arc<Object>> {
    let object = state.store.remove(served.collection(), namespace, name)?;
    definition::after_removal(state, served, &object);
    state.announce(served.collection());
    Some(object)
}
