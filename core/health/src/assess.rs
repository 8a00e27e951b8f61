//! The order of the rules: what holds for every object, then for its kind, then its Ready condition.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::fields::Fields;
use crate::{kinds, workloads};

/// What state an object is in; prints as kstatus names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// It is what its spec asks for.
    Current,
    /// It is on its way.
    InProgress,
    /// It will not get there by itself.
    Failed,
    /// It is being deleted.
    Terminating,
    /// It does not exist.
    NotFound,
    /// Its state cannot be told.
    Unknown,
}

/// A state and the reason for it, in kstatus' words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The state.
    pub health: Health,
    /// Why; empty where the object's own condition says nothing.
    pub message: String,
}

/// Judges an object as it was read from the API server at `now`.
///
/// The time matters for one rule: a Pod may stay unschedulable for fifteen seconds before it counts as failed.
pub fn assess(object: &Map<String, Value>, now: Timestamp) -> Assessment {
    let object = Fields::new(object);
    generic(object)
        .or_else(|| by_kind(object, now))
        .or_else(|| by_ready_condition(object))
        .unwrap_or_else(|| Assessment::current("Resource is current"))
}

fn generic(object: Fields<'_>) -> Option<Assessment> {
    if object.has("metadata.deletionTimestamp") {
        return Some(Assessment::new(Health::Terminating, "Resource scheduled for deletion"));
    }
    if let (Some(generation), Some(observed)) =
        (object.integer("metadata.generation"), object.integer("status.observedGeneration"))
        && generation != observed
    {
        let kind = object.text("kind");
        return Some(Assessment::in_progress(format!(
            "{kind} generation is {generation}, but latest observed generation is {observed}"
        )));
    }
    object.conditions().find_map(|condition| match (condition.text("type"), condition.text("status")) {
        ("Reconciling", "True") => Some(Assessment::in_progress(condition.text("message"))),
        ("Stalled", "True") => Some(Assessment::failed(condition.text("message"))),
        _ => None,
    })
}

fn by_kind(object: Fields<'_>, now: Timestamp) -> Option<Assessment> {
    let group = object.text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    Some(match (group, object.text("kind")) {
        ("apps" | "extensions", "Deployment") => workloads::deployment(object),
        ("apps", "StatefulSet") => workloads::stateful_set(object),
        ("apps" | "extensions", "ReplicaSet") => workloads::replica_set(object),
        ("apps" | "extensions", "DaemonSet") => workloads::daemon_set(object),
        ("batch", "Job") => workloads::job(object),
        ("", "Pod") => kinds::pod(object, now),
        ("", "PersistentVolumeClaim") => kinds::persistent_volume_claim(object),
        ("", "Service") => kinds::service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => kinds::custom_resource_definition(object),
        ("policy", "PodDisruptionBudget") => Assessment::current("AllowedDisruptions has been computed."),
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => Assessment::current("Resource is always ready"),
        _ => return None,
    })
}

fn by_ready_condition(object: Fields<'_>) -> Option<Assessment> {
    let ready = object.condition("Ready")?;
    Some(match ready.text("status") {
        "True" => Assessment::current("Resource is Ready"),
        "False" | "Unknown" => Assessment::in_progress(ready.text("message")),
        _ => return None,
    })
}

impl Assessment {
    /// An assessment.
    pub fn new(health: Health, message: impl Into<String>) -> Self {
        Self { health, message: message.into() }
    }

    /// What is said of an object that the API server does not have.
    pub fn not_found() -> Self {
        Self::new(Health::NotFound, "Resource not found")
    }

    pub(crate) fn current(message: impl Into<String>) -> Self {
        Self::new(Health::Current, message)
    }

    pub(crate) fn in_progress(message: impl Into<String>) -> Self {
        Self::new(Health::InProgress, message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Health::Failed, message)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Current => "Current",
            Self::InProgress => "InProgress",
            Self::Failed => "Failed",
            Self::Terminating => "Terminating",
            Self::NotFound => "NotFound",
            Self::Unknown => "Unknown",
        })
    }
}
