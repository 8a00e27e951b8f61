//! Where a repository is, and what proves that we may read it.

use std::{fmt, sync::OnceLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Credentials for one repository. Never printed.
#[derive(Clone, Default)]
pub enum Auth {
    /// None: the repository is public, or the URL names a user.
    #[default]
    None,
    /// A user and a password, sent as HTTP Basic.
    Basic {
        /// The user; may be empty when a server takes a token as the password.
        username: String,
        /// The password or token.
        password: Zeroizing<String>,
    },
    /// A token, sent as HTTP Bearer.
    Bearer(Zeroizing<String>),
}

impl fmt::Debug for Auth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Auth::None => "None",
            Auth::Basic { .. } => "Basic(redacted)",
            Auth::Bearer(_) => "Bearer(redacted)",
        })
    }
}

/// A repository over HTTP or HTTPS, with how to connect to it.
#[derive(Clone)]
pub struct Remote {
    url: reqwest::Url,
    authorization: Option<HeaderValue>,
    certificates: Vec<reqwest::Certificate>,
    timeout: Duration,
}

impl Remote {
    /// A remote for `url`. User information in the URL counts as basic credentials when `auth` is none, as in Flux.
    ///
    /// Credentials over plain HTTP are sent, as Flux does. Errors never repeat the URL as given: it may hold a password.
    pub fn new(url: &str, auth: Auth) -> Result<Remote, Error> {
        let invalid = |reason: &str| Error::InvalidUrl { reason: reason.to_owned() };
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(invalid("it holds spaces or control characters"));
        }
        let mut url = reqwest::Url::parse(url).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::UnsupportedScheme { scheme: url.scheme().to_owned() });
        }
        match url.host_str() {
            None | Some("") => return Err(invalid("it has no host")),
            Some(host) if host.starts_with('-') => return Err(invalid("its host begins with '-'")),
            Some(_) => {}
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it has a query or a fragment"));
        }
        let authorization = authorization(match auth {
            Auth::None => user_information(&url)?,
            auth => auth,
        })?;
        let stripped = url.set_username("").and_then(|()| url.set_password(None));
        stripped.map_err(|()| invalid("it cannot hold user information"))?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Remote { url, authorization, certificates: Vec::new(), timeout: Duration::from_secs(60) })
    }

    /// Trusts the certificate authorities of this PEM bundle beside the system's.
    pub fn with_certificate_authority(mut self, pem: &[u8]) -> Result<Remote, Error> {
        self.certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(Error::InvalidCertificate)?;
        Ok(self)
    }

    /// The time that one whole operation may take; 60 seconds unless set, as Flux's CRD has it.
    pub fn with_timeout(mut self, timeout: Duration) -> Remote {
        self.timeout = timeout;
        self
    }

    /// The URL without user information.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn parsed_url(&self) -> &reqwest::Url {
        &self.url
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A client of its own, if the remote trusts more than the system does; else the one that all share.
    pub(crate) fn client(&self, shared: &OnceLock<reqwest::Client>) -> Result<reqwest::Client, Error> {
        if !self.certificates.is_empty() {
            return client(&self.certificates);
        }
        if let Some(client) = shared.get() {
            return Ok(client.clone());
        }
        let made = client(&[])?;
        Ok(shared.get_or_init(|| made).clone())
    }
}

fn client(certificates: &[reqwest::Certificate]) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .tls_certs_merge(certificates.iter().cloned())
        .build()
        .map_err(Error::InvalidCertificate)
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remote { url, authorization, certificates, timeout } = self;
        formatter
            .debug_struct("Remote")
            .field("url", &url.as_str())
            .field("authorization", &authorization.as_ref().map(|_| "redacted"))
            .field("certificates", &certificates.len())
            .field("timeout", timeout)
            .finish()
    }
}

