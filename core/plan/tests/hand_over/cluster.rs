//! The cluster: what a crash leaves as it was. The server's part of each request is here.

use serde_json::{Map, Value, json};
use thalweg_manifest::Seen;
use thalweg_plan::{Owner, Warrant};

use crate::world::{FIELDS, NAMES, Objects, World};

const MANAGER: &str = "kustomize-controller";

/// A live object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Live {
    /// The uid: equal or not to one that somebody remembers.
    pub(crate) uid: u8,
    /// The resourceVersion, as far as it matters: no more than the order among those that somebody remembers.
    pub(crate) version: u8,
    /// Whom the labels name.
    pub(crate) owner: Option<u8>,
    pub(crate) grant: Grant,
}

/// What our Apply entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Grant {
    /// There is none: somebody else made the object.
    Nothing,
    /// Somebody else has set the object's field.
    Labels,
    /// All that we asked for.
    Everything,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cluster {
    pub(crate) objects: [Option<Live>; 3],
    /// What we have made once.
    pub(crate) made: Objects,
    /// The inventory in each owner's status.
    pub(crate) inventories: [Objects; 2],
}

/// The server's answer to a DELETE.
pub(crate) enum Deleted {
    Accepted(Live),
    Gone,
    Changed,
}

/// What an apply did.
pub(crate) enum Applied {
    Nothing,
    Changed,
    Made,
    /// It made an object that we had made before.
    MadeAnew,
}

/// A uid and a version that nobody remembers.
const FRESH: Live = Live { uid: u8::MAX, version: u8::MAX, owner: None, grant: Grant::Nothing };

impl Cluster {
    /// A forced apply.
    pub(crate) fn apply(&mut self, object: usize, owner: usize) -> Applied {
        let before = self.objects[object];
        let after = applied(before, owner);
        if before == Some(after) {
            return Applied::Nothing;
        }
        self.objects[object] = Some(Live { version: FRESH.version, ..after });
        if before.is_some() {
            return Applied::Changed;
        }
        let is_first = !self.made.contains(object);
        self.made.insert(object);
        if is_first { Applied::Made } else { Applied::MadeAnew }
    }

    /// A DELETE with the warrant's uid and resourceVersion as preconditions; or with none, for an owner that sends none.
    pub(crate) fn delete(&mut self, object: usize, warrant: &Warrant, has_preconditions: bool) -> Deleted {
        let Some(live) = self.objects[object] else { return Deleted::Gone };
        if has_preconditions && !is_live(object, live, warrant) {
            return Deleted::Changed;
        }
        self.objects[object] = None;
        Deleted::Accepted(live)
    }

    /// Somebody else sets the field that is ours.
    pub(crate) fn edit(&mut self, object: usize) {
        if let Some(live) = &mut self.objects[object] {
            live.version = FRESH.version;
            live.grant = if live.grant == Grant::Nothing { Grant::Nothing } else { Grant::Labels };
        }
    }

    /// Somebody else deletes the object.
    pub(crate) fn remove(&mut self, object: usize) {
        self.objects[object] = None;
    }

    /// Somebody else makes an object, unless there is one.
    pub(crate) fn make(&mut self, object: usize) {
        self.objects[object].get_or_insert(FRESH);
    }
}

/// Whether a warrant names the object in the state in which it is.
pub(crate) fn is_live(object: usize, live: Live, warrant: &Warrant) -> bool {
    (warrant.uid(), warrant.resource_version()) == (uid(object, live).as_str(), version(live).as_str())
}

fn uid(object: usize, live: Live) -> String {
    format!("{}-{}", NAMES[object], live.uid)
}

fn version(live: Live) -> String {
    (u32::from(live.version) + 1).to_string()
}

/// What an apply of `owner` makes of an object.
pub(crate) fn applied(live: Option<Live>, owner: usize) -> Live {
    Live { owner: Some(owner as u8), grant: Grant::Everything, ..live.unwrap_or(FRESH) }
}

/// The object as a GET, or a dry run, answers it.
pub(crate) fn content(world: &World, object: usize, live: Live) -> Map<String, Value> {
    let wanted = &world.wanted[usize::from(live.owner.unwrap_or(0))][object];
    let mut content = wanted.object.content().clone();
    let label = |key: &str| format!("f:{key}");
    let labels = json!({label(Owner::NAME_LABEL): {}, label(Owner::NAMESPACE_LABEL): {}});
    let mut fields = json!({"f:metadata": {"f:labels": labels}});
    if live.grant == Grant::Everything {
        fields[format!("f:{}", FIELDS[object])] = json!({});
    } else {
        content.insert(FIELDS[object].to_owned(), json!({"key": "theirs"}));
    }
    let metadata = content.get_mut("metadata").and_then(Value::as_object_mut).expect("every object has metadata");
    metadata.insert("uid".to_owned(), uid(object, live).into());
    metadata.insert("resourceVersion".to_owned(), version(live).into());
    if live.owner.is_none() {
        metadata.remove("labels");
    }
    if live.grant != Grant::Nothing {
        // The same second throughout: the time of an entry is no help to anybody.
        let time = "2026-06-01T10:00:00Z";
        let entry = json!({"manager": MANAGER, "operation": "Apply", "time": time, "fieldsV1": fields});
        metadata.insert("managedFields".to_owned(), json!([entry]));
    }
    content
}

/// The object as the metadata watch shows it.
pub(crate) fn seen(world: &World, object: usize, live: Live) -> Seen {
    let content = content(world, object, live);
    let metadata = content.get("metadata").and_then(Value::as_object).expect("every object has metadata");
    Seen::from_metadata(metadata, MANAGER).expect("a live object has a uid and a resourceVersion")
}

/// The field manager of every apply.
pub(crate) fn manager() -> &'static str {
    MANAGER
}
