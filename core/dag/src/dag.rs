//! Nodes, their dependencies, and the two questions asked of them: in which order, and where is the cycle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// A directed graph of what depends on what. Whether it has a cycle is the question, not a precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dag<K> {
    dependencies: BTreeMap<K, BTreeSet<K>>,
}

/// A path along dependencies that ends at the node where it began; prints as `a → b → a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle<K> {
    /// At least two nodes, the first and the last of which are equal.
    pub path: Vec<K>,
}

impl<K: Ord + Clone> Dag<K> {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self { dependencies: BTreeMap::new() }
    }

    /// Adds a node; one that is there already keeps its dependencies.
    pub fn insert(&mut self, node: K) {
        self.dependencies.entry(node).or_default();
    }

    /// Adds both nodes, `node` depending on `on`.
    pub fn depend(&mut self, node: K, on: K) {
        self.insert(on.clone());
        self.dependencies.entry(node).or_default().insert(on);
    }

    /// What `node` depends on directly, in order.
    pub fn dependencies(&self, node: &K) -> impl Iterator<Item = &K> {
        self.dependencies.get(node).into_iter().flatten()
    }

    /// Every node behind all that it depends on; among nodes that are free to go, the smallest first.
    pub fn order(&self) -> Result<Vec<K>, Cycle<K>> {
        let mut waits_for: BTreeMap<&K, usize> =
            self.dependencies.iter().map(|(node, dependencies)| (node, dependencies.len())).collect();
        let mut dependents: BTreeMap<&K, Vec<&K>> = BTreeMap::new();
        for (node, dependencies) in &self.dependencies {
            for dependency in dependencies {
                dependents.entry(dependency).or_default().push(node);
            }
        }
        let mut free: BTreeSet<&K> =
            waits_for.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
        let mut order = Vec::with_capacity(self.dependencies.len());
        while let Some(node) = free.pop_first() {
            waits_for.remove(node);
            order.push(node.clone());
            for dependent in dependents.get(node).into_iter().flatten() {
                let count = waits_for.get_mut(*dependent).expect("a dependent waits until its last dependency is done");
                *count -= 1;
                if *count == 0 {
                    free.insert(dependent);
                }
            }
        }
        match self.cycle_among(&waits_for) {
            None => Ok(order),
            Some(cycle) => Err(cycle),
        }
    }

    /// The shortest path from `node` along dependencies back to itself, both ends included.
    pub fn cycle_through(&self, node: &K) -> Option<Vec<K>> {
        let mut reached_from: BTreeMap<&K, &K> = BTreeMap::new();
        let mut queue = VecDeque::from([self.dependencies.get_key_value(node)?.0]);
        while let Some(current) = queue.pop_front() {
            for dependency in self.dependencies(current) {
                if dependency == node {
                    return Some(path_back(node, current, &reached_from));
                }
                if !reached_from.contains_key(dependency) {
                    reached_from.insert(dependency, current);
                    queue.push_back(dependency);
                }
            }
        }
        None
    }

    /// A cycle among nodes each of which waits for another of them. Walking from one to the next must come back to a
    /// node already passed, and that one is on a cycle.
    fn cycle_among(&self, waiting: &BTreeMap<&K, usize>) -> Option<Cycle<K>> {
        let mut current = *waiting.keys().next()?;
        let mut passed = BTreeSet::new();
        while passed.insert(current) {
            current = self
                .dependencies(current)
                .find(|dependency| waiting.contains_key(dependency))
                .expect("a node that is not free waits for another that is not");
        }
        self.cycle_through(current).map(|path| Cycle { path })
    }
}

fn path_back<K: Ord + Clone>(start: &K, last: &K, reached_from: &BTreeMap<&K, &K>) -> Vec<K> {
    let mut path = vec![start.clone()];
    let mut current = last;
    while current != start {
        path.push(current.clone());
        current = reached_from[current];
    }
    path.push(start.clone());
    path.reverse();
    path
}

impl<K: Ord + Clone> Default for Dag<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// Each node with what it depends on. A dependency that is not listed itself becomes a node without dependencies.
impl<K: Ord + Clone, D: IntoIterator<Item = K>> FromIterator<(K, D)> for Dag<K> {
    fn from_iter<I: IntoIterator<Item = (K, D)>>(nodes: I) -> Self {
        let mut dag = Self::new();
        for (node, dependencies) in nodes {
            dag.insert(node.clone());
            for dependency in dependencies {
                dag.depend(node.clone(), dependency);
            }
        }
        dag
    }
}

impl<K: fmt::Display> fmt::Display for Cycle<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, node) in self.path.iter().enumerate() {
            let arrow = if index == 0 { "" } else { " → " };
            write!(formatter, "{arrow}{node}")?;
        }
        Ok(())
    }
}

impl<K: fmt::Debug + fmt::Display> std::error::Error for Cycle<K> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dag(text: &'static str) -> Dag<&'static str> {
        text.split_whitespace()
            .map(|node| {
                let (node, dependencies) = node.split_once(':').unwrap_or((node, ""));
                (node, dependencies.split(',').filter(|dependency| !dependency.is_empty()))
            })
            .collect()
    }

    fn check(graph: &'static str, expected: &str) {
        let answer = match dag(graph).order() {
            Ok(order) => order.join(" "),
            Err(cycle) => cycle.to_string(),
        };
        assert_eq!(answer, expected, "{graph}");
    }

    #[test]
    fn what_is_depended_on_comes_first_and_ties_go_by_name() {
        check("", "");
        check("b a", "a b");
        check("apps:infra infra", "infra apps");
        check("d:b,c b:a c:a a", "a b c d");
        check("a:z", "z a");
    }

    #[test]
    fn a_cycle_is_named_by_its_shortest_path() {
        check("a:a", "a → a");
        check("a:b b:a", "a → b → a");
        check("x:a a:b b:c c:a", "a → b → c → a");
        check("a:b b:c,a c:a", "a → b → a");
    }

    #[test]
    fn a_cycle_is_found_from_its_members_only() {
        let dag = dag("x:a a:b b:a y");
        assert_eq!(dag.cycle_through(&"b"), Some(vec!["b", "a", "b"]));
        assert_eq!(dag.cycle_through(&"x"), None);
        assert_eq!(dag.cycle_through(&"y"), None);
        assert_eq!(dag.cycle_through(&"unknown"), None);
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_ordered() {
        let mut chain: Dag<u32> = (1..100_000).map(|node| (node, [node - 1])).collect();
        assert_eq!(chain.order(), Ok((0..100_000).collect()));
        chain.depend(0, 99_999);
        assert_eq!(chain.order().expect_err("closed").path.len(), 100_001);
    }

    proptest! {
        #[test]
        fn either_every_dependency_comes_before_or_the_cycle_is_real(
            edges in proptest::collection::vec((0u8..12, 0u8..12), 0..24),
        ) {
            let mut dag = Dag::new();
            for (node, on) in &edges {
                dag.depend(*node, *on);
            }
            match dag.order() {
                Ok(order) => {
                    let place = |node: u8| order.iter().position(|other| *other == node);
                    prop_assert!(edges.iter().all(|(node, on)| place(*on) < place(*node)));
                }
                Err(Cycle { path }) => {
                    prop_assert_eq!(path.first(), path.last());
                    prop_assert!(path.len() > 1);
                    prop_assert!(path.windows(2).all(|step| edges.contains(&(step[0], step[1]))));
                }
            }
        }
    }
}
