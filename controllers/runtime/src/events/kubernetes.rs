//! Writing events to the API server, in `events.k8s.io/v1`.
//!
//! Mirrors client-go tools/events: the first of several equal events is created, those that follow within
//! [`SERIES_GAP`] count as its series.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, Patch, PostParams};
use serde_json::json;
use tokio::time::{Instant, timeout};
use tracing::warn;

use super::backlog::Backlog;
use super::note::{NOTE_BYTES_MAX, cut};
use super::{EventKind, EventsOptions, Sent};
use crate::Random;
use crate::failure::chain;
use crate::status::written_by;

/// Equal events no farther apart than this are one series.
const SERIES_GAP: Duration = Duration::from_secs(6 * 60);

/// How many series are remembered.
const SERIES_MAX: usize = 1024;

/// How long one request may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many names are tried before an event is given up.
const NAMES_MAX: usize = 3;

/// The longest reason, action and reporting instance that the API server takes, in bytes.
const WORD_BYTES_MAX: usize = 128;

/// The longest name of an object, in bytes.
const NAME_BYTES_MAX: usize = 253;

pub(super) struct Writer {
    client: kube::Client,
    random: Random,
    options: EventsOptions,
    series: BTreeMap<Key, Series>,
}

/// What equal events agree in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    regarding: [Option<String>; 5],
    related: Option<[Option<String>; 5]>,
    kind: EventKind,
    reason: String,
    action: String,
    note: String,
    metadata: BTreeMap<String, String>,
}

struct Series {
    name: String,
    count: i32,
    last: Instant,
}

impl Writer {
    pub(super) fn new(client: kube::Client, random: Random, options: EventsOptions) -> Self {
        Self { client, random, options, series: BTreeMap::new() }
    }

    pub(super) async fn write_all(mut self, backlog: Arc<Backlog>) {
        loop {
            let sent = backlog.pop().await;
            let written = timeout(WRITE_TIMEOUT, self.write(&sent)).await;
            let reason = match written {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => chain(&error),
                Err(_) => "the API server did not answer in time".to_owned(),
            };
            backlog.count_drop();
            warn!(error = reason, object = sent.event.regarding.name, "event was not written");
        }
    }

    async fn write(&mut self, sent: &Sent) -> Result<(), kube::Error> {
        let key = Key::of(sent);
        let events: Api<v1::Event> = Api::namespaced(self.client.clone(), namespace(&sent.event.regarding));
        let now = Instant::now();
        if let Some(series) = self.series.get_mut(&key).filter(|series| now - series.last <= SERIES_GAP) {
            let count = series.count.saturating_add(1);
            let patch = json!({"series": {"count": count, "lastObservedTime": MicroTime(sent.at)}});
            match events
                .patch(&series.name, &written_by(&self.options.reporting_controller), &Patch::Merge(&patch))
                .await
            {
                Ok(_) => {
                    (series.count, series.last) = (count, now);
                    return Ok(());
                }
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error),
            }
        }
        self.series.remove(&key);
        let name = self.create(&events, sent, &key.note).await?;
        self.remember(key, Series { name, count: 1, last: now });
        Ok(())
    }

    /// Creates an event under a name that no other event has, and answers the name.
    async fn create(&self, events: &Api<v1::Event>, sent: &Sent, note: &str) -> Result<String, kube::Error> {
        let manager = Some(self.options.reporting_controller.clone());
        let params = PostParams { field_manager: manager, ..PostParams::default() };
        let mut tried = 1;
        loop {
            let event = self.event(sent, note);
            let name = event.metadata.name.clone().unwrap_or_default();
            match events.create(&params, &event).await {
                Ok(_) => return Ok(name),
                Err(kube::Error::Api(status)) if status.code == 409 && tried < NAMES_MAX => tried += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn event(&self, Sent { event, at }: &Sent, note: &str) -> v1::Event {
        let regarded = event.regarding.name.as_deref().unwrap_or_default();
        let suffix = format!(".{:016x}", self.random.number());
        let stem = &regarded[..regarded.floor_char_boundary(NAME_BYTES_MAX - suffix.len())];
        v1::Event {
            metadata: ObjectMeta {
                name: Some(format!("{stem}{suffix}")),
                namespace: Some(namespace(&event.regarding).to_owned()),
                annotations: Some(event.metadata.clone()).filter(|metadata| !metadata.is_empty()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(*at)),
            action: Some(word(&event.action)),
            reason: Some(word(&event.reason)),
            regarding: Some(event.regarding.clone()),
            related: event.related.clone(),
            note: Some(note.to_owned()),
            reporting_controller: Some(self.options.reporting_controller.clone()),
            reporting_instance: Some(word(&self.options.reporting_instance)),
            type_: Some(type_of(event.kind).to_owned()),
            ..v1::Event::default()
        }
    }

    fn remember(&mut self, key: Key, series: Series) {
        if self.series.len() >= SERIES_MAX {
            let now = series.last;
            self.series.retain(|_, series| now - series.last <= SERIES_GAP);
        }
        if self.series.len() >= SERIES_MAX {
            let oldest = self.series.iter().min_by_key(|(_, series)| series.last).map(|(key, _)| key.clone());
            oldest.and_then(|oldest| self.series.remove(&oldest));
        }
        self.series.insert(key, series);
    }
}

impl Key {
    fn of(Sent { event, at: _ }: &Sent) -> Self {
        let identity = |object: &ObjectReference| {
            let ObjectReference { api_version, kind, namespace, name, uid, resource_version: _, field_path: _ } =
                object;
            [api_version, kind, namespace, name, uid].map(Clone::clone)
        };
        Self {
            regarding: identity(&event.regarding),
            related: event.related.as_ref().map(identity),
            kind: event.kind,
            reason: event.reason.clone(),
            action: event.action.clone(),
            note: cut(&event.message, NOTE_BYTES_MAX).into_owned(),
            metadata: event.metadata.clone(),
        }
    }
}

/// Events about cluster-scoped objects live in `default`, as the API server demands.
fn namespace(regarding: &ObjectReference) -> &str {
    regarding.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or("default")
}

fn type_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Normal | EventKind::Trace | EventKind::Heartbeat => "Normal",
        EventKind::Warning => "Warning",
    }
}

fn word(text: &str) -> String {
    text[..text.floor_char_boundary(WORD_BYTES_MAX)].to_owned()
}
