//! Leading: doing something only while this process holds a Lease.
//!
//! Mirrors client-go tools/leaderelection, and shares Leases with it: a Lease is taken when nobody holds it, when its
//! holder gave it up, or when it did not change for as long as it says; every write carries the resourceVersion that was
//! read. How long a Lease did not change is measured on our own monotonic clock, so wrong wall clocks do no harm.
//!
//! A Lease is not a fence: a holder that was stopped for a while may still write. Writers must be safe without it.

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::ResourceExt as _;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::failure::chain;
use crate::{Clock, Metrics, Random};

/// Which Lease, for whom, and how often. The defaults are Flux's.
#[derive(Clone, Debug)]
pub struct LeaseOptions {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease, such as `kustomize-controller-leader-election`.
    pub name: String,
    /// Who we are; no other process may have the same.
    pub identity: String,
    /// How long others wait after our last renewal before they take the Lease.
    pub duration: Duration,
    /// How long after our last renewal we give up leading.
    pub renew_deadline: Duration,
    /// How often the Lease is renewed, or looked at.
    pub retry_period: Duration,
    /// Whether the Lease is given up at shutdown.
    pub release_on_cancel: bool,
}

impl LeaseOptions {
    /// Flux's timing.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: identity.into(),
            duration: Duration::from_secs(35),
            renew_deadline: Duration::from_secs(30),
            retry_period: Duration::from_secs(5),
            release_on_cancel: true,
        }
    }

    fn check(&self) -> Result<(), LeaseError> {
        let waits = self.retry_period.mul_f64(1.0 + JITTER);
        if self.duration > self.renew_deadline && self.renew_deadline > waits && !self.retry_period.is_zero() {
            return Ok(());
        }
        Err(LeaseError::Timing { name: self.name.clone() })
    }
}

/// Leading is over, or cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The options contradict each other.
    #[error("lease {name}: the duration must exceed the renew deadline, and that 2.2 times the retry period")]
    Timing {
        /// The name of the Lease.
        name: String,
    },
    /// We could not renew the Lease in time.
    #[error("lease {name} was not renewed within {limit:?}")]
    Expired {
        /// The name of the Lease.
        name: String,
        /// The renew deadline.
        limit: Duration,
        /// The last failure.
        #[source]
        source: Option<kube::Error>,
    },
    /// Somebody else holds the Lease.
    #[error("lease {name} was taken by {holder}")]
    Taken {
        /// The name of the Lease.
        name: String,
        /// The new holder; empty if somebody released it for us.
        holder: String,
    },
}

/// client-go's jitter: up to this share of the retry period is added to a wait for the Lease.
const JITTER: f64 = 1.2;

/// Waits for the Lease, then runs `work` to its end while renewing it, then gives it up.
///
/// `None` if `shutdown` was cancelled before we led. `work` itself ends on `shutdown`; the Lease is held until it has.
/// On an error `work` has been dropped where it stood: the process should end, as others may lead already.
pub async fn lead<T>(
    client: kube::Client,
    clock: Clock,
    random: Random,
    metrics: Metrics,
    options: LeaseOptions,
    shutdown: CancellationToken,
    work: impl Future<Output = T>,
) -> Result<Option<T>, LeaseError> {
    options.check()?;
    let api = Api::namespaced(client, &options.namespace);
    let mut elector = Elector { api, clock, random, options, observed: None, renewed: Instant::now() };
    metrics.leads(&elector.options.name, false);
    if !elector.acquire(&shutdown).await {
        return Ok(None);
    }
    metrics.leads(&elector.options.name, true);
    info!(lease = elector.options.name, identity = elector.options.identity, "acquired the lease");
    let result = tokio::select! { biased;
        result = work => Ok(Some(result)),
        lost = elector.hold() => Err(lost),
    };
    metrics.leads(&elector.options.name, false);
    if result.is_ok() && elector.options.release_on_cancel {
        elector.release().await;
    }
    result
}

struct Elector {
    api: Api<Lease>,
    clock: Clock,
    random: Random,
    options: LeaseOptions,
    observed: Option<Observed>,
    /// When our last successful renewal began.
    renewed: Instant,
}

/// The Lease as it was last seen, and when it was first seen so.
struct Observed {
    lease: Lease,
    at: Instant,
}

