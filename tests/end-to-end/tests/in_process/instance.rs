//! One kustomize controller, on a runtime of its own, so that it can end as a process ends: at once and without a word.

use thalweg_controller_runtime::{
    CancellationToken, Clock, ControllerContext, ControllerOptions, Events, Graph, Metrics, Random, chain,
};
use thalweg_harness::ControlPlane;
use thalweg_harness::faults::{Schedule, Wire};
use thalweg_kubernetes::{Cluster, service};
use thalweg_kustomize_controller::{Options, run};
use tokio::runtime::Runtime;
use tower::Layer as _;

/// A running controller. Dropping it ends it.
pub(crate) struct Instance {
    runtime: Option<Runtime>,
    /// The requests of the instance: named, counted, and ended where a test says.
    pub(crate) wire: Wire,
    namespace: String,
    metrics: Metrics,
}

impl Instance {
    /// Starts a controller for the Kustomizations of one namespace. `name` is its user agent in the audit log.
    pub(crate) fn start(plane: &'static ControlPlane, namespace: &str, name: &str) -> Self {
        // Whether a pass takes longer than a second is up to the machine: no request of a run may depend on it.
        Self::start_with(plane, namespace, name, Options { progress_after: None, ..Options::default() })
    }

    /// The same with other flags.
    pub(crate) fn start_with(plane: &'static ControlPlane, namespace: &str, name: &str, options: Options) -> Self {
        log_if_asked();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (wire, metrics) = (Wire::new(namespace, Schedule::none()), Metrics::new());
        let controller = work(plane, namespace.to_owned(), name.to_owned(), wire.clone(), metrics.clone(), options);
        runtime.spawn(controller);
        Self { runtime: Some(runtime), wire, namespace: namespace.to_owned(), metrics }
    }

    /// How many passes over a Kustomization of its namespace have ended. What happens in other namespaces makes passes
    /// too: objects there may name an owner that is not known here.
    pub(crate) fn passes(&self) -> u64 {
        let (metrics, namespace) = (self.metrics.encode(), format!("namespace=\"{}\"", self.namespace));
        let counters = metrics.lines().filter(|line| line.starts_with("gotk_reconcile_duration_seconds_count{"));
        let ours = counters.filter(|line| line.contains(&namespace));
        ours.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.wire.end();
        self.runtime.take().expect("it is taken here alone").shutdown_background();
    }
}

async fn work(plane: &ControlPlane, namespace: String, name: String, wire: Wire, metrics: Metrics, options: Options) {
    let client = plane.client(&name).await.unwrap();
    let clock = Clock::system();
    let context = ControllerContext {
        cluster: Cluster::from_client(kube::Client::new(wire.layer(service(client)), "default")),
        graph: Graph::new(),
        events: Events::in_memory(clock.clone()),
        metrics,
        clock,
        random: Random::seeded(1),
        options: ControllerOptions { watch_namespace: Some(namespace), ..ControllerOptions::default() },
    };
    if let Err(error) = run(context, options, CancellationToken::new()).await {
        tracing::error!(error = %chain(&error), "the controller ended");
    }
}

/// `RUST_LOG` shows what the controllers say.
fn log_if_asked() {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
