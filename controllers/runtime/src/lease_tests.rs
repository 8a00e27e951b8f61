use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::mock::{Call, api_server, refused};

/// A Lease behind an API server that can be told to fail.
#[derive(Clone, Default)]
struct Server {
    state: Arc<Mutex<ServerState>>,
}

#[derive(Default)]
struct ServerState {
    lease: Option<Value>,
    version: u64,
    is_down: bool,
}

impl Server {
    fn answer(&self, call: Call) -> (u16, Value) {
        let mut state = self.state.lock().unwrap();
        if state.is_down {
            return refused(500, "InternalError");
        }
        let version_is =
            |lease: &Value| lease["metadata"]["resourceVersion"] == call.body["metadata"]["resourceVersion"];
        match (call.method, &state.lease) {
            (Method::GET, Some(lease)) => (200, lease.clone()),
            (Method::GET | Method::PUT, None) => refused(404, "NotFound"),
            (Method::POST, Some(_)) => refused(409, "AlreadyExists"),
            (Method::PUT, Some(lease)) if !version_is(lease) => refused(409, "Conflict"),
            _ => (200, state.store(call.body)),
        }
    }

    fn client(&self) -> kube::Client {
        let server = self.clone();
        api_server(move |call| std::future::ready(server.answer(call))).0
    }

    fn hold_as(&self, holder: &str, seconds: u64) {
        self.state.lock().unwrap().store(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "lease", "namespace": "flux-system"},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 3},
        }));
    }

    fn set_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    fn spec(&self) -> Value {
        self.state.lock().unwrap().lease.as_ref().map(|lease| lease["spec"].clone()).unwrap_or_default()
    }
}

impl ServerState {
    fn store(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.lease.insert(lease).clone()
    }
}

struct Leading {
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<Option<&'static str>, LeaseError>>,
    leads: CancellationToken,
}

/// Leads as `identity` until shutdown; `leads` is cancelled as soon as it does.
fn lead_as(server: &Server, identity: &str) -> Leading {
    let (shutdown, leads) = (CancellationToken::new(), CancellationToken::new());
    let work = {
        let (shutdown, leads) = (shutdown.clone(), leads.clone());
        async move {
            leads.cancel();
            shutdown.cancelled().await;
            "done"
        }
    };
    let options = LeaseOptions::new("flux-system", "lease", identity);
    let clock = Clock::simulated("2026-01-01T00:00:00Z".parse().unwrap());
    let random = Random::seeded(1);
    let leading = lead(server.client(), clock, random, Metrics::new(), options, shutdown.clone(), work);
    Leading { shutdown, task: tokio::spawn(leading), leads }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_created_renewed_and_released_when_the_work_has_ended() {
    let server = Server::default();
    let us = lead_as(&server, "us");
    us.leads.cancelled().await;
    assert_eq!(
        server.spec(),
        json!({
            "holderIdentity": "us", "leaseDurationSeconds": 35, "leaseTransitions": 0,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
        })
    );
    sleep(Duration::from_secs(61)).await;
    assert_eq!(server.spec()["renewTime"], "2026-01-01T00:01:00.000000Z");
    assert_eq!(server.spec()["acquireTime"], "2026-01-01T00:00:00.000000Z");
    us.shutdown.cancel();
    assert_eq!(us.task.await.unwrap().unwrap(), Some("done"));
    assert_eq!((&server.spec()["holderIdentity"], &server.spec()["leaseDurationSeconds"]), (&"".into(), &1.into()));
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_another_is_taken_once_it_has_not_changed_for_its_duration() {
    let server = Server::default();
    server.hold_as("them", 35);
    let us = lead_as(&server, "us");
    sleep(Duration::from_secs(34)).await;
    assert_eq!(server.spec()["holderIdentity"], "them");
    server.hold_as("them", 36);
    sleep(Duration::from_secs(35)).await;
    assert_eq!(server.spec()["holderIdentity"], "them", "its renewal began the time anew");
    us.leads.cancelled().await;
    assert_eq!((&server.spec()["holderIdentity"], &server.spec()["leaseTransitions"]), (&"us".into(), &4.into()));
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_at_the_next_look() {
    let server = Server::default();
    let (first, second) = (lead_as(&server, "first"), {
        sleep(Duration::from_millis(1)).await;
        lead_as(&server, "second")
    });
    first.leads.cancelled().await;
    sleep(Duration::from_secs(120)).await;
    assert!(!second.leads.is_cancelled());
    first.shutdown.cancel();
    let released = Instant::now();
    second.leads.cancelled().await;
    assert!(released.elapsed() <= Duration::from_secs(11), "{:?}", released.elapsed());
    assert_eq!(first.task.await.unwrap().unwrap(), Some("done"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_in_time_is_lost() {
    let server = Server::default();
    let us = lead_as(&server, "us");
    us.leads.cancelled().await;
    let renewed = Instant::now();
    server.set_down(true);
    let lost = us.task.await.unwrap().unwrap_err();
    assert_eq!(lost.to_string(), "lease lease was not renewed within 30s");
    assert!(renewed.elapsed() <= Duration::from_secs(30), "{:?}", renewed.elapsed());
    assert_eq!(server.spec()["holderIdentity"], "us", "what is lost is not released");
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_and_a_write_whose_answer_was_lost_do_not_lose_the_lease() {
    let server = Server::default();
    let us = lead_as(&server, "us");
    us.leads.cancelled().await;
    server.set_down(true);
    advance(Duration::from_secs(20)).await;
    server.set_down(false);
    server.hold_as("us", 35);
    sleep(Duration::from_secs(60)).await;
    assert!(!us.task.is_finished());
    us.shutdown.cancel();
    assert!(us.task.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_took_is_lost_at_once() {
    let server = Server::default();
    let us = lead_as(&server, "us");
    us.leads.cancelled().await;
    server.hold_as("them", 35);
    assert_eq!(us.task.await.unwrap().unwrap_err().to_string(), "lease lease was taken by them");
    assert_eq!(server.spec()["holderIdentity"], "them");
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_wait_for_a_lease() {
    let server = Server::default();
    server.hold_as("them", 35);
    let us = lead_as(&server, "us");
    sleep(Duration::from_secs(1)).await;
    us.shutdown.cancel();
    assert_eq!(us.task.await.unwrap().unwrap(), None);
    assert_eq!(server.spec()["holderIdentity"], "them");
}

#[tokio::test(start_paused = true)]
async fn contradicting_times_are_refused() {
    let mut options = LeaseOptions::new("flux-system", "lease", "us");
    options.renew_deadline = Duration::from_secs(35);
    assert!(matches!(options.check(), Err(LeaseError::Timing { .. })));
    options = LeaseOptions { retry_period: Duration::from_secs(20), ..LeaseOptions::new("a", "b", "c") };
    assert!(matches!(options.check(), Err(LeaseError::Timing { .. })));
}
