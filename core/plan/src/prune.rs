//! What becomes of an object that is in the inventory and no longer wanted.

use std::collections::BTreeMap;

use thalweg_manifest::ObjectId;

use crate::verdict::{is_kept, owner_of};
use crate::{Entry, Owner, Seen};

/// The permission to delete one object in one state. Only [`judge`] makes one.
///
/// Its uid and resourceVersion are sent as preconditions: an object that has changed in any way since it was judged is
/// not deleted but judged again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warrant {
    id: ObjectId,
    version: String,
    uid: String,
    resource_version: String,
    owner: Owner,
}

impl Warrant {
    /// The object to delete.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The API version, without the group, through which it was last applied.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The uid that the object must have.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The resourceVersion that the object must have.
    pub fn resource_version(&self) -> &str {
        &self.resource_version
    }

    /// The owner in whose name it is deleted.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }
}

/// What other owners of the same source want, by object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(BTreeMap<ObjectId, Owner>);

impl Claims {
    /// Notes that `owner` wants `object`; the first claim counts.
    pub fn insert(&mut self, object: ObjectId, owner: &Owner) {
        self.0.entry(object).or_insert_with(|| owner.clone());
    }

    /// Who wants `object`.
    pub fn get(&self, object: &ObjectId) -> Option<&Owner> {
        self.0.get(object)
    }
}

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The object is deleted, and the entry leaves when the server has said so.
    Delete(Warrant),
    /// The entry leaves.
    Leave(Released),
    /// The entry stays.
    Keep(Kept),
    /// What the watch shows, or does not show, is not enough: read the object, then judge again.
    Read,
}

/// Why an entry leaves without a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Released {
    /// The object does not exist.
    Gone,
    /// The object's labels name another owner.
    HandedOver(Owner),
    /// The object does not carry our labels, or holds nothing that we applied.
    NotOurs,
    /// The object says that it must not be deleted.
    Protected,
    /// The owner does not prune.
    PruneIsOff,
}

/// Why an entry stays without a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Another owner wants the object and has not taken it over yet.
    ClaimedBy(Owner),
    /// The entry's id cannot be read.
    Unreadable,
}

