//! The folder of artifacts: publish, check, expire, remove.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File},
    io::{self, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::Timestamp;

use crate::{
    Blocking, Error, Limits, Place,
    archive::{self, Tree},
    digest::Digest,
};

/// Files of one object that one garbage collection looks at.
const COLLECTED_FILES_MAX: usize = 1000;

/// How a [`Storage`] behaves. The defaults are Flux's.
#[derive(Debug, Clone)]
pub struct StorageOptions {
    /// The folder of all artifacts (`--storage-path`).
    pub root: PathBuf,
    /// Host and port, or a whole URL, under which consumers reach the file server (`--storage-adv-addr`).
    pub advertised_address: String,
    /// How long an artifact that is no longer current is kept (`--artifact-retention-ttl`).
    pub retention_ttl: Duration,
    /// How many artifacts of an object are kept at most once that time is over (`--artifact-retention-records`).
    pub retention_records: usize,
    /// How large one artifact may be.
    pub limits: Limits,
    /// Where work on the disk runs.
    pub blocking: Blocking,
}

impl StorageOptions {
    /// Artifacts below `root`, advertised at `advertised_address`; 60 seconds, 2 records.
    pub fn new(root: impl Into<PathBuf>, advertised_address: &str) -> StorageOptions {
        StorageOptions {
            root: root.into(),
            advertised_address: advertised_address.to_owned(),
            retention_ttl: Duration::from_secs(60),
            retention_records: 2,
            limits: Limits::default(),
            blocking: Blocking::default(),
        }
    }
}

/// What is to be published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The file's name in the object's folder: `<commit>.tar.gz`.
    pub file_name: String,
    /// The source's revision, as consumers will see it.
    pub revision: String,
    /// The lines of `spec.ignore`.
    pub ignore: Option<String>,
    /// The time that the artifact and its file will bear; its expiry counts from it.
    pub time: Timestamp,
}

/// A published artifact, field for field what Flux's `status.artifact` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Relative to the storage root.
    pub path: String,
    /// Where consumers fetch it.
    pub url: String,
    /// The source's revision.
    pub revision: String,
    /// `sha256:<hex>` of the stored file.
    pub digest: String,
    /// Bytes of the stored file.
    pub size: u64,
    /// When it was archived.
    pub last_update_time: Timestamp,
}

/// What became of a published artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The file is there and is the one that was published.
    Intact,
    /// There is no such file.
    Missing,
    /// There is a file, but not the one that was published.
    Changed,
}

/// The folder of artifacts. Cheap to clone; work on the disk runs where [`StorageOptions::blocking`] says.
#[derive(Clone)]
pub struct Storage(Arc<Shared>);

struct Shared {
    options: StorageOptions,
    /// Digests that this process has computed, with what the file looked like then.
    known: Mutex<HashMap<PathBuf, Known>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    look: Look,
    digest: String,
}

/// What changes when somebody else writes a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    size: u64,
    modified: SystemTime,
}

impl Storage {
    /// A storage with these options. Nothing is read or written yet.
    pub fn new(options: StorageOptions) -> Storage {
        Storage(Arc::new(Shared { options, known: Mutex::default() }))
    }

    /// The URL of a path relative to the storage root.
    pub fn url(&self, path: &str) -> String {
        self.0.url(path)
    }

    /// Where an object's file of this name is, relative to the storage root.
    pub fn path(&self, place: &Place, file_name: &str) -> Result<String, Error> {
        place.file(file_name)
    }

