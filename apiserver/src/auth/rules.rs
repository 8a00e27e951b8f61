//! One rule of a role: what it allows, and whether it covers another.
//!
//! Mirrors `k8s.io/component-helpers/auth/rbac/validation`.

use serde_json::{Map, Value, json};

use super::attributes::Attributes;

const EVERYTHING: &str = "*";

/// One rule of a Role or ClusterRole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// What may be done.
    pub(crate) verbs: Vec<String>,
    /// API groups.
    pub(crate) api_groups: Vec<String>,
    /// Plurals, `plural/subresource`, `*/subresource` or `*`.
    pub(crate) resources: Vec<String>,
    /// The only objects; all when empty.
    pub(crate) resource_names: Vec<String>,
    /// Paths, or beginnings of paths that end with `*`.
    pub(crate) non_resource_urls: Vec<String>,
}

impl Rule {
    /// Reads a rule as a role states it.
    pub(crate) fn read(value: &Value) -> Self {
        Self {
            verbs: texts(&value["verbs"]),
            api_groups: texts(&value["apiGroups"]),
            resources: texts(&value["resources"]),
            resource_names: texts(&value["resourceNames"]),
            non_resource_urls: texts(&value["nonResourceURLs"]),
        }
    }

    /// Reads the rules of a Role or ClusterRole.
    pub(crate) fn read_all(role: &Value) -> Vec<Self> {
        role["rules"].as_array().into_iter().flatten().map(Self::read).collect()
    }

    /// The rule as a role, and a SelfSubjectRulesReview, states it.
    pub(crate) fn write(&self) -> Value {
        let mut value = Map::new();
        value.insert("verbs".to_string(), json!(self.verbs));
        for (key, list) in self.named_lists() {
            if !list.is_empty() {
                value.insert(key.to_string(), json!(list));
            }
        }
        Value::Object(value)
    }

    /// Whether the rule allows what is asked.
    pub(crate) fn allows(&self, asked: &Attributes<'_>) -> bool {
        let verb = holds(&self.verbs, asked.verb);
        if !asked.path.is_empty() {
            return verb && self.non_resource_urls.iter().any(|url| path_covers(url, asked.path));
        }
        verb && holds(&self.api_groups, asked.group)
            && self.holds_resource(&asked.combined(), asked.subresource)
            && (self.resource_names.is_empty() || self.resource_names.iter().any(|name| name == asked.name))
    }

    fn holds_resource(&self, combined: &str, subresource: &str) -> bool {
        holds(&self.resources, combined)
            || (!subresource.is_empty() && self.resources.contains(&format!("*/{subresource}")))
    }

    /// Whether the rule allows all that a rule of at most one verb, resource and name allows.
    fn covers(&self, single: &Self) -> bool {
        let all = |owned: &[String], wanted: &[String]| wanted.iter().all(|value| holds(owned, value));
        let resource = |wanted: &String| {
            let subresource = wanted.split_once('/').map_or("", |(_, subresource)| subresource);
            self.holds_resource(wanted, subresource)
        };
        let names = self.resource_names.is_empty()
            || (!single.resource_names.is_empty()
                && single.resource_names.iter().all(|name| self.resource_names.contains(name)));
        let url = |wanted: &String| self.non_resource_urls.iter().any(|owned| path_covers(owned, wanted));
        all(&self.verbs, &single.verbs)
            && all(&self.api_groups, &single.api_groups)
            && single.resources.iter().all(resource)
            && names
            && single.non_resource_urls.iter().all(url)
    }

    /// The rule as rules of one verb, one resource and at most one name each.
    fn singles(&self) -> Vec<Self> {
        let one = |text: &String| vec![text.clone()];
        let mut singles = Vec::new();
        let names: Vec<Vec<String>> = match self.resource_names.as_slice() {
            [] => vec![Vec::new()],
            names => names.iter().map(one).collect(),
        };
        for group in &self.api_groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    singles.extend(names.iter().map(|names| Self {
                        verbs: one(verb),
                        api_groups: one(group),
                        resources: one(resource),
                        resource_names: names.clone(),
                        ..Self::default()
                    }));
                }
            }
        }
        for url in &self.non_resource_urls {
            let single = |verb| Self { verbs: one(verb), non_resource_urls: one(url), ..Self::default() };
            singles.extend(self.verbs.iter().map(single));
        }
        singles
    }

    fn named_lists(&self) -> [(&'static str, &[String]); 4] {
        [
            ("apiGroups", &self.api_groups),
            ("resources", &self.resources),
            ("resourceNames", &self.resource_names),
            ("nonResourceURLs", &self.non_resource_urls),
        ]
    }

    /// The rule as an error about escalation shows it.
    fn describe(&self) -> String {
        let lists = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let shown = lists.iter().filter(|(_, list)| !list.is_empty());
        let parts: Vec<String> = shown.map(|(name, list)| format!("{name}:{}", quote(list))).collect();
        format!("{{{}}}", parts.join(", "))
    }
}

/// What `wanted` allows and `owned` does not, a line each, sorted; empty when there is nothing.
pub(crate) fn missing(owned: &[Rule], wanted: &[Rule]) -> Vec<String> {
    let singles = wanted.iter().flat_map(Rule::singles);
    let mut rules: Vec<Rule> = Vec::new();
    for single in singles.filter(|single| !owned.iter().any(|rule| rule.covers(single))) {
        let same = |rule: &&mut Rule| {
            single.non_resource_urls.is_empty()
                && (&rule.api_groups, &rule.resources, &rule.resource_names)
                    == (&single.api_groups, &single.resources, &single.resource_names)
        };
        match rules.iter_mut().find(same) {
            Some(rule) => rule.verbs.extend(single.verbs),
            None => rules.push(single),
        }
    }
    let mut lines: Vec<String> = rules.iter().map(Rule::describe).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// A list as Go's `%q` shows it.
pub(super) fn quote(list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().map(|text| format!("{text:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

/// The texts of a list.
pub(super) fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect()
}

fn holds(list: &[String], wanted: &str) -> bool {
    list.iter().any(|value| value == EVERYTHING || value == wanted)
}

fn path_covers(owned: &str, wanted: &str) -> bool {
    owned == wanted || (owned.ends_with('*') && wanted.starts_with(owned.trim_end_matches('*')))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
