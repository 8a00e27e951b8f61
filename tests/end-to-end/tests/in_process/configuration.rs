//! FluxConfigurations: the objects they become, and that nothing of others is touched. The controller runs in this process;
//! the test plays the source and kustomize controllers by writing status.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thalweg_configuration_controller as controller;
use thalweg_controller_runtime::{
    CancellationToken, Clock, ControllerContext, ControllerOptions, Events, Graph, Metrics, Random,
};
use thalweg_crds::conditions::{READY, get};
use thalweg_crds::configuration::{ComplianceState, FluxConfiguration};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::source::GitRepository;
use thalweg_harness::{ControlPlane, apply, eventually};
use thalweg_kubernetes::Cluster;
use tokio_util::sync::DropGuard;

const LIMIT: Duration = Duration::from_secs(20);
const REVISION: &str = "main@sha1:5c5f4f0000000000000000000000000000000000";

/// A namespace with a configuration controller of its own.
struct Case {
    client: Client,
    namespace: String,
    user_agent: String,
    _running: DropGuard,
}

impl Case {
    async fn start(name: &str) -> Case {
        let plane = ControlPlane::shared().await.unwrap();
        let client = plane.client("thalweg-tests").await.unwrap();
        let namespace = plane.namespace(&client, name).await.unwrap().name().to_owned();
        let user_agent = format!("configuration-of-{namespace}");
        let clock = Clock::system();
        let context = ControllerContext {
            cluster: Cluster::from_client(plane.client(&user_agent).await.unwrap()),
            graph: Graph::new(),
            events: Events::in_memory(clock.clone()),
            metrics: Metrics::new(),
            clock,
            random: Random::system(),
            options: ControllerOptions { watch_namespace: Some(namespace.clone()), ..ControllerOptions::default() },
        };
        let shutdown = CancellationToken::new();
        tokio::spawn(controller::run(context, controller::Options::default(), shutdown.clone()));
        Case { client, namespace, user_agent, _running: shutdown.drop_guard() }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies YAML in which `NAMESPACE` stands for the namespace.
    async fn apply(&self, text: &str) {
        apply(&self.client, &text.replace("NAMESPACE", &self.namespace)).await.unwrap();
    }

    async fn exists<K>(&self, name: &str) -> K
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let api = self.api::<K>();
        let what = format!("{} {name} exists", K::kind(&()));
        eventually(LIMIT, &what, || async { api.get(name).await }).await
    }

    async fn is_gone<K>(&self, name: &str)
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let api = self.api::<K>();
        let what = format!("{} {name} is gone", K::kind(&()));
        eventually(LIMIT, &what, || async {
            match api.get_opt(name).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) => Err("it is there".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await;
    }

    /// Waits for a verdict and its reason; answers the message of the Ready condition.
    async fn verdict(&self, state: ComplianceState, reason: &str) -> String {
        let api = self.api::<FluxConfiguration>();
        eventually(LIMIT, &format!("{state} with the reason {reason}"), || async {
            let object = api.get("c").await.map_err(|error| error.to_string())?;
            let status = object.status.ok_or("no status")?;
            let ready = get(&status.conditions, READY).ok_or("not Ready")?;
            if status.compliance_state == Some(state) && ready.reason == reason {
                return Ok(ready.message.clone());
            }
            Err(format!("{:?} {}: {}", status.compliance_state, ready.reason, ready.message))
        })
        .await
    }

    /// Plays the controller of a kind: its object is Ready at `REVISION`.
    async fn make_ready<K>(&self, name: &str)
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let object = self.exists::<K>(name).await;
        let artifact = json!({"path": "p", "url": "http://a", "revision": REVISION, "digest": "sha256:aa",
                              "lastUpdateTime": "2026-06-01T10:00:00Z"});
        let mut status = json!({
            "observedGeneration": object.meta().generation,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "done",
                            "observedGeneration": object.meta().generation, "lastTransitionTime": "2026-06-01T10:00:00Z"}],
        });
        if K::kind(&()) == "GitRepository" {
            status["artifact"] = artifact;
        } else {
            status["lastAppliedRevision"] = REVISION.into();
        }
        self.patch_status::<K>(name, status).await;
    }

    async fn patch_status<K>(&self, name: &str, status: Value)
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        let patch = Patch::Merge(json!({"status": status}));
        self.api::<K>().patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn patch<K>(&self, name: &str, patch: Value)
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        self.api::<K>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }
}

