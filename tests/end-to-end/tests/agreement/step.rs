//! One request of a sequence, and what it becomes when earlier answers are filled in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::Answer;

/// One request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// `VERB PATH`, where `{ns}` is the namespace of the sequence and `{N:/pointer}` a part of answer N.
    pub(crate) request: String,
    /// The media type; for patches `merge`, `json`, `strategic` and `apply` are short for theirs.
    #[serde(default, rename = "type")]
    pub(crate) media_type: String,
    /// Further headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub(crate) body: Value,
    /// The body when it is not JSON.
    #[serde(default)]
    pub(crate) text: String,
    /// The body is this answer, or nothing if it was a refusal, with `body` merged into it.
    #[serde(default)]
    pub(crate) edit: Option<usize>,
}

/// A request as it is sent to one server.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) content_type: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Step {
    /// Fills in what earlier answers of this server say.
    pub(crate) fn fill(&self, namespace: &str, answers: &[Answer]) -> Sent {
        let (method, path) = self.request.split_once(' ').unwrap_or(("GET", &self.request));
        let body = match (self.edit, &self.body) {
            (Some(answer), edit) => {
                let given = answers.get(answer).filter(|answer| answer.status < 400);
                let mut object = given.map(|answer| answer.body.clone()).unwrap_or_else(|| json!({}));
                merge(&mut object, &filled(edit, namespace, answers));
                object.to_string()
            }
            (None, Value::Null) => fill(&self.text, namespace, answers),
            (None, body) => filled(body, namespace, answers).to_string(),
        };
        let content_type = match self.media_type.as_str() {
            "merge" => "application/merge-patch+json",
            "json" => "application/json-patch+json",
            "strategic" => "application/strategic-merge-patch+json",
            "apply" => "application/apply-patch+yaml",
            "" if body.is_empty() => "",
            "" => "application/json",
            other => other,
        };
        Sent {
            method: method.to_owned(),
            uri: fill(path, namespace, answers),
            content_type: content_type.to_owned(),
            headers: self.headers.clone(),
            body,
        }
    }
}

fn filled(value: &Value, namespace: &str, answers: &[Answer]) -> Value {
    match value {
        Value::String(text) => fill(text, namespace, answers).into(),
        Value::Array(items) => items.iter().map(|item| filled(item, namespace, answers)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (fill(key, namespace, answers), filled(value, namespace, answers))).collect()
        }
        other => other.clone(),
    }
}

fn fill(text: &str, namespace: &str, answers: &[Answer]) -> String {
    let mut filled = text.replace("{ns}", namespace);
    while let Some((start, answer, pointer, end)) = reference(&filled) {
        let value = answers.get(answer).and_then(|answer| answer.body.pointer(&pointer)).unwrap_or(&Value::Null);
        let value = value.as_str().map_or_else(|| value.to_string(), String::from);
        filled.replace_range(start..end, &value);
    }
    filled
}

/// The first `{N:/pointer}` of a text.
fn reference(text: &str) -> Option<(usize, usize, String, usize)> {
    text.match_indices('{').find_map(|(start, _)| {
        let inner = &text[start + 1..start + 1 + text[start + 1..].find('}')?];
        let (answer, pointer) = inner.split_once(':')?;
        let answer = answer.parse().ok().filter(|_| pointer.starts_with('/'))?;
        Some((start, answer, pointer.to_owned(), start + inner.len() + 2))
    })
}

/// A JSON merge patch.
pub(crate) fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        if !patch.is_null() {
            *object = patch.clone();
        }
        return;
    };
    if !object.is_object() {
        *object = Value::Object(serde_json::Map::new());
    }
    let map = object.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), value);
        }
    }
}
