//! What makes objects live: garbage collection, namespaces, workloads.
//!
//! [`run`] is woken by every change of the store, turns the changes into tasks and does them in a fixed order, through the
//! same requests as everybody. It starts no thread and reads no clock but tokio's, so that paused time is enough to skip a
//! delay. What a task finds already done it leaves alone: nothing is written twice.
//!
//! The annotation `thalweg.dev/simulate` on a workload says how it fares: see docs/api-server.md.
//!
//! Left out, beside what the real controller manager has: pods of workloads, endpoints, CronJobs, HorizontalPodAutoscalers.

mod conditions;
mod events;
mod garbage;
mod namespaces;
mod protection;
mod replica_sets;
mod roles;
mod simulation;
mod workload_status;
mod workloads;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;

use crate::auth::{MASTERS, User};
use crate::loopback::Loopback;
use crate::object::Object;
use crate::server::ApiServer;
use crate::store::{Change, Collection, Store};

/// The field manager and the user agent of most controllers.
const MANAGER: &str = "kube-controller-manager";

/// Runs every controller until it is dropped. To be spawned by whoever wants them, on their runtime.
pub async fn run(server: ApiServer) {
    let mut newest = server.state().newest.observe();
    let mut controllers = Controllers::new(server);
    loop {
        newest.catch_up();
        controllers.observe();
        if controllers.work() {
            tokio::task::yield_now().await;
            continue;
        }
        let next = controllers.timers.first().map(|(instant, _)| *instant);
        tokio::select! {
            biased;
            () = newest.grown() => {}
            () = until(next) => {}
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    collection: Collection,
    namespace: String,
    name: String,
}

/// What is to be looked at. In the order of this list, and then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    /// A namespace: what each has, or what is left of it.
    Namespace(String),
    /// The aggregated ClusterRoles.
    Roles,
    /// An object that is owned, or whose deletion waits for what it owns.
    Collect(Place),
    /// A claim or a volume that is deleted and may still be used.
    Protected(Place),
    /// An object whose status somebody has to write.
    Workload(Place),
    /// The number of events.
    Events,
}

struct Controllers {
    server: ApiServer,
    /// The newest change that was looked at.
    seen: u64,
    graph: garbage::Graph,
    progress: workloads::Progress,
    tasks: BTreeSet<Task>,
    timers: BTreeSet<(Instant, Task)>,
}

impl Controllers {
    fn new(server: ApiServer) -> Self {
        Self {
            server,
            seen: 0,
            graph: garbage::Graph::default(),
            progress: workloads::Progress::default(),
            tasks: BTreeSet::new(),
            timers: BTreeSet::new(),
        }
    }

    /// Turns what has changed, and the timers that are due, into tasks.
    fn observe(&mut self) {
        let state = self.server.state();
        match state.store.changes_since(self.seen) {
            Some(changes) => {
                for change in changes {
                    self.graph.note(change);
                    self.tasks.extend(tasks(&state.store, &self.graph, change));
                }
            }
            None => {
                self.graph = garbage::Graph::default();
                let mut all: Vec<&Collection> = state.registry.all().map(|served| served.collection()).collect();
                all.dedup();
                for collection in all {
                    for object in state.store.objects(collection) {
                        let new = Some(Arc::clone(object));
                        let change =
                            Change { version: 0, collection: Arc::clone(collection), old: None, new, gone: None };
                        self.graph.note(&change);
                        self.tasks.extend(tasks(&state.store, &self.graph, &change));
                    }
                }
            }
        }
        self.seen = state.store.version();
        let now = Instant::now();
        while self.timers.first().is_some_and(|(due, _)| *due <= now) {
            self.tasks.extend(self.timers.pop_first().map(|(_, task)| task));
        }
    }

    /// Does the tasks. Whether there were any.
    fn work(&mut self) -> bool {
        let tasks = std::mem::take(&mut self.tasks);
        let worked = !tasks.is_empty();
        for task in tasks {
            // A refusal is a conflict with a write that is a change of its own: the task comes again.
            if let Err(status) = self.perform(&task) {
                tracing::debug!(?task, message = status.message, "a controller was refused");
            }
        }
        worked
    }

    fn perform(&mut self, task: &Task) -> Result<(), crate::Status> {
        match task {
            Task::Namespace(name) => namespaces::reconcile(&self.server, name),
            Task::Roles => roles::reconcile(&self.server),
            Task::Collect(place) => garbage::reconcile(&self.server, &self.graph, place),
            Task::Protected(place) => protection::reconcile(&self.server, place),
            Task::Workload(place) => {
                let next = workloads::reconcile(&self.server, &mut self.progress, place)?;
                self.timers.extend(next.map(|instant| (instant, task.clone())));
                Ok(())
            }
            Task::Events => {
                events::reconcile(&self.server);
                Ok(())
            }
        }
    }
}

/// What a change gives to do.
fn tasks(store: &Store, graph: &garbage::Graph, change: &Change) -> Vec<Task> {
    let Some(object) = change.new.as_ref().or(change.old.as_ref()) else { return Vec::new() };
    let gone = change.new.is_none();
    let place = Place::of(&change.collection, object);
    let mut tasks: Vec<Task> = graph.affected(change).into_iter().map(Task::Collect).collect();
    let (group, plural) = (change.collection.0.as_str(), change.collection.1.as_str());
    match (group, plural) {
        ("", "namespaces") if !gone => tasks.push(Task::Namespace(place.name.clone())),
        ("rbac.authorization.k8s.io", "clusterroles") => tasks.push(Task::Roles),
        ("", "events") if !gone => tasks.push(Task::Events),
        _ => {}
    }
    if !place.namespace.is_empty() && (gone || namespaces::is_terminating(store, &place.namespace)) {
        tasks.push(Task::Namespace(place.namespace.clone()));
    }
    tasks.extend(protection::affected(store, &place, object).into_iter().map(Task::Protected));
    if workloads::is_one(group, plural) {
        tasks.push(Task::Workload(place));
    }
    tasks
}

impl Place {
    fn of(collection: &Collection, object: &Object) -> Self {
        let (namespace, name) = (object.namespace().to_owned(), object.name().to_owned());
        Self { collection: Arc::clone(collection), namespace, name }
    }

    /// The object that is there now.
    fn read(&self, server: &ApiServer) -> Option<Arc<Object>> {
        server.state().store.get(&self.collection, &self.namespace, &self.name).cloned()
    }
}

/// The way in of a controller, under the name of the real one.
fn acting(server: &ApiServer, controller: &str) -> Loopback {
    server.loopback(MANAGER).acting_as(account(controller))
}

/// Who a controller is.
fn account(controller: &str) -> User {
    let mut user = User::service_account("kube-system", controller, "");
    user.join(MASTERS);
    user
}

/// The collection of a built-in kind.
fn collection(group: &str, plural: &str) -> Collection {
    Arc::new((group.to_owned(), plural.to_owned()))
}

/// The text at a place of an object; empty when there is none.
fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
