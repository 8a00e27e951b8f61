//! Answers → HTTP responses.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, RETRY_AFTER, VARY, WARNING};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::answer::{Answer, List, Reply};
use crate::body::Body;
use crate::names::quoted;
use crate::object::{Object, fields_of};
use crate::registry::Served;
use crate::server::ApiServer;
use crate::state::State;
use crate::status::Status;
use crate::table::{self, View};

const JSON: &str = "application/json";

/// An answer as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Written {
    code: u16,
    content_type: &'static str,
    body: WrittenBody,
    warnings: Vec<String>,
    retry_after_seconds: u32,
    /// How long it may be kept, and the tag by which it is asked for again.
    kept: Option<(&'static str, String)>,
}

/// Characters of all warnings of an answer; where there are more, each has so many.
const WARNINGS_CHARACTERS_MAX: usize = 4 * 1024;
const WARNING_CHARACTERS_MAX: usize = 256;

#[derive(Debug)]
enum WrittenBody {
    Bytes(Bytes),
    Watch(Box<crate::watch::Watching>),
}

/// Writes an answer out; what is asked of the state is asked now.
pub(crate) fn write(state: &State, view: View, pretty: bool, answer: Result<Answer, Status>) -> Written {
    let answer = answer.unwrap_or_else(|mut status| {
        let warnings = std::mem::take(&mut status.warnings);
        Answer { warnings, ..Reply::Status(status).into() }
    });
    let mut written = Written {
        code: 200,
        content_type: JSON,
        body: WrittenBody::Bytes(Bytes::new()),
        warnings: answer.warnings,
        retry_after_seconds: 0,
        kept: None,
    };
    let mut bytes = BytesMut::with_capacity(1024);
    match answer.reply {
        Reply::Object(code, served, object) => {
            written.code = code;
            write_object(state, view, &served, &object, true, &mut bytes);
        }
        Reply::List(served, list) => write_list(state, view, &served, &list, &mut bytes),
        Reply::Watch(watching) => {
            written.body = WrittenBody::Watch(watching);
            return written;
        }
        Reply::Status(status) => {
            written.code = status.code;
            written.retry_after_seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
            put_value(&mut bytes, &status.to_value());
        }
        Reply::Value(code, value) => {
            written.code = code;
            put_value(&mut bytes, &value);
        }
        Reply::Written(code, content_type, body) => {
            written.code = code;
            written.content_type = content_type;
            written.body = WrittenBody::Bytes(body);
            return written;
        }
        Reply::Tagged(tagged) => {
            written.code = tagged.code;
            written.content_type = tagged.content_type;
            written.kept = Some((tagged.cache_control, tagged.etag));
            written.body = WrittenBody::Bytes(tagged.body);
            return written;
        }
    }
    let bytes = if pretty { prettied(bytes.freeze()) } else { bytes.freeze() };
    written.body = WrittenBody::Bytes(bytes);
    written
}

impl Written {
    /// The response.
    pub(crate) fn into_response(self, server: ApiServer) -> Response<Body> {
        let body = match self.body {
            WrittenBody::Bytes(bytes) => Body::from(bytes),
            WrittenBody::Watch(watching) => Body::stream(watching.stream(server)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        if let Some((cache_control, etag)) = self.kept {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
            headers.insert(VARY, HeaderValue::from_name(ACCEPT));
            headers.extend(HeaderValue::from_str(&etag).map(|etag| (ETAG, etag)));
        }
        if self.retry_after_seconds > 0 {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_after_seconds));
        }
        for warning in shortened(self.warnings) {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", quoted(&warning))) {
                headers.append(WARNING, value);
            }
        }
        response
    }
}

/// Each warning once; where they are long together, each is cut, and the last are left out (apiserver, endpoints/filters).
fn shortened(mut warnings: Vec<String>) -> Vec<String> {
    let mut said = HashSet::new();
    warnings.retain(|warning| said.insert(warning.clone()));
    let length = |warning: &String| warning.chars().count();
    if warnings.iter().map(length).sum::<usize>() <= WARNINGS_CHARACTERS_MAX {
        return warnings;
    }
    let cut = warnings.iter().map(|warning| warning.chars().take(WARNING_CHARACTERS_MAX).collect::<String>());
    let fitting = cut.scan(0, |total, warning| {
        let fits = *total < WARNINGS_CHARACTERS_MAX;
        *total += length(&warning);
        fits.then_some(warning)
    });
    fitting.collect()
}

