//! All that the server knows, behind its lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::answer::{Answer, Reply};
use crate::audit::{Audit, Entry, Event};
use crate::auth::{self, Authority, User};
use crate::kinds;
use crate::newest::{Newest, Observer};
use crate::object::Object;
use crate::options::Options;
use crate::read;
use crate::registry::{Registry, Served};
use crate::request::{Call, Payload, Query, Verb};
use crate::status::Status;
use crate::store::{Collection, Store};
use crate::table::View;
use crate::watch as watching;
use crate::write;

/// The namespaces of a new cluster.
const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
/// Subresources that would need a kubelet.
const REFUSED: [&str; 5] = ["exec", "attach", "portforward", "proxy", "log"];

/// All that the server knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) audit: Audit,
    pub(crate) authority: Authority,
    pub(crate) random: StdRng,
    /// The newest resourceVersion, for those who wait.
    pub(crate) newest: Newest,
    /// The same, for those who wait for the objects of one kind.
    watched: BTreeMap<Collection, Newest>,
}

impl State {
    /// The same objects and kinds, with a history of their own from here on.
    pub(crate) fn fork(&self, options: Options) -> Self {
        Self {
            newest: Newest::default(),
            watched: BTreeMap::new(),
            registry: self.registry.clone(),
            audit: Audit::new(options.audit_entries),
            authority: Authority::new(options.seed),
            random: StdRng::seed_from_u64(options.seed),
            store: self.store.clone(),
            options,
        }
    }

    pub(crate) fn new(options: Options) -> Self {
        let store = Store::new(options.history_changes);
        let mut state = Self {
            newest: Newest::default(),
            watched: BTreeMap::new(),
            registry: Registry::new(),
            audit: Audit::new(options.audit_entries),
            authority: Authority::new(options.seed),
            random: StdRng::seed_from_u64(options.seed),
            store,
            options,
        };
        for namespace in NAMESPACES {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            let created = state.registry.find("", "v1", "namespaces").map(|served| {
                let call = Call {
                    payload: Payload::Read("application/json", object),
                    user_agent: "kube-apiserver".to_owned(),
                    ..Call::new(Verb::Create, served)
                };
                write::perform(&mut state, &call)
            });
            debug_assert!(matches!(created, Some(Ok(_))), "a namespace cannot be created: {created:?}");
        }
        for object in auth::bootstrap::objects() {
            state.put_as_is(object.clone());
        }
        state
    }

