//! Lists whose elements are told apart: by keys, or by what they are when they are scalars.

use std::collections::{HashMap, HashSet};

use thalweg_yaml::kyaml::{Content, Node, Tag, Text};

use super::elements::{Element, Elements};
use super::field::{quote_where_yaml_1_1_differs, untyped};
use super::walk::{Fate, Outcome, Owner, Walk};
use super::{MergeError, is_empty_mapping, is_mapping, text};
use crate::schema::SchemaNode;

/// Elements that are compared each with each; more are looked up in a table.
const COMPARED_MAX: usize = 16;

/// What a list is merged with.
pub(super) enum Other<'p> {
    Nothing,
    /// A list that a patch adds is merged with itself.
    Itself,
    Items(Vec<&'p Node>),
}

impl Other<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Nothing | Self::Itself => true,
            Self::Items(items) => items.is_empty(),
        }
    }

    fn items(&self) -> &[&Node] {
        match self {
            Self::Nothing | Self::Itself => &[],
            Self::Items(items) => items,
        }
    }

    fn owner(&self) -> Owner {
        match self {
            Self::Itself => Owner::Patch,
            Self::Nothing | Self::Items(_) => Owner::Target,
        }
    }
}

impl Walk<'_> {
    /// The elements of a list after they met those of another: first those of the other in their order, then the rest.
    pub(super) fn merged_items(
        &self,
        items: Vec<Node>,
        other: Other<'_>,
        place: SchemaNode<'_>,
    ) -> Result<Vec<Node>, MergeError> {
        let below = place.elements();
        match place.merge_keys() {
            [key] if are_distinct(items.iter(), key) && are_distinct(other.items().iter().copied(), key) => {
                self.merge_distinct(items, &other, key, below)
            }
            [] if are_distinct_texts(items.iter()) && are_distinct_texts(other.items().iter().copied()) => {
                Ok(merge_texts(items, &other))
            }
            [] => self.merge_by_rules(items, &other, &[Text::default()], below),
            keys => self.merge_by_rules(items, &other, keys, below),
        }
    }

    /// Where every element has the one key, and none has the same as another in its list.
    fn merge_distinct(
        &self,
        mut items: Vec<Node>,
        other: &Other<'_>,
        key: &str,
        below: Option<SchemaNode<'_>>,
    ) -> Result<Vec<Node>, MergeError> {
        let owner = other.owner();
        if other.is_empty() {
            let mut problem = None;
            items.retain_mut(|item| match self.settle(item, below, owner) {
                Ok(fate) => fate == Fate::Kept,
                Err(error) => {
                    let named = error.within(key, key_of(item, key));
                    problem.get_or_insert(named);
                    true
                }
            });
            return problem.map_or(Ok(items), Err);
        }
        let mut merged = Vec::with_capacity(items.len() + other.items().len());
        let mut rest: Vec<Option<Node>> = items.into_iter().map(Some).collect();
        let positions = positions(&rest, key, other.items().len());
        for patch in other.items() {
            let value = key_of(patch, key);
            let at = match &positions {
                Some(positions) => positions.get(value).copied(),
                None => rest.iter().position(|item| item.as_ref().is_some_and(|item| key_of(item, key) == value)),
            };
            let named = |error: MergeError| error.within(key, value);
            match at.and_then(|at| rest.get_mut(at)).and_then(Option::take) {
                Some(mut item) => match self.merge(&mut item, patch, below).map_err(named)? {
                    // A replaced element stays as it was: kyaml puts the original back where the order is made.
                    Outcome::Kept | Outcome::Replaced(_) => merged.push(item),
                    Outcome::Removed => {}
                },
                None => {
                    merged.extend(self.added(patch, below).map_err(named)?.map(|added| added.node));
                }
            }
        }
        for mut item in rest.into_iter().flatten() {
            if self.settle(&mut item, below, owner).map_err(|error| error.below("[]"))? == Fate::Kept {
                merged.push(item);
            }
        }
        Ok(merged)
    }

    /// Every other list: by the letter of kyaml's algorithm, which loses elements that lack keys or share them.
    fn merge_by_rules(
        &self,
        items: Vec<Node>,
        other: &Other<'_>,
        keys: &[Text],
        below: Option<SchemaNode<'_>>,
    ) -> Result<Vec<Node>, MergeError> {
        let mut elements = Elements::new(items, other);
        let mut values = elements.values(keys);
        if values.is_empty() {
            return Ok(elements.take_target());
        }
        if keys.len() > 1 {
            complete(&mut values);
        }
        let used: Vec<bool> = (0..keys.len())
            .map(|index| values.iter().any(|values| values.get(index).is_some_and(|value| !value.is_empty())))
            .collect();
        let valid = |all: &[Text]| -> Vec<Text> {
            let pairs = all.iter().zip(&used);
            match used.iter().any(|used| *used) {
                true => pairs.filter(|(_, used)| **used).map(|(one, _)| one.clone()).collect(),
                false => all.to_vec(),
            }
        };
        let keys = valid(keys);
        let mut ordered = Vec::new();
        for values in &values {
            let values = valid(values);
            let merged = self.merge_element(&mut elements, &keys, &values, below)?;
            match merged.filter(|merged| !is_empty_mapping(elements.get(*merged))) {
                Some(merged) => {
                    complete_keys(elements.get_mut(merged), &keys, &values);
                    elements.put(&mut ordered, Some(merged), &keys, &values)?;
                }
                None => elements.remove_from_target(&keys, &values)?,
            }
        }
        elements.append_target(&mut ordered, &keys)?;
        Ok(elements.take(&ordered))
    }

    fn merge_element(
        &self,
        elements: &mut Elements<'_>,
        keys: &[Text],
        values: &[Text],
        below: Option<SchemaNode<'_>>,
    ) -> Result<Option<Element>, MergeError> {
        let (keys, values) = without_empty(keys, values);
        let named = |error: MergeError| {
            error.within(keys.first().map_or("", Text::as_str), values.first().map_or("", Text::as_str))
        };
        let place = below;
        match (elements.find_in_target(&keys, &values), elements.find_in_other(&keys, &values)) {
            (None, None) => Ok(None),
            (Some(target), None) => {
                let owner = elements.owner();
                let fate = self.settle(elements.get_mut(target), place, owner).map_err(named)?;
                Ok((fate == Fate::Kept).then_some(target))
            }
            (None, Some(patch)) => {
                let node = elements.get(patch);
                let added = self.added(node, place).map_err(named)?;
                elements.spend_directive(patch);
                Ok(added.map(|added| {
                    elements.set(patch, added.node);
                    patch
                }))
            }
            (Some(target), Some(patch)) => {
                let mut node = elements.lend(target);
                let outcome = self.merge(&mut node, elements.get(patch), place).map_err(named)?;
                elements.set(target, node);
                elements.spend_directive(patch);
                Ok(match outcome {
                    Outcome::Kept => Some(target),
                    Outcome::Removed => None,
                    Outcome::Replaced(node) => {
                        elements.set(patch, node);
                        Some(patch)
                    }
                })
            }
        }
    }
}

