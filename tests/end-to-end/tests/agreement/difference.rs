//! Where two answers differ, for a person.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::server::Answer;

/// Where they differ: a line each, `path: ours …, real …`. None when they are equal.
pub(crate) fn differences(ours: &Answer, real: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    for (who, answer) in [("ours", ours), ("real", real)] {
        if answer.status == 0 {
            lines.push(format!("{who} did not answer: {}", answer.body));
        }
    }
    if ours.status != real.status {
        lines.push(format!("status: ours {}, real {}", ours.status, real.status));
    }
    if ours.warnings != real.warnings {
        lines.push(format!("warnings: ours {:?}, real {:?}", ours.warnings, real.warnings));
    }
    compare("", Some(&ours.body), Some(&real.body), &mut lines);
    lines
}

fn compare(path: &str, ours: Option<&Value>, real: Option<&Value>, lines: &mut Vec<String>) {
    match (ours, real) {
        (Some(Value::Object(ours)), Some(Value::Object(real))) => {
            let keys: BTreeSet<&String> = ours.keys().chain(real.keys()).collect();
            keys.into_iter().for_each(|key| compare(&format!("{path}.{key}"), ours.get(key), real.get(key), lines));
        }
        (Some(Value::Array(ours)), Some(Value::Array(real))) => {
            for index in 0..ours.len().max(real.len()) {
                compare(&format!("{path}[{index}]"), ours.get(index), real.get(index), lines);
            }
        }
        (ours, real) if ours != real => {
            let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            lines.push(format!("{path}: ours {}, real {}", shown(ours), shown(real)));
        }
        _ => {}
    }
}