    /// Archives `tree` and puts it in place, replacing a file of that name. Readers see the old file or the new one.
    pub async fn publish<T: Tree + Send + 'static>(
        &self,
        place: &Place,
        publication: Publication,
        tree: T,
    ) -> Result<Artifact, Error> {
        let path = place.file(&publication.file_name)?;
        let folder = place.folder();
        self.blocking(move |storage| storage.publish(path, &folder, publication, &tree)).await
    }

    /// Whether the file at `path` is still the one of `digest`. The bytes are read once a process, then again only when the
    /// file's size or time has changed.
    pub async fn verify(&self, path: &str, digest: &str) -> Result<Verdict, Error> {
        let (path, digest) = (checked(path)?.to_owned(), digest.to_owned());
        self.blocking(move |storage| storage.verify(&path, &digest)).await
    }

    /// Removes one file, if it is there.
    pub async fn remove(&self, path: &str) -> Result<(), Error> {
        let path = checked(path)?.to_owned();
        self.blocking(move |storage| storage.remove_file(&path)).await
    }

    /// Removes what has expired of an object's files; never `current`. Answers how many artifacts went.
    pub async fn collect_garbage(&self, place: &Place, current: &str, now: Timestamp) -> Result<usize, Error> {
        let (folder, current) = (place.folder(), current.to_owned());
        self.blocking(move |storage| storage.collect_garbage(&folder, &current, now)).await
    }

    /// Removes everything of an object. No file is not an error.
    pub async fn remove_all(&self, place: &Place) -> Result<(), Error> {
        let folder = place.folder();
        self.blocking(move |storage| match fs::remove_dir_all(storage.options.root.join(&folder)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Remove { path: folder, source }),
            _ => Ok(()),
        })
        .await
    }

    pub(crate) fn blocking_runs(&self) -> Blocking {
        self.0.options.blocking
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0.options.root
    }

    async fn blocking<R: Send + 'static>(&self, work: impl FnOnce(&Shared) -> R + Send + 'static) -> R {
        let shared = self.0.clone();
        self.0.options.blocking.run(move || work(&shared)).await
    }
}

impl Shared {
    fn url(&self, path: &str) -> String {
        let address = self.options.advertised_address.trim_end_matches('/');
        let scheme = if address.starts_with("http://") || address.starts_with("https://") { "" } else { "http://" };
        format!("{scheme}{address}/{path}")
    }

