//! A fetched commit: what it is called, and its files straight from the object database.

use tokio::sync::OwnedMutexGuard;

use crate::{Error, File, Limits, Reference, Resolved, fetch::Fetched, tree};

/// A commit whose files can be read. Holds its cache: nobody else fetches into it meanwhile.
pub struct Checkout {
    repository: gix::ThreadSafeRepository,
    resolved: Resolved,
    subject: String,
    files: Vec<File>,
    file_bytes_max: u64,
    _cache: OwnedMutexGuard<()>,
}

impl Checkout {
    pub(crate) fn new(
        fetched: Fetched,
        reference: &Reference,
        limits: &Limits,
        cache: OwnedMutexGuard<()>,
    ) -> Result<Checkout, Error> {
        let Fetched { repository, commit: id } = fetched;
        let unreadable = |error: gix::Error| Error::Object { what: format!("commit {id}"), source: error.into() };
        let commit = repository.find_commit(id).map_err(unreadable)?;
        let message = commit.message_raw().map_err(unreadable)?.to_string();
        let root = commit.tree_id().map_err(unreadable)?.detach();
        let files = tree::list(&repository, root, limits)?;
        drop(commit);
        Ok(Checkout {
            repository: repository.into_sync(),
            resolved: reference.resolved(id.to_string()),
            subject: message.lines().next().unwrap_or_default().to_owned(),
            files,
            file_bytes_max: limits.file_bytes_max,
            _cache: cache,
        })
    }

    /// Flux's revision text of the commit that was fetched.
    pub fn revision(&self) -> &str {
        &self.resolved.revision
    }

    /// The commit in hex.
    pub fn commit(&self) -> &str {
        &self.resolved.commit
    }

    /// The first line of the commit's message.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Its regular files, by path.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// A reader of file contents. Blocking, and for one thread: it keeps what it has opened.
    pub fn contents(&self) -> Result<Contents, Error> {
        Ok(Contents { repository: self.repository.to_thread_local(), file_bytes_max: self.file_bytes_max })
    }
}

impl std::fmt::Debug for Checkout {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (revision, files) = (&self.resolved.revision, self.files.len());
        formatter.debug_struct("Checkout").field("revision", revision).field("files", &files).finish_non_exhaustive()
    }
}

/// Reads files of one checkout.
pub struct Contents {
    repository: gix::Repository,
    file_bytes_max: u64,
}

impl Contents {
    /// The bytes of `file`. Its size is checked before it is unpacked.
    pub fn read(&self, file: &File) -> Result<Vec<u8>, Error> {
        let unreadable =
            |error: gix::Error| Error::Object { what: format!("the file '{}'", file.path), source: error.into() };
        let size = self.repository.find_header(file.id).map_err(unreadable)?.size();
        if size > self.file_bytes_max {
            let what = format!("the size of the file '{}'", file.path);
            return Err(Error::Limit { what, limit: self.file_bytes_max, unit: "bytes" });
        }
        let mut blob = self.repository.find_blob(file.id).map_err(unreadable)?;
        Ok(blob.take_data())
    }
}
