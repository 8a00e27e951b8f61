//! Carries an attempt out: stage by stage, then the deletes, then the wait for health.
//!
//! The order is the safety: dry runs of a stage, the intent with the inventory it may make, the applies. A delete comes
//! after every stage has succeeded, and only by a warrant. What has to be awaited ends the pass; the next one plans
//! afresh and finds what is done already in sync.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thalweg_apply::{Applier, Deleted, Question};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::managers;
use thalweg_crds::source::Artifact;
use thalweg_manifest::stage::Stage;
use thalweg_manifest::{ObjectId, order};
use thalweg_plan::{
    Claims, Corrections, Desired, Entry, Fate, Inventory, Kept, Released, Seen, Sight, Trust, Verdict, Wanted, Warrant,
    gate, intent, judge, judge_drift,
};
use tokio::time::Instant;

use crate::artifacts::{self, Fetched};
use crate::context::Context;
use crate::health::{self, Standing};
use crate::memory::{Attempt, Memory};
use crate::observe;
use crate::plan;
use crate::problem::Problem;
use crate::report::{self, inventory_of};
use crate::status::Status;

/// How long the objects of an early stage may take to become ready. Flux has the same limit.
const STAGE_LIMIT: Duration = Duration::from_secs(60);

/// How often an object that changes all the time is judged again before its deletion is given up.
const JUDGEMENTS_MAX: u32 = 5;

/// The end of a pass that met no problem.
pub(crate) enum Acted {
    /// Everything is in place.
    Applied(Applied),
    /// Objects, or the files of the artifact, are awaited.
    Waiting(Waiting),
}

/// A set that is in place.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) revision: String,
    pub(crate) origin_revision: Option<String>,
    pub(crate) digest: String,
    /// What the set holds.
    pub(crate) inventory: Inventory,
    /// The inventory ids that leave.
    pub(crate) left: BTreeSet<String>,
    /// A line for each object that was changed.
    pub(crate) changes: Vec<String>,
    pub(crate) has_written: bool,
    /// How long the objects took to be healthy; `None` when their health is not asked for.
    pub(crate) healthy_after: Option<Duration>,
    pub(crate) took: Duration,
    /// When an object that was corrected a moment ago may be corrected again.
    pub(crate) again: Option<Instant>,
    /// Objects that another Kustomization is to take over, and that one: a change of them is looked at.
    pub(crate) held: BTreeSet<ObjectId>,
}

/// What a pass waits for.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) objects: BTreeSet<ObjectId>,
    pub(crate) deadline: Instant,
    /// For the Reconciling condition.
    pub(crate) message: String,
    pub(crate) is_for_health: bool,
    /// The inventory ids that leave already.
    pub(crate) left: BTreeSet<String>,
    pub(crate) revision: String,
    pub(crate) started: Instant,
}

/// Brings the cluster to `desired`, as far as it goes without waiting.
pub(crate) async fn act(
    status: &mut Status<'_>,
    memory: &mut Memory,
    context: &Context,
    artifact: &Artifact,
    desired: &Arc<Desired>,
    checks_health: bool,
) -> Result<Acted, Problem> {
    let applier = context.applier(status.object())?;
    let now = context.runtime.clock.instant();
    let was_ready = plan::is_ready_at(status.object(), &artifact.revision);
    let trust = plan::trust(status.object(), desired.digest());
    memory.attempt(attempt_key(status.object(), artifact, desired), now);
    memory.measures.retain(|object, _| desired.contains(object));
    let checks = &status.object().spec.health_checks;
    memory.health.retain(|object, _| desired.contains(object) || checks.iter().any(|check| check.name == object.name));
    memory.followed.retain(|object, _| checks.iter().any(|check| check.name == object.name));

    let mut pass = Pass { status, context, applier, artifact, desired, trust, again: None, held: BTreeSet::new() };
    for stage in Stage::ALL {
        if let Some(waiting) = pass.apply(stage, memory).await? {
            return Ok(Acted::Waiting(waiting));
        }
    }
    if let Some(waiting) = pass.prune(memory).await? {
        return Ok(Acted::Waiting(waiting));
    }
    let attempt = current(memory);
    let must_check = !was_ready || attempt.has_written || checks_health;
    let healthy_after = match must_check {
        true => match pass.await_health(memory).await? {
            Standing::Unchecked => None,
            Standing::Healthy { after } => Some(after),
            Standing::Waiting(waiting) => return Ok(Acted::Waiting(waiting)),
        },
        false => None,
    };
    let Pass { again, held, .. } = pass;
    let attempt = current(memory);
    Ok(Acted::Applied(Applied {
        revision: artifact.revision.clone(),
        origin_revision: report::origin_revision(artifact),
        digest: desired.digest().to_owned(),
        inventory: desired.inventory(),
        left: attempt.left.clone(),
        changes: attempt.changes.clone(),
        has_written: attempt.has_written,
        healthy_after,
        took: context.runtime.clock.instant() - attempt.started,
        again,
        held,
    }))
}

