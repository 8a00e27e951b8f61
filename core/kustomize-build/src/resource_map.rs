//! The objects of a build in their order, found by what they are called and what they were called before.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use thalweg_manifest::{ObjectId, Origin};

use crate::Error;
use crate::identity::Id;
use crate::resource::Resource;

mod absorb;

/// Objects in order. A position stays the same for as long as its object is there: what is removed leaves a gap.
#[derive(Debug, Default)]
pub(crate) struct ResourceMap {
    slots: Vec<Option<Resource>>,
    index: Index,
}

/// Which positions have which ids; brought up to date at the next lookup.
#[derive(Debug, Default)]
struct Index {
    hasher: RandomState,
    /// Positions by the hash of each id that an object has or had.
    by_any: HashMap<u64, Positions, BuildHasherDefault<Hashed>>,
    /// How many objects have an id now, by its hash.
    by_current: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// How many entries of `by_current` are above one.
    repeated: usize,
    /// What each position is registered under: former ids, then the current one.
    registered: Vec<Vec<u64>>,
    /// Whether objects knew the scopes of a schema of the build when they were registered.
    scopes_are_brought: bool,
    stale: Stale,
}

/// The hash of what is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Positions whose objects may have other ids than the index knows.
#[derive(Debug)]
enum Stale {
    Some(Vec<usize>),
    All,
}

/// Mostly one.
#[derive(Debug)]
struct Positions {
    first: usize,
    others: Vec<usize>,
}

