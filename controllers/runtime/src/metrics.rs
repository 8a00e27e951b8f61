//! What a process counts and measures, under the names that Flux's dashboards read.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets_range};
use prometheus_client::registry::{Metric, Registry};
use thalweg_manifest::ObjectId;

/// The metrics of one process. Cheap to clone; all clones are the same metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    reconcile_duration: Family<ObjectLabels, Histogram, fn() -> Histogram>,
    reconcile: Family<ResultLabels, Counter>,
    reconcile_errors: Family<ControllerLabels, Counter>,
    reconcile_panics: Family<ControllerLabels, Counter>,
    workers_max: Family<ControllerLabels, Gauge>,
    workers_active: Family<ControllerLabels, Gauge>,
    queue_depth: Family<QueueLabels, Gauge>,
    leader: Family<NameLabels, Gauge>,
    events_dropped: Family<EventLabels, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ObjectLabels {
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ControllerLabels {
    controller: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    controller: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct QueueLabels {
    controller: String,
    name: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct NameLabels {
    name: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    controller: String,
    destination: &'static str,
}

/// How a pass ended, as controller-runtime names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    RequeueAfter,
    Error,
    Panic,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that nothing has been counted in.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            // Seconds, from ten milliseconds to half an hour, as in fluxcd/pkg runtime/metrics.
            reconcile_duration: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets_range(0.01, 1800.0, 10))
            }),
            reconcile: Family::default(),
            reconcile_errors: Family::default(),
            reconcile_panics: Family::default(),
            workers_max: Family::default(),
            workers_active: Family::default(),
            queue_depth: Family::default(),
            leader: Family::default(),
            events_dropped: Family::default(),
        };
        metrics.register(
            "gotk_reconcile_duration_seconds",
            "The duration in seconds of a reconcile of an object",
            metrics.reconcile_duration.clone(),
        );
        metrics.register("controller_runtime_reconcile", "Reconciles by result", metrics.reconcile.clone());
        metrics.register(
            "controller_runtime_reconcile_errors",
            "Reconciles that failed",
            metrics.reconcile_errors.clone(),
        );
        metrics.register(
            "controller_runtime_reconcile_panics",
            "Reconciles that panicked",
            metrics.reconcile_panics.clone(),
        );
        metrics.register(
            "controller_runtime_max_concurrent_reconciles",
            "How many objects may be reconciled at the same time",
            metrics.workers_max.clone(),
        );
        metrics.register(
            "controller_runtime_active_workers",
            "How many objects are being reconciled",
            metrics.workers_active.clone(),
        );
        metrics.register("workqueue_depth", "How many objects are due", metrics.queue_depth.clone());
        metrics.register(
            "leader_election_master_status",
            "1 while this process holds the lease of that name",
            metrics.leader.clone(),
        );
        metrics.register(
            "thalweg_events_dropped",
            "Events that found the queue full or were refused",
            metrics.events_dropped.clone(),
        );
        metrics
    }

    /// Adds a metric of a controller's own. A counter's name is given without `_total`.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry().register(name, help, metric);
    }

    /// The OpenMetrics text of all metrics.
    pub fn encode(&self) -> String {
        let mut encoded = String::new();
        text::encode(&mut encoded, &self.registry()).expect("writing to a string does not fail");
        encoded
    }

    pub(crate) fn passed(&self, id: &ObjectId, elapsed: Duration) {
        self.reconcile_duration.get_or_create(&ObjectLabels::of(id)).observe(elapsed.as_secs_f64());
    }

    pub(crate) fn forget(&self, id: &ObjectId) {
        self.reconcile_duration.remove(&ObjectLabels::of(id));
    }

    pub(crate) fn reconciled(&self, controller: &str, outcome: Outcome) {
        let result = match outcome {
            Outcome::Success => "success",
            Outcome::RequeueAfter => "requeue_after",
            Outcome::Error | Outcome::Panic => "error",
        };
        let labels = ControllerLabels { controller: controller.to_owned() };
        self.reconcile.get_or_create(&ResultLabels { controller: controller.to_owned(), result }).inc();
        if matches!(outcome, Outcome::Error | Outcome::Panic) {
            self.reconcile_errors.get_or_create(&labels).inc();
        }
        if outcome == Outcome::Panic {
            self.reconcile_panics.get_or_create(&labels).inc();
        }
    }

    pub(crate) fn workers(&self, controller: &str, max: usize) {
        let labels = ControllerLabels { controller: controller.to_owned() };
        self.workers_max.get_or_create(&labels).set(gauge(max));
        self.reconcile_errors.get_or_create(&labels).inc_by(0);
        self.reconcile_panics.get_or_create(&labels).inc_by(0);
    }

    pub(crate) fn depth(&self, controller: &str, due: usize, running: usize) {
        let name = controller.to_owned();
        self.workers_active.get_or_create(&ControllerLabels { controller: name.clone() }).set(gauge(running));
        self.queue_depth.get_or_create(&QueueLabels { controller: name.clone(), name }).set(gauge(due));
    }

    pub(crate) fn leads(&self, lease: &str, leads: bool) {
        self.leader.get_or_create(&NameLabels { name: lease.to_owned() }).set(i64::from(leads));
    }

    pub(crate) fn event_dropped(&self, controller: &str, destination: &'static str) {
        self.events_dropped.get_or_create(&EventLabels { controller: controller.to_owned(), destination }).inc();
    }

    fn registry(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().expect("nothing panics while it holds the registry")
    }
}

impl ObjectLabels {
    fn of(id: &ObjectId) -> Self {
        Self { kind: id.kind.clone(), name: id.name.clone(), namespace: id.namespace.clone() }
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_is_measured_under_flux_names_until_its_object_is_gone() {
        let metrics = Metrics::new();
        let id = ObjectId::new("kustomize.toolkit.fluxcd.io", "Kustomization", "apps", "web");
        metrics.passed(&id, Duration::from_secs(1));
        metrics.reconciled("kustomization", Outcome::RequeueAfter);
        let text = metrics.encode();
        let count = r#"gotk_reconcile_duration_seconds_count{kind="Kustomization",name="web",namespace="apps"} 1"#;
        for line in
            [count, r#"controller_runtime_reconcile_total{controller="kustomization",result="requeue_after"} 1"#]
        {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert_eq!(text.matches("gotk_reconcile_duration_seconds_bucket").count(), 11);
        metrics.forget(&id);
        assert!(!metrics.encode().contains("gotk_reconcile_duration_seconds_count"));
    }
}
