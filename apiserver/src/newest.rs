//! The newest resourceVersion, and those who wait for the next one.
//!
//! Unlike with `tokio::sync::watch`, who waits first is woken first: that is what makes a run repeatable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// A resourceVersion that grows.
#[derive(Debug, Default)]
pub(crate) struct Newest(Arc<Shared>);

/// Sees it grow.
#[derive(Debug)]
pub(crate) struct Observer {
    shared: Arc<Shared>,
    seen: u64,
}

#[derive(Debug, Default)]
struct Shared {
    version: AtomicU64,
    grown: Notify,
}

impl Newest {
    /// Wakes those who wait.
    pub(crate) fn announce(&self, version: u64) {
        self.0.version.store(version, Ordering::Release);
        self.0.grown.notify_waiters();
    }

    /// Waits for what is announced from now on.
    pub(crate) fn observe(&self) -> Observer {
        Observer { shared: Arc::clone(&self.0), seen: self.0.version.load(Ordering::Acquire) }
    }
}

impl Observer {
    /// What was announced until now is seen.
    pub(crate) fn catch_up(&mut self) {
        self.seen = self.shared.version.load(Ordering::Acquire);
    }

    /// Waits until something has been announced that is not seen.
    pub(crate) async fn grown(&self) {
        let mut grown = std::pin::pin!(self.shared.grown.notified());
        // Before the look at the version: an announcement between the two would be missed.
        grown.as_mut().enable();
        if self.shared.version.load(Ordering::Acquire) == self.seen {
            grown.await;
        }
    }
}
