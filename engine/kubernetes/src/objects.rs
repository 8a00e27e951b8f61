//! One kind of ours, watched and typed, where an object that cannot be read spoils only itself.
//!
//! The list and the watch are read as JSON, and each object is then decoded by itself: what fails is *poisoned*, told as
//! such, and its siblings go on (the trap of a typed list, in which one bad object fails all). A read is never older than
//! our last write, whose answer is [recorded](Objects::record).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::Stream;
use kube::Resource as Typed;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thalweg_manifest::ObjectId;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::follow::{Collection, Follower, View, follow};
use crate::held::{Held, Version, Witness};
use crate::requests::encoded;
use crate::{Cluster, Error};

/// What happened to an object of the kind.
#[derive(Clone, Debug)]
pub enum Event<K> {
    /// It appeared or changed; `before` is none, too, when it could not be read before.
    Applied {
        /// Which object.
        id: ObjectId,
        /// As it was.
        before: Option<Arc<K>>,
        /// As it is.
        after: Arc<K>,
    },
    /// It is gone.
    Deleted {
        /// Which object.
        id: ObjectId,
        /// As it was; none when it could not be read.
        before: Option<Arc<K>>,
    },
    /// It cannot be read; until that changes, there is no value of it.
    Poisoned {
        /// Which object.
        id: ObjectId,
        /// Why, for a user.
        error: String,
    },
    /// All objects of the first list have been told.
    Synced,
}

/// The objects of one kind; the watch ends when this is dropped.
pub struct Objects<K> {
    store: Arc<Store<K>>,
    _task: JoinSet<()>,
}

type Reading<K> = Result<Arc<K>, Arc<str>>;

struct Store<K> {
    namespace: Option<String>,
    label_selector: Option<String>,
    held: Mutex<Contents<K>>,
    events: UnboundedSender<Event<K>>,
    view: View,
}

struct Contents<K> {
    held: Held<Reading<K>>,
    synced: bool,
}

/// What `Objects` needs of a kind.
pub trait Kind: Typed<DynamicType = ()> + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static {}

impl<K: Typed<DynamicType = ()> + DeserializeOwned + Clone + fmt::Debug + Send + Sync + 'static> Kind for K {}

impl<K: Kind> Objects<K> {
    /// Starts to watch: the objects of one namespace or of all, those of a label selector or all.
    pub fn watch(
        cluster: &Cluster,
        namespace: Option<&str>,
        label_selector: Option<&str>,
    ) -> (Arc<Self>, impl Stream<Item = Event<K>> + Send + Unpin + use<K>) {
        let (events, mut received) = unbounded_channel();
        let store = Arc::new(Store {
            namespace: namespace.map(str::to_owned),
            label_selector: label_selector.map(str::to_owned),
            held: Mutex::new(Contents { held: Held::default(), synced: false }),
            events,
            view: View::default(),
        });
        let mut task = JoinSet::new();
        task.spawn(follow(cluster.client().clone(), store.clone()));
        (Arc::new(Self { store, _task: task }), futures::stream::poll_fn(move |context| received.poll_recv(context)))
    }

    /// The object, if it exists and can be read.
    pub fn get(&self, id: &ObjectId) -> Option<Arc<K>> {
        self.store.contents().held.get(id).and_then(|reading| reading.clone().ok())
    }

    /// Every object that can be read, in the order of their identities.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.store.contents().held.iter().filter_map(|(_, reading)| reading.clone().ok()).collect()
    }

    /// The objects that cannot be read, and why.
    pub fn poisoned(&self) -> Vec<(ObjectId, String)> {
        let contents = self.store.contents();
        let poisoned =
            contents.held.iter().filter_map(|(id, reading)| Some((id.clone(), reading.as_ref().err()?.to_string())));
        poisoned.collect()
    }

    /// Takes note of the answer to a write of ours; whether it was newer than what was known.
    pub fn record(&self, object: Arc<K>) -> bool {
        let metadata = object.meta();
        let (Some(name), Some(uid), Some(resource_version)) =
            (&metadata.name, &metadata.uid, &metadata.resource_version)
        else {
            return false;
        };
        let id = identity::<K>(metadata.namespace.as_deref().unwrap_or_default(), name);
        let version =
            Version { uid: uid.clone(), resource_version: resource_version.clone(), value: Ok(object.clone()) };
        self.store.put(Witness::Answer, &id, version)
    }

    /// Waits until every object has been seen once; an error is the failure of the last attempt.
    pub async fn synced(&self) -> Result<(), Error> {
        self.store.view.synced(subject::<K>).await
    }
}

