//! The server's own way in, for the controllers inside it and for tests: verbs on values, as an administrator, at once.

use std::sync::Arc;

use serde_json::Value;

use crate::answer::{Answer, List, Reply};
use crate::auth::User;
use crate::object::Object;
use crate::request::{Call, Payload, Query, Verb};
use crate::server::ApiServer;
use crate::status::Status;

/// Does verbs on the server without HTTP, as the administrator, through the same functions as every request. Nobody asks
/// whether the user may.
///
/// A kind is named by its `apiVersion` and `kind`; a namespace is empty for kinds that have none. Objects come as they are
/// stored. All of it is in the audit trail.
#[derive(Clone, Debug)]
pub struct Loopback {
    server: ApiServer,
    manager: String,
    user: User,
}

impl Loopback {
    pub(crate) fn new(server: ApiServer, manager: &str) -> Self {
        Self { server, manager: manager.to_owned(), user: User::administrator() }
    }

    /// The same, under the name of another user.
    pub fn acting_as(self, user: User) -> Self {
        Self { user, ..self }
    }

    /// Reads one object.
    ///
    /// # Errors
    /// 404 when there is none.
    pub fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Arc<Object>, Status> {
        self.one(self.call(Verb::Get, api_version, kind, namespace, name)?)
    }

    /// Reads all objects of a kind; with an empty namespace, of every namespace.
    ///
    /// # Errors
    /// 404 when there is no such kind.
    pub fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Result<Vec<Arc<Object>>, Status> {
        let call = self.call(Verb::List, api_version, kind, namespace, "")?;
        match self.perform(&call)?.reply {
            Reply::List(_, List { items, .. }) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// Makes an object; its `apiVersion`, `kind` and `metadata.namespace` say where.
    ///
    /// # Errors
    /// Whatever the server answers a client.
    pub fn create(&self, object: Value) -> Result<Arc<Object>, Status> {
        let call = self.about(Verb::Create, &object, false)?;
        self.one(Call { payload: Payload::Read("application/json", object), ..call })
    }

    /// Replaces an object, or the part of it that `subresource` names (empty for all).
    ///
    /// # Errors
    /// Whatever the server answers a client.
    pub fn update(&self, object: Value, subresource: &str) -> Result<Arc<Object>, Status> {
        let call = self.about(Verb::Update, &object, true)?;
        let payload = Payload::Read("application/json", object);
        self.one(Call { payload, subresource: subresource.to_owned(), ..call })
    }

    /// Changes an object by a merge patch.
    ///
    /// # Errors
    /// Whatever the server answers a client.
    pub fn merge(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        subresource: &str,
        patch: Value,
    ) -> Result<Arc<Object>, Status> {
        let call = self.call(Verb::Patch, api_version, kind, namespace, name)?;
        let payload = Payload::Read("application/merge-patch+json", patch);
        self.one(Call { payload, subresource: subresource.to_owned(), ..call })
    }

    /// Applies a configuration, taking fields away from others when `force` says so.
    ///
    /// # Errors
    /// Whatever the server answers a client.
    pub fn apply(&self, object: Value, force: bool) -> Result<Arc<Object>, Status> {
        let mut call = self.about(Verb::Patch, &object, true)?;
        call.query.0.push(("force".to_owned(), force.to_string()));
        self.one(Call { payload: Payload::Read("application/apply-patch+yaml", object), ..call })
    }

    /// Deletes an object. `options` are DeleteOptions, such as preconditions and a propagation policy.
    ///
    /// # Errors
    /// Whatever the server answers a client.
    pub fn delete(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        options: Value,
    ) -> Result<(), Status> {
        let call = self.call(Verb::Delete, api_version, kind, namespace, name)?;
        let payload = if options.is_object() { Payload::Read("application/json", options) } else { Payload::Empty };
        self.perform(&Call { payload, ..call }).map(|_| ())
    }

    fn perform(&self, call: &Call) -> Result<Answer, Status> {
        let mut state = self.server.state();
        let mut event = state.received(call.verb.as_str(), &call.uri(), &call.user_agent);
        if let Some(event) = &mut event {
            event.about(&call.attributes_as(call.verb.as_str()), &call.served.version);
            event.by(&call.user);
        }
        let answer = state.perform(call);
        event.and_then(|event| event.answered(&state.options, &answer));
        answer
    }

    fn one(&self, call: Call) -> Result<Arc<Object>, Status> {
        match self.perform(&call)?.reply {
            Reply::Object(_, _, object) => Ok(object),
            Reply::Value(_, value) => Ok(Arc::new(Object::new(value))),
            _ => Err(Status::method_not_allowed()),
        }
    }

    fn about(&self, verb: Verb, object: &Value, named: bool) -> Result<Call, Status> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        let name = if named { text(&metadata["name"]) } else { String::new() };
        self.call(verb, &text(&object["apiVersion"]), &text(&object["kind"]), &text(&metadata["namespace"]), &name)
    }

    fn call(&self, verb: Verb, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Call, Status> {
        let served = self.server.state().registry.find_kind(api_version, kind).ok_or_else(Status::no_such_resource)?;
        let query = match verb {
            Verb::Create | Verb::Update | Verb::Patch => Query(vec![("fieldManager".to_owned(), self.manager.clone())]),
            _ => Query::default(),
        };
        Ok(Call {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            query,
            user: self.user.clone(),
            user_agent: self.manager.clone(),
            ..Call::new(verb, served)
        })
    }
}
