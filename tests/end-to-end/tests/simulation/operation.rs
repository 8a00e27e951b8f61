//! What users do: the pieces of work that may be cut short anywhere.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use thalweg_end_to_end::commit::{Commit, ids};
use thalweg_end_to_end::objects::{config_map, secret};
use thalweg_end_to_end::scenario::{APPS, Change, Scenario};
use thalweg_manifest::ObjectId;

use crate::world::{NAMESPACE, URL, World};

/// Marks what is secret: these bytes are nowhere but in Secrets.
pub(crate) const SECRET: &str = "hunter2-5f0e9ac1d7b84f6e";
/// How often sources and Kustomizations look again by themselves.
pub(crate) const INTERVAL: Duration = Duration::from_secs(60);

/// One piece of work: what is there before, and what a user then does.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) before: Vec<Step>,
    pub(crate) change: Vec<Step>,
    /// What the user does after the process has ended, before the next one starts.
    pub(crate) after_end: Vec<Step>,
    /// Of the newest commit, only this folder is wanted in the end.
    kept: Option<&'static str>,
}

/// One thing that a user does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// `git push`.
    Push(Commit),
    /// `kubectl create`.
    Create(Value),
    /// `kubectl patch --type=merge`: apiVersion, kind, name, patch.
    Merge(&'static str, &'static str, &'static str, Value),
    /// `kubectl delete`: apiVersion, kind, name.
    Delete(&'static str, &'static str, &'static str),
    /// Nothing, for a while.
    Wait(Duration),
}

pub(crate) const SOURCE: &str = "source.toolkit.fluxcd.io/v1";
pub(crate) const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io/v1";
pub(crate) const THALWEG: &str = "thalweg.dev/v1alpha1";

impl Operation {
    fn new(name: &str, before: Vec<Step>, change: Vec<Step>) -> Self {
        Self { name: name.to_owned(), before, change, after_end: Vec::new(), kept: None }
    }

    /// Every operation that exists.
    pub(crate) fn all() -> Vec<Self> {
        let mut all: Vec<Self> = [
            Scenario::install(),
            Scenario::prune(),
            Scenario::move_between_owners(),
            Scenario::move_to_a_dependent(),
            Scenario::delete(),
            Scenario::revert(),
        ]
        .iter()
        .map(Self::of)
        .collect();
        all.extend([
            Self::upgrade(),
            Self::drift(),
            Self::suspend_and_resume(),
            Self::fetch(),
            Self::new_revision(),
            Self::expiry(),
            Self::create_configuration(),
            Self::change_configuration(),
            Self::delete_configuration(),
        ]);
        all
    }

    /// The operation of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|operation| operation.name == name)
    }

    /// A scenario that the real control plane has seen too.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        let before: Vec<Step> = scenario.before.iter().flat_map(installed).collect();
        let change = match &scenario.change {
            Change::Install(commit) => installed(commit),
            Change::Publish(commit) => vec![Step::Push(commit.clone())],
            Change::Delete => {
                let folders = scenario.before.iter().flat_map(|commit| commit.folders.keys());
                folders.map(|folder| Step::Delete(KUSTOMIZE, "Kustomization", folder)).collect()
            }
        };
        let after_end = match (&scenario.end, scenario.is_reverted()) {
            (Some(commit), true) => vec![Step::Push(commit.clone())],
            _ => Vec::new(),
        };
        Self { name: scenario.name.to_owned(), before, change, after_end, kept: None }
    }

    /// Two of eight objects get other values, one another label.
    pub(crate) fn upgrade() -> Self {
        let before = Commit::new(1, [(APPS, maps(0..8, "1"))]);
        let mut objects = maps(0..8, "1");
        objects[2]["data"]["value"] = "2".into();
        objects[5]["data"] = json!({"other": "3"});
        objects[6]["metadata"]["labels"] = json!({"tier": "web"});
        Self::new("upgrade", installed(&before), vec![Step::Push(Commit::new(2, [(APPS, objects)]))])
    }

    /// Somebody edits one object and deletes another.
    pub(crate) fn drift() -> Self {
        let commit = Commit::new(1, [(APPS, [maps(0..4, "1"), vec![secret("secret", "1")]].concat())]);
        let change = vec![
            Step::Merge("v1", "ConfigMap", "config-01", json!({"data": {"value": "foreign"}})),
            Step::Delete("v1", "Secret", "secret"),
        ];
        Self::new("drift", installed(&commit), change)
    }

    /// A suspended Kustomization misses a commit and catches up.
    pub(crate) fn suspend_and_resume() -> Self {
        let suspend =
            |suspend: bool| Step::Merge(KUSTOMIZE, "Kustomization", APPS, json!({"spec": {"suspend": suspend}}));
        let before = Commit::new(1, [(APPS, maps(0..4, "1"))]);
        let after = Commit::new(2, [(APPS, maps(2..6, "2"))]);
        let change =
            vec![suspend(true), Step::Wait(INTERVAL), Step::Push(after), Step::Wait(3 * INTERVAL), suspend(false)];
        Self::new("suspend-resume", installed(&before), change)
    }

    /// A GitRepository is fetched for the first time.
    pub(crate) fn fetch() -> Self {
        let commit = Commit::new(1, [(APPS, maps(0..2, "1"))]);
        Self::new("fetch", Vec::new(), vec![Step::Push(commit), Step::Create(repository())])
    }

    /// A GitRepository finds a new commit.
    pub(crate) fn new_revision() -> Self {
        let commit = |number| Commit::new(number, [(APPS, maps(0..2, "1"))]);
        let before = vec![Step::Push(commit(1)), Step::Create(repository()), Step::Wait(INTERVAL)];
        Self::new("new-revision", before, vec![Step::Push(Commit::new(2, [(APPS, maps(0..3, "2"))]))])
    }

    /// Artifacts nobody needs any more go, as time passes.
    pub(crate) fn expiry() -> Self {
        let commit = |number: u32| Step::Push(Commit::new(number, [(APPS, maps(0..number as usize, "1"))]));
        let before = vec![commit(1), Step::Create(repository()), Step::Wait(INTERVAL)];
        let change = (2..6).flat_map(|number| [commit(number), Step::Wait(2 * INTERVAL)]).collect();
        Self::new("expiry", before, change)
    }

    /// A FluxConfiguration becomes a source, two Kustomizations and their objects.
    pub(crate) fn create_configuration() -> Self {
        let before = vec![Step::Push(fleet(1)), Step::Create(settings())];
        Self::new("configuration-create", before, vec![Step::Create(configuration())])
    }

    /// A FluxConfiguration loses a Kustomization and points another elsewhere.
    pub(crate) fn change_configuration() -> Self {
        let before = vec![Step::Push(fleet(1)), Step::Create(settings()), Step::Create(configuration())];
        let patch = json!({"spec": {"kustomizations": {"infra": null, "apps": {"path": "./more", "dependsOn": null}}}});
        let change = vec![Step::Merge(THALWEG, "FluxConfiguration", "fleet", patch)];
        Self { kept: Some("more"), ..Self::new("configuration-change", before, change) }
    }

    /// A FluxConfiguration and all that came of it goes.
    pub(crate) fn delete_configuration() -> Self {
        let before = vec![Step::Push(fleet(1)), Step::Create(settings()), Step::Create(configuration())];
        Self::new("configuration-delete", before, vec![Step::Delete(THALWEG, "FluxConfiguration", "fleet")])
    }

    /// The objects that may be deleted at all: what one commit has and another has not, what is outside the folder that is
    /// kept, and what the user deletes; after the deletion of an owner, everything.
    pub(crate) fn may_delete(&self) -> BTreeSet<String> {
        let steps = || self.before.iter().chain(&self.change).chain(&self.after_end);
        let ids_of = |commit: &Commit| ids(commit, NAMESPACE).into_values().flatten().collect::<BTreeSet<String>>();
        let commits: Vec<&Commit> = steps()
            .filter_map(|step| match step {
                Step::Push(commit) => Some(commit),
                _ => None,
            })
            .collect();
        let user_deletes = steps().filter_map(|step| match step {
            Step::Delete("v1", kind, name) => Some(ObjectId::new("", *kind, NAMESPACE, *name).to_string()),
            _ => None,
        });
        let mut all: BTreeSet<String> = commits.iter().flat_map(|commit| ids_of(commit)).collect();
        if self.kept.is_some() {
            let wanted = self.wanted();
            all.retain(|id| !wanted.contains(id));
        } else if !self.takes_down() {
            let kept = commits.iter().map(|commit| ids_of(commit)).reduce(|all, each| &all & &each);
            let kept = kept.unwrap_or_default();
            all.retain(|id| !kept.contains(id));
        }
        all.extend(user_deletes);
        all
    }
}

