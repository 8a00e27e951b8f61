//! Which kinds have namespaces: tables/scopes.txt, which kustomize asks before any schema.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::LazyLock;

use thalweg_yaml::kyaml::Text;

use crate::identity::Gvk;

/// Whether the objects of a kind are in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Namespaced,
    Cluster,
}

/// The kinds without namespaces of the schema that a build brings, from when it is met. All objects of the build share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scopes(Rc<OnceCell<HashSet<(Text, Text)>>>);

impl Scopes {
    /// Takes apiVersion and kind of each.
    pub(super) fn bring(&self, without_namespaces: HashSet<(Text, Text)>) {
        // The first schema counts, here as in all else.
        let _ = self.0.set(without_namespaces);
    }

    /// Whether a schema was met.
    pub(crate) fn are_brought(&self) -> bool {
        self.0.get().is_some()
    }

    /// Whether the schema has a kind without namespaces, of which the table says nothing.
    pub(crate) fn lack_namespaces(&self, gvk: Gvk<&str>) -> bool {
        let brought = self.0.get().filter(|brought| !brought.is_empty());
        brought.is_some_and(|brought| {
            builtin(gvk).is_none() && brought.contains(&(gvk.api_version().into(), gvk.kind.into()))
        })
    }
}

struct Known {
    kind: &'static str,
    api_version: &'static str,
    scope: Scope,
}

/// Sorted by the length of the kind, which tells most kinds apart, and by kind.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let text = include_str!("../../tables/scopes.txt");
    let mut known: Vec<Known> = text.lines().filter(|line| !line.starts_with('#')).filter_map(read).collect();
    known.sort_by_key(|known| (known.kind.len(), known.kind));
    known
});

fn read(line: &'static str) -> Option<Known> {
    let mut words = line.split(' ');
    let (kind, api_version) = (words.next()?, words.next()?);
    let scope = if words.next()? == "cluster" { Scope::Cluster } else { Scope::Namespaced };
    Some(Known { kind, api_version, scope })
}

/// The scope of a kind of Kubernetes v1.21.2, in exactly this version; none for any other.
pub(super) fn builtin(gvk: Gvk<&str>) -> Option<Scope> {
    let from = KNOWN.partition_point(|known| (known.kind.len(), known.kind) < (gvk.kind.len(), gvk.kind));
    let mut same_kind = KNOWN.get(from..)?.iter().take_while(|known| known.kind == gvk.kind);
    same_kind.find(|known| is_version_of(known.api_version, gvk)).map(|known| known.scope)
}

fn is_version_of(api_version: &str, gvk: Gvk<&str>) -> bool {
    if gvk.group.is_empty() {
        return api_version == gvk.version;
    }
    api_version.strip_prefix(gvk.group).and_then(|rest| rest.strip_prefix('/')) == Some(gvk.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_known_for_the_exact_version_alone() {
        for (api_version, kind, expected) in [
            ("v1", "Namespace", Some(Scope::Cluster)),
            ("v1", "Pod", Some(Scope::Namespaced)),
            ("rbac.authorization.k8s.io/v1", "ClusterRole", Some(Scope::Cluster)),
            ("rbac.authorization.k8s.io/v1", "Role", Some(Scope::Namespaced)),
            ("rbac.authorization.k8s.io/v1alpha1", "ClusterRole", None),
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", None),
            ("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", None),
            ("v2", "Namespace", None),
            ("", "Namespace", None),
            ("apps/v1", "Zzz", None),
        ] {
            assert_eq!(builtin(Gvk::new(api_version, kind)), expected, "{api_version} {kind}");
        }
        let key = |known: &Known| (known.kind.len(), known.kind, known.api_version);
        assert!(KNOWN.is_sorted_by(|one, other| key(one) < key(other)));
        assert!(KNOWN.len() > 80);
    }
}
