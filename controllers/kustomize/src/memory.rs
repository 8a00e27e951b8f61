//! What is remembered of a Kustomization between passes. All of it can be lost: a restart only costs reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thalweg_health::Assessment;
use thalweg_kubernetes::NamedWatch;
use thalweg_manifest::ObjectId;
use thalweg_plan::{Corrections, Desired, Measure};
use tokio::time::Instant;

use crate::artifacts::Fetch;

/// The memory of one Kustomization.
#[derive(Default)]
pub(crate) struct Memory {
    /// The fetch of the artifact, until its files are taken or its failure is reported.
    pub(crate) fetch: Option<Fetch>,
    /// The set that was built last, and from what.
    pub(crate) built: Option<Built>,
    /// What the server granted for each object.
    pub(crate) measures: BTreeMap<ObjectId, Measure>,
    /// When drift was corrected last.
    pub(crate) corrections: Corrections,
    /// How each awaited object stood in the version that was read last.
    pub(crate) health: BTreeMap<ObjectId, Assessed>,
    /// Awaited objects that are not ours, each watched by itself.
    pub(crate) followed: BTreeMap<ObjectId, NamedWatch>,
    /// The attempt under way.
    pub(crate) attempt: Option<Attempt>,
    /// When the interval is over, or a failed attempt is repeated.
    pub(crate) due: Option<Instant>,
    /// When a deletion began to wait for its objects to end.
    pub(crate) terminating_since: Option<Instant>,
    /// Whether the source that the watch shows is known to be no older than the last attempt.
    pub(crate) knows_source: bool,
    /// The uid whose finalizer we removed. The server's answer to that may have the resourceVersion of the object before,
    /// so that the store shows the finalizer until the watch tells of the end.
    pub(crate) released: Option<String>,
}

/// A desired set, and what it was made from.
pub(crate) struct Built {
    /// The digest of the artifact and the generation of the spec.
    pub(crate) from: (String, i64),
    pub(crate) desired: Arc<Desired>,
}

/// The health of an object in one of its versions.
pub(crate) struct Assessed {
    pub(crate) resource_version: String,
    pub(crate) assessment: Assessment,
}

/// One attempt at one set: it may take several passes, between which it waits.
pub(crate) struct Attempt {
    /// The generation, the revision and the digest of the set: another one is another attempt.
    pub(crate) of: (i64, String, String),
    pub(crate) started: Instant,
    /// Whether something was written; the intent has been recorded then.
    pub(crate) has_written: bool,
    /// Whether the intent, or a report of progress, stands in the status.
    pub(crate) is_announced: bool,
    /// A line for each object that was changed.
    pub(crate) changes: Vec<String>,
    /// Inventory ids whose objects are gone, handed over or released.
    pub(crate) left: BTreeSet<String>,
    /// Since when the objects of an early stage are awaited.
    pub(crate) stage_since: Option<Instant>,
    /// Since when the health of the whole set is awaited.
    pub(crate) health_since: Option<Instant>,
}

impl Attempt {
    pub(crate) fn new(of: (i64, String, String), now: Instant) -> Self {
        Self {
            of,
            started: now,
            has_written: false,
            is_announced: false,
            changes: Vec::new(),
            left: BTreeSet::new(),
            stage_since: None,
            health_since: None,
        }
    }
}

impl Memory {
    /// The attempt at `of`: the one under way, or a new one.
    pub(crate) fn attempt(&mut self, of: (i64, String, String), now: Instant) -> &mut Attempt {
        if self.attempt.as_ref().is_some_and(|attempt| attempt.of != of) {
            self.attempt = None;
        }
        self.attempt.get_or_insert_with(|| Attempt::new(of, now))
    }
}
