//! The objects, and every change that made them what they are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::object::Object;

/// Where the objects of one kind are kept, whatever the version: `(group, plural)`.
pub(crate) type Collection = Arc<(String, String)>;
/// The objects of one collection by [`path`], which is the order in which lists give them.
pub(crate) type Objects = BTreeMap<String, Arc<Object>>;

/// One write.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The resourceVersion that the write was given.
    pub(crate) version: u64,
    pub(crate) collection: Collection,
    /// What was there before.
    pub(crate) old: Option<Arc<Object>>,
    /// What is there since; for a deletion, nothing.
    pub(crate) new: Option<Arc<Object>>,
    /// What was deleted, at the version of its deletion.
    pub(crate) gone: Option<Arc<Object>>,
}

/// The objects, and the changes within the history.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    version: u64,
    collections: BTreeMap<Collection, Objects>,
    changes: VecDeque<Change>,
    changes_max: usize,
    forgotten: u64,
}

impl Store {
    pub(crate) fn new(changes_max: usize) -> Self {
        Self { version: 1, collections: BTreeMap::new(), changes: VecDeque::new(), changes_max, forgotten: 0 }
    }

    /// The resourceVersion of the newest write.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The newest write that the history has lost: the past up to here cannot be told.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(crate) fn get(&self, collection: &Collection, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.collections.get(collection)?.get(&path(namespace, name))
    }

    /// The objects of a collection as they are now, if there ever were any.
    pub(crate) fn all(&self, collection: &Collection) -> Option<&Objects> {
        self.collections.get(collection)
    }

    /// The objects of every collection as they were when `version` was the newest, or `None` beyond the history.
    pub(crate) fn everything_at(&self, version: u64) -> Option<Vec<Arc<Object>>> {
        let mut objects = Vec::new();
        for collection in self.collections.keys() {
            objects.extend(self.objects_at(collection, version)?.into_values());
        }
        Some(objects)
    }

    /// The objects of a collection as they are now.
    pub(crate) fn objects(&self, collection: &Collection) -> impl DoubleEndedIterator<Item = &Arc<Object>> {
        self.collections.get(collection).into_iter().flat_map(BTreeMap::values)
    }

    /// The objects of a collection as they were when `version` was the newest, or `None` beyond the history.
    pub(crate) fn objects_at(&self, collection: &Collection, version: u64) -> Option<Objects> {
        if version < self.forgotten {
            return None;
        }
        let mut objects = self.collections.get(collection).cloned().unwrap_or_default();
        for change in self.changes.iter().rev().take_while(|change| change.version > version) {
            if change.collection != *collection {
                continue;
            }
            if let Some(new) = &change.new {
                objects.remove(&path_of(new));
            }
            if let Some(old) = &change.old {
                objects.insert(path_of(old), Arc::clone(old));
            }
        }
        Some(objects)
    }

    /// The changes after `version`, or `None` beyond the history.
    pub(crate) fn changes_since(&self, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let start = self.changes.partition_point(|change| change.version <= version);
        (version >= self.forgotten).then(|| self.changes.range(start..))
    }

    /// Forgets all but the newest `keep` changes, as a compaction does.
    pub(crate) fn compact(&mut self, keep: usize) {
        while self.changes.len() > keep {
            if let Some(change) = self.changes.pop_front() {
                self.forgotten = change.version;
            }
        }
    }

    /// Puts an object in its place under the next resourceVersion.
    pub(crate) fn put(&mut self, collection: &Collection, mut value: serde_json::Value) -> Arc<Object> {
        self.version += 1;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(Object::new(value));
        let objects = self.collections.entry(Arc::clone(collection)).or_default();
        let old = objects.insert(path_of(&object), Arc::clone(&object));
        self.record(Change {
            version: self.version,
            collection: Arc::clone(collection),
            old,
            new: Some(Arc::clone(&object)),
            gone: None,
        });
        object
    }

    /// Takes an object away under the next resourceVersion, which is that of the answer.
    pub(crate) fn remove(&mut self, collection: &Collection, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let objects = self.collections.get_mut(collection)?;
        let old = objects.remove(&path(namespace, name))?;
        self.version += 1;
        let gone = Arc::new(old.at(self.version));
        self.record(Change {
            version: self.version,
            collection: Arc::clone(collection),
            old: Some(old),
            new: None,
            gone: Some(Arc::clone(&gone)),
        });
        Some(gone)
    }

    fn record(&mut self, change: Change) {
        self.changes.push_back(change);
        self.compact(self.changes_max);
    }
}

/// An object within its collection, as the keys of etcd have it: `namespace/name`, or `name`.
fn path(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn path_of(object: &Object) -> String {
    path(object.namespace(), object.name())
}
