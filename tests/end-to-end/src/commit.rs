//! A commit, and what Kustomizations say when they are at it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::objects::{NAMESPACE, inventory, inventory_id};

/// A commit: the objects in each folder. The Kustomization named after a folder applies it.
#[derive(Clone, Debug)]
pub struct Commit {
    /// As an artifact has it: `main@sha1:…`.
    pub revision: String,
    /// By folder.
    pub folders: BTreeMap<&'static str, Vec<Value>>,
    /// What a folder's Kustomization depends on.
    pub depends_on: BTreeMap<&'static str, &'static str>,
}

impl Commit {
    /// A commit of such a number.
    pub fn new(number: u32, folders: impl IntoIterator<Item = (&'static str, Vec<Value>)>) -> Self {
        Self {
            revision: format!("main@sha1:{number:040x}"),
            folders: folders.into_iter().collect(),
            depends_on: BTreeMap::new(),
        }
    }
}

/// The inventory ids of a commit's objects, by folder, in a namespace.
pub fn ids(commit: &Commit, namespace: &str) -> BTreeMap<&'static str, BTreeSet<String>> {
    let id = |object: &Value| inventory_id(object).replace(NAMESPACE, namespace);
    commit.folders.iter().map(|(folder, objects)| (*folder, objects.iter().map(id).collect())).collect()
}

/// Whether the Kustomizations say that they are at `commit` (or are gone, without one); else, what they say.
pub fn is_reached(
    commit: Option<&Commit>,
    kustomizations: &BTreeMap<String, Value>,
    namespace: &str,
) -> Result<(), String> {
    let Some(commit) = commit else {
        return if kustomizations.is_empty() { Ok(()) } else { Err(describe(kustomizations)) };
    };
    let is_at = |(folder, ids): (&str, BTreeSet<String>)| {
        kustomizations.get(folder).is_some_and(|kustomization| {
            let status = &kustomization["status"];
            let conditions = || status["conditions"].as_array().into_iter().flatten();
            conditions().any(|condition| {
                condition["type"] == "Ready"
                    && condition["status"] == "True"
                    && condition["observedGeneration"] == kustomization["metadata"]["generation"]
            }) && !conditions().any(|condition| condition["type"] == "Reconciling")
                && status["lastAppliedRevision"] == commit.revision.as_str()
                && inventory(kustomization).into_keys().collect::<BTreeSet<_>>() == ids
        })
    };
    if ids(commit, namespace).into_iter().all(is_at) { Ok(()) } else { Err(describe(kustomizations)) }
}

fn describe(kustomizations: &BTreeMap<String, Value>) -> String {
    let lines = kustomizations.iter().map(|(name, kustomization)| {
        format!("\n  Kustomization {name}: {} {}", kustomization["metadata"]["finalizers"], kustomization["status"])
    });
    lines.collect()
}
