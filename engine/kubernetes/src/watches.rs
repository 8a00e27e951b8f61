//! The metadata of the objects we own, one watch a kind, and of single objects that somebody awaits.
//!
//! In come resources to watch and the answers to our own writes; out go [`Changed`]s, in the order of each kind's history.
//! What is kept of an object is [`Seen`]. Nothing is decided here: a change that is not drift is reported too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::{Map, Value};
use thalweg_manifest::{ObjectId, Seen};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::follow::{Collection, Follower, View, follow};
use crate::held::{Held, Version, Witness};
use crate::requests::{collection, encoded};
use crate::{Cluster, Error, Resource};

/// An object appeared, changed or vanished.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Which object.
    pub id: ObjectId,
    /// What was seen of it before.
    pub before: Option<Arc<Seen>>,
    /// What is seen of it now; `None` when it is gone, or has lost the label that we watch for.
    pub after: Option<Arc<Seen>>,
}

/// The watches of a controller; they end when this is dropped.
pub struct Watches {
    client: kube::Client,
    label_selector: String,
    manager: Arc<str>,
    changes: UnboundedSender<Changed>,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    /// By group and kind.
    kinds: BTreeMap<String, BTreeMap<String, Arc<Feed>>>,
    named: BTreeMap<ObjectId, Weak<Named>>,
    tasks: JoinSet<()>,
}

/// A watch of a single object, of ours or not; it ends when the last clone is dropped.
#[derive(Clone)]
pub struct NamedWatch(Arc<Named>);

struct Named {
    feed: Arc<Feed>,
    _task: JoinSet<()>,
}

struct Feed {
    /// The version that serves the kind may change.
    resource: Mutex<Resource>,
    /// Of a single object.
    only: Option<ObjectId>,
    label_selector: Option<String>,
    manager: Arc<str>,
    held: Mutex<Held<Arc<Seen>>>,
    changes: UnboundedSender<Changed>,
    view: View,
}

impl Watches {
    /// Watches for objects that `label_selector` selects; `manager` is the field manager whose Apply entry is kept.
    pub fn new(cluster: &Cluster, label_selector: &str, manager: &str, changes: UnboundedSender<Changed>) -> Self {
        Self {
            client: cluster.client().clone(),
            label_selector: label_selector.to_owned(),
            manager: manager.into(),
            changes,
            watched: Mutex::default(),
        }
    }

    /// Starts the watch of a kind unless it runs; one that is failing tries again at once.
    pub fn ensure(&self, resource: &Resource) {
        self.feed(resource);
    }

    /// Waits for a complete view of the kind, starting its watch if need be; an error is the failure of the last attempt.
    ///
    /// Only after this does the absence of an object mean anything.
    pub async fn synced(&self, resource: &Resource) -> Result<(), Error> {
        let feed = self.feed(resource);
        feed.view.synced(|| resource.subject()).await
    }

    /// What is known of an object.
    pub fn get(&self, id: &ObjectId) -> Option<Arc<Seen>> {
        self.feeds_of(id).into_iter().find_map(|feed| feed.get(id))
    }

    /// Takes note of the answer to a write of ours, or of a live read; what is newer is kept and returned.
    ///
    /// `object` is the whole answer. `None` when it is not of a live object. Never record the answer of a dry run.
    pub fn record(&self, resource: &Resource, object: &Value) -> Option<Arc<Seen>> {
        let metadata = object.get("metadata").and_then(Value::as_object)?;
        let id = identity(resource, metadata)?;
        let mut newest = Arc::new(Seen::from_metadata(metadata, &self.manager)?);
        for feed in self.feeds_of(&id) {
            feed.put(Witness::Answer, &id, newest.clone());
            newest = feed.get(&id).unwrap_or(newest);
        }
        Some(newest)
    }

    /// Takes note that the object `uid` is gone: a DELETE of ours, or a live read, said so.
    pub fn record_gone(&self, id: &ObjectId, uid: &str) {
        for feed in self.feeds_of(id) {
            let before = feed.held().gone(id, uid);
            feed.tell(id.clone(), before, None);
        }
    }

