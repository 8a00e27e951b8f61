//! Watches: what there is, then every change, as a stream of lines.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures::Stream;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::answer::{Answer, Reply};
use crate::body::Error;
use crate::newest::Observer;
use crate::object::Object;
use crate::read::{self, Choice};
use crate::registry::Served;
use crate::request::Call;
use crate::respond;
use crate::server::ApiServer;
use crate::shape;
use crate::state::State;
use crate::status::Status;
use crate::store::Change;
use crate::table::View;

/// How often a watch that asked for bookmarks gets one.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);
/// How long before its end a watch gets the last one, so that the next watch goes on from there.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
/// A watch that does not say how long it lasts lasts this long, and up to as long again.
const DURATION_MIN: Duration = Duration::from_secs(30 * 60);

/// What a watch is to be told.
#[derive(Debug)]
pub(crate) struct Watching {
    served: Served,
    choice: Choice,
    view: View,
    /// Changes up to here are told.
    told: u64,
    initial: Vec<Arc<Object>>,
    /// The initial objects are followed by a bookmark that says so.
    initial_end: bool,
    bookmarks: bool,
    duration: Duration,
    /// Instead of anything else.
    refusal: Option<Status>,
    columns_sent: bool,
}

/// Begins a watch.
pub(crate) fn watch(state: &mut State, call: &Call) -> Result<Answer, Status> {
    read::validate(call)?;
    let choice = Choice::of(call)?;
    let query = &call.query;
    let version = read::resource_version(query).map_err(|why| Status::new(500, "", why))?;
    let bookmarks = query.flag("allowWatchBookmarks");
    let asked = query.has("sendInitialEvents");
    let initial = if asked { query.flag("sendInitialEvents") } else { version == 0 };
    let mut watching = Watching {
        served: call.served.clone(),
        view: call.view,
        told: if version == 0 || initial { state.store.version() } else { version },
        initial: Vec::new(),
        initial_end: initial && bookmarks,
        bookmarks,
        duration: Duration::from_secs(query.get("timeoutSeconds").parse().unwrap_or(0).min(u32::MAX.into())),
        refusal: None,
        columns_sent: false,
        choice,
    };
    if watching.duration.is_zero() {
        watching.duration = DURATION_MIN + DURATION_MIN.mul_f64(state.random.random_range(0.0..1.0));
    }
    if initial {
        if version > state.store.version() {
            watching.refusal = Some(Status::too_large_resource_version(version, state.store.version()));
        }
        let objects = state.store.objects(call.served.collection());
        watching.initial = objects.filter(|object| watching.choice.matches(object)).cloned().collect();
    } else if watching.told < state.store.forgotten() {
        watching.refusal = Some(too_old(watching.told, state));
    }
    let reply = Reply::Watch(Box::new(watching));
    Ok(reply.into())
}

fn too_old(version: u64, state: &State) -> Status {
    Status::expired(format!("too old resource version: {version} ({})", state.store.forgotten()))
}

impl Watching {
    /// The lines, from now until the watch ends.
    pub(crate) fn stream(self, server: ApiServer) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        let now = Instant::now();
        let newest = server.state().subscribe(self.served.collection());
        let stream = Streaming {
            deadline: now + self.duration,
            bookmark_at: next_bookmark(now, now + self.duration),
            watching: self,
            server,
            newest,
            begun: false,
            ended: false,
        };
        futures::stream::unfold(stream, |mut stream| async move {
            let bytes = stream.next().await?;
            Some((Ok(bytes), stream))
        })
    }

    fn begin(&mut self, state: &State, lines: &mut BytesMut) {
        for object in std::mem::take(&mut self.initial) {
            self.line(state, lines, "ADDED", &object);
        }
        if self.initial_end {
            self.bookmark(lines, true);
        }
    }

    /// Tells the changes since the last time. An error is the last line.
    fn tell(&mut self, state: &State, lines: &mut BytesMut) -> Result<(), Status> {
        let newest = state.store.version();
        if self.told >= newest {
            return Ok(());
        }
        let changes = state.store.changes_since(self.told).ok_or_else(|| too_old(self.told, state))?;
        let collection = Arc::clone(self.served.collection());
        for change in changes.filter(|change| change.collection == collection) {
            self.tell_one(state, change, lines);
        }
        self.told = newest;
        Ok(())
    }

    fn tell_one(&mut self, state: &State, change: &Change, lines: &mut BytesMut) {
        let chosen =
            |object: &Option<Arc<Object>>| object.as_ref().filter(|object| self.choice.matches(object)).cloned();
        match (chosen(&change.old), chosen(&change.new)) {
            (None, None) => {}
            (None, Some(new)) => self.line(state, lines, "ADDED", &new),
            (Some(_), Some(new)) => self.line(state, lines, "MODIFIED", &new),
            (Some(old), None) => {
                let last = change.gone.clone().unwrap_or_else(|| Arc::new(old.at(change.version)));
                self.line(state, lines, "DELETED", &last);
            }
        }
    }

    fn line(&mut self, state: &State, lines: &mut BytesMut, kind: &str, object: &Arc<Object>) {
        lines.put_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
        respond::write_object(state, self.view, &self.served, object, !self.columns_sent, lines);
        lines.put_slice(b"}\n");
        self.columns_sent = true;
    }

    fn bookmark(&self, lines: &mut BytesMut, initial_end: bool) {
        let mut object = if self.view == View::Whole { shape::empty(&self.served) } else { json!({}) };
        object["kind"] = self.served.kind.as_str().into();
        object["apiVersion"] = self.served.api_version().into();
        object["metadata"] = json!({"resourceVersion": self.told.to_string()});
        if initial_end {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        respond::put_line(lines, &json!({"type": "BOOKMARK", "object": object}));
    }
}

/// When the bookmark after this instant is due. After the last one, that is past the end.
fn next_bookmark(now: Instant, end: Instant) -> Instant {
    let last = end - BOOKMARK_BEFORE_END;
    let next = now + BOOKMARK_INTERVAL;
    if last > now { next.min(last) } else { next.max(end) }
}

struct Streaming {
    watching: Watching,
    server: ApiServer,
    newest: Observer,
    deadline: Instant,
    bookmark_at: Instant,
    begun: bool,
    ended: bool,
}

impl Streaming {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.ended {
                return None;
            }
            let lines = self.lines();
            if !lines.is_empty() {
                return Some(lines);
            }
            tokio::select! {
                biased;
                () = self.newest.grown() => {}
                () = sleep_until(self.deadline) => {
                    self.ended = true;
                }
                () = sleep_until(self.bookmark_at), if self.watching.bookmarks => {
                    self.bookmark_at = next_bookmark(self.bookmark_at, self.deadline);
                    let mut lines = BytesMut::new();
                    self.watching.told = self.watching.told.max(self.server.state().store.version());
                    self.watching.bookmark(&mut lines, false);
                    return Some(lines.freeze());
                }
            }
        }
    }

    fn lines(&mut self) -> Bytes {
        self.newest.catch_up();
        let mut lines = BytesMut::new();
        let server = self.server.clone();
        let state = server.state();
        let refusal = match self.watching.refusal.take() {
            Some(status) => Err(status),
            None => {
                if !self.begun {
                    self.watching.begin(&state, &mut lines);
                    self.begun = true;
                }
                self.watching.tell(&state, &mut lines)
            }
        };
        if let Err(status) = refusal {
            let object: Value = status.to_value();
            respond::put_line(&mut lines, &json!({"type": "ERROR", "object": object}));
            self.ended = true;
        }
        lines.freeze()
    }
}
