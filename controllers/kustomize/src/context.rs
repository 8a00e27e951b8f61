//! What every pass over a Kustomization is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Api;
use thalweg_apply::Applier;
use thalweg_artifact::Fetcher;
use thalweg_controller_runtime::ControllerContext;
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::managers;
use thalweg_crds::source::GitRepository;
use thalweg_kubernetes::{Cluster, Error, Objects, ServiceAccount, Watches};
use thalweg_manifest::ObjectId;
use tokio::time::Instant;

use crate::memory::Memory;
use crate::problem::Problem;

/// The flags of this controller alone.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--concurrent-ssa`: requests of one Kustomization in flight at a time.
    pub requests_concurrent: usize,
    /// When an attempt that waits says so in the status; `None` never does.
    pub progress_after: Option<Duration>,
    /// `--http-retry`: how often the fetch of an artifact is repeated when the server fails.
    pub fetch_retries: u32,
    /// What fetches artifacts, and keeps them in memory for all Kustomizations; `None` does it over HTTP.
    pub fetcher: Option<Fetcher>,
}

impl Default for Options {
    fn default() -> Self {
        Self { requests_concurrent: 8, progress_after: Some(Duration::from_secs(1)), fetch_retries: 9, fetcher: None }
    }
}

/// Everything that a pass may use.
pub(crate) struct Context {
    pub(crate) runtime: ControllerContext,
    pub(crate) cluster: Cluster,
    pub(crate) options: Options,
    pub(crate) kustomizations: Arc<Objects<Kustomization>>,
    pub(crate) repositories: Arc<Objects<GitRepository>>,
    pub(crate) watches: Arc<Watches>,
    pub(crate) fetcher: Fetcher,
    /// The beginning of this process, for times that only matter to it.
    pub(crate) started: Instant,
    memories: Mutex<BTreeMap<ObjectId, Arc<tokio::sync::Mutex<Memory>>>>,
}

impl Context {
    pub(crate) fn new(
        runtime: ControllerContext,
        cluster: Cluster,
        options: Options,
        kustomizations: Arc<Objects<Kustomization>>,
        repositories: Arc<Objects<GitRepository>>,
        watches: Arc<Watches>,
        fetcher: Fetcher,
    ) -> Self {
        let started = runtime.clock.instant();
        Self {
            started,
            runtime,
            cluster,
            options,
            kustomizations,
            repositories,
            watches,
            fetcher,
            memories: Mutex::default(),
        }
    }

    /// The memory of a Kustomization; empty when it has none yet.
    pub(crate) fn memory(&self, id: &ObjectId) -> Arc<tokio::sync::Mutex<Memory>> {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.entry(id.clone()).or_default().clone()
    }

    /// Forgets a Kustomization that is gone.
    pub(crate) fn forget(&self, id: &ObjectId) {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The API of Kustomizations in a namespace, as ourselves.
    pub(crate) fn api(&self, namespace: &str) -> Api<Kustomization> {
        Api::namespaced(self.cluster.client().clone(), namespace)
    }

    /// A source as it is now, whatever the watch shows.
    pub(crate) async fn read_repository(&self, id: &ObjectId) -> Result<Arc<GitRepository>, Problem> {
        let api = Api::<GitRepository>::namespaced(self.cluster.client().clone(), &id.namespace);
        let live = api.get_opt(&id.name).await;
        let live = live.map_err(|error| Problem::Server(Error::of("get", id.subject(), error)))?;
        let Some(live) = live.map(Arc::new) else {
            return Err(Problem::SourceNotFound(format!("{}/{}/{}", id.kind, id.namespace, id.name)));
        };
        if self.repositories.record(live.clone()) {
            self.runtime.graph.changed(id);
        }
        Ok(live)
    }

    /// Notes an answer to one of our own writes, and wakes whoever waits for the object.
    pub(crate) fn record(&self, object: Arc<Kustomization>) {
        let id = id_of(&object);
        if self.kustomizations.record(object) {
            self.runtime.graph.changed(&id);
        }
    }

    /// What acts for a Kustomization: as its service account, or as ourselves when it names none.
    pub(crate) fn applier(&self, object: &Kustomization) -> Result<Applier, Problem> {
        let named = object.spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        let client = match named.or(self.runtime.options.default_service_account.as_deref()) {
            None => self.cluster.client().clone(),
            Some(name) => {
                let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
                let account = ServiceAccount::new(namespace, name)
                    .map_err(|error| Problem::ServiceAccount(format!("service account {namespace}/{name}: {error}")))?;
                self.cluster.impersonating(&account)
            }
        };
        Ok(Applier {
            client,
            watches: self.watches.clone(),
            cluster: self.cluster.clone(),
            manager: managers::KUSTOMIZE,
            concurrency: self.options.requests_concurrent.max(1),
        })
    }
}

/// The identity of a Kustomization.
pub(crate) fn id_of(object: &Kustomization) -> ObjectId {
    use thalweg_crds::kustomize::{GROUP, KUSTOMIZATION};
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    ObjectId::new(GROUP, KUSTOMIZATION, name(&object.metadata.namespace), name(&object.metadata.name))
}