const CONFIGURATION: &str = "
apiVersion: thalweg.dev/v1alpha1
kind: FluxConfiguration
metadata: {name: c, namespace: NAMESPACE}
spec:
  scope: namespace
  gitRepository:
    url: https://example.com/fleet.git
    repositoryRef: {branch: main}
    httpsUser: me
  secretRef: {name: settings}
  kustomizations:
    infra: {path: ./infra}
    apps: {path: ./apps, prune: true, dependsOn: [infra]}
";

const SETTINGS: &str = "
apiVersion: v1
kind: Secret
metadata: {name: settings, namespace: NAMESPACE}
stringData: {httpsKey: token-1}
";

#[tokio::test]
async fn a_configuration_becomes_its_objects_and_follows_its_secret() {
    let case = Case::start("configuration-objects").await;
    case.apply(CONFIGURATION).await;
    let message = case.verdict(ComplianceState::NonCompliant, "InvalidSecret").await;
    assert_eq!(message, "the Secret settings that spec.secretRef names does not exist");
    case.apply(SETTINGS).await;

    let apps = case.exists::<Kustomization>("c-apps").await;
    assert_eq!(apps.spec.service_account_name.as_deref(), Some("c-applier"));
    assert_eq!(apps.spec.depends_on[0].name, "c-infra");
    assert!(apps.spec.wait && apps.spec.prune);
    let source = case.exists::<GitRepository>("c").await;
    assert_eq!(source.spec.secret_ref.unwrap().name, "c-auth");
    case.exists::<ServiceAccount>("c-applier").await;
    assert_eq!(case.exists::<RoleBinding>("c-applier").await.role_ref.name, "admin");
    let password = |secret: Secret| String::from_utf8(secret.data.unwrap()["password"].0.clone()).unwrap();
    assert_eq!(password(case.exists("c-auth").await), "token-1");

    case.apply(&SETTINGS.replace("token-1", "token-2")).await;
    let secrets = case.api::<Secret>();
    eventually(LIMIT, "the new password", || async {
        let secret = secrets.get("c-auth").await.map_err(|error| error.to_string())?;
        if password(secret) == "token-2" { Ok(()) } else { Err("the old one".to_owned()) }
    })
    .await;
}

