//! What an owner may have created, in the format of Flux's `status.inventory`.

use thalweg_manifest::ObjectId;

/// An entry: which object, and the API version through which it was last applied.
///
/// An id that cannot be read is kept as it is: an entry may only leave on proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id as it stands in the status.
    pub id: String,
    /// The API version, without the group.
    pub version: String,
}

impl Entry {
    /// The entry of an object.
    pub fn new(id: &ObjectId, version: &str) -> Self {
        Self { id: id.to_string(), version: version.to_owned() }
    }

    /// The identity, when the id can be read.
    pub fn object(&self) -> Option<ObjectId> {
        self.id.parse().ok()
    }
}

/// Entries in apply order, one an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: Vec<Entry>,
}

impl Inventory {
    /// An inventory of these entries; of two for one object, the last counts.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut inventory = Self::default();
        for entry in entries {
            inventory.insert(entry);
        }
        inventory
    }

    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether there is an entry for `object`, whatever its version.
    pub fn contains(&self, object: &ObjectId) -> bool {
        let id = object.to_string();
        self.entries.iter().any(|entry| entry.id == id)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// These entries and, behind them, those of `other` that are not among them. Versions are those of `other`.
    pub fn union(&self, other: &Self) -> Self {
        Self::new(self.entries.iter().chain(&other.entries).cloned())
    }

    /// The entries whose object is not in `other`, whatever its version.
    pub fn minus(&self, other: &Self) -> Self {
        let ids: std::collections::BTreeSet<&str> = other.entries.iter().map(|entry| entry.id.as_str()).collect();
        Self { entries: self.entries.iter().filter(|entry| !ids.contains(entry.id.as_str())).cloned().collect() }
    }

    fn insert(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|known| known.id == entry.id) {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(ids: &[&str]) -> Inventory {
        Inventory::new(ids.iter().map(|id| Entry { id: (*id).to_owned(), version: "v1".to_owned() }))
    }

    #[test]
    fn a_union_keeps_the_order_and_takes_the_later_version() {
        let newer = Inventory::new([Entry { id: "a".to_owned(), version: "v2".to_owned() }]);
        let union = inventory(&["b", "a"]).union(&newer);
        let entries: Vec<_> = union.entries().iter().map(|entry| (entry.id.as_str(), entry.version.as_str())).collect();
        assert_eq!(entries, [("b", "v1"), ("a", "v2")]);
    }

    #[test]
    fn a_difference_ignores_the_version() {
        let newer = Inventory::new([Entry { id: "a".to_owned(), version: "v2".to_owned() }]);
        assert_eq!(inventory(&["a", "b"]).minus(&newer), inventory(&["b"]));
    }

    #[test]
    fn an_entry_that_cannot_be_read_stays() {
        let unread = inventory(&["nonsense"]);
        assert_eq!(unread.entries()[0].object(), None);
        assert_eq!(unread.union(&inventory(&["a"])).minus(&inventory(&["a"])), unread);
    }
}
