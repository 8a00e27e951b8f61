//! Connected clusters.

use jiff::Timestamp;
use serde_json::{Value, json};
use thalweg_protocol::cluster::{
    ConnectedCluster, ConnectedClusterProperties, ConnectedClusterRequest, ConnectivityStatus, READ_ONLY,
};
use thalweg_protocol::configuration::secret_fields;
use thalweg_protocol::resource::ClusterId;
use thalweg_protocol::version::ResourceType;
use thalweg_protocol::{ErrorBody, SystemData, code};

use super::groups::{required_location, same_location};
use super::{Hub, existing_cluster, existing_group};
use crate::api::{Answer, Failure, Put, Removed, User};
use crate::store::{ClusterRecord, Within};

impl Hub {
    pub(super) async fn put_connected_cluster(
        &self,
        user: &User,
        id: ClusterId,
        request: ConnectedClusterRequest,
    ) -> Answer<Put<ConnectedCluster>> {
        let document = accept(request)?;
        let now = self.clock.now();
        let mut transaction = self.store.write().await?;
        existing_group(&mut transaction, id.group()).await?;
        let stored = transaction.cluster(&id).await?;
        let created = stored.is_none();
        let record = match stored {
            Some(stored) if !same_location(&stored.document.location, &document.location) => {
                return Err(Failure::new(
                    409,
                    code::INVALID_RESOURCE_LOCATION,
                    format!(
                        "The resource '{}' already exists in location '{}'; it cannot be moved to '{}'.",
                        stored.id.name(),
                        stored.document.location,
                        document.location
                    ),
                ));
            }
            Some(stored) => ClusterRecord {
                system_data: stored.system_data.clone().modified(&user.name, "User", now),
                document: ConnectedClusterRequest { location: stored.document.location.clone(), ..document },
                ..stored
            },
            None => ClusterRecord {
                id,
                document,
                system_data: SystemData::created(&user.name, "User", now),
                facts: Default::default(),
                errors: Vec::new(),
                heard_at: None,
            },
        };
        transaction.put_cluster(&record).await?;
        transaction.commit().await?;
        let view = view(record, now);
        Ok(if created { Put::Created(view) } else { Put::Replaced(view) })
    }

    pub(super) async fn get_cluster(&self, id: &ClusterId) -> Answer<ConnectedCluster> {
        let record = existing_cluster(&mut self.store.read().await?, id).await?;
        Ok(view(record, self.clock.now()))
    }

    pub(super) async fn list_clusters(&self, within: &Within) -> Answer<Vec<ConnectedCluster>> {
        let mut transaction = self.store.read().await?;
        if let Within::Group(group) = within {
            existing_group(&mut transaction, group).await?;
        }
        let now = self.clock.now();
        Ok(transaction.clusters(within).await?.into_iter().map(|record| view(record, now)).collect())
    }

    pub(super) async fn remove_cluster(&self, id: &ClusterId) -> Answer<Removed> {
        let mut transaction = self.store.write().await?;
        if transaction.cluster(id).await?.is_none() {
            return Ok(Removed::Absent);
        }
        transaction.remove_cluster(id).await?;
        transaction.commit().await?;
        self.waiters.wake(&id.key());
        Ok(Removed::Now)
    }
}

/// What is stored of a PUT: secrets refused by name, read-only properties left out.
fn accept(mut request: ConnectedClusterRequest) -> Answer<ConnectedClusterRequest> {
    request.location = required_location(&request.location)?;
    let body = json!({ "properties": request.properties, "identity": request.identity });
    let secrets = secret_fields(&body);
    if !secrets.is_empty() {
        let error = ErrorBody {
            target: secrets.first().cloned(),
            ..ErrorBody::new(
                code::SECRETS_NOT_SUPPORTED,
                format!("{} cannot be accepted: this hub keeps no secrets yet.", secrets.join(", ")),
            )
        };
        return Err(Failure::of(400, error));
    }
    request.properties.retain(|name, value| {
        !value.is_null() && !READ_ONLY.iter().any(|read_only| read_only.eq_ignore_ascii_case(name))
    });
    Ok(request)
}

fn view(record: ClusterRecord, now: Timestamp) -> ConnectedCluster {
    let ClusterRecord { id, document, system_data, facts, errors, heard_at } = record;
    let ConnectedClusterRequest { location, tags, identity, kind, properties: mut owner } = document;
    for (name, default) in
        [("agentPublicKeyCertificate", ""), ("privateLinkState", "Disabled"), ("azureHybridBenefit", "NotApplicable")]
    {
        owner.entry(name).or_insert_with(|| Value::from(default));
    }
    if !errors.is_empty() {
        let profile = owner.entry("arcAgentProfile").or_insert_with(|| json!({}));
        if let Some(profile) = profile.as_object_mut() {
            profile.insert("agentErrors".to_owned(), json!(errors));
        }
    }
    ConnectedCluster {
        name: id.name().to_owned(),
        id,
        resource_type: ResourceType::ConnectedCluster.name().to_owned(),
        location,
        tags: tags.unwrap_or_default(),
        identity: identity.unwrap_or_else(|| json!({"type": "None"})),
        kind,
        properties: ConnectedClusterProperties {
            connectivity_status: ConnectivityStatus::at(now, heard_at),
            last_connectivity_time: heard_at,
            provisioning_state: "Succeeded".to_owned(),
            agent_version: facts.agent_version,
            kubernetes_version: facts.kubernetes_version,
            total_node_count: facts.total_node_count,
            total_core_count: facts.total_core_count,
            owner,
        },
        system_data,
    }
}
