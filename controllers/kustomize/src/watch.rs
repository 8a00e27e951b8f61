//! The wiring: what is watched, and whom a change wakes.

use std::sync::Arc;

use futures::StreamExt as _;
use thalweg_artifact::{Fetcher, FetcherOptions};
use thalweg_controller_runtime::{CancellationToken, ControllerContext, Queue, QueueHandle, Trigger};
use thalweg_crds::kustomize::{self, Kustomization};
use thalweg_crds::source::GitRepository;
use thalweg_crds::{labels, managers};
use thalweg_kubernetes::{Changed, Cluster, Event, Objects, Seen, Watches};
use thalweg_manifest::ObjectId;
use thalweg_plan::Owner;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::context::{Context, Options};
use crate::observe::any_definition;
use crate::reconcile::Kustomizations;
use crate::report;

/// The controller cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No HTTP client could be made.
    #[error("making the HTTP client that fetches artifacts")]
    Fetcher(#[source] reqwest::Error),
}

/// Reconciles the Kustomizations of a cluster until `shutdown`.
///
/// While the Kustomizations or their sources cannot be listed, such as when their definitions are missing, it says so in
/// the log and tries again.
pub async fn run(context: ControllerContext, options: Options, shutdown: CancellationToken) -> Result<(), RunError> {
    let cluster = context.cluster.clone();
    let namespace = context.options.watch_namespace.clone();
    let selector = context.options.watch_label_selector.clone();
    let (kustomizations, kustomization_events) =
        Objects::<Kustomization>::watch(&cluster, namespace.as_deref(), selector.as_deref());
    let (repositories, repository_events) = Objects::<GitRepository>::watch(&cluster, namespace.as_deref(), None);
    let fetcher = match options.fetcher.clone() {
        Some(fetcher) => fetcher,
        None => Fetcher::new(FetcherOptions::default()).map_err(RunError::Fetcher)?,
    };
    let (changes, changed) = unbounded_channel();
    let watches = Arc::new(Watches::new(&cluster, labels::KUSTOMIZATION_NAME, managers::KUSTOMIZE, changes));
    let (definition_changes, definitions_changed) = unbounded_channel();
    let definitions = Watches::new(&cluster, "", managers::KUSTOMIZE, definition_changes);

    let queue = Queue::new(&context.graph, &[(kustomize::GROUP, kustomize::KUSTOMIZATION)]);
    let handle = queue.handle();
    let everything = Arc::new(Context::new(
        context.clone(),
        cluster.clone(),
        options,
        kustomizations.clone(),
        repositories.clone(),
        watches,
        fetcher,
    ));
    let mut tasks = JoinSet::new();
    tasks.spawn(follow_repositories(repository_events, context.clone()));
    tasks.spawn(follow_objects(changed, context.clone(), handle.clone()));
    tasks.spawn(follow_definitions(definitions_changed, cluster.clone(), context.clone()));
    if let Some(resource) = definition_resource(&cluster).await {
        definitions.ensure(&resource);
    }
    // Claims and dependencies are judged from both stores: nothing is reconciled before they are whole.
    tokio::select! { biased;
        () = shutdown.cancelled() => return Ok(()),
        () = until_synced(&repositories, &kustomizations) => {}
    }
    tasks.spawn(follow_kustomizations(kustomization_events, context.clone(), handle));
    let run_options = context.run_options("kustomization");
    thalweg_controller_runtime::run(
        queue,
        Arc::new(Kustomizations(everything)),
        run_options,
        context.metrics.clone(),
        shutdown,
    )
    .await;
    Ok(())
}

/// Both stores are whole; says so in the log as long as they are not.
async fn until_synced(repositories: &Objects<GitRepository>, kustomizations: &Objects<Kustomization>) {
    loop {
        match tokio::try_join!(repositories.synced(), kustomizations.synced()) {
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(error = %thalweg_controller_runtime::chain(&error), "the objects to reconcile cannot be listed yet")
            }
        }
    }
}

