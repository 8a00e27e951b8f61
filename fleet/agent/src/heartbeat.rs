//! Heartbeats: that the agent lives, what its cluster is, and what keeps it from its work.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ListParams};
use thalweg_controller_runtime::{Random, chain};
use thalweg_kubernetes::Cluster;
use thalweg_protocol::agent::{ClusterFacts, Epoch, HeartbeatRequest};
use thalweg_protocol::resource::ClusterId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::credential::Token;
use crate::hub::Hub;
use crate::pull::Instruction;
use crate::run::Ended;
use crate::troubles::Troubles;

/// How often versions and nodes are read.
const FACTS_EVERY: Duration = Duration::from_secs(300);
/// A trouble that comes sooner after a heartbeat waits until then.
const NEWS_AFTER: Duration = Duration::from_secs(1);
/// The bounds of what the hub may ask for.
const SECONDS_MIN: u64 = 5;
const SECONDS_MAX: u64 = 600;

pub(crate) struct Heartbeat {
    pub(crate) hub: Hub,
    pub(crate) credential: Token,
    pub(crate) cluster: ClusterId,
    pub(crate) api_server: Cluster,
    pub(crate) version: String,
    pub(crate) held: Epoch,
    pub(crate) followed: watch::Receiver<Option<Arc<Instruction>>>,
    pub(crate) troubles: Troubles,
    pub(crate) random: Random,
}

impl Heartbeat {
    /// Beats until the hub no longer knows the credential.
    pub(crate) async fn run(self) -> Result<Infallible, Ended> {
        let mut backoff = Backoff::new(&self.random);
        let mut read: Option<(Instant, ClusterFacts)> = None;
        loop {
            if read.as_ref().is_none_or(|(at, _)| at.elapsed() >= FACTS_EVERY) {
                read = Some((Instant::now(), facts(&self.api_server, &self.version).await));
            }
            let facts = read.as_ref().map(|(_, facts)| facts.clone()).unwrap_or_default();
            let followed = self.followed.borrow().as_ref().map(|instruction| instruction.state.epoch.clone());
            let request = HeartbeatRequest {
                cluster: self.cluster.clone(),
                facts,
                epoch: Some(followed.unwrap_or_else(|| self.held.clone())),
                errors: self.troubles.told(),
            };
            match self.hub.heartbeat(&self.credential, &request).await {
                Ok(response) => {
                    backoff.reset();
                    self.troubles.over("heartbeat");
                    let seconds = response.next_after_seconds.clamp(SECONDS_MIN, SECONDS_MAX);
                    self.rest(Duration::from_secs(seconds)).await;
                }
                Err(error) if error.is_unauthenticated() => return Err(Ended::Unauthenticated),
                Err(error) => {
                    self.troubles.met("heartbeat", chain(&error));
                    tokio::time::sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Until the next beat; a trouble that comes or goes is told sooner.
    async fn rest(&self, interval: Duration) {
        tokio::time::sleep(NEWS_AFTER).await;
        tokio::select! {
            biased;
            () = self.troubles.news() => {}
            () = tokio::time::sleep(self.random.jittered(interval, 10)) => {}
        }
    }
}

/// What the API server says of the cluster. What may not be read is left out.
pub(crate) async fn facts(cluster: &Cluster, version: &str) -> ClusterFacts {
    let api_server = cluster.client().apiserver_version().await;
    let kubernetes_version = api_server
        .inspect_err(|error| tracing::debug!(error = chain(error), "cannot read the API server's version"))
        .ok()
        .map(|version| version.git_version);
    ClusterFacts {
        kubernetes_version,
        total_node_count: nodes(cluster).await,
        total_core_count: None,
        agent_version: Some(version.to_owned()),
    }
}

/// One node and how many remain: a list of all would be large.
async fn nodes(cluster: &Cluster) -> Option<i64> {
    let nodes: Api<Node> = Api::all(cluster.client().clone());
    let page = nodes
        .list_metadata(&ListParams::default().limit(1))
        .await
        .inspect_err(|error| tracing::debug!(error = chain(error), "cannot count the nodes"))
        .ok()?;
    let listed = i64::try_from(page.items.len()).ok()?;
    match (page.metadata.remaining_item_count, page.metadata.continue_) {
        (Some(remaining), _) => Some(listed + remaining),
        (None, Some(more)) if !more.is_empty() => None,
        (None, _) => Some(listed),
    }
}
