//! The workers of a queue: each due object is reconciled, by one worker at a time.
//!
//! A pass is a task of its own, so a panic ends that pass and nothing else. A pass that fails is repeated after
//! `backoff_min · 2ⁿ`, at most `backoff_max`; one that succeeds starts that count again. Everything lives in the future
//! that [`run`] returns: dropping it drops the passes.

use std::collections::{BTreeSet, HashMap};
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use thalweg_manifest::ObjectId;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug, error, field, info, info_span, warn};

use crate::graph::Pass;
use crate::metrics::Outcome;
use crate::{Failure, Metrics, Next, Queue, Trigger};

/// One kind of object's reconciler.
pub trait Reconcile: Send + Sync + 'static {
    /// Makes one pass over an object, which may be gone. It must not wait for anything that may take long: it answers
    /// [`Next::When`] instead and is called again.
    ///
    /// Its span has the empty fields `generation` and `revision` to record.
    fn reconcile(&self, id: &ObjectId, trigger: &Trigger) -> impl Future<Output = Result<Next, Failure>> + Send;
}

/// How a queue is worked off.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The label `controller` of the metrics; as in controller-runtime the kind in lower case.
    pub controller: String,
    /// How many objects are reconciled at the same time.
    pub concurrency: usize,
    /// The delay after a first failure.
    pub backoff_min: Duration,
    /// The longest delay after a failure.
    pub backoff_max: Duration,
    /// How long running passes may take to finish at shutdown before they are dropped.
    pub shutdown_limit: Duration,
}

impl RunOptions {
    /// Flux's defaults, for the given kind in lower case; the longest delay is 30 s, not 15 min, since what fails so is the
    /// API server, and nobody should wait for minutes when it is back.
    pub fn new(controller: impl Into<String>) -> Self {
        Self {
            controller: controller.into(),
            concurrency: 4,
            backoff_min: Duration::from_millis(750),
            backoff_max: Duration::from_secs(30),
            shutdown_limit: Duration::from_secs(30),
        }
    }

    fn backoff(&self, failures_before: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures_before).unwrap_or(u32::MAX);
        self.backoff_min.saturating_mul(factor).min(self.backoff_max)
    }
}

/// Reconciles what the queue gives until `shutdown`; then running passes may finish within the limit.
pub async fn run<R: Reconcile>(
    queue: Queue,
    reconciler: Arc<R>,
    options: RunOptions,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    metrics.workers(&options.controller, options.concurrency);
    let mut workers = Workers { queue, reconciler, options, metrics, tasks: JoinSet::new(), running: HashMap::new() };
    loop {
        workers.start_due();
        let timer = if workers.are_all_busy() { None } else { workers.queue.handle.next_timer() };
        let timer = async {
            match timer {
                Some(instant) => sleep_until(instant).await,
                None => pending().await,
            }
        };
        tokio::select! { biased;
            () = shutdown.cancelled() => break,
            Some(ended) = workers.tasks.join_next_with_id() => workers.end(ended),
            () = workers.queue.handle.woken() => {}
            () = timer => {}
        }
    }
    workers.finish().await;
}

type Ended = Result<(Id, Result<Next, Failure>), JoinError>;

struct Workers<R> {
    queue: Queue,
    reconciler: Arc<R>,
    options: RunOptions,
    metrics: Metrics,
    tasks: JoinSet<Result<Next, Failure>>,
    running: HashMap<Id, Running>,
}

struct Running {
    id: ObjectId,
    pass: Pass,
    since: Instant,
}

impl<R: Reconcile> Workers<R> {
    fn are_all_busy(&self) -> bool {
        self.running.len() >= self.options.concurrency.max(1)
    }

