//! Fetching a published artifact into memory, once for all who want it.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

use crate::{ArchiveError, Blocking, FetchError, Limits, digest::Digest, unpack};

/// Archives that are received and unpacked at the same time. A server that has not answered yet takes none of these places.
const TRANSFERS_CONCURRENT_MAX: usize = 16;

/// The files of an artifact, by path. All share one allocation.
pub type Files = BTreeMap<String, Bytes>;

/// How a [`Fetcher`] behaves.
#[derive(Clone, Debug)]
pub struct FetcherOptions {
    /// How large one artifact may be.
    pub limits: Limits,
    /// How many bytes of trees are kept, all together.
    pub cache_bytes_max: usize,
    /// Where archives are unpacked.
    pub blocking: Blocking,
}

impl Default for FetcherOptions {
    /// The default limits, 64 MiB of trees.
    fn default() -> Self {
        Self { limits: Limits::default(), cache_bytes_max: 64 << 20, blocking: Blocking::default() }
    }
}

/// Fetches artifacts and keeps the trees last used, by digest. Cheap to clone.
///
/// Retrying is the caller's: what [is retryable](FetchError::is_retryable) soon, [`FetchError::NotFound`] later.
#[derive(Clone)]
pub struct Fetcher(Arc<Shared>);

struct Shared {
    server: BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>,
    limits: Limits,
    blocking: Blocking,
    cache: Mutex<Cache>,
    transfers: Semaphore,
    /// One fetch of a digest at a time: those who come second find it in the cache.
    running: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Fetcher {
    /// A fetcher over HTTP.
    pub fn new(options: FetcherOptions) -> Result<Fetcher, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .read_timeout(Duration::from_secs(15))
            .no_gzip()
            .no_proxy()
            .build()?;
        let server = tower::service_fn(move |request: Request<Body>| {
            let client = client.clone();
            async move {
                let request = reqwest::Request::try_from(request.map(|_| reqwest::Body::default()))?;
                let response = client.execute(request).await.map_err(reqwest::Error::without_url)?;
                let response: Response<reqwest::Body> = response.into();
                Ok::<_, reqwest::Error>(response.map(|body| body.map_err(reqwest::Error::without_url)))
            }
        });
        Ok(Fetcher::over(server, options))
    }

