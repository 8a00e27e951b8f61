//! DELETE: an object goes at once, or is marked and goes when its finalizers are gone (apiserver, registry/generic/registry).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{definition, namespace, options, remove, store};
use crate::answer::{Answer, Reply};
use crate::decode;
use crate::names::quoted;
use crate::object::Object;
use crate::registry::Served;
use crate::request::{Call, Payload};
use crate::shape;
use crate::state::State;
use crate::status::{Cause, Details, Status};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Kinds whose deletion answers with the object instead of a `Status`.
const ANSWER_WITH_OBJECT: [&str; 18] = [
    "csidrivers",
    "csinodes",
    "deviceclasses",
    "devicetaintrules",
    "namespaces",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "podtemplates",
    "resourceclaims",
    "resourceclaimtemplates",
    "resourcequotas",
    "resourceslices",
    "serviceaccounts",
    "services",
    "storageclasses",
    "volumeattachments",
    "volumeattributesclasses",
];
/// Kinds that the garbage collector does not look at.
const WITHOUT_GARBAGE_COLLECTION: [&str; 1] = ["events"];

/// How something is to be deleted: DeleteOptions.
#[derive(Clone, Debug, Default)]
pub(super) struct Deletion {
    grace_seconds: Option<i64>,
    uid: Option<String>,
    resource_version: Option<String>,
    policy: Option<String>,
    orphan: Option<bool>,
    pub(super) dry_run: bool,
}

/// What became of an object that was to be deleted.
#[derive(Debug)]
pub(super) enum Deleted {
    /// It is gone; this is how it was.
    Now(Arc<Object>),
    /// It is marked, and goes later.
    Later(Arc<Object>),
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let deletion = Deletion::read(call)?;
    let served = &call.served;
    let object = state.store.get(served.collection(), &call.namespace, &call.name).cloned();
    let object = object.ok_or_else(|| Status::not_found(served, &call.name))?;
    let code = |later: bool| if later && deletion.orphan == Some(false) { 202 } else { 200 };
    let reply = match delete_object(state, served, &object, deletion.clone())? {
        Deleted::Now(object) if !served.is_custom() && ANSWER_WITH_OBJECT.contains(&served.plural.as_str()) => {
            Reply::Object(code(false), served.clone(), object)
        }
        Deleted::Now(object) => Reply::Status(Status::success(Details {
            name: object.name().to_owned(),
            group: served.group.clone(),
            kind: served.plural.clone(),
            uid: object.uid().to_owned(),
            ..Details::default()
        })),
        Deleted::Later(object) => Reply::Object(code(true), served.clone(), object),
    };
    Ok(reply.into())
}

/// Deletes one object.
pub(super) fn delete_object(
    state: &mut State,
    served: &Served,
    object: &Arc<Object>,
    deletion: Deletion,
) -> Result<Deleted, Status> {
    if namespace::is_namespace(served) {
        return namespace::delete(state, served, object, &deletion);
    }
    if shape::defines_kinds(served) && !object.terminating() {
        return definition::delete(state, served, object, &deletion);
    }
    deletion.check(served, object)?;
    let mut value = object.value().clone();
    let grace = match grace(state, served, &mut value, &deletion) {
        Grace::Pending => return Ok(Deleted::Later(Arc::clone(object))),
        Grace::None => None,
        Grace::Seconds(seconds) => Some(seconds),
    };
    if !WITHOUT_GARBAGE_COLLECTION.contains(&served.plural.as_str()) {
        let (orphan, foreground) = (deletion.orphans(&value), deletion.foreground(&value));
        set_finalizers(&mut value, orphan, foreground);
    }
    let finalizers = value["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    if finalizers && grace.is_none() {
        mark(state, &mut value);
    }
    let stays = finalizers || grace.is_some_and(|seconds| seconds > 0);
    let marked = if value == *object.value() || !(stays || grace.is_some()) {
        Arc::clone(object)
    } else if deletion.dry_run {
        Arc::new(Object::new(value))
    } else {
        store(state, served, value)
    };
    if stays {
        return Ok(Deleted::Later(marked));
    }
    if deletion.dry_run {
        return Ok(Deleted::Now(marked));
    }
    let gone = remove(state, served, object.namespace(), object.name());
    Ok(Deleted::Now(gone.unwrap_or(marked)))
}

