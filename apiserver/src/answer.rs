//! What a request is answered, before it is written out.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use crate::object::Object;
use crate::registry::Served;
use crate::status::Status;
use crate::watch::Watching;

/// What a request is answered, before it is written out.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// Texts of `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// One object, with its HTTP status code.
    Object(u16, Served, Arc<Object>),
    /// Many.
    List(Served, List),
    /// A stream of changes.
    Watch(Box<Watching>),
    /// A `Status`.
    Status(Status),
    /// Any other kind of object, with its HTTP status code.
    Value(u16, Value),
    /// Something written out already: code, content type, body.
    Written(u16, &'static str, Bytes),
    /// The same, for what clients keep.
    Tagged(Tagged),
}

/// Something that clients keep and ask for again by its tag.
#[derive(Debug)]
pub(crate) struct Tagged {
    /// 200, or 304 when the client has it already.
    pub(crate) code: u16,
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) etag: String,
    pub(crate) body: Bytes,
}

/// Objects, and what their list says of itself.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Arc<Object>>,
    pub(crate) resource_version: u64,
    /// The token with which the list goes on.
    pub(crate) continue_: String,
    /// How many follow, when that is known.
    pub(crate) remaining: Option<u64>,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, warnings: Vec::new() }
    }
}
