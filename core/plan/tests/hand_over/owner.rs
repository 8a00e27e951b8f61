//! An owner's attempt, one request a step, in the order of the kustomize controller.

use thalweg_plan::Fate;

use crate::check::Violation;
use crate::cluster::{Applied, Cluster, Deleted, Live, is_live};
use crate::decisions::{Decisions, Gated, StageKey, Weakness};
use crate::explore::{Label, Replacement, State};
use crate::world::{B, NAMES, Objects};

/// How often an object that changes all the time is judged again. The controller has the same limit.
const JUDGEMENTS_MAX: u8 = 5;

/// How far an attempt has come; the number is that of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// No attempt is under way.
    #[default]
    Rest,
    /// Before the dry runs of a stage.
    Gate(u8),
    /// Before the PATCH that records what a stage may make.
    Intent(u8),
    /// Between the applies of a stage.
    Apply(u8),
    /// Before the judgement of what is no longer wanted.
    Judge,
    /// Before the PATCH of an attempt that only deletes.
    IntentToDelete,
    /// Between the deletes.
    Delete,
    /// A delete was refused because the object had changed.
    JudgeAgain,
    /// Before the PATCH that ends the attempt.
    Final,
}

/// What an owner's process knows: a crash loses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Mind {
    pub(crate) at: At,
    /// It is to make an attempt, after the one under way.
    pub(crate) awake: bool,
    /// What the artifact that the attempt is about asks of this owner.
    pub(crate) wanted: Objects,
    /// What it asks of the other one, of that which this one has in its inventory and does not want.
    pub(crate) claimed: Objects,
    pub(crate) has_written: bool,
    /// What the next PATCH records.
    pub(crate) record: Objects,
    /// What is still to be applied, or deleted.
    pub(crate) pending: Objects,
    /// What is to be deleted, as it was when it was judged.
    pub(crate) judged: [Option<Live>; 3],
    pub(crate) judgements: u8,
    /// Entries that leave.
    pub(crate) left: Objects,
    /// Entries that stay for the sake of the other owner; a change of them, or of its status, wakes this one.
    pub(crate) held: Objects,
}

impl Mind {
    /// A process that has just begun.
    pub(crate) fn started() -> Self {
        Self { awake: true, ..Self::default() }
    }

    fn rest(&mut self) {
        *self = Self { awake: self.awake, held: self.held, ..Self::default() };
    }
}

/// The steps that `owner` can make now; of applies of one stage, any may come next.
pub(crate) fn steps(
    state: &State,
    owner: usize,
    decisions: &mut Decisions<'_>,
    steps: &mut Vec<(Label, State)>,
) -> Result<(), Violation> {
    let mind = state.minds[owner];
    let label = Label::Step { owner, at: mind.at, object: None };
    match mind.at {
        At::Rest if !mind.awake => {}
        At::Rest => {
            let mut step = Step { next: *state, owner, decisions };
            step.begin();
            steps.push((label, step.next));
        }
        At::Apply(stage) => {
            for object in mind.pending.iter() {
                let mut step = Step { next: *state, owner, decisions };
                step.apply(stage, object)?;
                steps.push((Label::Step { owner, at: mind.at, object: Some(object) }, step.next));
            }
        }
        _ => {
            let mut step = Step { next: *state, owner, decisions };
            step.take()?;
            steps.push((label, step.next));
        }
    }
    Ok(())
}

/// One step in the making.
struct Step<'a, 'w> {
    next: State,
    owner: usize,
    decisions: &'a mut Decisions<'w>,
}

impl Step<'_, '_> {
    fn mind(&mut self) -> &mut Mind {
        &mut self.next.minds[self.owner]
    }

    fn recorded(&self) -> Objects {
        self.next.cluster.inventories[self.owner]
    }

    /// Takes note of the artifact as it is now.
    fn begin(&mut self) {
        let mut artifact = self.next.artifact;
        if self.owner == 0 && self.decisions.lacks(Weakness::MissesMoves) {
            artifact.moves = 0;
        }
        let [wanted, others] = [self.owner, 1 - self.owner].map(|owner| artifact.asks_of(owner));
        let recorded = self.recorded();
        let claimed = self.decisions.stale(self.owner, wanted, recorded).and(others);
        *self.mind() = Mind { wanted, claimed, ..Mind::default() };
        self.begin_stage(0);
    }