    /// A fetcher that asks `server`, such as the [`router`](crate::router) of a storage in the same process.
    ///
    /// Timeouts are the service's: nothing here ends a request.
    pub fn over<S, B>(server: S, options: FetcherOptions) -> Fetcher
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: axum::body::HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let server = server.map_response(|response| response.map(Body::new)).map_err(Into::into);
        let server = BoxCloneSyncService::new(server);
        let FetcherOptions { limits, cache_bytes_max, blocking } = options;
        let cache = Mutex::new(Cache { bytes_max: cache_bytes_max, ..Cache::default() });
        let transfers = Semaphore::new(TRANSFERS_CONCURRENT_MAX);
        Fetcher(Arc::new(Shared { server, limits, blocking, cache, transfers, running: Mutex::default() }))
    }

    /// The files of the artifact at `url`, whose bytes must have `digest` (`<algorithm>:<hex>`).
    pub async fn get(&self, url: &str, digest: &str) -> Result<Arc<Files>, FetchError> {
        let state = Digest::like(digest).ok_or_else(|| FetchError::UnsupportedDigest { digest: digest.to_owned() })?;
        if let Some(files) = self.cached(digest) {
            return Ok(files);
        }
        let turn = self.turn(digest);
        let _turn = turn.lock().await;
        if let Some(files) = self.cached(digest) {
            return Ok(files);
        }
        let body = self.ask(url).await?;
        let _transfer = self.0.transfers.acquire().await.expect("the semaphore is never closed");
        let archive = self.receive(body, url, digest, state).await?;
        let limits = self.0.limits.clone();
        let files = Arc::new(self.0.blocking.run(move || unpack(&archive, &limits)).await?);
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, files.clone());
        Ok(files)
    }

    /// The files of the artifact with this digest, if they are kept.
    pub fn cached(&self, digest: &str) -> Option<Arc<Files>> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner).get(digest)
    }

    fn turn(&self, digest: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, turn| turn.strong_count() > 0);
        let turn = running.get(digest).and_then(Weak::upgrade).unwrap_or_default();
        running.insert(digest.to_owned(), Arc::downgrade(&turn));
        turn
    }

    async fn ask(&self, url: &str) -> Result<Body, FetchError> {
        let unanswered = |source: BoxError| FetchError::Transport { url: url.to_owned(), source };
        let request = Request::get(url).body(Body::empty()).map_err(|error| unanswered(error.into()))?;
        let response = self.0.server.clone().oneshot(request).await.map_err(unanswered)?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            StatusCode::NOT_FOUND => Err(FetchError::NotFound { url: url.to_owned() }),
            status => Err(FetchError::Status { url: url.to_owned(), status: status.as_u16() }),
        }
    }

    async fn receive(&self, mut body: Body, url: &str, digest: &str, mut state: Digest) -> Result<Bytes, FetchError> {
        let mut archive = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let broken_off =
                |error: axum::Error| FetchError::Transport { url: url.to_owned(), source: error.into_inner() };
            let frame = frame.map_err(broken_off)?;
            let Ok(chunk) = frame.into_data() else { continue };
            if (archive.len() + chunk.len()) as u64 > self.0.limits.archive_bytes_max {
                let limit = self.0.limits.archive_bytes_max;
                return Err(ArchiveError::Limit { what: "the size of the artifact", limit, unit: "bytes" }.into());
            }
            state.update(&chunk);
            archive.extend_from_slice(&chunk);
        }
        match state.finish() {
            actual if actual == digest => Ok(archive.freeze()),
            actual => Err(FetchError::Digest { expected: digest.to_owned(), actual }),
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fetcher")
    }
}

/// Trees by digest; when they hold too many bytes, those that nobody asked for the longest go.
#[derive(Default)]
struct Cache {
    bytes_max: usize,
    bytes: usize,
    clock: u64,
    trees: HashMap<String, Kept>,
}

struct Kept {
    files: Arc<Files>,
    bytes: usize,
    used: u64,
}

impl Cache {
    fn get(&mut self, digest: &str) -> Option<Arc<Files>> {
        self.clock += 1;
        let kept = self.trees.get_mut(digest)?;
        kept.used = self.clock;
        Some(kept.files.clone())
    }

    fn insert(&mut self, digest: &str, files: Arc<Files>) {
        let bytes = files.iter().map(|(path, bytes)| path.len() + bytes.len() + 128).sum();
        if bytes > self.bytes_max {
            return;
        }
        self.clock += 1;
        self.bytes += bytes;
        let replaced = self.trees.insert(digest.to_owned(), Kept { files, bytes, used: self.clock });
        self.bytes -= replaced.map_or(0, |kept| kept.bytes);
        while self.bytes > self.bytes_max {
            let oldest = self.trees.iter().min_by_key(|(_, kept)| kept.used).map(|(digest, _)| digest.clone());
            let Some(kept) = oldest.and_then(|oldest| self.trees.remove(&oldest)) else { break };
            self.bytes -= kept.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_keeps_what_was_used_last_within_its_bytes() {
        let files = |length: usize| Arc::new(Files::from([("a".to_owned(), Bytes::from(vec![0; length]))]));
        let mut cache = Cache { bytes_max: 1000, ..Cache::default() };
        cache.insert("1", files(200));
        cache.insert("2", files(200));
        cache.insert("2", files(200));
        assert!(cache.get("1").is_some());
        cache.insert("3", files(400));
        assert!(cache.get("1").is_some() && cache.get("2").is_none() && cache.get("3").is_some());
        cache.insert("4", files(5000));
        assert!(cache.get("1").is_some() && cache.get("4").is_none(), "what is larger than all is not kept");
        assert_eq!(cache.bytes, cache.trees.values().map(|kept| kept.bytes).sum::<usize>());
    }
}
