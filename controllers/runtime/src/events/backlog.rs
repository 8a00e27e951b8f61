//! Events that wait to be written: bounded, the oldest go first when it is full.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::Sent;
use crate::Metrics;

/// How many events may wait for one destination.
pub const EVENTS_MAX: usize = 1024;

/// How many bytes of text the events that wait for one destination may hold together.
pub const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) struct Backlog {
    metrics: Metrics,
    controller: String,
    destination: &'static str,
    state: Mutex<State>,
    pushed: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Arc<Sent>>,
    bytes: usize,
    is_writing: bool,
}

impl Backlog {
    pub(super) fn new(metrics: Metrics, controller: &str, destination: &'static str) -> Self {
        let (state, pushed, emptied) = (Mutex::default(), Notify::new(), Notify::new());
        Self { metrics, controller: controller.to_owned(), destination, state, pushed, emptied }
    }

    pub(super) fn push(&self, sent: Arc<Sent>) {
        let mut state = self.lock();
        let bytes = bytes(&sent);
        while state.events.len() >= EVENTS_MAX || (state.bytes + bytes > EVENT_BYTES_MAX && !state.events.is_empty()) {
            state.pop();
            self.count_drop();
        }
        state.bytes += bytes;
        state.events.push_back(sent);
        drop(state);
        self.pushed.notify_one();
    }

    /// The oldest event; until the next call it counts as being written.
    pub(super) async fn pop(&self) -> Arc<Sent> {
        loop {
            {
                let mut state = self.lock();
                let first = state.pop();
                state.is_writing = first.is_some();
                match first {
                    Some(sent) => return sent,
                    None => self.emptied.notify_waiters(),
                }
            }
            self.pushed.notified().await;
        }
    }

    pub(super) fn try_pop(&self) -> Option<Arc<Sent>> {
        self.lock().pop()
    }

    /// An event was refused, or could not be written.
    pub(super) fn count_drop(&self) {
        self.metrics.event_dropped(&self.controller, self.destination);
    }

    /// Resolves when nothing waits and nothing is being written.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            let mut emptied = std::pin::pin!(emptied);
            emptied.as_mut().enable();
            {
                let state = self.lock();
                if state.events.is_empty() && !state.is_writing {
                    return;
                }
            }
            emptied.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the backlog")
    }
}

impl State {
    fn pop(&mut self) -> Option<Arc<Sent>> {
        let sent = self.events.pop_front()?;
        self.bytes -= bytes(&sent);
        Some(sent)
    }
}

/// The text of an event, and a flat amount for what is around it.
fn bytes(sent: &Sent) -> usize {
    const AROUND: usize = 512;
    let metadata = sent.event.metadata.iter().map(|(key, value)| key.len() + value.len());
    AROUND + sent.event.message.len() + metadata.sum::<usize>()
}