    fn start_due(&mut self) {
        while !self.are_all_busy() {
            let Some((id, trigger)) = self.queue.handle.take(Instant::now()) else { break };
            let span = info_span!(
                "reconcile",
                kind = %id.kind,
                namespace = %id.namespace,
                name = %id.name,
                %trigger,
                generation = field::Empty,
                revision = field::Empty,
            );
            let running = Running { id: id.clone(), pass: self.queue.graph.begin(&id), since: Instant::now() };
            let reconciler = self.reconciler.clone();
            let pass = async move { reconciler.reconcile(&id, &trigger).await }.instrument(span);
            self.running.insert(self.tasks.spawn(pass).id(), running);
        }
        self.metrics.depth(&self.options.controller, self.queue.handle.depth(), self.running.len());
    }

    fn end(&mut self, ended: Ended) {
        let (task, result) = match ended {
            Ok((task, result)) => (task, result.map_err(|failure| (failure, false))),
            Err(panicked) => (panicked.id(), Err((panic_failure(panicked), true))),
        };
        let running = self.running.remove(&task).expect("a task ends once");
        let controller = self.options.controller.clone();
        let (metrics, elapsed, id) = (self.metrics.clone(), running.since.elapsed(), &running.id);
        match result {
            Ok(Next::Gone) => {
                self.queue.graph.forget(id);
                self.queue.handle.succeeded(id);
                self.rest(&running, BTreeSet::new(), None);
                metrics.forget(id);
                metrics.reconciled(&controller, Outcome::Success);
            }
            Ok(next) => {
                if !matches!(next, Next::Underway { .. }) {
                    self.queue.handle.succeeded(id);
                }
                let (objects, at, outcome) = match next {
                    Next::Done | Next::Gone => (BTreeSet::new(), None, Outcome::Success),
                    Next::At(instant) => (BTreeSet::new(), Some(instant), Outcome::RequeueAfter),
                    Next::When { objects, deadline } | Next::Underway { objects, deadline } => {
                        (objects, deadline, Outcome::RequeueAfter)
                    }
                };
                self.rest(&running, objects, at.map(|instant| (instant, Trigger::Timer)));
                metrics.passed(id, elapsed);
                metrics.reconciled(&controller, outcome);
                debug!(kind = %id.kind, namespace = %id.namespace, name = %id.name, ?elapsed, "reconciled");
            }
            Err((failure, panicked)) => {
                let delay = self.options.backoff(self.queue.handle.failed(id));
                self.queue.graph.end(id, running.pass, BTreeSet::new());
                self.queue.handle.put_back(id, Some((Instant::now() + delay, Trigger::Retry)));
                metrics.passed(id, elapsed);
                metrics.reconciled(&controller, if panicked { Outcome::Panic } else { Outcome::Error });
                error!(
                    kind = %id.kind, namespace = %id.namespace, name = %id.name,
                    error = %failure, panicked, retry_in = ?delay,
                    "reconcile failed"
                );
            }
        }
    }

    /// A pass did not fail: the object waits for `objects` and the instant, unless one of the objects has changed already.
    fn rest(&self, running: &Running, objects: BTreeSet<ObjectId>, next: Option<(Instant, Trigger)>) {
        let missed = self.queue.graph.end(&running.id, running.pass, objects);
        if let Some(object) = missed {
            self.queue.handle.wake(running.id.clone(), Trigger::Changed(object));
        }
        self.queue.handle.put_back(&running.id, next);
    }

    async fn finish(mut self) {
        let limit = self.options.shutdown_limit;
        let all = async {
            while let Some(ended) = self.tasks.join_next_with_id().await {
                self.end(ended);
            }
        };
        if timeout(limit, all).await.is_err() {
            warn!(running = self.running.len(), ?limit, "reconciles did not finish in time and are dropped");
        }
        info!(controller = self.options.controller, "workers stopped");
    }
}

fn panic_failure(panicked: JoinError) -> Failure {
    let payload = panicked.try_into_panic();
    let text = payload.as_ref().ok().and_then(|payload| {
        payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied())
    });
    Failure::message(format!("panic: {}", text.unwrap_or("without a message")))
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
