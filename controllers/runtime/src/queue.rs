//! Which objects are to be reconciled, and when.
//!
//! In go wakes and instants, out come objects in the order in which they became due. An object is out at most once: what
//! wakes it while it is being reconciled brings it back once afterwards. An object that waits is an entry here, or an edge
//! of the [`Graph`], and holds no worker.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use thalweg_manifest::ObjectId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::Graph;

/// Why an object is reconciled; for the log alone: of several wakes the first is kept, so no decision may rest on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The object itself was created, changed or deleted.
    Object,
    /// Something that it waits for changed.
    Changed(ObjectId),
    /// The instant came that its last pass had named.
    Timer,
    /// Its last pass failed.
    Retry,
}

impl fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object => formatter.write_str("object"),
            Self::Changed(object) => formatter.write_str(&object.subject()),
            Self::Timer => formatter.write_str("timer"),
            Self::Retry => formatter.write_str("retry"),
        }
    }
}

/// The receiving end of a queue: [`run`](crate::run) consumes it.
pub struct Queue {
    pub(crate) handle: QueueHandle,
    pub(crate) graph: Graph,
}

impl Queue {
    /// A queue for objects of the given kinds (group, kind), to which the graph sends their wakes.
    pub fn new(graph: &Graph, kinds: &[(&str, &str)]) -> Self {
        let handle = QueueHandle::default();
        for (group, kind) in kinds {
            graph.route(group, kind, handle.clone());
        }
        Self { handle, graph: graph.clone() }
    }

    /// A handle that wakes objects of this queue.
    pub fn handle(&self) -> QueueHandle {
        self.handle.clone()
    }
}

/// The sending end of a queue. Cheap to clone.
#[derive(Clone, Default)]
pub struct QueueHandle {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    woken: Notify,
}

impl QueueHandle {
    /// The object is to be reconciled now; if it is being reconciled, once more afterwards.
    pub fn wake(&self, id: ObjectId, trigger: Trigger) {
        self.lock().wake(id, trigger);
        self.shared.woken.notify_one();
    }

    /// How many objects are due and not yet taken.
    pub fn depth(&self) -> usize {
        self.lock().ready.len()
    }

    pub(crate) fn take(&self, now: Instant) -> Option<(ObjectId, Trigger)> {
        self.lock().take(now)
    }

    /// Ends a pass of an object, which is due again at `next` unless it was woken in the meantime.
    pub(crate) fn put_back(&self, id: &ObjectId, next: Option<(Instant, Trigger)>) {
        self.lock().put_back(id, next);
    }

    /// Counts a failure of an object being reconciled; answers how many came before it without a success.
    pub(crate) fn failed(&self, id: &ObjectId) -> u32 {
        let mut state = self.lock();
        let entry = state.objects.get_mut(id).expect("an object being reconciled has an entry");
        entry.failures += 1;
        entry.failures - 1
    }

    pub(crate) fn succeeded(&self, id: &ObjectId) {
        self.lock().objects.get_mut(id).expect("an object being reconciled has an entry").failures = 0;
    }

    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.lock().timers.first_key_value().map(|((instant, _), _)| *instant)
    }

    /// Resolves after a wake that no earlier call has seen.
    pub(crate) async fn woken(&self) {
        self.shared.woken.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("nothing panics while it holds the queue")
    }
}

#[derive(Default)]
struct State {
    ready: VecDeque<ObjectId>,
    /// The number keeps timers of one instant apart, in the order in which they were set.
    timers: BTreeMap<(Instant, u64), (ObjectId, Trigger)>,
    timers_set: u64,
    objects: BTreeMap<ObjectId, Entry>,
}

/// What is known of an object; there is no entry for one that is at rest without a timer and did not fail.
struct Entry {
    stage: Stage,
    failures: u32,
}

enum Stage {
    Resting { timer: Option<(Instant, u64)> },
    Ready(Trigger),
    Running { again: Option<Trigger> },
}