impl<K: Kind> Store<K> {
    fn contents(&self) -> MutexGuard<'_, Contents<K>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, witness: Witness, id: &ObjectId, version: Version<Reading<K>>) -> bool {
        let reading = version.value.clone();
        let mut contents = self.contents();
        let Some(before) = contents.held.put(witness, id, version) else { return false };
        let id = id.clone();
        self.tell(match reading {
            Ok(after) => Event::Applied { id, before: before.and_then(Result::ok), after },
            Err(error) => Event::Poisoned { id, error: error.to_string() },
        });
        true
    }

    fn tell(&self, event: Event<K>) {
        // Nobody listens only while the controller ends.
        let _ = self.events.send(event);
    }
}

impl<K: Kind> Follower for Store<K> {
    fn collection(&self) -> Collection {
        Collection {
            subject: subject::<K>(),
            path: K::url_path(&(), self.namespace.as_deref().map(encoded).as_deref()),
            metadata_only: false,
            label_selector: self.label_selector.clone(),
            field_selector: None,
        }
    }

    fn applied(&self, object: Value) -> Option<ObjectId> {
        let (id, uid, resource_version) = outline::<K>(&object)?;
        let value = decode(object);
        self.put(Witness::Watch, &id, Version { uid, resource_version, value });
        Some(id)
    }

    fn deleted(&self, object: Value) {
        let Some((id, uid, resource_version)) = outline::<K>(&object) else { return };
        let mut contents = self.contents();
        if let Some(before) = contents.held.deleted(&id, &uid, &resource_version) {
            self.tell(Event::Deleted { id, before: before.ok() });
        }
    }

    fn passed(&self, resource_version: &str) {
        self.contents().held.pass(resource_version);
    }

    fn complete(&self, listed: &BTreeSet<ObjectId>, resource_version: &str) {
        let mut contents = self.contents();
        for (id, before) in contents.held.complete(listed, resource_version) {
            self.tell(Event::Deleted { id, before: before.ok() });
        }
        if !std::mem::replace(&mut contents.synced, true) {
            self.tell(Event::Synced);
        }
    }

    fn view(&self) -> &View {
        &self.view
    }
}

fn identity<K: Kind>(namespace: &str, name: &str) -> ObjectId {
    ObjectId::new(K::group(&()), K::kind(&()), namespace, name)
}

fn subject<K: Kind>() -> String {
    match &*K::group(&()) {
        "" => K::kind(&()).into_owned(),
        group => format!("{}.{group}", K::kind(&())),
    }
}

/// What even a poisoned object has: identity, uid and resourceVersion.
fn outline<K: Kind>(object: &Value) -> Option<(ObjectId, String, String)> {
    let text = |field: &str| object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str);
    let id = identity::<K>(text("namespace").unwrap_or_default(), text("name")?);
    Some((id, text("uid")?.to_owned(), text("resourceVersion")?.to_owned()))
}

