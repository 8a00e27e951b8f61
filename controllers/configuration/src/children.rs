//! The objects that FluxConfigurations made, as their watches and the answers to our own writes show them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::core::ApiResource;
use kube::{Resource as Typed, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::labels;
use thalweg_crds::source::GitRepository;
use thalweg_kubernetes::{Cluster, Error, Event, Objects, Resource};
use thalweg_manifest::ObjectId;

/// Every labelled object of the kinds that a FluxConfiguration makes.
pub(crate) struct Children {
    service_accounts: Arc<Objects<ServiceAccount>>,
    role_bindings: Arc<Objects<RoleBinding>>,
    cluster_role_bindings: Arc<Objects<ClusterRoleBinding>>,
    secrets: Arc<Objects<Secret>>,
    repositories: Arc<Objects<GitRepository>>,
    kustomizations: Arc<Objects<Kustomization>>,
}

impl Children {
    /// Starts the watches. The stream names every object that came, changed or went.
    pub(crate) fn watch(cluster: &Cluster, namespace: Option<&str>) -> (Self, BoxStream<'static, ObjectId>) {
        let (service_accounts, a) = watch(cluster, namespace);
        let (role_bindings, b) = watch(cluster, namespace);
        let (cluster_role_bindings, c) = watch(cluster, None);
        let (secrets, d) = watch(cluster, namespace);
        let (repositories, e) = watch(cluster, namespace);
        let (kustomizations, f) = watch(cluster, namespace);
        let children =
            Self { service_accounts, role_bindings, cluster_role_bindings, secrets, repositories, kustomizations };
        (children, stream::select_all([a, b, c, d, e, f]).boxed())
    }

    /// Waits until every watch has a complete view.
    pub(crate) async fn synced(&self) -> Result<(), Error> {
        tokio::try_join!(
            self.service_accounts.synced(),
            self.role_bindings.synced(),
            self.cluster_role_bindings.synced(),
            self.secrets.synced(),
            self.repositories.synced(),
            self.kustomizations.synced(),
        )
        .map(|_| ())
    }

    /// What the FluxConfiguration of a UID made.
    pub(crate) fn of(&self, uid: &str) -> BTreeMap<ObjectId, Map<String, Value>> {
        let mut children = BTreeMap::new();
        add(&mut children, &self.service_accounts, uid);
        add(&mut children, &self.role_bindings, uid);
        add(&mut children, &self.cluster_role_bindings, uid);
        add(&mut children, &self.secrets, uid);
        add(&mut children, &self.repositories, uid);
        add(&mut children, &self.kustomizations, uid);
        children
    }

    /// A source that a FluxConfiguration made.
    pub(crate) fn repository(&self, id: &ObjectId) -> Option<Arc<GitRepository>> {
        self.repositories.get(id)
    }

    /// A Kustomization that a FluxConfiguration made.
    pub(crate) fn kustomization(&self, id: &ObjectId) -> Option<Arc<Kustomization>> {
        self.kustomizations.get(id)
    }

    /// Takes note of the API server's answer about an object that carries our labels.
    pub(crate) fn record(&self, id: &ObjectId, answer: Value) {
        match Kind::of(id) {
            Kind::ServiceAccount => record(&self.service_accounts, answer),
            Kind::RoleBinding => record(&self.role_bindings, answer),
            Kind::ClusterRoleBinding => record(&self.cluster_role_bindings, answer),
            Kind::Secret => record(&self.secrets, answer),
            Kind::GitRepository => record(&self.repositories, answer),
            Kind::Kustomization => record(&self.kustomizations, answer),
        }
    }
}

/// What serves an object that a FluxConfiguration makes.
pub(crate) fn resource_of(id: &ObjectId) -> Resource {
    let (api, namespaced) = match Kind::of(id) {
        Kind::ServiceAccount => (ApiResource::erase::<ServiceAccount>(&()), true),
        Kind::RoleBinding => (ApiResource::erase::<RoleBinding>(&()), true),
        Kind::ClusterRoleBinding => (ApiResource::erase::<ClusterRoleBinding>(&()), false),
        Kind::Secret => (ApiResource::erase::<Secret>(&()), true),
        Kind::GitRepository => (ApiResource::erase::<GitRepository>(&()), true),
        Kind::Kustomization => (ApiResource::erase::<Kustomization>(&()), true),
    };
    Resource { api, namespaced }
}

enum Kind {
    ServiceAccount,
    RoleBinding,
    ClusterRoleBinding,
    Secret,
    GitRepository,
    Kustomization,
}

impl Kind {
    fn of(id: &ObjectId) -> Self {
        match id.kind.as_str() {
            "ServiceAccount" => Self::ServiceAccount,
            "RoleBinding" => Self::RoleBinding,
            "ClusterRoleBinding" => Self::ClusterRoleBinding,
            "Secret" => Self::Secret,
            "GitRepository" => Self::GitRepository,
            "Kustomization" => Self::Kustomization,
            other => unreachable!("a FluxConfiguration makes no {other}"),
        }
    }
}

fn watch<K>(cluster: &Cluster, namespace: Option<&str>) -> (Arc<Objects<K>>, BoxStream<'static, ObjectId>)
where
    K: Typed<DynamicType = ()> + DeserializeOwned + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let (objects, events) = Objects::<K>::watch(cluster, namespace, Some(labels::CONFIGURATION_UID));
    let changed = events.filter_map(|event| {
        let id = match event {
            Event::Applied { id, .. } | Event::Deleted { id, .. } => Some(id),
            Event::Poisoned { id, error } => {
                tracing::error!(object = %id.subject(), error, "an object of a FluxConfiguration cannot be read");
                Some(id)
            }
            Event::Synced => None,
        };
        std::future::ready(id)
    });
    (objects, changed.boxed())
}

fn add<K>(children: &mut BTreeMap<ObjectId, Map<String, Value>>, objects: &Objects<K>, uid: &str)
where
    K: Typed<DynamicType = ()> + DeserializeOwned + Serialize + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    for object in objects.list() {
        if object.labels().get(labels::CONFIGURATION_UID).is_some_and(|label| label == uid)
            && let Ok(Value::Object(content)) = serde_json::to_value(&*object)
        {
            let namespace = object.namespace().unwrap_or_default();
            children.insert(ObjectId::new(K::group(&()), K::kind(&()), namespace, object.name_any()), content);
        }
    }
}

fn record<K>(objects: &Objects<K>, answer: Value)
where
    K: Typed<DynamicType = ()> + DeserializeOwned + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    // An answer that cannot be read will be told by the watch as well.
    if let Ok(object) = serde_json::from_value(answer) {
        objects.record(Arc::new(object));
    }
}
