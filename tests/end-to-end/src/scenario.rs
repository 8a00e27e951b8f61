//! The pieces of work.

use serde_json::Value;

use crate::commit::Commit;
use crate::objects::{cluster_role, config_map, role, role_binding, secret, service_account};

/// One piece of work: what is there before, what changes, and to what it must lead.
pub struct Scenario {
    /// In a few letters.
    pub name: &'static str,
    /// What is applied before; nothing in an installation.
    pub before: Option<Commit>,
    /// What is done then.
    pub change: Change,
    /// What must be there in the end; `None` for nothing, not even a Kustomization.
    pub end: Option<Commit>,
}

/// What begins the work.
pub enum Change {
    /// The commit is published, then its Kustomizations are made.
    Install(Commit),
    /// The commit is published.
    Publish(Commit),
    /// All Kustomizations are deleted.
    Delete,
}

/// The folder, and Kustomization, of the scenarios that need one.
pub const APPS: &str = "apps";
const MORE: &str = "more";

impl Scenario {
    /// Twenty objects of six kinds and two stages.
    pub fn install() -> Self {
        let commit = Commit::new(1, [(APPS, twenty_objects())]);
        Self { name: "install", before: None, end: Some(commit.clone()), change: Change::Install(commit) }
    }

    /// Ten of twenty objects go.
    pub fn prune() -> Self {
        let kept: Vec<Value> = twenty_objects().into_iter().step_by(2).collect();
        let commit = Commit::new(2, [(APPS, kept)]);
        Self {
            name: "prune",
            before: Some(Commit::new(1, [(APPS, twenty_objects())])),
            end: Some(commit.clone()),
            change: Change::Publish(commit),
        }
    }

    /// Five objects go from one Kustomization to another of the same artifact, and two the other way.
    pub fn move_between_owners() -> Self {
        let maps = |numbers: std::ops::Range<usize>| numbers.map(|number| config_map(&numbered(number), "1"));
        let before = Commit::new(1, [(APPS, maps(0..8).collect()), (MORE, maps(8..12).collect())]);
        let apps = maps(0..3).chain(maps(10..12)).chain([secret("secret-0", "1")]).collect();
        let after = Commit::new(2, [(APPS, apps), (MORE, maps(3..10).chain([secret("secret-1", "1")]).collect())]);
        Self { name: "move", before: Some(before), end: Some(after.clone()), change: Change::Publish(after) }
    }

    /// The same, where the second Kustomization depends on the first: when the first comes to delete what has left it,
    /// the second has not begun to take it over.
    pub fn move_to_a_dependent() -> Self {
        let mut scenario = Self { name: "move-to-dependent", ..Self::move_between_owners() };
        scenario.before = scenario.before.map(|before| Commit { depends_on: [(MORE, APPS)].into(), ..before });
        scenario
    }

    /// A Kustomization and its twenty objects go.
    pub fn delete() -> Self {
        Self {
            name: "delete",
            before: Some(Commit::new(1, [(APPS, twenty_objects())])),
            change: Change::Delete,
            end: None,
        }
    }

    /// A commit changes six objects, adds two and removes two; after the crash the source goes back to the one before.
    pub fn revert() -> Self {
        let maps = |range: std::ops::Range<usize>, value: &'static str| {
            range.map(move |number| config_map(&numbered(number), value))
        };
        let before = Commit::new(1, [(APPS, maps(0..10, "1").chain([cluster_role("reader")]).collect())]);
        let changed = maps(0..6, "2").chain(maps(6..8, "1")).chain(maps(10..12, "2")).chain([cluster_role("reader")]);
        Self {
            name: "revert",
            before: Some(before.clone()),
            change: Change::Publish(Commit::new(2, [(APPS, changed.collect())])),
            end: Some(before),
        }
    }

    /// The commit that the change brings.
    pub fn changed(&self) -> Option<&Commit> {
        match &self.change {
            Change::Install(commit) | Change::Publish(commit) => Some(commit),
            Change::Delete => None,
        }
    }

    /// Whether the source goes back after the change.
    pub fn is_reverted(&self) -> bool {
        self.changed().map(|commit| &commit.revision) != self.end.as_ref().map(|commit| &commit.revision)
    }

    /// How many objects are there at most.
    pub fn size(&self) -> usize {
        let size = |commit: &Commit| commit.folders.values().map(Vec::len).sum();
        [&self.before, &self.end].into_iter().flatten().map(size).max().unwrap_or_default()
    }
}

fn numbered(number: usize) -> String {
    format!("config-{number:02}")
}

fn twenty_objects() -> Vec<Value> {
    let mut objects: Vec<Value> = (0..10).map(|number| config_map(&numbered(number), "1")).collect();
    objects.extend((0..4).map(|number| secret(&format!("secret-{number}"), "1")));
    objects.extend((0..2).map(|number| service_account(&format!("account-{number}"))));
    objects.extend([role("reader"), role_binding("readers", "reader", "account-0")]);
    objects.extend([cluster_role("reader"), cluster_role("writer")]);
    assert_eq!(objects.len(), 20);
    objects
}
