//! The agent's life: register, then four loops side by side, until it is told to stop.

use std::convert::Infallible;
use std::sync::Arc;

use thalweg_controller_runtime::{CancellationToken, Clock, Random};
use thalweg_kubernetes::Cluster;
use tokio::sync::watch;

use crate::backoff::Backoff;
use crate::enrol::enrol;
use crate::heartbeat::Heartbeat;
use crate::hub::{Hub, HubError};
use crate::memory::{Keeper, MemoryError};
use crate::options::Options;
use crate::pull::Pull;
use crate::push::Push;
use crate::reconcile::{Reconciler, Reports};
use crate::troubles::Troubles;

/// What the agent needs of its process.
#[derive(Clone)]
pub struct Context {
    /// The API server of the cluster.
    pub cluster: Cluster,
    /// What time it is.
    pub clock: Clock,
    /// For jitter.
    pub random: Random,
}

/// What only an operator can mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No client for the hub.
    #[error("cannot speak to a hub with these options")]
    Options(#[source] HubError),
    /// Never registered, and nothing to register with.
    #[error(
        "the agent is not registered and was given no token: make one with `thalweg hub token --cluster RESOURCE-ID`"
    )]
    NoToken,
    /// The token is unknown or was used.
    #[error(
        "the hub does not accept the token: it is unknown or was used; make another with `thalweg hub token --cluster RESOURCE-ID`"
    )]
    TokenRefused,
    /// The Secret does not hold what an agent writes.
    #[error("cannot go on from what is remembered")]
    Memory(#[source] MemoryError),
}

/// Why the loops ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The hub does not know the credential.
    Unauthenticated,
    /// Another writer changed what is remembered; read it again.
    MemoryChanged,
    /// Something that passes; the text says what.
    Again(String),
    /// Something that does not pass.
    Fatal(Error),
}

/// Runs the agent until `shutdown` is cancelled.
///
/// While the hub is away, or no longer knows this agent, the cluster stays as it is and the agent tries again.
///
/// # Errors
/// What only an operator can mend: options, token, or the agent's Secret.
pub async fn run(context: Context, options: Options, shutdown: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Ok(()),
        ended = live(&context, &options) => ended.map(|never| match never {}),
    }
}

async fn live(context: &Context, options: &Options) -> Result<Infallible, Error> {
    let hub = Hub::new(options).map_err(Error::Options)?;
    let keeper = Keeper::new(&context.cluster, &options.namespace);
    let troubles = Troubles::new(&context.clock);
    let mut backoff = Backoff::new(&context.random);
    let mut credential_refused = false;
    loop {
        let ended = match session(context, options, &hub, &keeper, &troubles, credential_refused).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        credential_refused = matches!(ended, Ended::Unauthenticated);
        match ended {
            Ended::Fatal(error) => return Err(error),
            Ended::MemoryChanged => {
                troubles.met("memory", "the agent's Secret was changed by another writer".to_owned());
            }
            Ended::Unauthenticated => troubles.met(
                "hub",
                "the hub does not know this agent's credential; the cluster stays as it is. Register again with a new \
                 token"
                    .to_owned(),
            ),
            Ended::Again(why) => troubles.met("hub", why),
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

/// One registration's life.
async fn session(
    context: &Context,
    options: &Options,
    hub: &Hub,
    keeper: &Keeper,
    troubles: &Troubles,
    credential_refused: bool,
) -> Result<Infallible, Ended> {
    let (memory, bound) = enrol(&context.cluster, hub, keeper, options, credential_refused).await?;
    let (credential, cluster) = (memory.credential.clone(), bound.cluster.clone());
    let (desired, instructions) = watch::channel(None);
    let (reports, pushed) = watch::channel(Arc::new(Reports::new()));
    let heartbeat = Heartbeat {
        hub: hub.clone(),
        credential: credential.clone(),
        cluster: cluster.clone(),
        api_server: context.cluster.clone(),
        version: options.version.clone(),
        held: bound.held.clone(),
        followed: instructions.clone(),
        troubles: troubles.clone(),
        random: context.random.clone(),
    };
    let pull = Pull {
        hub: hub.clone(),
        keeper: keeper.clone(),
        memory,
        bound,
        accept: options.accept_epoch.clone(),
        troubles: troubles.clone(),
        random: context.random.clone(),
        out: desired,
    };
    let push = Push {
        hub: hub.clone(),
        credential,
        cluster,
        interval: options.status_interval,
        resend: options.resend_interval,
        troubles: troubles.clone(),
        random: context.random.clone(),
    };
    let reconciler = Reconciler::new(&context.cluster, &context.random, troubles, reports);
    let never = tokio::try_join!(heartbeat.run(), pull.run(), push.run(pushed), reconciler.run(instructions))?;
    Ok(never.0)
}
