//! Which resource serves a kind, as the API server's discovery says.
//!
//! One snapshot of aggregated discovery (two requests) answers everything until a kind is missing from it or
//! [`Mapping::invalidate`] is called. A group whose own server does not answer discovery is *unknown*, which is an error:
//! only a complete answer can say that there is no such kind.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use http::header::ACCEPT;
use kube::core::ApiResource;
use kube::core::discovery::v2::{ACCEPT_AGGREGATED_DISCOVERY_V2, APIGroupDiscovery};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Error;
use crate::requests::send;

/// How long a snapshot is believed when it says that a kind is missing.
const MISS_IS_BELIEVED_FOR: Duration = Duration::from_secs(1);

/// What serves a kind. Two are equal when their group, version and plural are.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Group, version, kind and plural.
    pub api: ApiResource,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    fn key(&self) -> (&str, &str, &str) {
        (&self.api.group, &self.api.version, &self.api.plural)
    }

    /// `Kind.group`, or `Kind` in the core group.
    pub(crate) fn subject(&self) -> String {
        match self.api.group.as_str() {
            "" => self.api.kind.clone(),
            group => format!("{}.{group}", self.api.kind),
        }
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Resource {}

impl PartialOrd for Resource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Resource {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Resource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// From kinds to resources.
pub struct Mapping {
    client: kube::Client,
    /// Counts calls of `invalidate`, so that one during a request outlives the answer.
    invalidations: AtomicU64,
    snapshot: Mutex<Option<Arc<Snapshot>>>,
}

struct Snapshot {
    taken: Instant,
    invalidations: u64,
    groups: BTreeMap<String, Group>,
}

#[derive(Default)]
struct Group {
    /// In the server's order of preference.
    versions: Vec<(String, BTreeMap<String, Resource>)>,
    /// Whether discovery of every version is up to date.
    complete: bool,
}

#[derive(Deserialize)]
struct Answer {
    kind: String,
    #[serde(default)]
    items: Option<Vec<APIGroupDiscovery>>,
}

impl Mapping {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client, invalidations: AtomicU64::new(0), snapshot: Mutex::new(None) }
    }

    /// The resource that serves `kind` at exactly this version; `None` when there is no such kind.
    pub async fn resolve(&self, group: &str, version: &str, kind: &str) -> Result<Option<Resource>, Error> {
        self.find(group, kind, |served| served == version).await
    }

    /// The resource that serves `kind` at the version that the server prefers.
    pub async fn resolve_any_version(&self, group: &str, kind: &str) -> Result<Option<Resource>, Error> {
        self.find(group, kind, |_| true).await
    }

    /// Forgets the snapshot: a kind was added, changed or removed.
    pub fn invalidate(&self) {
        self.invalidations.fetch_add(1, SeqCst);
    }

    async fn find(&self, group: &str, kind: &str, wanted: impl Fn(&str) -> bool) -> Result<Option<Resource>, Error> {
        // Held over the request: whoever else misses meanwhile takes the same answer.
        let mut held = self.snapshot.lock().await;
        let current = held.clone().filter(|snapshot| snapshot.invalidations == self.invalidations.load(SeqCst));
        if let Some(snapshot) = current {
            let found = snapshot.find(group, kind, &wanted);
            if !matches!(found, Ok(Some(_))) && snapshot.taken.elapsed() >= MISS_IS_BELIEVED_FOR {
                let fresh = Arc::new(self.discover().await?);
                *held = Some(fresh.clone());
                return fresh.find(group, kind, &wanted);
            }
            return found;
        }
        let fresh = Arc::new(self.discover().await?);
        *held = Some(fresh.clone());
        fresh.find(group, kind, &wanted)
    }

    async fn discover(&self) -> Result<Snapshot, Error> {
        let invalidations = self.invalidations.load(SeqCst);
        let mut groups = BTreeMap::new();
        for path in ["/apis", "/api"] {
            let request = http::Request::get(path).header(ACCEPT, ACCEPT_AGGREGATED_DISCOVERY_V2).body(Vec::new());
            let request = request.expect("a constant path and header are valid");
            let answer: Answer = send(&self.client, request, "discover", || path.to_owned()).await?;
            if answer.kind != "APIGroupDiscoveryList" {
                return Err(Error::NoAggregatedDiscovery);
            }
            for group in answer.items.unwrap_or_default() {
                let name = group.metadata.as_ref().and_then(|metadata| metadata.name.clone()).unwrap_or_default();
                groups.insert(name.clone(), Group::read(&name, group));
            }
        }
        Ok(Snapshot { taken: Instant::now(), invalidations, groups })
    }
}

impl Snapshot {
    fn find(&self, group: &str, kind: &str, wanted: impl Fn(&str) -> bool) -> Result<Option<Resource>, Error> {
        let Some(served) = self.groups.get(group) else { return Ok(None) };
        let mut versions = served.versions.iter().filter(|(version, _)| wanted(version));
        match versions.find_map(|(_, kinds)| kinds.get(kind)) {
            Some(resource) => Ok(Some(resource.clone())),
            None if served.complete => Ok(None),
            None => Err(Error::IncompleteDiscovery { group: group.to_owned() }),
        }
    }
}