#[tokio::test]
async fn a_compliant_configuration_sends_nothing() {
    let audit = ControlPlane::shared().await.unwrap().audit().unwrap();
    let start = audit.mark().unwrap();
    let case = Case::start("configuration-quiet").await;
    case.apply(SETTINGS).await;
    case.apply(CONFIGURATION).await;
    case.verdict(ComplianceState::Pending, "Pending").await;
    case.make_ready::<GitRepository>("c").await;
    case.make_ready::<Kustomization>("c-infra").await;
    case.make_ready::<Kustomization>("c-apps").await;
    let message = case.verdict(ComplianceState::Compliant, "Compliant").await;
    assert_eq!(message, format!("2 kustomizations are applied at {REVISION}"));

    let by_controller = |mark| audit.counted_since(mark, |request| request.user_agent == case.user_agent).unwrap();
    assert!(by_controller(start).count() > 0, "its requests are found in the audit log");
    let mark = audit.mark().unwrap();
    // Wakes the configuration twice, for nothing.
    for value in ["1", "2"] {
        case.patch::<Kustomization>("c-apps", json!({"metadata": {"annotations": {"theirs": value}}})).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let requests = by_controller(mark);
    assert_eq!(requests.count(), 0, "{requests}");
}

#[tokio::test]
async fn an_object_of_its_own_is_kept_as_asked_and_loses_what_is_no_longer_asked_for() {
    let case = Case::start("configuration-drift").await;
    case.apply(SETTINGS).await;
    case.apply(CONFIGURATION).await;
    case.exists::<Kustomization>("c-apps").await;
    case.patch::<GitRepository>("c", json!({"spec": {"url": "https://elsewhere.example.com/x.git"}})).await;
    let sources = case.api::<GitRepository>();
    let is = |expected: fn(&GitRepository) -> bool| {
        let sources = sources.clone();
        move || {
            let sources = sources.clone();
            async move {
                let source = sources.get("c").await.map_err(|error| error.to_string())?;
                if expected(&source) { Ok(()) } else { Err(format!("{:?}", source.spec)) }
            }
        }
    };
    eventually(LIMIT, "the URL is back", is(|source| source.spec.url == "https://example.com/fleet.git")).await;

    let plain = "
apiVersion: thalweg.dev/v1alpha1
kind: FluxConfiguration
metadata: {name: c, namespace: NAMESPACE}
spec:
  scope: namespace
  gitRepository: {url: 'https://example.com/fleet.git'}
  kustomizations:
    infra: {}
";
    case.apply(plain).await;
    eventually(
        LIMIT,
        "neither branch nor Secret",
        is(|source| source.spec.git_ref.is_none() && source.spec.secret_ref.is_none()),
    )
    .await;
    case.is_gone::<Kustomization>("c-apps").await;
    case.is_gone::<Secret>("c-auth").await;
    let infra = case.exists::<Kustomization>("c-infra").await;
    assert_eq!(infra.spec.path, None);
}

#[tokio::test]
async fn an_object_of_another_is_never_taken_over() {
    let case = Case::start("configuration-names").await;
    let theirs = "
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: c, namespace: NAMESPACE, labels: {thalweg.dev/configuration-uid: another}}
spec: {url: 'https://example.com/theirs.git', interval: 1h}
";
    case.apply(theirs).await;
    case.apply(SETTINGS).await;
    case.apply(CONFIGURATION).await;
    let message = case.verdict(ComplianceState::NonCompliant, "NameTaken").await;
    let subject = format!("GitRepository/{}/c", case.namespace);
    assert_eq!(message, format!("{subject} exists and was not made by this FluxConfiguration: delete or rename it"));
    let source = case.exists::<GitRepository>("c").await;
    assert_eq!(source.spec.url, "https://example.com/theirs.git");
    assert!(
        source.metadata.managed_fields.unwrap().iter().all(|entry| entry.manager.as_deref() == Some("thalweg-tests"))
    );
    assert_eq!(case.api::<Kustomization>().list(&Default::default()).await.unwrap().items.len(), 0);

    case.api::<GitRepository>().delete("c", &DeleteParams::default()).await.unwrap();
    case.exists::<Kustomization>("c-apps").await;
    assert_eq!(case.exists::<GitRepository>("c").await.spec.url, "https://example.com/fleet.git");
}

