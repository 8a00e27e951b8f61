//! The roles and bindings that a new cluster has.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::aggregation::aggregated;
use super::policy::GROUP;
use super::rules::Rule;

/// The ClusterRoles and ClusterRoleBindings of a new cluster, ready to be created.
pub(crate) fn objects() -> &'static [Value] {
    static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let recorded = serde_yaml::from_str(include_str!("bootstrap.yaml")).expect("the file is part of the program");
        read(&recorded)
    });
    &OBJECTS
}

fn read(recorded: &Value) -> Vec<Value> {
    let list = |key: &str| recorded[key].as_array().into_iter().flatten();
    let mut objects: Vec<Value> = list("clusterRoles").map(role).collect();
    while let Some((index, rules)) = outdated(&objects) {
        objects[index]["rules"] = rules.iter().map(Rule::write).collect();
    }
    objects.extend(list("clusterRoleBindings").map(binding));
    objects
}

/// An aggregated role that lacks rules, and the rules that it should have.
fn outdated(roles: &[Value]) -> Option<(usize, Vec<Rule>)> {
    roles.iter().enumerate().find_map(|(index, role)| {
        let rules = aggregated(role, roles.iter())?;
        (rules != Rule::read_all(role)).then_some((index, rules))
    })
}

fn role(recorded: &Value) -> Value {
    let mut role = object("ClusterRole", recorded);
    match recorded["aggregates"].as_str() {
        Some(label) => {
            let labels = Map::from_iter([(label.to_owned(), json!("true"))]);
            role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": labels}]});
        }
        None => role["rules"] = recorded["rules"].clone(),
    }
    role
}

fn binding(recorded: &Value) -> Value {
    let subject = |name: &Value| json!({"apiGroup": GROUP, "kind": "Group", "name": name});
    let mut binding = object("ClusterRoleBinding", recorded);
    binding["roleRef"] = json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": recorded["role"]});
    binding["subjects"] = recorded["groups"].as_array().into_iter().flatten().map(subject).collect();
    binding
}

fn object(kind: &str, recorded: &Value) -> Value {
    let mut labels = recorded["labels"].as_object().cloned().unwrap_or_default();
    labels.insert("kubernetes.io/bootstrapping".to_owned(), json!("rbac-defaults"));
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind,
        "metadata": {
            "name": recorded["name"],
            "labels": labels,
            "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aggregated_roles_have_the_rules_of_the_real_ones() {
        let rules = |name: &str| {
            let role = objects().iter().find(|object| object["metadata"]["name"] == name);
            Rule::read_all(role.unwrap_or(&Value::Null)).len()
        };
        let counts = ["admin", "edit", "view", "cluster-admin", "system:aggregate-to-edit"].map(rules);
        assert_eq!(counts, [29, 27, 12, 2, 15]);
    }
}
