//! Aliases and merges expanded, as kyaml does on load (`RNode.DeAnchor`).
//!
//! kyaml works from the root down: first a mapping takes in what it merges, then its fields are expanded. What is merged
//! from an anchor is therefore not expanded itself: a `<<` within it arrives as a field, and stays one until the object is
//! printed. An alias expands what it stands for in place and takes a copy. A mapping holds copies of its fields from the
//! moment it is visited, so that an anchor among them goes on meaning the node before.

use std::collections::{HashMap, HashSet, VecDeque};

use super::compose::Links;
use super::{Content, Field, Node, Tag, Text};
use crate::error::Limit;
use crate::{Limits, Position, Reason};

type Refused = (Position, Reason);

/// The tree below `root` without aliases and, but for those that came with a merge, without merges.
pub(super) fn expand(root: Node, links: &Links, limits: &Limits, nodes_left: &mut usize) -> Result<Node, Refused> {
    let targets: HashSet<usize> = links.aliases.values().copied().collect();
    let items = Vec::with_capacity(links.nodes + links.nodes.min(limits.alias_nodes_max));
    let mut graph = Graph { items, links, limits, nodes_left, copied_nodes: 0, copied_bytes: 0 };
    let (root, _) = graph.plant(root, &targets);
    let root = graph.expand(root, 0)?;
    Ok(graph.harvest(root))
}

struct Graph<'l> {
    /// The nodes of the text in order, then copies.
    items: Vec<Item>,
    links: &'l Links,
    limits: &'l Limits,
    nodes_left: &'l mut usize,
    copied_nodes: usize,
    copied_bytes: usize,
}

/// A node whose content stands apart.
#[derive(Clone)]
struct Item {
    /// Empty, when it is a collection.
    node: Node,
    kind: Kind,
    /// Whether an alias stands for it or for something in it.
    is_meant: bool,
    /// Whether it is being expanded.
    is_open: bool,
}

#[derive(Clone)]
enum Kind {
    Scalar,
    /// Of the item.
    Alias(usize),
    Sequence(Vec<usize>),
    /// Keys and values.
    Mapping(Vec<(usize, usize)>),
}

/// The fields of a mapping while others are merged into it.
struct Merging {
    fields: Vec<(usize, usize)>,
    /// The first place of each key.
    places: HashMap<Text, usize>,
    /// The places of empty keys, which are those that a null key takes.
    empty: VecDeque<usize>,
}

impl Merging {
    fn new(graph: &Graph<'_>, own: &[(usize, usize)]) -> Self {
        let mut merging =
            Self { fields: Vec::with_capacity(own.len()), places: HashMap::new(), empty: VecDeque::new() };
        own.iter().for_each(|field| merging.push(graph, *field));
        merging
    }

    fn push(&mut self, graph: &Graph<'_>, field: (usize, usize)) {
        self.note(graph.key_text(field.0), self.fields.len());
        self.fields.push(field);
    }

    fn note(&mut self, key: &str, place: usize) {
        if key.is_empty() {
            self.empty.push_back(place);
        } else {
            self.places.entry(key.into()).and_modify(|first| *first = place.min(*first)).or_insert(place);
        }
    }

    /// Where a field with a key is. kyaml takes a null key for an empty one, and so does not find it.
    fn place_of(&self, graph: &Graph<'_>, key: usize) -> Option<usize> {
        match graph.key_text(key) {
            text if text.is_empty() || graph.items[key].node.is_null() => self.empty.front().copied(),
            text => self.places.get(text).copied(),
        }
    }

    fn set(&mut self, graph: &Graph<'_>, field: (usize, usize)) {
        let Some(place) = self.place_of(graph, field.0) else {
            self.push(graph, field);
            return;
        };
        let was_empty = graph.key_text(self.fields[place].0).is_empty();
        self.fields[place] = field;
        if was_empty && !graph.key_text(field.0).is_empty() {
            self.empty.pop_front();
            self.note(graph.key_text(field.0), place);
        }
    }
}

