//! `metadata.managedFields`, read and written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::field_set::FieldSet;

/// How many managers that update are kept apart; the oldest beyond are merged.
const UPDATE_MANAGERS_MAX: usize = 10;
/// The manager into which they are merged.
const ANCIENT: &str = "ancient-changes";

/// How a manager wrote. Ordered as entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// What tells managers apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) operation: Operation,
    /// Empty when the manager applies: it is the same one in all versions.
    pub(super) api_version: String,
    pub(super) subresource: String,
}

/// What a manager owns.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    /// The version in which the fields are named.
    pub(super) api_version: String,
    pub(super) fields: FieldSet,
    pub(super) time: Option<Timestamp>,
}

/// Everybody who owns fields of an object.
pub(super) type Managers = BTreeMap<Manager, Owned>;

impl Manager {
    pub(super) fn applying(name: &str, subresource: &str) -> Self {
        Self {
            name: named(name),
            operation: Operation::Apply,
            api_version: String::new(),
            subresource: subresource.to_string(),
        }
    }

    pub(super) fn updating(name: &str, api_version: &str, subresource: &str) -> Self {
        let (api_version, subresource) = (api_version.to_string(), subresource.to_string());
        Self { name: named(name), operation: Operation::Update, api_version, subresource }
    }

    /// What kube-apiserver sorts managers by.
    pub(super) fn identifier(&self) -> String {
        let part = |name: &str, value: &str| match value {
            "" => String::new(),
            value => format!(",\"{name}\":{}", Value::from(value)),
        };
        let identifier = [
            part("manager", &self.name),
            part("operation", self.operation.text()),
            part("apiVersion", &self.api_version),
            part("subresource", &self.subresource),
        ];
        format!("{{{}}}", identifier.concat().trim_start_matches(','))
    }
}

fn named(name: &str) -> String {
    if name.is_empty() { "unknown".to_string() } else { name.to_string() }
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Reads managedFields; `None` when they are not as they must be.
pub(super) fn read(entries: Option<&Value>) -> Option<Managers> {
    match entries {
        None | Some(Value::Null) => Some(Managers::new()),
        Some(entries) => entries.as_array()?.iter().map(read_entry).collect(),
    }
}

fn read_entry(entry: &Value) -> Option<(Manager, Owned)> {
    let text = |name: &str| entry.get(name).map_or(Some(""), Value::as_str).map(str::to_string);
    let operation = match text("operation")?.as_str() {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return None,
    };
    let api_version = text("apiVersion")?;
    if api_version.is_empty() || text("fieldsType")? != "FieldsV1" {
        return None;
    }
    let time = match entry.get("time") {
        None | Some(Value::Null) => None,
        Some(time) => Some(time.as_str()?.parse().ok()?),
    };
    let fields = match entry.get("fieldsV1") {
        None | Some(Value::Null) => FieldSet::default(),
        Some(fields) => FieldSet::parse(fields).ok()?,
    };
    let identified = if operation == Operation::Apply { String::new() } else { api_version.clone() };
    let manager =
        Manager { name: text("manager")?, operation, api_version: identified, subresource: text("subresource")? };
    Some((manager, Owned { api_version, fields, time }))
}

/// Writes managedFields: who applies first, then by time; `None` when nobody owns anything.
pub(super) fn written(managers: &Managers) -> Option<Value> {
    let mut entries: Vec<_> = managers.iter().collect();
    entries.sort_by_key(|(manager, owned)| {
        (manager.operation, seconds(owned.time), &manager.name, &owned.api_version, &manager.subresource)
    });
    let entries: Vec<_> = entries.into_iter().map(|(manager, owned)| written_entry(manager, owned)).collect();
    (!entries.is_empty()).then_some(Value::Array(entries))
}

fn written_entry(manager: &Manager, owned: &Owned) -> Value {
    let mut entry = Map::new();
    let texts = [("manager", manager.name.as_str()), ("operation", manager.operation.text())];
    let texts =
        texts.into_iter().chain([("apiVersion", owned.api_version.as_str()), ("subresource", &manager.subresource)]);
    entry.extend(texts.filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_string(), text.into())));
    if let Some(time) = owned.time {
        entry.insert("time".to_string(), time.to_string().into());
    }
    entry.insert("fieldsType".to_string(), "FieldsV1".into());
    entry.insert("fieldsV1".to_string(), owned.fields.to_value());
    Value::Object(entry)
}

fn seconds(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::as_second)
}

/// Merges the oldest managers that update, those of one version into one, until there are no more than are kept.
pub(super) fn cap(managers: &mut Managers) {
    let updating = managers.iter().filter(|(manager, _)| manager.operation == Operation::Update);
    let mut oldest: Vec<_> =
        updating.map(|(manager, owned)| (seconds(owned.time), manager.identifier(), manager.clone())).collect();
    let mut surplus = oldest.len().saturating_sub(UPDATE_MANAGERS_MAX);
    if surplus == 0 {
        return;
    }
    oldest.sort();
    let mut first_of_version: BTreeMap<String, Manager> = BTreeMap::new();
    for (_, _, manager) in oldest {
        if surplus == 0 {
            return;
        }
        let version = manager.api_version.clone();
        let Some(first) = first_of_version.get(&version) else {
            first_of_version.insert(version, manager);
            continue;
        };
        let bucket = Manager::updating(ANCIENT, &version, "");
        if !managers.contains_key(&bucket)
            && let Some(owned) = managers.remove(first)
        {
            managers.insert(bucket.clone(), owned);
        }
        if let Some(owned) = managers.remove(&manager)
            && let Some(merged) = managers.get_mut(&bucket)
        {
            merged.fields = merged.fields.union(&owned.fields);
            merged.time = owned.time;
        }
        surplus -= 1;
    }
}

/// Takes the managedFields out of an object.
pub(super) fn take(object: &mut Value) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.remove("managedFields")
}

/// The managedFields of an object.
pub(super) fn of(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// Puts managedFields into an object, instead of those that it has.
pub(super) fn put(object: &mut Value, managers: &Managers) {
    take(object);
    if let (Some(entries), Some(object)) = (written(managers), object.as_object_mut()) {
        let metadata = object.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("managedFields".to_string(), entries);
        }
    }
}

/// Whether a writer asks that all managers be forgotten: an empty list, or one entry with nothing in it.
pub(super) fn is_reset(entries: Option<&Value>) -> bool {
    match entries.and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => true,
        Some([entry]) => entry.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}
