//! What the hub can do, apart from how it is served and stored.
//!
//! Every method gets a caller that is known and allowed: [`crate::server`] asks [`Api::authenticate`] first and lets no
//! kind of caller reach another kind's routes.

use std::future::Future;
use std::time::Duration;

use thalweg_protocol::agent::{
    DesiredState, Epoch, HeartbeatRequest, HeartbeatResponse, RegisterRequest, RegisterResponse, StatusRequest,
    StatusResponse,
};
use thalweg_protocol::cluster::{ConnectedCluster, ConnectedClusterRequest};
use thalweg_protocol::configuration::{Desired, FluxConfiguration};
use thalweg_protocol::group::{ResourceGroup, ResourceGroupRequest};
use thalweg_protocol::resource::{ClusterId, ConfigurationId, ResourceGroupId};
use thalweg_protocol::{ErrorBody, code};

use crate::store::StoreError;
pub use crate::store::Within;

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A user, by name.
    User(User),
    /// The holder of a registration token, used or not.
    Registrant(Registrant),
    /// The agent of a cluster.
    Agent(ClusterId),
}

/// A user of the ARM routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// As in `systemData`.
    pub name: String,
}

/// The holder of a registration token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registrant {
    /// Digest of the token.
    pub token_sha256: String,
    /// The cluster that the token is for.
    pub cluster: ClusterId,
}

/// The outcome of a PUT.
#[derive(Clone, Debug, PartialEq)]
pub enum Put<T> {
    /// It was not there: 201.
    Created(T),
    /// It was: 200.
    Replaced(T),
}

/// The outcome of a DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone: 200.
    Now,
    /// It goes when the agent says so: 202.
    Underway,
    /// It was not there: 204.
    Absent,
}

/// Why a request is not answered with what it asks for.
#[derive(Debug, thiserror::Error)]
#[error("{status} {}: {}", error.code, error.message)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// What the caller is told.
    pub error: ErrorBody,
    /// What only the log is told.
    #[source]
    pub cause: Option<StoreError>,
}

impl Failure {
    /// A failure that the caller is told all about.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::of(status, ErrorBody::new(code, message))
    }

    /// A failure with a ready error.
    pub fn of(status: u16, error: ErrorBody) -> Self {
        Self { status, error, cause: None }
    }

    /// 401, the same for every reason.
    pub fn unauthenticated() -> Self {
        Self::new(401, code::AUTHENTICATION_FAILED, "Authentication failed: a valid bearer token is required.")
    }

    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, code::AUTHORIZATION_FAILED, message)
    }
}

impl From<StoreError> for Failure {
    fn from(cause: StoreError) -> Self {
        let error = ErrorBody::new(code::INTERNAL_SERVER_ERROR, "The hub could not do this. Its log says why.");
        Self { status: 500, error, cause: Some(cause) }
    }
}

/// The result of every method.
pub type Answer<T> = Result<T, Failure>;

/// What the hub can do.
pub trait Api: Send + Sync + 'static {
    /// Who holds this bearer token. A token that is unknown is a failure of 401.
    fn authenticate(&self, token: &str) -> impl Future<Output = Answer<Caller>> + Send;

    /// Makes or replaces a resource group.
    fn put_resource_group(
        &self,
        id: ResourceGroupId,
        request: ResourceGroupRequest,
    ) -> impl Future<Output = Answer<Put<ResourceGroup>>> + Send;
    /// One resource group.
    fn resource_group(&self, id: &ResourceGroupId) -> impl Future<Output = Answer<ResourceGroup>> + Send;
    /// The resource groups of a subscription, by its key.
    fn resource_groups(&self, subscription_key: &str) -> impl Future<Output = Answer<Vec<ResourceGroup>>> + Send;
    /// Removes a resource group that holds nothing.
    fn delete_resource_group(&self, id: &ResourceGroupId) -> impl Future<Output = Answer<Removed>> + Send;

    /// Makes or replaces a connected cluster.
    fn put_cluster(
        &self,
        user: &User,
        id: ClusterId,
        request: ConnectedClusterRequest,
    ) -> impl Future<Output = Answer<Put<ConnectedCluster>>> + Send;
    /// One connected cluster.
    fn cluster(&self, id: &ClusterId) -> impl Future<Output = Answer<ConnectedCluster>> + Send;
    /// The connected clusters of a group or subscription.
    fn clusters(&self, within: &Within) -> impl Future<Output = Answer<Vec<ConnectedCluster>>> + Send;
    /// Forgets a connected cluster, its configurations and its agent. What is in the cluster stays.
    fn delete_cluster(&self, id: &ClusterId) -> impl Future<Output = Answer<Removed>> + Send;

    /// Makes or replaces a Flux configuration.
    fn put_configuration(
        &self,
        user: &User,
        id: ConfigurationId,
        desired: Desired,
    ) -> impl Future<Output = Answer<Put<FluxConfiguration>>> + Send;
    /// One Flux configuration.
    fn configuration(&self, id: &ConfigurationId) -> impl Future<Output = Answer<FluxConfiguration>> + Send;
    /// The Flux configurations of a cluster.
    fn configurations(&self, cluster: &ClusterId) -> impl Future<Output = Answer<Vec<FluxConfiguration>>> + Send;
    /// Turns a Flux configuration into a tombstone, or with `force` forgets it and leaves its object in the cluster.
    fn delete_configuration(
        &self,
        user: &User,
        id: &ConfigurationId,
        force: bool,
    ) -> impl Future<Output = Answer<Removed>> + Send;

    /// Binds an agent to the cluster that the token is for, and spends the token.
    fn register(
        &self,
        registrant: &Registrant,
        request: RegisterRequest,
    ) -> impl Future<Output = Answer<RegisterResponse>> + Send;
    /// Records that the agent of the cluster is alive, and what it says of the cluster.
    fn heartbeat(&self, request: HeartbeatRequest) -> impl Future<Output = Answer<HeartbeatResponse>> + Send;
    /// All that is desired of the cluster; with `since`, none if nothing changed since then within `wait`.
    fn desired(
        &self,
        cluster: &ClusterId,
        since: Option<Epoch>,
        wait: Duration,
    ) -> impl Future<Output = Answer<Option<DesiredState>>> + Send;
    /// Records what became of the cluster's configurations.
    fn status(&self, request: StatusRequest) -> impl Future<Output = Answer<StatusResponse>> + Send;
}
