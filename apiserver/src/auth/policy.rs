//! The roles and bindings of the cluster, and what they allow a user.
//!
//! Mirrors the rule resolver and the RBAC authorizer of `k8s.io/kubernetes`. A [`Policy`] is read from the objects once
//! and asked often; [`CurrentPolicy`] reads it again when one of them has changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::attributes::Attributes;
use super::rules::Rule;
use super::user::{User, service_account_name};
use crate::store::{Collection, Store};

/// The API group of roles and bindings.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
const PLURALS: [&str; 4] = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"];

/// Roles and bindings. The namespace of those that have none is empty.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    roles: BTreeMap<(String, String), Vec<Rule>>,
    bindings: BTreeMap<String, Vec<Binding>>,
}

#[derive(Debug)]
struct Binding {
    name: String,
    namespace: String,
    role: RoleReference,
    subjects: Vec<Subject>,
}

/// The role that a binding gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleReference {
    /// `Role` or `ClusterRole`.
    pub(crate) kind: String,
    /// Its name.
    pub(crate) name: String,
}

#[derive(Debug)]
struct Subject {
    kind: String,
    name: String,
    namespace: String,
}

/// What authorization says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether it may be done.
    pub(crate) allowed: bool,
    /// By which binding, or what went wrong on the way; often empty.
    pub(crate) reason: String,
}

impl Policy {
    /// Reads Roles, ClusterRoles and their bindings; other kinds are passed over.
    pub(crate) fn read<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut policy = Self::default();
        for object in objects {
            let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
            match object["kind"].as_str() {
                Some("Role" | "ClusterRole") => {
                    policy.roles.insert((namespace, name), Rule::read_all(object));
                }
                Some("RoleBinding" | "ClusterRoleBinding") => {
                    let binding = Binding::read(object);
                    policy.bindings.entry(namespace).or_default().push(binding);
                }
                _ => {}
            }
        }
        policy
    }

    /// Whether a user may do what is asked.
    pub(crate) fn decide(&self, user: &User, asked: &Attributes<'_>) -> Decision {
        if user.is_master() {
            return Decision { allowed: true, reason: String::new() };
        }
        let mut problems: Vec<String> = Vec::new();
        for (binding, subject) in self.bindings_of(user, asked.namespace) {
            match self.rules(&binding.role, &binding.namespace) {
                Ok(rules) if rules.iter().any(|rule| rule.allows(asked)) => {
                    let reason = format!("RBAC: allowed by {}", binding.describe(subject));
                    return Decision { allowed: true, reason };
                }
                Ok(_) => {}
                Err(problem) => problems.push(problem),
            }
        }
        problems.dedup();
        let reason = match problems.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            several => format!("RBAC: [{}]", several.join(", ")),
        };
        Decision { allowed: false, reason }
    }

    /// All rules that hold for a user in a namespace, or everywhere when it is empty.
    pub(crate) fn rules_of(&self, user: &User, namespace: &str) -> Vec<Rule> {
        let bindings = self.bindings_of(user, namespace);
        let rules = bindings.filter_map(|(binding, _)| self.rules(&binding.role, &binding.namespace).ok());
        rules.flatten().cloned().collect()
    }

    /// The rules of the role that a binding in `namespace` gives; the error says that there is none.
    pub(crate) fn rules(&self, role: &RoleReference, namespace: &str) -> Result<&[Rule], String> {
        let namespace = if role.kind == "Role" { namespace } else { "" };
        let rules = self.roles.get(&(namespace.to_owned(), role.name.clone()));
        let missing = || format!("{}.{GROUP} {:?} not found", role.kind.to_lowercase(), role.name);
        rules.map(Vec::as_slice).ok_or_else(missing)
    }

    fn bindings_of(&self, user: &User, namespace: &str) -> impl Iterator<Item = (&Binding, &Subject)> {
        let local = (!namespace.is_empty()).then(|| self.bindings.get(namespace)).flatten();
        let bindings = self.bindings.get("").into_iter().chain(local).flatten();
        bindings.filter_map(|binding| Some((binding, binding.subject(user)?)))
    }
}

impl RoleReference {
    /// Reads the role reference of a binding.
    pub(crate) fn read(binding: &Value) -> Self {
        Self { kind: text(&binding["roleRef"]["kind"]), name: text(&binding["roleRef"]["name"]) }
    }
}

impl Binding {
    fn read(object: &Value) -> Self {
        let subject = |subject: &Value| Subject {
            kind: text(&subject["kind"]),
            name: text(&subject["name"]),
            namespace: text(&subject["namespace"]),
        };
        Self {
            name: text(&object["metadata"]["name"]),
            namespace: text(&object["metadata"]["namespace"]),
            role: RoleReference::read(object),
            subjects: object["subjects"].as_array().into_iter().flatten().map(subject).collect(),
        }
    }

    /// The first of the subjects that the user is.
    fn subject(&self, user: &User) -> Option<&Subject> {
        self.subjects.iter().find(|subject| match subject.kind.as_str() {
            "User" => subject.name == user.name,
            "Group" => user.is_in(&subject.name),
            "ServiceAccount" => {
                let namespace = subject.namespace_within(&self.namespace);
                !namespace.is_empty() && service_account_name(namespace, &subject.name) == user.name
            }
            _ => false,
        })
    }

    fn describe(&self, subject: &Subject) -> String {
        let Self { name, namespace, role, .. } = self;
        let (kind, name) = match namespace.as_str() {
            "" => ("ClusterRoleBinding", name.clone()),
            namespace => ("RoleBinding", format!("{name}/{namespace}")),
        };
        let whom = match subject.kind.as_str() {
            "ServiceAccount" => format!("{}/{}", subject.name, subject.namespace_within(namespace)),
            _ => subject.name.clone(),
        };
        format!("{kind} {name:?} of {} {:?} to {} {whom:?}", role.kind, role.name, subject.kind)
    }
}

impl Subject {
    fn namespace_within<'a>(&'a self, binding: &'a str) -> &'a str {
        if self.namespace.is_empty() { binding } else { &self.namespace }
    }
}

/// The policy of the objects as they are now.
#[derive(Debug, Default)]
pub(crate) struct CurrentPolicy(Mutex<Option<(u64, Arc<Policy>)>>);

impl CurrentPolicy {
    /// The policy, read again if a role or binding was written since.
    pub(crate) fn get(&self, store: &Store) -> Arc<Policy> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |version: u64| {
            let changes = store.changes_since(version);
            changes.is_some_and(|mut changes| !changes.any(|change| change.collection.0 == GROUP))
        };
        let kept = held.take().filter(|(version, _)| fresh(*version)).map(|(_, policy)| policy);
        let policy = kept.unwrap_or_else(|| Arc::new(read(store)));
        *held = Some((store.version(), Arc::clone(&policy)));
        policy
    }
}

fn read(store: &Store) -> Policy {
    let collections = PLURALS.map(|plural| Collection::from((GROUP.to_owned(), plural.to_owned())));
    Policy::read(collections.iter().flat_map(|collection| store.objects(collection)).map(|object| object.value()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
