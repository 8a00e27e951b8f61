//! Every decision, made by this crate; each is made once and remembered.

use std::collections::{BTreeSet, HashMap};

use thalweg_plan::{Answer, Entry, Fate, Kept, Released, Sight, gate, intent, judge};

use crate::cluster::{Live, applied, content, manager, seen};
use crate::world::{Objects, World};

/// A safeguard that an owner leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    WritesWithoutIntent,
    IgnoresClaims,
    DeletesWithoutPreconditions,
    /// An entry leaves the inventory before its object is deleted.
    ForgetsBeforeDeleting,
    /// An entry leaves although its object is still ours and held for the other owner.
    ForgetsWhatItHolds,
    /// A change of its objects does not wake it.
    SleepsThroughDrift,
    /// The first owner goes by an artifact in which nothing has moved.
    MissesMoves,
}

/// A stage that passed its gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gated {
    pub(crate) writes: Objects,
    /// The inventory to record before anything is written.
    pub(crate) intent: Option<Objects>,
}

/// What a stage is judged from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StageKey {
    pub(crate) owner: usize,
    pub(crate) stage: Objects,
    pub(crate) recorded: Objects,
    pub(crate) has_written: bool,
}

type Lives = [Option<Live>; 3];

pub(crate) struct Decisions<'w> {
    pub(crate) world: &'w World,
    pub(crate) weakness: Option<Weakness>,
    /// Every turn that was taken.
    pub(crate) met: BTreeSet<&'static str>,
    gates: HashMap<(StageKey, Lives), Gated>,
    fates: HashMap<(usize, Objects, usize, Option<Live>), Fate>,
    stale: HashMap<(usize, Objects, Objects), Objects>,
    last: HashMap<(usize, Objects, Objects, Objects), Objects>,
}

impl<'w> Decisions<'w> {
    pub(crate) fn new(world: &'w World, weakness: Option<Weakness>) -> Self {
        Self {
            world,
            weakness,
            met: BTreeSet::new(),
            gates: HashMap::new(),
            fates: HashMap::new(),
            stale: HashMap::new(),
            last: HashMap::new(),
        }
    }

    pub(crate) fn lacks(&self, weakness: Weakness) -> bool {
        self.weakness == Some(weakness)
    }

    /// The dry runs of a stage, and what follows from them. Every object is read and compared.
    pub(crate) fn gate(&mut self, key: StageKey, objects: &Lives) -> Gated {
        let mut lives: Lives = [None; 3];
        key.stage.iter().for_each(|object| lives[object] = objects[object].map(|live| Live { version: 0, ..live }));
        if let Some(gated) = self.gates.get(&(key, lives)) {
            return *gated;
        }
        let (world, StageKey { owner, stage, recorded, has_written }) = (self.world, key);
        let answers = stage.iter().map(|object| {
            let mut dry_run = content(world, object, applied(lives[object], owner));
            if lives[object].is_none() {
                let metadata = dry_run.get_mut("metadata").expect("every object has metadata");
                metadata.as_object_mut().expect("metadata is a map").remove("resourceVersion");
            }
            let live = lives[object].map(|live| content(world, object, live));
            Answer { wanted: &world.wanted[owner][object], live: Some(live), dry_run }
        });
        let gated = gate(answers.collect(), manager());
        let ids = &world.ids;
        let writes: Objects =
            stage.iter().filter(|object| gated.writes.iter().any(|write| write.wanted.id == ids[*object])).collect();
        let record = intent(&world.inventory(recorded), &world.inventory(stage), &gated, has_written);
        let record = record.filter(|_| !self.lacks(Weakness::WritesWithoutIntent));
        self.met.extend((!gated.in_sync.is_empty()).then_some("in sync"));
        self.met.extend((!writes.is_empty()).then_some("written"));
        self.met.insert(match &record {
            Some(_) => "recorded before an apply",
            None if writes.is_empty() => "in sync",
            None => "written without a record",
        });
        let gated = Gated { writes, intent: record.map(|inventory| world.named_by(&inventory)) };
        self.gates.insert((key, lives), gated);
        gated
    }

    /// What is recorded and not wanted.
    pub(crate) fn stale(&mut self, owner: usize, wanted: Objects, recorded: Objects) -> Objects {
        let world = self.world;
        *self.stale.entry((owner, wanted, recorded)).or_insert_with(|| {
            let desired = world.desired(owner, wanted).inventory();
            world.named_by(&world.inventory(recorded).minus(&desired))
        })
    }

    /// What becomes of an entry, from a live sight of its object.
    pub(crate) fn judge(&mut self, owner: usize, claimed: Objects, object: usize, live: Option<Live>) -> Fate {
        let claimed = if self.lacks(Weakness::IgnoresClaims) { Objects::default() } else { claimed };
        let key = (owner, claimed, object, live);
        if let Some(fate) = self.fates.get(&key) {
            return fate.clone();
        }
        let world = self.world;
        let seen = live.map(|live| seen(world, object, live));
        let entry = Entry::new(&world.ids[object], "v1");
        let claims = world.claims(1 - owner, claimed);
        let fate = judge(&world.owners[owner], &entry, true, Sight::Live(seen.as_ref()), &claims);
        self.met.insert(match &fate {
            Fate::Delete(_) => "deleted",
            Fate::Leave(Released::Gone) => "gone",
            Fate::Leave(Released::HandedOver(_)) => "handed over",
            Fate::Leave(Released::NotOurs) => "not ours",
            Fate::Leave(Released::Protected | Released::PruneIsOff) => "released by policy",
            Fate::Keep(Kept::ClaimedBy(_)) => "claimed",
            Fate::Keep(Kept::Unreadable) => "unreadable",
            Fate::Read => "not seen",
        });
        self.fates.insert(key, fate.clone());
        fate
    }

    /// The inventory with which an attempt begins to delete.
    pub(crate) fn before_deletes(&self, owner: usize, wanted: Objects, recorded: Objects) -> Objects {
        let desired = self.world.desired(owner, wanted).inventory();
        self.world.named_by(&self.world.inventory(recorded).union(&desired))
    }

    /// The inventory with which an attempt ends.
    pub(crate) fn last(&mut self, owner: usize, wanted: Objects, recorded: Objects, left: Objects) -> Objects {
        let world = self.world;
        *self.last.entry((owner, wanted, recorded, left)).or_insert_with(|| {
            let kept = world.inventory(recorded).minus(&world.inventory(left));
            world.named_by(&world.desired(owner, wanted).inventory().union(&kept))
        })
    }
}