/// Items of a list of a built-in kind lack apiVersion and kind.
fn decode<K: Kind>(mut object: Value) -> Reading<K> {
    if let Some(content) = object.as_object_mut() {
        content.entry("apiVersion").or_insert_with(|| K::api_version(&()).into());
        content.entry("kind").or_insert_with(|| K::kind(&()).into());
    }
    serde_json::from_value(object).map(Arc::new).map_err(|error| error.to_string().into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt as _;
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;
    use crate::mock::{self, Reply, event, list, live, open, refused, scripted};

    fn object(name: &str, resource_version: &str, data: Value) -> Value {
        let metadata = json!({"name": name, "namespace": "apps", "uid": name, "resourceVersion": resource_version});
        json!({"metadata": metadata, "data": data})
    }

    fn typed(value: Value) -> Arc<ConfigMap> {
        decode::<ConfigMap>(value).unwrap()
    }

    fn id(name: &str) -> ObjectId {
        ObjectId::new("", "ConfigMap", "apps", name)
    }

    fn told(event: Event<ConfigMap>) -> String {
        let version = |object: Option<Arc<ConfigMap>>| {
            object.and_then(|object| object.metadata.resource_version.clone()).unwrap_or_else(|| "-".to_owned())
        };
        match event {
            Event::Applied { id, before, after } => {
                format!("{} {} → {}", id.name, version(before), version(Some(after)))
            }
            Event::Deleted { id, before } => format!("{} {} deleted", id.name, version(before)),
            Event::Poisoned { id, .. } => format!("{} poisoned", id.name),
            Event::Synced => "synced".to_owned(),
        }
    }

    /// Everything that is told while the clock, which is paused, goes on for a while.
    async fn all_of(events: &mut (impl Stream<Item = Event<ConfigMap>> + Unpin)) -> Vec<String> {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let mut all = Vec::new();
        while let Some(Some(event)) = futures::FutureExt::now_or_never(events.next()) {
            all.push(told(event));
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn a_poisoned_object_does_not_stop_its_siblings() {
        let bad = |version: &str| object("bad", version, json!("not a map"));
        let good = |name: &str, version: &str| object(name, version, json!({"a": "1"}));
        let (cluster, _) = mock::cluster(scripted(
            vec![list("5", &[good("a", "3"), bad("4"), good("c", "5")]), list("20", &[bad("7")])],
            vec![open(&[
                event("MODIFIED", &bad("6")),
                event("ADDED", &good("d", "7")),
                event("MODIFIED", &good("bad", "8")),
                event("MODIFIED", &bad("9")),
                event("DELETED", &bad("10")),
            ])],
        ));
        let (objects, mut events) = Objects::<ConfigMap>::watch(&cluster, None, None);
        assert_eq!(
            all_of(&mut events).await,
            [
                "a - → 3",
                "bad poisoned",
                "c - → 5",
                "synced",
                "bad poisoned",
                "d - → 7",
                "bad - → 8",
                "bad poisoned",
                "bad - deleted"
            ],
        );
        let names = |object: &Arc<ConfigMap>| object.metadata.name.clone();
        let left: Vec<_> = objects.list().iter().filter_map(names).collect();
        assert_eq!((left, objects.poisoned()), (vec!["a".to_owned(), "c".to_owned(), "d".to_owned()], Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_poisoned_is_listed_with_its_reason_and_has_no_value() {
        let (cluster, _) = mock::cluster(scripted(vec![list("5", &[object("bad", "4", json!({"a": 1}))])], vec![]));
        let (objects, _events) = Objects::<ConfigMap>::watch(&cluster, Some("apps"), None);
        objects.synced().await.unwrap();
        assert!(objects.get(&id("bad")).is_none());
        let (poisoned, reason) = objects.poisoned().remove(0);
        assert_eq!(poisoned, id("bad"));
        assert!(reason.contains("invalid type: integer `1`, expected a string"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_is_never_older_than_our_last_write() {
        let (sender, watch) = live();
        let (cluster, log) = mock::cluster(scripted(vec![list("5", &[object("a", "3", json!({}))])], vec![watch]));
        let (objects, mut events) = Objects::<ConfigMap>::watch(&cluster, Some("apps"), Some("team=blue"));
        objects.synced().await.unwrap();
        assert!(objects.record(typed(object("a", "8", json!({})))));
        assert!(!objects.record(typed(object("a", "7", json!({})))));
        sender.send(event("MODIFIED", &object("a", "6", json!({})))).unwrap();
        sender.send(event("MODIFIED", &object("a", "8", json!({})))).unwrap();
        assert_eq!(all_of(&mut events).await, ["a - → 3", "synced", "a 3 → 8"]);
        let newest = objects.get(&id("a")).unwrap();
        assert_eq!(newest.metadata.resource_version.as_deref(), Some("8"));
        let log = log.lock().unwrap();
        assert_eq!(
            (log[0].path.as_str(), log[0].query["labelSelector"].as_str()),
            ("/api/v1/namespaces/apps/configmaps", "team%3Dblue")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_that_is_not_installed_yet_is_synced_when_it_is() {
        let replies = vec![refused(404, "NotFound", "404 page not found"), Reply::Refused, list("5", &[])];
        let (cluster, _) = mock::cluster(scripted(replies, vec![]));
        let (objects, mut events) = Objects::<ConfigMap>::watch(&cluster, None, None);
        assert!(objects.synced().await.is_err());
        assert_eq!(all_of(&mut events).await, ["synced"]);
        objects.synced().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_watch_ends_with_the_store() {
        let (cluster, log) = mock::cluster(scripted(vec![list("5", &[])], vec![]));
        let (objects, _events) = Objects::<ConfigMap>::watch(&cluster, None, None);
        objects.synced().await.unwrap();
        drop(objects);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(log.lock().unwrap().len() <= 2);
    }
}
