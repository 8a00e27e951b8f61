//! Posting events to `--events-addr`, as Flux's controllers do.
//!
//! Mirrors fluxcd/pkg runtime/events and apis/event/v1: connection errors and server errors are retried, 429 says that
//! the receiver has the event already, and a failure is no more than logged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use reqwest::{Client, StatusCode, Url};
use serde::Serialize;
use tracing::warn;

use super::backlog::Backlog;
use super::note::cut;
use super::{EventKind, EventsOptions, Sent};
use crate::failure::chain;

/// The longest message that is posted, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 39_000;

/// How often a post is repeated; after 1 s, 2 s, 4 s …
pub const POST_RETRIES_MAX: u32 = 4;

/// How long one post may take.
pub const POST_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Poster {
    client: Client,
    address: Url,
    options: EventsOptions,
}

/// The body of a post. Its field names are Flux's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    involved_object: &'a ObjectReference,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_object: Option<&'a ObjectReference>,
    severity: &'static str,
    timestamp: String,
    message: &'a str,
    reason: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    reporting_controller: &'a str,
    reporting_instance: &'a str,
}

enum Refusal {
    Temporary(String),
    Permanent(String),
}

impl Poster {
    pub(super) fn new(address: Url, options: EventsOptions) -> Result<Self, reqwest::Error> {
        Ok(Self { client: Client::builder().timeout(POST_TIMEOUT).build()?, address, options })
    }

    pub(super) async fn post_all(self, backlog: Arc<Backlog>) {
        loop {
            let sent = backlog.pop().await;
            if let Err(reason) = self.post(&sent).await {
                backlog.count_drop();
                warn!(error = reason, object = sent.event.regarding.name, "event was not posted");
            }
        }
    }

    async fn post(&self, sent: &Sent) -> Result<(), String> {
        let body = self.body(sent);
        for retry in 0.. {
            match self.try_post(body.clone()).await {
                Ok(()) => break,
                Err(Refusal::Temporary(_)) if retry < POST_RETRIES_MAX => {
                    tokio::time::sleep(Duration::from_secs(1 << retry)).await;
                }
                Err(Refusal::Temporary(reason) | Refusal::Permanent(reason)) => return Err(reason),
            }
        }
        Ok(())
    }

    async fn try_post(&self, body: Vec<u8>) -> Result<(), Refusal> {
        let request = self.client.post(self.address.clone()).header("content-type", "application/json").body(body);
        match request.send().await.map_err(reqwest::Error::without_url) {
            Err(error) => Err(Refusal::Temporary(chain(&error))),
            Ok(answer) => match answer.status() {
                status if status.is_success() || status == StatusCode::TOO_MANY_REQUESTS => Ok(()),
                status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                    Err(Refusal::Temporary(format!("the receiver answered {status}")))
                }
                status => Err(Refusal::Permanent(format!("the receiver answered {status}"))),
            },
        }
    }

    fn body(&self, sent: &Sent) -> Vec<u8> {
        let Sent { event, at } = sent;
        let payload = Payload {
            involved_object: &event.regarding,
            related_object: event.related.as_ref(),
            severity: severity(event.kind),
            timestamp: to_the_second(*at),
            message: &cut(&event.message, MESSAGE_BYTES_MAX),
            reason: &event.reason,
            action: &event.action,
            metadata: &event.metadata,
            reporting_controller: &self.options.reporting_controller,
            reporting_instance: &self.options.reporting_instance,
        };
        serde_json::to_vec(&payload).expect("a payload of texts serialises")
    }
}

fn severity(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Normal | EventKind::Heartbeat => "info",
        EventKind::Warning => "error",
        EventKind::Trace => "trace",
    }
}

fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
