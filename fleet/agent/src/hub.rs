//! The conversation with the hub: four calls over HTTP.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, Method, Request, StatusCode, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thalweg_protocol::agent::{
    DESIRED_PATH, DesiredState, Epoch, HEARTBEAT_PATH, HeartbeatRequest, HeartbeatResponse, REGISTER_PATH,
    RegisterRequest, RegisterResponse, STATUS_PATH, StatusRequest, StatusResponse,
};
use thalweg_protocol::resource::ClusterId;
use thalweg_protocol::{ErrorEnvelope, code};

use crate::credential::Token;
use crate::options::{HubUrl, Options};

/// How long a connection may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How long an answer may take, beside the time that the hub is asked to wait.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A call that did not do what it was made for. Never holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// No client, because a certificate authority is not one.
    #[error("cannot use the certificate authorities for the hub")]
    Setup(#[source] reqwest::Error),
    /// No answer.
    #[error("the hub does not answer")]
    Unreachable(#[source] reqwest::Error),
    /// The hub said no.
    #[error("the hub answers {status}: {code}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// ARM's word for it.
        code: String,
        /// The hub's own words.
        message: String,
    },
    /// What answered is no hub, or one of another age.
    #[error("the hub's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
    /// What answered is no hub.
    #[error("the hub's answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
}

impl HubError {
    /// The hub does not know the token or credential.
    pub fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }

    /// The hub itself says that it is older than this cluster, or another one.
    pub fn is_epoch_refused(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == code::EPOCH_REFUSED)
    }
}

/// A client of one hub.
#[derive(Clone, Debug)]
pub(crate) struct Hub {
    url: HubUrl,
    client: Client,
}

impl Hub {
    pub(crate) fn new(options: &Options) -> Result<Self, HubError> {
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_TIME_MAX)
            .redirect(redirect::Policy::none())
            .user_agent(format!("thalweg-agent/{}", options.version));
        if options.hub.is_loopback() {
            // A proxy would see the credential.
            builder = builder.no_proxy();
        }
        if let Some(pem) = &options.certificate_authority {
            let authorities = Certificate::from_pem_bundle(pem).map_err(HubError::Setup)?;
            builder = builder.tls_certs_merge(authorities);
        }
        Ok(Self { url: options.hub.clone(), client: builder.build().map_err(HubError::Setup)? })
    }

    pub(crate) async fn register(
        &self,
        token: &Token,
        request: &RegisterRequest,
    ) -> Result<RegisterResponse, HubError> {
        self.post(REGISTER_PATH, token, request).await
    }

    pub(crate) async fn heartbeat(
        &self,
        credential: &Token,
        request: &HeartbeatRequest,
    ) -> Result<HeartbeatResponse, HubError> {
        self.post(HEARTBEAT_PATH, credential, request).await
    }

    pub(crate) async fn status(&self, credential: &Token, request: &StatusRequest) -> Result<StatusResponse, HubError> {
        self.post(STATUS_PATH, credential, request).await
    }

    /// Everything that is desired; none when nothing changed since `since` within `wait`.
    pub(crate) async fn desired(
        &self,
        credential: &Token,
        cluster: &ClusterId,
        since: Option<&Epoch>,
        wait: Duration,
    ) -> Result<Option<DesiredState>, HubError> {
        let mut url = self.url.join(DESIRED_PATH);
        url.query_pairs_mut().append_pair("cluster", &cluster.to_string());
        if let Some(since) = since {
            let seconds = wait.as_secs().to_string();
            url.query_pairs_mut().append_pair("since", &since.to_string()).append_pair("wait", &seconds);
        }
        let request = request(Method::GET, url, credential, ANSWER_TIME_MAX + wait);
        match self.answer(request).await? {
            (StatusCode::NOT_MODIFIED, _) => Ok(None),
            (_, body) => serde_json::from_slice(&body).map(Some).map_err(HubError::Unreadable),
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, token: &Token, body: &impl Serialize) -> Result<T, HubError> {
        let mut request = request(Method::POST, self.url.join(path), token, ANSWER_TIME_MAX);
        let body = serde_json::to_vec(body).expect("messages are maps with text keys");
        request.headers_mut().insert(CONTENT_TYPE, reqwest::header::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
        let (_, body) = self.answer(request).await?;
        serde_json::from_slice(&body).map_err(HubError::Unreadable)
    }

    /// The status and body of an answer that is not an error.
    async fn answer(&self, request: Request) -> Result<(StatusCode, Vec<u8>), HubError> {
        let unreachable = |error: reqwest::Error| HubError::Unreachable(error.without_url());
        let mut response = self.client.execute(request).await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(HubError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok((status, body));
        }
        let told = serde_json::from_slice::<ErrorEnvelope>(&body).ok().map(|envelope| envelope.error);
        let (code, message) = told.map_or_else(
            || (String::new(), "the answer is not the hub's; is a proxy in between?".to_owned()),
            |error| (error.code, error.message),
        );
        Err(HubError::Refused { status: status.as_u16(), code, message })
    }
}

fn request(method: Method, url: Url, token: &Token, time_max: Duration) -> Request {
    let mut request = Request::new(method, url);
    let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        .expect("a token is visible ASCII");
    value.set_sensitive(true);
    request.headers_mut().insert(reqwest::header::AUTHORIZATION, value);
    *request.timeout_mut() = Some(time_max);
    request
}
