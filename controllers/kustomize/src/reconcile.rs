//! One pass over a Kustomization: the whole story on one screen.

use std::sync::Arc;

use thalweg_controller_runtime::{Failure, Next, Reconcile, Trigger, finalizer};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::source::Artifact;
use thalweg_crds::unsupported;
use thalweg_crds::{finalizers, managers};
use thalweg_kubernetes::Error;
use thalweg_manifest::ObjectId;
use thalweg_plan::Desired;
use tokio::time::Instant;

use crate::act::{Acted, Waiting, act};
use crate::artifacts::{self, Fetched};
use crate::context::Context;
use crate::finalize::finalize;
use crate::memory::{Built, Memory};
use crate::observe::{Observed, any_definition, dependencies_of, source_of};
use crate::problem::{Problem, Retry};
use crate::report::{self, Failed};
use crate::status::{Status, attempted};
use crate::{build, plan};

/// Reconciles Kustomizations.
pub(crate) struct Kustomizations(pub(crate) Arc<Context>);

impl Reconcile for Kustomizations {
    async fn reconcile(&self, id: &ObjectId, _: &Trigger) -> Result<Next, Failure> {
        let context = &*self.0;
        let Some(object) = context.kustomizations.get(id) else {
            context.forget(id);
            return Ok(Next::Gone);
        };
        let memory = context.memory(id);
        let mut memory = memory.lock().await;
        if object.metadata.deletion_timestamp.is_some() {
            return finalize(object, &mut memory, context).await;
        }
        let object = with_finalizer(object, context).await?;
        let mut status = Status::new(context, object);
        if status.object().spec.suspend {
            memory.fetch = None;
            status.write(report::suspended).await?;
            return Ok(Next::Done);
        }
        let now = context.runtime.clock.instant();
        let is_due = memory.due.is_none_or(|due| now >= due) || report::is_requested(status.object());
        let mut failed = Failed::default();
        let outcome = attempt(&mut status, &mut memory, context, is_due, &mut failed).await;
        publish(&mut status, &mut memory, context, outcome, is_due, failed).await
    }
}

async fn attempt(
    status: &mut Status<'_>,
    memory: &mut Memory,
    context: &Context,
    is_due: bool,
    known: &mut Failed,
) -> Result<Acted, Problem> {
    let object = status.object().clone();
    refuse_unsupported(&object)?;
    register_interest(&object, context);
    let observed = Observed::of(&object, context);
    let no_cross_namespace_refs = context.runtime.options.no_cross_namespace_refs;
    let everyone = || context.kustomizations.list();
    let artifact = plan::artifact(&object, &observed, no_cross_namespace_refs, is_due, everyone)?;
    confirm_source(&object, &observed.source, artifact, memory, context).await?;
    let built = build_once(&object, memory, context, artifact).await;
    if !matches!(built, Err(Problem::Artifact(_) | Problem::ArtifactNotFound(_) | Problem::PathNotFound(_))) {
        known.revision = Some(artifact.revision.clone());
    }
    let desired = match built? {
        Set::Built(desired) => desired,
        Set::Awaited(waiting) => return Ok(Acted::Waiting(waiting)),
    };
    known.digest = Some(desired.digest().to_owned());
    // Health is looked at again with the interval; a restart takes the status at its word until then.
    let checks_health = is_due && memory.due.is_some();
    act(status, memory, context, artifact, &desired, checks_health).await
}

