//! Who waits for what: a change of an object wakes exactly the objects that wait for it.
//!
//! A waiter has two sets of edges. The *standing* ones ([`Graph::interested`]) last until they are replaced: its source,
//! its dependencies, the objects of its inventory. The *awaited* ones are those of the [`Next::When`](crate::Next::When)
//! that its last pass returned; they end when its next pass begins.
//!
//! No change is lost between a check and the wait that follows from it: a standing edge is there before the check
//! (register, then check), and for awaited ones the graph remembers what changed while a pass ran.
//! Nothing here decides whether a change matters: the waiter looks again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use thalweg_manifest::ObjectId;

use crate::{QueueHandle, Trigger};

/// The graph of one process. Cheap to clone; all clones are the same graph.
#[derive(Clone, Default)]
pub struct Graph {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    standing: Edges,
    awaited: Edges,
    routes: BTreeMap<(String, String), QueueHandle>,
    changes: Changes,
}

impl Graph {
    /// A graph without edges and routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends the wakes of every waiter of a kind to `queue`. A later call replaces the queue.
    pub fn route(&self, group: &str, kind: &str, queue: QueueHandle) {
        self.lock().routes.insert((group.to_owned(), kind.to_owned()), queue);
    }

    /// Replaces what `who` is interested in as long as it exists. Call it before reading what it depends on.
    pub fn interested(&self, who: &ObjectId, in_what: BTreeSet<ObjectId>) {
        self.lock().standing.replace(who, in_what);
    }

    /// Removes every edge that begins at `who`: it is gone.
    pub fn forget(&self, who: &ObjectId) {
        let mut state = self.lock();
        state.standing.replace(who, BTreeSet::new());
        state.awaited.replace(who, BTreeSet::new());
    }

    /// Wakes every waiter of `what`. Whoever reads `what` must already see the change: update the store, then call this.
    pub fn changed(&self, what: &ObjectId) {
        let wakes: Vec<(QueueHandle, ObjectId)> = {
            let mut state = self.lock();
            state.changes.record(what);
            let waiters: BTreeSet<&ObjectId> = state.standing.of(what).chain(state.awaited.of(what)).collect();
            let queue_of = |who: &ObjectId| state.routes.get(&(who.group.clone(), who.kind.clone()));
            waiters.into_iter().filter_map(|who| Some((queue_of(who)?.clone(), who.clone()))).collect()
        };
        for (queue, who) in wakes {
            queue.wake(who, Trigger::Changed(what.clone()));
        }
    }

    /// Who would be woken by a change of `what`.
    pub fn waiters(&self, what: &ObjectId) -> BTreeSet<ObjectId> {
        let state = self.lock();
        state.standing.of(what).chain(state.awaited.of(what)).cloned().collect()
    }

    /// A pass of `who` begins: it waits for nothing any more. The answer goes to [`Graph::end`].
    pub(crate) fn begin(&self, who: &ObjectId) -> Pass {
        let mut state = self.lock();
        state.awaited.replace(who, BTreeSet::new());
        state.changes.open()
    }

    /// A pass of `who` ends, and waits for `objects`. Answers one of them that changed since the pass began, if any did.
    pub(crate) fn end(&self, who: &ObjectId, pass: Pass, objects: BTreeSet<ObjectId>) -> Option<ObjectId> {
        let mut state = self.lock();
        let missed = objects.iter().find(|object| state.changes.since(pass, object)).cloned();
        state.changes.close(pass);
        state.awaited.replace(who, objects);
        missed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the graph")
    }
}

/// Edges, readable from both ends.
#[derive(Default)]
struct Edges {
    forward: BTreeMap<Arc<ObjectId>, BTreeSet<Arc<ObjectId>>>,
    backward: BTreeMap<Arc<ObjectId>, BTreeSet<Arc<ObjectId>>>,
}

impl Edges {
    fn replace(&mut self, who: &ObjectId, what: BTreeSet<ObjectId>) {
        let before = self.forward.remove(who).unwrap_or_default();
        for gone in before.iter().filter(|object| !what.contains(object.as_ref())) {
            let waiters = self.backward.get_mut(gone).expect("every edge is held at both ends");
            waiters.remove(who);
            if waiters.is_empty() {
                self.backward.remove(gone);
            }
        }
        if what.is_empty() {
            return;
        }
        let who = Arc::new(who.clone());
        let mut after = BTreeSet::new();
        for object in what {
            // One allocation an object, however many wait for it.
            let object =
                self.backward.get_key_value(&object).map_or_else(|| Arc::new(object), |(held, _)| held.clone());
            self.backward.entry(object.clone()).or_default().insert(who.clone());
            after.insert(object);
        }
        self.forward.insert(who, after);
    }