impl Operation {
    /// The objects of the newest commit, or of its folder that is kept: nobody deletes them, unless their owner goes.
    pub(crate) fn wanted(&self) -> BTreeSet<String> {
        let steps = self.before.iter().chain(&self.change);
        let newest = steps.rev().find_map(|step| if let Step::Push(commit) = step { Some(commit) } else { None });
        let newest = newest.filter(|_| !self.takes_down());
        let folders = newest.into_iter().flat_map(|commit| ids(commit, NAMESPACE));
        folders.filter(|(folder, _)| self.kept.is_none_or(|kept| kept == *folder)).flat_map(|(_, ids)| ids).collect()
    }

    /// Whether an owner goes.
    fn takes_down(&self) -> bool {
        let mut steps = self.before.iter().chain(&self.change);
        steps.any(|step| matches!(step, Step::Delete(_, "Kustomization" | "FluxConfiguration", _)))
    }
}

impl Step {
    /// Does it.
    pub(crate) async fn perform(&self, world: &World) {
        match self {
            Self::Push(commit) => world.push(commit),
            Self::Create(object) => drop(world.hands.create(object.clone()).unwrap()),
            Self::Merge(api_version, kind, name, patch) => {
                drop(world.hands.merge(api_version, kind, NAMESPACE, name, "", patch.clone()).unwrap());
            }
            Self::Delete(api_version, kind, name) => {
                world.hands.delete(api_version, kind, NAMESPACE, name, json!({})).unwrap();
            }
            Self::Wait(duration) => tokio::time::sleep(*duration).await,
        }
    }
}

