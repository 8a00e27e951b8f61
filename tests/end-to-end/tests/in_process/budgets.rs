//! What work costs in requests, from the audit log of the API server: the budgets of docs/ARCHITECTURE.md, as counts.
//!
//! Counted is every request but watches and the list that opens them, discovery, Leases and Events.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use thalweg_crds::annotations;
use thalweg_harness::{AuditMark, ControlPlane, Requests, observe};

use crate::ground::{Ground, LIMIT, Publisher};
use crate::instance::Instance;
use thalweg_end_to_end::commit::Commit;
use thalweg_end_to_end::objects::config_map;

/// How many objects the set has.
const OBJECTS: usize = 50;
const APPS: &str = "apps";
const QUIET: std::time::Duration = std::time::Duration::from_millis(300);

/// A controller at work, and what it asked since a mark.
struct Watched<'a> {
    plane: &'static ControlPlane,
    ground: Ground<'a>,
    instance: Instance,
    name: String,
    mark: AuditMark,
}

impl<'a> Watched<'a> {
    async fn start(publisher: &'a Publisher, name: &str) -> Watched<'a> {
        let plane = ControlPlane::shared().await.unwrap();
        let client = plane.client("thalweg-tests").await.unwrap();
        let ground = Ground::new(plane, &client, publisher, name, APPS).await.unwrap();
        let instance = Instance::start(plane, ground.name(), ground.name());
        let (name, mark) = (ground.name().to_owned(), plane.audit().unwrap().mark().unwrap());
        Self { plane, ground, instance, name, mark }
    }

    /// Waits until the commit is applied and the controller is done, then takes what it asked since the last time.
    async fn requests_until(&mut self, commit: &Commit) -> Requests {
        self.ground.reach(Some(commit)).await.unwrap();
        self.requests().await
    }

    async fn requests(&mut self) -> Requests {
        self.instance.wire.quiet(QUIET).await;
        let audit = self.plane.audit().unwrap();
        let (mark, now) = (self.mark, audit.mark().unwrap());
        self.mark = now;
        audit.counted_since(mark, |request| request.user_agent == self.name).unwrap()
    }
}

fn commit(number: u32, objects: usize, last: &str) -> Commit {
    let value = |index: usize| if index + 1 == objects { last } else { "1" };
    let maps: Vec<Value> = (0..objects).map(|index| config_map(&format!("config-{index:02}"), value(index))).collect();
    Commit::new(number, [(APPS, maps)])
}

#[tokio::test]
async fn an_installation_an_upgrade_and_a_prune_cost_their_budgets() {
    let publisher = Publisher::start().await.unwrap();
    let mut work = Watched::start(&publisher, "budget-of-work").await;

    let installed = commit(1, OBJECTS, "1");
    work.ground.install(&installed, "10m").await.unwrap();
    let requests = work.requests_until(&installed).await;
    assert_eq!(requests.count(), 2 * OBJECTS + 3, "finalizer, dry runs, intent, applies, final: {requests}");

    let upgraded = commit(2, OBJECTS, "2");
    work.ground.publish(&upgraded).await.unwrap();
    let requests = work.requests_until(&upgraded).await;
    assert!(requests.count() <= 4, "intent, dry run, apply, final: {requests}");

    let only_the_revision = Commit { revision: commit(3, 0, "").revision, ..upgraded.clone() };
    work.ground.publish(&only_the_revision).await.unwrap();
    let requests = work.requests_until(&only_the_revision).await;
    assert_eq!(requests.count(), 1, "a commit that changes no object costs one status: {requests}");

    let pruned = commit(4, OBJECTS - 10, "1");
    work.ground.publish(&pruned).await.unwrap();
    let requests = work.requests_until(&pruned).await;
    assert_eq!(requests.count(), 10 + 2, "intent, deletes, final: {requests}");

    work.ground.delete(APPS).await.unwrap();
    work.ground.reach(None).await.unwrap();
    let requests = work.requests().await;
    assert_eq!(requests.count(), OBJECTS - 10 + 1, "deletes, finalizer: {requests}");
    let Watched { ground, instance, .. } = work;
    drop(instance);
    ground.remove().await.unwrap();
}

#[tokio::test]
async fn a_pass_that_finds_nothing_costs_nothing_and_one_that_was_asked_for_a_status() {
    let publisher = Publisher::start().await.unwrap();
    let mut work = Watched::start(&publisher, "budget-of-nothing").await;
    let installed = commit(1, OBJECTS, "1");
    work.ground.install(&installed, "1s").await.unwrap();
    work.requests_until(&installed).await;

    let passes = work.instance.passes();
    let interval_is_over = || std::future::ready(work.instance.passes().checked_sub(passes + 3).ok_or("not yet"));
    observe(LIMIT, "three intervals are over", interval_is_over).await.unwrap();
    let requests = work.requests().await;
    assert_eq!(requests.count(), 0, "{requests}");

    let asked = json!({"metadata": {"annotations": {annotations::RECONCILE_REQUESTED_AT: "now"}}});
    let api = work.ground.kustomizations();
    api.patch(APPS, &PatchParams::default(), &Patch::Merge(&asked)).await.unwrap();
    let is_answered = || async {
        let status = api.get(APPS).await.map_err(|error| error.to_string())?.status.unwrap_or_default();
        (status.last_handled_reconcile_at.as_deref() == Some("now")).then_some(()).ok_or("no answer".to_owned())
    };
    observe(LIMIT, "the request is answered", is_answered).await.unwrap();
    let requests = work.requests().await;
    assert_eq!(requests.count(), 1, "{requests}");
    assert_eq!(requests.0[0].subresource, "status", "{requests}");
    let Watched { ground, instance, .. } = work;
    drop(instance);
    ground.remove().await.unwrap();
}