impl Graph<'_> {
    /// Takes a tree apart; answers its root and whether aliases stand for anything in it.
    fn plant(&mut self, mut node: Node, targets: &HashSet<usize>) -> (usize, bool) {
        let number = self.items.len();
        let mut is_meant = targets.contains(&number);
        let content = std::mem::replace(&mut node.content, Content::Sequence(Vec::new()));
        self.items.push(Item { node, kind: Kind::Scalar, is_meant, is_open: false });
        let kind = match content {
            Content::Scalar(text) => {
                self.items[number].node.content = Content::Scalar(text);
                self.links.aliases.get(&number).map_or(Kind::Scalar, |target| Kind::Alias(*target))
            }
            Content::Sequence(items) => {
                let mut plant = |item| {
                    let (item, item_is_meant) = self.plant(item, targets);
                    is_meant |= item_is_meant;
                    item
                };
                Kind::Sequence(items.into_iter().map(&mut plant).collect())
            }
            Content::Mapping(fields) => {
                let mut plant = |node| {
                    let (node, node_is_meant) = self.plant(node, targets);
                    is_meant |= node_is_meant;
                    node
                };
                Kind::Mapping(fields.into_iter().map(|field| (plant(field.key), plant(field.value))).collect())
            }
        };
        self.items[number].kind = kind;
        self.items[number].is_meant = is_meant;
        (number, is_meant)
    }

    /// Puts a tree together.
    fn harvest(&mut self, number: usize) -> Node {
        let item = &mut self.items[number];
        let mut node = std::mem::replace(&mut item.node, Node::scalar("", Tag::Unset));
        match std::mem::replace(&mut item.kind, Kind::Scalar) {
            Kind::Scalar | Kind::Alias(_) => {}
            Kind::Sequence(items) => {
                node.content = Content::Sequence(items.into_iter().map(|item| self.harvest(item)).collect());
            }
            Kind::Mapping(fields) => {
                let harvest = |(key, value)| Field { key: self.harvest(key), value: self.harvest(value) };
                node.content = Content::Mapping(fields.into_iter().map(harvest).collect());
            }
        }
        node
    }

    /// Expands what is in a node and answers the node that takes its place. `depth`: the collections around it.
    fn expand(&mut self, number: usize, depth: usize) -> Result<usize, Refused> {
        let item = &self.items[number];
        match item.kind {
            Kind::Scalar => return Ok(number),
            Kind::Alias(target) => return self.expand_alias(number, target, depth),
            Kind::Sequence(_) | Kind::Mapping(_) => {}
        }
        let position = item.node.position;
        Limits::check(depth + 1, self.limits.depth_max, Limit::Depth).map_err(|limit| (position, limit.into()))?;
        self.items[number].is_open = true;
        self.merge(number)?;
        let mut part = 0;
        while let Some(inner) = self.part(number, part) {
            let expanded = self.expand(inner, depth + 1)?;
            self.set_part(number, part, expanded);
            part += 1;
        }
        self.items[number].is_open = false;
        Ok(number)
    }

    /// The items of a list, or the keys and values of a mapping, counted through.
    fn part(&self, number: usize, part: usize) -> Option<usize> {
        match &self.items[number].kind {
            Kind::Scalar | Kind::Alias(_) => None,
            Kind::Sequence(items) => items.get(part).copied(),
            Kind::Mapping(fields) => {
                fields.get(part / 2).map(|(key, value)| if part.is_multiple_of(2) { *key } else { *value })
            }
        }
    }

    fn set_part(&mut self, number: usize, part: usize, inner: usize) {
        match &mut self.items[number].kind {
            Kind::Scalar | Kind::Alias(_) => {}
            Kind::Sequence(items) => items[part] = inner,
            Kind::Mapping(fields) if part.is_multiple_of(2) => fields[part / 2].0 = inner,
            Kind::Mapping(fields) => fields[part / 2].1 = inner,
        }
    }

    fn expand_alias(&mut self, alias: usize, target: usize, depth: usize) -> Result<usize, Refused> {
        let position = self.items[alias].node.position;
        if self.items[target].is_open {
            let name = self.items[alias].node.as_str().unwrap_or_default().to_owned();
            return Err((position, Reason::AnchorContainsItself(name)));
        }
        let target = self.expand(target, depth)?;
        self.copy(target, position)
    }

    /// Gives a mapping what it merges, and copies of those of its fields that aliases stand for.
    fn merge(&mut self, number: usize) -> Result<(), Refused> {
        let Kind::Mapping(fields) = &self.items[number].kind else { return Ok(()) };
        let mut fields = fields.clone();
        let sources = match self.merge_value(&fields)? {
            Some(value) => self.merge_sources(value)?,
            None => Vec::new(),
        };
        if let Some(at) = fields.iter().position(|(key, _)| self.key_text(*key) == "<<") {
            fields.remove(at);
        }
        // Sources may be the mapping itself, which has lost its `<<` by now.
        self.items[number].kind = Kind::Mapping(fields.clone());
        for part in fields.iter_mut().flat_map(|(key, value)| [key, value]) {
            if self.items[*part].is_meant {
                *part = self.copy(*part, self.items[*part].node.position)?;
            }
        }
        if !sources.is_empty() || fields.iter().any(|(key, _)| self.items[*key].node.is_null()) {
            fields = self.add_merged(fields, &sources)?;
        }
        self.items[number].kind = Kind::Mapping(fields);
        Ok(())
    }

    /// What stands under the key that merges.
    fn merge_value(&self, fields: &[(usize, usize)]) -> Result<Option<usize>, Refused> {
        let mut merges = fields.iter().filter(|(key, _)| self.items[*key].node.tag == Tag::Merge);
        let merge = merges.next();
        match merges.next() {
            Some((second, _)) => Err((self.items[*second].node.position, Reason::RepeatedMerge)),
            None => Ok(merge.map(|(_, value)| *value)),
        }
    }

    /// The mappings that a value of `<<` means, the last one that is written first.
    fn merge_sources(&self, value: usize) -> Result<Vec<usize>, Refused> {
        let mapping = |number: usize| {
            let (item, meant) = match self.items[number].kind {
                Kind::Alias(target) => (number, target),
                _ => (number, number),
            };
            match self.items[meant].kind {
                Kind::Mapping(_) => Ok(meant),
                _ => Err((self.items[item].node.position, Reason::NotMergeable)),
            }
        };
        match &self.items[value].kind {
            Kind::Sequence(items) => items.iter().rev().map(|item| mapping(*item)).collect(),
            _ => Ok(vec![mapping(value)?]),
        }
    }

    /// Adds the fields of other mappings that a mapping lacks; of several the last wins, in the place of the first.
    fn add_merged(&mut self, own: Vec<(usize, usize)>, sources: &[usize]) -> Result<Vec<(usize, usize)>, Refused> {
        let mut merging = Merging::new(self, &own);
        for source in sources {
            let Kind::Mapping(merged) = self.items[*source].kind.clone() else { continue };
            let firsts = self.first_fields(&merged);
            // What gives nothing new has to be looked through too, as often as it is named.
            let mut idle = merged.len() - firsts.len();
            for (key, value) in firsts {
                if merging.place_of(self, key).is_none_or(|place| place >= own.len()) {
                    let position = self.items[key].node.position;
                    let copies = (self.copy(key, position)?, self.copy(value, position)?);
                    merging.set(self, copies);
                } else {
                    idle += 1;
                }
            }
            let position = self.items[*source].node.position;
            self.count_copies(idle, 0).map_err(|limit| (position, limit.into()))?;
        }
        for (key, value) in self.first_fields(&own) {
            if self.items[key].node.is_null() {
                let position = self.items[key].node.position;
                let copies = (self.copy(key, position)?, self.copy(value, position)?);
                merging.set(self, copies);
            }
        }
        Ok(merging.fields)
    }

    /// For each field the first one with its key; only null keys more than once.
    fn first_fields(&self, fields: &[(usize, usize)]) -> Vec<(usize, usize)> {
        let mut firsts = HashMap::new();
        fields
            .iter()
            .filter_map(|field| {
                let first = *firsts.entry(self.key_text(field.0)).or_insert(*field);
                (first == *field || self.items[first.0].node.is_null()).then_some(first)
            })
            .collect()
    }

    /// The text of a scalar key and the name in an alias; nothing for a collection.
    fn key_text(&self, key: usize) -> &str {
        self.items[key].node.as_str().unwrap_or_default()
    }

    /// A copy of a node and all that is in it, made because of something at `position`.
    fn copy(&mut self, number: usize, position: Position) -> Result<usize, Refused> {
        let bytes = self.items[number].node.as_str().map_or(0, str::len);
        self.count_copies(1, bytes).map_err(|limit| (position, limit.into()))?;
        let Item { node, kind, .. } = self.items[number].clone();
        let kind = match kind {
            Kind::Sequence(items) => {
                let copies: Result<_, _> = items.into_iter().map(|item| self.copy(item, position)).collect();
                Kind::Sequence(copies?)
            }
            Kind::Mapping(fields) => {
                let copy = |(key, value)| Ok((self.copy(key, position)?, self.copy(value, position)?));
                Kind::Mapping(fields.into_iter().map(copy).collect::<Result<_, Refused>>()?)
            }
            other => other,
        };
        self.items.push(Item { node, kind, is_meant: false, is_open: false });
        Ok(self.items.len() - 1)
    }

    fn count_copies(&mut self, nodes: usize, bytes: usize) -> Result<(), Limit> {
        self.copied_nodes += nodes;
        self.copied_bytes += bytes;
        *self.nodes_left = self.nodes_left.checked_sub(nodes).ok_or(Limit::Nodes(self.limits.nodes_max))?;
        Limits::check(self.copied_nodes, self.limits.alias_nodes_max, Limit::AliasNodes)?;
        Limits::check(self.copied_bytes, self.limits.alias_bytes_max, Limit::AliasBytes)
    }
}