    fn of(&self, what: &ObjectId) -> impl Iterator<Item = &ObjectId> {
        self.backward.get(what).into_iter().flatten().map(AsRef::as_ref)
    }
}

/// A running pass, by the number of the last change before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pass(u64);

/// What changed since the oldest running pass began; empty while none runs.
#[derive(Default)]
struct Changes {
    last: u64,
    open: BTreeMap<Pass, usize>,
    by_object: BTreeMap<Arc<ObjectId>, u64>,
    by_number: BTreeMap<u64, Arc<ObjectId>>,
}

impl Changes {
    fn record(&mut self, what: &ObjectId) {
        self.last += 1;
        if self.open.is_empty() {
            return;
        }
        let what = Arc::new(what.clone());
        if let Some(earlier) = self.by_object.insert(what.clone(), self.last) {
            self.by_number.remove(&earlier);
        }
        self.by_number.insert(self.last, what);
    }

    fn since(&self, pass: Pass, what: &ObjectId) -> bool {
        self.by_object.get(what).is_some_and(|number| *number > pass.0)
    }

    fn open(&mut self) -> Pass {
        let pass = Pass(self.last);
        *self.open.entry(pass).or_default() += 1;
        pass
    }

    fn close(&mut self, pass: Pass) {
        let count = self.open.get_mut(&pass).expect("a pass is closed once");
        *count -= 1;
        if *count == 0 {
            self.open.remove(&pass);
        }
        let oldest = self.open.first_key_value().map_or(self.last, |(oldest, _)| oldest.0);
        while let Some(first) = self.by_number.first_entry().filter(|first| *first.key() <= oldest) {
            self.by_object.remove(&first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: &str, name: &str) -> ObjectId {
        ObjectId::new("example.dev", kind, "default", name)
    }

    fn set<const N: usize>(ids: [ObjectId; N]) -> BTreeSet<ObjectId> {
        ids.into_iter().collect()
    }

    #[test]
    fn standing_edges_are_replaced_and_forgotten() {
        let graph = Graph::new();
        let (app, old, new) = (id("App", "app"), id("Source", "old"), id("Source", "new"));
        graph.interested(&app, set([old.clone()]));
        assert_eq!(graph.waiters(&old), set([app.clone()]));
        graph.interested(&app, set([new.clone()]));
        assert_eq!(graph.waiters(&old), set([]));
        assert_eq!(graph.waiters(&new), set([app.clone()]));
        graph.forget(&app);
        assert_eq!(graph.waiters(&new), set([]));
        let state = graph.lock();
        assert!(state.standing.forward.is_empty() && state.standing.backward.is_empty());
    }

    #[test]
    fn awaited_edges_end_when_the_next_pass_begins_and_standing_ones_stay() {
        let graph = Graph::new();
        let (app, source, deployment) = (id("App", "app"), id("Source", "s"), id("Deployment", "d"));
        graph.interested(&app, set([source.clone()]));
        let pass = graph.begin(&app);
        assert_eq!(graph.end(&app, pass, set([deployment.clone()])), None);
        assert_eq!(graph.waiters(&deployment), set([app.clone()]));
        let pass = graph.begin(&app);
        assert_eq!(graph.waiters(&deployment), set([]));
        assert_eq!(graph.end(&app, pass, set([])), None);
        assert_eq!(graph.waiters(&source), set([app]));
    }

    #[test]
    fn a_change_between_the_check_and_the_wait_is_told_at_the_end_of_the_pass() {
        let graph = Graph::new();
        let (app, other, deployment) = (id("App", "app"), id("App", "other"), id("Deployment", "d"));
        graph.changed(&deployment);
        let pass = graph.begin(&app);
        let later = {
            graph.changed(&deployment);
            graph.begin(&other)
        };
        assert_eq!(graph.end(&app, pass, set([deployment.clone()])), Some(deployment.clone()));
        assert_eq!(graph.end(&other, later, set([deployment])), None, "it began after the change");
    }

    #[test]
    fn changes_are_remembered_only_while_a_pass_that_may_need_them_runs() {
        let graph = Graph::new();
        let remembered = |graph: &Graph| {
            let state = graph.lock();
            assert_eq!(state.changes.by_object.len(), state.changes.by_number.len());
            state.changes.by_object.len()
        };
        graph.changed(&id("Deployment", "a"));
        assert_eq!(remembered(&graph), 0);
        let first = graph.begin(&id("App", "first"));
        graph.changed(&id("Deployment", "a"));
        graph.changed(&id("Deployment", "a"));
        let second = graph.begin(&id("App", "second"));
        graph.changed(&id("Deployment", "b"));
        assert_eq!(remembered(&graph), 2);
        graph.end(&id("App", "first"), first, set([]));
        assert_eq!(remembered(&graph), 1);
        graph.end(&id("App", "second"), second, set([]));
        assert_eq!(remembered(&graph), 0);
    }
}
