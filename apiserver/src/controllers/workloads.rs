//! Workloads become ready after a while, or fail, as [`simulation`](super::simulation) says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::workload_status::{self as status, Observed};
use super::{Place, acting, replica_sets, simulation};
use crate::object::Object;
use crate::server::ApiServer;
use crate::status::Status;

type StatusOf = fn(&Observed<'_>) -> Value;

/// A kind that somebody has to write the status of.
struct Kind {
    group: &'static str,
    plural: &'static str,
    /// Who writes it.
    controller: &'static str,
    status: StatusOf,
}

impl Kind {
    const fn new(group: &'static str, plural: &'static str, controller: &'static str, status: StatusOf) -> Self {
        Self { group, plural, controller, status }
    }
}

static KINDS: [Kind; 9] = [
    Kind::new("apps", "deployments", "deployment-controller", status::deployment),
    Kind::new("apps", "replicasets", "replicaset-controller", status::replica_set),
    Kind::new("apps", "statefulsets", "statefulset-controller", status::stateful_set),
    Kind::new("apps", "daemonsets", "daemon-set-controller", status::daemon_set),
    Kind::new("batch", "jobs", "job-controller", status::job),
    Kind::new("", "pods", "node-controller", status::pod),
    Kind::new("", "persistentvolumeclaims", "persistent-volume-binder", status::persistent_volume_claim),
    Kind::new("", "services", "service-controller", status::service),
    Kind::new("policy", "poddisruptionbudgets", "disruption-controller", status::pod_disruption_budget),
];

/// Since when each workload has been as it is: its uid, its generation, and when that was first seen.
#[derive(Debug, Default)]
pub(super) struct Progress(BTreeMap<Place, (String, i64, Instant)>);

/// Whether a kind is a workload.
pub(super) fn is_one(group: &str, plural: &str) -> bool {
    kind(group, plural).is_some()
}

/// Writes the status of a workload. Returns when to look again.
pub(super) fn reconcile(server: &ApiServer, progress: &mut Progress, place: &Place) -> Result<Option<Instant>, Status> {
    let (Some(object), Some(kind)) = (place.read(server), kind(&place.collection.0, &place.collection.1)) else {
        progress.0.remove(place);
        return Ok(None);
    };
    if object.terminating() {
        return Ok(None);
    }
    let (now, usual_delay) = {
        let state = server.state();
        (state.now(), state.options.ready_after)
    };
    let age = progress.age(place, &object);
    let (phase, rest) = simulation::phase(object.value(), age, usual_delay);
    let loopback = &acting(server, kind.controller);
    let mut value = object.value().clone();
    if place.collection.1 == "deployments" {
        let revision = replica_sets::reconcile(server, loopback, &object, phase)?;
        value["metadata"]["annotations"][replica_sets::REVISION] = json!(revision);
    }
    value["status"] = (kind.status)(&Observed { object: object.value(), phase, now });
    if value != *object.value() {
        loopback.update(value, "status").map(drop::<Arc<Object>>)?;
    }
    Ok(rest.and_then(|rest| Instant::now().checked_add(rest)))
}

fn kind(group: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| (kind.group, kind.plural) == (group, plural))
}

impl Progress {
    fn age(&mut self, place: &Place, object: &Object) -> Duration {
        let now = Instant::now();
        let generation = object.value()["metadata"]["generation"].as_i64().unwrap_or_default();
        let entry = self.0.entry(place.clone()).or_insert_with(|| (object.uid().to_owned(), generation, now));
        if (entry.0.as_str(), entry.1) != (object.uid(), generation) {
            *entry = (object.uid().to_owned(), generation, now);
        }
        now.duration_since(entry.2)
    }
}