impl ResourceMap {
    /// How many objects there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// In order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.slots.iter().flatten()
    }

    /// In order, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.index.stale = Stale::All;
        self.slots.iter_mut().flatten()
    }

    /// In order, to be changed in anything but what they are called.
    pub(crate) fn contents_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        self.slots.iter_mut().flatten()
    }

    /// Positions of objects in order.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().enumerate().filter(|(_, slot)| slot.is_some()).map(|(position, _)| position)
    }

    /// What is at a position.
    pub(crate) fn get(&self, position: usize) -> Option<&Resource> {
        self.slots.get(position)?.as_ref()
    }

    /// What is at a position, to be changed.
    pub(crate) fn get_mut(&mut self, position: usize) -> Option<&mut Resource> {
        let found = self.slots.get_mut(position)?.as_mut();
        if found.is_some() {
            self.index.mark(position);
        }
        found
    }

    /// What is at a position, to be changed in anything but what it is called.
    pub(crate) fn content_mut(&mut self, position: usize) -> Option<&mut Resource> {
        self.slots.get_mut(position)?.as_mut()
    }

    /// Adds an object behind the others.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateId`] when another is called the same now.
    pub(crate) fn append(&mut self, resource: Resource) -> Result<(), Error> {
        let id = resource.id();
        if let Some(first) = self.matching_current(id).first().and_then(|position| self.get(*position)) {
            return Err(duplicate(id, first, &resource));
        }
        self.index.mark(self.slots.len());
        self.slots.push(Some(resource));
        Ok(())
    }

    /// Adds objects behind the others, in their order.
    pub(crate) fn append_all(&mut self, other: Self) -> Result<(), Error> {
        if self.slots.is_empty() {
            *self = other;
            return self.refuse_duplicates();
        }
        self.slots.reserve(other.slots.len());
        other.slots.into_iter().flatten().try_for_each(|resource| self.append(resource))
    }

    /// Takes an object away.
    pub(crate) fn remove(&mut self, position: usize) -> Option<Resource> {
        let removed = self.slots.get_mut(position)?.take();
        self.index.mark(position);
        removed
    }

    /// Keeps what satisfies `wanted`.
    pub(crate) fn retain(&mut self, mut wanted: impl FnMut(&Resource) -> bool) {
        for (position, slot) in self.slots.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|resource| !wanted(resource)) {
                *slot = None;
                self.index.mark(position);
            }
        }
    }

    /// Positions of what is called this now: one, unless a change gave two objects one id.
    pub(crate) fn matching_current(&mut self, id: Id<&str>) -> Vec<usize> {
        self.index.refresh(&self.slots);
        self.matching(id, |resource| resource.id().is_same(id))
    }

    /// Positions of what is or was called this.
    pub(crate) fn matching_any(&mut self, id: Id<&str>) -> Vec<usize> {
        self.index.refresh(&self.slots);
        self.matching(id, |resource| resource.ids().any(|other| other.is_same(id)))
    }

    /// # Errors
    ///
    /// [`Error::DuplicateId`] for the first two objects that are called the same now.
    pub(crate) fn refuse_duplicates(&mut self) -> Result<(), Error> {
        self.refuse_duplicates_among(|_| true)
    }

    /// # Errors
    ///
    /// [`Error::DuplicateId`] for the first two objects that count and are called the same now.
    pub(crate) fn refuse_duplicates_among(&mut self, counts: impl Fn(&Resource) -> bool) -> Result<(), Error> {
        self.index.refresh(&self.slots);
        if self.index.repeated == 0 {
            return Ok(());
        }
        for (position, second) in self.positions().zip(self.iter()).filter(|(_, second)| counts(second)) {
            let id = second.id();
            let matching = self.matching(id, |resource| counts(resource) && resource.id().is_same(id));
            let first = matching.first().filter(|first| **first != position);
            if let Some(first) = first.and_then(|first| self.get(*first)) {
                return Err(duplicate(id, first, second));
            }
        }
        Ok(())
    }

    /// The objects in order.
    pub(crate) fn into_resources(self) -> Vec<Resource> {
        self.slots.into_iter().flatten().collect()
    }

    /// Of an index that is up to date.
    fn matching(&self, id: Id<&str>, fits: impl Fn(&Resource) -> bool) -> Vec<usize> {
        let Some(found) = self.index.by_any.get(&self.index.hash(id)) else { return Vec::new() };
        let mut positions: Vec<usize> =
            found.iter().filter(|position| self.get(*position).is_some_and(&fits)).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

fn duplicate(id: Id<&str>, first: &Resource, second: &Resource) -> Error {
    let origin =
        |resource: &Resource| Origin { file: resource.place.file.as_str().into(), line: resource.place.position.line };
    Error::DuplicateId {
        id: ObjectId::new(id.gvk.group, id.gvk.kind, id.namespace, id.name),
        first: origin(first),
        second: origin(second),
    }
}

impl Index {
    /// Group and version are left out: what differs in them alone is rare, and told apart where it is found.
    fn hash(&self, id: Id<&str>) -> u64 {
        self.hasher.hash_one((id.gvk.kind, id.name, id.effective_namespace()))
    }

    fn mark(&mut self, position: usize) {
        if let Stale::Some(positions) = &mut self.stale {
            positions.push(position);
        }
    }

    fn refresh(&mut self, slots: &[Option<Resource>]) {
        self.registered.resize_with(slots.len(), Vec::new);
        let scopes_are_brought = slots.iter().flatten().next().is_some_and(|resource| resource.scopes.are_brought());
        if scopes_are_brought != self.scopes_are_brought {
            (self.scopes_are_brought, self.stale) = (scopes_are_brought, Stale::All);
        }
        match std::mem::take(&mut self.stale) {
            Stale::Some(positions) => positions.into_iter().for_each(|position| self.register(position, slots)),
            Stale::All => (0..slots.len()).for_each(|position| self.register(position, slots)),
        }
    }

    fn register(&mut self, position: usize, slots: &[Option<Resource>]) {
        let keys = match slots.get(position) {
            Some(Some(resource)) => self.keys(resource),
            Some(None) | None => Vec::new(),
        };
        let Some(registered) = self.registered.get_mut(position) else { return };
        if *registered == keys {
            return;
        }
        let before = std::mem::replace(registered, keys.clone());
        for key in before.iter().filter(|key| !keys.contains(key)) {
            if self.by_any.get_mut(key).is_some_and(|positions| !positions.remove(position)) {
                self.by_any.remove(key);
            }
        }
        for key in keys.iter().filter(|key| !before.contains(key)) {
            self.by_any
                .entry(*key)
                .and_modify(|positions| positions.add(position))
                .or_insert(Positions { first: position, others: Vec::new() });
        }
        self.count(before.last(), keys.last());
    }

    /// Counts what an object is called now instead of what it was called before.
    fn count(&mut self, before: Option<&u64>, now: Option<&u64>) {
        if before == now {
            return;
        }
        if let Some(count) = before.and_then(|key| self.by_current.get_mut(key)) {
            *count -= 1;
            self.repeated -= usize::from(*count == 1);
        }
        if let Some(key) = now {
            let count = self.by_current.entry(*key).or_insert(0);
            *count += 1;
            self.repeated += usize::from(*count == 2);
        }
    }

    /// The hashes of what an object was called, and of what it is called now.
    fn keys(&self, resource: &Resource) -> Vec<u64> {
        let mut keys = Vec::with_capacity(resource.former.len() + 1);
        keys.extend(resource.ids().map(|id| self.hash(id)));
        keys
    }
}

impl Default for Stale {
    fn default() -> Self {
        Self::Some(Vec::new())
    }
}

impl Positions {
    fn iter(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    fn add(&mut self, position: usize) {
        if self.iter().all(|known| known != position) {
            self.others.push(position);
        }
    }

    /// Whether any are left.
    fn remove(&mut self, position: usize) -> bool {
        self.others.retain(|other| *other != position);
        if self.first != position {
            return true;
        }
        match self.others.pop() {
            Some(other) => {
                self.first = other;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
#[path = "resource_map_tests.rs"]
mod tests;
