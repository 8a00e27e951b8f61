//! Rules for single objects: Pods, claims, Services, custom resource definitions.

use jiff::{SignedDuration, Timestamp};

use crate::Assessment;
use crate::fields::Fields;

/// How long a Pod may be unschedulable before that counts.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

pub(crate) fn pod(object: Fields<'_>, now: Timestamp) -> Assessment {
    match object.text("status.phase") {
        "Succeeded" => Assessment::current("Pod has completed successfully"),
        "Failed" => Assessment::current("Pod has completed, but not successfully"),
        "Running" => running_pod(object),
        "Pending" => pending_pod(object, now),
        "" => Assessment::in_progress("Pod phase not available"),
        phase => Assessment::new(crate::Health::Unknown, format!("unknown phase {phase}")),
    }
}

fn running_pod(object: Fields<'_>) -> Assessment {
    if object.condition_is_true("Ready") {
        return Assessment::current("Pod is Ready");
    }
    let crashing: Vec<&str> = object
        .list("status.containerStatuses")
        .filter(|container| container.text("state.waiting.reason") == "CrashLoopBackOff")
        .map(|container| container.text("name"))
        .collect();
    if crashing.is_empty() {
        Assessment::in_progress("Pod is running but is not Ready")
    } else {
        Assessment::failed(format!("Containers in CrashLoop state: {}", crashing.join(",")))
    }
}

fn pending_pod(object: Fields<'_>, now: Timestamp) -> Assessment {
    let unschedulable = object
        .condition("PodScheduled")
        .is_some_and(|condition| condition.text("status") == "False" && condition.text("reason") == "Unschedulable");
    if !unschedulable {
        return Assessment::in_progress("Pod is in the Pending phase");
    }
    let created = object.text("metadata.creationTimestamp").parse::<Timestamp>();
    if created.is_ok_and(|created| now.duration_since(created) < SCHEDULE_WINDOW) {
        Assessment::in_progress("Pod has not been scheduled")
    } else {
        Assessment::failed("Pod could not be scheduled")
    }
}

pub(crate) fn persistent_volume_claim(object: Fields<'_>) -> Assessment {
    match object.text("status.phase") {
        "Bound" => Assessment::current("PVC is Bound"),
        "" => Assessment::in_progress("PVC is not Bound. phase: unknown"),
        phase => Assessment::in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

pub(crate) fn service(object: Fields<'_>) -> Assessment {
    if object.text("spec.type") == "LoadBalancer" && object.text("spec.clusterIP").is_empty() {
        return Assessment::in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    Assessment::current("Service is ready")
}

pub(crate) fn custom_resource_definition(object: Fields<'_>) -> Assessment {
    let answer = object.conditions().find_map(|condition| match (condition.text("type"), condition.text("status")) {
        ("NamesAccepted", "False") => Some(Assessment::failed(condition.text("message"))),
        ("Established", "False") if condition.text("reason") != "Installing" => {
            Some(Assessment::failed(condition.text("message")))
        }
        ("Established", "True") => Some(Assessment::current("CRD is established")),
        _ => None,
    });
    answer.unwrap_or_else(|| Assessment::in_progress("Install in progress"))
}