/// The source, a Kustomization for each folder, and the commit.
pub(crate) fn installed(commit: &Commit) -> Vec<Step> {
    let kustomizations = commit.folders.keys().map(|folder| {
        let depends_on = commit.depends_on.get(folder).copied();
        Step::Create(kustomization(folder, depends_on))
    });
    [Step::Push(commit.clone()), Step::Create(repository())].into_iter().chain(kustomizations).collect()
}

pub(crate) fn maps(range: std::ops::Range<usize>, value: &str) -> Vec<Value> {
    range.map(|number| config_map(&format!("config-{number:02}"), value)).collect()
}

pub(crate) fn repository() -> Value {
    json!({
        "apiVersion": SOURCE, "kind": "GitRepository", "metadata": {"name": "source", "namespace": NAMESPACE},
        "spec": {"url": URL, "interval": "1m", "ref": {"branch": "main"}},
    })
}

pub(crate) fn kustomization(folder: &str, depends_on: Option<&str>) -> Value {
    json!({
        "apiVersion": KUSTOMIZE, "kind": "Kustomization", "metadata": {"name": folder, "namespace": NAMESPACE},
        "spec": {
            "interval": "1m", "path": format!("./{folder}"), "prune": true, "wait": true,
            "sourceRef": {"kind": "GitRepository", "name": "source"},
            "dependsOn": depends_on.map(|name| json!({"name": name})).into_iter().collect::<Vec<_>>(),
        },
    })
}

fn fleet(number: u32) -> Commit {
    let folders = [("infra", maps(0..3, "1")), (APPS, maps(3..6, "1")), ("more", maps(4..8, "1"))];
    Commit::new(number, folders)
}

fn settings() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings", "namespace": NAMESPACE},
        "stringData": {"httpsKey": SECRET},
    })
}

fn configuration() -> Value {
    json!({
        "apiVersion": THALWEG, "kind": "FluxConfiguration", "metadata": {"name": "fleet", "namespace": NAMESPACE},
        "spec": {
            "scope": "namespace",
            "gitRepository": {"url": URL, "repositoryRef": {"branch": "main"}, "httpsUser": "git", "syncIntervalInSeconds": 60},
            "secretRef": {"name": "settings"},
            "kustomizations": {
                "infra": {"path": "./infra", "prune": true, "syncIntervalInSeconds": 60},
                "apps": {"path": "./apps", "prune": true, "dependsOn": ["infra"], "syncIntervalInSeconds": 60},
            },
        },
    })
}