fn attempt_key(object: &Kustomization, artifact: &Artifact, desired: &Desired) -> (i64, String, String) {
    (object.metadata.generation.unwrap_or_default(), artifact.revision.clone(), desired.digest().to_owned())
}

pub(crate) fn current(memory: &mut Memory) -> &mut Attempt {
    memory.attempt.as_mut().expect("an attempt begins before anything is done for it")
}

/// What to ask about a stage.
#[derive(Default)]
struct Questions<'a> {
    questions: Vec<Question<'a>>,
    /// Those that were as asked for once, and are not any more.
    drifted: BTreeSet<ObjectId>,
}

/// One pass over one set.
pub(crate) struct Pass<'p, 's> {
    pub(crate) status: &'p mut Status<'s>,
    pub(crate) context: &'p Context,
    pub(crate) applier: Applier,
    pub(crate) artifact: &'p Artifact,
    pub(crate) desired: &'p Desired,
    trust: Trust,
    again: Option<Instant>,
    held: BTreeSet<ObjectId>,
}

impl Pass<'_, '_> {
    /// One stage: gate, intent, applies, and the wait for what the next stage needs.
    async fn apply(&mut self, stage: Stage, memory: &mut Memory) -> Result<Option<Waiting>, Problem> {
        let desired = self.desired;
        let wanted: Vec<&Wanted> = desired.stage(stage).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        let Questions { questions, drifted } = self.questions(&wanted, memory).await?;
        let answers = self.applier.ask(questions).await.map_err(|refusals| self.refused(refusals, memory))?;
        let gated = gate(answers, managers::KUSTOMIZE);
        for (wanted, measure) in &gated.in_sync {
            memory.measures.insert(wanted.id.clone(), measure.clone());
        }

        let entries = Inventory::new(wanted.iter().map(|wanted| Entry::new(&wanted.id, wanted.object.version())));
        let has_written = current(memory).has_written;
        if intent(&inventory_of(self.status.object()), &entries, &gated, has_written).is_some() {
            self.announce(&entries, memory).await?;
        }
        if gated.writes.is_empty() {
            return self.await_stage(stage, &wanted, memory).await;
        }
        current(memory).has_written = true;
        let elapsed = self.elapsed();
        let (applied, refusals) = self.applier.apply(&gated.writes).await;
        for applied in applied {
            let id = &applied.wanted.id;
            if let Some(verb) = applied.written.verb() {
                current(memory).changes.push(format!("{} {verb}", id.subject()));
            }
            if drifted.contains(id) {
                memory.corrections.record(id.clone(), elapsed);
            }
            match applied.measure {
                Some(measure) => memory.measures.insert(id.clone(), measure),
                None => memory.measures.remove(id),
            };
            if id.kind == "CustomResourceDefinition" {
                self.context.cluster.mapping().invalidate();
            }
            health::remember(memory, id, &applied.answer, self.context.runtime.clock.now());
        }
        if let Some(refusals) = refusals {
            return Err(self.refused(refusals, memory));
        }
        self.await_stage(stage, &wanted, memory).await
    }

