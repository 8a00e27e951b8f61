//! One process with all controllers. It ends as a process ends: at once and without a word.

use thalweg_artifact::{Blocking, Fetcher, FetcherOptions, router};
use thalweg_configuration_controller as configuration;
use thalweg_controller_runtime::{
    CancellationToken, ControllerContext, ControllerOptions, Events, Graph, Metrics, Random,
};
use thalweg_harness::faults::{Schedule, Wire};
use thalweg_kubernetes::Cluster;
use thalweg_kustomize_controller as kustomize;
use thalweg_source_controller as source;
use tokio::task::JoinSet;
use tower::Layer as _;

use crate::world::World;

/// A running process. Dropping it ends it.
pub(crate) struct Instance {
    pub(crate) wire: Wire,
    metrics: Metrics,
    events: Events,
    _controllers: JoinSet<()>,
}

impl Instance {
    pub(crate) fn start(world: &World, schedule: Schedule) -> Self {
        let wire = Wire::new("", schedule);
        let client = kube::Client::new(wire.layer(world.server.clone()), "default");
        let (metrics, events) = (Metrics::new(), Events::in_memory(world.clock.clone()));
        let context = ControllerContext {
            cluster: Cluster::from_client(client),
            graph: Graph::new(),
            events: events.clone(),
            metrics: metrics.clone(),
            clock: world.clock.clone(),
            random: Random::seeded(world.seed),
            options: ControllerOptions::default(),
        };
        let mut controllers = JoinSet::new();
        let shutdown = CancellationToken::new();
        let sources = source::Options::new(world.storage.clone(), world.git.clone());
        let kustomizations = kustomize::Options {
            fetcher: Some(Fetcher::over(
                router(world.storage.clone()),
                FetcherOptions { blocking: Blocking::InPlace, ..FetcherOptions::default() },
            )),
            ..kustomize::Options::default()
        };
        let (first, second, third) = (context.clone(), context.clone(), context);
        let (end, also, too) = (shutdown.clone(), shutdown.clone(), shutdown);
        controllers.spawn(async move { source::run(first, sources, end).await.unwrap() });
        controllers.spawn(async move { kustomize::run(second, kustomizations, also).await.unwrap() });
        controllers
            .spawn(async move { configuration::run(third, configuration::Options::default(), too).await.unwrap() });
        Self { wire, metrics, events, _controllers: controllers }
    }

    /// Its events since the last time, and its metrics.
    pub(crate) fn told(&self) -> Vec<String> {
        let events = self.events.taken().into_iter().map(|event| format!("{event:?}"));
        events.chain([self.metrics.encode()]).collect()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.wire.end();
    }
}
