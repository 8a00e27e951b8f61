//! The hub itself: what each call means, over the store.
//!
//! A change of desired state is one transaction that counts the epoch up, then a wake of the agent that waits for it. What
//! is computed (connectivity, provisioning and compliance state, defaults) is computed on read and never stored.

mod agents;
mod clusters;
mod configurations;
mod groups;
mod waiters;

use std::future::Future;
use std::time::Duration;

use thalweg_protocol::agent::{
    DesiredState, Epoch, HeartbeatRequest, HeartbeatResponse, RegisterRequest, RegisterResponse, StatusRequest,
    StatusResponse,
};
use thalweg_protocol::cluster::{ConnectedCluster, ConnectedClusterRequest};
use thalweg_protocol::code;
use thalweg_protocol::configuration::{Desired, FluxConfiguration};
use thalweg_protocol::group::{ResourceGroup, ResourceGroupRequest};
use thalweg_protocol::resource::{ClusterId, ConfigurationId, ResourceGroupId};
use tokio_util::sync::CancellationToken;

use crate::api::{Answer, Api, Caller, Failure, Put, Registrant, Removed, User};
use crate::clock::Clock;
use crate::store::{ClusterRecord, Credential, GroupRecord, Store, Transaction, Within};
use crate::token;
use waiters::Waiters;

/// The hub over one store.
#[derive(Debug)]
pub struct Hub {
    store: Store,
    clock: Clock,
    waiters: Waiters,
    closing: CancellationToken,
}

impl Hub {
    /// A hub that answers waiting agents at once when `closing` is cancelled.
    pub fn new(store: Store, clock: Clock, closing: CancellationToken) -> Self {
        Self { store, clock, waiters: Waiters::default(), closing }
    }

    async fn who(&self, token: &str) -> Answer<Caller> {
        let sha256 = token::digest(token);
        match self.store.read().await?.credential(&sha256).await? {
            None => Err(Failure::unauthenticated()),
            Some(Credential::User { name }) => Ok(Caller::User(User { name })),
            Some(Credential::Registration { cluster, .. }) => {
                Ok(Caller::Registrant(Registrant { token_sha256: sha256, cluster }))
            }
            Some(Credential::Agent { cluster }) => Ok(Caller::Agent(cluster)),
        }
    }
}

/// The group, which must exist.
async fn existing_group(transaction: &mut Transaction, id: &ResourceGroupId) -> Answer<GroupRecord> {
    transaction.group(id).await?.ok_or_else(|| {
        Failure::new(404, code::RESOURCE_GROUP_NOT_FOUND, format!("Resource group '{}' could not be found.", id.name()))
    })
}

/// The cluster, which must exist, and its group.
async fn existing_cluster(transaction: &mut Transaction, id: &ClusterId) -> Answer<ClusterRecord> {
    existing_group(transaction, id.group()).await?;
    transaction.cluster(id).await?.ok_or_else(|| {
        Failure::new(
            404,
            code::RESOURCE_NOT_FOUND,
            format!(
                "The Resource 'Microsoft.Kubernetes/connectedClusters/{}' under resource group '{}' was not found.",
                id.name(),
                id.group().name()
            ),
        )
    })
}

impl Api for Hub {
    fn authenticate(&self, token: &str) -> impl Future<Output = Answer<Caller>> + Send {
        self.who(token)
    }

    fn put_resource_group(
        &self,
        id: ResourceGroupId,
        request: ResourceGroupRequest,
    ) -> impl Future<Output = Answer<Put<ResourceGroup>>> + Send {
        self.put_group(id, request)
    }

    fn resource_group(&self, id: &ResourceGroupId) -> impl Future<Output = Answer<ResourceGroup>> + Send {
        self.get_group(id)
    }

    fn resource_groups(&self, subscription_key: &str) -> impl Future<Output = Answer<Vec<ResourceGroup>>> + Send {
        self.list_groups(subscription_key)
    }

    fn delete_resource_group(&self, id: &ResourceGroupId) -> impl Future<Output = Answer<Removed>> + Send {
        self.remove_group(id)
    }

    fn put_cluster(
        &self,
        user: &User,
        id: ClusterId,
        request: ConnectedClusterRequest,
    ) -> impl Future<Output = Answer<Put<ConnectedCluster>>> + Send {
        self.put_connected_cluster(user, id, request)
    }

    fn cluster(&self, id: &ClusterId) -> impl Future<Output = Answer<ConnectedCluster>> + Send {
        self.get_cluster(id)
    }

    fn clusters(&self, within: &Within) -> impl Future<Output = Answer<Vec<ConnectedCluster>>> + Send {
        self.list_clusters(within)
    }

    fn delete_cluster(&self, id: &ClusterId) -> impl Future<Output = Answer<Removed>> + Send {
        self.remove_cluster(id)
    }

    fn put_configuration(
        &self,
        user: &User,
        id: ConfigurationId,
        desired: Desired,
    ) -> impl Future<Output = Answer<Put<FluxConfiguration>>> + Send {
        self.put_flux_configuration(user, id, desired)
    }

    fn configuration(&self, id: &ConfigurationId) -> impl Future<Output = Answer<FluxConfiguration>> + Send {
        self.get_configuration(id)
    }

    fn configurations(&self, cluster: &ClusterId) -> impl Future<Output = Answer<Vec<FluxConfiguration>>> + Send {
        self.list_configurations(cluster)
    }

    fn delete_configuration(
        &self,
        user: &User,
        id: &ConfigurationId,
        force: bool,
    ) -> impl Future<Output = Answer<Removed>> + Send {
        self.remove_configuration(user, id, force)
    }

    fn register(
        &self,
        registrant: &Registrant,
        request: RegisterRequest,
    ) -> impl Future<Output = Answer<RegisterResponse>> + Send {
        self.register_agent(registrant, request)
    }

    fn heartbeat(&self, request: HeartbeatRequest) -> impl Future<Output = Answer<HeartbeatResponse>> + Send {
        self.hear_agent(request)
    }

    fn desired(
        &self,
        cluster: &ClusterId,
        since: Option<Epoch>,
        wait: Duration,
    ) -> impl Future<Output = Answer<Option<DesiredState>>> + Send {
        self.desired_state(cluster, since, wait)
    }

    fn status(&self, request: StatusRequest) -> impl Future<Output = Answer<StatusResponse>> + Send {
        self.record_status(request)
    }
}
