//! The order in which objects are printed: as they came, or kustomize's legacy order.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::identity::Id;
use crate::resource::Resource;

/// In which order objects are printed (`sortOptions`, `--reorder`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they came.
    #[default]
    Fifo,
    /// Some kinds first, some last, and the others between them by group, version, kind, namespace and name.
    Legacy { first: Vec<String>, last: Vec<String> },
}

impl Order {
    /// The legacy order with its own lists of kinds.
    pub(crate) fn legacy() -> Self {
        let of =
            |place| KINDS.iter().filter(|(other, _)| *other == place).map(|(_, kind)| (*kind).to_owned()).collect();
        Self::Legacy { first: of("first"), last: of("last") }
    }

    /// Of `sortOptions`: its `order`, and the lists of its `legacySortOptions`. Says what is wrong with them.
    pub(crate) fn of_options(order: &str, lists: Option<(Vec<String>, Vec<String>)>) -> Result<Self, &'static str> {
        match (order, lists) {
            ("fifo", None) => Ok(Self::Fifo),
            ("fifo", Some(_)) => Err("legacySortOptions are for the order legacy, and the order is fifo"),
            ("legacy", None) => Ok(Self::legacy()),
            ("legacy", Some((first, last))) => Ok(Self::Legacy { first, last }),
            _ => Err("the order must be one of fifo, legacy"),
        }
    }
}

/// Puts objects in order.
pub(crate) fn sort(resources: &mut [Resource], order: &Order) {
    let Order::Legacy { first, last } = order else { return };
    let ranks = Ranks::of(first, last);
    resources.sort_by_cached_key(|resource| ranks.key(resource.id()));
}

/// Where kinds stand: first ones below zero, last ones above, in the order of their lists.
struct Ranks<'k>(HashMap<&'k str, i64>);

/// What objects are compared by. Of namespaces, those of the core group come before all others.
type Key = (i64, bool, Result<Reverse<String>, String>, String);

impl<'k> Ranks<'k> {
    fn of(first: &'k [String], last: &'k [String]) -> Self {
        let mut ranks = HashMap::new();
        let count = i64::try_from(first.len()).unwrap_or(i64::MAX);
        ranks.extend(first.iter().map(String::as_str).zip(-count..));
        ranks.extend(last.iter().map(String::as_str).zip(1..));
        Self(ranks)
    }

    fn key(&self, id: Id<&str>) -> Key {
        let rank = self.0.get(id.gvk.kind).copied();
        let kind = kind_text(id.gvk.group, id.gvk.version, id.gvk.kind);
        let is_core_namespace = rank.is_some() && id.gvk.kind == "Namespace" && id.gvk.group.is_empty();
        let kind = if is_core_namespace { Ok(Reverse(kind)) } else { Err(kind) };
        let object = format!("{}|{}", or(id.namespace, "~X"), or(id.name, "~N"));
        (rank.unwrap_or(0), !is_core_namespace, kind, object)
    }
}

/// By what kinds are ordered within a configuration: the legacy lists, then group, version and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KindKey(i32, String);

impl KindKey {
    pub(crate) fn new(group: &str, version: &str, kind: &str) -> Self {
        Self(builtin_rank(kind), kind_text(group, version, kind))
    }
}

/// `first` or `last`, and a kind.
static KINDS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let text = include_str!("../tables/kind_order.txt");
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
});

fn builtin_rank(kind: &str) -> i32 {
    let (mut before, mut after, mut rank) = (0, 0, 0);
    for (place, name) in KINDS.iter() {
        if *place == "first" {
            before += 1;
            if *name == kind {
                rank = before;
            }
        } else {
            after += 1;
            if *name == kind {
                return after;
            }
        }
    }
    if rank == 0 { 0 } else { rank - before - 1 }
}

fn kind_text(group: &str, version: &str, kind: &str) -> String {
    format!("{}_{}_{}", or(group, "~G"), or(version, "~V"), or(kind, "~K"))
}

fn or<'t>(text: &'t str, absent: &'t str) -> &'t str {
    if text.is_empty() { absent } else { text }
}

#[cfg(test)]
mod tests {
    use thalweg_yaml::Position;
    use thalweg_yaml::kyaml::{Field, Node};

    use super::*;
    use crate::Place;

    fn resource(words: &str) -> Resource {
        let parts: Vec<&str> = words.split(' ').collect();
        let [api_version, kind, namespace, name] = parts.as_slice() else { panic!("{words}") };
        let field = |key: &str, value| Field { key: Node::text(key), value };
        let mut metadata = vec![field("name", Node::text(*name))];
        if *namespace != "-" {
            metadata.push(field("namespace", Node::text(*namespace)));
        }
        let object = Node::mapping(vec![
            field("apiVersion", Node::text(*api_version)),
            field("kind", Node::text(*kind)),
            field("metadata", Node::mapping(metadata)),
        ]);
        Resource::new(object, Place { file: String::new(), position: Position { line: 1, column: 1 } })
    }

