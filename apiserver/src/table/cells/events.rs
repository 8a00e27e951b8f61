//! Cells of events, whose fields have other names in events.k8s.io.

use jiff::Timestamp;
use serde_json::Value;

use super::super::age::age;
use super::{at, integer, or, text};

pub(super) fn last(event: &Value, arguments: &[&str], now: Timestamp) -> Value {
    if !event["series"].is_null() {
        return age(at(event, ".series.lastObservedTime").as_str(), now).into();
    }
    match either(event, "lastTimestamp", "deprecatedLastTimestamp").as_str() {
        Some(time) => age(Some(time), now).into(),
        None => first(event, arguments, now),
    }
}

pub(super) fn first(event: &Value, _: &[&str], now: Timestamp) -> Value {
    let time = either(event, "firstTimestamp", "deprecatedFirstTimestamp").as_str();
    age(time.or(event["eventTime"].as_str()), now).into()
}

pub(super) fn count(event: &Value, _: &[&str], _: Timestamp) -> Value {
    if !event["series"].is_null() {
        return integer(at(event, ".series.count")).into();
    }
    integer(either(event, "count", "deprecatedCount")).max(1).into()
}

pub(super) fn object(event: &Value, _: &[&str], _: Timestamp) -> Value {
    let object = either(event, "involvedObject", "regarding");
    let (kind, name) = (text(&object["kind"]).to_lowercase(), text(&object["name"]));
    if name.is_empty() { kind.into() } else { format!("{kind}/{name}").into() }
}

pub(super) fn field(event: &Value, _: &[&str], _: Timestamp) -> Value {
    text(&either(event, "involvedObject", "regarding")["fieldPath"]).into()
}

pub(super) fn source(event: &Value, _: &[&str], _: Timestamp) -> Value {
    let source = either(event, "source", "deprecatedSource");
    let component = or(text(&source["component"]), &text(either(event, "reportingComponent", "reportingController")));
    match or(text(&source["host"]), &text(&event["reportingInstance"])) {
        instance if instance.is_empty() => component.into(),
        instance => format!("{component}, {instance}").into(),
    }
}

pub(super) fn message(event: &Value, _: &[&str], _: Timestamp) -> Value {
    text(either(event, "message", "note")).trim().into()
}

fn either<'a>(event: &'a Value, name: &str, other: &str) -> &'a Value {
    if event[name].is_null() { &event[other] } else { &event[name] }
}