    /// What to ask about the objects of a stage that are not known to be in sync.
    async fn questions<'a>(&mut self, wanted: &[&'a Wanted], memory: &mut Memory) -> Result<Questions<'a>, Problem> {
        let mut asked = Questions::default();
        let mut synced = BTreeSet::new();
        for wanted in wanted {
            let resource =
                self.applier.resource(wanted).await.map_err(|refusal| self.refused(refusal.into(), memory))?;
            if synced.insert((resource.api.group.clone(), resource.api.kind.clone())) {
                self.context.watches.ensure(&resource);
                self.context.watches.synced(&resource).await.map_err(Problem::Server)?;
            }
            let seen = self.context.watches.get(&wanted.id);
            let measure = memory.measures.get(&wanted.id);
            let is_drift = measure.is_some_and(|measure| measure.desired == wanted.digest);
            let reads_live = match judge_drift(wanted, measure, seen.as_deref(), self.trust) {
                Verdict::InSync | Verdict::Skip => continue,
                Verdict::Believed(measure) => {
                    memory.measures.insert(wanted.id.clone(), measure);
                    continue;
                }
                Verdict::Apply => false,
                Verdict::Compare => true,
            };
            if is_drift && self.is_too_soon(&memory.corrections, &wanted.id) {
                continue;
            }
            if is_drift {
                asked.drifted.insert(wanted.id.clone());
            }
            asked.questions.push(Question { wanted, reads_live });
        }
        Ok(asked)
    }

    fn is_too_soon(&mut self, corrections: &Corrections, object: &ObjectId) -> bool {
        let elapsed = self.elapsed();
        let Some(allowed) = corrections.not_before(object, elapsed) else { return false };
        let instant = self.context.runtime.clock.instant() + allowed.saturating_sub(elapsed);
        self.again = Some(self.again.map_or(instant, |again| again.min(instant)));
        true
    }

    fn elapsed(&self) -> Duration {
        self.context.runtime.clock.instant() - self.context.started
    }

    /// Records the inventory that the next writes may make, before they are made.
    async fn announce(&mut self, entries: &Inventory, memory: &mut Memory) -> Result<(), Problem> {
        let (revision, timeout) = (&self.artifact.revision, self.status.object().spec.timeout());
        let now = self.context.runtime.clock.now();
        self.status.announce(|object| report::intent(object, entries, revision, timeout, now)).await?;
        current(memory).is_announced = true;
        Ok(())
    }

    fn refused(&self, refusals: thalweg_apply::Refusals, memory: &mut Memory) -> Problem {
        Problem::Apply { refusals, changes: current(memory).changes.clone() }
    }

    /// Waits for the objects of a stage that later stages need; `None` when they are ready.
    async fn await_stage(
        &mut self,
        stage: Stage,
        wanted: &[&Wanted],
        memory: &mut Memory,
    ) -> Result<Option<Waiting>, Problem> {
        // What the status calls ready, and nobody has touched since, was awaited once already.
        let was_awaited =
            !current(memory).has_written && plan::is_ready_at(self.status.object(), &self.artifact.revision);
        if !stage.is_awaited() || was_awaited {
            return Ok(None);
        }
        let objects: Vec<health::Subject> = wanted.iter().map(|wanted| health::Subject::of(wanted)).collect();
        let unready = health::unready(self, &objects, memory).await?;
        if unready.is_empty() {
            current(memory).stage_since = None;
            return Ok(None);
        }
        let now = self.context.runtime.clock.instant();
        let since = *current(memory).stage_since.get_or_insert(now);
        let list = health::list(&unready);
        if unready.iter().any(|(_, assessment)| assessment.health == thalweg_health::Health::Failed)
            || now >= since + STAGE_LIMIT
        {
            current(memory).stage_since = None;
            return Err(Problem::Stage(format!("timeout waiting for: [{list}]")));
        }
        let message = format!("Waiting for objects that others need: [{list}]");
        Ok(Some(self.waiting(unready.into_keys().collect(), since + STAGE_LIMIT, message, false, memory)))
    }

    pub(crate) fn waiting(
        &self,
        objects: BTreeSet<ObjectId>,
        deadline: Instant,
        message: String,
        is_for_health: bool,
        memory: &mut Memory,
    ) -> Waiting {
        let attempt = current(memory);
        Waiting {
            objects,
            deadline,
            message,
            is_for_health,
            left: attempt.left.clone(),
            revision: self.artifact.revision.clone(),
            started: attempt.started,
        }
    }

    /// Deletes what is in the inventory and no longer wanted; first waits for the files that others build their sets from,
    /// should they have left the memory.
    async fn prune(&mut self, memory: &mut Memory) -> Result<Option<Waiting>, Problem> {
        let object = self.status.object().clone();
        let stale = inventory_of(&object).minus(&self.desired.inventory());
        let stale: Vec<Entry> =
            stale.entries().iter().filter(|entry| !current(memory).left.contains(&entry.id)).cloned().collect();
        if stale.is_empty() {
            return Ok(None);
        }
        let siblings = observe::siblings(&object, self.context);
        let files = match siblings.is_empty() {
            true => None,
            false => match artifacts::files(&mut memory.fetch, &object, self.artifact, self.context)? {
                Fetched::Files(files) => Some(files),
                Fetched::Awaited(waiting) => {
                    return Ok(Some(Waiting { left: current(memory).left.clone(), ..waiting }));
                }
            },
        };
        let claims = observe::claims(siblings, files.as_deref(), self.context).await;
        let applier = self.applier.clone();
        let reaper =
            Reaper { context: self.context, applier: &applier, object: &object, claims, prunes: object.spec.prune };
        let judged = reaper.judge_all(&stale).await.map_err(|refusal| Problem::Prune(refusal.to_string()))?;
        let is_first = !current(memory).has_written && judged.iter().any(|(_, fate)| matches!(fate, Fate::Delete(_)));
        if is_first {
            self.announce(&self.desired.inventory(), memory).await?;
            current(memory).has_written = true;
        }
        let mut errors = Vec::new();
        for (entry, fate) in judged {
            match reaper.carry_out(&entry, fate).await {
                Ok(End::Left { line }) => {
                    let attempt = current(memory);
                    attempt.left.insert(entry.id);
                    attempt.changes.extend(line);
                }
                Ok(End::Held { by }) => {
                    self.held.extend(entry.object());
                    self.held.extend(by);
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(None) } else { Err(Problem::Prune(errors.join("; "))) }
    }
}

/// Judges entries and carries out what is judged.
pub(crate) struct Reaper<'a> {
    pub(crate) context: &'a Context,
    pub(crate) applier: &'a Applier,
    pub(crate) object: &'a Kustomization,
    pub(crate) claims: Claims,
    pub(crate) prunes: bool,
}