impl Group {
    fn read(name: &str, discovered: APIGroupDiscovery) -> Self {
        let mut group = Self { versions: Vec::new(), complete: true };
        for served in discovered.versions {
            group.complete &= served.freshness.as_deref() != Some("Stale");
            let version = served.version.unwrap_or_default();
            let api_version = if name.is_empty() { version.clone() } else { format!("{name}/{version}") };
            let mut kinds = BTreeMap::new();
            for resource in served.resources {
                let kind = resource.response_kind.and_then(|kind| kind.kind).unwrap_or_default();
                let api = ApiResource {
                    group: name.to_owned(),
                    version: version.clone(),
                    api_version: api_version.clone(),
                    kind: kind.clone(),
                    plural: resource.resource.unwrap_or_default(),
                };
                let namespaced = resource.scope.as_deref() == Some("Namespaced");
                kinds.entry(kind).or_insert(Resource { api, namespaced });
            }
            group.versions.push((version, kinds));
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use serde_json::json;

    use super::*;
    use crate::Refusal as _;
    use crate::mock::{self, Asked, Reply, discovery, refused};

    fn core(asked: &Asked) -> Option<Reply> {
        let served = discovery(&[(
            "",
            "v1",
            "Current",
            &[("ConfigMap", "configmaps", "Namespaced"), ("Node", "nodes", "Cluster")],
        )]);
        (asked.path == "/api").then_some(Reply::Json(200, served))
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_is_found_with_its_plural_and_scope_in_two_requests_for_all() {
        let (cluster, log) = mock::cluster(|asked| {
            core(asked).unwrap_or_else(|| {
                let versions = json!([
                    {"version": "v2", "resources": [{"resource": "as", "responseKind": {"kind": "A"}, "scope": "Cluster"}]},
                    {"version": "v1", "resources": [
                        {"resource": "as", "responseKind": {"kind": "A"}, "scope": "Cluster"},
                        {"resource": "bs", "responseKind": {"kind": "B"}, "scope": "Namespaced"},
                    ]},
                ]);
                let items = json!([{"metadata": {"name": "x.io"}, "versions": versions}]);
                Reply::Json(200, json!({"kind": "APIGroupDiscoveryList", "items": items}))
            })
        });
        let mapping = cluster.mapping();
        let found = mapping.resolve("", "v1", "ConfigMap").await.unwrap().unwrap();
        assert_eq!(
            (found.api.plural.as_str(), found.api.api_version.as_str(), found.namespaced),
            ("configmaps", "v1", true)
        );
        assert!(!mapping.resolve("", "v1", "Node").await.unwrap().unwrap().namespaced);
        assert_eq!(mapping.resolve("x.io", "v1", "A").await.unwrap().unwrap().api.api_version, "x.io/v1");
        assert_eq!(mapping.resolve_any_version("x.io", "A").await.unwrap().unwrap().api.version, "v2");
        assert_eq!(mapping.resolve_any_version("x.io", "B").await.unwrap().unwrap().api.version, "v1");
        assert_eq!(mapping.resolve("x.io", "v2", "B").await.unwrap(), None);
        assert_eq!(log.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_kind_is_asked_for_again_after_a_second_or_when_told() {
        let (cluster, log) = mock::cluster(|asked| core(asked).unwrap_or(Reply::Json(200, discovery(&[]))));
        let mapping = cluster.mapping();
        let requests = || log.lock().unwrap().len();
        for _ in 0..100 {
            assert_eq!(mapping.resolve("x.io", "v1", "A").await.unwrap(), None);
        }
        assert_eq!(requests(), 2);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(mapping.resolve("x.io", "v1", "A").await.unwrap(), None);
        assert_eq!(requests(), 4);
        mapping.invalidate();
        mapping.resolve("", "v1", "ConfigMap").await.unwrap().unwrap();
        assert_eq!(requests(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_does_not_answer_is_an_error_and_only_for_itself() {
        let (cluster, _) = mock::cluster(|asked| {
            let groups: &[mock::Served<'_>] =
                &[("metrics.k8s.io", "v1beta1", "Stale", &[]), ("x.io", "v1", "Current", &[("A", "as", "Cluster")])];
            core(asked).unwrap_or(Reply::Json(200, discovery(groups)))
        });
        let mapping = cluster.mapping();
        let error = mapping.resolve("metrics.k8s.io", "v1beta1", "PodMetrics").await.unwrap_err();
        assert!(matches!(error, Error::IncompleteDiscovery { .. }) && error.is_transient(), "{error}");
        assert!(mapping.resolve_any_version("metrics.k8s.io", "PodMetrics").await.is_err());
        assert!(mapping.resolve("x.io", "v1", "A").await.unwrap().is_some());
        assert_eq!(mapping.resolve("x.io", "v1", "B").await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_discovery_says_nothing_about_kinds_and_loses_none() {
        let fails = Arc::new(AtomicBool::new(false));
        let failing = fails.clone();
        let (cluster, _) = mock::cluster(move |asked| match failing.load(SeqCst) && asked.path == "/apis" {
            true => refused(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
            false => core(asked).unwrap_or(Reply::Json(200, discovery(&[]))),
        });
        let mapping = cluster.mapping();
        mapping.resolve("", "v1", "ConfigMap").await.unwrap().unwrap();
        fails.store(true, SeqCst);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(mapping.resolve("x.io", "v1", "A").await.is_err());
        assert!(mapping.resolve("", "v1", "ConfigMap").await.unwrap().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_without_aggregated_discovery_is_not_taken_for_an_empty_one() {
        let (cluster, _) = mock::cluster(|_| Reply::Json(200, json!({"kind": "APIGroupList", "groups": []})));
        let error = cluster.mapping().resolve("", "v1", "ConfigMap").await.unwrap_err();
        assert!(matches!(error, Error::NoAggregatedDiscovery), "{error}");
    }
}
