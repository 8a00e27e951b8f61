//! One request, from its token to its reply: authenticate, authorise, check version and names, read the body, call.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thalweg_protocol::agent::{Epoch, HeartbeatRequest, StatusRequest, WAIT_SECONDS_MAX};
use thalweg_protocol::resource::{ClusterId, ConfigurationId, InvalidId, ResourceGroupId, subscription_key};
use thalweg_protocol::{ErrorBody, List, code, configuration};

use super::operation::{Audience, Operation};
use super::query::Query;
use crate::api::{Api, Caller, Failure, Put, Removed, User, Within};
use crate::token;

/// How long a caller may take to send its body.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// Query parameters of ARM that would change what a list answers.
const UNSUPPORTED_PARAMETERS: &[&str] = &["$filter", "$top", "$skiptoken", "$expand", "$orderby", "$select", "$skip"];

/// What is answered when all went well.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// JSON.
    pub(super) body: Option<Vec<u8>>,
}

/// Who sends the request, by its bearer token.
pub(super) async fn authenticate<A: Api>(api: &A, headers: &HeaderMap) -> Result<Caller, Failure> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (given.next(), given.next()) {
        (Some(value), None) => value.to_str().ok().and_then(token::bearer),
        _ => None,
    };
    api.authenticate(token.ok_or_else(Failure::unauthenticated)?).await
}

/// Does what the request asks for, if its sender may ask for it.
pub(super) async fn perform<A: Api>(
    api: &A,
    operation: Operation,
    names: BTreeMap<String, String>,
    request: Request,
) -> Result<Reply, Failure> {
    let caller = authenticate(api, request.headers()).await?;
    let (head, body) = request.into_parts();
    let query = Query::of(&head.uri);
    let body = Incoming { operation, body };
    match (operation.audience(), caller) {
        (Audience::Users, Caller::User(user)) => arm(api, operation, &user, &Names(names), &query, body).await,
        (Audience::Registrants, Caller::Registrant(registrant)) => {
            ok(api.register(&registrant, body.typed().await?).await?)
        }
        (Audience::Agents, Caller::Agent(cluster)) => agent(api, operation, &cluster, &query, body).await,
        (Audience::Users, _) => Err(Failure::forbidden("An agent's credential does not reach the ARM API.")),
        (Audience::Registrants, _) => {
            Err(Failure::forbidden("Only a cluster's registration token registers an agent."))
        }
        (Audience::Agents, _) => Err(Failure::forbidden("Only a registered agent's credential reaches this route.")),
    }
}

async fn arm<A: Api>(
    api: &A,
    operation: Operation,
    user: &User,
    names: &Names,
    query: &Query,
    body: Incoming,
) -> Result<Reply, Failure> {
    if let Some(of) = operation.resource_type() {
        of.accept(query.get("api-version")).map_err(|error| Failure::of(400, error))?;
    }
    if let Some(name) = query.first_of(UNSUPPORTED_PARAMETERS) {
        let error = ErrorBody {
            target: Some(name.to_owned()),
            ..ErrorBody::new(code::NOT_SUPPORTED, format!("The query parameter {name} is not supported yet."))
        };
        return Err(Failure::of(400, error));
    }
    match operation {
        Operation::ListResourceGroups => ok(List::from(api.resource_groups(&names.subscription()?).await?)),
        Operation::PutResourceGroup => put(api.put_resource_group(names.group()?, body.typed().await?).await?),
        Operation::GetResourceGroup => ok(api.resource_group(&names.group()?).await?),
        Operation::HeadResourceGroup => {
            api.resource_group(&names.group()?).await?;
            Ok(Reply { status: StatusCode::NO_CONTENT, body: None })
        }
        Operation::DeleteResourceGroup => Ok(removed(api.delete_resource_group(&names.group()?).await?)),
        Operation::ListSubscriptionClusters => {
            ok(List::from(api.clusters(&Within::Subscription(names.subscription()?)).await?))
        }
        Operation::ListClusters => ok(List::from(api.clusters(&Within::Group(names.group()?)).await?)),
        Operation::PutCluster => put(api.put_cluster(user, names.cluster()?, body.typed().await?).await?),
        Operation::GetCluster => ok(api.cluster(&names.cluster()?).await?),
        Operation::DeleteCluster => Ok(removed(api.delete_cluster(&names.cluster()?).await?)),
        Operation::ListConfigurations => ok(List::from(api.configurations(&names.cluster()?).await?)),
        Operation::PutConfiguration => {
            let id = names.configuration()?;
            let body: Value = body.typed().await?;
            let desired = configuration::accept(id.name(), &body).map_err(|error| Failure::of(400, error))?;
            put(api.put_configuration(user, id, desired).await?)
        }
        Operation::GetConfiguration => ok(api.configuration(&names.configuration()?).await?),
        Operation::DeleteConfiguration => {
            let force = query.get("forceDelete").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            Ok(removed(api.delete_configuration(user, &names.configuration()?, force).await?))
        }
        Operation::Register | Operation::Heartbeat | Operation::Desired | Operation::Status => {
            Err(Failure::forbidden("This route is not for users."))
        }
    }
}

