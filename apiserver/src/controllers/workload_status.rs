//! What the status of a workload is, in each of its phases.
//!
//! The fields and words are those of the controllers of Kubernetes 1.36, recorded from the real ones. There is one node, and
//! an update replaces all pods at once.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::conditions::{self, Condition, seconds};
use super::replica_sets;
use super::simulation::Phase;
use super::text;

/// A workload, and how far it is.
pub(super) struct Observed<'a> {
    pub(super) object: &'a Value,
    pub(super) phase: Phase,
    pub(super) now: Timestamp,
}

impl Observed<'_> {
    fn old(&self) -> &Value {
        &self.object["status"]
    }

    fn spec(&self, field: &str, default: i64) -> i64 {
        self.object["spec"][field].as_i64().unwrap_or(default)
    }

    fn generation(&self) -> i64 {
        self.object["metadata"]["generation"].as_i64().unwrap_or(1)
    }

    fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    fn conditions(&self, stated: &[Condition]) -> Value {
        conditions::merge(&self.old()["conditions"], stated, self.now)
    }

    /// Whether a condition held before.
    fn held(&self, type_: &str) -> bool {
        let mut conditions = self.old()["conditions"].as_array().into_iter().flatten();
        conditions.any(|condition| condition["type"] == type_ && condition["status"] == "True")
    }
}

/// Numbers of a status; those that are zero are left out.
fn counts<const N: usize>(numbers: [(&str, i64); N]) -> Map<String, Value> {
    numbers
        .into_iter()
        .filter(|(_, number)| *number != 0)
        .map(|(name, number)| (name.to_owned(), json!(number)))
        .collect()
}

pub(super) fn deployment(observed: &Observed<'_>) -> Value {
    let wanted = observed.spec("replicas", 1);
    let ready = observed.is_ready() || wanted == 0;
    let was_available = observed.held("Available");
    let before = observed.old()["availableReplicas"].as_i64().unwrap_or(0);
    let (updated, available) = match (ready, was_available) {
        (true, _) => (wanted, wanted),
        (false, true) => (0, before),
        (false, false) => (wanted, 0),
    };
    let total = updated.max(available);
    let mut status = counts([
        ("replicas", total),
        ("updatedReplicas", updated),
        ("readyReplicas", available),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted - updated.min(available)).max(0)),
    ]);
    let set = replica_sets::name(observed.object);
    let available = if ready || was_available {
        Condition::new("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        let message = "Deployment does not have minimum availability.";
        Condition::new("Available", "False", "MinimumReplicasUnavailable", message)
    };
    let (held, reason, what) = match observed.phase {
        _ if ready => ("True", "NewReplicaSetAvailable", "has successfully progressed."),
        Phase::Failed => ("False", "ProgressDeadlineExceeded", "has timed out progressing."),
        _ => ("True", "ReplicaSetUpdated", "is progressing."),
    };
    let progressing = Condition::new("Progressing", held, reason, format!("ReplicaSet {set:?} {what}"));
    status.insert("conditions".to_owned(), observed.conditions(&[available.updated(), progressing.updated()]));
    status.insert("observedGeneration".to_owned(), json!(observed.generation()));
    status.insert("terminatingReplicas".to_owned(), json!(0));
    Value::Object(status)
}

pub(super) fn replica_set(observed: &Observed<'_>) -> Value {
    let wanted = observed.spec("replicas", 1);
    let ready = if observed.is_ready() { wanted } else { 0 };
    let mut status = counts([("fullyLabeledReplicas", wanted), ("readyReplicas", ready), ("availableReplicas", ready)]);
    status.insert("replicas".to_owned(), json!(wanted));
    status.insert("observedGeneration".to_owned(), json!(observed.generation()));
    status.insert("terminatingReplicas".to_owned(), json!(0));
    Value::Object(status)
}

pub(super) fn stateful_set(observed: &Observed<'_>) -> Value {
    let wanted = observed.spec("replicas", 1);
    let revision = replica_sets::name(observed.object);
    let before = text(&observed.old()["currentRevision"]);
    let updating = !observed.is_ready() && !before.is_empty() && before != revision;
    let current = if updating { before } else { revision.as_str() };
    let ready = match (observed.is_ready(), updating) {
        (true, _) => wanted,
        (false, true) => observed.old()["readyReplicas"].as_i64().unwrap_or(0),
        (false, false) => 0,
    };
    let updated = if updating { 0 } else { wanted };
    let mut status = counts([("currentReplicas", wanted), ("readyReplicas", ready), ("updatedReplicas", updated)]);
    for (field, value) in [
        ("availableReplicas", json!(ready)),
        ("collisionCount", json!(0)),
        ("currentRevision", json!(current)),
        ("observedGeneration", json!(observed.generation())),
        ("replicas", json!(wanted)),
        ("updateRevision", json!(revision)),
    ] {
        status.insert(field.to_owned(), value);
    }
    Value::Object(status)
}

