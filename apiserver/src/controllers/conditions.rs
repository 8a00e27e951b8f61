//! Conditions of a status, and when they changed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A condition as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    type_: &'static str,
    status: &'static str,
    reason: &'static str,
    message: String,
    /// The fields that hold instants, beside `lastTransitionTime`.
    times: &'static [&'static str],
    generation: Option<i64>,
}

impl Condition {
    pub(super) fn new(
        type_: &'static str,
        status: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { type_, status, reason, message: message.into(), times: &[], generation: None }
    }

    /// With the time at which reason or message changed, as Deployments have it.
    pub(super) fn updated(self) -> Self {
        Self { times: &["lastUpdateTime"], ..self }
    }

    /// With the time at which it was looked at, as Jobs have it.
    pub(super) fn probed(self) -> Self {
        Self { times: &["lastProbeTime"], ..self }
    }

    /// With the generation that it is about.
    pub(super) fn observed(self, generation: i64) -> Self {
        Self { generation: Some(generation), ..self }
    }

    /// The condition, given what it was.
    fn write(&self, old: &Value, now: &str) -> Value {
        let same = old["status"] == self.status;
        let unchanged = same && old["reason"] == self.reason && old["message"] == self.message.as_str();
        let mut value = Map::from_iter([
            ("type".to_owned(), json!(self.type_)),
            ("status".to_owned(), json!(self.status)),
            ("lastTransitionTime".to_owned(), if same { old["lastTransitionTime"].clone() } else { json!(now) }),
        ]);
        if !self.reason.is_empty() {
            value.insert("reason".to_owned(), json!(self.reason));
            value.insert("message".to_owned(), json!(self.message));
        }
        for time in self.times {
            let at = if unchanged { old[*time].clone() } else { json!(now) };
            value.insert((*time).to_owned(), at);
        }
        if let Some(generation) = self.generation {
            value.insert("observedGeneration".to_owned(), json!(generation));
        }
        Value::Object(value)
    }
}

/// The conditions as they should be, each with the times that it has if it did not change, after those that others wrote.
pub(super) fn merge(old: &Value, new: &[Condition], now: Timestamp) -> Value {
    let now = seconds(now);
    let before = |type_: &str| {
        let mut conditions = old.as_array().into_iter().flatten();
        conditions.find(|condition| condition["type"] == type_).cloned().unwrap_or_default()
    };
    let is_new = |old: &Value| new.iter().any(|condition| old["type"] == condition.type_);
    let others = old.as_array().into_iter().flatten().filter(|old| !is_new(old)).cloned();
    others.chain(new.iter().map(|condition| condition.write(&before(condition.type_), &now))).collect()
}

/// An instant as Kubernetes writes it, in whole seconds.
pub(super) fn seconds(instant: Timestamp) -> String {
    Timestamp::from_second(instant.as_second()).expect("an instant without its fraction is an instant").to_string()
}