    /// Watches a single object for as long as somebody holds the answer.
    pub fn watch_named(&self, resource: &Resource, namespace: &str, name: &str) -> NamedWatch {
        let namespace = if resource.namespaced { namespace } else { "" };
        let id = ObjectId::new(&resource.api.group, &resource.api.kind, namespace, name);
        let mut watched = self.watched();
        watched.named.retain(|_, named| named.strong_count() > 0);
        if let Some(named) = watched.named.get(&id).and_then(Weak::upgrade) {
            return NamedWatch(named);
        }
        let feed = Arc::new(self.new_feed(resource, Some(id.clone())));
        let mut task = JoinSet::new();
        task.spawn(follow(self.client.clone(), feed.clone()));
        let named = Arc::new(Named { feed, _task: task });
        watched.named.insert(id, Arc::downgrade(&named));
        NamedWatch(named)
    }

    fn feed(&self, resource: &Resource) -> Arc<Feed> {
        let mut watched = self.watched();
        let Watched { kinds, tasks, .. } = &mut *watched;
        let kinds = kinds.entry(resource.api.group.clone()).or_default();
        if let Some(feed) = kinds.get(&resource.api.kind) {
            resource.clone_into(&mut feed.resource.lock().unwrap_or_else(PoisonError::into_inner));
            feed.view.hurry();
            return feed.clone();
        }
        let feed = Arc::new(self.new_feed(resource, None));
        kinds.insert(resource.api.kind.clone(), feed.clone());
        tasks.spawn(follow(self.client.clone(), feed.clone()));
        feed
    }

    fn new_feed(&self, resource: &Resource, only: Option<ObjectId>) -> Feed {
        Feed {
            resource: Mutex::new(resource.clone()),
            label_selector: only.is_none().then(|| self.label_selector.clone()),
            only,
            manager: self.manager.clone(),
            held: Mutex::default(),
            changes: self.changes.clone(),
            view: View::default(),
        }
    }

    fn feeds_of(&self, id: &ObjectId) -> Vec<Arc<Feed>> {
        let watched = self.watched();
        let of_kind = watched.kinds.get(&id.group).and_then(|kinds| kinds.get(&id.kind)).cloned();
        let named = watched.named.get(id).and_then(Weak::upgrade).map(|named| named.feed.clone());
        of_kind.into_iter().chain(named).collect()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NamedWatch {
    /// Waits until it is known whether the object exists.
    pub async fn synced(&self) -> Result<(), Error> {
        let feed = &self.0.feed;
        feed.view.synced(|| feed.only.as_ref().map(ObjectId::subject).unwrap_or_default()).await
    }

    /// What is known of the object.
    pub fn get(&self) -> Option<Arc<Seen>> {
        self.0.feed.get(self.0.feed.only.as_ref()?)
    }
}

impl Feed {
    fn held(&self) -> MutexGuard<'_, Held<Arc<Seen>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, id: &ObjectId) -> Option<Arc<Seen>> {
        self.held().get(id).cloned()
    }

    fn put(&self, witness: Witness, id: &ObjectId, seen: Arc<Seen>) {
        let (uid, resource_version) = (seen.uid.clone(), seen.resource_version.clone());
        let mut held = self.held();
        if let Some(before) = held.put(witness, id, Version { uid, resource_version, value: seen.clone() }) {
            // Told under the lock: the order of changes is the order of history.
            self.tell(id.clone(), before, Some(seen));
        }
    }

    fn tell(&self, id: ObjectId, before: Option<Arc<Seen>>, after: Option<Arc<Seen>>) {
        if before.is_some() || after.is_some() {
            // Nobody listens only while the controller ends.
            let _ = self.changes.send(Changed { id, before, after });
        }
    }

    fn read(&self, object: &Value) -> Option<(ObjectId, Seen)> {
        let metadata = object.get("metadata").and_then(Value::as_object)?;
        let id = identity(&self.resource.lock().unwrap_or_else(PoisonError::into_inner), metadata)?;
        Some((id, Seen::from_metadata(metadata, &self.manager)?))
    }
}

impl Follower for Feed {
    fn collection(&self) -> Collection {
        let resource = self.resource.lock().unwrap_or_else(PoisonError::into_inner);
        let namespace = self.only.as_ref().filter(|_| resource.namespaced).map(|id| encoded(&id.namespace));
        Collection {
            subject: self.only.as_ref().map_or_else(|| resource.subject(), ObjectId::subject),
            path: collection(&resource, namespace.as_deref()),
            metadata_only: true,
            label_selector: self.label_selector.clone(),
            field_selector: self.only.as_ref().map(|id| format!("metadata.name={}", id.name)),
        }
    }

