//! What the tests ask for, and what they find in the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};
use thalweg_crds::{labels, managers};
use thalweg_manifest::ObjectId;

/// Stands for the namespace of a run in objects and states, so that those of different runs compare.
pub const NAMESPACE: &str = "NAMESPACE";

const ROLES: &str = "rbac.authorization.k8s.io";

/// The kinds that are applied here: group, kind, plural.
const NAMESPACED: [(&str, &str, &str); 5] = [
    ("", "ConfigMap", "configmaps"),
    ("", "Secret", "secrets"),
    ("", "ServiceAccount", "serviceaccounts"),
    (ROLES, "Role", "roles"),
    (ROLES, "RoleBinding", "rolebindings"),
];
const CLUSTER_SCOPED: [(&str, &str, &str); 1] = [(ROLES, "ClusterRole", "clusterroles")];

/// What every namespace has.
const NOT_OURS: [(&str, &str); 2] = [("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")];

/// A ConfigMap with one key.
pub fn config_map(name: &str, value: &str) -> Value {
    object("v1", "ConfigMap", name, json!({"data": {"value": value}}))
}

/// A Secret with one key.
pub fn secret(name: &str, value: &str) -> Value {
    object("v1", "Secret", name, json!({"stringData": {"value": value}}))
}

/// A ServiceAccount.
pub fn service_account(name: &str) -> Value {
    object("v1", "ServiceAccount", name, json!({}))
}

/// A Role that may read ConfigMaps.
pub fn role(name: &str) -> Value {
    object("rbac.authorization.k8s.io/v1", "Role", name, json!({"rules": rules()}))
}

/// A RoleBinding of a role to an account.
pub fn role_binding(name: &str, role: &str, account: &str) -> Value {
    let fields = json!({
        "roleRef": {"apiGroup": ROLES, "kind": "Role", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
    });
    object("rbac.authorization.k8s.io/v1", "RoleBinding", name, fields)
}

/// The one cluster-scoped object: it is of an earlier stage than the others.
pub fn cluster_role(name: &str) -> Value {
    let mut role = object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        &format!("{NAMESPACE}-{name}"),
        json!({"rules": rules()}),
    );
    role["metadata"].as_object_mut().unwrap().remove("namespace");
    role
}

fn rules() -> Value {
    json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}])
}

fn object(api_version: &str, kind: &str, name: &str, fields: Value) -> Value {
    let metadata = json!({"name": name, "namespace": NAMESPACE});
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

/// The inventory id of an object, with the placeholder for the namespace.
pub fn inventory_id(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let group = text(&object["apiVersion"]).split_once('/').map_or(String::new(), |(group, _)| group.to_owned());
    let metadata = &object["metadata"];
    ObjectId::new(group, text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])).to_string()
}

/// The API of a kind, in one namespace or for all.
pub fn api(client: &Client, group: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let all = NAMESPACED.iter().chain(&CLUSTER_SCOPED);
    let plural = all.copied().find(|known| (known.0, known.1) == (group, kind)).expect("a kind of this page").2;
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// The kinds that a run may leave in its namespace: group and kind.
pub fn namespaced_kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMESPACED.iter().map(|(group, kind, _)| (*group, *kind))
}

/// Everything of a run that is in the cluster at one moment.
pub struct World {
    /// By inventory id.
    pub objects: BTreeMap<String, Found>,
    /// `kind: Kustomization`, by name.
    pub kustomizations: BTreeMap<String, Value>,
    namespace: String,
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Which object of its name it is.
    pub uid: String,
    /// In which version.
    pub resource_version: String,
    value: Value,
}

impl Found {
    fn labels(&self) -> [&str; 2] {
        let labels = &self.value["metadata"]["labels"];
        [labels::KUSTOMIZATION_NAMESPACE, labels::KUSTOMIZATION_NAME]
            .map(|key| labels[key].as_str().unwrap_or_default())
    }

    fn is_applied_by_us(&self) -> bool {
        let entries = self.value["metadata"]["managedFields"].as_array();
        entries.into_iter().flatten().any(|entry| {
            entry["manager"] == managers::KUSTOMIZE && entry["operation"] == "Apply" && entry["subresource"].is_null()
        })
    }

    fn is_terminating(&self) -> bool {
        !self.value["metadata"]["deletionTimestamp"].is_null()
    }
}

impl World {
    /// Reads the objects in `namespace`, the cluster-scoped ones that name an owner in it, and its Kustomizations.
    pub async fn read(client: &Client, namespace: &str) -> Result<World> {
        let selector = format!("{}={namespace}", labels::KUSTOMIZATION_NAMESPACE);
        let inside = NAMESPACED.iter().map(|(group, kind, _)| (*group, *kind, Some(namespace), ListParams::default()));
        let outside = CLUSTER_SCOPED
            .iter()
            .map(|(group, kind, _)| (*group, *kind, None, ListParams::default().labels(&selector)));
        let lists = inside.chain(outside).map(async |(group, kind, namespace, parameters)| {
            let list = api(client, group, kind, namespace).list(&parameters).await;
            list.map(|list| (group, kind, list.items)).with_context(|| format!("listing {kind}s"))
        });
        let mut objects = BTreeMap::new();
        for (group, kind, items) in try_join_all(lists).await? {
            for item in items.into_iter().filter(|item| !NOT_OURS.contains(&(kind, item.name_any().as_str()))) {
                let id = ObjectId::new(group, kind, item.namespace().unwrap_or_default(), item.name_any());
                let found = Found {
                    uid: item.uid().unwrap_or_default(),
                    resource_version: item.resource_version().unwrap_or_default(),
                    value: serde_json::to_value(&item)?,
                };
                objects.insert(id.to_string(), found);
            }
        }
        let kustomizations = kustomizations(client, namespace).await?;
        Ok(World { objects, kustomizations, namespace: namespace.to_owned() })
    }

