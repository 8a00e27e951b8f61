//! From a tree through the storage and the file server to the consumer's memory.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which writes files")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use thalweg_artifact::{
    Artifact, Blocking, FetchError, Fetcher, FetcherOptions, Limits, Place, Publication, Storage, StorageOptions, Tree,
    router,
};

struct Files(Vec<(&'static str, String)>);

impl Tree for Files {
    type Error = std::convert::Infallible;

    fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|(path, _)| (*path, false))
    }

    fn read(&self, index: usize) -> Result<Vec<u8>, Self::Error> {
        Ok(self.0[index].1.clone().into_bytes())
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    storage: Storage,
    requests: Arc<AtomicUsize>,
}

impl Fixture {
    async fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let storage = Storage::new(StorageOptions::new(folder.path(), &address));
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        let count = axum::middleware::from_fn(move |request, next: axum::middleware::Next| {
            counter.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        });
        let app = router(storage.clone()).layer(count);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Fixture { folder, storage, requests }
    }

    async fn publish(&self, text: &str) -> Artifact {
        let publication = Publication {
            file_name: "1.tar.gz".to_owned(),
            revision: "main@sha1:1".to_owned(),
            ignore: None,
            time: "2026-06-01T10:00:00Z".parse().unwrap(),
        };
        let place = Place::new("GitRepository", "team", "app").unwrap();
        self.storage.publish(&place, publication, Files(vec![("deploy/a.yaml", text.to_owned())])).await.unwrap()
    }
}

fn fetcher() -> Fetcher {
    Fetcher::new(FetcherOptions::default()).unwrap()
}