/// What is known of the object of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Sight<'a> {
    /// The watch does not show it.
    Hidden,
    /// The watch shows it, and may lag behind. That is enough for a deletion, whose preconditions say what was seen.
    Watched(&'a Seen),
    /// A live read showed it, or `None`.
    Live(Option<&'a Seen>),
}

/// Judges an entry of `owner` that is no longer wanted.
///
/// An entry that leaves without a deletion is never looked at again, so nothing but a live read lets it go: a watch that
/// lags behind would show the owner before the last.
pub fn judge(owner: &Owner, entry: &Entry, prunes: bool, sight: Sight<'_>, claims: &Claims) -> Fate {
    let Some(id) = entry.object() else { return Fate::Keep(Kept::Unreadable) };
    match sight {
        Sight::Live(None) => Fate::Leave(Released::Gone),
        Sight::Hidden if !prunes => Fate::Leave(Released::PruneIsOff),
        Sight::Hidden => Fate::Read,
        Sight::Live(Some(seen)) => judge_seen(owner, id, entry, prunes, seen, claims),
        Sight::Watched(seen) => match judge_seen(owner, id, entry, prunes, seen, claims) {
            Fate::Leave(Released::HandedOver(_) | Released::NotOurs | Released::Protected) => Fate::Read,
            fate => fate,
        },
    }
}

fn judge_seen(owner: &Owner, id: ObjectId, entry: &Entry, prunes: bool, seen: &Seen, claims: &Claims) -> Fate {
    match owner_of(seen) {
        Some(named) if named == *owner => {}
        Some(named) => return Fate::Leave(Released::HandedOver(named)),
        None => return Fate::Leave(Released::NotOurs),
    }
    if let Some(claimant) = claims.get(&id) {
        return Fate::Keep(Kept::ClaimedBy(claimant.clone()));
    }
    if !prunes {
        return Fate::Leave(Released::PruneIsOff);
    }
    if is_kept(seen) {
        return Fate::Leave(Released::Protected);
    }
    if seen.applied.is_none() {
        return Fate::Leave(Released::NotOurs);
    }
    Fate::Delete(Warrant {
        id,
        version: entry.version.clone(),
        uid: seen.uid.clone(),
        resource_version: seen.resource_version.clone(),
        owner: owner.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn owner(name: &str) -> Owner {
        Owner { namespace: "apps".to_owned(), name: name.to_owned() }
    }

    fn id() -> ObjectId {
        ObjectId::new("", "ConfigMap", "apps", "a")
    }

    fn seen(change: impl FnOnce(&mut Value)) -> Seen {
        let mut metadata = json!({
            "uid": "u", "resourceVersion": "7",
            "labels": {"kustomize.toolkit.fluxcd.io/name": "web", "kustomize.toolkit.fluxcd.io/namespace": "apps"},
            "annotations": {},
            "managedFields": [{"manager": "m", "operation": "Apply", "time": "t", "fieldsV1": {}}],
        });
        change(&mut metadata);
        Seen::from_metadata(metadata.as_object().expect("a map"), "m").expect("complete")
    }

    fn fate(prunes: bool, sight: Sight<'_>, claims: &Claims) -> Fate {
        judge(&owner("web"), &Entry::new(&id(), "v1"), prunes, sight, claims)
    }

    #[test]
    fn a_warrant_carries_the_state_that_was_judged() {
        let Fate::Delete(warrant) = fate(true, Sight::Live(Some(&seen(|_| {}))), &Claims::default()) else {
            panic!("our own object, wanted by nobody, is deleted")
        };
        assert_eq!((warrant.uid(), warrant.resource_version(), warrant.version()), ("u", "7", "v1"));
    }

    #[test]
    fn nothing_is_deleted_without_our_labels_our_grant_and_a_live_sight_of_it() {
        let none = Claims::default();
        assert_eq!(fate(true, Sight::Hidden, &none), Fate::Read);
        assert_eq!(fate(true, Sight::Live(None), &none), Fate::Leave(Released::Gone));
        let theirs = seen(|metadata| metadata["labels"]["kustomize.toolkit.fluxcd.io/name"] = json!("other"));
        assert_eq!(fate(true, Sight::Live(Some(&theirs)), &none), Fate::Leave(Released::HandedOver(owner("other"))));
        let unlabelled = seen(|metadata| metadata["labels"] = json!({}));
        assert_eq!(fate(true, Sight::Live(Some(&unlabelled)), &none), Fate::Leave(Released::NotOurs));
        let copied = seen(|metadata| metadata["managedFields"] = json!([]));
        assert_eq!(fate(true, Sight::Live(Some(&copied)), &none), Fate::Leave(Released::NotOurs));
    }

    #[test]
    fn an_entry_leaves_on_the_word_of_a_live_read_alone_and_a_deletion_brings_its_preconditions() {
        let none = Claims::default();
        let ours = seen(|_| {});
        assert_eq!(fate(true, Sight::Watched(&ours), &none), fate(true, Sight::Live(Some(&ours)), &none));
        for lagging in [
            seen(|metadata| metadata["labels"]["kustomize.toolkit.fluxcd.io/name"] = json!("other")),
            seen(|metadata| metadata["labels"] = json!({})),
            seen(|metadata| metadata["managedFields"] = json!([])),
            seen(|metadata| metadata["annotations"]["kustomize.toolkit.fluxcd.io/prune"] = json!("disabled")),
        ] {
            assert_eq!(fate(true, Sight::Watched(&lagging), &none), Fate::Read, "{lagging:?}");
        }
    }

    #[test]
    fn an_object_that_says_so_is_not_deleted() {
        for (key, value) in [("prune", "Disabled"), ("reconcile", "disabled"), ("ssa", "Ignore")] {
            let key = format!("kustomize.toolkit.fluxcd.io/{key}");
            let kept = seen(|metadata| metadata["annotations"][&key] = json!(value));
            assert_eq!(
                fate(true, Sight::Live(Some(&kept)), &Claims::default()),
                Fate::Leave(Released::Protected),
                "{key}"
            );
        }
    }

    #[test]
    fn an_object_that_another_owner_wants_stays_until_it_is_taken_over() {
        let mut claims = Claims::default();
        claims.insert(id(), &owner("other"));
        let ours = seen(|_| {});
        assert_eq!(fate(true, Sight::Live(Some(&ours)), &claims), Fate::Keep(Kept::ClaimedBy(owner("other"))));
        let taken = seen(|metadata| metadata["labels"]["kustomize.toolkit.fluxcd.io/name"] = json!("other"));
        assert_eq!(fate(true, Sight::Live(Some(&taken)), &claims), Fate::Leave(Released::HandedOver(owner("other"))));
    }

    #[test]
    fn an_owner_that_does_not_prune_lets_its_objects_go() {
        assert_eq!(
            fate(false, Sight::Live(Some(&seen(|_| {}))), &Claims::default()),
            Fate::Leave(Released::PruneIsOff)
        );
        assert_eq!(fate(false, Sight::Hidden, &Claims::default()), Fate::Leave(Released::PruneIsOff));
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_never_acted_on() {
        let entry = Entry { id: "nonsense".to_owned(), version: "v1".to_owned() };
        assert_eq!(judge(&owner("web"), &entry, true, Sight::Hidden, &Claims::default()), Fate::Keep(Kept::Unreadable));
    }
}
