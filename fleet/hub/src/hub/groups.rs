//! Resource groups.

use thalweg_protocol::code;
use thalweg_protocol::group::{ResourceGroup, ResourceGroupProperties, ResourceGroupRequest};
use thalweg_protocol::resource::ResourceGroupId;
use thalweg_protocol::version::ResourceType;

use super::{Hub, existing_group};
use crate::api::{Answer, Failure, Put, Removed};
use crate::store::{GroupRecord, Within};

impl Hub {
    pub(super) async fn put_group(
        &self,
        id: ResourceGroupId,
        request: ResourceGroupRequest,
    ) -> Answer<Put<ResourceGroup>> {
        let location = required_location(&request.location)?;
        let tags = request.tags.unwrap_or_default();
        let mut transaction = self.store.write().await?;
        let put = match transaction.group(&id).await? {
            Some(stored) if !same_location(&stored.location, &location) => {
                return Err(Failure::new(
                    409,
                    code::INVALID_RESOURCE_GROUP_LOCATION,
                    format!(
                        "Resource group '{}' is in location '{}'; it cannot be moved to '{location}'.",
                        stored.id.name(),
                        stored.location
                    ),
                ));
            }
            Some(stored) => Put::Replaced(GroupRecord { tags, ..stored }),
            None => Put::Created(GroupRecord { id, location, tags }),
        };
        let (Put::Created(record) | Put::Replaced(record)) = &put;
        transaction.put_group(record).await?;
        transaction.commit().await?;
        Ok(match put {
            Put::Created(record) => Put::Created(view(record)),
            Put::Replaced(record) => Put::Replaced(view(record)),
        })
    }

    pub(super) async fn get_group(&self, id: &ResourceGroupId) -> Answer<ResourceGroup> {
        Ok(view(existing_group(&mut self.store.read().await?, id).await?))
    }

    pub(super) async fn list_groups(&self, subscription_key: &str) -> Answer<Vec<ResourceGroup>> {
        let groups = self.store.read().await?.groups(subscription_key).await?;
        Ok(groups.into_iter().map(view).collect())
    }

    pub(super) async fn remove_group(&self, id: &ResourceGroupId) -> Answer<Removed> {
        let mut transaction = self.store.write().await?;
        if transaction.group(id).await?.is_none() {
            return Ok(Removed::Absent);
        }
        let clusters = transaction.clusters(&Within::Group(id.clone())).await?;
        if let Some(cluster) = clusters.first() {
            return Err(Failure::new(
                409,
                code::RESOURCE_GROUP_NOT_EMPTY,
                format!(
                    "Resource group '{}' still holds {} connected clusters, such as '{}'. Delete them first.",
                    id.name(),
                    clusters.len(),
                    cluster.id.name()
                ),
            ));
        }
        transaction.remove_group(id).await?;
        transaction.commit().await?;
        Ok(Removed::Now)
    }
}

/// The location, which a new resource must have.
pub(super) fn required_location(location: &str) -> Answer<String> {
    match location.trim() {
        "" => {
            let error = thalweg_protocol::ErrorBody {
                target: Some("location".to_owned()),
                ..thalweg_protocol::ErrorBody::new(code::INVALID_REQUEST_CONTENT, "location is required")
            };
            Err(Failure::of(400, error))
        }
        location => Ok(location.to_owned()),
    }
}

/// `East US` and `eastus` are the same place.
pub(super) fn same_location(one: &str, other: &str) -> bool {
    let plain = |location: &str| location.replace(' ', "").to_ascii_lowercase();
    plain(one) == plain(other)
}

fn view(record: GroupRecord) -> ResourceGroup {
    ResourceGroup {
        name: record.id.name().to_owned(),
        id: record.id,
        kind: ResourceType::ResourceGroup.name().to_owned(),
        location: record.location,
        tags: record.tags,
        properties: ResourceGroupProperties { provisioning_state: "Succeeded".to_owned() },
    }
}
