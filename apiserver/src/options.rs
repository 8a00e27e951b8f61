//! What a server is started with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::audit::Log;
use crate::auth::User;

/// What a server is started with. The same options and the same requests give the same answers.
#[derive(Clone)]
pub struct Options {
    /// Where uids and generated names come from.
    pub seed: u64,
    /// The wall clock. The default reads the system's.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Whether a caller without a bearer token is anonymous. Otherwise it is an administrator.
    pub authentication: bool,
    /// Users that are known by their bearer tokens from the start, such as an administrator. Tokens of service accounts, which
    /// the server issues, are good besides.
    pub tokens: BTreeMap<String, User>,
    /// Changes that are kept for watches and for lists of the past; older ones answer 410.
    pub history_changes: usize,
    /// Requests that the audit trail keeps.
    pub audit_entries: usize,
    /// The audit log, if there is one: `audit.k8s.io/v1` Events without bodies.
    pub audit_log: Option<Log>,
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// How long a workload takes to become ready.
    pub ready_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            now: Arc::new(system_clock),
            authentication: false,
            tokens: BTreeMap::new(),
            history_changes: 100_000,
            audit_entries: 100_000,
            audit_log: None,
            body_bytes_max: 3 * 1024 * 1024,
            ready_after: Duration::ZERO,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("seed", &self.seed)
            .field("authentication", &self.authentication)
            .field("history_changes", &self.history_changes)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::disallowed_methods, reason = "the door to the system clock, used when no other clock is passed in")]
fn system_clock() -> Timestamp {
    Timestamp::now()
}