    /// Puts an object of a new cluster in its place. Nobody could have got it wrong: a server starts too often to look.
    fn put_as_is(&mut self, mut object: Value) {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        if let Some(served) = self.registry.find_kind(text("apiVersion"), text("kind")) {
            object["metadata"]["uid"] = self.uid().into();
            object["metadata"]["creationTimestamp"] = self.timestamp().into();
            self.store.put(served.collection(), object);
        }
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.options.now)()
    }

    /// The wall clock, as the API writes times: RFC 3339 in whole seconds.
    pub(crate) fn timestamp(&self) -> String {
        Self::written(self.now())
    }

    /// A time as the API writes it.
    pub(crate) fn written(time: Timestamp) -> String {
        Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
    }

    /// A new uid.
    pub(crate) fn uid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.random.random()).into_uuid().to_string()
    }

    /// A request that has arrived, for the audit log if there is one.
    pub(crate) fn received(&mut self, verb: &str, uri: &str, user_agent: &str) -> Option<Event> {
        self.options.audit_log.as_ref()?;
        let number = self.audit.next();
        Some(Event::received(number, self.now(), verb, uri, user_agent))
    }

    /// Does what a call asks, and records it.
    pub(crate) fn perform(&mut self, call: &Call) -> Result<Answer, Status> {
        let before = self.store.get(call.served.collection(), &call.namespace, &call.name).cloned();
        let mut answer = self.answer(call);
        if let Some(warning) = kinds::deprecation(&call.served) {
            let warnings = match &mut answer {
                Ok(answer) => &mut answer.warnings,
                Err(status) => &mut status.warnings,
            };
            warnings.insert(0, warning.into());
        }
        let writes = !matches!(call.verb, Verb::Get | Verb::List | Verb::Watch);
        if writes && answer.is_ok() {
            write::settle_definitions(self, &call.served);
        }
        let entry = Entry::new(call, before, &answer, self.store.version());
        self.audit.record(entry);
        answer
    }

    fn answer(&mut self, call: &Call) -> Result<Answer, Status> {
        let served = &call.served;
        let verbs = if call.subresource.is_empty() {
            &served.verbs
        } else {
            if REFUSED.contains(&call.subresource.as_str()) {
                let why = format!("{} is not supported by this server", call.subresource);
                return Err(Status::new(501, "NotImplemented", why));
            }
            &served.subresource(&call.subresource).ok_or_else(Status::no_such_resource)?.verbs
        };
        if served.namespaced && call.namespace.is_empty() && !matches!(call.verb, Verb::List | Verb::Watch) {
            return Err(Status::method_not_allowed());
        }
        if !served.namespaced && !call.namespace.is_empty() {
            return Err(Status::no_such_resource());
        }
        let (named, creates) = (!call.name.is_empty(), call.verb == Verb::Create);
        if creates && named == call.subresource.is_empty() || matches!(call.verb, Verb::Update | Verb::Patch) && !named
        {
            return Err(Status::method_not_allowed());
        }
        if !verbs.iter().any(|verb| verb == call.verb.as_str()) {
            return Err(Status::method_not_allowed());
        }
        match call.verb {
            Verb::Get => read::get(self, call),
            Verb::List => read::list(self, call),
            Verb::Watch => watching::watch(self, call),
            Verb::Create if call.subresource == "token" => {
                let request = crate::decode::object(&call.payload, "TokenRequest")?.value;
                auth::token(self, call, request).map(|token| Reply::Value(201, token).into())
            }
            _ => write::perform(self, call),
        }
    }

    /// Whether a resourceVersion is one that the server has reached.
    pub(crate) fn check_reached(&self, version: u64) -> Result<(), Status> {
        let current = self.store.version();
        if version > current { Err(Status::too_large_resource_version(version, current)) } else { Ok(()) }
    }

    /// An object in the version in which it is served here.
    pub(crate) fn in_version(&self, object: &Object, served: &Served) -> Value {
        match self.stored_as(object, served) {
            Some(from) => from.convert(object.value(), served),
            None => object.value().clone(),
        }
    }

    /// An object in the version in which it is served here, if that differs in more than `apiVersion`.
    pub(crate) fn converted(&self, object: &Object, served: &Served) -> Option<Arc<Object>> {
        let from = self.stored_as(object, served)?;
        from.differs(object.value(), served).map(|value| Arc::new(Object::new(value)))
    }

    /// The version in which an object is stored, when it is another one.
    fn stored_as(&self, object: &Object, served: &Served) -> Option<Served> {
        let api_version = object.value()["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        if group == served.group && version == served.version {
            return None;
        }
        self.registry.find(group, version, &served.plural).or_else(|| Some(served.clone()))
    }

    /// Tells those who wait that a collection has changed.
    pub(crate) fn announce(&mut self, collection: &Collection) {
        let version = self.store.version();
        self.newest.announce(version);
        if let Some(watched) = self.watched.get(collection) {
            watched.announce(version);
        }
    }

    /// Waits for changes of a collection.
    pub(crate) fn subscribe(&mut self, collection: &Collection) -> Observer {
        self.watched.entry(Arc::clone(collection)).or_default().observe()
    }
}

impl Call {
    /// A call of the administrator that asks for nothing more.
    pub(crate) fn new(verb: Verb, served: Served) -> Self {
        Self {
            verb,
            served,
            namespace: String::new(),
            name: String::new(),
            subresource: String::new(),
            query: Query::default(),
            payload: Payload::Empty,
            view: View::Whole,
            user: User::administrator(),
            user_agent: String::new(),
        }
    }
}
