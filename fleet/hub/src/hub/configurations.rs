//! Flux configurations: documents, tombstones, and the state that is read from the agent's last report.

use thalweg_protocol::SystemData;
use thalweg_protocol::agent::Outcome;
use thalweg_protocol::code;
use thalweg_protocol::configuration::{
    ComplianceState, Desired, FluxConfiguration, FluxConfigurationProperties, Observed, ProvisioningState,
    unchanged_create_only,
};
use thalweg_protocol::resource::{ClusterId, ConfigurationId};
use thalweg_protocol::version::ResourceType;

use super::{Hub, existing_cluster};
use crate::api::{Answer, Failure, Put, Removed, User};
use crate::store::ConfigurationRecord;

/// Flux configurations of one cluster at most.
const CONFIGURATIONS_MAX: usize = 500;

impl Hub {
    pub(super) async fn put_flux_configuration(
        &self,
        user: &User,
        id: ConfigurationId,
        desired: Desired,
    ) -> Answer<Put<FluxConfiguration>> {
        let now = self.clock.now();
        let mut transaction = self.store.write().await?;
        let cluster = existing_cluster(&mut transaction, id.cluster()).await?;
        let put = match transaction.configuration(&id).await? {
            None => {
                if transaction.configurations(id.cluster()).await?.len() >= CONFIGURATIONS_MAX {
                    return Err(Failure::new(
                        409,
                        code::CONFLICT,
                        format!("Cluster '{}' already has {CONFIGURATIONS_MAX} configurations.", cluster.id.name()),
                    ));
                }
                let generation = transaction.next_epoch().await?.number;
                let id = cluster
                    .id
                    .configuration(id.name())
                    .map_err(|invalid| Failure::new(400, code::INVALID_RESOURCE_NAME, invalid.to_string()))?;
                Put::Created(ConfigurationRecord {
                    id,
                    document: desired,
                    system_data: SystemData::created(&user.name, "User", now),
                    first_generation: generation,
                    generation,
                    deleting: false,
                    report: None,
                    reported_at: None,
                })
            }
            Some(stored) if stored.deleting => {
                return Err(Failure::new(
                    409,
                    code::CONFLICT,
                    format!(
                        "Flux configuration '{}' is being deleted. Wait until it is gone, or delete it with \
                         forceDelete=true.",
                        stored.id.name()
                    ),
                ));
            }
            Some(stored) => {
                unchanged_create_only(&stored.document, &desired).map_err(|changed| Failure::of(400, changed.0))?;
                // The same document again is a change only where the last attempt failed: then it is a retry.
                let generation = if stored.document == desired && provisioning(&stored) != ProvisioningState::Failed {
                    stored.generation
                } else {
                    transaction.next_epoch().await?.number
                };
                Put::Replaced(ConfigurationRecord {
                    document: desired,
                    system_data: stored.system_data.clone().modified(&user.name, "User", now),
                    generation,
                    ..stored
                })
            }
        };
        let (Put::Created(record) | Put::Replaced(record)) = &put;
        transaction.put_configuration(record).await?;
        transaction.commit().await?;
        self.waiters.wake(&id.cluster().key());
        Ok(match put {
            Put::Created(record) => Put::Created(view(record)),
            Put::Replaced(record) => Put::Replaced(view(record)),
        })
    }

    pub(super) async fn get_configuration(&self, id: &ConfigurationId) -> Answer<FluxConfiguration> {
        let mut transaction = self.store.read().await?;
        existing_cluster(&mut transaction, id.cluster()).await?;
        transaction.configuration(id).await?.map(view).ok_or_else(|| {
            Failure::new(
                404,
                code::RESOURCE_NOT_FOUND,
                format!(
                    "The Resource 'Microsoft.KubernetesConfiguration/fluxConfigurations/{}' of cluster '{}' was not \
                     found.",
                    id.name(),
                    id.cluster().name()
                ),
            )
        })
    }

    pub(super) async fn list_configurations(&self, cluster: &ClusterId) -> Answer<Vec<FluxConfiguration>> {
        let mut transaction = self.store.read().await?;
        existing_cluster(&mut transaction, cluster).await?;
        Ok(transaction.configurations(cluster).await?.into_iter().map(view).collect())
    }

    pub(super) async fn remove_configuration(&self, user: &User, id: &ConfigurationId, force: bool) -> Answer<Removed> {
        let mut transaction = self.store.write().await?;
        let Some(stored) = transaction.configuration(id).await? else { return Ok(Removed::Absent) };
        let never_pulled = transaction.cluster(id.cluster()).await?.is_some_and(|cluster| cluster.heard_at.is_none());
        if force || never_pulled {
            transaction.remove_configuration(id).await?;
            transaction.commit().await?;
            return Ok(Removed::Now);
        }
        if !stored.deleting {
            let generation = transaction.next_epoch().await?.number;
            let record = ConfigurationRecord {
                deleting: true,
                generation,
                system_data: stored.system_data.clone().modified(&user.name, "User", self.clock.now()),
                ..stored
            };
            transaction.put_configuration(&record).await?;
            transaction.commit().await?;
            self.waiters.wake(&id.cluster().key());
        }
        Ok(Removed::Underway)
    }
}

/// What a GET answers of a record.
fn view(record: ConfigurationRecord) -> FluxConfiguration {
    let provisioning_state = provisioning(&record);
    let current = record.report.as_ref().is_some_and(|report| report.generation == record.generation);
    let compliance_state = match &record.report {
        None => ComplianceState::Unknown,
        Some(_) if !current => ComplianceState::Pending,
        Some(report) => report.compliance_state,
    };
    let report = record.report;
    let observed = Observed {
        provisioning_state,
        error_message: report.as_ref().filter(|_| current).and_then(|report| report.error_message.clone()),
        compliance_state,
        source_synced_commit_id: report.as_ref().and_then(|report| report.source_synced_commit_id.clone()),
        source_updated_at: report.as_ref().and_then(|report| report.source_updated_at),
        statuses: report.map(|report| report.statuses).unwrap_or_default(),
        status_updated_at: record.reported_at,
    };
    FluxConfiguration {
        name: record.id.name().to_owned(),
        id: record.id,
        kind: ResourceType::FluxConfiguration.name().to_owned(),
        properties: FluxConfigurationProperties { observed, desired: record.document.with_defaults() },
        system_data: record.system_data,
    }
}

fn provisioning(record: &ConfigurationRecord) -> ProvisioningState {
    let outcome =
        record.report.as_ref().filter(|report| report.generation == record.generation).map(|report| report.outcome);
    match outcome {
        _ if record.deleting => ProvisioningState::Deleting,
        Some(Outcome::Applied) => ProvisioningState::Succeeded,
        Some(Outcome::Failed) => ProvisioningState::Failed,
        Some(Outcome::Deleted) | None if record.generation == record.first_generation => ProvisioningState::Creating,
        Some(Outcome::Deleted) | None => ProvisioningState::Updating,
    }
}
