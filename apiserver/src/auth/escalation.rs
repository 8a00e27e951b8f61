//! Nobody gives more than they have: what is asked before a role or a binding is written.
//!
//! Mirrors the `policybased` storages of `k8s.io/kubernetes/pkg/registry/rbac`.

use serde_json::Value;
use thalweg_schema::Resource;

use super::policy::{GROUP, Policy, RoleReference};
use super::rules::{Rule, missing, quote};
use super::{Attributes, User};
use crate::registry::Served;
use crate::request::Verb;
use crate::state::State;
use crate::status::{Details, Status};

/// Whether the user may give what a Role or a binding gives. Asked before it is written; other kinds give nothing.
///
/// # Errors
/// 403 that lists what is not the user's to give, 404 for a binding to a role that does not exist.
pub(crate) fn escalates(state: &State, user: &User, verb: Verb, served: &Served, object: &Value) -> Result<(), Status> {
    if served.group != GROUP || user.is_master() {
        return Ok(());
    }
    let (namespace, name) = (text(&object["metadata"]["namespace"]), text(&object["metadata"]["name"]));
    let old = state.store.get(served.collection(), namespace, name).map(|old| old.value());
    if old.is_some_and(|old| same_but_for_garbage_collection(old, object)) {
        return Ok(());
    }
    let policy = &state.authority.policy.get(&state.store);
    let write = Write { policy, user, resource: served, namespace, name };
    match served.plural.as_str() {
        "roles" | "clusterroles" => {
            let named = if verb == Verb::Create { "" } else { name };
            write.role(named, &Rule::read_all(object), has_aggregation(object) || old.is_some_and(has_aggregation))
        }
        "rolebindings" | "clusterrolebindings" => write.binding(&RoleReference::read(object)),
        _ => Ok(()),
    }
}

struct Write<'a> {
    policy: &'a Policy,
    user: &'a User,
    resource: &'a Resource,
    namespace: &'a str,
    name: &'a str,
}

impl Write<'_> {
    fn role(&self, named: &str, rules: &[Rule], aggregates: bool) -> Result<(), Status> {
        if self.is_allowed("escalate", &self.resource.plural, named) {
            return Ok(());
        }
        self.holds(rules)?;
        if aggregates && self.holds(&everything()).is_err() {
            let why = "must have cluster-admin privileges to use the aggregationRule";
            return Err(Status::forbidden(self.resource, self.name, why));
        }
        Ok(())
    }

    fn binding(&self, role: &RoleReference) -> Result<(), Status> {
        let plural = format!("{}s", role.kind.to_lowercase());
        if self.is_allowed("bind", &plural, &role.name) {
            return Ok(());
        }
        let rules = self.policy.rules(role, self.namespace).map_err(|_| not_found(&plural, &role.name))?;
        self.holds(rules)
    }

    fn is_allowed(&self, verb: &str, plural: &str, name: &str) -> bool {
        let namespace = self.namespace;
        let asked = Attributes { verb, group: GROUP, plural, namespace, name, ..Attributes::default() };
        self.policy.decide(self.user, &asked).allowed
    }

    fn holds(&self, rules: &[Rule]) -> Result<(), Status> {
        let missing = missing(&self.policy.rules_of(self.user, self.namespace), rules);
        if missing.is_empty() {
            return Ok(());
        }
        let User { name, groups, .. } = self.user;
        let why = format!(
            "user {name:?} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
            quote(groups),
            missing.join("\n")
        );
        Err(Status::forbidden(self.resource, self.name, &why))
    }
}

fn everything() -> [Rule; 2] {
    let all = || vec!["*".to_owned()];
    [
        Rule { verbs: all(), api_groups: all(), resources: all(), ..Rule::default() },
        Rule { verbs: all(), non_resource_urls: all(), ..Rule::default() },
    ]
}

fn has_aggregation(role: &Value) -> bool {
    role["aggregationRule"]["clusterRoleSelectors"].as_array().is_some_and(|selectors| !selectors.is_empty())
}

/// Whether only finalizers and owners differ, which the garbage collector may always change.
fn same_but_for_garbage_collection(old: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in ["finalizers", "ownerReferences", "managedFields"] {
                metadata.remove(key);
            }
        }
        object
    };
    bare(old) == bare(new)
}

fn not_found(plural: &str, name: &str) -> Status {
    let details =
        Details { name: name.to_owned(), group: GROUP.to_owned(), kind: plural.to_owned(), ..Details::default() };
    let status = Status::new(404, "NotFound", format!("{plural}.{GROUP} {name:?} not found"));
    Status { details: Some(Box::new(details)), ..status }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
