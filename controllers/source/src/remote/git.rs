//! Git repositories over HTTP(S).

use std::time::Duration;

use thalweg_artifact::Tree;
use thalweg_crds::source::{self, GitRepositorySpec};
use thalweg_git::{Auth, Checkout, Contents, Git, Reference};
use thalweg_manifest::ObjectId;

use super::{Credentials, Fetched, Remote, Remotes, Resolved};
use crate::Error;

/// The longest part of a commit's subject in an event, in characters.
const SUBJECT_CHARACTERS_MAX: usize = 50;

impl Remotes for Git {
    type Git = Repository;

    fn git(&self, id: &ObjectId, spec: &GitRepositorySpec, credentials: &Credentials) -> Result<Repository, Error> {
        let mut remote = thalweg_git::Remote::new(&spec.url, credentials.auth()?).map_err(Error::Git)?;
        if let Some(authority) = credentials.certificate_authority() {
            remote = remote.with_certificate_authority(authority).map_err(Error::Git)?;
        }
        let remote = remote.with_timeout(spec.timeout().get());
        let reference = reference(spec).map_err(Error::Git)?;
        Ok(Repository { git: self.clone(), remote, reference, cache: cache(id) })
    }

    async fn forget(&self, id: &ObjectId) -> Result<(), Error> {
        Git::forget(self, &cache(id)).await.map_err(Error::Git)
    }
}

/// A repository, and what of it is followed.
pub struct Repository {
    git: Git,
    remote: thalweg_git::Remote,
    reference: Reference,
    cache: String,
}

impl Remote for Repository {
    type Tree = Files;

    async fn resolve(&self) -> Result<Resolved, Error> {
        let resolved = self.git.resolve(&self.remote, &self.reference).await.map_err(Error::Git)?;
        Ok(Resolved { revision: resolved.revision })
    }

    async fn fetch(&self) -> Result<Fetched<Files>, Error> {
        let checkout = self.git.fetch(&self.remote, &self.reference, &self.cache).await.map_err(Error::Git)?;
        Ok(Fetched {
            revision: checkout.revision().to_owned(),
            file_name: format!("{}.tar.gz", checkout.commit()),
            summary: shortened(checkout.subject()),
            tree: Files { contents: checkout.contents().map_err(Error::Git)?, checkout },
        })
    }

    fn timed_out(&self, limit: Duration) -> Error {
        Error::Git(thalweg_git::Error::Timeout { url: self.remote.url().to_owned(), timeout: limit })
    }
}

/// The files of a commit.
pub struct Files {
    contents: Contents,
    checkout: Checkout,
}

impl Tree for Files {
    type Error = thalweg_git::Error;

    fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.checkout.files().iter().map(|file| (file.path.as_str(), file.executable))
    }

    fn read(&self, index: usize) -> Result<Vec<u8>, thalweg_git::Error> {
        self.contents.read(&self.checkout.files()[index])
    }
}

impl Credentials {
    /// Flux's rules: a bearer token beats a user and password, and a password needs a user.
    fn auth(&self) -> Result<Auth, Error> {
        let invalid = |reason: &str| Err(Error::Credentials { reason: reason.to_owned() });
        if self.0.keys().any(|key| key.starts_with("githubApp")) {
            let reason = "secretRef has github app data but provider is not set to github";
            return Err(Error::Provider { reason });
        }
        if self.0.contains_key("tls.crt") || self.0.contains_key("tls.key") {
            return invalid("client certificates (tls.crt, tls.key) are not supported");
        }
        let (username, password) = (self.text("username")?, self.text("password")?);
        match (self.text("bearerToken")?, username, password) {
            (Some(token), ..) => Ok(Auth::Bearer(token.into())),
            (None, None, None) => Ok(Auth::None),
            (None, None, Some(_)) => invalid("invalid 'https' auth option: 'password' requires 'username' to be set"),
            (None, Some(username), password) => {
                Ok(Auth::Basic { username, password: password.unwrap_or_default().into() })
            }
        }
    }

    fn certificate_authority(&self) -> Option<&[u8]> {
        let present = |key| self.0.get(key).filter(|value: &&Vec<u8>| !value.is_empty());
        present("ca.crt").or_else(|| present("caFile")).map(Vec::as_slice)
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(value) = self.0.get(key).filter(|value| !value.is_empty()) else { return Ok(None) };
        let text = String::from_utf8(value.clone());
        text.map(Some).map_err(|_| Error::Credentials { reason: format!("'{key}' is not UTF-8") })
    }
}

fn reference(spec: &GitRepositorySpec) -> Result<Reference, thalweg_git::Error> {
    match spec.reference() {
        source::Reference::Branch(name) => Reference::branch(name),
        source::Reference::Tag(name) => Reference::tag(name),
        source::Reference::Name(name) => Reference::name(name),
        source::Reference::Commit { sha, branch } => Reference::commit(sha, branch),
        source::Reference::Semver(range) => Err(thalweg_git::Error::InvalidReference {
            name: range.to_owned(),
            reason: "ranges of versions are not supported",
        }),
    }
}

/// One cache an object, so that no object can read what another may.
fn cache(id: &ObjectId) -> String {
    format!("{}_{}", id.namespace, id.name)
}

fn shortened(subject: &str) -> String {
    let subject: String = subject.chars().filter(|character| !character.is_control()).collect();
    match subject.char_indices().nth(SUBJECT_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &subject[..end]),
        None => subject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(data: &[(&str, &str)]) -> String {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        match Credentials::new(data).auth() {
            Ok(auth) => format!("{auth:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn credentials_are_chosen_as_in_flux() {
        const PREFIX: &str = "failed to configure authentication options: ";
        assert_eq!(auth(&[]), "None");
        assert_eq!(auth(&[("ca.crt", "x"), ("other", "x")]), "None");
        assert_eq!(auth(&[("username", "u"), ("password", "p")]), "Basic(redacted)");
        assert_eq!(auth(&[("username", "u")]), "Basic(redacted)");
        assert_eq!(auth(&[("username", "u"), ("password", "p"), ("bearerToken", "t")]), "Bearer(redacted)");
        assert_eq!(
            auth(&[("password", "p")]),
            format!("{PREFIX}invalid 'https' auth option: 'password' requires 'username' to be set")
        );
        assert_eq!(
            auth(&[("tls.crt", "c"), ("tls.key", "k")]),
            format!("{PREFIX}client certificates (tls.crt, tls.key) are not supported")
        );
        assert_eq!(auth(&[("githubAppID", "1")]), "secretRef has github app data but provider is not set to github");
    }

    #[test]
    fn credentials_are_never_printed() {
        let credentials = Credentials::new([("password".to_owned(), b"hunter2".to_vec())]);
        assert_eq!(format!("{credentials:?}"), r#"{"password"}"#);
    }

    #[test]
    fn long_subjects_are_cut_at_fifty_characters() {
        assert_eq!(shortened("fix: a\u{7} thing"), "fix: a thing");
        assert_eq!(shortened(&"ü".repeat(50)), "ü".repeat(50));
        assert_eq!(shortened(&"ü".repeat(51)), format!("{}...", "ü".repeat(50)));
    }
}