    /// Whatever carries owner labels and our Apply entry, and is not terminating, is in the inventory that it names.
    pub fn check_inventories(&self) -> Result<()> {
        let mut orphans = Vec::new();
        for (id, found) in &self.objects {
            let [namespace, name] = found.labels();
            if name.is_empty() || !found.is_applied_by_us() || found.is_terminating() {
                continue;
            }
            let owner = self.kustomizations.get(name).filter(|_| namespace == self.namespace);
            if !owner.is_some_and(|owner| inventory(owner).contains_key(id)) {
                orphans.push(format!("{id} is in no inventory: its labels name {namespace}/{name}"));
            }
        }
        if orphans.is_empty() { Ok(()) } else { bail!("{}", orphans.join("\n")) }
    }

    /// The namespace of the run.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// All that another run should find too, `ignored` objects left out.
    pub fn state(&self, ignored: &BTreeSet<String>) -> State {
        let mut lines = BTreeMap::new();
        for (id, found) in self.objects.iter().filter(|(id, _)| !ignored.contains(*id)) {
            lines.insert(format!("object {id}"), object_state(&found.value));
        }
        for (name, kustomization) in &self.kustomizations {
            lines.insert(format!("Kustomization {name}"), kustomization_state(kustomization));
        }
        let same = |text: String| text.replace(&self.namespace, NAMESPACE);
        State(lines.into_iter().map(|(subject, value)| (same(subject), same(value.to_string()))).collect())
    }
}

/// The Kustomizations of a namespace, by name.
pub async fn kustomizations(client: &Client, namespace: &str) -> Result<BTreeMap<String, Value>> {
    use thalweg_crds::kustomize::Kustomization;
    let api: Api<Kustomization> = Api::namespaced(client.clone(), namespace);
    let list = api.list(&ListParams::default()).await.context("listing Kustomizations")?;
    list.items.into_iter().map(|item| Ok((item.name_any(), serde_json::to_value(&item)?))).collect()
}

/// The ids in a Kustomization's inventory, with their versions.
pub fn inventory(kustomization: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = kustomization["status"]["inventory"]["entries"].as_array();
    entries.into_iter().flatten().map(|entry| (text(&entry["id"]), text(&entry["v"]))).collect()
}

fn object_state(object: &Value) -> Value {
    let mut state = object.clone();
    let metadata = state["metadata"].take();
    let entries = metadata["managedFields"].as_array();
    let managers: BTreeSet<String> =
        entries.into_iter().flatten().map(|entry| format!("{} {}", entry["manager"], entry["operation"])).collect();
    state["metadata"] = json!({
        "labels": metadata["labels"], "annotations": metadata["annotations"], "managers": managers,
        "isTerminating": !metadata["deletionTimestamp"].is_null(),
    });
    state
}

fn kustomization_state(kustomization: &Value) -> Value {
    let (metadata, status) = (&kustomization["metadata"], &kustomization["status"]);
    let conditions = status["conditions"].as_array().into_iter().flatten().map(|condition| {
        let message = if condition["type"] == "Ready" { condition["message"].clone() } else { Value::Null };
        json!([condition["type"], condition["status"], condition["reason"], message])
    });
    let mut conditions: Vec<Value> = conditions.collect();
    conditions.sort_by_key(Value::to_string);
    json!({
        "finalizers": metadata["finalizers"],
        "isTerminating": !metadata["deletionTimestamp"].is_null(),
        "isObserved": metadata["generation"] == status["observedGeneration"],
        "conditions": conditions,
        "inventory": inventory(kustomization),
        "lastAppliedRevision": status["lastAppliedRevision"],
        "lastAttemptedRevision": status["lastAttemptedRevision"],
        "lastOutcome": status["history"][0]["lastReconciledStatus"],
    })
}

/// What runs have in common when they end alike.
#[derive(Clone, PartialEq, Eq)]
pub struct State(BTreeMap<String, String>);

impl State {
    /// The same with `text` replaced, where runs differ.
    pub fn with(self, text: &str, replacement: &str) -> State {
        State(self.0.into_iter().map(|(subject, state)| (subject, state.replace(text, replacement))).collect())
    }

    /// In what `self` is not as `expected`.
    pub fn difference(&self, expected: &State) -> String {
        let subjects: BTreeSet<&String> = self.0.keys().chain(expected.0.keys()).collect();
        let lines = subjects.into_iter().filter(|subject| self.0.get(*subject) != expected.0.get(*subject));
        let none = "absent".to_owned();
        lines
            .map(|subject| {
                let (is, should_be) = (self.0.get(subject).unwrap_or(&none), expected.0.get(subject).unwrap_or(&none));
                format!("\n  {subject}\n    is        {is}\n    should be {should_be}")
            })
            .collect()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(subject, state)| writeln!(formatter, "{subject}: {state}"))
    }
}
