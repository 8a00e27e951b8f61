//! The end of a Kustomization: its objects go, or stay, as its deletion policy says; then the finalizer.

use std::collections::BTreeSet;
use std::sync::Arc;

use thalweg_controller_runtime::{Event, EventKind, Failure, Next, finalizer};
use thalweg_crds::kustomize::{DeletionPolicy, Kustomization};
use thalweg_crds::{finalizers, managers, reasons};
use thalweg_manifest::ObjectId;
use thalweg_plan::{Claims, Entry};

use crate::act::{End, Reaper};
use crate::artifacts::{self, Fetched};
use crate::context::{Context, id_of};
use crate::memory::Memory;
use crate::observe;
use crate::report::inventory_of;

/// Makes one pass over a Kustomization that is being deleted.
///
/// The finalizer goes when every entry of the inventory is deleted, gone, handed over or released; an error, or an object
/// that another Kustomization has yet to take over, keeps it.
pub(crate) async fn finalize(
    object: Arc<Kustomization>,
    memory: &mut Memory,
    context: &Context,
) -> Result<Next, Failure> {
    let has_been_released = memory.released.is_some() && memory.released == object.metadata.uid;
    if has_been_released || !finalizer::is_present(&*object, finalizers::FLUX) {
        return Ok(Next::Done);
    }
    if deletes(&object) {
        let siblings = observe::siblings(&object, context);
        let files = match files_for(&object, &siblings, memory, context) {
            Some(Fetched::Files(files)) => Some(files),
            Some(Fetched::Awaited(waiting)) => {
                return Ok(Next::When { objects: waiting.objects, deadline: Some(waiting.deadline) });
            }
            None => None,
        };
        let claims = observe::claims(siblings, files.as_deref(), context).await;
        match delete_all(&object, claims, context).await {
            Ok(held) if held.is_empty() => {}
            Ok(held) => return Ok(Next::When { objects: held, deadline: None }),
            Err(errors) => {
                let message = format!("delete failed, errors: {}", errors.join("; "));
                let reason = reasons::kustomize::PRUNE_FAILED;
                context.runtime.events.send(Event::about(
                    &*object,
                    EventKind::Warning,
                    "Finalize",
                    reason,
                    message.clone(),
                ));
                return Err(Failure::message(message));
            }
        }
        if let Some(next) = await_termination(&object, memory, context).await? {
            return Ok(next);
        }
    }
    let api = context.api(object.metadata.namespace.as_deref().unwrap_or_default());
    if let Some(answer) = finalizer::remove(&api, &*object, finalizers::FLUX, managers::KUSTOMIZE_STATUS).await? {
        context.record(Arc::new(answer));
    }
    memory.released = object.metadata.uid.clone();
    Ok(Next::Done)
}

fn deletes(object: &Kustomization) -> bool {
    let asked = match object.spec.deletion_policy() {
        DeletionPolicy::MirrorPrune => object.spec.prune,
        DeletionPolicy::Delete | DeletionPolicy::WaitForTermination => true,
        DeletionPolicy::Orphan => false,
    };
    asked && !object.spec.suspend
}

/// The files from which `siblings` build what they want; `None` when nobody needs them, and when they cannot be had: then the
/// siblings' inventories say what they want, and the deletion goes on.
fn files_for(
    object: &Kustomization,
    siblings: &[Arc<Kustomization>],
    memory: &mut Memory,
    context: &Context,
) -> Option<Fetched> {
    let source = context.repositories.get(&observe::source_of(object))?;
    let artifact = source.status.as_ref()?.artifact.as_ref()?;
    if siblings.is_empty() {
        return None;
    }
    artifacts::files_if_any(&mut memory.fetch, object, artifact, context)
}

/// Deletes every object of the inventory; answers what is held for others.
async fn delete_all(
    object: &Kustomization,
    claims: Claims,
    context: &Context,
) -> Result<BTreeSet<ObjectId>, Vec<String>> {
    let one = |error: String| vec![error];
    let applier = context.applier(object).map_err(|problem| one(problem.to_string()))?;
    let reaper = Reaper { context, applier: &applier, object, claims, prunes: true };
    let entries: Vec<Entry> = inventory_of(object).entries().to_vec();
    let judged = reaper.judge_all(&entries).await.map_err(|refusal| one(refusal.to_string()))?;
    let (mut held, mut errors, mut lines) = (BTreeSet::new(), Vec::new(), Vec::new());
    for (entry, fate) in judged {
        match reaper.carry_out(&entry, fate).await {
            Ok(End::Left { line }) => lines.extend(line),
            Ok(End::Held { by }) => {
                held.extend(by.is_some().then(|| entry.object()).flatten());
                held.extend(by);
            }
            Err(error) => errors.push(error),
        }
    }
    if !lines.is_empty() {
        let reason = reasons::kustomize::RECONCILIATION_SUCCEEDED;
        context.runtime.events.send(Event::about(object, EventKind::Normal, "Finalize", reason, lines.join("\n")));
    }
    if errors.is_empty() { Ok(held) } else { Err(errors) }
}

/// With the policy `WaitForTermination`: the pass to come while objects are still there, up to the timeout.
async fn await_termination(
    object: &Kustomization,
    memory: &mut Memory,
    context: &Context,
) -> Result<Option<Next>, Failure> {
    if object.spec.deletion_policy() != DeletionPolicy::WaitForTermination {
        return Ok(None);
    }
    let now = context.runtime.clock.instant();
    let since = *memory.terminating_since.get_or_insert(now);
    let objects = inventory_of(object).entries().iter().filter_map(Entry::object).collect::<Vec<_>>();
    let owner = observe::owner_of(object);
    let remaining: BTreeSet<ObjectId> = objects
        .into_iter()
        .filter(|id| {
            let seen = context.watches.get(id);
            seen.is_some_and(|seen| {
                seen.deleting && thalweg_plan::Owner::named_by(&seen.labels).as_ref() == Some(&owner)
            })
        })
        .collect();
    let deadline = since + object.spec.timeout().get();
    if remaining.is_empty() {
        return Ok(None);
    }
    if now < deadline {
        return Ok(Some(Next::When { objects: remaining, deadline: Some(deadline) }));
    }
    let names: Vec<String> = remaining.iter().map(ObjectId::subject).collect();
    let message = format!("failed to wait for resources termination: {}", names.join(", "));
    let reason = reasons::kustomize::PRUNE_FAILED;
    context.runtime.events.send(Event::about(object, EventKind::Warning, "WaitForTermination", reason, message));
    tracing::warn!(object = %id_of(object).subject(), "the objects' termination was awaited in vain");
    Ok(None)
}