/// What became of an entry.
pub(crate) enum End {
    /// It leaves the inventory; the line tells of a deletion.
    Left { line: Option<String> },
    /// It stays, for the sake of another Kustomization.
    Held { by: Option<ObjectId> },
}

impl Reaper<'_> {
    /// The fate of each entry, in the order of deletion.
    pub(crate) async fn judge_all(&self, entries: &[Entry]) -> Result<Vec<(Entry, Fate)>, thalweg_apply::Refusal> {
        let mut judged = Vec::with_capacity(entries.len());
        for entry in entries {
            judged.push((entry.clone(), self.judge(entry).await?));
        }
        judged.sort_by(|(left, _), (right, _)| match (left.object(), right.object()) {
            (Some(left), Some(right)) => order::compare(&right, &left),
            (left, right) => right.cmp(&left),
        });
        Ok(judged)
    }

    async fn judge(&self, entry: &Entry) -> Result<Fate, thalweg_apply::Refusal> {
        let watched = self.watched(entry).await;
        match self.judged(entry, watched.as_deref().map_or(Sight::Hidden, Sight::Watched)) {
            Fate::Read => self.judge_live(entry).await,
            fate => Ok(fate),
        }
    }

    async fn watched(&self, entry: &Entry) -> Option<Arc<Seen>> {
        let id = entry.object()?;
        let resource = self.applier.resource_of(&id, &entry.version).await.ok()??;
        self.context.watches.ensure(&resource);
        self.context.watches.synced(&resource).await.ok()?;
        self.context.watches.get(&id)
    }

    async fn judge_live(&self, entry: &Entry) -> Result<Fate, thalweg_apply::Refusal> {
        let Some(id) = entry.object() else { return Ok(Fate::Keep(Kept::Unreadable)) };
        let seen = self.applier.look(&id, &entry.version).await?;
        Ok(self.judged(entry, Sight::Live(seen.as_ref())))
    }

    fn judged(&self, entry: &Entry, sight: Sight<'_>) -> Fate {
        judge(&observe::owner_of(self.object), entry, self.prunes, sight, &self.claims)
    }

    /// Acts on a fate. An object that changed since it was judged is judged again, a few times at most.
    pub(crate) async fn carry_out(&self, entry: &Entry, mut fate: Fate) -> Result<End, String> {
        for _ in 0..JUDGEMENTS_MAX {
            let warrant: Warrant = match fate {
                Fate::Leave(
                    Released::Gone
                    | Released::HandedOver(_)
                    | Released::NotOurs
                    | Released::Protected
                    | Released::PruneIsOff,
                ) => {
                    return Ok(End::Left { line: None });
                }
                Fate::Keep(Kept::ClaimedBy(owner)) => {
                    use thalweg_crds::kustomize::{GROUP, KUSTOMIZATION};
                    return Ok(End::Held {
                        by: Some(ObjectId::new(GROUP, KUSTOMIZATION, owner.namespace, owner.name)),
                    });
                }
                Fate::Keep(Kept::Unreadable) => return Ok(End::Held { by: None }),
                Fate::Read => {
                    fate = self.judge_live(entry).await.map_err(|refusal| refusal.to_string())?;
                    continue;
                }
                Fate::Delete(warrant) => warrant,
            };
            let subject = warrant.id().subject();
            match self.applier.delete(&warrant).await.map_err(|refusal| refusal.to_string())? {
                Deleted::Accepted => {
                    tracing::info!(object = %subject, uid = warrant.uid(), owner = %warrant.owner(), "object deleted");
                    return Ok(End::Left { line: Some(format!("{subject} deleted")) });
                }
                Deleted::Gone => return Ok(End::Left { line: None }),
                Deleted::Changed => fate = self.judge_live(entry).await.map_err(|refusal| refusal.to_string())?,
            }
        }
        Err(format!("{} delete failed: the object kept changing while it was being judged", entry.id))
    }
}
