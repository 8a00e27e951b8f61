//! What an audit log says of a request: `audit.k8s.io/v1` Events of the level Metadata, as kube-apiserver writes them. They
//! tell who asked for what and what became of it, and never what was in it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Log;
use crate::answer::{Answer, Reply};
use crate::auth::{Attributes, User};
use crate::options::Options;
use crate::status::Status;

const STARTED: &str = "ResponseStarted";
const COMPLETE: &str = "ResponseComplete";

/// A request from its arrival to its end.
#[derive(Clone, Debug)]
pub(crate) struct Event(Value);

impl Event {
    /// A request that has arrived; `number` tells it from every other.
    pub(crate) fn received(number: u64, now: Timestamp, verb: &str, uri: &str, user_agent: &str) -> Self {
        let mut event = json!({
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": uuid::Uuid::from_u128(number.into()).to_string(),
            "requestURI": uri,
            "verb": verb,
            "user": {},
            "requestReceivedTimestamp": written(now),
        });
        if !user_agent.is_empty() {
            event["userAgent"] = json!(user_agent);
        }
        Self(event)
    }

    /// What it is about.
    pub(crate) fn about(&mut self, asked: &Attributes<'_>, version: &str) {
        self.0["verb"] = json!(asked.verb);
        self.0["objectRef"] = said([
            ("resource", asked.plural),
            ("namespace", asked.namespace),
            ("name", asked.name),
            ("apiGroup", asked.group),
            ("apiVersion", version),
            ("subresource", asked.subresource),
        ]);
    }

    /// Who asks.
    pub(crate) fn by(&mut self, user: &User) {
        match &user.impersonator {
            None => self.0["user"] = who(user),
            Some(impersonator) => {
                self.0["user"] = who(impersonator);
                self.0["impersonatedUser"] = who(user);
            }
        }
    }

    /// Tells the audit log what becomes of it. Of a watch, what is to be told when it ends is returned.
    pub(crate) fn answered(mut self, options: &Options, answer: &Result<Answer, Status>) -> Option<Unfinished> {
        let log = options.audit_log.as_ref()?;
        self.take(answer);
        let unfinished = Unfinished { event: self, log: Arc::clone(log), now: Arc::clone(&options.now) };
        if matches!(answer, Ok(Answer { reply: Reply::Watch(_), .. })) {
            unfinished.tell(STARTED);
            return Some(unfinished);
        }
        None
    }

    /// The name of a created object, where the request did not say it in its path, is known by the answer.
    fn take(&mut self, answer: &Result<Answer, Status>) {
        let refusal = match answer {
            Err(status) | Ok(Answer { reply: Reply::Status(status), .. }) => Some(status),
            Ok(_) => None,
        };
        let code = match answer {
            Ok(Answer {
                reply: Reply::Object(code, ..) | Reply::Value(code, _) | Reply::Written(code, ..), ..
            }) => *code,
            Ok(Answer { reply: Reply::Tagged(tagged), .. }) => tagged.code,
            _ => refusal.map_or(200, |status| status.code),
        };
        self.0["responseStatus"] = json!({"metadata": {}, "code": code});
        if let Some(status) = refusal.filter(|status| status.code >= 400) {
            self.0["responseStatus"]["status"] = json!("Failure");
            self.0["responseStatus"]["message"] = json!(status.message);
            self.0["responseStatus"]["reason"] = json!(status.reason);
        }
        let object = &self.0["objectRef"];
        let name = match answer {
            Ok(Answer { reply: Reply::Object(_, _, object), .. }) => object.name(),
            Err(Status { details: Some(details), .. }) if object["resource"] == details.kind => &details.name,
            _ => "",
        };
        if self.0["verb"] == "create" && object["name"].is_null() && !name.is_empty() {
            self.0["objectRef"]["name"] = json!(name);
        }
    }
}

/// A request whose end the audit log is told of when this is dropped.
pub(crate) struct Unfinished {
    event: Event,
    log: Log,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Unfinished {
    fn tell(&self, stage: &str) {
        let mut event = self.event.0.clone();
        event["stage"] = json!(stage);
        event["stageTimestamp"] = json!(written((self.now)()));
        (self.log)(&event);
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.tell(COMPLETE);
    }
}

fn who(user: &User) -> Value {
    let mut value = said([("username", &user.name), ("uid", &user.uid)]);
    if !user.groups.is_empty() {
        value["groups"] = json!(user.groups);
    }
    if !user.extra.is_empty() {
        value["extra"] = json!(user.extra);
    }
    value
}

/// An object of those texts that are not empty.
fn said<const N: usize>(texts: [(&str, &str); N]) -> Value {
    texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.to_owned(), json!(text))).collect()
}

/// An instant in microseconds, as audit events have it.
fn written(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
