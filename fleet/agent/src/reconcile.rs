//! Keeps the FluxConfigurations as the hub desires them: the loop, and the story of one of them.
//!
//! Woken by a new desired state, by the watch, and by retries; a configuration that fails does not hold up the others. What
//! a desired state does not name is left as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, Stream, StreamExt as _};
use thalweg_controller_runtime::{Random, chain};
use thalweg_crds::configuration::{FLUX_CONFIGURATION, FluxConfiguration, GROUP};
use thalweg_kubernetes::{Cluster, Event, Objects, Refusal as _};
use thalweg_manifest::ObjectId;
use thalweg_protocol::agent::{ConfigurationStatus, Epoch, Outcome};
use thalweg_protocol::resource::ConfigurationId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::act::{self, ActError};
use crate::backoff::Backoff;
use crate::observe;
use crate::plan::{Granted, Step, Wanted, plan};
use crate::pull::Instruction;
use crate::report::{self, Told};
use crate::run::Ended;
use crate::troubles::Troubles;

/// How long nothing is looked at again that only an event can change.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What is known of every configuration, by the key of its id.
pub(crate) type Reports = BTreeMap<String, ConfigurationStatus>;

/// The configurations of this cluster.
pub(crate) struct Reconciler {
    cluster: Cluster,
    random: Random,
    troubles: Troubles,
    reports: watch::Sender<Arc<Reports>>,
    entries: BTreeMap<ObjectId, Entry>,
}

/// One configuration that the hub speaks of.
struct Entry {
    id: ConfigurationId,
    generation: u64,
    wanted: Wanted,
    accepted: Epoch,
    granted: Option<Granted>,
    told: Option<Told>,
    again: Option<Instant>,
    backoff: Backoff,
}

impl Reconciler {
    pub(crate) fn new(
        cluster: &Cluster,
        random: &Random,
        troubles: &Troubles,
        reports: watch::Sender<Arc<Reports>>,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            random: random.clone(),
            troubles: troubles.clone(),
            reports,
            entries: BTreeMap::new(),
        }
    }

    /// Works until the agent ends.
    pub(crate) async fn run(
        mut self,
        mut desired: watch::Receiver<Option<Arc<Instruction>>>,
    ) -> Result<Infallible, Ended> {
        let (objects, mut events) = Objects::<FluxConfiguration>::watch(&self.cluster, None, None);
        let mut backoff = Backoff::new(&self.random);
        while let Err(error) = objects.synced().await {
            self.troubles.met("cluster", chain(&error));
            tokio::time::sleep(backoff.next()).await;
        }
        self.troubles.over("cluster");
        loop {
            let again = self.entries.values().filter_map(|entry| entry.again).min();
            let mut due: BTreeSet<ObjectId> = tokio::select! {
                biased;
                changed = desired.changed() => {
                    if changed.is_err() {
                        std::future::pending::<Infallible>().await;
                    }
                    let instruction = desired.borrow_and_update().clone();
                    instruction.map(|instruction| self.take(&instruction)).unwrap_or_default()
                }
                event = events.next() => event.map(|event| concerned(&event)).unwrap_or_default().into_iter().collect(),
                () = sleep_until(again) => BTreeSet::new(),
            };
            due.extend(more(&mut events));
            let now = Instant::now();
            for (object, entry) in &mut self.entries {
                if due.contains(object) || entry.again.is_some_and(|again| again <= now) {
                    reconcile(&self.cluster, &objects, object, entry).await;
                }
            }
            self.publish(&objects);
        }
    }

    /// Takes over a desired state; the configurations that are to be looked at.
    fn take(&mut self, instruction: &Instruction) -> BTreeSet<ObjectId> {
        let Instruction { state, accepted } = instruction;
        let epoch = |generation| Epoch { hub: state.epoch.hub.clone(), number: generation };
        let documents = state.configurations.iter().map(|document| {
            let spec = act::spec(&document.properties).map(Box::new);
            let wanted = Wanted::Document { epoch: epoch(document.generation), spec };
            (object(&document.id, document.properties.namespace()), &document.id, document.generation, wanted)
        });
        let tombstones = state.tombstones.iter().map(|tombstone| {
            let object = object(&tombstone.id, &tombstone.namespace);
            (object, &tombstone.id, tombstone.generation, Wanted::Tombstone)
        });
        let mut before = std::mem::take(&mut self.entries);
        for (object, id, generation, wanted) in documents.chain(tombstones) {
            let same = before
                .remove(&object)
                .filter(|entry| entry.id == *id && entry.generation == generation && entry.accepted == *accepted);
            let entry = same.unwrap_or_else(|| Entry {
                id: id.clone(),
                generation,
                wanted,
                accepted: accepted.clone(),
                granted: None,
                told: None,
                again: None,
                backoff: Backoff::new(&self.random),
            });
            self.entries.insert(object, entry);
        }
        self.entries.keys().cloned().collect()
    }

    fn publish(&self, objects: &Objects<FluxConfiguration>) {
        let reports = self.entries.iter().filter_map(|(object, entry)| {
            let told = entry.told.as_ref()?;
            let live = objects.get(object).filter(|_| told.outcome == Outcome::Applied);
            Some((entry.id.key(), report::status(&entry.id, entry.generation, told, live.as_deref())))
        });
        let reports: Reports = reports.collect();
        self.reports.send_if_modified(|known| {
            let news = **known != reports;
            *known = Arc::new(reports);
            news
        });
    }
}

