//! A bare repository on disk that is kept between fetches, so that only what is new travels.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{Error, Limits};

/// Which remote the cache was made from: another URL must never be answered from it.
const ORIGIN: &str = "thalweg-origin";

pub(crate) struct Cache {
    path: PathBuf,
}

impl Cache {
    pub(crate) fn new(path: PathBuf) -> Cache {
        Cache { path }
    }

    /// Opens the cache for `url`, or makes an empty one when there is none, it is another's, damaged or past its limits, or
    /// nothing was ever fetched into it: a process that was killed at its first fetch leaves locks.
    pub(crate) fn open(&self, url: &str, limits: &Limits) -> Result<gix::Repository, Error> {
        let usable = self.is_from(url) && self.size().is_ok_and(|size| size.within(limits));
        let existing = usable.then(|| gix::open_opts(&self.path, options()).ok()).flatten();
        match existing.filter(|repository| !is_empty(repository)) {
            Some(repository) => Ok(repository),
            None => self.create(url),
        }
    }

    /// Removes the cache and makes an empty one.
    pub(crate) fn create(&self, url: &str) -> Result<gix::Repository, Error> {
        self.remove()?;
        fs::create_dir_all(&self.path).map_err(|source| Error::Cache { doing: "create", source })?;
        let kind = gix::create::Kind::Bare;
        let repository = gix::ThreadSafeRepository::init_opts(&self.path, kind, Default::default(), options())
            .map_err(|error| Error::Cache { doing: "create", source: io::Error::other(error) })?;
        fs::write(self.path.join(ORIGIN), url).map_err(|source| Error::Cache { doing: "write", source })?;
        Ok(repository.to_thread_local())
    }

    pub(crate) fn remove(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Cache { doing: "remove", source }),
            _ => Ok(()),
        }
    }

    fn is_from(&self, url: &str) -> bool {
        fs::read_to_string(self.path.join(ORIGIN)).is_ok_and(|origin| origin == url)
    }

    fn size(&self) -> io::Result<Size> {
        let mut size = Size::default();
        measure(&self.path, &mut size)?;
        Ok(size)
    }
}

/// Whether no reference was ever fetched.
pub(crate) fn is_empty(repository: &gix::Repository) -> bool {
    repository.references().is_ok_and(|all| all.all().is_ok_and(|mut all| all.next().is_none()))
}

/// Nothing from the environment, the user's or the system's configuration.
fn options() -> gix::open::Options {
    gix::open::Options::isolated().strict_config(true)
}

#[derive(Default)]
struct Size {
    bytes: u64,
    packs: usize,
}

impl Size {
    fn within(&self, limits: &Limits) -> bool {
        self.bytes <= limits.cache_bytes_max && self.packs <= limits.cache_packs_max
    }
}

fn measure(folder: &Path, size: &mut Size) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            measure(&entry.path(), size)?;
        } else {
            size.bytes += entry.metadata()?.len();
            size.packs += usize::from(entry.path().extension().is_some_and(|extension| extension == "pack"));
        }
    }
    Ok(())
}
