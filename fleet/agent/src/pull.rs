//! Pulls desired state by long poll, and lets through what this cluster follows.
//!
//! An epoch is remembered before it is acted on. A lower epoch, or another hub's, goes no further than here; an operator can
//! accept it by name.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use thalweg_controller_runtime::{Random, chain};
use thalweg_protocol::agent::{DesiredState, Epoch, EpochRefused};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::hub::Hub;
use crate::memory::{Bound, Keeper, Memory, MemoryError};
use crate::run::Ended;
use crate::troubles::Troubles;

/// How long the hub may wait for a change before it answers that there is none.
const WAIT: Duration = Duration::from_secs(55);
/// An answer that says "no change" sooner than this is not repeated at once.
const WAIT_LEAST: Duration = Duration::from_secs(1);

/// A desired state that this cluster follows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instruction {
    pub(crate) state: DesiredState,
    /// The epoch at which an operator said to follow this hub.
    pub(crate) accepted: Epoch,
}

pub(crate) struct Pull {
    pub(crate) hub: Hub,
    pub(crate) keeper: Keeper,
    pub(crate) memory: Memory,
    pub(crate) bound: Bound,
    pub(crate) accept: Option<Epoch>,
    pub(crate) troubles: Troubles,
    pub(crate) random: Random,
    pub(crate) out: watch::Sender<Option<Arc<Instruction>>>,
}

impl Pull {
    /// Pulls until the hub no longer knows the credential.
    pub(crate) async fn run(mut self) -> Result<Infallible, Ended> {
        let mut backoff = Backoff::new(&self.random);
        let mut since: Option<Epoch> = None;
        loop {
            let asked = Instant::now();
            let answer = self.hub.desired(&self.memory.credential, &self.bound.cluster, since.as_ref(), WAIT).await;
            let trouble = match answer {
                Ok(None) if asked.elapsed() < WAIT_LEAST => {
                    // A hub that is stopping lets us go early.
                    tokio::time::sleep(backoff.next()).await;
                    continue;
                }
                Ok(None) => None,
                Ok(Some(state)) => match self.follow(state).await {
                    Ok(epoch) => {
                        since = Some(epoch);
                        None
                    }
                    Err(FollowError::Refused(refused)) => Some(hint(&refused)),
                    Err(FollowError::Memory(MemoryError::Changed)) => return Err(Ended::MemoryChanged),
                    Err(FollowError::Memory(error)) => Some(chain(&error)),
                },
                Err(error) if error.is_unauthenticated() => return Err(Ended::Unauthenticated),
                Err(error) => {
                    if error.is_epoch_refused() {
                        // Ask for everything, to see which hub and epoch it is.
                        since = None;
                    }
                    Some(chain(&error))
                }
            };
            match trouble {
                None => {
                    backoff.reset();
                    self.troubles.over("desired");
                }
                Some(trouble) => {
                    self.troubles.met("desired", trouble);
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Remembers the state's epoch and passes it on, if this cluster follows it.
    async fn follow(&mut self, state: DesiredState) -> Result<Epoch, FollowError> {
        let offered = state.epoch.clone();
        let accepted = match self.bound.held.accept(&offered) {
            Ok(()) => self.bound.accepted.clone(),
            Err(_) if self.accept.as_ref().is_some_and(|accept| accept.accept(&offered).is_ok()) => offered.clone(),
            Err(refused) => return Err(FollowError::Refused(refused)),
        };
        let bound = Bound { held: offered.clone(), accepted: accepted.clone(), ..self.bound.clone() };
        if bound != self.bound {
            self.memory = self.keeper.bind(&self.memory, &bound).await.map_err(FollowError::Memory)?;
            self.bound = bound;
        }
        self.out.send_replace(Some(Arc::new(Instruction { state, accepted })));
        Ok(offered)
    }
}

enum FollowError {
    Refused(EpochRefused),
    Memory(MemoryError),
}

fn hint(refused: &EpochRefused) -> String {
    format!(
        "{refused}; nothing is changed. If this hub is to be followed from here, start the agent with --accept-epoch \
         and the hub's epoch, or register it again"
    )
}
