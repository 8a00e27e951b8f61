//! The flags of `thalweg controller`: Flux's names; one that is not set leaves each controller its own default in Flux.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use sha2::{Digest as _, Sha256};
use thalweg_controller_runtime::lease::LeaseOptions;
use thalweg_controller_runtime::{ControllerOptions, Url};
use thalweg_crds::GoDuration;

use super::gates;
use super::other_flags::{OtherFlags, Verdict};
use crate::logging::LogFlags;
use crate::process::Environment;

/// Where we are taken to live when nobody says: where Flux is installed.
const RUNTIME_NAMESPACE: &str = "flux-system";

/// A controller that can run in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Controller {
    Source,
    Kustomize,
    Configuration,
}

impl Controller {
    /// The name of its Deployment in Flux, by which it signs its events and its Lease.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
            Self::Configuration => "configuration-controller",
        }
    }

    fn concurrency(self) -> usize {
        match self {
            Self::Source => 2,
            Self::Kustomize | Self::Configuration => 4,
        }
    }

    /// How long running reconciles may take to finish: Flux's Deployments grant source-controller ten seconds, others sixty.
    fn shutdown_limit(self) -> Duration {
        match self {
            Self::Source => Duration::from_secs(5),
            Self::Kustomize | Self::Configuration => Duration::from_secs(30),
        }
    }
}

/// Flags, as they were given.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Flags {
    /// The controllers to run.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "NAMES",
        default_value = "source,kustomize,configuration"
    )]
    pub(crate) controllers: Vec<Controller>,
    /// A kubeconfig file; without one, KUBECONFIG, ~/.kube/config, or the pod that this runs in.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Where /metrics is served; 0 for nowhere [default: :8080].
    #[arg(long, env = "METRICS_ADDR", value_name = "ADDRESS")]
    metrics_addr: Option<String>,
    /// Where /healthz and /readyz are served; 0 for nowhere [default: :9440].
    #[arg(long, value_name = "ADDRESS")]
    health_addr: Option<String>,
    /// The URL that events are posted to, such as notification-controller's.
    #[arg(long, env = "EVENTS_ADDR", value_name = "URL")]
    events_addr: Option<String>,
    /// The folder of artifacts [default: /data].
    #[arg(long, env = "STORAGE_PATH", value_name = "FOLDER")]
    storage_path: Option<String>,
    /// Where artifacts are served [default: :9090].
    #[arg(long, env = "STORAGE_ADDRESS", value_name = "ADDRESS")]
    storage_addr: Option<String>,
    /// The host and port under which others reach --storage-addr [default: derived from it].
    #[arg(long, env = "STORAGE_ADV_ADDR", value_name = "HOST:PORT")]
    storage_adv_addr: Option<String>,
    /// How long an artifact is kept after another has replaced it [default: 60s].
    #[arg(long, value_name = "DURATION")]
    pub(crate) artifact_retention_ttl: Option<GoDuration>,
    /// How many artifacts of an object are kept at most after that [default: 2].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) artifact_retention_records: Option<usize>,
    /// Objects of one kind that are reconciled at the same time [default: 2 for source, 4 for others].
    #[arg(long, value_name = "NUMBER")]
    concurrent: Option<usize>,
    /// Requests of one Kustomization that are under way at the same time.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) concurrent_ssa: Option<usize>,
    /// How often the fetch of an artifact is retried [default: 9].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) http_retry: Option<u32>,
    /// Requests to the API server that are under way at the same time.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) kube_api_burst: Option<usize>,
    /// The service account that acts for objects which name none.
    #[arg(long, value_name = "NAME")]
    default_service_account: Option<String>,
    /// Refuse references to other namespaces.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    no_cross_namespace_refs: Option<bool>,
    /// Watch all namespaces, not RUNTIME_NAMESPACE alone [default: true].
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    watch_all_namespaces: Option<bool>,
    /// Watch only objects with these labels.
    #[arg(long, value_name = "SELECTOR")]
    watch_label_selector: Option<String>,
    /// How far an interval may vary, in percent [default: 5].
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..100))]
    interval_jitter_percentage: Option<u8>,
    /// The delay after a first failure [default: 750ms].
    #[arg(long, value_name = "DURATION")]
    min_retry_delay: Option<GoDuration>,
    /// The longest delay after a failure [default: 30s].
    #[arg(long, value_name = "DURATION")]
    max_retry_delay: Option<GoDuration>,
    /// Run a controller only while this process holds its Lease.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    enable_leader_election: Option<bool>,
    /// Give the Lease up at shutdown [default: true].
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_bool)]
    leader_election_release_on_cancel: Option<bool>,
    /// How long others wait after the last renewal before they take the Lease [default: 35s].
    #[arg(long, value_name = "DURATION")]
    leader_election_lease_duration: Option<GoDuration>,
    /// How long after the last renewal a holder gives up [default: 30s].
    #[arg(long, value_name = "DURATION")]
    leader_election_renew_deadline: Option<GoDuration>,
    /// How often the Lease is renewed or looked at [default: 5s].
    #[arg(long, value_name = "DURATION")]
    leader_election_retry_period: Option<GoDuration>,
    /// Flux's feature gates, as Name=true,Other=false.
    #[arg(long, value_name = "GATES")]
    feature_gates: Vec<String>,
    #[command(flatten)]
    pub(crate) log: LogFlags,
    #[command(flatten)]
    other: OtherFlags,
}

/// A flag or gate that was accepted and does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WithoutEffect {
    pub(crate) flag: String,
    pub(crate) reason: &'static str,
}

