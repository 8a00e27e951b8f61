//! The groups, their versions and what is in them, in the order in which kube-apiserver says them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thalweg_schema::{Resource, Subresource};

use crate::registry::{Registry, Served};

/// Kubernetes' own groups, in the order of their priorities (kube-aggregator's registrations); those of custom kinds follow by
/// name.
const ORDER: [&str; 21] = [
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
];

/// A group: its kinds by version, the preferred version first.
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    pub(super) versions: BTreeMap<Version, Vec<&'a Served>>,
}

/// Every group.
pub(super) fn all(registry: &Registry) -> impl Iterator<Item = Group<'_>> {
    let mut groups: BTreeMap<(usize, &str), BTreeMap<Version, Vec<&Served>>> = BTreeMap::new();
    for served in registry.all() {
        let place = ORDER.iter().position(|name| *name == served.group).unwrap_or(ORDER.len());
        let versions = groups.entry((place, &served.group)).or_default();
        versions.entry(Version(served.version.clone())).or_default().push(served);
    }
    groups.into_iter().map(|((_, name), versions)| Group { name, versions })
}

impl<'a> Group<'a> {
    pub(super) fn is_core(&self) -> bool {
        self.name.is_empty()
    }

    pub(super) fn is_built_in(&self) -> bool {
        ORDER.contains(&self.name)
    }

    pub(super) fn version(&self, version: &str) -> Option<&Vec<&'a Served>> {
        self.versions.get(&Version(version.to_owned()))
    }

    /// As /apis and /apis/GROUP say it.
    pub(super) fn summary(&self) -> Value {
        let said =
            |version: &Version| json!({"groupVersion": format!("{}/{}", self.name, version.0), "version": version.0});
        let versions: Vec<Value> = self.versions.keys().map(said).collect();
        json!({"name": self.name, "preferredVersion": versions.first(), "versions": versions})
    }

    /// As aggregated discovery says it.
    pub(super) fn aggregated(&self) -> Value {
        let versions = self.versions.iter().map(|(version, resources)| {
            let resources = resources.iter().map(|served| aggregated(served)).collect::<Vec<_>>();
            json!({"version": version.0, "resources": resources, "freshness": "Current"})
        });
        let metadata = if self.is_core() { json!({}) } else { json!({"name": self.name}) };
        json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
    }
}

/// A kind and its subresources as an APIResourceList has them.
pub(super) fn listed(registry: &Registry, served: &Served) -> Vec<Value> {
    let mut resource = json!({
        "name": served.plural, "singularName": served.singular, "namespaced": served.namespaced, "kind": served.kind,
        "verbs": served.verbs,
    });
    add_names(&mut resource, served);
    if served.verbs.iter().any(|verb| verb == "watch") {
        let stored = registry.stored(served.collection());
        let stored = stored.as_ref().unwrap_or(served);
        resource["storageVersionHash"] =
            storage_version_hash(&served.collection().0, &stored.version, &stored.kind).into();
    }
    let subresources = subresources(served).into_iter().map(|subresource| {
        let mut value = json!({
            "name": format!("{}/{}", served.plural, subresource.name), "singularName": "", "namespaced": served.namespaced,
            "kind": subresource.kind, "verbs": subresource.verbs,
        });
        if let Some((group, version)) = elsewhere(served, subresource) {
            value["group"] = group.into();
            value["version"] = version.into();
        }
        value
    });
    std::iter::once(resource).chain(subresources).collect()
}

fn aggregated(served: &Served) -> Value {
    // Custom kinds name the group and version that they answer with; built-in ones leave them out.
    let own = if served.is_custom() { (served.group.as_str(), served.version.as_str()) } else { ("", "") };
    let kind = |(group, version): (&str, &str), kind: &str| json!({"group": group, "version": version, "kind": kind});
    let subresources: Vec<Value> = subresources(served)
        .into_iter()
        .map(|subresource| {
            let of = elsewhere(served, subresource).unwrap_or(own);
            json!({"subresource": subresource.name, "responseKind": kind(of, &subresource.kind), "verbs": subresource.verbs})
        })
        .collect();
    let mut resource = json!({
        "resource": served.plural, "responseKind": kind(own, &served.kind),
        "scope": if served.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": served.singular, "verbs": served.verbs,
    });
    add_names(&mut resource, served);
    if !subresources.is_empty() {
        resource["subresources"] = subresources.into();
    }
    resource
}

fn add_names(value: &mut Value, resource: &Resource) {
    for (key, names) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !names.is_empty() {
            value[key] = names.clone().into();
        }
    }
}

/// By name for built-in kinds; status before scale for custom ones.
fn subresources(served: &Served) -> Vec<&Subresource> {
    let mut subresources: Vec<_> = served.subresources.iter().collect();
    subresources.sort_by(|left, right| left.name.cmp(&right.name));
    if served.is_custom() {
        subresources.reverse();
    }
    subresources
}

/// The group and version of a subresource's kind, when they are not those of the resource.
fn elsewhere<'a>(served: &Resource, subresource: &'a Subresource) -> Option<(&'a str, &'a str)> {
    let of = (subresource.group.as_str(), subresource.version.as_str());
    (!of.1.is_empty() && of != (served.group.as_str(), served.version.as_str())).then_some(of)
}

/// What tells clients that a kind is stored in another way than before: 8 bytes of SHA-256, base64.
fn storage_version_hash(group: &str, version: &str, kind: &str) -> String {
    STANDARD.encode(&Sha256::digest(format!("{group}/{version}/{kind}"))[..8])
}

/// A version's name; the order is the one in which versions are preferred: v2, v1, v1beta2, v1beta1, v1alpha1, then others
/// by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) String);

impl Version {
    /// Stability and numbers, when it is named as Kubernetes names versions.
    fn parts(&self) -> Option<(u8, u32, u32)> {
        let rest = self.0.strip_prefix('v')?;
        let letters = rest.find(|character: char| !character.is_ascii_digit());
        let (major, rest) = rest.split_at(letters.unwrap_or(rest.len()));
        let major = major.parse().ok()?;
        for (name, stability) in [("beta", 1), ("alpha", 0)] {
            if let Some(minor) = rest.strip_prefix(name) {
                return Some((stability, major, minor.parse().ok()?));
            }
        }
        rest.is_empty().then_some((2, major, 0))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.parts(), other.parts()) {
            (Some(left), Some(right)) => right.cmp(&left),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.0.cmp(&other.0),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, storage_version_hash};

    #[test]
    fn newer_and_more_stable_versions_are_preferred() {
        let mut versions =
            ["foo1", "v1alpha1", "v3beta1", "v10", "v2", "v11beta2", "v1", "foo10", "v12alpha1", "v10beta3"];
        versions.sort_by_key(|name| Version((*name).to_owned()));
        let expected = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v1alpha1", "foo1", "foo10"];
        assert_eq!(versions, expected);
    }

    #[test]
    fn storage_version_hashes_are_kube_apiservers() {
        assert_eq!(storage_version_hash("batch", "v1", "CronJob"), "sd5LIXh4Fjs=");
        assert_eq!(storage_version_hash("example.com", "v1", "Widget"), "gIwvi5rymmg=");
    }
}
