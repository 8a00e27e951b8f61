//! Rules for kinds that run several pods.

use crate::Assessment;
use crate::fields::Fields;

/// What a Deployment without a deadline carries in `spec.progressDeadlineSeconds`, if anything.
const NO_DEADLINE: i64 = i32::MAX as i64;

pub(crate) fn deployment(object: Fields<'_>) -> Assessment {
    let progressing = object.condition("Progressing");
    if progressing.is_some_and(|condition| condition.text("reason") == "ProgressDeadlineExceeded") {
        return Assessment::failed("Progress deadline exceeded");
    }
    let wanted = object.integer("spec.replicas").unwrap_or(1);
    let replicas = object.count("status.replicas");
    let updated = object.count("status.updatedReplicas");
    let available = object.count("status.availableReplicas");
    let ready = object.count("status.readyReplicas");
    if wanted > replicas {
        return Assessment::in_progress(format!("replicas: {replicas}/{wanted}"));
    }
    if wanted > updated {
        return Assessment::in_progress(format!("Updated: {updated}/{wanted}"));
    }
    if replicas > wanted {
        return Assessment::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    if updated > available {
        return Assessment::in_progress(format!("Available: {available}/{updated}"));
    }
    if wanted > ready {
        return Assessment::in_progress(format!("Ready: {ready}/{wanted}"));
    }
    let has_deadline = object.integer("spec.progressDeadlineSeconds").is_some_and(|seconds| seconds != NO_DEADLINE);
    let has_progressed = progressing.is_some_and(|condition| {
        condition.text("status") == "True" && condition.text("reason") == "NewReplicaSetAvailable"
    });
    if has_deadline && !has_progressed {
        return Assessment::in_progress("ReplicaSet not Available");
    }
    if !object.condition_is_true("Available") {
        return Assessment::in_progress("Deployment not Available");
    }
    Assessment::current(format!("Deployment is available. Replicas: {replicas}"))
}

pub(crate) fn stateful_set(object: Fields<'_>) -> Assessment {
    if object.text("spec.updateStrategy.type") == "OnDelete" {
        return Assessment::current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = object.integer("spec.replicas").unwrap_or(1);
    let replicas = object.count("status.replicas");
    let ready = object.count("status.readyReplicas");
    let current = object.count("status.currentReplicas");
    let updated = object.count("status.updatedReplicas");
    if wanted > replicas {
        return Assessment::in_progress(format!("Replicas: {replicas}/{wanted}"));
    }
    if wanted > ready {
        return Assessment::in_progress(format!("Ready: {ready}/{wanted}"));
    }
    if replicas > wanted {
        return Assessment::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    if let Some(partition) = object.integer("spec.updateStrategy.rollingUpdate.partition") {
        return if updated < wanted - partition {
            Assessment::in_progress(format!("updated: {updated}/{}", wanted - partition))
        } else {
            Assessment::current(format!("Partition rollout complete. updated: {updated}"))
        };
    }
    if wanted > current {
        return Assessment::in_progress(format!("current: {current}/{wanted}"));
    }
    if object.text("status.currentRevision") != object.text("status.updateRevision") {
        return Assessment::in_progress("Waiting for updated revision to match current");
    }
    Assessment::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}

pub(crate) fn replica_set(object: Fields<'_>) -> Assessment {
    if object.condition_is_true("ReplicaFailure") {
        return Assessment::in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = object.integer("spec.replicas").unwrap_or(1);
    let replicas = object.count("status.replicas");
    for (name, count) in [
        ("Labelled", object.count("status.fullyLabeledReplicas")),
        ("Available", object.count("status.availableReplicas")),
        ("Ready", object.count("status.readyReplicas")),
    ] {
        if wanted > count {
            return Assessment::in_progress(format!("{name}: {count}/{wanted}"));
        }
    }
    if replicas > wanted {
        return Assessment::in_progress(format!("Pending termination: {}", replicas - wanted));
    }
    Assessment::current(format!("ReplicaSet is available. Replicas: {replicas}"))
}

pub(crate) fn daemon_set(object: Fields<'_>) -> Assessment {
    if object.integer("metadata.generation").is_none() {
        return Assessment::in_progress("Missing .metadata.generation");
    }
    if object.integer("status.observedGeneration").is_none() {
        return Assessment::in_progress("Missing .status.observedGeneration");
    }
    let Some(wanted) = object.integer("status.desiredNumberScheduled") else {
        return Assessment::in_progress("Missing .status.desiredNumberScheduled");
    };
    for (name, count) in [
        ("Current", object.count("status.currentNumberScheduled")),
        ("Updated", object.count("status.updatedNumberScheduled")),
        ("Available", object.count("status.numberAvailable")),
        ("Ready", object.count("status.numberReady")),
    ] {
        if wanted > count {
            return Assessment::in_progress(format!("{name}: {count}/{wanted}"));
        }
    }
    Assessment::current(format!("All replicas scheduled as expected. Replicas: {wanted}"))
}

/// Flux's rule: a Job is there when it has completed, not when it has started.
pub(crate) fn job(object: Fields<'_>) -> Assessment {
    if object.flag("spec.suspend") {
        return Assessment::current("Job is suspended");
    }
    let completions = object.integer("spec.completions").or_else(|| object.integer("spec.parallelism")).unwrap_or(1);
    if object.condition_is_true("Complete") {
        return Assessment::current(format!(
            "Job Completed. succeeded: {}/{completions}",
            object.count("status.succeeded")
        ));
    }
    if object.condition_is_true("Failed") {
        return Assessment::failed(format!("Job Failed. failed: {}/{completions}", object.count("status.failed")));
    }
    Assessment::in_progress("Job in progress")
}
