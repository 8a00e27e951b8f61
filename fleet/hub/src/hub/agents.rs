//! The agents' side: registration, heartbeats, desired state, reports.

use std::time::Duration;

use jiff::Timestamp;
use thalweg_protocol::agent::{
    ConfigurationStatus, DesiredConfiguration, DesiredState, Epoch, EpochRefused, HEARTBEAT_SECONDS_DEFAULT,
    HeartbeatRequest, HeartbeatResponse, Outcome, RegisterRequest, RegisterResponse, StatusRequest, StatusResponse,
    Tombstone,
};
use thalweg_protocol::cluster::ConnectedClusterRequest;
use thalweg_protocol::resource::ClusterId;
use thalweg_protocol::{ErrorBody, SystemData, code};
use tokio::time::Instant;

use super::{Hub, existing_cluster};
use crate::api::{Answer, Failure, Registrant};
use crate::store::{ClusterRecord, ConfigurationRecord, Credential, GroupRecord};

/// Where a cluster that registers before anyone PUT it is said to be.
const LOCATION_UNSAID: &str = "global";
/// Errors of one agent that are kept.
const AGENT_ERRORS_MAX: usize = 20;

impl Hub {
    /// The token was minted for this cluster by the hub's operator, so the cluster and its group are made if they are not
    /// there. A new registration ends the credential of an earlier agent.
    pub(super) async fn register_agent(
        &self,
        registrant: &Registrant,
        request: RegisterRequest,
    ) -> Answer<RegisterResponse> {
        let sha256 = &request.credential_sha256;
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            let error = ErrorBody {
                target: Some("credentialSha256".to_owned()),
                ..ErrorBody::new(code::INVALID_REQUEST_CONTENT, "credentialSha256 must be 64 lower-case hex digits")
            };
            return Err(Failure::of(400, error));
        }
        let now = self.clock.now();
        let mut transaction = self.store.write().await?;
        let Some(Credential::Registration { cluster, spent_on }) =
            transaction.credential(&registrant.token_sha256).await?
        else {
            return Err(Failure::unauthenticated());
        };
        match spent_on {
            // The answer to the first request was lost: this is the same request again.
            Some(spent_on) if spent_on == *sha256 => {
                let bound = transaction.credential(sha256).await?;
                if bound != Some(Credential::Agent { cluster: cluster.clone() }) {
                    return Err(Failure::unauthenticated());
                }
            }
            Some(_) => return Err(Failure::unauthenticated()),
            None => {
                if transaction.credential(sha256).await?.is_some() {
                    return Err(Failure::new(409, code::CONFLICT, "This credential is in use already."));
                }
                let spent = Credential::Registration { cluster: cluster.clone(), spent_on: Some(sha256.clone()) };
                transaction.put_credential(&registrant.token_sha256, &spent, now).await?;
                transaction.remove_agents(&cluster).await?;
                transaction.put_credential(sha256, &Credential::Agent { cluster: cluster.clone() }, now).await?;
            }
        }
        if transaction.group(cluster.group()).await?.is_none() {
            let id = cluster.group().clone();
            let group = GroupRecord { id, location: LOCATION_UNSAID.to_owned(), tags: Default::default() };
            transaction.put_group(&group).await?;
        }
        let record = match transaction.cluster(&cluster).await? {
            Some(stored) => ClusterRecord { facts: request.facts, heard_at: Some(now), errors: Vec::new(), ..stored },
            None => ClusterRecord {
                id: cluster,
                document: ConnectedClusterRequest { location: LOCATION_UNSAID.to_owned(), ..Default::default() },
                system_data: SystemData::created("agent", "Application", now),
                facts: request.facts,
                errors: Vec::new(),
                heard_at: Some(now),
            },
        };
        transaction.put_cluster(&record).await?;
        let epoch = transaction.epoch().await?;
        transaction.commit().await?;
        tracing::info!(cluster = %record.id, "agent registered");
        Ok(RegisterResponse { cluster: record.id, epoch, heartbeat_seconds: HEARTBEAT_SECONDS_DEFAULT })
    }

    pub(super) async fn hear_agent(&self, request: HeartbeatRequest) -> Answer<HeartbeatResponse> {
        let now = self.clock.now();
        let mut transaction = self.store.write().await?;
        let stored = existing_cluster(&mut transaction, &request.cluster).await?;
        let epoch = transaction.epoch().await?;
        let mut errors = request.errors;
        errors.truncate(AGENT_ERRORS_MAX);
        let record = ClusterRecord { facts: request.facts, errors, heard_at: Some(now), ..stored };
        transaction.put_cluster(&record).await?;
        transaction.commit().await?;
        if let Some(refused) = request.epoch.and_then(|held| held.accept(&epoch).err()) {
            tracing::warn!(cluster = %record.id, reason = %refused, "an agent does not follow this hub");
        }
        Ok(HeartbeatResponse { epoch, server_time: now, next_after_seconds: HEARTBEAT_SECONDS_DEFAULT })
    }

    pub(super) async fn desired_state(
        &self,
        cluster: &ClusterId,
        since: Option<Epoch>,
        wait: Duration,
    ) -> Answer<Option<DesiredState>> {
        let deadline = Instant::now() + wait;
        let mut changes = self.waiters.subscribe(&cluster.key());
        loop {
            let state = self.current_state(cluster).await?;
            let Some(since) = &since else { return Ok(Some(state)) };
            since.accept(&state.epoch).map_err(refused)?;
            if changed_at(&state) > since.number {
                return Ok(Some(state));
            }
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return Ok(None),
                changed = changes.changed() => changed.expect("the sender lives as long as a receiver does"),
                () = tokio::time::sleep_until(deadline) => return Ok(None),
            }
        }
    }

    async fn current_state(&self, cluster: &ClusterId) -> Answer<DesiredState> {
        let mut transaction = self.store.read().await?;
        existing_cluster(&mut transaction, cluster).await?;
        let epoch = transaction.epoch().await?;
        let mut state = DesiredState { epoch, configurations: Vec::new(), tombstones: Vec::new() };
        for ConfigurationRecord { id, document, generation, deleting, .. } in
            transaction.configurations(cluster).await?
        {
            if deleting {
                state.tombstones.push(Tombstone { id, generation, namespace: document.namespace().to_owned() });
            } else {
                state.configurations.push(DesiredConfiguration { id, generation, properties: document });
            }
        }
        Ok(state)
    }

    pub(super) async fn record_status(&self, request: StatusRequest) -> Answer<StatusResponse> {
        let now = self.clock.now();
        let foreign = request.configurations.iter().find(|status| *status.id.cluster() != request.cluster);
        if let Some(status) = foreign {
            return Err(Failure::forbidden(format!("'{}' is not of cluster '{}'.", status.id, request.cluster)));
        }
        let mut response = StatusResponse::default();
        let mut transaction = self.store.write().await?;
        for status in request.configurations {
            match transaction.configuration(&status.id).await? {
                None => response.unknown.push(status.id),
                Some(stored) => match follow(stored, status, now) {
                    Followed::Gone(id) => transaction.remove_configuration(&id).await?,
                    Followed::Kept(record) => {
                        transaction
                            .put_configuration(&ConfigurationRecord { reported_at: Some(now), ..record })
                            .await?;
                    }
                    Followed::Stale => {}
                },
            }
        }
        transaction.commit().await?;
        Ok(response)
    }
}

