//! Who waits for a change of desired state: one channel a cluster, made when an agent waits and gone when none does.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The clusters whose agents wait.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    changes: Mutex<BTreeMap<String, watch::Sender<()>>>,
}

impl Waiters {
    /// Registers interest in a cluster (its key). Register, then look, then wait: no change is missed.
    pub(super) fn subscribe(&self, cluster: &str) -> watch::Receiver<()> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.retain(|_, sender| sender.receiver_count() > 0);
        changes.entry(cluster.to_owned()).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Wakes whoever waits for a change of this cluster.
    pub(super) fn wake(&self, cluster: &str) {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = changes.get(cluster) {
            sender.send_replace(());
        }
    }
}
