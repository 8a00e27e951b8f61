//! Telling what happened: as Kubernetes events, and to Flux's notification-controller.
//!
//! [`Events::send`] never waits. Each destination has a queue of its own with a limit in events and in bytes; a full queue
//! drops its oldest event and counts it, so an API server or receiver that does not answer holds up nobody.

mod backlog;
mod kubernetes;
mod note;
mod post;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Resource, ResourceExt as _};
use tokio::task::JoinHandle;

pub use self::backlog::{EVENT_BYTES_MAX, EVENTS_MAX};
pub use self::note::NOTE_BYTES_MAX;
pub use self::post::{MESSAGE_BYTES_MAX, POST_RETRIES_MAX, POST_TIMEOUT};

use self::backlog::Backlog;
use crate::{Clock, Metrics, Random};

/// Annotations of the regarded object under this prefix travel in the metadata of its events.
pub const ANNOTATION_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// One thing that happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What the event is about.
    pub regarding: ObjectReference,
    /// A second object that it concerns, such as the source.
    pub related: Option<ObjectReference>,
    /// How grave it is.
    pub kind: EventKind,
    /// Why, in one word: as a rule the reason of the Ready condition.
    pub reason: String,
    /// What was being done, in one word, such as `Apply`.
    pub action: String,
    /// What a person reads; Kubernetes gets the beginning of it, up to [`NOTE_BYTES_MAX`].
    pub message: String,
    /// Facts by key, such as `kustomize.toolkit.fluxcd.io/revision`: annotations of the Kubernetes event.
    pub metadata: BTreeMap<String, String>,
}

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// Something went as it should: severity `info`.
    Normal,
    /// Something failed: severity `error`.
    Warning,
    /// Of interest on this cluster alone: a Normal event in Kubernetes, never posted.
    Trace,
    /// Nothing changed and all is well: posted with severity `info`, never an event in Kubernetes.
    Heartbeat,
}

impl Event {
    /// An event about an object, with the metadata that its annotations ask for.
    pub fn about<K: Resource<DynamicType = ()>>(
        object: &K,
        kind: EventKind,
        action: impl Into<String>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let asked_for = object.annotations().iter().filter(|(key, _)| key.starts_with(ANNOTATION_PREFIX));
        Self {
            regarding: object.object_ref(&()),
            related: None,
            kind,
            reason: reason.into(),
            action: action.into(),
            message: message.into(),
            metadata: asked_for.map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }

    /// Adds metadata under a key of the regarded object's API group: `revision` becomes
    /// `kustomize.toolkit.fluxcd.io/revision`.
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        let api_version = self.regarding.api_version.as_deref().unwrap_or_default();
        let key = match api_version.split_once('/') {
            Some((group, _)) => format!("{group}/{key}"),
            None => key.to_owned(),
        };
        self.metadata.insert(key, value.into());
        self
    }

    /// Names a second object.
    pub fn with_related(mut self, related: ObjectReference) -> Self {
        self.related = Some(related);
        self
    }
}

/// An event at the time at which it was sent.
#[derive(Debug)]
struct Sent {
    event: Event,
    at: Timestamp,
}

/// Who reports, and to whom beside the API server.
#[derive(Clone, Debug)]
pub struct EventsOptions {
    /// The name of the controller, such as `kustomize-controller`.
    pub reporting_controller: String,
    /// The name of its pod or host.
    pub reporting_instance: String,
    /// `--events-addr`, if set.
    pub address: Option<reqwest::Url>,
}

/// Events cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// No HTTP client could be made.
    #[error("making the HTTP client for --events-addr")]
    Client(#[source] reqwest::Error),
}

/// Sends the events of one controller. Cheap to clone; when the last clone is dropped, what is queued is dropped too.
#[derive(Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    kubernetes: Arc<Backlog>,
    post: Option<Arc<Backlog>>,
    tasks: Vec<JoinHandle<()>>,
    is_in_memory: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Events {
    /// Starts sending, in tasks of the current runtime.
    pub fn start(
        client: kube::Client,
        clock: Clock,
        random: Random,
        metrics: Metrics,
        options: EventsOptions,
    ) -> Result<Self, EventsError> {
        let queue = |destination| Arc::new(Backlog::new(metrics.clone(), &options.reporting_controller, destination));
        let kubernetes = queue("kubernetes");
        let writer = kubernetes::Writer::new(client, random, options.clone());
        let mut tasks = vec![tokio::spawn(writer.write_all(kubernetes.clone()))];
        let post = match &options.address {
            None => None,
            Some(address) => {
                let poster = post::Poster::new(address.clone(), options.clone()).map_err(EventsError::Client)?;
                let post = queue("events-addr");
                tasks.push(tokio::spawn(poster.post_all(post.clone())));
                Some(post)
            }
        };
        Ok(Self { inner: Arc::new(Inner { clock, kubernetes, post, tasks, is_in_memory: false }) })
    }

    /// Keeps events of every kind, up to the limits, for [`Events::taken`]: for tests of controllers.
    pub fn in_memory(clock: Clock) -> Self {
        let kubernetes = Arc::new(Backlog::new(Metrics::new(), "", "memory"));
        Self { inner: Arc::new(Inner { clock, kubernetes, post: None, tasks: Vec::new(), is_in_memory: true }) }
    }

    /// Sends an event, sooner or later, if the queue lasts.
    pub fn send(&self, event: Event) {
        let sent = Arc::new(Sent { event, at: self.inner.clock.now() });
        let (to_kubernetes, to_address) = match sent.event.kind {
            EventKind::Normal | EventKind::Warning => (true, true),
            EventKind::Trace => (true, false),
            EventKind::Heartbeat => (self.inner.is_in_memory, true),
        };
        if let Some(post) = self.inner.post.as_ref().filter(|_| to_address) {
            post.push(sent.clone());
        }
        if to_kubernetes {
            self.inner.kubernetes.push(sent);
        }
    }

    /// What was sent and not yet written, oldest first; it will not be written.
    pub fn taken(&self) -> Vec<Event> {
        std::iter::from_fn(|| self.inner.kubernetes.try_pop()).map(|sent| sent.event.clone()).collect()
    }

    /// Resolves when everything sent so far is written, refused or dropped. Put a time limit on it.
    pub async fn flush(&self) {
        self.inner.kubernetes.emptied().await;
        if let Some(post) = &self.inner.post {
            post.emptied().await;
        }
    }
}

#[cfg(test)]
mod tests;
