//! Sets of fields, as `fieldsV1` writes them.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

use super::path::{PathElement, Unreadable};

/// The name under which `fieldsV1` says that a step that has further steps is itself a member.
const SELF: &str = ".";

/// An ordered set of paths. A path can be a member with or without the paths below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by element. None is empty: each is a member or has a member below.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    element: PathElement,
    member: bool,
    below: FieldSet,
}

/// What becomes of one step that one set has, or both have. What is empty is left out.
type Join = dyn Fn(Option<&Node>, Option<&Node>) -> Option<Node>;

impl Node {
    fn is_empty(&self) -> bool {
        !self.member && self.below.is_empty()
    }
}

impl FieldSet {
    /// The set without a path.
    pub const EMPTY: Self = Self { nodes: Vec::new() };

    /// The set of these paths of fields: `&[&["metadata"], &["spec", "replicas"]]`.
    pub fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.iter().map(|name| PathElement::field(name)).collect::<Vec<_>>());
        }
        set
    }

    /// Reads `fieldsV1`. Steps of unknown kinds are left out.
    ///
    /// # Errors
    /// When a key is not a step, or a value not an object.
    pub fn parse(fields: &Value) -> Result<Self, Unreadable> {
        Ok(Self::parse_below(fields.as_object().ok_or(Unreadable)?)?.0)
    }

    /// What is below a step, and whether the step is itself a member.
    fn parse_below(fields: &Map<String, Value>) -> Result<(Self, bool), Unreadable> {
        let mut set = Self { nodes: Vec::with_capacity(fields.len()) };
        let mut member = false;
        for (name, below) in fields {
            if name == SELF {
                member = true;
                continue;
            }
            let Some(element) = PathElement::parse(name)? else { continue };
            let (below, is_member) = Self::parse_below(below.as_object().ok_or(Unreadable)?)?;
            let node = set.node(&element);
            node.member |= is_member;
            node.below = below;
        }
        member |= set.nodes.is_empty();
        Ok((set, member))
    }

    /// The set as `fieldsV1`.
    pub fn to_value(&self) -> Value {
        let nodes = self.nodes.iter().map(|node| {
            let mut below = node.below.to_value();
            if let Some(below) = below.as_object_mut().filter(|_| node.member && !node.below.is_empty()) {
                below.insert(SELF.to_string(), Value::Object(Map::new()));
            }
            (node.element.serialised(), below)
        });
        Value::Object(nodes.collect())
    }

    /// Whether there is no path.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many paths there are.
    pub fn len(&self) -> usize {
        self.nodes.iter().map(|node| usize::from(node.member) + node.below.len()).sum()
    }

    /// Whether this path is a member. The empty path never is.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.get(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.get(first).is_some_and(|node| node.below.contains(rest)),
        }
    }

    /// Adds a path, without its parents. The empty path stands for the whole object and is never a member.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => self.node(last).member = true,
            [first, rest @ ..] => self.node(first).below.insert(rest),
        }
    }

    /// Adds the paths of `set`, each after `element`; and `element` itself when `member` is set.
    pub(super) fn graft(&mut self, element: PathElement, member: bool, set: Self) {
        if member || !set.is_empty() {
            let node = self.node(&element);
            node.member |= member;
            node.below = if node.below.is_empty() { set } else { node.below.union(&set) };
        }
    }

    /// Every path, a parent's siblings before what is below it, as conflicts are listed.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for node in self.nodes.iter().filter(|node| node.member) {
            paths.push(prefix.iter().chain([&node.element]).cloned().collect());
        }
        for node in &self.nodes {
            prefix.push(node.element.clone());
            node.below.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// The paths that are in one or the other.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.zip(other, &|left, right| match (left, right) {
            (Some(left), Some(right)) => Some(Node {
                element: left.element.clone(),
                member: left.member || right.member,
                below: left.below.union(&right.below),
            }),
            (one, None) | (None, one) => one.cloned(),
        })
    }

    /// The paths that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip(other, &|left, right| {
            let (left, right) = (left?, right?);
            let member = left.member && right.member;
            Some(Node { element: left.element.clone(), member, below: left.below.intersection(&right.below) })
        })
    }

    /// The paths that are not in `other`. Those below a path of `other` stay.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.zip(other, &|left, right| {
            let left = left?;
            let Some(right) = right else { return Some(left.clone()) };
            let member = left.member && !right.member;
            Some(Node { element: left.element.clone(), member, below: left.below.difference(&right.below) })
        })
    }

    /// The paths that neither are in `other` nor below a path of it.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.zip(other, &|left, right| {
            let left = left?;
            let Some(right) = right else { return Some(left.clone()) };
            if right.member {
                return None;
            }
            let below = left.below.recursive_difference(&right.below);
            Some(Node { element: left.element.clone(), member: left.member, below })
        })
    }

    /// The paths below which there are none.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let leaf = |node: &Node| Node {
            element: node.element.clone(),
            member: node.member && node.below.is_empty(),
            below: node.below.leaves(),
        };
        Self { nodes: self.nodes.iter().map(leaf).collect() }
    }

    /// Both sets side by side, step by step.
    fn zip(&self, other: &Self, join: &Join) -> Self {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let (mut left, mut right) = (self.nodes.iter().peekable(), other.nodes.iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Self { nodes },
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => left.element.cmp(&right.element),
            };
            let left = if order.is_le() { left.next() } else { None };
            let right = if order.is_ge() { right.next() } else { None };
            nodes.extend(join(left, right).filter(|node| !node.is_empty()));
        }
    }

    fn position(&self, element: &PathElement) -> Result<usize, usize> {
        match self.nodes.last().map(|last| last.element.cmp(element)) {
            None | Some(Ordering::Less) => Err(self.nodes.len()),
            Some(Ordering::Equal) => Ok(self.nodes.len() - 1),
            Some(Ordering::Greater) => self.nodes.binary_search_by(|node| node.element.cmp(element)),
        }
    }

    fn get(&self, element: &PathElement) -> Option<&Node> {
        self.position(element).ok().map(|position| &self.nodes[position])
    }

    /// The node of this step, new if need be: the caller fills it.
    fn node(&mut self, element: &PathElement) -> &mut Node {
        let position = self.position(element).unwrap_or_else(|position| {
            self.nodes.insert(position, Node { element: element.clone(), member: false, below: Self::default() });
            position
        });
        &mut self.nodes[position]
    }

    /// Whether the step is a member, and what is below it.
    pub(super) fn step(&self, element: &PathElement) -> (bool, &Self) {
        static NOTHING: FieldSet = FieldSet::EMPTY;
        self.get(element).map_or((false, &NOTHING), |node| (node.member, &node.below))
    }

    /// The set with each step changed by `change`, which gets its element, whether it is a member, and what is below it.
    pub(super) fn map_steps(&self, change: &dyn Fn(&PathElement, bool, &Self) -> (bool, Self)) -> Self {
        let changed = self.nodes.iter().map(|node| {
            let (member, below) = change(&node.element, node.member, &node.below);
            Node { element: node.element.clone(), member, below }
        });
        Self { nodes: changed.filter(|node| !node.is_empty()).collect() }
    }

    /// Whether `holds` is true of a step.
    pub(super) fn any_step(&self, holds: &dyn Fn(&PathElement, &Self) -> bool) -> bool {
        self.nodes.iter().any(|node| holds(&node.element, &node.below))
    }
}

/// One path a line.
impl fmt::Display for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for path in self.paths() {
            for element in path {
                write!(f, "{element}")?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
