//! The door itself: what may run at once, on which threads, and who holds which cache.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use tokio::sync::{OwnedMutexGuard, Semaphore};

use crate::{Checkout, Error, Limits, Reference, Remote, Resolved, cache::Cache, fetch, http::Session, resolve};

/// How a [`Git`] behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the caches. Nobody else may write to it.
    pub cache: PathBuf,
    /// Operations that run at once, each on a thread of its own; others wait without one. A server that says nothing holds its
    /// thread for the whole timeout of its remote.
    pub concurrent_max: usize,
    /// What one repository may cost.
    pub limits: Limits,
}

impl Options {
    /// Caches below `cache`, 128 operations at once, the default limits.
    pub fn new(cache: impl Into<PathBuf>) -> Options {
        Options { cache: cache.into(), concurrent_max: 128, limits: Limits::default() }
    }
}

/// The door to Git. Cheap to clone; belongs to one runtime. A call that is dropped stops its requests and its thread.
#[derive(Clone)]
pub struct Git(Arc<Door>);

struct Door {
    options: Options,
    permits: Arc<Semaphore>,
    caches: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// For remotes that trust what the system trusts: their connections are kept between operations.
    client: OnceLock<reqwest::Client>,
}

impl Git {
    /// A door with these options. Nothing is read or written before the first fetch.
    pub fn new(options: Options) -> Git {
        let permits = Arc::new(Semaphore::new(options.concurrent_max.max(1)));
        Git(Arc::new(Door { options, permits, caches: Mutex::default(), client: OnceLock::new() }))
    }

    /// The commit that `reference` names now: with protocol v2 one GET and one POST, and none for a pinned commit.
    pub async fn resolve(&self, remote: &Remote, reference: &Reference) -> Result<Resolved, Error> {
        if let Some(resolved) = reference.pinned() {
            return Ok(resolved);
        }
        let reference = reference.clone();
        self.run(remote, move |session, _| resolve::resolve(&session, &reference)).await
    }

    /// Fetches what `reference` names now, keeping what arrives in the cache called `cache` (letters, digits, `-`, `_`, `.`).
    pub async fn fetch(&self, remote: &Remote, reference: &Reference, cache: &str) -> Result<Checkout, Error> {
        let (place, held) = self.cache(cache).await?;
        let reference = reference.clone();
        self.run(remote, move |session, limits| {
            let fetched = fetch::fetch(&session, &place, &reference, limits)?;
            Checkout::new(fetched, &reference, limits, held)
        })
        .await
    }

    /// Removes the cache called `cache`, when nobody uses it any more.
    pub async fn forget(&self, cache: &str) -> Result<(), Error> {
        let (place, held) = self.cache(cache).await?;
        let removed = tokio::task::spawn_blocking(move || {
            let _held = held;
            place.remove()
        });
        finished(removed.await)
    }

    async fn cache(&self, name: &str) -> Result<(Cache, OwnedMutexGuard<()>), Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.starts_with('.') || !name.bytes().all(plain) {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not a plain name");
            return Err(Error::Cache { doing: "name", source });
        }
        let lock = {
            let mut caches = self.0.caches.lock().unwrap_or_else(PoisonError::into_inner);
            caches.retain(|_, lock| lock.strong_count() > 0);
            let known = caches.get(name).and_then(Weak::upgrade);
            let lock = known.unwrap_or_default();
            caches.insert(name.to_owned(), Arc::downgrade(&lock));
            lock
        };
        Ok((Cache::new(self.0.options.cache.join(name)), lock.lock_owned().await))
    }

    /// Runs blocking work on its own thread. When the caller goes away, the session ends, and soon after it the thread.
    async fn run<T: Send + 'static>(
        &self,
        remote: &Remote,
        work: impl FnOnce(Arc<Session>, &Limits) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.0.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let client = remote.client(&self.0.client)?;
        let session = Session::new(remote, client, self.0.options.limits.received_bytes_max);
        let _stop = session.stop_on_drop();
        let limits = self.0.options.limits.clone();
        let outcome = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(session, &limits)
        });
        finished(outcome.await)
    }
}

fn finished<T>(outcome: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    match outcome.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(outcome) => outcome,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => Err(Error::Cancelled),
    }
}