#[tokio::test]
async fn a_cycle_of_kustomizations_is_never_pending_and_writes_nothing() {
    let case = Case::start("configuration-cycle").await;
    let cycle = "
apiVersion: thalweg.dev/v1alpha1
kind: FluxConfiguration
metadata: {name: c, namespace: NAMESPACE}
spec:
  gitRepository: {url: 'https://example.com/fleet.git'}
  kustomizations:
    a: {dependsOn: [b]}
    b: {dependsOn: [a]}
";
    case.apply(cycle).await;
    let message = case.verdict(ComplianceState::NonCompliant, "InvalidDependency").await;
    assert_eq!(message, "spec.kustomizations: a → b → a is a cycle");
    assert_eq!(case.api::<GitRepository>().list(&Default::default()).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn a_deleted_configuration_takes_its_objects_along_dependents_first() {
    let case = Case::start("configuration-deletion").await;
    let cluster_wide = CONFIGURATION.replace("scope: namespace", "scope: cluster");
    case.apply(SETTINGS).await;
    case.apply(&cluster_wide).await;
    let binding = format!("thalweg:{}:c-applier", case.namespace);
    let bindings: Api<ClusterRoleBinding> = Api::all(case.client.clone());
    for name in ["c-infra", "c-apps"] {
        case.exists::<Kustomization>(name).await;
        case.patch::<Kustomization>(name, json!({"metadata": {"finalizers": ["example.com/test"]}})).await;
    }
    assert_eq!(bindings.get(&binding).await.unwrap().role_ref.name, "cluster-admin");
    case.api::<FluxConfiguration>().delete("c", &DeleteParams::default()).await.unwrap();

    for (name, after) in [("c-apps", Some("c-infra")), ("c-infra", None)] {
        let message = case.verdict(ComplianceState::Pending, "Deleting").await;
        let kustomizations = case.api::<Kustomization>();
        eventually(LIMIT, &format!("{name} is being deleted"), || async {
            let object = kustomizations.get(name).await.map_err(|error| error.to_string())?;
            object.metadata.deletion_timestamp.map(|_| ()).ok_or(format!("it is not; {message}"))
        })
        .await;
        if let Some(after) = after {
            assert!(case.exists::<Kustomization>(after).await.metadata.deletion_timestamp.is_none());
        }
        assert!(case.exists::<GitRepository>("c").await.metadata.deletion_timestamp.is_none());
        assert!(bindings.get_opt(&binding).await.unwrap().is_some(), "the applier keeps its rights until then");
        case.patch::<Kustomization>(name, json!({"metadata": {"finalizers": null}})).await;
    }
    case.is_gone::<FluxConfiguration>("c").await;
    case.is_gone::<GitRepository>("c").await;
    case.is_gone::<Secret>("c-auth").await;
    case.is_gone::<ServiceAccount>("c-applier").await;
    assert!(bindings.get_opt(&binding).await.unwrap().is_none());
    assert_eq!(case.exists::<Secret>("settings").await.name_any(), "settings");
}

#[tokio::test]
async fn a_retry_does_not_turn_non_compliant_into_pending() {
    let case = Case::start("configuration-retry").await;
    case.apply(SETTINGS).await;
    case.apply(CONFIGURATION).await;
    case.make_ready::<GitRepository>("c").await;
    case.make_ready::<Kustomization>("c-infra").await;
    let condition = |status: &str, reason: &str, message: &str| {
        json!({"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": message,
               "observedGeneration": 1, "lastTransitionTime": "2026-06-01T10:00:00Z"}]})
    };
    case.patch_status::<Kustomization>("c-apps", condition("False", "BuildFailed", "apps/a.yaml:3: no kind")).await;
    let failed = case.verdict(ComplianceState::NonCompliant, "NonCompliant").await;
    assert_eq!(failed, format!("Kustomization/{}/c-apps: apps/a.yaml:3: no kind", case.namespace));
    case.patch_status::<Kustomization>("c-apps", condition("Unknown", "Progressing", "again")).await;
    let configurations = case.api::<FluxConfiguration>();
    eventually(LIMIT, "the retry is told", || async {
        let status = configurations.get("c").await.map_err(|error| error.to_string())?.status.unwrap_or_default();
        let apps = status.statuses.iter().find(|status| status.name == "c-apps").ok_or("not told")?;
        if apps.status_conditions[0].message == "again" { Ok(()) } else { Err("not yet".to_owned()) }
    })
    .await;
    assert_eq!(case.verdict(ComplianceState::NonCompliant, "NonCompliant").await, failed);
    case.make_ready::<Kustomization>("c-apps").await;
    case.verdict(ComplianceState::Compliant, "Compliant").await;
}
