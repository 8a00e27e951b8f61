//! `thalweg controller`: puts controllers together with what they need, and ends them in order.

mod flags;
mod gates;
mod other_flags;
mod start;

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use thalweg_controller_runtime::lease::{self, LeaseError};
use thalweg_controller_runtime::serve::{listen, serve_health, serve_metrics};
use thalweg_controller_runtime::{
    CancellationToken, Clock, ControllerContext, Events, EventsOptions, Graph, Metrics, Random,
};
use thalweg_kubernetes::{Cluster, ConnectOptions};
use tokio::task::JoinSet;
use tracing::{error, info};

pub(crate) use self::flags::Flags;

use self::flags::{Controller, Settings};
use crate::process::Environment;

/// How long the last events may take to be sent.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// Runs the controllers until `shutdown`, or until one of them fails.
pub(crate) async fn run(flags: Flags, shutdown: CancellationToken) -> anyhow::Result<()> {
    let settings = Settings::new(flags, Environment::read())?;
    for flag in &settings.without_effect {
        info!(flag = flag.flag, reason = flag.reason, "flag has no effect");
    }
    let process = Process::new(settings).await?;
    let mut servers = process.serve().await?;
    let mut controllers = JoinSet::new();
    let mut all_events = Vec::new();
    for controller in &process.settings.controllers {
        let context = process.context(*controller)?;
        all_events.push(context.events.clone());
        controllers.spawn(process.clone().lead(*controller, context, shutdown.clone()));
    }
    let result = tokio::select! { biased;
        result = all(&mut controllers, &shutdown) => result,
        Some(ended) = servers.join_next() => ended.context("a server panicked").flatten(),
    };
    for events in all_events {
        // Events are told to whom they may concern; what cannot be told in time is not.
        tokio::time::timeout(FLUSH_LIMIT, events.flush()).await.ok();
    }
    result
}

/// Waits for all controllers to end. One that fails stops the others; a lost Lease does not even wait for them.
async fn all(controllers: &mut JoinSet<anyhow::Result<()>>, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let mut result = Ok(());
    while let Some(ended) = controllers.join_next().await {
        let ended = ended.context("a controller panicked").flatten();
        match ended {
            Ok(()) => {}
            Err(error) if error.is::<LeaseError>() => return Err(error),
            Err(error) if result.is_ok() => {
                error!(error = format!("{error:#}"), "controller failed");
                result = Err(error);
            }
            Err(error) => error!(error = format!("{error:#}"), "controller failed"),
        }
        shutdown.cancel();
    }
    result
}

/// What the controllers of this process share.
#[derive(Clone)]
struct Process {
    settings: Settings,
    cluster: Cluster,
    graph: Graph,
    metrics: Metrics,
    clock: Clock,
    random: Random,
}

impl Process {
    async fn new(settings: Settings) -> anyhow::Result<Self> {
        let defaults = ConnectOptions::default();
        let options = ConnectOptions {
            kubeconfig: settings.flags.kubeconfig.clone(),
            in_flight: settings.flags.kube_api_burst.unwrap_or(defaults.in_flight),
            ..defaults
        };
        let cluster = Cluster::connect(&options).await.context("connecting to the API server")?;
        let (graph, metrics, clock, random) = (Graph::new(), Metrics::new(), Clock::system(), Random::system());
        Ok(Self { settings, cluster, graph, metrics, clock, random })
    }

    /// Serves metrics and probes, until dropped: they are answered while controllers come to their end.
    async fn serve(&self) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let mut servers = JoinSet::new();
        let forever = CancellationToken::new();
        if let Some(listener) = listen(self.settings.metrics_address()).await.context("--metrics-addr")? {
            let serving = serve_metrics(listener, self.metrics.clone(), forever.clone());
            servers.spawn(async { serving.await.context("/metrics") });
        }
        if let Some(listener) = listen(self.settings.health_address()).await.context("--health-addr")? {
            let serving = serve_health(listener, forever);
            servers.spawn(async { serving.await.context("/healthz") });
        }
        Ok(servers)
    }

    fn context(&self, controller: Controller) -> anyhow::Result<ControllerContext> {
        let options = EventsOptions {
            reporting_controller: controller.name().to_owned(),
            reporting_instance: self.settings.environment.host_name.clone(),
            address: self.settings.events_address.clone(),
        };
        let (client, clock, random) = (self.cluster.client().clone(), self.clock.clone(), self.random.clone());
        let events = Events::start(client, clock, random, self.metrics.clone(), options)?;
        Ok(ControllerContext {
            cluster: self.cluster.clone(),
            graph: self.graph.clone(),
            events,
            metrics: self.metrics.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            options: self.settings.controller_options(controller),
        })
    }

    /// Runs a controller; while this process holds its Lease, if leaders are elected.
    async fn lead(
        self,
        controller: Controller,
        context: ControllerContext,
        shutdown: CancellationToken,
    ) -> anyhow::Result<()> {
        let work = async {
            info!(controller = controller.name(), "starting");
            start::start(controller, context, &self.settings, shutdown.clone()).await?;
            if shutdown.is_cancelled() { Ok(()) } else { Err(anyhow!("{} ended by itself", controller.name())) }
        };
        let Some(lease) = self.settings.lease_options(controller, self.random.number()) else { return work.await };
        let client = self.cluster.client().clone();
        let (clock, random, metrics) = (self.clock.clone(), self.random.clone(), self.metrics.clone());
        match lease::lead(client, clock, random, metrics, lease, shutdown.clone(), work).await? {
            Some(result) => result,
            None => Ok(()),
        }
    }
}
