//! Starting each controller with the options that it alone has: the one place that names the controllers' crates.

use anyhow::Context as _;
use thalweg_artifact::{Storage, StorageOptions};
use thalweg_configuration_controller as configuration;
use thalweg_controller_runtime::serve::{listen, serve};
use thalweg_controller_runtime::{CancellationToken, ControllerContext};
use thalweg_crds::GoDuration;
use thalweg_git::{Git, Options as GitOptions};
use thalweg_kustomize_controller as kustomize;
use thalweg_source_controller as source;

use super::flags::{Controller, Settings};

/// The folder of Git caches in the storage folder: artifacts are never served from a hidden one.
const GIT_CACHE: &str = ".git-cache";

/// Runs a controller until `shutdown`.
pub(super) async fn start(
    controller: Controller,
    context: ControllerContext,
    settings: &Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    match controller {
        Controller::Source => start_source(context, settings, shutdown).await,
        Controller::Kustomize => {
            kustomize::run(context, kustomize_options(settings), shutdown).await.context("kustomize-controller")
        }
        Controller::Configuration => {
            let options = configuration::Options::default();
            configuration::run(context, options, shutdown).await.context("configuration-controller")
        }
    }
}

/// Serves artifacts as long as the controller runs, and not before it leads: only the leader has them.
async fn start_source(
    context: ControllerContext,
    settings: &Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let storage = Storage::new(storage_options(settings)?);
    let git = Git::new(GitOptions::new(settings.storage_path().join(GIT_CACHE)));
    let listener = listen(settings.storage_address()).await.context("--storage-addr")?;
    let listener = listener.context("--storage-addr: artifacts must be served somewhere")?;
    let serving = serve(listener, thalweg_artifact::router(storage.clone()), CancellationToken::new());
    tokio::select! { biased;
        ended = source::run(context, source::Options::new(storage, git), shutdown) => ended.context("source-controller"),
        ended = serving => ended.context("serving artifacts"),
    }
}

fn storage_options(settings: &Settings) -> anyhow::Result<StorageOptions> {
    let defaults = StorageOptions::new(settings.storage_path(), &settings.storage_advertised_address()?);
    Ok(StorageOptions {
        retention_ttl: settings.flags.artifact_retention_ttl.map_or(defaults.retention_ttl, GoDuration::get),
        retention_records: settings.flags.artifact_retention_records.unwrap_or(defaults.retention_records),
        ..defaults
    })
}

fn kustomize_options(settings: &Settings) -> kustomize::Options {
    let defaults = kustomize::Options::default();
    kustomize::Options {
        requests_concurrent: settings.flags.concurrent_ssa.unwrap_or(defaults.requests_concurrent),
        fetch_retries: settings.flags.http_retry.unwrap_or(defaults.fetch_retries),
        ..defaults
    }
}
