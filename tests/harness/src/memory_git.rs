//! Git repositories in memory: what a simulation gives the source controller in place of servers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use thalweg_artifact::Tree;
use thalweg_crds::source::{GitRepositorySpec, Reference};
use thalweg_manifest::ObjectId;
use thalweg_source_controller::{Credentials, Error, Fetched, Remote, Remotes, Resolved};

const MAIN: &str = "refs/heads/main";

/// All repositories there are, by URL. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub struct MemoryGit(Arc<Mutex<BTreeMap<String, MemoryRepository>>>);

impl MemoryGit {
    /// The repository at `url`, which is empty if nobody has asked for it before.
    pub fn repository(&self, url: &str) -> MemoryRepository {
        let mut repositories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        repositories.entry(url.to_owned()).or_default().clone()
    }
}

/// A repository. Cheap to clone; all clones are the same repository.
#[derive(Clone, Default)]
pub struct MemoryRepository(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Files by commit.
    commits: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Commits by full name.
    references: BTreeMap<String, String>,
    /// The HTTP status of its failures.
    failure: Option<u16>,
}

impl MemoryRepository {
    /// Commits `files`, which are all the files of the commit, to the branch `main`; answers the commit in hex.
    ///
    /// Equal files on an equal parent make an equal commit, in every run.
    pub fn commit<P, B>(&self, files: impl IntoIterator<Item = (P, B)>) -> String
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        self.commit_to(MAIN, files)
    }

    /// The same for any reference, by its full name.
    pub fn commit_to<P, B>(&self, reference: &str, files: impl IntoIterator<Item = (P, B)>) -> String
    where
        P: Into<String>,
        B: Into<Vec<u8>>,
    {
        let files: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect();
        let mut state = self.lock();
        let mut hash = Sha256::new();
        hash.update(state.references.get(reference).map_or("", String::as_str));
        for (path, bytes) in &files {
            for part in [path.as_bytes(), bytes] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        let commit: String = hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect();
        state.commits.insert(commit.clone(), files);
        state.references.insert(reference.to_owned(), commit.clone());
        commit
    }

    /// Moves a reference, by its full name, to a commit that is there: a tag, or a branch that is pushed with force.
    ///
    /// # Panics
    /// Without such a commit.
    pub fn point(&self, reference: &str, commit: &str) {
        let mut state = self.lock();
        assert!(state.commits.contains_key(commit), "{commit} is no commit of this repository");
        state.references.insert(reference.to_owned(), commit.to_owned());
    }

    /// From now on the server fails with this HTTP status; with none, it works again.
    pub fn fail(&self, status: Option<u16>) {
        self.lock().failure = status;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remotes for MemoryGit {
    type Git = MemoryRemote;

    fn git(&self, _: &ObjectId, spec: &GitRepositorySpec, _: &Credentials) -> Result<MemoryRemote, Error> {
        let (name, shown) = match spec.reference() {
            Reference::Branch(name) => (format!("refs/heads/{name}"), Some(name)),
            Reference::Tag(name) => (format!("refs/tags/{name}"), Some(name)),
            Reference::Name(name) => (name.to_owned(), Some(name)),
            Reference::Commit { sha, branch } => (sha.to_owned(), branch),
            Reference::Semver(range) => {
                let reason = "ranges of versions are not supported";
                return Err(Error::Git(thalweg_git::Error::InvalidReference { name: range.to_owned(), reason }));
            }
        };
        let repository = self.repository(&spec.url);
        Ok(MemoryRemote { repository, url: spec.url.clone(), name, shown: shown.map(str::to_owned) })
    }

    async fn forget(&self, _: &ObjectId) -> Result<(), Error> {
        Ok(())
    }
}

/// A repository, and what of it is followed.
pub struct MemoryRemote {
    repository: MemoryRepository,
    url: String,
    /// A full name, or a commit.
    name: String,
    /// What stands before the commit in a revision.
    shown: Option<String>,
}

impl MemoryRemote {
    /// The commit now, and its files.
    fn look(&self) -> Result<(String, BTreeMap<String, Vec<u8>>), Error> {
        let state = self.repository.lock();
        if let Some(status) = state.failure {
            return Err(Error::Git(thalweg_git::Error::Status { url: self.url.clone(), status }));
        }
        let commit = state.references.get(&self.name).unwrap_or(&self.name);
        match state.commits.get(commit) {
            Some(files) => Ok((commit.clone(), files.clone())),
            None if state.commits.is_empty() => Err(Error::Git(thalweg_git::Error::Empty)),
            None => Err(Error::Git(thalweg_git::Error::ReferenceNotFound { name: self.name.clone() })),
        }
    }

    fn revision(&self, commit: &str) -> String {
        let shown = self.shown.as_ref().map(|name| format!("{name}@")).unwrap_or_default();
        format!("{shown}sha1:{commit}")
    }
}

impl Remote for MemoryRemote {
    type Tree = MemoryFiles;

    async fn resolve(&self) -> Result<Resolved, Error> {
        Ok(Resolved { revision: self.revision(&self.look()?.0) })
    }

    async fn fetch(&self) -> Result<Fetched<MemoryFiles>, Error> {
        let (commit, files) = self.look()?;
        Ok(Fetched {
            revision: self.revision(&commit),
            file_name: format!("{commit}.tar.gz"),
            summary: format!("commit {commit}"),
            tree: MemoryFiles(files.into_iter().collect()),
        })
    }

    fn timed_out(&self, limit: Duration) -> Error {
        Error::Git(thalweg_git::Error::Timeout { url: self.url.clone(), timeout: limit })
    }
}

/// The files of a commit.
pub struct MemoryFiles(Vec<(String, Vec<u8>)>);

impl Tree for MemoryFiles {
    type Error = Infallible;

    fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(path, _)| (path.as_str(), false))
    }

    fn read(&self, index: usize) -> Result<Vec<u8>, Infallible> {
        Ok(self.0[index].1.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    fn remote(git: &MemoryGit, reference: Value) -> MemoryRemote {
        let spec = json!({"url": "https://example.com/app.git", "interval": "1m", "ref": reference});
        let id = ObjectId::new("source.toolkit.fluxcd.io", "GitRepository", "team", "app");
        git.git(&id, &from_value(spec).unwrap(), &Credentials::default()).unwrap()
    }

    #[tokio::test]
    async fn a_repository_gives_what_was_committed_under_every_name_of_it() {
        let git = MemoryGit::default();
        let repository = git.repository("https://example.com/app.git");
        let main = remote(&git, json!({"branch": "main"}));
        assert!(matches!(main.resolve().await, Err(Error::Git(thalweg_git::Error::Empty))));
        let first = repository.commit([("a.yaml", "1")]);
        let second = repository.commit([("a.yaml", "2"), ("b.yaml", "")]);
        repository.point("refs/tags/v1", &first);
        for (reference, expected) in [
            (json!({"branch": "main"}), format!("main@sha1:{second}")),
            (json!({"tag": "v1"}), format!("v1@sha1:{first}")),
            (json!({"name": "refs/heads/main"}), format!("refs/heads/main@sha1:{second}")),
            (json!({"commit": first}), format!("sha1:{first}")),
        ] {
            let remote = remote(&git, reference.clone());
            assert_eq!(remote.resolve().await.unwrap().revision, expected, "{reference}");
            assert_eq!(remote.fetch().await.unwrap().revision, expected, "{reference}");
        }
        let tree = main.fetch().await.unwrap().tree;
        assert_eq!(tree.files().map(|(path, _)| path).collect::<Vec<_>>(), ["a.yaml", "b.yaml"]);
        assert_eq!(tree.read(0).unwrap(), b"2");
        let absent = remote(&git, json!({"branch": "other"}));
        assert!(matches!(absent.resolve().await, Err(Error::Git(thalweg_git::Error::ReferenceNotFound { .. }))));
        repository.fail(Some(503));
        assert!(main.resolve().await.is_err());
        repository.fail(None);
        assert!(main.resolve().await.is_ok());
    }

    #[test]
    fn equal_histories_have_equal_commits() {
        let [left, right] = [MemoryRepository::default(), MemoryRepository::default()];
        let first = left.commit([("a", "1")]);
        assert_eq!((first.len(), &first), (40, &right.commit([("a", "1")])));
        assert_ne!(left.commit([("a", "1")]), first, "its parent is another");
        assert_eq!(MemoryRepository::default().commit([("b", "2"), ("a", "1")]), right_order());
        assert_ne!(
            MemoryRepository::default().commit([("a", "12")]),
            MemoryRepository::default().commit([("a1", "2")])
        );
    }

    fn right_order() -> String {
        MemoryRepository::default().commit([("a", "1"), ("b", "2")])
    }
}
