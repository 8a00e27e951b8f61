//! What must hold for events: little for those of old, more for those that say when and by whom, and all of it for those
//! that come through events.k8s.io (core/validation/events.go).

use serde_json::{Value, json};

use super::wrong::Wrong;
use crate::kinds::path::{Fields, at, text};
use crate::names::label_key;

/// The most bytes of what a reporter says in a word, and in a sentence.
const WORD_BYTES_MAX: usize = 128;
const SENTENCE_BYTES_MAX: usize = 1024;

/// Checks an event of either group. The names in the answers are those of the core group, except for who reports.
pub(super) fn validate(group: &str, old: Option<&Fields>, new: &Fields, wrong: &mut Wrong) {
    let core = group.is_empty();
    let (object, message, reporter) = if core {
        ("involvedObject", "message", "reportingComponent")
    } else {
        ("regarding", "note", "reportingController")
    };
    let about = text(new, &format!("{object}.namespace"));
    let namespace = text(new, "metadata.namespace");
    let timed = has(new, "eventTime");
    let fits = match about {
        "" if timed => matches!(namespace, "default" | "kube-system"),
        "" => namespace == "default",
        about => timed || about == namespace,
    };
    if !fits {
        wrong.invalid("involvedObject.namespace", &about.into(), "does not match event.namespace");
    }
    if timed {
        reported(new, reporter, message, wrong);
    }
    if !core && old.is_none() {
        created(new, wrong);
    }
}

fn reported(new: &Fields, reporter: &str, message: &str, wrong: &mut Wrong) {
    let name = text(new, reporter);
    if name.is_empty() {
        wrong.required(reporter, "");
    }
    label_key(name).iter().for_each(|message| wrong.invalid(reporter, &name.into(), message));
    for field in ["reportingInstance", "action", "reason"] {
        if text(new, field).is_empty() {
            wrong.required(field, "");
        }
        limit(field, text(new, field), WORD_BYTES_MAX, wrong);
    }
    limit("message", text(new, message), SENTENCE_BYTES_MAX, wrong);
}

fn limit(field: &str, text: &str, bytes_max: usize, wrong: &mut Wrong) {
    if text.len() > bytes_max {
        wrong.invalid(field, &"".into(), &format!("can have at most {bytes_max} characters"));
    }
}

/// What holds for an event that is created through events.k8s.io.
fn created(new: &Fields, wrong: &mut Wrong) {
    let empty = json!("");
    if let Some(series) = at(new, "series") {
        if series["count"].as_i64().unwrap_or(0) < 2 {
            wrong.invalid("series.count", &empty, "should be at least 2");
        }
        if series["lastObservedTime"].is_null() {
            wrong.required("series.lastObservedTime", "");
        }
    }
    if !has(new, "eventTime") {
        wrong.required("eventTime", "");
    }
    let type_ = text(new, "type");
    if !matches!(type_, "Normal" | "Warning") {
        wrong.invalid("type", &empty, &format!("has invalid value: {type_}"));
    }
    for (field, name) in [
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
        ("deprecatedSource", "source"),
    ] {
        if has(new, field) {
            wrong.invalid(name, &empty, "needs to be unset");
        }
    }
}

/// Whether there is more than a zero.
fn has(object: &Fields, field: &str) -> bool {
    at(object, field).is_some_and(|value| *value != Value::Null && *value != json!({}) && *value != 0)
}