/// The story of one configuration: observe, plan, act, and say when to look again.
async fn reconcile(cluster: &Cluster, objects: &Objects<FluxConfiguration>, object: &ObjectId, entry: &mut Entry) {
    entry.again = None;
    match attempt(cluster, objects, object, entry).await {
        Ok(told) => {
            entry.backoff.reset();
            if let Some(told) = told {
                if told.outcome == Outcome::Failed {
                    entry.again = Some(Instant::now() + LOOK_AGAIN);
                }
                entry.tell(object, told);
            } else {
                entry.again = Some(Instant::now() + LOOK_AGAIN);
            }
        }
        Err(error) => {
            entry.again = Some(Instant::now() + entry.backoff.next());
            let passing = matches!(&error, ActError::Cluster(error) if error.is_transient() || error.is_conflict());
            let error = chain(&error);
            if passing {
                tracing::debug!(configuration = %entry.id, error, "trying again");
            } else {
                entry.tell(object, Told { outcome: Outcome::Failed, error: Some(error) });
            }
        }
    }
}

/// None when the cluster is still at it.
async fn attempt(
    cluster: &Cluster,
    objects: &Objects<FluxConfiguration>,
    object: &ObjectId,
    entry: &mut Entry,
) -> Result<Option<Told>, ActError> {
    let done = |outcome| Ok(Some(Told { outcome, error: None }));
    let refused = |reason: String| Ok(Some(Told { outcome: Outcome::Failed, error: Some(reason) }));
    let Some(kind) = observe::kind(cluster).await? else {
        // For a tombstone too: objects may live on under a version that is not served.
        return refused("thalweg.dev/v1alpha1 FluxConfigurations are not installed in this cluster".to_owned());
    };
    let live = observe::observe(cluster, &kind, objects, object).await?;
    let step = plan(&entry.id, &entry.wanted, live.as_ref(), entry.granted.as_ref(), &entry.accepted);
    let uid = match step {
        Step::Keep => return done(Outcome::Applied),
        Step::Gone => return done(Outcome::Deleted),
        Step::Wait => return Ok(None),
        Step::Refuse(reason) => return refused(reason),
        Step::Delete { uid, resource_version } => {
            tracing::info!(configuration = %entry.id, object = %object, "deleting, as the hub's tombstone says");
            let gone = act::remove(cluster, &kind, object, &uid, &resource_version).await?;
            return if gone { done(Outcome::Deleted) } else { Ok(None) };
        }
        Step::Create => None,
        Step::Update { uid } => Some(uid),
    };
    let Wanted::Document { epoch, spec: Ok(spec) } = &entry.wanted else { return Ok(None) };
    let written = act::write(cluster, &kind, object, &entry.id, epoch, spec, uid.as_deref()).await?;
    entry.granted = Some(Granted { epoch: epoch.clone(), spec: written.spec.clone() });
    objects.record(Arc::new(written));
    done(Outcome::Applied)
}

impl Entry {
    fn tell(&mut self, object: &ObjectId, told: Told) {
        if self.told.as_ref() == Some(&told) {
            return;
        }
        match &told.error {
            None => tracing::info!(
                configuration = %self.id, object = %object, generation = self.generation, outcome = ?told.outcome,
                "configuration done"
            ),
            Some(error) => tracing::warn!(
                configuration = %self.id, object = %object, generation = self.generation, error, "configuration failed"
            ),
        }
        self.told = Some(told);
    }
}

fn object(id: &ConfigurationId, namespace: &str) -> ObjectId {
    ObjectId::new(GROUP, FLUX_CONFIGURATION, namespace, id.name())
}

fn concerned(event: &Event<FluxConfiguration>) -> Option<ObjectId> {
    match event {
        Event::Applied { id, .. } | Event::Deleted { id, .. } | Event::Poisoned { id, .. } => Some(id.clone()),
        Event::Synced => None,
    }
}

/// What else has been told already.
fn more(events: &mut (impl Stream<Item = Event<FluxConfiguration>> + Unpin)) -> BTreeSet<ObjectId> {
    let mut concern = BTreeSet::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        concern.extend(concerned(&event));
    }
    concern
}

async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
