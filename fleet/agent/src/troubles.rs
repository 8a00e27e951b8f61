//! What keeps the agent from its work, by the part that met it; heartbeats carry it to the hub.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use thalweg_controller_runtime::Clock;
use thalweg_protocol::agent::AgentError;
use tokio::sync::Notify;

/// Characters of a message at most.
const MESSAGE_CHARS_MAX: usize = 1000;

/// The troubles of one agent. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Troubles {
    clock: Clock,
    by_component: Arc<Mutex<BTreeMap<&'static str, (String, Timestamp)>>>,
    news: Arc<Notify>,
}

impl Troubles {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), by_component: Arc::default(), news: Arc::default() }
    }

    /// This part cannot do its work. Logged when it is news.
    pub(crate) fn met(&self, component: &'static str, message: String) {
        let message: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
        let mut troubles = self.lock();
        if troubles.get(component).is_some_and(|(known, _)| *known == message) {
            return;
        }
        tracing::error!(component, error = message, "the agent cannot do its work");
        troubles.insert(component, (message, self.clock.now()));
        self.news.notify_one();
    }

    /// This part can do its work again.
    pub(crate) fn over(&self, component: &'static str) {
        if self.lock().remove(component).is_some() {
            tracing::info!(component, "the agent can do its work again");
            self.news.notify_one();
        }
    }

    /// Returns when there is one more, or one less, than when this returned last.
    pub(crate) async fn news(&self) {
        self.news.notified().await;
    }

    /// All of them, for a heartbeat.
    pub(crate) fn told(&self) -> Vec<AgentError> {
        let troubles = self.lock();
        let told = troubles.iter().map(|(component, (message, time))| AgentError {
            message: message.clone(),
            severity: "Error".to_owned(),
            component: (*component).to_owned(),
            time: *time,
        });
        told.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, (String, Timestamp)>> {
        self.by_component.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