/// The status, the events, and when to come back.
async fn publish(
    status: &mut Status<'_>,
    memory: &mut Memory,
    context: &Context,
    outcome: Result<Acted, Problem>,
    is_due: bool,
    mut failed: Failed,
) -> Result<Next, Failure> {
    let runtime = &context.runtime;
    let (wall, now) = (runtime.clock.now(), runtime.clock.instant());
    let spec = status.object().spec.clone();
    match outcome {
        Ok(Acted::Applied(applied)) => {
            let events = report::events_of_success(status.object(), &applied, is_due);
            status.write(|object| report::applied(object, &applied, wall)).await?;
            events.into_iter().for_each(|event| runtime.events.send(event));
            (memory.attempt, memory.fetch) = (None, None);
            let due = match memory.due.filter(|due| !is_due && *due > now) {
                Some(due) => due,
                None => {
                    let percent = runtime.options.interval_jitter_percent;
                    now + runtime.random.jittered(spec.interval.get(), percent)
                }
            };
            memory.due = Some(due);
            let deadline = applied.again.map_or(due, |again| again.min(due));
            Ok(Next::When { objects: applied.held, deadline: Some(deadline) })
        }
        Ok(Acted::Waiting(waiting)) => {
            let says_so = context.options.progress_after.map(|after| waiting.started + after);
            let deadline = match says_so {
                Some(instant) if now < instant => instant.min(waiting.deadline),
                Some(_) => {
                    status.write(|object| report::waiting(object, &waiting, wall)).await?;
                    waiting.deadline
                }
                None => waiting.deadline,
            };
            Ok(Next::When { objects: waiting.objects, deadline: Some(deadline) })
        }
        Err(problem) => {
            let verdict = problem.verdict();
            let attempt = memory.attempt.take();
            match (verdict.retry, &problem) {
                (Retry::After(pause), _) => {
                    memory.knows_source = false;
                    return Ok(Next::At(now + pause));
                }
                (Retry::Backoff, Problem::Server(_)) => return Err(Failure::from(problem)),
                _ => {}
            }
            if let Some(attempt) = attempt {
                failed.left = attempt.left;
                failed.took = now - attempt.started;
            }
            if verdict.retry == Retry::AtInterval {
                tracing::info!(reason = verdict.reason, message = %problem, "reconciliation waits");
            } else {
                tracing::error!(reason = verdict.reason, error = %problem, "reconciliation failed");
            }
            let event = report::event_of_failure(status.object(), &problem, failed.revision.as_deref(), is_due);
            status.write(|object| report::failed(object, &problem, &failed, wall)).await?;
            event.into_iter().for_each(|event| runtime.events.send(event));
            // The retry asks the server again.
            memory.fetch = None;
            let delay = match verdict.retry {
                Retry::Never => None,
                Retry::AtInterval => Some(spec.interval.get()),
                Retry::AtRetryInterval | Retry::After(_) | Retry::Backoff => Some(spec.retry_interval().get()),
            };
            memory.due = delay.map(|delay| later(memory.due.filter(|due| !is_due && *due > now), now + delay));
            let objects = match problem {
                Problem::Health { objects, .. } => objects,
                _ => Default::default(),
            };
            Ok(Next::When { objects, deadline: memory.due })
        }
    }
}

/// A pass between two retries does not postpone the next one.
fn later(standing: Option<Instant>, fresh: Instant) -> Instant {
    standing.map_or(fresh, |standing| standing.min(fresh))
}

/// The finalizer stands before anything is written, so that nothing can be left behind.
async fn with_finalizer(object: Arc<Kustomization>, context: &Context) -> Result<Arc<Kustomization>, Failure> {
    if finalizer::is_present(&*object, finalizers::FLUX) {
        return Ok(object);
    }
    let api = context.api(object.metadata.namespace.as_deref().unwrap_or_default());
    let answer = Arc::new(finalizer::add(&api, &*object, finalizers::FLUX, managers::KUSTOMIZE_STATUS).await?);
    context.record(answer.clone());
    Ok(answer)
}

fn refuse_unsupported(object: &Kustomization) -> Result<(), Problem> {
    let spec = serde_json::to_value(&object.spec).expect("a spec that was read from JSON is written as JSON");
    let fields = unsupported::unsupported_fields(&spec, &unsupported::KUSTOMIZATION);
    if fields.is_empty() { Ok(()) } else { Err(Problem::Unsupported(unsupported::message(&fields))) }
}

/// Before anything is read: whatever changes from here on wakes this Kustomization again.
fn register_interest(object: &Kustomization, context: &Context) {
    let mut interest = dependencies_of(object);
    interest.insert(source_of(object));
    interest.insert(any_definition());
    context.runtime.graph.interested(&crate::context::id_of(object), interest);
}

/// A watch that lags behind, as it may after a restart, shows a source as it was before the last attempt, and what that
/// attempt added would be taken away again. So the source itself is asked, once, before another revision is attempted.
async fn confirm_source(
    object: &Kustomization,
    source: &ObjectId,
    artifact: &Artifact,
    memory: &mut Memory,
    context: &Context,
) -> Result<(), Problem> {
    if !memory.knows_source && attempted(object).is_some_and(|attempted| attempted != artifact.revision) {
        let live = context.read_repository(source).await?;
        if live.status.as_ref().and_then(|status| status.artifact.as_ref()) != Some(artifact) {
            return Err(Problem::Superseded);
        }
    }
    memory.knows_source = true;
    Ok(())
}

/// The set of this artifact and generation; built once.
async fn build_once(
    object: &Kustomization,
    memory: &mut Memory,
    context: &Context,
    artifact: &Artifact,
) -> Result<Set, Problem> {
    let from = (artifact.digest.clone(), object.metadata.generation.unwrap_or_default());
    if let Some(built) = memory.built.as_ref().filter(|built| built.from == from) {
        return Ok(Set::Built(built.desired.clone()));
    }
    memory.built = None;
    let files = match artifacts::files(&mut memory.fetch, object, artifact, context)? {
        Fetched::Files(files) => files,
        Fetched::Awaited(waiting) => return Ok(Set::Awaited(waiting)),
    };
    let desired = build::desired(object, &files, context).await?;
    memory.built = Some(Built { from, desired: desired.clone() });
    Ok(Set::Built(desired))
}

enum Set {
    Built(Arc<Desired>),
    /// The files that it is built from are awaited.
    Awaited(Waiting),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}