enum Followed {
    Gone(thalweg_protocol::resource::ConfigurationId),
    Kept(ConfigurationRecord),
    Stale,
}

/// What a report makes of a record. A report of an earlier generation than the last one, or of one that never was, is
/// of no use; one that says "deleted" counts for a tombstone alone, and only for this one.
fn follow(stored: ConfigurationRecord, mut status: ConfigurationStatus, now: Timestamp) -> Followed {
    if status.source_updated_at.is_none() && status.source_synced_commit_id.is_some() {
        let known = stored.report.as_ref();
        let same = known.is_some_and(|known| known.source_synced_commit_id == status.source_synced_commit_id);
        status.source_updated_at = known.filter(|_| same).map_or(Some(now), |known| known.source_updated_at);
    }
    let earlier = stored.report.as_ref().is_some_and(|report| report.generation > status.generation);
    match status.outcome {
        _ if earlier || status.generation > stored.generation => Followed::Stale,
        Outcome::Deleted if stored.deleting && status.generation == stored.generation => Followed::Gone(stored.id),
        Outcome::Deleted => Followed::Stale,
        Outcome::Applied if stored.deleting && status.generation == stored.generation => Followed::Stale,
        Outcome::Applied | Outcome::Failed => Followed::Kept(ConfigurationRecord { report: Some(status), ..stored }),
    }
}

/// The epoch at which anything of this cluster changed last.
fn changed_at(state: &DesiredState) -> u64 {
    let documents = state.configurations.iter().map(|configuration| configuration.generation);
    documents.chain(state.tombstones.iter().map(|tombstone| tombstone.generation)).max().unwrap_or(0)
}

fn refused(refused: EpochRefused) -> Failure {
    Failure::new(409, code::EPOCH_REFUSED, format!("{refused}; the cluster keeps what it has."))
}
