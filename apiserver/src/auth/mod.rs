//! Who asks, and what they may do.
//!
//! [`authenticate`] reads the user out of a request's headers, [`authorize`] asks the RBAC [`policy`] of the cluster, and
//! [`escalates`] keeps those who write roles from giving more than they have. The reviews and token requests that clients
//! send answer the same questions. Rules, policies and tokens are pure; only these functions look into the [`State`].
//!
//! [`State`]: crate::state::State

mod aggregation;
mod attributes;
mod authentication;
pub(crate) mod bootstrap;
mod escalation;
mod impersonation;
mod policy;
mod reviews;
mod rules;
mod token;
mod token_request;
mod user;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub(crate) use aggregation::aggregated;
pub(crate) use attributes::Attributes;
pub(crate) use authentication::authenticate;
pub(crate) use escalation::escalates;
pub(crate) use reviews::review;
pub(crate) use rules::Rule;
pub(crate) use token_request::token;
pub(crate) use user::MASTERS;
pub use user::User;

use crate::state::State;
use crate::status::Status;

/// What this server remembers to answer such questions.
#[derive(Debug)]
pub(crate) struct Authority {
    key: token::Key,
    policy: policy::CurrentPolicy,
    /// By requestor: the mode of impersonation that last succeeded, which is tried first.
    modes: Mutex<BTreeMap<String, usize>>,
}

impl Authority {
    /// The authority of a server with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { key: token::Key::new(seed), policy: policy::CurrentPolicy::default(), modes: Mutex::default() }
    }

    fn mode_of(&self, user: &User) -> Option<usize> {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner).get(&user.name).copied()
    }

    fn remember_mode(&self, user: &User, mode: usize) {
        self.modes.lock().unwrap_or_else(PoisonError::into_inner).insert(user.name.clone(), mode);
    }
}

/// Whether the user may do this.
///
/// # Errors
/// 403, as kube-apiserver words it.
pub(crate) fn authorize(state: &State, user: &User, asked: &Attributes<'_>) -> Result<(), Status> {
    let decision = decide(state, user, asked);
    if decision.allowed { Ok(()) } else { Err(asked.forbidden(&user.name, &decision.reason)) }
}

fn decide(state: &State, user: &User, asked: &Attributes<'_>) -> policy::Decision {
    if user.is_master() {
        return policy::Decision { allowed: true, reason: String::new() };
    }
    state.authority.policy.get(&state.store).decide(user, asked)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
