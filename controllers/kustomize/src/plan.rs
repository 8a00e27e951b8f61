//! Decides; reads nothing.

use std::sync::Arc;

use thalweg_crds::conditions::{self, READY, RECONCILING, TRUE};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::reasons;
use thalweg_crds::source::Artifact;
use thalweg_dag::Dag;
use thalweg_manifest::ObjectId;
use thalweg_plan::Trust;

use crate::context::id_of;
use crate::observe::{Observed, dependencies_of, source_of};
use crate::problem::Problem;

/// The artifact to apply, once the source has one and all dependencies are ready.
///
/// What is applied already waits for nobody: a dependency that is busy does not undo it. It is looked at again when the
/// interval is over, as in Flux.
pub(crate) fn artifact<'a>(
    object: &Kustomization,
    observed: &'a Observed,
    no_cross_namespace_refs: bool,
    is_due: bool,
    everyone: impl FnOnce() -> Vec<Arc<Kustomization>>,
) -> Result<&'a Artifact, Problem> {
    let Observed { source, artifact, dependencies } = observed;
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    let name = format!("{}/{}/{}", source.kind, source.namespace, source.name);
    if no_cross_namespace_refs && source.namespace != own {
        return Err(Problem::AccessDenied(name));
    }
    let artifact = match artifact {
        None => return Err(Problem::SourceNotFound(name)),
        Some(None) => return Err(Problem::NoArtifact(name)),
        Some(Some(artifact)) => artifact,
    };
    let is_settled = !is_due && is_ready_at(object, &artifact.revision);
    for (id, dependency) in dependencies.iter().filter(|_| !is_settled) {
        if let Some(obstacle) = obstacle(object, id, dependency.as_deref(), artifact) {
            return Err(Problem::Dependency(cycle_through(object, everyone()).unwrap_or(obstacle)));
        }
    }
    Ok(artifact)
}

/// Why a dependency is not ready, in Flux's words.
fn obstacle(
    object: &Kustomization,
    id: &ObjectId,
    dependency: Option<&Kustomization>,
    artifact: &Artifact,
) -> Option<String> {
    let name = format!("{}/{}", id.namespace, id.name);
    let Some(dependency) = dependency else { return Some(format!("dependency '{name}' not found")) };
    let status = dependency.status.as_ref();
    let is_ready = status.is_some_and(|status| {
        status.observed_generation == dependency.metadata.generation && conditions::is(&status.conditions, READY, TRUE)
    });
    if !is_ready {
        return Some(format!("dependency '{name}' is not ready"));
    }
    let applied = status.and_then(|status| status.last_applied_revision.as_deref());
    if source_of(dependency) == source_of(object) && applied != Some(artifact.revision.as_str()) {
        return Some(format!("dependency '{name}' revision is not up to date"));
    }
    None
}

/// The circle of dependencies that `object` is a member of.
fn cycle_through(object: &Kustomization, everyone: Vec<Arc<Kustomization>>) -> Option<String> {
    let dag = Dag::from_iter(everyone.iter().map(|other| (id_of(other), dependencies_of(other))));
    let cycle = dag.cycle_through(&id_of(object))?;
    let names: Vec<String> = cycle.iter().map(|id| format!("{}/{}", id.namespace, id.name)).collect();
    Some(format!("dependency cycle: {}", names.join(" → ")))
}

/// Whether the status says that exactly the set with this digest was applied and nothing was attempted since.
pub(crate) fn trust(object: &Kustomization, digest: &str) -> Trust {
    let Some(status) = &object.status else { return Trust::Doubt };
    let is_settled = conditions::is(&status.conditions, READY, TRUE)
        && conditions::get(&status.conditions, RECONCILING).is_none()
        && status.observed_generation == object.metadata.generation
        && status.history.first().is_some_and(|last| {
            last.digest == digest && last.last_reconciled_status == reasons::kustomize::RECONCILIATION_SUCCEEDED
        });
    if is_settled { Trust::Settled } else { Trust::Doubt }
}

/// Whether the status says that this revision is applied and healthy.
pub(crate) fn is_ready_at(object: &Kustomization, revision: &str) -> bool {
    object.status.as_ref().is_some_and(|status| {
        conditions::is(&status.conditions, READY, TRUE)
            && status.observed_generation == object.metadata.generation
            && status.last_applied_revision.as_deref() == Some(revision)
    })
}
