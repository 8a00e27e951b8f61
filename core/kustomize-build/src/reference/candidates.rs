//! The objects that a reference may mean, found by a name that they had.

use std::collections::{BTreeSet, HashMap};

use thalweg_yaml::kyaml::Text;

use super::referrer::Referrer;
use crate::identity::{Gvk, Id, WITHOUT_NAMESPACE};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// Objects that were renamed or moved, and the namespaces that objects were in.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    renamed: Vec<Candidate>,
    by_former_name: HashMap<Text, Vec<usize>>,
    /// First namespaces of objects, by the namespace that they are in now.
    first_by_current: HashMap<Text, BTreeSet<Text>>,
    /// The same, by the namespace as it is written now.
    first_by_written: HashMap<Text, BTreeSet<Text>>,
}

/// An object that was renamed or moved.
#[derive(Debug)]
pub(super) struct Candidate {
    /// What it is called.
    pub(super) id: Id,
    current_namespace: Text,
    first_namespace: Text,
    is_cluster_scoped: bool,
    is_service_account: bool,
    former: Vec<Gvk>,
    prefixes: Vec<Text>,
    suffixes: Vec<Text>,
}

/// What a field asks for.
#[derive(Debug)]
pub(super) struct Wanted<'w> {
    pub(super) target: &'w Gvk,
    pub(super) path: &'w str,
    pub(super) name: &'w str,
    /// That of a mapping that has one.
    pub(super) namespace: Option<&'w str>,
    pub(super) is_mapping: bool,
}

impl Candidates {
    pub(super) fn of(resources: &ResourceMap) -> Self {
        let mut candidates = Self::default();
        for resource in resources.iter() {
            candidates.add(resource);
        }
        candidates
    }

    fn add(&mut self, resource: &Resource) {
        let id = resource.id();
        let first_namespace = Text::from(resource.original_id().effective_namespace());
        let current_namespace = Text::from(id.effective_namespace());
        let is_cluster_scoped = current_namespace == WITHOUT_NAMESPACE;
        note(&mut self.first_by_current, &current_namespace, &first_namespace);
        if !is_cluster_scoped {
            note(&mut self.first_by_written, &id.namespace.into(), &first_namespace);
        }
        if resource.former.is_empty() {
            return;
        }
        let position = self.renamed.len();
        for Id { name, .. } in &resource.former {
            let positions = self.by_former_name.entry(name.clone()).or_default();
            if positions.last() != Some(&position) {
                positions.push(position);
            }
        }
        self.renamed.push(Candidate {
            current_namespace,
            first_namespace,
            is_cluster_scoped,
            is_service_account: id.gvk.kind == "ServiceAccount",
            former: resource.former_ids().map(|id| id.gvk.owned()).collect(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            id: id.owned(),
        });
    }

    /// The object that is meant, if it was renamed or moved; all that may be meant when they differ.
    pub(super) fn select(
        &self,
        wanted: &Wanted<'_>,
        referrer: &Referrer<'_>,
    ) -> Result<Option<&Candidate>, Vec<&Candidate>> {
        let Some(positions) = self.by_former_name.get(wanted.name) else { return Ok(None) };
        let by_first = wanted.namespace.map(|namespace| self.has_been_in(namespace, referrer));
        let role = referrer.role.as_ref().filter(|_| wanted.path.ends_with("roleRef/name"));
        let mut found: Vec<&Candidate> = positions
            .iter()
            .filter_map(|position| self.renamed.get(*position))
            .filter(|candidate| candidate.is_visible_to(referrer) && candidate.is_in(wanted.namespace, by_first))
            .filter(|candidate| candidate.was(wanted.target) && role.is_none_or(|role| candidate.was(role)))
            .filter(|candidate| candidate.is_near(referrer))
            .collect();
        if let [one] = found.as_slice() {
            return Ok(Some(one));
        }
        found.retain(|candidate| candidate.ends_loosely_like(referrer));
        if found.len() > 1 {
            found.retain(|candidate| candidate.ends_like(referrer));
        }
        match found.split_first() {
            None => Ok(None),
            Some((first, others)) if others.iter().all(|other| other.is_the_same(first, wanted)) => Ok(Some(first)),
            Some(_) => Err(found),
        }
    }

    /// Whether anything that the referrer sees was in a namespace first.
    fn has_been_in(&self, namespace: &str, referrer: &Referrer<'_>) -> bool {
        let has = |namespaces: Option<&BTreeSet<Text>>| namespaces.is_some_and(|found| found.contains(namespace));
        if referrer.is_cluster_scoped {
            return self.first_by_current.values().any(|found| found.contains(namespace));
        }
        has(self.first_by_current.get(&referrer.namespace))
            || has(self.first_by_current.get(WITHOUT_NAMESPACE))
            || referrer.subject_namespaces.iter().any(|subject| has(self.first_by_written.get(subject)))
    }
}

impl Candidate {
    fn is_visible_to(&self, referrer: &Referrer<'_>) -> bool {
        referrer.is_cluster_scoped
            || self.is_cluster_scoped
            || self.current_namespace == referrer.namespace
            || referrer.subject_namespaces.contains(&self.id.namespace)
    }

    /// Whether it is in the namespace that a mapping gives, `by_first` by where it was first.
    fn is_in(&self, namespace: Option<&str>, by_first: Option<bool>) -> bool {
        match (namespace, by_first) {
            (Some(namespace), Some(true)) => self.first_namespace == namespace,
            (Some(namespace), _) => self.current_namespace == namespace,
            (None, _) => true,
        }
    }

    fn was(&self, wanted: &Gvk) -> bool {
        let fits = |wanted: &Text, has: &Text| wanted.is_empty() || wanted == has;
        self.former.iter().any(|gvk| {
            fits(&wanted.group, &gvk.group) && fits(&wanted.version, &gvk.version) && fits(&wanted.kind, &gvk.kind)
        })
    }

    fn is_near(&self, referrer: &Referrer<'_>) -> bool {
        referrer.is_cluster_scoped
            || self.is_cluster_scoped
            || self.is_service_account
            || self.current_namespace == referrer.namespace
    }

    fn ends_loosely_like(&self, referrer: &Referrer<'_>) -> bool {
        let fit = |ours: &[Text], theirs: &[Text]| ours.is_empty() || theirs.is_empty() || end_alike(ours, theirs);
        fit(&self.prefixes, referrer.prefixes) && fit(&self.suffixes, referrer.suffixes)
    }

    fn ends_like(&self, referrer: &Referrer<'_>) -> bool {
        end_alike(&self.prefixes, referrer.prefixes) && end_alike(&self.suffixes, referrer.suffixes)
    }

    /// Whether it makes no difference which of both is meant.
    fn is_the_same(&self, other: &Self, wanted: &Wanted<'_>) -> bool {
        self.id.name == other.id.name && (!wanted.is_mapping || self.id.namespace == other.id.namespace)
    }
}

fn note(namespaces: &mut HashMap<Text, BTreeSet<Text>>, key: &Text, first: &Text) {
    if first == WITHOUT_NAMESPACE {
        return;
    }
    match namespaces.get_mut(key) {
        Some(found) if found.contains(first) => {}
        Some(found) => drop(found.insert(first.clone())),
        None => drop(namespaces.insert(key.clone(), BTreeSet::from([first.clone()]))),
    }
}

/// Whether the shorter list is the end of the longer one; an empty list is the end of an empty one alone.
fn end_alike(one: &[Text], other: &[Text]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([], _) | (_, []) => false,
        (one, other) => one.ends_with(other) || other.ends_with(one),
    }
}
