//! What a client wants to see: whole objects, their metadata, or a Table as `kubectl get` prints it.

mod accept;
mod age;
mod cells;
mod columns;
mod path;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::answer::List;
use crate::object::Object;
use crate::registry::Served;
use crate::request::Query;
use crate::status::Status;

pub(crate) use accept::clauses;

/// What a client wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// Whole objects.
    #[default]
    Whole,
    /// PartialObjectMetadata.
    Metadata,
    /// A Table, whose rows hold this much of the object.
    Table(Include),
}

/// How much of an object a row of a Table holds (`includeObject`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Include {
    /// Nothing.
    None,
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

/// Reads the `Accept` header; without one, whole objects are meant.
///
/// # Errors
/// 406 when nothing that is accepted can be given, 400 for an unknown `includeObject`.
pub(crate) fn negotiate(accept: &str, query: &Query) -> Result<View, Status> {
    if accept.trim().is_empty() {
        return Ok(View::Whole);
    }
    for clause in clauses(accept).iter().filter(|clause| clause.allows_json()) {
        let (as_, of) = (clause.parameter("as"), (clause.parameter("g"), clause.parameter("v")));
        match (as_, of) {
            ("", ("", "")) => return Ok(View::Whole),
            ("PartialObjectMetadata" | "PartialObjectMetadataList", ("meta.k8s.io", "v1")) => {
                return Ok(View::Metadata);
            }
            ("Table", ("meta.k8s.io", "v1")) => return include(query.get("includeObject")).map(View::Table),
            _ => {}
        }
    }
    Err(Status::not_acceptable("application/json"))
}

fn include(text: &str) -> Result<Include, Status> {
    match text {
        "None" => Ok(Include::None),
        "" | "Metadata" => Ok(Include::Metadata),
        "Object" => Ok(Include::Object),
        other => Err(Status::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {other:?}: must be 'Metadata', 'Object', 'None', or empty"
        ))),
    }
}

/// One object in this view at this time. `first` asks for the columns of a Table, which a watch sends once. Not called for
/// `View::Whole`.
pub(crate) fn object(view: View, served: &Served, object: &Arc<Object>, first: bool, now: Timestamp) -> Value {
    let View::Table(include) = view else { return partial(object.value()) };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": object.value()["metadata"]["resourceVersion"]},
        "columnDefinitions": if first { columns::headings(served) } else { Value::Null },
        "rows": [row(include, served, object.value(), now)],
    })
}

/// A list in this view at this time. Not called for `View::Whole`.
pub(crate) fn list(view: View, served: &Served, list: &List, now: Timestamp) -> Value {
    let mut metadata = Map::from_iter([("resourceVersion".to_owned(), Value::from(list.resource_version.to_string()))]);
    if !list.continue_.is_empty() {
        metadata.insert("continue".to_owned(), list.continue_.as_str().into());
    }
    if let Some(remaining) = list.remaining {
        metadata.insert("remainingItemCount".to_owned(), remaining.into());
    }
    let objects = list.items.iter().map(|object| object.value());
    match view {
        View::Table(include) => json!({
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": columns::headings(served),
            "rows": objects.map(|object| row(include, served, object, now)).collect::<Vec<_>>(),
        }),
        View::Metadata | View::Whole => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": objects.map(partial).collect::<Vec<_>>(),
        }),
    }
}

fn row(include: Include, served: &Served, object: &Value, now: Timestamp) -> Value {
    let shown = match include {
        Include::None => Value::Null,
        Include::Metadata => partial(object),
        Include::Object => whole(served, object),
    };
    let mut row = json!({"cells": columns::cells(served, object, now), "object": shown});
    if let Some(condition) = completed(served, object) {
        row["conditions"] = json!([condition]);
    }
    row
}

/// A pod that has ended is marked, so that clients may hide it.
fn completed(served: &Served, object: &Value) -> Option<Value> {
    if !served.group.is_empty() || served.plural != "pods" {
        return None;
    }
    let (reason, message) = match object["status"]["phase"].as_str()? {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!({"type": "Completed", "status": "True", "reason": reason, "message": message}))
}

fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

fn whole(served: &Served, object: &Value) -> Value {
    let mut object = object.clone();
    object["apiVersion"] = served.api_version().into();
    object["kind"] = served.kind.as_str().into();
    object
}

#[cfg(test)]
mod tests;