/// Writes one object in the version and the view that the client asked for.
pub(crate) fn write_object(
    state: &State,
    view: View,
    served: &Served,
    object: &Arc<Object>,
    first: bool,
    bytes: &mut BytesMut,
) {
    let converted = state.converted(object, served);
    let object = converted.as_ref().unwrap_or(object);
    if view != View::Whole {
        put_value(bytes, &table::object(view, served, object, first, state.now()));
        return;
    }
    put_head(bytes, &served.kind, &served.api_version());
    put_fields(bytes, object.fields());
    bytes.put_u8(b'}');
}

fn write_list(state: &State, view: View, served: &Served, list: &List, bytes: &mut BytesMut) {
    let converted = |object: &Arc<Object>| state.converted(object, served);
    if view != View::Whole {
        let items = list.items.iter().map(|object| converted(object).unwrap_or_else(|| Arc::clone(object))).collect();
        let list = List { items, continue_: list.continue_.clone(), ..*list };
        put_value(bytes, &table::list(view, served, &list, state.now()));
        return;
    }
    let mut metadata = json!({"resourceVersion": list.resource_version.to_string()});
    if !list.continue_.is_empty() || served.is_custom() {
        metadata["continue"] = list.continue_.as_str().into();
    }
    if let Some(remaining) = list.remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    put_head(bytes, &served.list_kind, &served.api_version());
    bytes.put_slice(b",\"metadata\":");
    put_value(bytes, &metadata);
    bytes.put_slice(b",\"items\":[");
    let api_version = served.api_version();
    for (index, object) in list.items.iter().enumerate() {
        if index > 0 {
            bytes.put_u8(b',');
        }
        let converted = converted(object);
        let fields = converted.as_ref().unwrap_or(object).fields();
        // The items of a typed list do not say what they are; those of custom resources do.
        if served.is_custom() {
            put_head(bytes, &served.kind, &api_version);
            put_fields(bytes, fields);
        } else {
            bytes.put_u8(b'{');
            bytes.put_slice(fields);
        }
        bytes.put_u8(b'}');
    }
    bytes.put_slice(b"]}");
}

fn put_head(bytes: &mut BytesMut, kind: &str, api_version: &str) {
    bytes.put_slice(format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{api_version}\"").as_bytes());
}

fn put_fields(bytes: &mut BytesMut, fields: &Bytes) {
    if !fields.is_empty() {
        bytes.put_u8(b',');
        bytes.put_slice(fields);
    }
}

/// Writes a value; what says of itself what it is says so first.
fn put_value(bytes: &mut BytesMut, value: &Value) {
    match (value["kind"].as_str(), value["apiVersion"].as_str()) {
        (Some(kind), Some(api_version)) => {
            put_head(bytes, kind, api_version);
            put_fields(bytes, &fields_of(value));
            bytes.put_u8(b'}');
        }
        _ => serde_json::to_writer(bytes.writer(), value).expect("a value is JSON"),
    }
}

/// Writes a value as a line.
pub(crate) fn put_line(bytes: &mut BytesMut, value: &Value) {
    serde_json::to_writer((&mut *bytes).writer(), value).expect("a value is JSON");
    bytes.put_u8(b'\n');
}

fn prettied(bytes: Bytes) -> Bytes {
    let value: Result<Value, _> = serde_json::from_slice(&bytes);
    let pretty = value.and_then(|value| serde_json::to_vec_pretty(&value));
    pretty.map_or(bytes, |mut pretty| {
        pretty.push(b'\n');
        Bytes::from(pretty)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_that_are_long_together_are_cut_and_the_last_are_left_out() {
        let few = vec!["a".repeat(4_000), "b".to_owned(), "b".to_owned()];
        assert_eq!(shortened(few.clone()), few[..2]);
        let many: Vec<String> = (0..100).map(|number| format!("{number:03}{}", "ä".repeat(400))).collect();
        let cut = shortened(many);
        assert_eq!(
            (cut.len(), cut[0].chars().count()),
            (WARNINGS_CHARACTERS_MAX / WARNING_CHARACTERS_MAX, WARNING_CHARACTERS_MAX)
        );
    }
}
