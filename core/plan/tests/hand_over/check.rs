//! What must hold in every state, and in every state in which both owners are at rest.

use std::fmt;

use crate::cluster::{Grant, Live};
use crate::explore::State;
use crate::owner::At;
use crate::world::NAMES;

/// Something that must not be, and how it came about.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) trace: Vec<String>,
}

impl Violation {
    pub(crate) fn of(object: usize, what: &str) -> Self {
        Self { what: format!("{} {what}", NAMES[object]), trace: Vec::new() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:\n  {}", self.what, self.trace.join("\n  "))
    }
}

/// Whether both owners have nothing left to do.
pub(crate) fn is_at_rest(state: &State) -> bool {
    state.minds.iter().all(|mind| mind.at == At::Rest && !mind.awake)
}

pub(crate) fn check(state: &State) -> Result<(), Violation> {
    for (object, live) in state.cluster.objects.iter().enumerate() {
        if let Some(owner) = owner_of_ours(*live)
            && !state.cluster.inventories[owner].contains(object)
        {
            return Err(Violation::of(object, "is ours and not in the inventory of the owner that it names"));
        }
    }
    if is_at_rest(state) { check_rest(state) } else { Ok(()) }
}

fn check_rest(state: &State) -> Result<(), Violation> {
    for owner in [0, 1] {
        let wanted = state.artifact.asks_of(owner);
        for (object, live) in state.cluster.objects.iter().enumerate() {
            let is_as_wanted =
                live.is_some_and(|live| live.owner == Some(owner as u8) && live.grant == Grant::Everything);
            if wanted.contains(object) && !is_as_wanted {
                return Err(Violation::of(object, "is not as it is wanted"));
            }
            if !wanted.contains(object) && owner_of_ours(*live) == Some(owner) {
                return Err(Violation::of(object, "is ours and nobody wants it"));
            }
            if wanted.contains(object) != state.cluster.inventories[owner].contains(object) {
                return Err(Violation::of(object, "is not in the inventory just when it is wanted"));
            }
        }
    }
    Ok(())
}

/// The owner that the labels of an object with our Apply entry name.
fn owner_of_ours(live: Option<Live>) -> Option<usize> {
    let live = live.filter(|live| live.grant != Grant::Nothing)?;
    live.owner.map(usize::from)
}