    fn applied(&self, object: Value) -> Option<ObjectId> {
        let (id, seen) = self.read(&object)?;
        self.put(Witness::Watch, &id, Arc::new(seen));
        Some(id)
    }

    fn deleted(&self, object: Value) {
        if let Some((id, seen)) = self.read(&object) {
            let mut held = self.held();
            let before = held.deleted(&id, &seen.uid, &seen.resource_version);
            self.tell(id, before, None);
        }
    }

    fn passed(&self, resource_version: &str) {
        self.held().pass(resource_version);
    }

    fn complete(&self, listed: &BTreeSet<ObjectId>, resource_version: &str) {
        let mut held = self.held();
        for (id, before) in held.complete(listed, resource_version) {
            self.tell(id, Some(before), None);
        }
    }

    fn view(&self) -> &View {
        &self.view
    }
}

fn identity(resource: &Resource, metadata: &Map<String, Value>) -> Option<ObjectId> {
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default();
    let id = ObjectId::new(&resource.api.group, &resource.api.kind, text("namespace"), text("name"));
    (!id.name.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::core::ApiResource;
    use serde_json::json;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::Refusal as _;
    use crate::mock::{self, Asked, Log, Reply, closed, event, list, live, open, refused, scripted};

    const MANAGER: &str = "kustomize-controller";

    fn config_maps() -> Resource {
        Resource { api: ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&()), namespaced: true }
    }

    fn object(name: &str, uid: &str, resource_version: &str) -> Value {
        json!({
            "kind": "PartialObjectMetadata",
            "metadata": {"name": name, "namespace": "apps", "uid": uid, "resourceVersion": resource_version},
        })
    }

    fn id(name: &str) -> ObjectId {
        ObjectId::new("", "ConfigMap", "apps", name)
    }

    fn watches(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Watches, UnboundedReceiver<Changed>, Log) {
        let (cluster, log) = mock::cluster(answer);
        let (sender, changes) = unbounded_channel();
        (Watches::new(&cluster, "ours", MANAGER, sender), changes, log)
    }

    /// Time is paused: everything that can happen has happened when the sleep ends.
    async fn settle() {
        tokio::time::sleep(Duration::from_secs(20)).await;
    }

    fn told(changes: &mut UnboundedReceiver<Changed>) -> Vec<String> {
        let version =
            |seen: Option<Arc<Seen>>| seen.map_or_else(|| "-".to_owned(), |seen| seen.resource_version.clone());
        let mut told = Vec::new();
        while let Ok(Changed { id, before, after }) = changes.try_recv() {
            told.push(format!("{} {} → {}", id.name, version(before), version(after)));
        }
        told
    }

    async fn check(case: &str, lists: Vec<Reply>, watched: Vec<Reply>, expected: &[&str]) {
        let (watches, mut changes, _) = watches(scripted(lists, watched));
        watches.ensure(&config_maps());
        settle().await;
        assert_eq!(told(&mut changes), expected, "{case}");
    }

    #[tokio::test(start_paused = true)]
    async fn changes_are_told_in_the_order_of_history() {
        let gone = json!({"type": "ERROR", "object": mock::status(410, "Expired", "too old resource version")});
        let bookmark = json!({
            "type": "BOOKMARK",
            "object": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}},
        });
        let (a, b) = (|version: &str| object("a", "u1", version), |version: &str| object("b", "u2", version));
        check("listed", vec![list("5", &[a("3"), b("4")])], vec![], &["a - → 3", "b - → 4"]).await;
        check(
            "added, modified, deleted",
            vec![list("5", &[])],
            vec![open(&[event("ADDED", &a("6")), event("MODIFIED", &a("7")), event("DELETED", &a("8"))])],
            &["a - → 6", "a 6 → 7", "a 7 → -"],
        )
        .await;
        check(
            "a closed watch resumes, and a repeated or older event is nothing new",
            vec![list("5", &[a("3")])],
            vec![
                closed(&[event("MODIFIED", &a("7"))]),
                open(&[event("MODIFIED", &a("7")), event("MODIFIED", &a("6"))]),
            ],
            &["a - → 3", "a 3 → 7"],
        )
        .await;
        check(
            "an expired watch lists again and tells what vanished, appeared and changed",
            vec![list("5", &[a("3"), b("4")]), list("20", &[b("12"), object("c", "u3", "13")])],
            vec![open(&[bookmark, gone])],
            &["a - → 3", "b - → 4", "b 4 → 12", "c - → 13", "a 3 → -"],
        )
        .await;
        check(
            "a watch that cannot be resumed lists again",
            vec![list("5", &[a("3")]), list("20", &[])],
            vec![refused(410, "Expired", "too old resource version")],
            &["a - → 3", "a 3 → -"],
        )
        .await;
        check(
            "an object that was deleted and made anew is one change after a list, two after events",
            vec![list("5", &[a("3")]), list("20", &[object("a", "u9", "12")])],
            vec![
                refused(410, "Expired", "too old"),
                open(&[event("DELETED", &object("a", "u9", "21")), event("ADDED", &object("a", "u10", "22"))]),
            ],
            &["a - → 3", "a 3 → 12", "a 12 → -", "a - → 22"],
        )
        .await;
        check(
            "that nothing serves the kind any more says nothing about its objects, until it is served again",
            vec![list("5", &[a("3"), b("4")]), refused(404, "", "page not found"), list("20", &[b("4")])],
            vec![refused(404, "", "page not found")],
            &["a - → 3", "b - → 4", "a 3 → -"],
        )
        .await;
        check(
            "a line that is no event does not end the watch for good",
            vec![list("5", &[a("3")])],
            vec![closed(&[json!({"type": "ADDED"}), json!("?")]), open(&[event("MODIFIED", &a("7"))])],
            &["a - → 3", "a 3 → 7"],
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_never_arrived_is_made_good_by_a_list_every_half_hour() {
        let lists = vec![list("5", &[object("a", "u1", "3")]), list("20", &[object("a", "u1", "9")])];
        let silent = (0..8).map(|_| open(&[])).collect();
        let (watches, mut changes, log) = watches(scripted(lists, silent));
        watches.ensure(&config_maps());
        tokio::time::sleep(Duration::from_secs(25 * 60)).await;
        assert_eq!(told(&mut changes), ["a - → 3"]);
        tokio::time::sleep(Duration::from_secs(10 * 60)).await;
        assert_eq!(told(&mut changes), ["a 3 → 9"]);
        let lists = log.lock().unwrap().iter().filter(|asked| !asked.is_watch()).count();
        assert_eq!(lists, 2, "in 35 minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn streams_that_break_time_and_again_do_not_put_off_the_next_list() {
        let versions = std::sync::atomic::AtomicU64::new(10);
        let (watches, _changes, log) = watches(move |asked| match asked.is_watch() {
            true => {
                let version = versions.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
                closed(&[event("MODIFIED", &object("a", "u1", &version)), json!("?")])
            }
            false => list("5", &[object("a", "u1", "3")]),
        });
        watches.ensure(&config_maps());
        tokio::time::sleep(Duration::from_secs(35 * 60)).await;
        let lists = log.lock().unwrap().iter().filter(|asked| !asked.is_watch()).count();
        assert!(lists >= 2, "{lists} in 35 minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_watch_is_ever_begun_the_collection_is_listed() {
        let lists = vec![list("5", &[object("a", "u1", "3")]), list("20", &[object("a", "u1", "9")])];
        let (watches, mut changes, _) = watches(scripted(lists, vec![]));
        watches.ensure(&config_maps());
        tokio::time::sleep(Duration::from_secs(6 * 60)).await;
        assert_eq!(told(&mut changes), ["a - → 3", "a 3 → 9"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_not_even_begun_is_asked_for_again() {
        let told_then = open(&[event("MODIFIED", &object("a", "u1", "7"))]);
        let lists = vec![list("5", &[object("a", "u1", "3")])];
        let (watches, mut changes, _) = watches(scripted(lists, vec![Reply::Never, told_then]));
        watches.ensure(&config_maps());
        tokio::time::sleep(Duration::from_secs(74)).await;
        assert_eq!(told(&mut changes), ["a - → 3"]);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(told(&mut changes), ["a 3 → 7"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_list_is_read_in_pages_and_its_objects_do_not_vanish() {
        let page = |next: &str, name: &str| {
            let metadata = json!({"resourceVersion": "5", "continue": next});
            Reply::Json(200, json!({"metadata": metadata, "items": [object(name, name, "3")]}))
        };
        let (watches, mut changes, log) = watches(scripted(vec![page("t/1", "a"), page("", "b")], vec![]));
        watches.synced(&config_maps()).await.unwrap();
        settle().await;
        assert_eq!(told(&mut changes), ["a - → 3", "b - → 3"]);
        let log = log.lock().unwrap();
        assert_eq!(log[0].query["limit"], "500");
        assert_eq!(log[0].query["labelSelector"], "ours");
        assert_eq!(log[0].headers["accept"], "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
        assert_eq!(log[1].query["continue"], "t%2F1");
        assert_eq!((log[2].query["watch"].as_str(), log[2].query["resourceVersion"].as_str()), ("true", "5"));
        assert_eq!(log[2].headers["accept"], "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_watch_and_own_answers_wins() {
        let (sender, watch) = live();
        let (watches, mut changes, _) = watches(scripted(vec![list("5", &[object("a", "u1", "3")])], vec![watch]));
        watches.synced(&config_maps()).await.unwrap();
        let newest = |watches: &Watches| watches.get(&id("a")).map(|seen| seen.resource_version.clone());

        watches.record(&config_maps(), &object("a", "u1", "8"));
        sender.send(event("MODIFIED", &object("a", "u1", "7"))).unwrap();
        sender.send(event("MODIFIED", &object("a", "u1", "8"))).unwrap();
        settle().await;
        assert_eq!(told(&mut changes), ["a - → 3", "a 3 → 8"], "the watch was behind our own write");

        let kept = watches.record(&config_maps(), &object("a", "u1", "6")).unwrap();
        assert_eq!((kept.resource_version.as_str(), newest(&watches)), ("8", Some("8".to_owned())), "a late answer");

        sender.send(event("DELETED", &object("a", "u1", "12"))).unwrap();
        settle().await;
        watches.record(&config_maps(), &object("a", "u1", "11"));
        assert_eq!(told(&mut changes), ["a 8 → -"], "an answer from before a deletion raises nobody from the dead");

        watches.record(&config_maps(), &object("a", "u2", "14"));
        sender.send(event("DELETED", &object("a", "u1", "13"))).unwrap();
        settle().await;
        assert_eq!(told(&mut changes), ["a - → 14"], "the deletion of an older object is ignored");
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_that_we_deleted_stays_gone_while_the_watch_catches_up() {
        let (sender, watch) = live();
        let (watches, mut changes, _) = watches(scripted(vec![list("5", &[object("a", "u1", "3")])], vec![watch]));
        watches.synced(&config_maps()).await.unwrap();
        watches.record_gone(&id("a"), "another");
        assert!(watches.get(&id("a")).is_some());
        watches.record_gone(&id("a"), "u1");
        sender.send(event("MODIFIED", &object("a", "u1", "7"))).unwrap();
        sender.send(event("DELETED", &object("a", "u1", "8"))).unwrap();
        sender.send(event("ADDED", &object("a", "u2", "9"))).unwrap();
        settle().await;
        assert_eq!(told(&mut changes), ["a - → 3", "a 3 → -", "a - → 9"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_made_while_the_list_was_under_way_has_not_vanished() {
        let (sender, watch) = live();
        let (watches, mut changes, _) =
            watches(scripted(vec![list("5", &[]), list("20", &[])], vec![watch, refused(410, "Expired", "old")]));
        watches.synced(&config_maps()).await.unwrap();
        watches.record(&config_maps(), &object("a", "u1", "21"));
        watches.record(&config_maps(), &object("b", "u2", "19"));
        drop(sender);
        settle().await;
        assert_eq!(told(&mut changes), ["a - → 21", "b - → 19", "b 19 → -"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_watch_says_why_does_not_spin_and_recovers() {
        let failing = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let fails = failing.clone();
        let forbidden = || refused(403, "Forbidden", "configmaps is forbidden");
        let (watches, _changes, log) = watches(move |asked| match fails.load(std::sync::atomic::Ordering::SeqCst) {
            true => forbidden(),
            false if asked.is_watch() => open(&[]),
            false => list("5", &[object("a", "u1", "3")]),
        });
        let error = watches.synced(&config_maps()).await.unwrap_err();
        assert_eq!((error.is_forbidden(), error.message().as_str()), (true, "configmaps is forbidden"));
        tokio::time::sleep(Duration::from_secs(600)).await;
        let attempts = log.lock().unwrap().len();
        assert!((110..140).contains(&attempts), "one attempt in five seconds, not {attempts}");
        failing.store(false, std::sync::atomic::Ordering::SeqCst);
        watches.synced(&config_maps()).await.unwrap();
        assert!(watches.get(&id("a")).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_not_asked_in_a_loop_and_one_kind_does_not_hold_up_another() {
        let (watches, mut changes, log) = watches(|asked| match asked.path.as_str() {
            "/api/v1/secrets" => Reply::Never,
            _ if asked.is_watch() => Reply::Refused,
            _ => list("5", &[object("a", "u1", "3")]),
        });
        let secrets = Resource { api: ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&()), namespaced: true };
        watches.ensure(&secrets);
        watches.synced(&config_maps()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(told(&mut changes), ["a - → 3"]);
        let attempts = log.lock().unwrap().len();
        assert!(attempts < 80, "{attempts} requests in a minute");
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_is_closed_at_once_does_not_spin() {
        let (watches, _changes, log) = watches(|asked| if asked.is_watch() { closed(&[]) } else { list("5", &[]) });
        watches.synced(&config_maps()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let attempts = log.lock().unwrap().len();
        assert!(attempts < 60, "{attempts} requests in a minute");
    }

    #[tokio::test(start_paused = true)]
    async fn an_awaited_object_is_watched_by_name_for_as_long_as_somebody_waits() {
        let (watches, mut changes, log) = watches(|asked| match asked.is_watch() {
            true => open(&[event("ADDED", &object("db", "u1", "8"))]),
            false => list("5", &[]),
        });
        let one = watches.watch_named(&config_maps(), "apps", "db");
        let two = watches.watch_named(&config_maps(), "apps", "db");
        one.synced().await.unwrap();
        settle().await;
        assert_eq!(told(&mut changes), ["db - → 8"]);
        assert!(two.get().is_some() && watches.get(&id("db")).is_some());
        {
            let log = log.lock().unwrap();
            assert_eq!(log.len(), 2, "one list and one watch for both");
            assert_eq!(log[0].path, "/api/v1/namespaces/apps/configmaps");
            assert_eq!(log[0].query["fieldSelector"], "metadata.name%3Ddb");
            assert!(!log[0].query.contains_key("labelSelector"));
        }
        drop(one);
        assert!(watches.get(&id("db")).is_some());
        drop(two);
        assert!(watches.get(&id("db")).is_none());
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(log.lock().unwrap().len(), 2, "nobody waits any more");
    }
}
