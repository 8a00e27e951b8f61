//! Follows a collection: list, watch from there, and again from where a watch ended, or from a new list.
//!
//! A list is always the newest (no `resourceVersion=0`), because what is absent from it is reported as vanished. A 404
//! for the list itself proves nothing: another version of the kind may be served, with the same objects. Watches resume at
//! the last resourceVersion that they saw, and every half hour there is a new list, which makes good what a watch lost. A
//! failure is reported and tried again after a pause that doubles; nothing here ever spins, and each collection has a task
//! of its own, so that a failing one holds up no other.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::TryStreamExt as _;
use http::Request;
use http::header::ACCEPT;
use kube::core::WatchEvent;
use serde::Deserialize;
use serde_json::Value;
use thalweg_manifest::ObjectId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::requests::{encoded, send};
use crate::{Error, Refusal as _};

const PAGE_OBJECTS: u32 = 500;
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// After a 404: the kind itself is not there.
const PAUSE_WITHOUT_KIND_MAX: Duration = Duration::from_secs(30);
/// How long the server is asked to keep a watch open, and how much longer we believe in a silent connection.
const WATCH_SECONDS: u64 = 290;
const WATCH_GRACE: Duration = Duration::from_secs(5);
/// How long the head of the answer may take: the server sends it before it has anything to tell. Longer than the longest
/// `Retry-After` that is obeyed.
const WATCH_BEGIN: Duration = Duration::from_secs(75);
/// How long one list is built upon. An event that never arrives, whoever lost it, is made good by the next.
const LIST_AGAIN: Duration = Duration::from_secs(30 * 60);
/// Watches that fail one after the other, without an event, before the collection is listed anew.
const FRUITLESS_WATCHES_MAX: u32 = 3;

/// What to follow.
pub(crate) struct Collection {
    /// `Kind.group`, or an object of it.
    pub(crate) subject: String,
    /// The path of the collection.
    pub(crate) path: String,
    pub(crate) metadata_only: bool,
    pub(crate) label_selector: Option<String>,
    pub(crate) field_selector: Option<String>,
}

/// Who is told. Calls come in the order of the collection's history.
pub(crate) trait Follower: Send + Sync + 'static {
    /// The path may change between two lists, with the version that serves the kind.
    fn collection(&self) -> Collection;
    /// An object, from a list or as it changed; returns its identity if it has one.
    fn applied(&self, object: Value) -> Option<ObjectId>;
    fn deleted(&self, object: Value);
    /// Everything up to this resourceVersion has been told.
    fn passed(&self, resource_version: &str);
    /// A list is complete: these are all.
    fn complete(&self, listed: &BTreeSet<ObjectId>, resource_version: &str);
    /// Whether the follower has a complete view.
    fn view(&self) -> &View;
}

/// Whether a complete view has been reached, and why not.
pub(crate) struct View {
    state: Mutex<State>,
    /// Wakes who waited first first, so that a run can be repeated.
    changed: Notify,
    retry: Notify,
}

#[derive(Clone)]
enum State {
    Pending,
    Synced,
    Failing(Arc<Error>),
}

impl Default for View {
    fn default() -> Self {
        Self { state: Mutex::new(State::Pending), changed: Notify::new(), retry: Notify::new() }
    }
}

impl View {
    /// Waits for the first complete view, or for the failure of the last attempt.
    pub(crate) async fn synced(&self, subject: impl FnOnce() -> String) -> Result<(), Error> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before the look at the state: a change between the two would be missed.
            changed.as_mut().enable();
            let state = self.state().clone();
            match state {
                State::Pending => changed.await,
                State::Synced => return Ok(()),
                State::Failing(source) => return Err(Error::Watch { subject: subject(), source }),
            }
        }
    }

    /// Forgets a failure and ends the pause before the next attempt, whose outcome `synced` then waits for.
    pub(crate) fn hurry(&self) {
        let mut state = self.state();
        if matches!(*state, State::Failing(_)) {
            *state = State::Pending;
            self.retry.notify_one();
        }
    }

    fn set(&self, state: State) {
        *self.state() = state;
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pause(&self, failures: u32, longest: Duration) {
        let length = PAUSE_MIN.saturating_mul(1 << failures.min(10)).min(longest);
        sleep(PAUSE_MIN).await;
        tokio::select! {
            biased;
            () = self.retry.notified() => {}
            () = sleep(length - PAUSE_MIN) => {}
        }
    }
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    items: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    next: String,
}

/// How a watch ended.
enum End {
    /// The server closed it, as it does every few minutes, or it fell silent.
    Closed,
    /// What it resumes from is no longer kept.
    Expired,
    Failed(Error),
}

/// How often in a row nothing was learned. A list alone is no success: it must lead to a watch that tells something, or
/// lasts.
#[derive(Default)]
struct Attempts {
    failed: u32,
    warned: bool,
}

/// Follows for as long as it is polled.
pub(crate) async fn follow(client: kube::Client, follower: Arc<impl Follower>) {
    let mut attempts = Attempts::default();
    loop {
        let collection = follower.collection();
        let ended = match list(&client, &collection, &*follower).await {
            Ok(resource_version) => {
                follower.view().set(State::Synced);
                watch_from(&client, &collection, &*follower, resource_version, &mut attempts).await
            }
            Err(error) => Some(error),
        };
        if let Some(error) = ended {
            fail(&collection, &*follower, error, &mut attempts).await;
        }
    }
}