fn user_information(url: &reqwest::Url) -> Result<Auth, Error> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(Auth::None);
    }
    Ok(Auth::Basic {
        username: percent_decoded(url.username(), "user name")?,
        password: Zeroizing::new(percent_decoded(url.password().unwrap_or_default(), "password")?),
    })
}

fn percent_decoded(text: &str, what: &'static str) -> Result<String, Error> {
    let invalid = || Error::InvalidCredentials { what };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        bytes.push(match byte {
            b'%' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(invalid)?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).map_err(|_| invalid())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| invalid())
}

/// The header that proves who we are. Empty credentials are no credentials: Flux avoids sending an empty header.
fn authorization(auth: Auth) -> Result<Option<HeaderValue>, Error> {
    let (text, what) = match auth {
        Auth::None => return Ok(None),
        Auth::Basic { username, password } if username.is_empty() && password.is_empty() => return Ok(None),
        Auth::Basic { username, .. } if username.contains(':') => {
            return Err(Error::InvalidCredentials { what: "user name" });
        }
        Auth::Basic { username, password } => {
            let pair = Zeroizing::new(format!("{username}:{}", password.as_str()));
            (Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))), "password")
        }
        Auth::Bearer(token) => (Zeroizing::new(format!("Bearer {}", token.as_str())), "bearer token"),
    };
    let mut header = HeaderValue::try_from(text.as_str()).map_err(|_| Error::InvalidCredentials { what })?;
    header.set_sensitive(true);
    Ok(Some(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_could_mean_something_else_are_refused() {
        for (url, expected) in [
            ("file:///etc/passwd", "the Git URL scheme 'file' is not supported"),
            ("ext::sh -c touch% /tmp/pwned", "the Git URL is invalid: it holds spaces or control characters"),
            ("ssh://git@example.com/repo", "the Git URL scheme 'ssh' is not supported"),
            ("https://-oProxyCommand=x/repo", "the Git URL is invalid: its host begins with '-'"),
            ("https://example.com/re\npo", "the Git URL is invalid: it holds spaces or control characters"),
            ("https://example.com/re\0po", "the Git URL is invalid: it holds spaces or control characters"),
            ("https:///repo?upload=1#x", "the Git URL is invalid: it has a query or a fragment"),
            ("https://user:secret@", "the Git URL is invalid: empty host"),
        ] {
            let error = Remote::new(url, Auth::None).expect_err(url).to_string();
            assert_eq!(error, expected, "{url}");
        }
    }

    #[test]
    fn user_information_becomes_basic_credentials_and_leaves_the_url() {
        let remote = Remote::new("https://us%40er:p%3Aw@example.com/repo.git/", Auth::None).unwrap();
        assert_eq!(remote.url(), "https://example.com/repo.git");
        assert_eq!(remote.authorization().unwrap(), &format!("Basic {}", STANDARD.encode("us@er:p:w")));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let basic = Auth::Basic { username: "user".into(), password: Zeroizing::new("hunter2".into()) };
        let bearer = Auth::Bearer(Zeroizing::new("hunter2".into()));
        for auth in [basic, bearer, Auth::None] {
            let remote = Remote::new("https://name:hunter2@example.com/repo.git", auth.clone()).unwrap();
            assert!(!format!("{auth:?} {remote:?} {:#?}", remote.authorization()).contains("hunter2"));
        }
    }

    #[test]
    fn empty_credentials_send_no_header() {
        let empty = Auth::Basic { username: String::new(), password: Zeroizing::new(String::new()) };
        assert!(Remote::new("https://example.com/repo", empty).unwrap().authorization().is_none());
    }

    #[test]
    fn a_token_that_breaks_out_of_its_header_is_refused() {
        let bearer = Auth::Bearer(Zeroizing::new("token\r\nHost: evil".into()));
        let error = Remote::new("https://example.com/repo", bearer).unwrap_err();
        assert_eq!(error.to_string(), "the bearer token of the Git credentials is invalid");
    }
}