pub(super) fn daemon_set(observed: &Observed<'_>) -> Value {
    let before = observed.old()["numberReady"].as_i64().unwrap_or(0);
    let (updated, ready) = match (observed.is_ready(), before > 0) {
        (true, _) => (1, 1),
        (false, true) => (0, 1),
        (false, false) => (1, 0),
    };
    let mut status =
        counts([("updatedNumberScheduled", updated), ("numberAvailable", ready), ("numberUnavailable", 1 - ready)]);
    for (field, number) in [
        ("currentNumberScheduled", 1),
        ("desiredNumberScheduled", 1),
        ("numberMisscheduled", 0),
        ("numberReady", ready),
        ("observedGeneration", observed.generation()),
    ] {
        status.insert(field.to_owned(), json!(number));
    }
    Value::Object(status)
}

pub(super) fn job(observed: &Observed<'_>) -> Value {
    if observed.held("Complete") || observed.held("Failed") {
        return observed.old().clone();
    }
    let mut status = json!({"ready": 0, "terminating": 0, "uncountedTerminatedPods": {}});
    if observed.object["spec"]["suspend"] == true {
        let suspended = Condition::new("Suspended", "True", "JobSuspended", "Job suspended").probed();
        status["conditions"] = observed.conditions(&[suspended]);
        return status;
    }
    let now = json!(seconds(observed.now));
    let started = &observed.old()["startTime"];
    status["startTime"] = if started.is_null() { now.clone() } else { started.clone() };
    let resumed = Condition::new("Suspended", "False", "JobResumed", "Job resumed").probed();
    let resumed: Vec<Condition> = observed.held("Suspended").then_some(resumed).into_iter().collect();
    let ended = |first, last, reason, message: &str| {
        let ends = [first, last].map(|type_| Condition::new(type_, "True", reason, message).probed());
        observed.conditions(&[resumed.as_slice(), &ends].concat())
    };
    match observed.phase {
        Phase::Progressing => {
            status["active"] = json!(observed.spec("parallelism", 1));
            let conditions = observed.conditions(&resumed);
            if conditions != json!([]) {
                status["conditions"] = conditions;
            }
        }
        Phase::Ready => {
            status["completionTime"] = now;
            status["succeeded"] = json!(observed.spec("completions", 1));
            let message = "Reached expected number of succeeded pods";
            status["conditions"] = ended("SuccessCriteriaMet", "Complete", "CompletionsReached", message);
        }
        Phase::Failed => {
            status["failed"] = json!(observed.spec("backoffLimit", 6) + 1);
            let message = "Job has reached the specified backoff limit";
            status["conditions"] = ended("FailureTarget", "Failed", "BackoffLimitExceeded", message);
        }
    }
    status
}

pub(super) fn pod(observed: &Observed<'_>) -> Value {
    let mut status = observed.old().clone();
    if !matches!(text(&status["phase"]), "" | "Pending") {
        return status;
    }
    match observed.phase {
        Phase::Progressing => {}
        Phase::Ready => {
            let now = seconds(observed.now);
            let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"];
            let container = |container: &Value| {
                json!({
                    "name": container["name"], "image": container["image"], "imageID": "", "lastState": {},
                    "ready": true, "restartCount": 0, "started": true, "state": {"running": {"startedAt": now}},
                })
            };
            let containers = observed.object["spec"]["containers"].as_array().into_iter().flatten();
            status["phase"] = json!("Running");
            status["conditions"] = observed.conditions(&conditions.map(|type_| Condition::new(type_, "True", "", "")));
            status["containerStatuses"] = containers.map(container).collect();
            status["startTime"] = json!(now);
        }
        Phase::Failed => {
            status["phase"] = json!("Failed");
            status["reason"] = json!("Error");
        }
    }
    status
}

pub(super) fn persistent_volume_claim(observed: &Observed<'_>) -> Value {
    let spec = &observed.object["spec"];
    match observed.phase {
        Phase::Progressing => json!({"phase": "Pending"}),
        Phase::Ready => {
            let capacity = &spec["resources"]["requests"];
            json!({"phase": "Bound", "accessModes": spec["accessModes"], "capacity": capacity})
        }
        Phase::Failed => json!({"phase": "Lost"}),
    }
}

pub(super) fn service(observed: &Observed<'_>) -> Value {
    let mut status = observed.old().clone();
    let spec = &observed.object["spec"];
    if spec["type"] != "LoadBalancer" {
        status["loadBalancer"] = json!({});
    } else if observed.is_ready() {
        let address = match text(&spec["loadBalancerIP"]) {
            "" => external_address(text(&spec["clusterIP"])),
            asked => asked.to_owned(),
        };
        status["loadBalancer"] = json!({"ingress": [{"ip": address, "ipMode": "VIP"}]});
    }
    status
}

/// The address that belongs to an address inside the cluster, in the range for benchmarks (RFC 2544).
fn external_address(inside: &str) -> String {
    let mut parts = inside.rsplit('.');
    let (last, third) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("0"));
    if last.parse::<u8>().is_ok() { format!("198.18.{third}.{last}") } else { "198.18.0.1".to_owned() }
}

pub(super) fn pod_disruption_budget(observed: &Observed<'_>) -> Value {
    let desired = observed.spec("minAvailable", 0);
    let allowed = Condition::new("DisruptionAllowed", "False", "InsufficientPods", "").observed(observed.generation());
    json!({
        "conditions": observed.conditions(&[allowed]),
        "currentHealthy": 0, "desiredHealthy": desired, "disruptionsAllowed": 0, "expectedPods": 0,
        "observedGeneration": observed.generation(),
    })
}

#[cfg(test)]
#[path = "workload_status_tests.rs"]
mod tests;
