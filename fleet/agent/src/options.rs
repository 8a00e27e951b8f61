//! What an operator says to the agent.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use thalweg_protocol::agent::Epoch;

use crate::credential::Token;

/// How the agent runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The hub.
    pub hub: HubUrl,
    /// Certificate authorities to trust beside the system's, as PEM.
    pub certificate_authority: Option<Vec<u8>>,
    /// The one-time token; needed until the agent is registered.
    pub token: Option<Token>,
    /// Where the agent keeps its Secret; made if it is not there.
    pub namespace: String,
    /// Status that changes again within this time is sent together.
    pub status_interval: Duration,
    /// How often all status is sent again.
    pub resend_interval: Duration,
    /// The hub and epoch to follow from now on although the cluster is ahead of it, or followed another hub.
    pub accept_epoch: Option<Epoch>,
    /// The version that heartbeats name.
    pub version: String,
}

impl Options {
    /// The defaults, with this hub.
    pub fn new(hub: HubUrl) -> Self {
        Self {
            hub,
            certificate_authority: None,
            token: None,
            namespace: "thalweg-system".to_owned(),
            status_interval: Duration::from_secs(2),
            resend_interval: Duration::from_secs(600),
            accept_epoch: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The hub's address: HTTPS, or HTTP on loopback.
#[derive(Clone, PartialEq, Eq)]
pub struct HubUrl(Url);

/// Why an address is not one of a hub. Does not repeat it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHubUrl {
    /// Not a URL.
    #[error("the hub's address is not a URL")]
    NotAUrl,
    /// The credential would travel in the clear.
    #[error("the hub's address must begin with https:// (http:// is for loopback alone)")]
    Plain,
    /// Something that does not belong there.
    #[error("the hub's address must not hold a user, a password, a query or a fragment")]
    Extra,
}

impl HubUrl {
    /// The address of one of the hub's paths, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// Whether the hub is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for HubUrl {
    type Err = InvalidHubUrl;

    fn from_str(text: &str) -> Result<Self, InvalidHubUrl> {
        let url = Self(Url::parse(text.trim()).map_err(|_| InvalidHubUrl::NotAUrl)?);
        let extra = !url.0.username().is_empty()
            || url.0.password().is_some()
            || url.0.query().is_some()
            || url.0.fragment().is_some();
        match url.0.scheme() {
            _ if extra => Err(InvalidHubUrl::Extra),
            "https" => Ok(url),
            "http" if url.is_loopback() => Ok(url),
            _ => Err(InvalidHubUrl::Plain),
        }
    }
}

impl fmt::Display for HubUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for HubUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_str().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_alone() {
        let cases = [
            ("https://hub.example.com", None),
            ("https://10.0.0.1:8443/prefix", None),
            ("http://127.0.0.1:8080", None),
            ("http://127.8.9.1", None),
            ("http://[::1]:8080", None),
            ("http://localhost:1", None),
            ("http://hub.example.com", Some(InvalidHubUrl::Plain)),
            ("http://localhost.example.com", Some(InvalidHubUrl::Plain)),
            ("http://10.0.0.1", Some(InvalidHubUrl::Plain)),
            ("http://0.0.0.0", Some(InvalidHubUrl::Plain)),
            ("http://127.0.0.1.example.com", Some(InvalidHubUrl::Plain)),
            ("ftp://hub", Some(InvalidHubUrl::Plain)),
            ("hub", Some(InvalidHubUrl::NotAUrl)),
            ("", Some(InvalidHubUrl::NotAUrl)),
            ("https://user:secret@hub", Some(InvalidHubUrl::Extra)),
            ("https://hub/?token=secret", Some(InvalidHubUrl::Extra)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<HubUrl>().err(), expected, "{text}");
        }
    }

    #[test]
    fn paths_follow_the_prefix_of_the_address() {
        let with = |text: &str| text.parse::<HubUrl>().unwrap().join("/agent/v1/status").to_string();
        assert_eq!(with("https://hub"), "https://hub/agent/v1/status");
        assert_eq!(with("https://hub/prefix/"), "https://hub/prefix/agent/v1/status");
    }
}