async fn fail(collection: &Collection, follower: &impl Follower, error: Error, attempts: &mut Attempts) {
    let unserved = error.is_not_found();
    let reason = error.message();
    if std::mem::replace(&mut attempts.warned, true) {
        tracing::debug!(subject = collection.subject, reason, "still cannot watch");
    } else {
        tracing::warn!(subject = collection.subject, reason, "cannot watch");
    }
    follower.view().set(State::Failing(Arc::new(error)));
    attempts.pause(follower.view(), if unserved { PAUSE_WITHOUT_KIND_MAX } else { PAUSE_MAX }).await;
}

impl Attempts {
    async fn pause(&mut self, view: &View, longest: Duration) {
        view.pause(self.failed, longest).await;
        self.failed += 1;
    }
}

/// Tells all pages of a list; returns the resourceVersion that they are of.
async fn list(client: &kube::Client, collection: &Collection, follower: &impl Follower) -> Result<String, Error> {
    let mut listed = BTreeSet::new();
    let mut next = String::new();
    loop {
        let mut query = format!("limit={PAGE_OBJECTS}");
        if !next.is_empty() {
            query.push_str(&format!("&continue={}", encoded(&next)));
        }
        let request = collection.request(&query, "PartialObjectMetadataList");
        let page: Page = send(client, request, "list", || collection.subject.clone()).await?;
        listed.extend(page.items.into_iter().flatten().filter_map(|object| follower.applied(object)));
        next = page.metadata.next;
        if next.is_empty() {
            follower.complete(&listed, &page.metadata.resource_version);
            return Ok(page.metadata.resource_version);
        }
    }
}

/// Watches until the collection has to be listed anew; returns why, unless that is routine.
async fn watch_from(
    client: &kube::Client,
    collection: &Collection,
    follower: &impl Follower,
    mut resource_version: String,
    attempts: &mut Attempts,
) -> Option<Error> {
    let mut fruitless = 0;
    let listed = Instant::now();
    while listed.elapsed() < LIST_AGAIN {
        let (mut begun, from) = (None, resource_version.clone());
        let end = watch_once(client, collection, follower, &mut resource_version, &mut begun).await;
        let expired = matches!(end, End::Expired);
        let fruitful = resource_version != from || begun.is_some_and(|begun: Instant| begun.elapsed() > PAUSE_MAX);
        if fruitful {
            *attempts = Attempts::default();
            fruitless = 0;
        }
        match end {
            End::Failed(error)
                if error.is_forbidden() || error.is_not_found() || fruitless >= FRUITLESS_WATCHES_MAX =>
            {
                return Some(error);
            }
            End::Failed(error) => {
                tracing::debug!(subject = collection.subject, reason = error.message(), "watch failed")
            }
            End::Expired if fruitful => return None,
            End::Closed if fruitful => continue,
            End::Expired | End::Closed => {}
        }
        attempts.pause(follower.view(), PAUSE_MAX).await;
        fruitless += 1;
        // A list answers, or tells why not.
        if expired || fruitless > FRUITLESS_WATCHES_MAX {
            return None;
        }
    }
    None
}

async fn watch_once(
    client: &kube::Client,
    collection: &Collection,
    follower: &impl Follower,
    resource_version: &mut String,
    begun: &mut Option<Instant>,
) -> End {
    let query = format!(
        "watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}",
        encoded(resource_version)
    );
    let request = collection.request(&query, "PartialObjectMetadata");
    let failed = |error| match Error::of("watch", &collection.subject, error) {
        error if error.is_expired() => End::Expired,
        error => End::Failed(error),
    };
    let silence = Duration::from_secs(WATCH_SECONDS) + WATCH_GRACE;
    let events = match timeout(WATCH_BEGIN, client.request_events::<Value>(request)).await {
        Err(_) => return End::Closed,
        Ok(Err(error)) => return failed(error),
        Ok(Ok(events)) => events,
    };
    *begun = Some(Instant::now());
    let mut events = std::pin::pin!(events);
    loop {
        let event = match timeout(silence, events.try_next()).await {
            Err(_) | Ok(Ok(None)) => return End::Closed,
            Ok(Err(error)) => return failed(error),
            Ok(Ok(Some(event))) => event,
        };
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                keep(resource_version, &object);
                follower.applied(object);
            }
            WatchEvent::Deleted(object) => {
                keep(resource_version, &object);
                follower.deleted(object);
            }
            WatchEvent::Bookmark(bookmark) => {
                *resource_version = bookmark.metadata.resource_version;
                follower.passed(resource_version);
            }
            WatchEvent::Error(status) => return failed(kube::Error::Api(status)),
        }
    }
}

/// An event without a resourceVersion, which no server sends, does not move the watch.
fn keep(resource_version: &mut String, object: &Value) {
    if let Some(version) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
        version.clone_into(resource_version);
    }
}

impl Collection {
    fn request(&self, query: &str, metadata_form: &str) -> Request<Vec<u8>> {
        let mut uri = format!("{}?{query}", self.path);
        for (parameter, selector) in [("labelSelector", &self.label_selector), ("fieldSelector", &self.field_selector)]
        {
            if let Some(selector) = selector {
                uri.push_str(&format!("&{parameter}={}", encoded(selector)));
            }
        }
        let accept = match self.metadata_only {
            true => format!("application/json;as={metadata_form};g=meta.k8s.io;v=v1"),
            false => "application/json".to_owned(),
        };
        let request = Request::get(uri).header(ACCEPT, accept).body(Vec::new());
        request.expect("paths are made of encoded segments, queries are encoded")
    }
}