impl Elector {
    /// Resolves once we hold the Lease; false at shutdown.
    async fn acquire(&mut self, shutdown: &CancellationToken) -> bool {
        let mut holder = None;
        while !shutdown.is_cancelled() {
            match timeout(self.options.renew_deadline, self.try_hold()).await {
                Ok(Ok(true)) => return true,
                Ok(Ok(false)) => {
                    let held_by = self.observed.as_ref().map(|observed| holder_of(&observed.lease).to_owned());
                    if held_by != holder {
                        info!(lease = self.options.name, holder = held_by, "waiting for the lease");
                        holder = held_by;
                    }
                }
                Ok(Err(error)) => warn!(lease = self.options.name, error = chain(&error), "lease was not acquired"),
                Err(_) => warn!(lease = self.options.name, "lease was not acquired in time"),
            }
            let wait = self.options.retry_period.mul_f64(1.0 + JITTER * self.random.unit());
            tokio::select! { biased;
                () = shutdown.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
        false
    }

    /// Renews the Lease until that fails for good.
    async fn hold(&mut self) -> LeaseError {
        let mut last_error = None;
        loop {
            let deadline = self.renewed + self.options.renew_deadline;
            sleep(self.options.retry_period.min(deadline.saturating_duration_since(Instant::now()))).await;
            match timeout_at(deadline, self.try_hold()).await {
                Ok(Ok(true)) => last_error = None,
                Ok(Ok(false)) => {
                    let holder = self.observed.as_ref().map(|observed| holder_of(&observed.lease).to_owned());
                    return LeaseError::Taken { name: self.options.name.clone(), holder: holder.unwrap_or_default() };
                }
                Ok(Err(error)) => {
                    warn!(lease = self.options.name, error = chain(&error), "lease was not renewed");
                    last_error = Some(error);
                }
                Err(_) => {}
            }
            if Instant::now() >= self.renewed + self.options.renew_deadline {
                let (name, limit) = (self.options.name.clone(), self.options.renew_deadline);
                return LeaseError::Expired { name, limit, source: last_error };
            }
        }
    }

    /// Tries once to take or renew the Lease; false if somebody else holds it.
    async fn try_hold(&mut self) -> Result<bool, kube::Error> {
        let began = Instant::now();
        // Nobody else writes a Lease that we hold, so the version that we wrote last should be the present one.
        if let Some(lease) = self.observed.as_ref().map(|observed| &observed.lease).filter(|lease| self.is_ours(lease))
        {
            match self.write(lease.clone()).await {
                Ok(()) => return Ok(self.renew(began)),
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => return Err(error),
            }
        }
        let Some(lease) = self.api.get_opt(&self.options.name).await? else {
            return match self.create().await {
                Ok(()) => Ok(self.renew(began)),
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
                Err(error) => Err(error),
            };
        };
        self.observe(lease.clone());
        if !self.is_ours(&lease) && !self.is_free(&lease) {
            return Ok(false);
        }
        match self.write(lease).await {
            Ok(()) => Ok(self.renew(began)),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn renew(&mut self, began: Instant) -> bool {
        self.renewed = began;
        true
    }

    async fn create(&mut self) -> Result<(), kube::Error> {
        let metadata = ObjectMeta { name: Some(self.options.name.clone()), ..ObjectMeta::default() };
        let mut lease = Lease { metadata, spec: None };
        self.fill(&mut lease);
        lease.spec.get_or_insert_default().lease_transitions = Some(0);
        let lease = self.api.create(&PostParams::default(), &lease).await?;
        self.observe(lease);
        Ok(())
    }

    async fn write(&mut self, mut lease: Lease) -> Result<(), kube::Error> {
        self.fill(&mut lease);
        let lease = self.api.replace(&self.options.name, &PostParams::default(), &lease).await?;
        self.observe(lease);
        Ok(())
    }

    /// Makes the Lease say that we hold it, as of now.
    fn fill(&self, lease: &mut Lease) {
        let was_ours = self.is_ours(lease);
        let now = MicroTime(self.clock.now());
        let spec = lease.spec.get_or_insert_default();
        if !was_ours {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
        }
        spec.holder_identity = Some(self.options.identity.clone());
        spec.lease_duration_seconds = Some(i32::try_from(self.options.duration.as_secs()).unwrap_or(i32::MAX));
        spec.renew_time = Some(now);
    }

    async fn release(&mut self) {
        let Some(Observed { mut lease, at: _ }) = self.observed.take().filter(|observed| self.is_ours(&observed.lease))
        else {
            return;
        };
        let now = MicroTime(self.clock.now());
        let spec = lease.spec.get_or_insert_default();
        *spec = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            ..spec.clone()
        };
        match timeout(self.options.retry_period, self.api.replace(&self.options.name, &PostParams::default(), &lease))
            .await
        {
            Ok(Ok(_)) => info!(lease = self.options.name, "released the lease"),
            Ok(Err(error)) => warn!(lease = self.options.name, error = chain(&error), "lease was not released"),
            Err(_) => warn!(lease = self.options.name, "lease was not released in time"),
        }
    }

    fn observe(&mut self, lease: Lease) {
        let is_known = self.observed.as_ref().is_some_and(|observed| observed.lease.spec == lease.spec);
        match &mut self.observed {
            Some(observed) if is_known => observed.lease = lease,
            observed => *observed = Some(Observed { lease, at: Instant::now() }),
        }
    }

    fn is_ours(&self, lease: &Lease) -> bool {
        holder_of(lease) == self.options.identity
    }

    /// Whether the Lease was given up, or has not changed for as long as it says.
    fn is_free(&self, lease: &Lease) -> bool {
        let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
        let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let is_over = |observed: &Observed| {
            debug_assert_eq!(observed.lease.resource_version(), lease.resource_version());
            observed.at.elapsed() >= duration
        };
        holder_of(lease).is_empty() || self.observed.as_ref().is_some_and(is_over)
    }
}

fn holder_of(lease: &Lease) -> &str {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
