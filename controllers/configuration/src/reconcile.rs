//! One pass over a FluxConfiguration: the whole story on one screen.

use std::sync::Arc;

use kube::{Api, ResourceExt as _};
use thalweg_controller_runtime::{Failure, Next, Reconcile, Trigger, finalizer, patch_status};
use thalweg_crds::configuration::FluxConfiguration;
use thalweg_crds::kustomize::KUSTOMIZATION;
use thalweg_crds::{finalizers, managers};
use thalweg_kubernetes::{Error, Refusal as _};
use thalweg_manifest::ObjectId;

use crate::act::act;
use crate::context::{Context, Memory};
use crate::desired::{desired, kustomization_id, refuse_unsupported, source_id};
use crate::observe::{Observed, register_interest, settings};
use crate::plan::{plan, plan_deletion};
use crate::problem::{Problem, Retry};
use crate::report::{self, Made, Outcome};

/// Reconciles FluxConfigurations.
pub(crate) struct FluxConfigurations(pub(crate) Arc<Context>);

impl Reconcile for FluxConfigurations {
    async fn reconcile(&self, id: &ObjectId, _: &Trigger) -> Result<Next, Failure> {
        let context = &*self.0;
        let Some(object) = context.configurations.get(id) else {
            context.forget(id);
            return Ok(Next::Gone);
        };
        let memory = context.memory(id);
        let mut memory = memory.lock().await;
        register_interest(id, &object, context);
        if object.metadata.deletion_timestamp.is_some() {
            return finalize(&object, &mut memory, context).await;
        }
        let (object, outcome) = attempt(object, &mut memory, context).await;
        match &outcome {
            Ok(()) => publish(&object, &Outcome::Made, context).await,
            Err(problem) => fail(&object, problem, context).await,
        }
    }
}

/// Makes what there is equal to what is asked for. Answers the FluxConfiguration as it is afterwards, too.
async fn attempt(
    object: Arc<FluxConfiguration>,
    memory: &mut Memory,
    context: &Context,
) -> (Arc<FluxConfiguration>, Result<(), Problem>) {
    let planned = async {
        refuse_unsupported(&object)?;
        let settings = settings(&object, memory, context).await?;
        let observed = Observed::of(&object, memory, context);
        plan(desired(&object, &settings)?, &observed)
    };
    let plan = match planned.await {
        Ok(plan) => plan,
        Err(problem) => return (object, Err(problem)),
    };
    match with_finalizer(&object, context).await {
        Ok(object) => {
            let acted = act(plan, &object, memory, context).await;
            (object, acted)
        }
        Err(problem) => (object, Err(problem)),
    }
}

/// Nothing is made before the FluxConfiguration waits, at its end, for what it made.
async fn with_finalizer(object: &Arc<FluxConfiguration>, context: &Context) -> Result<Arc<FluxConfiguration>, Problem> {
    if finalizer::is_present(&**object, finalizers::CONFIGURATION) {
        return Ok(object.clone());
    }
    let api = api(object, context);
    let added = finalizer::add(&api, object, finalizers::CONFIGURATION, managers::CONFIGURATION).await;
    let added = added.map_err(|error| Problem::Server(Error::of("patch", subject(object), error)))?;
    let added = Arc::new(added);
    context.configurations.record(added.clone());
    Ok(added)
}

async fn fail(object: &FluxConfiguration, problem: &Problem, context: &Context) -> Result<Next, Failure> {
    let verdict = problem.verdict();
    if verdict.retry == Retry::Backoff {
        return Err(Failure::message(thalweg_controller_runtime::chain(problem)));
    }
    tracing::error!(reason = verdict.reason, error = %problem, "the FluxConfiguration cannot be carried out");
    let next = publish(object, &Outcome::Failed(problem), context).await?;
    match (verdict.retry, next) {
        (Retry::AtInterval, Next::Done) => Ok(context.runtime.after(context.options.retry_interval)),
        (_, next) => Ok(next),
    }
}

/// Writes the status, if it says anything new, and then the event.
async fn publish(object: &FluxConfiguration, outcome: &Outcome<'_>, context: &Context) -> Result<Next, Failure> {
    let status = report::status(object, &made(object, context), outcome, context.runtime.clock.now());
    let api = api(object, context);
    match patch_status(&api, object, &status, managers::CONFIGURATION).await {
        Ok(written) => {
            context.configurations.record(Arc::new(written));
            report::event(object, &status).into_iter().for_each(|event| context.runtime.events.send(event));
            Ok(Next::Done)
        }
        // Somebody wrote in between: look at that first.
        Err(error) if error.is_conflict() => {
            if let Some(live) = api.get_opt(&object.name_any()).await? {
                context.configurations.record(Arc::new(live));
            }
            Ok(Next::At(context.runtime.clock.instant()))
        }
        Err(error) if error.is_not_found() => Ok(Next::Done),
        Err(error) => Err(error.into()),
    }
}

/// Deletes what it made, and lets it go when all of that is gone.
async fn finalize(object: &FluxConfiguration, memory: &mut Memory, context: &Context) -> Result<Next, Failure> {
    if !finalizer::is_present(object, finalizers::CONFIGURATION) {
        return Ok(Next::Done);
    }
    let plan = plan_deletion(&Observed::of(object, memory, context));
    if plan.waits_for.is_empty() {
        let api = api(object, context);
        finalizer::remove(&api, object, finalizers::CONFIGURATION, managers::CONFIGURATION).await?;
        return Ok(Next::Done);
    }
    let waits_for = plan.waits_for.clone();
    match act(plan, object, memory, context).await {
        Ok(()) => publish(object, &Outcome::Deleting(&waits_for), context).await,
        Err(problem) => fail(object, &problem, context).await,
    }
}

/// What is there by now of what is asked for, and of what is not asked for any more.
fn made(object: &FluxConfiguration, context: &Context) -> Made {
    let uid = object.uid().unwrap_or_default();
    let asked_for = object.spec.kustomizations.keys().map(|key| kustomization_id(object, key));
    let there = context.children.of(&uid).into_keys().filter(|id| id.kind == KUSTOMIZATION);
    // An object of the name that is not ours is not in the stores.
    let kustomizations = asked_for.chain(there).map(|id| {
        let kustomization = context.children.kustomization(&id);
        (id, kustomization)
    });
    let source_id = source_id(object);
    Made { source: context.children.repository(&source_id), source_id, kustomizations: kustomizations.collect() }
}

fn api(object: &FluxConfiguration, context: &Context) -> Api<FluxConfiguration> {
    Api::namespaced(context.runtime.cluster.client().clone(), &object.namespace().unwrap_or_default())
}

fn subject(object: &FluxConfiguration) -> String {
    format!("FluxConfiguration/{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}
