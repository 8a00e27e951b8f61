//! Every state, breadth first, so that what is found has the shortest of its histories.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use crate::check::{Violation, check, is_at_rest};
use crate::cluster::{Cluster, Live};
use crate::decisions::{Decisions, Weakness};
use crate::owner::{At, Mind, steps};
use crate::world::{A, Artifact, B, C, World};

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) cluster: Cluster,
    pub(crate) minds: [Mind; 2],
    pub(crate) artifact: Artifact,
    pub(crate) is_edited: bool,
    pub(crate) replacement: Replacement,
    pub(crate) has_crashed: bool,
}

/// How far somebody is who puts an object of his own in the place of b.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Replacement {
    #[default]
    None,
    HasDeleted,
    HasMade,
}

/// How a state came from the one before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label {
    Begin,
    Event(&'static str),
    Crash(usize),
    Step { owner: usize, at: At, object: Option<usize> },
}

/// What an exploration came to.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) at_rest: usize,
    /// The turns that were taken.
    pub(crate) met: BTreeSet<&'static str>,
}

/// Follows every interleaving from an empty cluster on.
pub(crate) fn explore(world: &World, weakness: Option<Weakness>) -> Result<Explored, Violation> {
    let mut decisions = Decisions::new(world, weakness);
    let begin = State {
        cluster: Cluster::default(),
        minds: [Mind::started(); 2],
        artifact: Artifact::default(),
        is_edited: false,
        replacement: Replacement::None,
        has_crashed: false,
    };
    let mut numbers: HashMap<State, usize, BuildHasherDefault<Plain>> = HashMap::from_iter([(begin, 0)]);
    let mut states = vec![begin];
    let mut origins = vec![(0, Label::Begin)];
    // Where the transitions of all states lead, and how many of them there are up to the end of each state's.
    let (mut targets, mut ends) = (Vec::new(), Vec::new());
    let mut at_rest = 0;
    let mut next = Vec::new();
    let mut number = 0;
    while let Some(state) = states.get(number).copied() {
        let told = |violation: Violation| Violation { trace: trace(&origins, number), ..violation };
        check(&state).map_err(told)?;
        at_rest += usize::from(is_at_rest(&state));
        successors(&state, &mut decisions, &mut next).map_err(told)?;
        for (label, state) in next.drain(..) {
            let state = canonical(state);
            let fresh = states.len();
            let target = *numbers.entry(state).or_insert(fresh);
            targets.push(target);
            if target == fresh {
                states.push(state);
                origins.push((number, label));
            }
        }
        ends.push(targets.len());
        number += 1;
    }
    let ordered = ordered(&targets, &ends);
    if ordered < states.len() {
        return Err(Violation { what: "the owners may go on for ever".to_owned(), trace: Vec::new() });
    }
    Ok(Explored { states: states.len(), transitions: targets.len(), at_rest, met: decisions.met })
}

/// How many states can be put in an order in which every transition leads forward: all of them, if every run ends.
fn ordered(targets: &[usize], ends: &[usize]) -> usize {
    let mut awaited = vec![0_u32; ends.len()];
    targets.iter().for_each(|target| awaited[*target] += 1);
    let mut ordered = vec![0];
    let mut next = 0;
    while let Some(number) = ordered.get(next).copied() {
        let begin = if number == 0 { 0 } else { ends[number - 1] };
        for target in &targets[begin..ends[number]] {
            awaited[*target] -= 1;
            if awaited[*target] == 0 {
                ordered.push(*target);
            }
        }
        next += 1;
    }
    ordered.len()
}

fn successors(state: &State, decisions: &mut Decisions<'_>, next: &mut Vec<(Label, State)>) -> Result<(), Violation> {
    for owner in [0, 1] {
        steps(state, owner, decisions, next)?;
        // A crash that loses nothing is as good as one that is yet to come.
        if !state.has_crashed && state.minds[owner] != Mind::started() {
            let mut after = State { has_crashed: true, ..*state };
            after.minds[owner] = Mind::started();
            next.push((Label::Crash(owner), after));
        }
    }
    commits(state, next);
    meddling(state, decisions, next);
    Ok(())
}

/// What can happen to the artifact. Each owner is woken by it.
fn commits(state: &State, next: &mut Vec<(Label, State)>) {
    let now = state.artifact;
    let moved = Artifact { moves: now.moves + 1, ..now };
    for (what, is_open, artifact) in [
        ("the artifact moves a to owner two", now.moves == 0, moved),
        ("the artifact moves a back to owner one", now.moves == 1, moved),
        ("the artifact drops b", !now.drops_b, Artifact { drops_b: true, ..now }),
        ("the artifact adds c to owner two", !now.adds_c, Artifact { adds_c: true, ..now }),
    ] {
        if is_open {
            let mut after = State { artifact, ..*state };
            after.minds.iter_mut().for_each(|mind| mind.awake = true);
            next.push((Label::Event(what), after));
        }
    }
}

/// What others can do to objects.
fn meddling(state: &State, decisions: &Decisions<'_>, next: &mut Vec<(Label, State)>) {
    let mut add = |what, object, mut after: State, change: fn(&mut Cluster, usize)| {
        change(&mut after.cluster, object);
        after.tell(object, &state.cluster, decisions);
        next.push((Label::Event(what), after));
    };
    for (what, object) in [("somebody edits a", A), ("somebody edits b", B)] {
        if !state.is_edited && state.cluster.objects[object].is_some() {
            add(what, object, State { is_edited: true, ..*state }, Cluster::edit);
        }
    }
    let (what, replacement, change): (_, _, fn(&mut Cluster, usize)) = match state.replacement {
        Replacement::None => ("somebody deletes b", Replacement::HasDeleted, Cluster::remove),
        Replacement::HasDeleted => ("somebody makes a b", Replacement::HasMade, Cluster::make),
        Replacement::HasMade => return,
    };
    add(what, B, State { replacement, ..*state }, change);
}

/// The state with the smallest numbers that mean the same: of uids and resourceVersions it only matters which are equal.
fn canonical(mut state: State) -> State {
    for object in [A, B, C] {
        let State { cluster, minds, .. } = &mut state;
        if minds.iter().all(|mind| mind.judged[object].is_none()) {
            cluster.objects[object] = cluster.objects[object].map(|live| Live { uid: 0, version: 0, ..live });
            continue;
        }
        let [one, two] = minds.each_mut().map(|mind| mind.judged[object].as_mut());
        let mut lives = [cluster.objects[object].as_mut(), one, two];
        renumber(&mut lives, |live| &mut live.uid);
        renumber(&mut lives, |live| &mut live.version);
    }
    state
}

fn renumber(lives: &mut [Option<&mut Live>; 3], field: fn(&mut Live) -> &mut u8) {
    let mut known: [Option<u8>; 3] = [None; 3];
    for live in lives.iter_mut().flatten() {
        let number = field(live);
        let place = known.iter().position(|known| known.is_none_or(|known| known == *number));
        let place = place.expect("there are no more numbers than objects that have one");
        known[place] = Some(*number);
        *number = place as u8;
    }
}

/// The history of a state.
fn trace(origins: &[(usize, Label)], number: usize) -> Vec<String> {
    let mut steps = Vec::new();
    let mut at = number;
    while at != 0 {
        let (before, label) = origins[at];
        steps.push(label.describe());
        at = before;
    }
    steps.reverse();
    steps
}

/// A hash that costs little without optimisation, where the standard one takes half of the time.
#[derive(Default)]
struct Plain(u64);

impl Plain {
    fn add(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.add(number as u64);
    }
}