    fn publish<T: Tree>(
        &self,
        path: String,
        folder: &str,
        publication: Publication,
        tree: &T,
    ) -> Result<Artifact, Error> {
        let Publication { file_name: _, revision, ignore, time } = publication;
        let absolute = self.options.root.join(folder);
        let create = DirBuilder::new().recursive(true).mode(0o700).create(&absolute);
        create.map_err(|source| Error::CreateFolder { path: folder.to_owned(), source })?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&absolute).map_err(Error::Archive)?;
        let written = archive::write(tree, ignore.as_deref(), &self.options.limits, io::BufWriter::new(&mut file))?;
        // Expiry goes by this time: it has to be of the clock that the caller goes by.
        file.as_file().set_modified(SystemTime::from(time)).map_err(Error::Archive)?;
        let target = self.options.root.join(&path);
        let file = file.persist(&target).map_err(|error| Error::Archive(error.error))?;
        let look = Look::of(&file.metadata().map_err(Error::Archive)?).map_err(Error::Archive)?;
        self.remember(target, Known { look, digest: written.digest.clone() });
        let url = self.url(&path);
        Ok(Artifact { url, path, revision, digest: written.digest, size: written.size, last_update_time: time })
    }

    fn verify(&self, path: &str, digest: &str) -> Result<Verdict, Error> {
        let unreadable = |source| Error::Read { path: path.to_owned(), source };
        let absolute = self.options.root.join(path);
        let metadata = match fs::symlink_metadata(&absolute) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verdict::Missing),
            metadata => metadata.map_err(unreadable)?,
        };
        if !metadata.is_file() {
            return Ok(Verdict::Changed);
        }
        let look = Look::of(&metadata).map_err(unreadable)?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&absolute).cloned();
        let actual = match known {
            Some(known) if known.look == look && known.digest.split(':').next() == digest.split(':').next() => {
                known.digest
            }
            _ => {
                let Some(state) = Digest::like(digest) else { return Ok(Verdict::Changed) };
                let actual = digest_of(&absolute, state).map_err(unreadable)?;
                self.remember(absolute, Known { look, digest: actual.clone() });
                actual
            }
        };
        Ok(if actual == digest { Verdict::Intact } else { Verdict::Changed })
    }

    fn collect_garbage(&self, folder: &str, current: &str, now: Timestamp) -> Result<usize, Error> {
        let unreadable = |source| Error::Read { path: folder.to_owned(), source };
        let now = SystemTime::from(now);
        let current = self.options.root.join(current);
        let entries = match fs::read_dir(self.options.root.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(unreadable)?,
        };
        let mut files = Vec::new();
        for entry in entries.take(COLLECTED_FILES_MAX) {
            let entry = entry.map_err(unreadable)?;
            let metadata = entry.metadata().map_err(unreadable)?;
            let path = entry.path();
            let is_lock = path.extension().is_some_and(|extension| extension == "lock");
            if metadata.is_file() && !is_lock && path != current {
                files.push((metadata.modified().map_err(unreadable)?, path));
            }
        }
        files.sort();
        let expired = |(modified, _): &(SystemTime, PathBuf)| {
            now.duration_since(*modified).is_ok_and(|age| age > self.options.retention_ttl)
        };
        let expired = files.iter().take_while(|file| expired(file)).count();
        let others_max = self.options.retention_records.saturating_sub(usize::from(current.is_file()));
        let garbage = expired.max(files.len().saturating_sub(others_max));
        for (_, path) in &files[..garbage] {
            self.remove_absolute(path)?;
        }
        Ok(garbage)
    }

    fn remove_file(&self, path: &str) -> Result<(), Error> {
        self.remove_absolute(&self.options.root.join(path))
    }

    fn remove_absolute(&self, path: &Path) -> Result<(), Error> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        for path in [path, Path::new(&lock)] {
            match fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    let path = path.strip_prefix(&self.options.root).unwrap_or(path).display().to_string();
                    return Err(Error::Remove { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn remember(&self, path: PathBuf, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path, known);
    }
}

impl Look {
    fn of(metadata: &fs::Metadata) -> io::Result<Look> {
        Ok(Look { size: metadata.len(), modified: metadata.modified()? })
    }
}

/// A path from a status, which anybody with the right may have written: four plain components, or nothing is touched.
fn checked(path: &str) -> Result<&str, Error> {
    let parts: Vec<&str> = path.split('/').collect();
    let [kind, namespace, name, file] = parts[..] else {
        return Err(Error::InvalidPlace { name: path.escape_debug().take(256).collect() });
    };
    Place::new(kind, namespace, name)?.file(file)?;
    Ok(path)
}

fn digest_of(path: &Path, mut digest: Digest) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finish()),
            length => digest.update(&buffer[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::archive::tests::Files;

    const TIME: &str = "2026-06-01T10:00:00Z";

    struct Fixture {
        folder: tempfile::TempDir,
        storage: Storage,
        place: Place,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let storage = Storage::new(StorageOptions::new(folder.path(), "source.flux-system.svc.cluster.local."));
            Fixture { folder, storage, place: Place::new("GitRepository", "team", "app").unwrap() }
        }

        async fn publish(&self, commit: &str, files: &[(&str, &str)]) -> Artifact {
            let publication = Publication {
                file_name: format!("{commit}.tar.gz"),
                revision: format!("main@sha1:{commit}"),
                ignore: None,
                time: TIME.parse().unwrap(),
            };
            self.storage.publish(&self.place, publication, Files::new(files)).await.unwrap()
        }

        fn file(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        /// File names of the object, and how old each is made to look.
        fn age(&self, ages: &[(&str, u64)]) {
            let now = SystemTime::from(TIME.parse::<Timestamp>().unwrap());
            for (name, seconds) in ages {
                let file = File::options().write(true).open(self.file("gitrepository/team/app").join(name)).unwrap();
                file.set_modified(now - Duration::from_secs(*seconds)).unwrap();
            }
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.file("gitrepository/team/app")).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[tokio::test]
    async fn an_artifact_says_where_and_what_it_is() {
        let fixture = Fixture::new();
        let artifact = fixture.publish("363a", &[("a", "text")]).await;
        assert_eq!(artifact.path, "gitrepository/team/app/363a.tar.gz");
        assert_eq!(artifact.url, format!("http://source.flux-system.svc.cluster.local./{}", artifact.path));
        let bytes = fs::read(fixture.file(&artifact.path)).unwrap();
        assert_eq!(artifact.size, bytes.len() as u64);
        let mut digest = Digest::sha256();
        digest.update(&bytes);
        assert_eq!(artifact.digest, digest.finish());
        let modified = fs::metadata(fixture.file(&artifact.path)).unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::from(TIME.parse::<Timestamp>().unwrap()), "not the disk's own clock");
        let mode = |path: &str| fs::metadata(fixture.file(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&artifact.path), mode("gitrepository/team/app"), mode("gitrepository")),
            (0o600, 0o700, 0o700)
        );
        assert_eq!(fixture.names(), ["363a.tar.gz"], "no temporary file is left");
        assert_eq!(fixture.publish("363a", &[("a", "text")]).await, artifact, "the same files, the same artifact");
    }

    #[tokio::test]
    async fn a_tree_that_cannot_be_archived_leaves_nothing_behind() {
        let fixture = Fixture::new();
        let publication = Publication {
            file_name: "1.tar.gz".into(),
            revision: "sha1:1".into(),
            ignore: None,
            time: TIME.parse().unwrap(),
        };
        let outcome = fixture.storage.publish(&fixture.place, publication, Files::new(&[("../x", "")])).await;
        assert!(matches!(outcome, Err(Error::InvalidPath { .. })));
        assert_eq!(fixture.names(), [""; 0]);
    }

    #[tokio::test]
    async fn a_stored_file_is_checked_until_it_is_known_and_again_when_it_changes() {
        let fixture = Fixture::new();
        let artifact = fixture.publish("1", &[("a", "text")]).await;
        let restarted = Storage::new(StorageOptions::new(fixture.folder.path(), "other"));
        for storage in [&fixture.storage, &restarted, &restarted] {
            assert_eq!(storage.verify(&artifact.path, &artifact.digest).await.unwrap(), Verdict::Intact);
        }
        let other = format!("sha256:{}", "0".repeat(64));
        assert_eq!(restarted.verify(&artifact.path, &other).await.unwrap(), Verdict::Changed);
        assert_eq!(restarted.verify(&artifact.path, "nonsense").await.unwrap(), Verdict::Changed);
        fs::write(fixture.file(&artifact.path), "damaged").unwrap();
        for storage in [&fixture.storage, &restarted] {
            assert_eq!(storage.verify(&artifact.path, &artifact.digest).await.unwrap(), Verdict::Changed);
        }
        fixture.storage.remove(&artifact.path).await.unwrap();
        assert_eq!(fixture.storage.verify(&artifact.path, &artifact.digest).await.unwrap(), Verdict::Missing);
    }

    #[tokio::test]
    async fn paths_of_a_status_cannot_leave_the_storage() {
        let fixture = Fixture::new();
        for path in ["../../etc/passwd", "/etc/passwd", "a/b/c", "a/b/c/../d", "a/b/c/.d", "a/b/c/d/e", ""] {
            assert!(fixture.storage.verify(path, "sha256:0").await.is_err(), "{path}");
            assert!(fixture.storage.remove(path).await.is_err(), "{path}");
        }
    }

    #[tokio::test]
    async fn what_expired_goes_and_what_is_current_stays() {
        for (ages, expected) in [
            (&[("1", 61), ("2", 59)][..], &["2", "3"][..]),
            (&[("1", 61), ("2", 61)], &["3"]),
            (&[("1", 10), ("2", 5)], &["2", "3"]),
            (&[("1", 10), ("2", 5), ("3", 1000)], &["2", "3"]),
            (&[("3", 1000)], &["3"]),
        ] {
            let fixture = Fixture::new();
            let mut current = String::new();
            for name in ages.iter().map(|(name, _)| *name).filter(|name| *name != "3").chain(["3"]) {
                current = fixture.publish(name, &[("a", name)]).await.path;
            }
            fs::write(fixture.file("gitrepository/team/app/1.tar.gz.lock"), "").unwrap();
            let ages: Vec<_> = ages.iter().map(|(name, age)| (format!("{name}.tar.gz"), *age)).collect();
            fixture.age(&ages.iter().map(|(name, age)| (name.as_str(), *age)).collect::<Vec<_>>());
            let removed =
                fixture.storage.collect_garbage(&fixture.place, &current, TIME.parse().unwrap()).await.unwrap();
            let mut names = fixture.names();
            names.retain(|name| !name.ends_with(".lock"));
            let expected: Vec<_> = expected.iter().map(|name| format!("{name}.tar.gz")).collect();
            assert_eq!(names, expected, "{ages:?}");
            assert_eq!(removed, ages.iter().filter(|(name, _)| !expected.contains(name)).count(), "{ages:?}");
        }
    }

    #[tokio::test]
    async fn everything_of_an_object_goes_and_nothing_else() {
        let fixture = Fixture::new();
        let artifact = fixture.publish("1", &[("a", "")]).await;
        fs::create_dir_all(fixture.file("gitrepository/team/other")).unwrap();
        fixture.storage.remove_all(&fixture.place).await.unwrap();
        fixture.storage.remove_all(&fixture.place).await.unwrap();
        assert!(!fixture.file(&artifact.path).exists() && fixture.file("gitrepository/team/other").exists());
    }
}
