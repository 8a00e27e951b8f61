//! Registers the agent: once, with the one-time token, in a way that can be interrupted anywhere.
//!
//! The agent makes its credential, remembers it, and registers its digest. When the answer is lost, the same request is
//! sent again: the token is spent on this digest, and the hub answers as before.

use thalweg_controller_runtime::chain;
use thalweg_kubernetes::Cluster;
use thalweg_protocol::agent::RegisterRequest;

use crate::credential::Token;
use crate::heartbeat::facts;
use crate::hub::Hub;
use crate::memory::{Bound, Keeper, Memory, MemoryError};
use crate::options::Options;
use crate::run::{Ended, Error};

/// What is remembered of a registered agent, registering it if needed: when it never was, or when the hub refused the
/// credential and an operator gave a token that was not used yet.
pub(crate) async fn enrol(
    cluster: &Cluster,
    hub: &Hub,
    keeper: &Keeper,
    options: &Options,
    credential_refused: bool,
) -> Result<(Memory, Bound), Ended> {
    let memory = keeper.load().await.map_err(remembering)?;
    let unused = |memory: &Memory| options.token.as_ref().filter(|token| token.sha256() != memory.token_sha256);
    let (memory, token) = match (memory, &options.token) {
        (Some(memory), _) if memory.bound.is_some() => match unused(&memory).filter(|_| credential_refused) {
            Some(token) => (begin(keeper, Some(&memory), token).await?, token),
            None => {
                let bound = memory.bound.clone().expect("it was looked at");
                return Ok((memory, bound));
            }
        },
        (_, None) => return Err(Ended::Fatal(Error::NoToken)),
        // Begun before, and interrupted.
        (Some(memory), Some(token)) if unused(&memory).is_none() => (memory, token),
        (memory, Some(token)) => (begin(keeper, memory.as_ref(), token).await?, token),
    };
    let facts = facts(cluster, &options.version).await;
    let request = RegisterRequest { credential_sha256: memory.credential.sha256(), facts };
    let response = hub.register(token, &request).await.map_err(|error| match () {
        () if error.is_unauthenticated() => Ended::Fatal(Error::TokenRefused),
        () => Ended::Again(chain(&error)),
    })?;
    // A token is an operator's word that this hub is to be followed from its epoch on.
    let bound = Bound { cluster: response.cluster, accepted: response.epoch.clone(), held: response.epoch };
    let memory = keeper.bind(&memory, &bound).await.map_err(remembering)?;
    tracing::info!(cluster = %bound.cluster, "registered");
    Ok((memory, bound))
}

async fn begin(keeper: &Keeper, before: Option<&Memory>, token: &Token) -> Result<Memory, Ended> {
    keeper.begin(before, Token::generate(), token.sha256()).await.map_err(remembering)
}

pub(crate) fn remembering(error: MemoryError) -> Ended {
    match error {
        MemoryError::Invalid(_) => Ended::Fatal(Error::Memory(error)),
        MemoryError::Changed => Ended::MemoryChanged,
        MemoryError::Cluster(_) => Ended::Again(chain(&error)),
    }
}
