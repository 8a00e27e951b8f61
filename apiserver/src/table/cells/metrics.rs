//! The metrics of a HorizontalPodAutoscaler: what they are, and what they should be.

use jiff::Timestamp;
use serde_json::Value;

use super::{at, few, items, or, text};

const SHOWN_MAX: usize = 2;
const UNKNOWN: &str = "<unknown>";

pub(super) fn metrics(object: &Value, _: &[&str], _: Timestamp) -> Value {
    // autoscaling/v1 has a field of its own for the only metric that it knows.
    if let Some(target) = at(object, ".spec.targetCPUUtilizationPercentage").as_i64() {
        let current = percent(at(object, ".status.currentCPUUtilizationPercentage"), UNKNOWN);
        return format!("cpu: {current}/{target}%").into();
    }
    let current: Vec<_> = items(at(object, ".status.currentMetrics")).collect();
    let wanted = items(at(object, ".spec.metrics")).enumerate();
    let written = wanted.map(|(index, metric)| written(metric, current.get(index).copied().unwrap_or(&Value::Null)));
    or(few(written, SHOWN_MAX, ", "), "<none>").into()
}

fn written(metric: &Value, status: &Value) -> String {
    let part = match metric["type"].as_str().unwrap_or_default() {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let (target, current) = (&metric[part]["target"], &status[part]["current"]);
    let average = text(&target["averageValue"]);
    match part {
        "resource" | "containerResource" => {
            let name = text(&metric[part]["name"]);
            if average.is_empty() {
                let current = percent(&current["averageUtilization"], UNKNOWN);
                format!("{name}: {current}/{}", percent(&target["averageUtilization"], "<auto>"))
            } else {
                format!("{name}: {}/{average}", or(text(&current["averageValue"]), UNKNOWN))
            }
        }
        "pods" => format!("{}/{average}", or(text(&current["averageValue"]), UNKNOWN)),
        _ if average.is_empty() => format!("{}/{}", or(text(&current["value"]), UNKNOWN), text(&target["value"])),
        _ => format!("{}/{average} (avg)", or(text(&current["averageValue"]), UNKNOWN)),
    }
}

fn percent(value: &Value, otherwise: &str) -> String {
    value.as_i64().map_or_else(|| otherwise.to_owned(), |value| format!("{value}%"))
}