/// The agents' routes. Each names the cluster that it is meant for, which must be the one that the credential is bound to.
async fn agent<A: Api>(
    api: &A,
    operation: Operation,
    bound: &ClusterId,
    query: &Query,
    body: Incoming,
) -> Result<Reply, Failure> {
    let meant = |cluster: &ClusterId| {
        if cluster == bound { Ok(()) } else { Err(Failure::forbidden("This credential is bound to another cluster.")) }
    };
    match operation {
        Operation::Heartbeat => {
            let request: HeartbeatRequest = body.typed().await?;
            meant(&request.cluster)?;
            ok(api.heartbeat(request).await?)
        }
        Operation::Status => {
            let request: StatusRequest = body.typed().await?;
            meant(&request.cluster)?;
            ok(api.status(request).await?)
        }
        Operation::Desired => {
            let cluster: ClusterId = query.required("cluster")?;
            meant(&cluster)?;
            let since: Option<Epoch> = query.parsed("since")?;
            let seconds: u64 = query.parsed("wait")?.unwrap_or(0);
            let wait = Duration::from_secs(seconds.min(WAIT_SECONDS_MAX));
            match api.desired(&cluster, since, wait).await? {
                Some(state) => ok(state),
                None => Ok(Reply { status: StatusCode::NOT_MODIFIED, body: None }),
            }
        }
        _ => Err(Failure::forbidden("This route is not for agents.")),
    }
}

fn ok(body: impl Serialize) -> Result<Reply, Failure> {
    Ok(reply(StatusCode::OK, body))
}

fn put<T: Serialize>(put: Put<T>) -> Result<Reply, Failure> {
    Ok(match put {
        Put::Created(body) => reply(StatusCode::CREATED, body),
        Put::Replaced(body) => reply(StatusCode::OK, body),
    })
}

fn removed(removed: Removed) -> Reply {
    let status = match removed {
        Removed::Now => StatusCode::OK,
        Removed::Underway => StatusCode::ACCEPTED,
        Removed::Absent => StatusCode::NO_CONTENT,
    };
    Reply { status, body: None }
}

fn reply(status: StatusCode, body: impl Serialize) -> Reply {
    let body = serde_json::to_vec(&body).expect("documents are maps with text keys");
    Reply { status, body: Some(body) }
}

/// A body that is not read yet.
struct Incoming {
    operation: Operation,
    body: Body,
}

impl Incoming {
    /// The body as JSON of the wanted shape.
    async fn typed<T: DeserializeOwned>(self) -> Result<T, Failure> {
        let bytes_max = self.operation.body_bytes_max();
        let reading = axum::body::to_bytes(self.body, bytes_max);
        let bytes = match tokio::time::timeout(BODY_TIME_MAX, reading).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => {
                return Err(Failure::new(
                    413,
                    code::REQUEST_CONTENT_TOO_LARGE,
                    format!("The body is larger than the {bytes_max} bytes that this route takes."),
                ));
            }
            Err(_) => return Err(Failure::new(408, code::REQUEST_TIMEOUT, "The body did not arrive in time.")),
        };
        // Only the place is told: the parser's own words may repeat a value, and that may be a secret in a wrong field.
        serde_json::from_slice(&bytes).map_err(|fault| {
            let wrong = if fault.is_data() { "not what this route takes" } else { "not JSON" };
            let message = format!("The body is {wrong}, at line {} column {}.", fault.line(), fault.column());
            Failure::new(400, code::INVALID_REQUEST_CONTENT, message)
        })
    }
}

/// The names in an ARM path.
struct Names(BTreeMap<String, String>);

impl Names {
    fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn subscription(&self) -> Result<String, Failure> {
        subscription_key(self.get("subscription")).map_err(invalid)
    }

    fn group(&self) -> Result<ResourceGroupId, Failure> {
        ResourceGroupId::new(self.get("subscription"), self.get("group")).map_err(invalid)
    }

    fn cluster(&self) -> Result<ClusterId, Failure> {
        self.group()?.cluster(self.get("cluster")).map_err(invalid)
    }

    fn configuration(&self) -> Result<ConfigurationId, Failure> {
        self.cluster()?.configuration(self.get("configuration")).map_err(invalid)
    }
}

fn invalid(id: InvalidId) -> Failure {
    Failure::new(400, code::INVALID_RESOURCE_NAME, id.to_string())
}