    fn take(&mut self) -> Result<(), Violation> {
        match self.mind().at {
            At::Gate(stage) => self.gate(stage),
            At::Intent(stage) => {
                self.patch();
                self.begin_writes(stage);
            }
            At::Judge => self.judge(),
            At::IntentToDelete => {
                self.patch();
                self.mind().has_written = true;
                self.mind().at = At::Delete;
            }
            At::Delete => return self.delete(),
            At::JudgeAgain => return self.judge_again(),
            At::Final => {
                self.patch();
                self.mind().rest();
            }
            At::Rest | At::Apply(_) => unreachable!("these steps are made elsewhere"),
        }
        Ok(())
    }

    /// The next stage that holds anything, from `stage` on; after the last, what is no longer wanted.
    fn begin_stage(&mut self, stage: u8) {
        let stages = &self.decisions.world.stages[usize::from(stage)..];
        let wanted = self.mind().wanted;
        let next = (stage..).zip(stages).find(|(_, objects)| !objects.and(wanted).is_empty());
        self.mind().at = match next {
            Some((stage, _)) => At::Gate(stage),
            None if self.stale().is_empty() => return self.end(),
            None => At::Judge,
        };
    }

    fn stale(&mut self) -> Objects {
        let recorded = self.recorded();
        let Mind { wanted, left, .. } = *self.mind();
        self.decisions.stale(self.owner, wanted, recorded).minus(left)
    }

    fn gate(&mut self, stage: u8) {
        let (owner, Mind { wanted, has_written, .. }) = (self.owner, *self.mind());
        let objects = self.decisions.world.stages[usize::from(stage)].and(wanted);
        let key = StageKey { owner, stage: objects, recorded: self.recorded(), has_written };
        let Gated { writes, intent } = self.decisions.gate(key, &self.next.cluster.objects);
        self.mind().pending = writes;
        match intent {
            Some(record) => (self.mind().record, self.mind().at) = (record, At::Intent(stage)),
            None => self.begin_writes(stage),
        }
    }

    fn begin_writes(&mut self, stage: u8) {
        if self.mind().pending.is_empty() {
            return self.begin_stage(stage + 1);
        }
        self.mind().has_written = true;
        self.mind().at = At::Apply(stage);
    }

    fn apply(&mut self, stage: u8, object: usize) -> Result<(), Violation> {
        let (owner, before) = (self.owner, self.next.cluster);
        self.mind().pending.remove(object);
        let was_taken = object == B && self.next.replacement != Replacement::None;
        match self.next.cluster.apply(object, owner) {
            Applied::MadeAnew if !was_taken => return Err(Violation::of(object, "did not keep its uid")),
            Applied::Made | Applied::MadeAnew | Applied::Changed => self.next.tell(object, &before, self.decisions),
            Applied::Nothing => {}
        }
        if self.mind().pending.is_empty() {
            self.begin_stage(stage + 1);
        }
        Ok(())
    }

    fn judge(&mut self) {
        self.stale().iter().for_each(|object| self.judge_one(object));
        let (owner, mind, recorded) = (self.owner, *self.mind(), self.recorded());
        if mind.pending.is_empty() {
            return self.end();
        }
        let forgets = self.decisions.lacks(Weakness::ForgetsBeforeDeleting);
        if mind.has_written && !forgets {
            self.mind().at = At::Delete;
            return;
        }
        let record = self.decisions.before_deletes(owner, mind.wanted, recorded);
        self.decisions.met.insert("recorded before a delete");
        self.mind().record = if forgets { record.minus(mind.pending) } else { record };
        self.mind().at = At::IntentToDelete;
    }

    fn judge_one(&mut self, object: usize) {
        let (owner, live, claimed) = (self.owner, self.next.cluster.objects[object], self.mind().claimed);
        let fate = self.decisions.judge(owner, claimed, object, live);
        let forgets = self.decisions.lacks(Weakness::ForgetsWhatItHolds);
        let mind = self.mind();
        mind.pending.remove(object);
        mind.judged[object] = None;
        match fate {
            Fate::Delete(_) => {
                mind.pending.insert(object);
                mind.judged[object] = live;
            }
            Fate::Leave(_) => mind.left.insert(object),
            Fate::Keep(_) if forgets => mind.left.insert(object),
            Fate::Keep(_) => mind.held.insert(object),
            Fate::Read => unreachable!("the sight is live"),
        }
    }

