//! Artifacts, fetched once and kept as long as they are of use.

use std::sync::Arc;
use std::time::Duration;

use thalweg_artifact::{FetchError, Fetcher, Files};
use thalweg_controller_runtime::chain;
use thalweg_crds::source::Artifact;

use crate::problem::Problem;

/// The pause before a fetch is repeated; it doubles, up to the limit.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Fetches artifacts.
#[derive(Clone)]
pub(crate) struct Artifacts(Fetcher);

impl Artifacts {
    pub(crate) fn new(fetcher: Fetcher) -> Self {
        Self(fetcher)
    }

    /// The files of an artifact whose bytes have the digest that the source names. A server that fails is asked again, a
    /// few times; what it says clearly is final.
    pub(crate) async fn get(&self, artifact: &Artifact, retries: u32) -> Result<Arc<Files>, Problem> {
        let mut pause = PAUSE_MIN;
        let mut attempts_left = retries;
        loop {
            let error = match self.0.get(&artifact.url, &artifact.digest).await {
                Ok(files) => return Ok(files),
                Err(error) => error,
            };
            match error {
                FetchError::NotFound { url } => return Err(Problem::ArtifactNotFound(url)),
                error if error.is_retryable() && attempts_left > 0 => {
                    attempts_left -= 1;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                error => return Err(Problem::Artifact(chain(&error))),
            }
        }
    }
}