/// Lists of scalars. What only one of the lists has loses its type, which it finds again in its text and style.
fn merge_texts(items: Vec<Node>, other: &Other<'_>) -> Vec<Node> {
    let mut merged = Vec::with_capacity(items.len() + other.items().len());
    let mut rest: Vec<Option<Node>> = items.into_iter().map(Some).collect();
    let by_text: HashMap<Text, usize> = match other.items() {
        [] => HashMap::new(),
        _ => rest.iter().enumerate().filter_map(|(index, item)| Some((text(item.as_ref()?).into(), index))).collect(),
    };
    for patch in other.items() {
        let found = by_text.get(text(patch)).and_then(|index| rest.get_mut(*index)).and_then(Option::take);
        merged.push(found.unwrap_or_else(|| without_type((*patch).clone())));
    }
    merged.extend(rest.into_iter().flatten().map(without_type));
    merged
}

fn without_type(mut node: Node) -> Node {
    let value: Text = text(&node).into();
    untyped(&mut node, &value);
    node
}

/// Whether all are scalars that are not empty, each another one.
fn are_distinct_texts<'n>(items: impl ExactSizeIterator<Item = &'n Node> + Clone) -> bool {
    let is_text = |item: &Node| !item.is_null() && !text(item).is_empty();
    let mut seen = HashSet::with_capacity(items.len());
    items.clone().all(is_text) && items.into_iter().all(|item| seen.insert(text(item)))
}