    fn delete(&mut self) -> Result<(), Violation> {
        let (owner, mind, before) = (self.owner, *self.mind(), self.next.cluster);
        let object = self.first();
        let Fate::Delete(warrant) = self.decisions.judge(owner, mind.claimed, object, mind.judged[object]) else {
            unreachable!("only what is to be deleted is pending")
        };
        let has_preconditions = !self.decisions.lacks(Weakness::DeletesWithoutPreconditions);
        match self.next.cluster.delete(object, &warrant, has_preconditions) {
            Deleted::Changed => {
                self.mind().at = At::JudgeAgain;
                return Ok(());
            }
            Deleted::Gone => {
                self.decisions.met.insert("found gone when deleting");
            }
            Deleted::Accepted(live) => {
                if !is_live(object, live, &warrant) {
                    return Err(Violation::of(object, "was deleted without a live warrant"));
                }
                if live.owner != Some(owner as u8) {
                    return Err(Violation::of(object, "was deleted although it is somebody else's"));
                }
                if self.is_wanted(object) {
                    return Err(Violation::of(object, "was deleted although it is wanted"));
                }
                self.next.tell(object, &before, self.decisions);
            }
        }
        let mind = self.mind();
        (mind.judged[object], mind.judgements) = (None, 0);
        mind.pending.remove(object);
        mind.left.insert(object);
        self.go_on_deleting();
        Ok(())
    }

    /// Whether an object is wanted by the artifact of this attempt, or of the other owner by that of its own.
    fn is_wanted(&self, object: usize) -> bool {
        let (own, other) = (self.next.minds[self.owner], self.next.minds[1 - self.owner]);
        [own.wanted, own.claimed, other.wanted].iter().any(|objects| objects.contains(object))
    }

    fn judge_again(&mut self) -> Result<(), Violation> {
        let object = self.first();
        self.decisions.met.insert("judged again");
        self.mind().judgements += 1;
        if self.mind().judgements >= JUDGEMENTS_MAX {
            return Err(Violation::of(object, "kept changing while it was judged"));
        }
        self.judge_one(object);
        if !self.mind().pending.contains(object) {
            self.mind().judgements = 0;
        }
        self.go_on_deleting();
        Ok(())
    }

    fn first(&mut self) -> usize {
        let pending = self.mind().pending;
        self.decisions.world.first_to_delete(pending).expect("something is pending")
    }

    fn go_on_deleting(&mut self) {
        if self.mind().pending.is_empty() { self.end() } else { self.mind().at = At::Delete }
    }

    /// All is done but the status; one that says nothing new is not sent.
    fn end(&mut self) {
        let (owner, recorded) = (self.owner, self.recorded());
        let Mind { awake, wanted, left, held, has_written, .. } = *self.mind();
        let record = self.decisions.last(owner, wanted, recorded, left);
        let at = if record == recorded && !has_written { At::Rest } else { At::Final };
        *self.mind() = Mind { at, awake, held, record, ..Mind::default() };
        if at == At::Rest {
            self.mind().rest();
        }
    }

    /// Writes the status. Whoever waits for this owner to take something over looks again.
    fn patch(&mut self) {
        let record = std::mem::take(&mut self.mind().record);
        self.next.cluster.inventories[self.owner] = record;
        let other = 1 - self.owner;
        if !self.next.awaited_by(other).is_empty() {
            self.next.minds[other].awake = true;
        }
    }
}

impl State {
    /// Wakes whom the change of an object concerns: the owners that its labels named before and name now, unless nothing of
    /// ours changed; and whoever waits for it.
    pub(crate) fn tell(&mut self, object: usize, before: &Cluster, decisions: &Decisions<'_>) {
        let (before, after) = (before.objects[object], self.cluster.objects[object]);
        let shape = |live: Option<Live>| live.map(|live| Live { version: 0, ..live });
        let may_be_drift = shape(before) != shape(after) && !decisions.lacks(Weakness::SleepsThroughDrift);
        for owner in [0, 1] {
            let is_named = [before, after].into_iter().flatten().any(|live| live.owner == Some(owner as u8));
            let is_awaited = self.awaited_by(owner).contains(object);
            self.minds[owner].awake |= (is_named && may_be_drift) || is_awaited;
        }
    }

    /// What an owner waits for; during an attempt, what it may wait for in the end.
    fn awaited_by(&self, owner: usize) -> Objects {
        let mind = &self.minds[owner];
        match mind.at {
            At::Rest | At::Final => mind.held,
            _ => self.cluster.inventories[owner].minus(mind.wanted),
        }
    }
}

impl Label {
    pub(crate) fn describe(&self) -> String {
        let whom = |owner: &usize| ["one", "two"][*owner];
        match self {
            Self::Begin => "nothing is there yet".to_owned(),
            Self::Event(what) => (*what).to_owned(),
            Self::Crash(owner) => format!("owner {} ends and begins anew", whom(owner)),
            Self::Step { owner, at: At::Rest, .. } => format!("owner {} begins an attempt", whom(owner)),
            Self::Step { owner, at, object: None } => format!("owner {}: {at:?}", whom(owner)),
            Self::Step { owner, at, object: Some(object) } => {
                format!("owner {}: {at:?} {}", whom(owner), NAMES[*object])
            }
        }
    }
}