#[tokio::test]
async fn what_is_published_arrives_and_is_fetched_once() {
    let fixture = Fixture::new().await;
    let artifact = fixture.publish("kind: A").await;
    let fetcher = fetcher();
    let both = tokio::join!(fetcher.get(&artifact.url, &artifact.digest), fetcher.get(&artifact.url, &artifact.digest));
    for files in [both.0.unwrap(), both.1.unwrap(), fetcher.get(&artifact.url, &artifact.digest).await.unwrap()] {
        assert_eq!(files.len(), 1);
        assert_eq!(&files["deploy/a.yaml"][..], b"kind: A");
    }
    assert_eq!(fixture.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_storage_of_the_same_process_is_fetched_from_without_a_socket() {
    let fixture = Fixture::new().await;
    let artifact = fixture.publish("kind: A").await;
    let url = format!("http://source-controller.flux-system.svc/{}", artifact.path);
    let fetcher = Fetcher::over(router(fixture.storage.clone()), FetcherOptions::default());
    let files = fetcher.get(&url, &artifact.digest).await.unwrap();
    assert_eq!(&files["deploy/a.yaml"][..], b"kind: A");
    assert_eq!(fixture.requests.load(Ordering::SeqCst), 0);
    let other = format!("sha256:{}", "0".repeat(64));
    let error = fetcher.get(&url.replace("1.tar.gz", "2.tar.gz"), &other).await;
    assert!(matches!(&error, Err(FetchError::NotFound { .. })), "{error:?}");
}

#[test]
fn in_place_everything_from_publishing_to_unpacking_happens_at_once() {
    let threads = Arc::new(AtomicUsize::new(0));
    let counter = threads.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_start(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .start_paused(true)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let options = StorageOptions { blocking: Blocking::InPlace, ..StorageOptions::new(folder.path(), "source") };
        let storage = Storage::new(options);
        let publication = Publication {
            file_name: "1.tar.gz".to_owned(),
            revision: "main@sha1:1".to_owned(),
            ignore: None,
            time: "2026-06-01T10:00:00Z".parse().unwrap(),
        };
        let place = Place::new("GitRepository", "team", "app").unwrap();
        let tree = Files(vec![("a.yaml", "kind: A".to_owned())]);
        let artifact = storage.publish(&place, publication, tree).await.unwrap();
        let fetcher = Fetcher::over(
            router(storage.clone()),
            FetcherOptions { blocking: Blocking::InPlace, ..FetcherOptions::default() },
        );
        let (before, files) =
            (tokio::time::Instant::now(), fetcher.get(&artifact.url, &artifact.digest).await.unwrap());
        assert_eq!(&files["a.yaml"][..], b"kind: A");
        assert_eq!(before.elapsed(), std::time::Duration::ZERO);
        storage.remove_all(&place).await.unwrap();
    });
    assert_eq!(threads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_told_with_the_url_once() {
    let refusing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/gitrepository/team/app/1.tar.gz", refusing.local_addr().unwrap());
    drop(refusing);
    let error = fetcher().get(&url, &format!("sha256:{}", "0".repeat(64))).await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(error.to_string(), format!("unable to fetch the artifact '{url}'"));
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "error sending request");
    assert!(std::error::Error::source(cause).is_some(), "the chain goes on");
}

#[tokio::test]
async fn bytes_that_were_not_published_are_refused() {
    let fixture = Fixture::new().await;
    let artifact = fixture.publish("kind: A").await;
    std::fs::copy(fixture.folder.path().join(&artifact.path), fixture.folder.path().join("original")).unwrap();
    fixture.publish("kind: B").await;
    let error = fetcher().get(&artifact.url, &artifact.digest).await.unwrap_err();
    assert!(matches!(&error, FetchError::Digest { expected, .. } if *expected == artifact.digest), "{error}");
    for digest in ["", "md5:00", "sha256:", "sha256:XYZ", "sha256:../../x"] {
        let error = fetcher().get(&artifact.url, digest).await.unwrap_err();
        assert!(matches!(error, FetchError::UnsupportedDigest { .. }), "{digest}: {error}");
    }
    std::fs::rename(fixture.folder.path().join("original"), fixture.folder.path().join(&artifact.path)).unwrap();
    assert!(fetcher().get(&artifact.url, &artifact.digest).await.is_ok());
}

#[tokio::test]
async fn an_expired_artifact_is_not_found_and_a_large_one_is_refused() {
    let fixture = Fixture::new().await;
    let artifact = fixture.publish("kind: A").await;
    let limits = Limits { archive_bytes_max: 10, ..Limits::default() };
    let small = Fetcher::new(FetcherOptions { limits, ..FetcherOptions::default() }).unwrap();
    let error = small.get(&artifact.url, &artifact.digest).await.unwrap_err();
    assert_eq!(error.to_string(), "the size of the artifact exceeds the limit of 10 bytes");
    fixture.storage.remove(&artifact.path).await.unwrap();
    let error = fetcher().get(&artifact.url, &artifact.digest).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn the_file_server_gives_files_and_ranges_and_no_listing() {
    let fixture = Fixture::new().await;
    let artifact = fixture.publish("kind: A").await;
    std::os::unix::fs::symlink("/etc/passwd", fixture.folder.path().join("gitrepository/team/app/link.tar.gz"))
        .unwrap();
    std::fs::write(fixture.folder.path().join("gitrepository/team/app/.new-x"), "half").unwrap();
    let base = artifact.url.strip_suffix(&artifact.path).unwrap();
    let client = reqwest::Client::new();
    for (path, expected) in [
        ("", 200),
        (artifact.path.as_str(), 200),
        ("gitrepository", 404),
        ("gitrepository/", 404),
        ("gitrepository/team/app", 404),
        ("gitrepository/team/app/", 404),
        ("gitrepository/team/app/2.tar.gz", 404),
        ("gitrepository/team/app/link.tar.gz", 404),
        ("gitrepository/team/app/.new-x", 404),
        ("gitrepository/team/app/..%2f..%2fother", 404),
        ("gitrepository/%2e%2e/%2e%2e/%2e%2e%2fetc%2fpasswd", 404),
        ("..%2f..%2f..%2fetc/passwd", 404),
    ] {
        let status = client.get(format!("{base}{path}")).send().await.unwrap().status();
        assert_eq!(status.as_u16(), expected, "{path}");
    }
    let head = client.head(&artifact.url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], artifact.size.to_string().as_str());
    let range = client.get(&artifact.url).header("range", "bytes=0-1").send().await.unwrap();
    assert_eq!((range.status().as_u16(), range.bytes().await.unwrap().as_ref()), (206, &[0x1f, 0x8b][..]));
    assert_eq!(client.post(&artifact.url).send().await.unwrap().status().as_u16(), 405);
}
