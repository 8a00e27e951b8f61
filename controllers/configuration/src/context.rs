//! What every pass over a FluxConfiguration is given, and what is remembered between two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thalweg_controller_runtime::ControllerContext;
use thalweg_crds::configuration::FluxConfiguration;
use thalweg_kubernetes::{NamedWatch, Objects, Watches};
use thalweg_manifest::ObjectId;

use crate::children::Children;
use crate::settings::Settings;

/// The flags of this controller alone.
#[derive(Clone, Debug)]
pub struct Options {
    /// When an object that the API server refused is applied again, if nothing changes before.
    pub retry_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { retry_interval: Duration::from_secs(60) }
    }
}

pub(crate) struct Context {
    pub(crate) runtime: ControllerContext,
    pub(crate) options: Options,
    pub(crate) configurations: Arc<Objects<FluxConfiguration>>,
    pub(crate) children: Children,
    /// Secrets with settings, and objects of others that have a name we need.
    pub(crate) watches: Watches,
    memories: Mutex<BTreeMap<ObjectId, Arc<tokio::sync::Mutex<Memory>>>>,
}

/// What is remembered of a FluxConfiguration. All of it can be found out again.
#[derive(Default)]
pub(crate) struct Memory {
    /// Watches of single objects that are not ours.
    pub(crate) watches: BTreeMap<ObjectId, NamedWatch>,
    /// The settings as they were read last.
    pub(crate) settings: Option<Read>,
    /// UIDs of objects that we deleted and that the watches still show.
    pub(crate) deleted: BTreeSet<String>,
}

/// A Secret as it was read.
pub(crate) struct Read {
    pub(crate) id: ObjectId,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) settings: Settings,
}

impl Context {
    pub(crate) fn new(
        runtime: ControllerContext,
        options: Options,
        configurations: Arc<Objects<FluxConfiguration>>,
        children: Children,
        watches: Watches,
    ) -> Self {
        Self { runtime, options, configurations, children, watches, memories: Mutex::default() }
    }

    /// What is remembered of a FluxConfiguration; one pass at a time holds it.
    pub(crate) fn memory(&self, id: &ObjectId) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.entry(id.clone()).or_default().clone()
    }

    /// The FluxConfiguration is gone.
    pub(crate) fn forget(&self, id: &ObjectId) {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