/// Whether all are mappings that have the key, each with a value of its own.
fn are_distinct<'n>(items: impl ExactSizeIterator<Item = &'n Node>, key: &str) -> bool {
    let mut few = [""; COMPARED_MAX];
    let mut many = HashSet::new();
    let is_few = items.len() <= COMPARED_MAX;
    for (index, item) in items.enumerate() {
        let value = item.get(key).filter(|value| !value.is_null()).map_or("", text);
        let (before, rest) = few.split_at_mut(index.min(COMPARED_MAX));
        let is_new = if is_few { !before.contains(&value) } else { many.insert(value) };
        if value.is_empty() || !is_new {
            return false;
        }
        if let Some(place) = rest.first_mut() {
            *place = value;
        }
    }
    true
}

fn key_of<'n>(item: &'n Node, key: &str) -> &'n str {
    item.get(key).map(text).unwrap_or_default()
}

/// Where the elements are by their keys, when there are many and more than one is looked for.
fn positions(items: &[Option<Node>], key: &str, lookups: usize) -> Option<HashMap<String, usize>> {
    if items.len() <= COMPARED_MAX || lookups < 2 {
        return None;
    }
    let named = |(index, item): (usize, &Option<Node>)| Some((key_of(item.as_ref()?, key).to_owned(), index));
    Some(items.iter().enumerate().filter_map(named).collect())
}

/// Lets elements that agree in one key, and differ only where one of them lacks a key, have the same keys. Each is compared as
/// it was when its turn came, and takes over what the last of the others made of it.
fn complete(all: &mut [Vec<Text>]) {
    for left in 0..all.len() {
        let Some(one) = all.get(left).cloned() else { continue };
        for right in 0..all.len() {
            let Some(both) = all.get(right).and_then(|other| united(&one, other)) else { continue };
            for index in [left, right] {
                if let Some(values) = all.get_mut(index) {
                    values.clone_from(&both);
                }
            }
        }
    }
}

fn united(one: &[Text], other: &[Text]) -> Option<Vec<Text>> {
    let pairs = || one.iter().zip(other);
    let agree = pairs().any(|(one, other)| one == other);
    let differ = pairs().any(|(one, other)| one != other && !one.is_empty() && !other.is_empty());
    (agree && !differ)
        .then(|| pairs().map(|(one, other)| if one.is_empty() { other.clone() } else { one.clone() }).collect())
}

/// The keys that have a value; all of them when none has one.
fn without_empty(keys: &[Text], values: &[Text]) -> (Vec<Text>, Vec<Text>) {
    match values.iter().any(|value| !value.is_empty()) {
        true => keys
            .iter()
            .zip(values)
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.clone(), value.clone()))
            .unzip(),
        false => (keys.to_vec(), values.to_vec()),
    }
}

/// Gives an element the keys that it was found by and does not have. A scalar is written anew.
fn complete_keys(element: &mut Node, keys: &[Text], values: &[Text]) {
    for (key, value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
        if key.is_empty() && matches!(element.content, Content::Scalar(_)) {
            untyped(element, value);
        } else if is_mapping(element) && element.get(key).is_none() {
            let mut node = Node::scalar(value.clone(), Tag::Unset);
            quote_where_yaml_1_1_differs(&mut node);
            element.set(key, node);
        }
    }
}
