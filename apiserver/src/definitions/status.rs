//! What the server fills into a CustomResourceDefinition: defaults, accepted names, conditions, stored versions.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use thalweg_schema::quoted;

/// Completes a CustomResourceDefinition that is created or updated; its names are looked at later.
pub(crate) fn begin(new: &mut Value) {
    default(new);
    let spec = new["spec"].clone();
    store_versions(&mut new["status"], &spec);
}

/// Completes a CustomResourceDefinition and accepts its names. `now` is the time of the conditions, in RFC 3339.
#[cfg(test)]
pub(crate) fn prepare(old: Option<&Value>, new: &mut Value, now: &str) {
    prepare_among(old, new, &[], now);
}

/// The same beside the other definitions, whose accepted names in the same group are taken.
pub(crate) fn prepare_among(old: Option<&Value>, new: &mut Value, others: &[&Value], now: &str) {
    default(new);
    let mut status = old.map_or_else(|| json!({}), |old| old["status"].clone());
    if !status.is_object() {
        status = json!({});
    }
    store_versions(&mut status, &new["spec"]);
    accept_names(&mut status, &new["spec"], others, now);
    new["status"] = status;
}

/// Whether a condition of the definition is true.
pub(crate) fn has_condition(definition: &Value, type_: &str) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == type_ && condition["status"] == "True")
}

/// Gives a CustomResourceDefinition its defaults.
pub(crate) fn default(definition: &mut Value) {
    let Some(spec) = definition["spec"].as_object_mut() else { return };
    spec.entry("conversion").or_insert_with(|| json!({ "strategy": "None" }));
    let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) else { return };
    let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.is_empty() {
        return;
    }
    for (name, value) in [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))] {
        if names.get(name).is_none_or(|value| *value == "") {
            names.insert(name.to_owned(), value.into());
        }
    }
}

/// The storage version joins those in which objects may have been stored.
fn store_versions(status: &mut Value, spec: &Value) {
    let mut stored = status["storedVersions"].as_array().cloned().unwrap_or_default();
    let versions = spec["versions"].as_array();
    let storage = versions.into_iter().flatten().find(|version| version["storage"] == true);
    if let Some(name) = storage.map(|version| &version["name"]).filter(|name| !stored.contains(name)) {
        stored.push(name.clone());
    }
    if !stored.is_empty() {
        status["storedVersions"] = stored.into();
    }
}

fn accept_names(status: &mut Value, spec: &Value, others: &[&Value], now: &str) {
    let taken = Taken::of(&spec["group"], others);
    let wanted = &spec["names"];
    let mut accepted = status["acceptedNames"].as_object().cloned().unwrap_or_default();
    let mut conflict = None;
    for (name, reason) in [
        ("plural", "PluralConflict"),
        ("singular", "SingularConflict"),
        ("kind", "KindConflict"),
        ("listKind", "ListKindConflict"),
    ] {
        match taken.refuses(name, &wanted[name], accepted.get(name)) {
            Some(message) => conflict = Some((reason, message)),
            None => put(&mut accepted, name, &wanted[name]),
        }
        if name == "singular" {
            match taken.refused_short_names(&wanted["shortNames"], accepted.get("shortNames")) {
                Some(message) => conflict = Some(("ShortNamesConflict", message)),
                None => put(&mut accepted, "shortNames", &wanted["shortNames"]),
            }
        }
    }
    put(&mut accepted, "categories", &wanted["categories"]);
    status["acceptedNames"] = accepted.into();
    match conflict {
        Some((reason, message)) => {
            set_condition(status, "NamesAccepted", "False", reason, &message, now);
            if find(status, "Established").is_none() {
                set_condition(status, "Established", "False", "NotAccepted", "not all names are accepted", now);
            }
        }
        None => {
            set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
            let message = "the initial names have been accepted";
            set_condition(status, "Established", "True", "InitialNamesAccepted", message, now);
        }
    }
}

fn put(names: &mut Map<String, Value>, name: &str, value: &Value) {
    if value.is_null() {
        names.remove(name);
    } else {
        names.insert(name.to_owned(), value.clone());
    }
}

/// The names that other definitions of the group have.
struct Taken<'a> {
    resources: BTreeSet<&'a str>,
    kinds: BTreeSet<&'a str>,
}

impl<'a> Taken<'a> {
    fn of(group: &Value, others: &[&'a Value]) -> Self {
        let mut taken = Self { resources: BTreeSet::new(), kinds: BTreeSet::new() };
        for other in others.iter().filter(|other| other["spec"]["group"] == *group) {
            let names = &other["status"]["acceptedNames"];
            let short = names["shortNames"].as_array().into_iter().flatten().filter_map(Value::as_str);
            taken.resources.extend(["plural", "singular"].iter().filter_map(|name| names[name].as_str()).chain(short));
            taken.kinds.extend(["kind", "listKind"].iter().filter_map(|name| names[name].as_str()));
        }
        taken
    }

    fn refuses(&self, name: &str, wanted: &Value, accepted: Option<&Value>) -> Option<String> {
        let taken = if matches!(name, "kind" | "listKind") { &self.kinds } else { &self.resources };
        let text = wanted.as_str().filter(|text| Some(wanted) != accepted && taken.contains(text))?;
        Some(format!("{} is already in use", quoted(text)))
    }

    fn refused_short_names(&self, wanted: &Value, accepted: Option<&Value>) -> Option<String> {
        let ours = |name: &&Value| accepted.and_then(Value::as_array).is_some_and(|ours| ours.contains(name));
        let wanted = wanted.as_array().into_iter().flatten().filter(|name| !ours(name));
        let refused: Vec<_> = wanted.filter_map(|name| self.refuses("shortNames", name, None)).collect();
        match refused.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            several => Some(format!("[{}]", several.join(", "))),
        }
    }
}

fn find<'a>(status: &'a Value, type_: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}

/// Sets a condition; its time changes with its status.
fn set_condition(status: &mut Value, type_: &str, value: &str, reason: &str, message: &str, now: &str) {
    let since =
        find(status, type_).filter(|known| known["status"] == value).map(|known| known["lastTransitionTime"].clone());
    let condition = json!({
        "type": type_, "status": value, "reason": reason, "message": message,
        "lastTransitionTime": since.unwrap_or_else(|| now.into()),
    });
    let mut conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    match conditions.iter_mut().find(|known| known["type"] == type_) {
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
    status["conditions"] = conditions.into();
}
