//! What every controller is given.

use std::time::Duration;

use thalweg_kubernetes::Cluster;

use crate::random::INTERVAL_MAX;
use crate::{Clock, Events, Graph, Metrics, Next, Random, RunOptions};

/// Everything that a controller needs of its process. Cheap to clone; all clones share everything.
#[derive(Clone)]
pub struct ControllerContext {
    /// The API server: one connection a process, as ourselves or as a service account.
    pub cluster: Cluster,
    /// Who waits for what: one a process, shared by its controllers.
    pub graph: Graph,
    /// The controller's own: its events name it as the reporting controller.
    pub events: Events,
    /// One a process.
    pub metrics: Metrics,
    /// One a process.
    pub clock: Clock,
    /// One a process.
    pub random: Random,
    /// The flags that all controllers have in common, with this controller's defaults.
    pub options: ControllerOptions,
}

/// The flags that all controllers have in common. The defaults are Flux's.
#[derive(Clone, Debug)]
pub struct ControllerOptions {
    /// `--concurrent`: objects of one kind reconciled at the same time.
    pub concurrency: usize,
    /// `--min-retry-delay`.
    pub retry_delay_min: Duration,
    /// `--max-retry-delay`.
    pub retry_delay_max: Duration,
    /// `--interval-jitter-percentage`, below 100.
    pub interval_jitter_percent: u8,
    /// `RUNTIME_NAMESPACE`: where the controller itself lives.
    pub runtime_namespace: String,
    /// The one namespace to watch, if `--watch-all-namespaces=false`.
    pub watch_namespace: Option<String>,
    /// `--watch-label-selector`: which objects of its own kinds are the controller's.
    pub watch_label_selector: Option<String>,
    /// `--no-cross-namespace-refs`.
    pub no_cross_namespace_refs: bool,
    /// `--default-service-account`.
    pub default_service_account: Option<String>,
    /// How long running reconciles may take to finish at shutdown.
    pub shutdown_limit: Duration,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        let RunOptions { controller: _, concurrency, backoff_min, backoff_max, shutdown_limit } = RunOptions::new("");
        Self {
            concurrency,
            retry_delay_min: backoff_min,
            retry_delay_max: backoff_max,
            interval_jitter_percent: 5,
            runtime_namespace: "flux-system".to_owned(),
            watch_namespace: None,
            watch_label_selector: None,
            no_cross_namespace_refs: false,
            default_service_account: None,
            shutdown_limit,
        }
    }
}

impl ControllerContext {
    /// The options of [`run`](crate::run()) for one kind, given in lower case.
    pub fn run_options(&self, kind: &str) -> RunOptions {
        RunOptions {
            controller: kind.to_owned(),
            concurrency: self.options.concurrency,
            backoff_min: self.options.retry_delay_min,
            backoff_max: self.options.retry_delay_max,
            shutdown_limit: self.options.shutdown_limit,
        }
    }

    /// The next pass after an interval, with jitter.
    pub fn after_interval(&self, interval: Duration) -> Next {
        self.after(self.random.jittered(interval, self.options.interval_jitter_percent))
    }

    /// The next pass after exactly this long (a retry, which has no jitter).
    pub fn after(&self, delay: Duration) -> Next {
        Next::At(self.clock.instant() + delay.min(INTERVAL_MAX * 2))
    }
}
