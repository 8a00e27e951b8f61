//! The controller's entry: watches GitRepositories, and works off those that changed or are due.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _};
use kube::ResourceExt as _;
use thalweg_artifact::Storage;
use thalweg_controller_runtime::{CancellationToken, ControllerContext, Queue, QueueHandle, Trigger};
use thalweg_crds::source::{GIT_REPOSITORY, GROUP, GitRepository};
use thalweg_kubernetes::{Event, Objects};

use crate::{Remotes, reconcile::Reconciler, report::requested_at};

/// What this controller needs beside what all controllers share.
#[derive(Clone)]
pub struct Options<R> {
    /// Where artifacts are stored. Whoever starts the controller serves it: [`thalweg_artifact::router`].
    pub storage: Storage,
    /// Where sources are fetched from; a [`thalweg_git::Git`].
    pub remotes: Arc<R>,
    /// After how long an attempt that goes on says so in the status; never if none.
    pub progress_after: Option<Duration>,
}

impl<R> Options<R> {
    /// Progress after a second.
    pub fn new(storage: Storage, remotes: R) -> Options<R> {
        Options { storage, remotes: Arc::new(remotes), progress_after: Some(Duration::from_secs(1)) }
    }
}

/// Why the controller ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The watch ended although the controller did not.
    #[error("the watch of GitRepositories ended")]
    WatchEnded,
}

/// Keeps the artifacts of all GitRepositories that the context's options select, until `shutdown`.
pub async fn run<R: Remotes>(
    context: ControllerContext,
    options: Options<R>,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let queue = Queue::new(&context.graph, &[(GROUP, GIT_REPOSITORY)]);
    let (namespace, selector) = (&context.options.watch_namespace, &context.options.watch_label_selector);
    let (objects, changes) =
        Objects::<GitRepository>::watch(&context.cluster, namespace.as_deref(), selector.as_deref());
    let (run_options, metrics) = (context.run_options("gitrepository"), context.metrics.clone());
    let following = follow(changes, queue.handle(), context.clone());
    let reconciler = Arc::new(Reconciler::new(context, options, objects));
    let working = thalweg_controller_runtime::run(queue, reconciler, run_options, metrics, shutdown);
    tokio::select! { biased;
        () = working => Ok(()),
        () = following => Err(StartError::WatchEnded),
    }
}

/// Tells the graph of every change, and the queue of those that call for a pass.
async fn follow(
    mut changes: impl Stream<Item = Event<GitRepository>> + Unpin,
    queue: QueueHandle,
    context: ControllerContext,
) {
    while let Some(change) = changes.next().await {
        match change {
            Event::Applied { id, before, after } => {
                context.graph.changed(&id);
                if calls_for_pass(before.as_deref(), &after) {
                    queue.wake(id, Trigger::Object);
                }
            }
            Event::Deleted { id, before: _ } => {
                context.graph.changed(&id);
                queue.wake(id, Trigger::Object);
            }
            Event::Poisoned { id, error } => {
                tracing::warn!(namespace = id.namespace, name = id.name, error, "a GitRepository cannot be read");
                context.graph.changed(&id);
            }
            Event::Synced => tracing::debug!("all GitRepositories have been read"),
        }
    }
}

/// Whether a change is the user's: not our own status, nor somebody's label.
fn calls_for_pass(before: Option<&GitRepository>, after: &GitRepository) -> bool {
    let Some(before) = before else { return true };
    before.uid() != after.uid()
        || before.metadata.generation != after.metadata.generation
        || requested_at(before) != requested_at(after)
        || before.metadata.deletion_timestamp.is_some() != after.metadata.deletion_timestamp.is_some()
}
