//! Kinds whose versions have different fields: events, and autoscalers.

use serde_json::{Value, json};
use thalweg_schema::{Resource, normalise};

use super::events::other_name;
use super::path::{Fields, list, put, take};

/// An object in another version of its kind; none when nothing but `apiVersion` differs.
pub(crate) fn convert(value: &Value, from: &Resource, to: &Resource) -> Option<Value> {
    let mut object = value.as_object()?.clone();
    match (from.plural.as_str(), from.api_version().as_str(), to.api_version().as_str()) {
        ("events", "v1", "events.k8s.io/v1") | ("events", "events.k8s.io/v1", "v1") => rename(&mut object),
        ("horizontalpodautoscalers", "autoscaling/v1", "autoscaling/v2") => with_metrics(&mut object),
        ("horizontalpodautoscalers", "autoscaling/v2", "autoscaling/v1") => with_percentage(&mut object),
        _ => return None,
    }
    object.insert("apiVersion".into(), to.api_version().into());
    let mut converted = Value::Object(object);
    normalise(&to.schema, &mut converted);
    Some(converted)
}

fn rename(event: &mut Fields) {
    let fields = std::mem::take(event);
    event.extend(fields.into_iter().map(|(name, value)| (other_name(&name).map_or(name, str::to_owned), value)));
}

/// The share of the processor is one of many metrics.
fn with_metrics(autoscaler: &mut Fields) {
    if let Some(percentage) = take(autoscaler, "spec.targetCPUUtilizationPercentage") {
        let target = json!({"type": "Utilization", "averageUtilization": percentage});
        put(autoscaler, "spec.metrics", json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    if let Some(percentage) = take(autoscaler, "status.currentCPUUtilizationPercentage") {
        let current = json!({"averageUtilization": percentage});
        let metric = json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}]);
        put(autoscaler, "status.currentMetrics", metric);
    }
}

/// Of the metrics, only the share of the processor is told.
fn with_percentage(autoscaler: &mut Fields) {
    let cpu = |metrics: &[Value], part: &str| {
        let metric = metrics.iter().find(|metric| metric["resource"]["name"] == "cpu")?;
        Some(metric["resource"][part]["averageUtilization"].clone()).filter(|share| !share.is_null())
    };
    let target = cpu(list(autoscaler, "spec.metrics"), "target");
    let current = cpu(list(autoscaler, "status.currentMetrics"), "current");
    for path in ["spec.metrics", "spec.behavior", "status.currentMetrics", "status.conditions"] {
        take(autoscaler, path);
    }
    if let Some(target) = target {
        put(autoscaler, "spec.targetCPUUtilizationPercentage", target);
    }
    if let Some(current) = current {
        put(autoscaler, "status.currentCPUUtilizationPercentage", current);
    }
}