async fn definition_resource(cluster: &Cluster) -> Option<thalweg_kubernetes::Resource> {
    cluster.mapping().resolve("apiextensions.k8s.io", "v1", "CustomResourceDefinition").await.ok().flatten()
}

/// A Kustomization is due when its spec changed, when it is asked for, or when it is to go. Whoever waits for it looks
/// again at any change of it.
async fn follow_kustomizations(
    mut events: impl futures::Stream<Item = Event<Kustomization>> + Unpin,
    context: ControllerContext,
    queue: QueueHandle,
) {
    while let Some(event) = events.next().await {
        match event {
            Event::Applied { id, before, after } => {
                if is_due(before.as_deref(), &after) {
                    queue.wake(id.clone(), Trigger::Object);
                }
                context.graph.changed(&id);
            }
            Event::Deleted { id, .. } => {
                queue.wake(id.clone(), Trigger::Object);
                context.graph.changed(&id);
            }
            Event::Poisoned { id, error } => {
                tracing::error!(object = %id.subject(), error, "the Kustomization cannot be read, and is left alone");
            }
            Event::Synced => {}
        }
    }
}

fn is_due(before: Option<&Kustomization>, after: &Kustomization) -> bool {
    before.is_none_or(|before| {
        before.metadata.generation != after.metadata.generation
            || before.metadata.uid != after.metadata.uid
            || before.metadata.deletion_timestamp != after.metadata.deletion_timestamp
            || report::request(before) != report::request(after)
    })
}

/// A source wakes its Kustomizations when what it publishes changed.
async fn follow_repositories(
    mut events: impl futures::Stream<Item = Event<GitRepository>> + Unpin,
    context: ControllerContext,
) {
    let published = |repository: &GitRepository| {
        let artifact = repository.status.as_ref()?.artifact.as_ref()?;
        Some((artifact.revision.clone(), artifact.digest.clone(), artifact.url.clone()))
    };
    while let Some(event) = events.next().await {
        match event {
            Event::Applied { id, before, after } => {
                if before.is_none_or(|before| published(&before) != published(&after)) {
                    context.graph.changed(&id);
                }
            }
            Event::Deleted { id, .. } => context.graph.changed(&id),
            Event::Poisoned { id, error } => {
                tracing::error!(object = %id.subject(), error, "the source cannot be read, and is taken as absent");
                context.graph.changed(&id);
            }
            Event::Synced => {}
        }
    }
}

/// Whoever awaits an object looks at every change of it; its owner only at those that may be drift.
async fn follow_objects(mut changes: UnboundedReceiver<Changed>, context: ControllerContext, queue: QueueHandle) {
    while let Some(Changed { id, before, after }) = changes.recv().await {
        if may_be_drift(before.as_deref(), after.as_deref()) {
            let owners = [&before, &after].into_iter().flatten().filter_map(|seen| Owner::named_by(&seen.labels));
            for owner in owners.collect::<std::collections::BTreeSet<_>>() {
                let owner = ObjectId::new(kustomize::GROUP, kustomize::KUSTOMIZATION, owner.namespace, owner.name);
                queue.wake(owner, Trigger::Changed(id.clone()));
            }
        }
        context.graph.changed(&id);
    }
}

/// A change of status moves the resourceVersion alone, and no owner is woken for it.
fn may_be_drift(before: Option<&Seen>, after: Option<&Seen>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return true };
    let Seen { uid, resource_version: _, generation: _, deleting, labels, annotations, applied } = before;
    *uid != after.uid
        || *deleting != after.deleting
        || *labels != after.labels
        || *annotations != after.annotations
        || *applied != after.applied
}

/// Any definition that comes, changes or goes changes what kinds there are.
async fn follow_definitions(mut changes: UnboundedReceiver<Changed>, cluster: Cluster, context: ControllerContext) {
    while changes.recv().await.is_some() {
        cluster.mapping().invalidate();
        context.graph.changed(&any_definition());
    }
}
