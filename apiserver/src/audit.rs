//! What was asked and answered: the ground truth of tests, and the lines of an audit log.

mod event;

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::answer::{Answer, Reply};
use crate::decode;
use crate::object::Object;
use crate::protobuf;
use crate::request::{Call, Payload, Verb};
use crate::status::Status;

pub(crate) use event::Event;

/// Is told every event of an audit log, a JSON object each: of a watch when it begins and when it ends, of any other request
/// before its answer is given.
pub type Log = Arc<dyn Fn(&Value) + Send + Sync>;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts requests from 1.
    pub sequence: u64,
    /// What was to be done.
    pub verb: Verb,
    /// The API group.
    pub group: String,
    /// The plural.
    pub plural: String,
    /// Such as `status`; empty for the object itself.
    pub subresource: String,
    /// Empty for a kind without namespaces, and for all namespaces.
    pub namespace: String,
    /// Empty when many are meant, and for a name that was refused before it was generated.
    pub name: String,
    /// The parameters, in the order in which they were given.
    pub query: Vec<(String, String)>,
    /// The media type of a patch; empty for other verbs.
    pub patch: String,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Who asked.
    pub user: String,
    /// With which program.
    pub user_agent: String,
    /// The HTTP status code of the answer.
    pub code: u16,
    /// The object before the request.
    pub before: Option<Arc<Object>>,
    /// The object in the answer.
    pub after: Option<Arc<Object>>,
    /// The newest resourceVersion of the server after the request.
    pub resource_version: u64,
    payload: Payload,
}

impl Entry {
    pub(crate) fn new(call: &Call, before: Option<Arc<Object>>, answer: &Result<Answer, Status>, version: u64) -> Self {
        let (code, after) = match answer {
            Ok(Answer { reply: Reply::Object(code, _, object), .. }) => (*code, Some(Arc::clone(object))),
            Ok(Answer { reply: Reply::Value(code, _) | Reply::Written(code, ..), .. }) => (*code, None),
            Ok(Answer { reply: Reply::Status(status), .. }) => (status.code, None),
            Ok(_) => (200, None),
            Err(status) => (status.code, None),
        };
        let name = match &after {
            Some(object) if call.name.is_empty() => object.name().to_owned(),
            _ => call.name.clone(),
        };
        let media = decode::media_type(call.payload.media_type());
        Self {
            sequence: 0,
            verb: call.verb,
            group: call.served.group.clone(),
            plural: call.served.plural.clone(),
            subresource: call.subresource.clone(),
            namespace: call.namespace.clone(),
            name,
            query: call.query.0.clone(),
            patch: if call.verb == Verb::Patch { media.to_owned() } else { String::new() },
            dry_run: call.dry_run(),
            user: call.user.name.clone(),
            user_agent: call.user_agent.clone(),
            code,
            before,
            after,
            resource_version: version,
            payload: call.payload.clone(),
        }
    }

    /// The body of the request, if it has one that can be read.
    pub fn request(&self) -> Option<Value> {
        match &self.payload {
            Payload::Empty => None,
            Payload::Read(_, value) => Some(value.clone()),
            Payload::Raw(media, bytes) if decode::media_type(media) == decode::PROTOBUF => protobuf::decode(bytes).ok(),
            Payload::Raw(_, bytes) => decode::yaml(bytes).ok().map(|decoded| decoded.value),
        }
    }
}

/// The requests, newest last; the oldest are forgotten beyond a limit.
#[derive(Debug)]
pub struct Audit {
    entries: VecDeque<Arc<Entry>>,
    entries_max: usize,
    sequence: u64,
    /// Requests that the audit log was told of.
    logged: u64,
}

impl Audit {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries: VecDeque::new(), entries_max, sequence: 0, logged: 0 }
    }

    /// A number for the audit log that no other request has.
    pub(crate) fn next(&mut self) -> u64 {
        self.logged += 1;
        self.logged
    }

    pub(crate) fn record(&mut self, mut entry: Entry) {
        self.sequence += 1;
        entry.sequence = self.sequence;
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > self.entries_max {
            self.entries.pop_front();
        }
    }

    /// The sequence number of the newest request; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The requests after this sequence number.
    pub fn since(&self, sequence: u64) -> Vec<Arc<Entry>> {
        let start = self.entries.partition_point(|entry| entry.sequence <= sequence);
        self.entries.range(start..).cloned().collect()
    }
}