impl State {
    fn wake(&mut self, id: ObjectId, trigger: Trigger) {
        let entry =
            self.objects.entry(id.clone()).or_insert(Entry { stage: Stage::Resting { timer: None }, failures: 0 });
        match &mut entry.stage {
            Stage::Ready(_) => {}
            Stage::Running { again } => {
                again.get_or_insert(trigger);
            }
            Stage::Resting { timer } => {
                if let Some(timer) = timer {
                    self.timers.remove(timer);
                }
                entry.stage = Stage::Ready(trigger);
                self.ready.push_back(id);
            }
        }
    }

    fn take(&mut self, now: Instant) -> Option<(ObjectId, Trigger)> {
        while let Some(first) = self.timers.first_entry().filter(|first| first.key().0 <= now) {
            let (id, trigger) = first.remove();
            self.wake(id, trigger);
        }
        let id = self.ready.pop_front()?;
        let entry = self.objects.get_mut(&id).expect("an object that is due has an entry");
        match std::mem::replace(&mut entry.stage, Stage::Running { again: None }) {
            Stage::Ready(trigger) => Some((id, trigger)),
            Stage::Resting { .. } | Stage::Running { .. } => unreachable!("only objects that are ready are due"),
        }
    }

    fn put_back(&mut self, id: &ObjectId, next: Option<(Instant, Trigger)>) {
        let entry = self.objects.get_mut(id).expect("an object being reconciled has an entry");
        let again = match &mut entry.stage {
            Stage::Running { again } => again.take(),
            Stage::Resting { .. } | Stage::Ready(_) => unreachable!("only an object being reconciled is put back"),
        };
        match (again, next) {
            (Some(trigger), _) => {
                entry.stage = Stage::Ready(trigger);
                self.ready.push_back(id.clone());
            }
            (None, Some((instant, trigger))) => {
                self.timers_set += 1;
                let timer = (instant, self.timers_set);
                entry.stage = Stage::Resting { timer: Some(timer) };
                self.timers.insert(timer, (id.clone(), trigger));
            }
            (None, None) if entry.failures > 0 => entry.stage = Stage::Resting { timer: None },
            (None, None) => {
                self.objects.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn id(name: &str) -> ObjectId {
        ObjectId::new("example.dev", "App", "default", name)
    }

    fn taken(state: &mut State, now: Instant) -> Option<String> {
        state.take(now).map(|(id, trigger)| format!("{} {trigger}", id.name))
    }

    #[test]
    fn an_object_woken_while_it_is_out_comes_back_once() {
        let (mut state, now) = (State::default(), Instant::now());
        state.wake(id("a"), Trigger::Object);
        state.wake(id("a"), Trigger::Timer);
        assert_eq!(taken(&mut state, now).as_deref(), Some("a object"));
        assert_eq!(taken(&mut state, now), None);
        state.wake(id("a"), Trigger::Changed(id("b")));
        state.wake(id("a"), Trigger::Object);
        assert_eq!(taken(&mut state, now), None, "it is still out");
        state.put_back(&id("a"), None);
        assert_eq!(taken(&mut state, now).as_deref(), Some("a App/default/b"));
        state.put_back(&id("a"), None);
        assert_eq!(taken(&mut state, now), None);
        assert!(state.objects.is_empty());
    }

    #[test]
    fn objects_come_in_the_order_in_which_they_became_due() {
        let (mut state, now) = (State::default(), Instant::now());
        for name in ["c", "a", "b"] {
            state.wake(id(name), Trigger::Object);
        }
        assert_eq!(taken(&mut state, now).as_deref(), Some("c object"));
        state.put_back(&id("c"), Some((now, Trigger::Timer)));
        let rest: Vec<_> = std::iter::from_fn(|| taken(&mut state, now)).collect();
        assert_eq!(rest, ["a object", "b object", "c timer"]);
    }

    #[test]
    fn a_wake_replaces_the_timer() {
        let (mut state, now) = (State::default(), Instant::now());
        let later = now + Duration::from_secs(60);
        state.wake(id("a"), Trigger::Object);
        state.take(now);
        state.put_back(&id("a"), Some((later, Trigger::Timer)));
        assert_eq!(taken(&mut state, now), None);
        state.wake(id("a"), Trigger::Object);
        assert_eq!(taken(&mut state, now).as_deref(), Some("a object"));
        state.put_back(&id("a"), None);
        assert_eq!(taken(&mut state, later), None);
        assert!(state.timers.is_empty() && state.objects.is_empty());
    }
}