    fn shown(resource: &Resource) -> String {
        let id = resource.id();
        let namespace = if id.namespace.is_empty() { "-" } else { id.namespace };
        format!("{} {} {namespace} {}", id.gvk.api_version(), id.gvk.kind, id.name)
    }

    const OBJECTS: [&str; 18] = [
        "v1 Pod - b",
        "v1 Pod - a",
        "apps/v1 Deployment - d",
        "v1 Namespace - n2",
        "x/v1 Namespace - n1",
        "v1 Secret z s",
        "v1 Secret - s2",
        "v1 Secret a s",
        "batch/v1 Job - j",
        "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration - w",
        "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration - w",
        "x.io/v1 Foo - f",
        "v2 Pod - a",
        "v1 ConfigMap - c",
        "a.io/v1 Zoo q f",
        "a.io/v1 Zoo - f",
        "zz.io/v1 Aoo - f",
        "v1 Namespace - n0",
    ];

    fn check(order: &Order, expected: &[&str]) {
        let mut resources: Vec<Resource> = OBJECTS.map(resource).into();
        sort(&mut resources, order);
        assert_eq!(resources.iter().map(shown).collect::<Vec<_>>(), expected, "{order:?}");
    }

    /// As `kustomize build` 5.8.1 prints them.
    #[test]
    fn objects_are_in_the_order_of_kustomize() {
        check(&Order::Fifo, &OBJECTS);
        check(
            &Order::legacy(),
            &[
                "v1 Namespace - n0",
                "v1 Namespace - n2",
                "x/v1 Namespace - n1",
                "v1 ConfigMap - c",
                "v1 Secret a s",
                "v1 Secret z s",
                "v1 Secret - s2",
                "apps/v1 Deployment - d",
                "a.io/v1 Zoo q f",
                "a.io/v1 Zoo - f",
                "batch/v1 Job - j",
                "x.io/v1 Foo - f",
                "zz.io/v1 Aoo - f",
                "v1 Pod - a",
                "v1 Pod - b",
                "v2 Pod - a",
                "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration - w",
                "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration - w",
            ],
        );
        let lists = |first: &[&str], last: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(|&kind| kind.to_owned()).collect();
            Order::of_options("legacy", Some((owned(first), owned(last)))).unwrap()
        };
        check(
            &lists(&["Secret", "Foo", "Pod"], &["Namespace", "Foo"]),
            &[
                "v1 Secret a s",
                "v1 Secret z s",
                "v1 Secret - s2",
                "v1 Pod - a",
                "v1 Pod - b",
                "v2 Pod - a",
                "a.io/v1 Zoo q f",
                "a.io/v1 Zoo - f",
                "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration - w",
                "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration - w",
                "apps/v1 Deployment - d",
                "batch/v1 Job - j",
                "zz.io/v1 Aoo - f",
                "v1 ConfigMap - c",
                "v1 Namespace - n0",
                "v1 Namespace - n2",
                "x/v1 Namespace - n1",
                "x.io/v1 Foo - f",
            ],
        );
    }

    #[test]
    fn an_order_is_one_of_two_words_and_only_one_of_them_has_lists() {
        assert_eq!(Order::of_options("fifo", None), Ok(Order::Fifo));
        assert_eq!(Order::of_options("legacy", None), Ok(Order::legacy()));
        let lists = || Some((Vec::new(), Vec::new()));
        for (order, lists) in [("", None), ("", lists()), ("Legacy", None), ("foo", None), ("fifo", lists())] {
            assert!(Order::of_options(order, lists).is_err(), "{order}");
        }
    }

    #[test]
    fn kinds_are_ordered_as_the_legacy_lists_and_then_by_their_names() {
        let mut kinds = [
            ("", "", ""),
            ("", "", "PodDisruptionBudget"),
            ("", "v1", "Pod"),
            ("a", "", "Pod"),
            ("", "", "Namespace"),
            ("", "", "MutatingWebhookConfiguration"),
            ("", "", "Pod"),
        ];
        kinds.sort_by_key(|(group, version, kind)| KindKey::new(group, version, kind));
        assert_eq!(
            kinds,
            [
                ("", "", "Namespace"),
                ("", "", "PodDisruptionBudget"),
                ("a", "", "Pod"),
                ("", "v1", "Pod"),
                ("", "", "Pod"),
                ("", "", ""),
                ("", "", "MutatingWebhookConfiguration"),
            ]
        );
    }
}
