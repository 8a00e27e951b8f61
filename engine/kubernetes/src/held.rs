//! The newest known version of every object of a collection, from a watch and from the answers to our own writes.
//!
//! Both report the same history, in no common order. A collection's resourceVersions are one ascending sequence
//! (Kubernetes, "Resource versions"), and a watch walks along it; so whatever the watch has passed is known: an answer
//! from before that point that is not held is of an object that has been deleted since.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_manifest::ObjectId;

pub(crate) struct Held<T> {
    objects: BTreeMap<ObjectId, Version<T>>,
    /// Objects that a DELETE of ours removed and the watch has not reported yet: their uids.
    removed: BTreeMap<ObjectId, String>,
    /// The resourceVersion up to which the watch has reported everything.
    passed: u64,
}

pub(crate) struct Version<T> {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) value: T,
}

/// Who says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Witness {
    Watch,
    Answer,
}

/// What became of a version: `Some(before)` when it is held now.
pub(crate) type Kept<T> = Option<Option<T>>;

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), removed: BTreeMap::new(), passed: 0 }
    }
}

impl<T: Clone> Held<T> {
    pub(crate) fn get(&self, id: &ObjectId) -> Option<&T> {
        self.objects.get(id).map(|version| &version.value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectId, &T)> {
        self.objects.iter().map(|(id, version)| (id, &version.value))
    }

    /// Takes a version unless a newer one, or the same, is held, or the object is known to be gone.
    pub(crate) fn put(&mut self, witness: Witness, id: &ObjectId, version: Version<T>) -> Kept<T> {
        let number = number(&version.resource_version);
        let passed = number.is_some_and(|number| number <= self.passed);
        if witness == Witness::Watch {
            self.pass(&version.resource_version);
        }
        if self.removed.get(id) == Some(&version.uid) {
            return None;
        }
        match self.objects.get(id) {
            Some(held) if is_older_or_equal(&version.resource_version, &held.resource_version) => return None,
            None if witness == Witness::Answer && passed => return None,
            _ => {}
        }
        self.removed.remove(id);
        Some(self.objects.insert(id.clone(), version).map(|before| before.value))
    }

    /// The watch reports a deletion: of the object `uid`, at `resource_version`.
    pub(crate) fn deleted(&mut self, id: &ObjectId, uid: &str, resource_version: &str) -> Option<T> {
        self.pass(resource_version);
        if self.removed.get(id).is_some_and(|removed| removed == uid) {
            self.removed.remove(id);
        }
        let held = self.objects.get(id)?;
        let is_of_held = match (number(&held.resource_version), number(resource_version)) {
            (Some(held), Some(deletion)) => held <= deletion,
            _ => held.uid == uid,
        };
        if is_of_held { self.objects.remove(id).map(|version| version.value) } else { None }
    }

    /// Our own DELETE removed the object `uid`, or found nothing.
    pub(crate) fn gone(&mut self, id: &ObjectId, uid: &str) -> Option<T> {
        if self.objects.get(id)?.uid != uid {
            return None;
        }
        self.removed.insert(id.clone(), uid.to_owned());
        self.objects.remove(id).map(|version| version.value)
    }

    /// A complete list at `resource_version` held exactly `listed`; returned is what vanished.
    pub(crate) fn complete(&mut self, listed: &BTreeSet<ObjectId>, resource_version: &str) -> Vec<(ObjectId, T)> {
        let at = number(resource_version);
        self.removed.retain(|id, _| listed.contains(id));
        let vanished = self.objects.extract_if(.., |id, version| {
            let newer = number(&version.resource_version).zip(at).is_some_and(|(held, at)| held > at);
            !listed.contains(id) && !newer
        });
        let vanished = vanished.map(|(id, version)| (id, version.value)).collect();
        self.pass(resource_version);
        vanished
    }

    /// The watch has reported everything up to `resource_version`.
    pub(crate) fn pass(&mut self, resource_version: &str) {
        self.passed = self.passed.max(number(resource_version).unwrap_or_default());
    }
}

fn number(resource_version: &str) -> Option<u64> {
    resource_version.parse().ok()
}

/// Equal texts are the same version; texts that are no numbers cannot be ordered, and the later call wins.
fn is_older_or_equal(one: &str, other: &str) -> bool {
    one == other || number(one).zip(number(other)).is_some_and(|(one, other)| one <= other)
}
