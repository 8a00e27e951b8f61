//! What an aggregated ClusterRole grants: the rules of the roles that it selects by their labels.

use serde_json::Value;

use super::rules::Rule;
use crate::label_selector::selects;

/// The rules that a ClusterRole has by its aggregation rule, in the order in which the aggregation controller of
/// kube-controller-manager gives them: by selector, then by name. None for a role without an aggregation rule.
pub(crate) fn aggregated<'a>(role: &Value, all: impl Iterator<Item = &'a Value> + Clone) -> Option<Vec<Rule>> {
    let selectors = role.get("aggregationRule")?.get("clusterRoleSelectors")?.as_array()?;
    let mut rules: Vec<Rule> = Vec::new();
    for selector in selectors {
        let others = all.clone().filter(|other| other["metadata"]["name"] != role["metadata"]["name"]);
        let mut selected: Vec<&Value> =
            others.filter(|other| selects(selector, &other["metadata"]["labels"])).collect();
        selected.sort_by_key(|other| other["metadata"]["name"].as_str());
        for rule in selected.into_iter().flat_map(Rule::read_all) {
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    Some(rules)
}
