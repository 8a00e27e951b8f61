//! Aggregated ClusterRoles: their rules are those of the roles that they select.

use serde_json::{Value, json};

use super::account;
use crate::auth::{Rule, aggregated};
use crate::server::ApiServer;
use crate::status::Status;

const CONTROLLER: &str = "clusterrole-aggregation-controller";

/// Gives every aggregated role the rules that it should have.
pub(super) fn reconcile(server: &ApiServer) -> Result<(), Status> {
    let loopback = server.loopback(CONTROLLER).acting_as(account(CONTROLLER));
    for (name, rules) in outdated(server) {
        let rules: Vec<Value> = rules.iter().map(Rule::write).collect();
        let (api_version, metadata) = ("rbac.authorization.k8s.io/v1", json!({"name": name}));
        let role = json!({"apiVersion": api_version, "kind": "ClusterRole", "metadata": metadata, "rules": rules});
        loopback.apply(role, true)?;
    }
    Ok(())
}

fn outdated(server: &ApiServer) -> Vec<(String, Vec<Rule>)> {
    let state = server.state();
    let collection = super::collection("rbac.authorization.k8s.io", "clusterroles");
    let roles: Vec<&Value> = state.store.objects(&collection).map(|role| role.value()).collect();
    let outdated = roles.iter().filter_map(|role| {
        let rules = aggregated(role, roles.iter().copied())?;
        let name = super::text(&role["metadata"]["name"]).to_owned();
        (rules != Rule::read_all(role)).then_some((name, rules))
    });
    outdated.collect()
}
