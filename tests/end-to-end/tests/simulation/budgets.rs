//! What a piece of work costs in requests: the budgets of docs/ARCHITECTURE.md, as counts. Lists, watches, discovery, Leases
//! and Events are not counted. And that no timer lies on the path of a chain of dependencies.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use thalweg_end_to_end::commit::Commit;
use thalweg_end_to_end::objects::config_map;
use thalweg_end_to_end::scenario::APPS;
use thalweg_harness::faults::Schedule;
use tokio::time::Instant;

use crate::instance::Instance;
use crate::operation::{INTERVAL, KUSTOMIZE, SOURCE, installed, kustomization, repository};
use crate::runs::in_simulation;
use crate::world::{NAMESPACE, World};

/// How many objects the set has.
const OBJECTS: usize = 50;

/// A process at work, and what it asks.
struct Work {
    world: World,
    instance: Instance,
}

impl Work {
    async fn begin() -> Result<Self> {
        let world = World::new(0);
        let instance = world.start(Schedule::none());
        world.settle().await?;
        Ok(Self { world, instance })
    }

    /// The requests about Kustomizations and their objects, until all has come to rest.
    async fn cost(&self, work: impl Future<Output = ()>) -> Result<Vec<String>> {
        Ok(self.asked(work).await?.into_iter().filter(|call| !is_of_source(call)).collect())
    }

    async fn asked(&self, work: impl Future<Output = ()>) -> Result<Vec<String>> {
        self.instance.wire.begin(Schedule::none());
        work.await;
        self.world.settle().await?;
        Ok(self.instance.wire.labels().into_iter().map(|label| label.call).collect())
    }

    async fn install(&self, commit: &Commit) {
        for step in installed(commit) {
            step.perform(&self.world).await;
        }
    }
}

fn is_of_source(call: &str) -> bool {
    call.contains(" gitrepositories/")
}

fn commit(number: u32, objects: usize, last: &str) -> Commit {
    let value = |index: usize| if index + 1 == objects { last } else { "1" };
    let maps: Vec<Value> = (0..objects).map(|index| config_map(&format!("config-{index:02}"), value(index))).collect();
    Commit::new(number, [(APPS, maps)])
}

#[test]
fn an_installation_an_upgrade_and_a_prune_cost_their_budgets() {
    let costs = in_simulation(async {
        let work = Work::begin().await?;
        work.world.push(&commit(1, OBJECTS, "1"));
        work.world.hands.create(repository()).unwrap();
        work.world.settle().await?;
        let create = async { drop(work.world.hands.create(kustomization(APPS, None)).unwrap()) };
        let installed = work.cost(create).await?;
        assert_eq!(installed.len(), 2 * OBJECTS + 3, "finalizer, dry runs, intent, applies, final: {installed:?}");

        let upgraded = work.cost(async { work.world.push(&commit(2, OBJECTS, "2")) }).await?;
        assert_eq!(upgraded.len(), 4, "dry run, intent, apply, final: {upgraded:?}");

        let unchanged = Commit { revision: commit(3, 0, "").revision, ..commit(2, OBJECTS, "2") };
        let noted = work.cost(async { work.world.push(&unchanged) }).await?;
        assert_eq!(noted, ["patch-status kustomizations/apps"], "a commit that changes no object");

        let pruned = work.cost(async { work.world.push(&commit(4, OBJECTS - 10, "1")) }).await?;
        assert_eq!(pruned.len(), 10 + 2, "intent, deletes, final: {pruned:?}");

        let delete = async { drop(work.world.hands.delete(KUSTOMIZE, "Kustomization", NAMESPACE, APPS, json!({}))) };
        let deleted = work.cost(delete).await?;
        assert_eq!(deleted.len(), OBJECTS - 10 + 1, "deletes, finalizer: {deleted:?}");
        Ok(())
    });
    costs.unwrap();
}

#[test]
fn an_hour_in_which_nothing_happens_costs_nothing() {
    let asked = in_simulation(async {
        let work = Work::begin().await?;
        work.install(&commit(1, OBJECTS, "1")).await;
        work.world.settle().await?;
        work.asked(tokio::time::sleep(60 * INTERVAL)).await
    });
    assert_eq!(asked.unwrap(), Vec::<String>::new());
}

#[test]
fn a_request_by_annotation_costs_one_status() {
    let asked = in_simulation(async {
        let work = Work::begin().await?;
        work.install(&commit(1, OBJECTS, "1")).await;
        work.world.settle().await?;
        let request = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}});
        let ask = |api: &'static str, kind: &'static str, name: &'static str| {
            drop(work.world.hands.merge(api, kind, NAMESPACE, name, "", request.clone()).unwrap());
        };
        let of_kustomization = work.asked(async { ask(KUSTOMIZE, "Kustomization", APPS) }).await?;
        let of_source = work.asked(async { ask(SOURCE, "GitRepository", "source") }).await?;
        Ok([of_kustomization, of_source])
    });
    let expected = [["patch-status kustomizations/apps"], ["patch-status gitrepositories/source"]];
    assert_eq!(asked.unwrap(), expected);
}

#[test]
fn a_foreign_edit_costs_five_requests() {
    let asked = in_simulation(async {
        let work = Work::begin().await?;
        work.install(&commit(1, OBJECTS, "1")).await;
        work.world.settle().await?;
        let edit = json!({"data": {"value": "foreign"}});
        let hands = &work.world.hands;
        work.asked(async { drop(hands.merge("v1", "ConfigMap", NAMESPACE, "config-07", "", edit).unwrap()) }).await
    });
    let expected = [
        "get configmaps/config-07",
        "dry-run configmaps/config-07",
        "patch-status kustomizations/apps",
        "apply configmaps/config-07",
        "patch-status kustomizations/apps",
    ];
    assert_eq!(asked.unwrap(), expected);
}

#[test]
fn no_timer_lies_on_the_path_of_a_chain_of_twenty() {
    const NAMES: [&str; 20] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];
    let took = in_simulation(async {
        let world = World::new(0);
        let _instance = world.start(Schedule::none());
        world.push(&Commit::new(1, NAMES.map(|name| (name, vec![config_map(&format!("of-{name}"), "1")]))));
        for (index, name) in NAMES.into_iter().enumerate() {
            let depends_on = index.checked_sub(1).map(|before| NAMES[before]);
            world.hands.create(kustomization(name, depends_on)).unwrap();
        }
        world.settle().await?;
        let started = Instant::now();
        world.hands.create(repository()).unwrap();
        loop {
            let last = world.hands.get("v1", "ConfigMap", NAMESPACE, "of-t");
            if last.is_ok() {
                return Ok(started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            let limit = started.elapsed() < INTERVAL;
            limit.then_some(()).context("the last of the chain is not there after an interval")?;
        }
    });
    let took = took.unwrap();
    assert!(took < Duration::from_millis(100), "paused time went by: {took:?}");
}
