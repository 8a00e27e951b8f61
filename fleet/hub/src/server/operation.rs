//! The list of everything that the hub serves. openapi.json in thalweg-protocol says the same, and a test compares them.

use axum::http::Method;
use thalweg_protocol::agent::{DESIRED_PATH, HEARTBEAT_PATH, REGISTER_PATH, STATUS_PATH};
use thalweg_protocol::version::ResourceType;

/// Which kind of caller an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Holders of a user's token.
    Users,
    /// Holders of a registration token.
    Registrants,
    /// Registered agents.
    Agents,
}

macro_rules! operations {
    ($($operation:ident $method:ident $path:expr;)*) => {
        /// One thing that the hub does on request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is the method and path beside it")]
        pub enum Operation { $($operation),* }

        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[$(Operation::$operation),*];

        impl Operation {
            /// The HTTP method.
            pub fn method(self) -> Method {
                match self { $(Self::$operation => Method::$method),* }
            }

            /// The path as ARM writes it; requests may use any case outside of names.
            pub fn path(self) -> &'static str {
                match self { $(Self::$operation => $path),* }
            }
        }
    };
}

const GROUPS: &str = "/subscriptions/{subscription}/resourceGroups";
const GROUP: &str = "/subscriptions/{subscription}/resourceGroups/{group}";
const SUBSCRIPTION_CLUSTERS: &str = "/subscriptions/{subscription}/providers/Microsoft.Kubernetes/connectedClusters";
const CLUSTERS: &str =
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters";
const CLUSTER: &str =
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/connectedClusters/{cluster}";
const CONFIGURATIONS: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes\
    /connectedClusters/{cluster}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations";
const CONFIGURATION: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes\
    /connectedClusters/{cluster}/providers/Microsoft.KubernetesConfiguration/fluxConfigurations/{configuration}";

operations! {
    ListResourceGroups GET GROUPS;
    PutResourceGroup PUT GROUP;
    GetResourceGroup GET GROUP;
    HeadResourceGroup HEAD GROUP;
    DeleteResourceGroup DELETE GROUP;
    ListSubscriptionClusters GET SUBSCRIPTION_CLUSTERS;
    ListClusters GET CLUSTERS;
    PutCluster PUT CLUSTER;
    GetCluster GET CLUSTER;
    DeleteCluster DELETE CLUSTER;
    ListConfigurations GET CONFIGURATIONS;
    PutConfiguration PUT CONFIGURATION;
    GetConfiguration GET CONFIGURATION;
    DeleteConfiguration DELETE CONFIGURATION;
    Register POST REGISTER_PATH;
    Heartbeat POST HEARTBEAT_PATH;
    Desired GET DESIRED_PATH;
    Status POST STATUS_PATH;
}

impl Operation {
    /// Which kind of caller it is for.
    pub fn audience(self) -> Audience {
        match self {
            Self::Register => Audience::Registrants,
            Self::Heartbeat | Self::Desired | Self::Status => Audience::Agents,
            _ => Audience::Users,
        }
    }

    /// The type whose api-versions it takes; none for the agents' routes.
    pub fn resource_type(self) -> Option<ResourceType> {
        match self {
            Self::ListResourceGroups
            | Self::PutResourceGroup
            | Self::GetResourceGroup
            | Self::HeadResourceGroup
            | Self::DeleteResourceGroup => Some(ResourceType::ResourceGroup),
            Self::ListSubscriptionClusters
            | Self::ListClusters
            | Self::PutCluster
            | Self::GetCluster
            | Self::DeleteCluster => Some(ResourceType::ConnectedCluster),
            Self::ListConfigurations | Self::PutConfiguration | Self::GetConfiguration | Self::DeleteConfiguration => {
                Some(ResourceType::FluxConfiguration)
            }
            Self::Register | Self::Heartbeat | Self::Desired | Self::Status => None,
        }
    }

    /// Bytes of a request's body at most.
    pub fn body_bytes_max(self) -> usize {
        match self {
            Self::Status => 8 << 20,
            Self::PutConfiguration | Self::PutCluster => 1 << 20,
            _ => 64 << 10,
        }
    }
}
