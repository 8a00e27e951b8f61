//! How built-in kinds are written: the table `tables/rules.yaml`.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::Value;
use thalweg_schema::Resource;

use super::path::{Fields, at, put, take};

/// How one kind is written.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// What lets the generation grow; none when the kind has no generation.
    pub(crate) generation: Option<Vec<String>>,
    /// What a write of the status cannot change.
    pub(crate) status_keeps: Vec<String>,
    /// An update must name the resourceVersion.
    pub(crate) conditional: bool,
    /// A PUT of an object that does not exist creates it.
    pub(crate) create_on_update: bool,
    /// Whether an update checks the metadata as a creation does, `before` what is particular to updates or `after` it.
    pub(crate) revalidates: String,
    /// What creation adds to the finalizers.
    pub(crate) finalizers: Vec<String>,
    /// What an update cannot change, and the message.
    pub(crate) immutable: BTreeMap<String, String>,
    /// What an update cannot change while another field is true.
    pub(crate) immutable_when: BTreeMap<String, Vec<String>>,
}

static RULES: LazyLock<HashMap<String, Rules>> = LazyLock::new(|| {
    let table: Value = serde_yaml::from_str(include_str!("../../tables/rules.yaml")).expect("a table of ours is YAML");
    let kinds = table.as_object().expect("it is a map of kinds").iter();
    kinds.map(|(kind, rules)| (kind.clone(), Rules::read(rules))).collect()
});
static NONE: LazyLock<Rules> = LazyLock::new(|| Rules::read(&Value::Null));

/// How a built-in kind is written.
pub(crate) fn rules(resource: &Resource) -> &'static Rules {
    let group = if resource.group.is_empty() { "v1" } else { &resource.group };
    RULES.get(&format!("{group}/{}", resource.kind)).unwrap_or(&NONE)
}

impl Rules {
    fn read(value: &Value) -> Self {
        let texts = |value: &Value| -> Option<Vec<String>> {
            Some(value.as_array()?.iter().filter_map(Value::as_str).map(String::from).collect())
        };
        let map = |key: &str| value[key].as_object().into_iter().flatten();
        Self {
            generation: texts(&value["generation"]),
            status_keeps: texts(&value["status_keeps"]).unwrap_or_else(|| vec!["spec".into()]),
            conditional: value["conditional"] == true,
            create_on_update: value["create_on_update"] == true,
            revalidates: value["revalidates"].as_str().unwrap_or_default().to_owned(),
            finalizers: texts(&value["finalizers"]).unwrap_or_default(),
            immutable: map("immutable")
                .map(|(path, message)| (path.clone(), message.as_str().unwrap_or_default().to_owned()))
                .collect(),
            immutable_when: map("immutable_when")
                .map(|(flag, paths)| (flag.clone(), texts(paths).unwrap_or_default()))
                .collect(),
        }
    }

    /// What a write through this subresource (or, with none, of the object) cannot change. Those who apply do not own it
    /// either.
    pub(crate) fn kept(&self, resource: &Resource, subresource: &str) -> Vec<String> {
        match subresource {
            "" if resource.subresource("status").is_some() => vec!["status".into()],
            "status" => self.status_keeps.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether a change from `old` to `new` lets the generation grow.
    pub(crate) fn generation_grows(&self, old: &Fields, new: &Fields) -> bool {
        self.generation.iter().flatten().any(|path| at(old, path) != at(new, path))
    }
}

/// Puts back what stood at these paths.
pub(crate) fn restore(paths: &[String], old: Option<&Value>, new: &mut Value) {
    let Some(new) = new.as_object_mut() else { return };
    for path in paths {
        match old.and_then(|old| at(old.as_object()?, path)).cloned() {
            Some(value) => put(new, path, value),
            None => drop(take(new, path)),
        }
    }
}