/// What the flags and the environment amount to.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) flags: Flags,
    pub(crate) environment: Environment,
    pub(crate) controllers: BTreeSet<Controller>,
    pub(crate) events_address: Option<Url>,
    pub(crate) without_effect: Vec<WithoutEffect>,
}

impl Settings {
    /// Refuses what is not supported yet, by name.
    pub(crate) fn new(flags: Flags, environment: Environment) -> anyhow::Result<Self> {
        let mut without_effect = Vec::new();
        let refused: Vec<String> = flags
            .other
            .set
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Refused)
            .map(|(name, _)| format!("--{name}"))
            .collect();
        if !refused.is_empty() {
            bail!("not supported yet: {}", refused.join(", "));
        }
        for (name, verdict) in &flags.other.set {
            if let Verdict::WithoutEffect(reason) = verdict {
                without_effect.push(WithoutEffect { flag: format!("--{name}"), reason });
            }
        }
        for (name, reason) in gates::read(&flags.feature_gates.join(","))? {
            without_effect.push(WithoutEffect { flag: format!("--feature-gates={name}"), reason });
        }
        if flags.watch_all_namespaces == Some(false) && environment.runtime_namespace.is_none() {
            bail!("--watch-all-namespaces=false needs RUNTIME_NAMESPACE");
        }
        if flags.concurrent == Some(0) {
            bail!("--concurrent must be at least 1");
        }
        if flags.min_retry_delay.is_some_and(|delay| delay.get().is_zero()) {
            bail!("--min-retry-delay must be longer than nothing");
        }
        let events_address =
            given(&flags.events_addr).map(str::parse).transpose().context("--events-addr is not a URL")?;
        let controllers = flags.controllers.iter().copied().collect();
        Ok(Self { flags, environment, controllers, events_address, without_effect })
    }

    pub(crate) fn metrics_address(&self) -> &str {
        given(&self.flags.metrics_addr).unwrap_or(":8080")
    }

    pub(crate) fn health_address(&self) -> &str {
        given(&self.flags.health_addr).unwrap_or(":9440")
    }

    pub(crate) fn storage_path(&self) -> PathBuf {
        given(&self.flags.storage_path).unwrap_or("/data").into()
    }

    pub(crate) fn storage_address(&self) -> &str {
        given(&self.flags.storage_addr).unwrap_or(":9090")
    }

    /// Flux's rule: the host and port of the storage address, `localhost` for none and our own name for `0.0.0.0`.
    pub(crate) fn storage_advertised_address(&self) -> anyhow::Result<String> {
        if let Some(address) = given(&self.flags.storage_adv_addr) {
            return Ok(address.to_owned());
        }
        let address = self.storage_address();
        let (host, port) = address.rsplit_once(':').with_context(|| format!("--storage-addr {address} has no port"))?;
        let host = match host {
            "" => "localhost",
            "0.0.0.0" => &self.environment.host_name,
            host => host,
        };
        Ok(format!("{host}:{port}"))
    }

    fn runtime_namespace(&self) -> &str {
        self.environment.runtime_namespace.as_deref().unwrap_or(RUNTIME_NAMESPACE)
    }

    fn label_selector(&self) -> Option<&str> {
        given(&self.flags.watch_label_selector)
    }

    /// The common options of one controller.
    pub(crate) fn controller_options(&self, controller: Controller) -> ControllerOptions {
        let defaults = ControllerOptions::default();
        let flags = &self.flags;
        let is_narrow = flags.watch_all_namespaces == Some(false);
        ControllerOptions {
            concurrency: flags.concurrent.unwrap_or(controller.concurrency()),
            retry_delay_min: flags.min_retry_delay.map_or(defaults.retry_delay_min, GoDuration::get),
            retry_delay_max: flags.max_retry_delay.map_or(defaults.retry_delay_max, GoDuration::get),
            interval_jitter_percent: flags.interval_jitter_percentage.unwrap_or(defaults.interval_jitter_percent),
            runtime_namespace: self.runtime_namespace().to_owned(),
            watch_namespace: is_narrow.then(|| self.runtime_namespace().to_owned()),
            watch_label_selector: self.label_selector().map(str::to_owned),
            no_cross_namespace_refs: flags.no_cross_namespace_refs.unwrap_or(false),
            default_service_account: given(&flags.default_service_account).map(str::to_owned),
            shutdown_limit: controller.shutdown_limit(),
        }
    }

    /// The Lease of one controller, if leaders are elected. `suffix` tells this process from all others of its host.
    pub(crate) fn lease_options(&self, controller: Controller, suffix: u64) -> Option<LeaseOptions> {
        let flags = &self.flags;
        if flags.enable_leader_election != Some(true) {
            return None;
        }
        let mut name = format!("{}-leader-election", controller.name());
        if let Some(selector) = self.label_selector() {
            // Controllers of different shards do not contend.
            name.push_str(&format!("-{}", &hex::encode(Sha256::digest(selector))[..8]));
        }
        let identity = format!("{}_{suffix:016x}", self.environment.host_name);
        let defaults = LeaseOptions::new(self.runtime_namespace(), name, identity);
        Some(LeaseOptions {
            duration: flags.leader_election_lease_duration.map_or(defaults.duration, GoDuration::get),
            renew_deadline: flags.leader_election_renew_deadline.map_or(defaults.renew_deadline, GoDuration::get),
            retry_period: flags.leader_election_retry_period.map_or(defaults.retry_period, GoDuration::get),
            release_on_cancel: flags.leader_election_release_on_cancel.unwrap_or(defaults.release_on_cancel),
            ..defaults
        })
    }
}

/// A text that is set and not empty.
fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// A boolean as Go's flags read it.
fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
