//! The wiring: what is watched, and whom a change wakes.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use thalweg_controller_runtime::{CancellationToken, ControllerContext, Graph, Queue, QueueHandle, Trigger, chain};
use thalweg_crds::configuration::{FLUX_CONFIGURATION, FluxConfiguration, GROUP};
use thalweg_crds::managers;
use thalweg_kubernetes::{Changed, Event, Objects, Watches};
use thalweg_manifest::ObjectId;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::children::Children;
use crate::context::{Context, Options};
use crate::reconcile::FluxConfigurations;

/// The controller cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {}

/// Reconciles the FluxConfigurations of a cluster until `shutdown`.
///
/// While an object of theirs cannot be listed, such as when a definition is missing, it says so in the log and tries again.
pub async fn run(context: ControllerContext, options: Options, shutdown: CancellationToken) -> Result<(), RunError> {
    let namespace = context.options.watch_namespace.clone();
    let selector = context.options.watch_label_selector.clone();
    let (configurations, events) =
        Objects::<FluxConfiguration>::watch(&context.cluster, namespace.as_deref(), selector.as_deref());
    let (children, children_changed) = Children::watch(&context.cluster, namespace.as_deref());
    let (changes, changed) = unbounded_channel();
    let watches = Watches::new(&context.cluster, "", managers::CONFIGURATION, changes);

    let queue = Queue::new(&context.graph, &[(GROUP, FLUX_CONFIGURATION)]);
    let mut tasks = JoinSet::new();
    tasks.spawn(follow_children(children_changed, context.graph.clone()));
    tasks.spawn(follow_others(changed, context.graph.clone()));
    // An absent object means something only when all are known.
    tokio::select! { biased;
        () = shutdown.cancelled() => return Ok(()),
        () = until_synced(&configurations, &children) => {}
    }
    tasks.spawn(follow_configurations(events, queue.handle()));
    let run_options = context.run_options("fluxconfiguration");
    let metrics = context.metrics.clone();
    let everything = Arc::new(Context::new(context, options, configurations, children, watches));
    let reconciler = Arc::new(FluxConfigurations(everything));
    thalweg_controller_runtime::run(queue, reconciler, run_options, metrics, shutdown).await;
    Ok(())
}

async fn until_synced(configurations: &Objects<FluxConfiguration>, children: &Children) {
    while let Err(error) = tokio::try_join!(configurations.synced(), children.synced()) {
        tracing::warn!(error = %chain(&error), "the objects of FluxConfigurations cannot be listed yet");
    }
}

/// A FluxConfiguration is due when its spec changed or it is to go; its own status is no news.
async fn follow_configurations(mut events: impl Stream<Item = Event<FluxConfiguration>> + Unpin, queue: QueueHandle) {
    while let Some(event) = events.next().await {
        match event {
            Event::Applied { id, before, after } if is_due(before.as_deref(), &after) => {
                queue.wake(id, Trigger::Object)
            }
            Event::Deleted { id, before: _ } => queue.wake(id, Trigger::Object),
            Event::Poisoned { id, error } => {
                tracing::error!(object = %id.subject(), error, "the FluxConfiguration cannot be read, and is left alone");
            }
            Event::Applied { .. } | Event::Synced => {}
        }
    }
}

fn is_due(before: Option<&FluxConfiguration>, after: &FluxConfiguration) -> bool {
    before.is_none_or(|before| {
        before.metadata.generation != after.metadata.generation
            || before.metadata.uid != after.metadata.uid
            || before.metadata.deletion_timestamp != after.metadata.deletion_timestamp
    })
}

async fn follow_children(mut changed: impl Stream<Item = ObjectId> + Unpin, graph: Graph) {
    while let Some(id) = changed.next().await {
        graph.changed(&id);
    }
}

async fn follow_others(mut changes: UnboundedReceiver<Changed>, graph: Graph) {
    while let Some(Changed { id, .. }) = changes.recv().await {
        graph.changed(&id);
    }
}