enum Grace {
    /// The kind knows none.
    None,
    /// The object has so many seconds; none, and it goes at once.
    Seconds(i64),
    /// A deletion is under way, and this one is not shorter.
    Pending,
}

/// Marks a pod as going when it has time to (the only kind with grace).
fn grace(state: &State, served: &Served, value: &mut Value, deletion: &Deletion) -> Grace {
    if served.is_custom() || !served.group.is_empty() || served.plural != "pods" {
        return Grace::None;
    }
    let asked = deletion.grace_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let now = state.now();
    if let Some(marked) = value["metadata"]["deletionTimestamp"].as_str() {
        let had = value["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
        if had == 0 {
            return Grace::None;
        }
        let Some(mut seconds) = asked.filter(|asked| *asked < had) else { return Grace::Pending };
        let marked = marked.parse().unwrap_or(now);
        let mut until = after(after(marked, had.saturating_neg()), seconds);
        if until < now {
            until = now;
            seconds = seconds.min(1);
        }
        value["metadata"]["deletionTimestamp"] = State::written(until).into();
        value["metadata"]["deletionGracePeriodSeconds"] = seconds.into();
        return Grace::Seconds(seconds);
    }
    let own = value["spec"]["terminationGracePeriodSeconds"].as_i64();
    let mut seconds = asked.or(own).unwrap_or(0);
    let placed = value["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let done = matches!(value["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
    if !placed || done {
        seconds = 0;
    }
    seconds = if seconds < 0 { 1 } else { seconds };
    value["metadata"]["deletionTimestamp"] = State::written(after(now, seconds)).into();
    value["metadata"]["deletionGracePeriodSeconds"] = seconds.into();
    bump(value);
    Grace::Seconds(seconds)
}

/// `seconds` after a time, or before it; the first or last time that can be told where that is beyond it.
fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(time)
}

/// Marks an object that goes when its finalizers are gone.
fn mark(state: &State, value: &mut Value) {
    if value["metadata"]["deletionTimestamp"].is_null() {
        bump(value);
        value["metadata"]["deletionTimestamp"] = state.timestamp().into();
    }
    value["metadata"]["deletionGracePeriodSeconds"] = 0.into();
}

fn bump(value: &mut Value) {
    if let Some(generation) = value["metadata"]["generation"].as_i64().filter(|generation| *generation > 0) {
        value["metadata"]["generation"] = (generation + 1).into();
    }
}

/// Gives an object those of the garbage collector's finalizers that it is to have.
pub(super) fn set_finalizers(value: &mut Value, orphan: bool, foreground: bool) {
    let before = value["metadata"]["finalizers"].clone();
    let before = before.as_array().cloned().unwrap_or_default();
    let wanted = [(ORPHAN, orphan), (FOREGROUND, foreground)];
    if wanted.iter().all(|(name, wanted)| before.contains(&json!(name)) == *wanted) {
        return;
    }
    let mut finalizers = before;
    finalizers.retain(|finalizer| *finalizer != ORPHAN && *finalizer != FOREGROUND);
    finalizers.extend(wanted.iter().filter(|(_, wanted)| *wanted).map(|(name, _)| json!(name)));
    let finalizers = (!finalizers.is_empty()).then_some(Value::Array(finalizers));
    shape::put(&mut value["metadata"], "finalizers", finalizers.as_ref());
}

impl Deletion {
    /// Reads DeleteOptions from the body or, without one, from the parameters.
    pub(super) fn read(call: &Call) -> Result<Self, Status> {
        let body = match &call.payload {
            Payload::Empty => None,
            Payload::Raw(_, bytes) if bytes.is_empty() => None,
            payload => Some(decode::object(payload, "DeleteOptions")?.value),
        };
        if let Some(body) = body {
            let mut deletion = Self::parse(&body)?;
            deletion.dry_run |= call.dry_run();
            return Ok(deletion);
        }
        let query = &call.query;
        let mut body = json!({});
        if let Some(cause) = options::dry_run(call) {
            return Err(Status::invalid_options("DeleteOptions", vec![cause]));
        }
        let grace = query.get("gracePeriodSeconds");
        if !grace.is_empty() {
            let seconds: i64 = grace.parse().map_err(|_| {
                Status::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(grace)))
            })?;
            body["gracePeriodSeconds"] = seconds.into();
        }
        if !query.get("propagationPolicy").is_empty() {
            body["propagationPolicy"] = query.get("propagationPolicy").into();
        }
        if !query.get("orphanDependents").is_empty() {
            body["orphanDependents"] = query.flag("orphanDependents").into();
        }
        Ok(Self { dry_run: call.dry_run(), ..Self::parse(&body)? })
    }

    pub(super) fn parse(body: &Value) -> Result<Self, Status> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut causes = Vec::new();
        let policy = text(&body["propagationPolicy"]).filter(|policy| !policy.is_empty());
        let orphan = body["orphanDependents"].as_bool();
        if let Some(policy) = &policy {
            if orphan.is_some() {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                causes.push(Cause::invalid("propagationPolicy", &quoted(policy), why));
            }
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            if !supported[..3].contains(&policy.as_str()) {
                causes.push(Cause::not_supported("propagationPolicy", &quoted(policy), &supported));
            }
        }
        let dry_run = body["dryRun"].as_array().cloned().unwrap_or_default();
        if dry_run.iter().any(|value| *value != "All") {
            let printed = Value::Array(dry_run.clone()).to_string();
            causes.push(Cause::not_supported("dryRun", &printed, &["All"]));
        }
        if !causes.is_empty() {
            return Err(Status::invalid_options("DeleteOptions", causes));
        }
        Ok(Self {
            grace_seconds: body["gracePeriodSeconds"].as_i64(),
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            policy,
            orphan,
            dry_run: !dry_run.is_empty(),
        })
    }

    /// Whether the object is the one that is meant.
    fn check(&self, served: &Served, object: &Object) -> Result<(), Status> {
        let have = object.resource_version().to_string();
        let about = [
            (&self.uid, object.uid(), "UID", "The object might have been deleted and then recreated"),
            (&self.resource_version, have.as_str(), "ResourceVersion", "The object might have been modified"),
        ];
        for (wanted, have, what, hint) in about {
            if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != have) {
                let why = format!(
                    "the {what} in the precondition ({wanted}) does not match the {what} in record ({have}). {hint}"
                );
                let mut by_kind = (**served).clone();
                by_kind.plural = served.kind.clone();
                return Err(Status::conflict(&by_kind, object.name(), &why));
            }
        }
        Ok(())
    }

    /// The same, in the words of the kinds that are deleted in their own way.
    pub(super) fn check_storage(&self, served: &Served, object: &Object) -> Result<(), Status> {
        let have = object.resource_version().to_string();
        for (wanted, have, what) in
            [(&self.uid, object.uid(), "UID"), (&self.resource_version, have.as_str(), "ResourceVersion")]
        {
            if let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != have) {
                let why =
                    format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {have}");
                return Err(Status::conflict(served, object.name(), &why));
            }
        }
        Ok(())
    }

    /// Whether what the object owns is to be left alone.
    pub(super) fn orphans(&self, value: &Value) -> bool {
        match (self.orphan, self.policy.as_deref()) {
            (Some(orphan), _) => orphan,
            (None, Some(policy)) => policy == "Orphan",
            (None, None) => has_finalizer(value, ORPHAN),
        }
    }

    /// Whether what the object owns goes first.
    fn foreground(&self, value: &Value) -> bool {
        match (self.orphan, self.policy.as_deref()) {
            (Some(_), _) => false,
            (None, Some(policy)) => policy == "Foreground",
            (None, None) => has_finalizer(value, FOREGROUND) && !has_finalizer(value, ORPHAN),
        }
    }
}

fn has_finalizer(value: &Value, name: &str) -> bool {
    value["metadata"]["finalizers"].as_array().is_some_and(|list| list.iter().any(|finalizer| *finalizer == name))
}
