//! The elements of two lists, and kyaml's ways to find, replace and remove them.
//!
//! In kyaml lists hold pointers: what is merged in one place changes in the others, and one element can be in a list twice. Here
//! elements are numbers that stand for the nodes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use thalweg_yaml::kyaml::{Content, Node, Text};

use super::directive;
use super::list::Other;
use super::walk::Owner;
use super::{MergeError, is_empty_mapping, is_mapping, text};

/// An element of either list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element(usize);

pub(super) struct Elements<'p> {
    nodes: Vec<Cow<'p, Node>>,
    target: Vec<Element>,
    /// None where there is no other list, or where it is the same one.
    other: Option<Vec<Element>>,
    owner: Owner,
}

impl<'p> Elements<'p> {
    pub(super) fn new(target: Vec<Node>, other: &Other<'p>) -> Self {
        let count = target.len();
        let mut nodes: Vec<Cow<'p, Node>> = target.into_iter().map(Cow::Owned).collect();
        let (other, owner) = match other {
            Other::Nothing => (None, Owner::Target),
            Other::Itself => (None, Owner::Patch),
            Other::Items(items) => {
                nodes.extend(items.iter().map(|item| Cow::Borrowed(*item)));
                (Some((count..nodes.len()).map(Element).collect()), Owner::Target)
            }
        };
        Self { nodes, target: (0..count).map(Element).collect(), other, owner }
    }

    /// Whose the elements are that are in the first list alone.
    pub(super) fn owner(&self) -> Owner {
        self.owner
    }

    /// The values of these keys in every element, those of the other list first, each once.
    pub(super) fn values(&self, keys: &[Text]) -> Vec<Vec<Text>> {
        let mut values: Vec<Vec<Text>> = Vec::new();
        let mut seen = HashSet::new();
        let lists = self.other.iter().chain([&self.target]);
        for element in lists.flatten() {
            let node = self.get(*element);
            let value = |key: &Text| match key.as_str() {
                "" => Text::from(text(node)),
                key => Text::from(node.get(key).filter(|value| !value.is_null()).map_or("", text)),
            };
            let of_element: Vec<Text> = keys.iter().map(value).collect();
            if seen.insert(of_element.clone()) {
                values.push(of_element);
            }
        }
        values
    }

    pub(super) fn get(&self, element: Element) -> &Node {
        self.nodes.get(element.0).expect("elements are made with their nodes")
    }

    pub(super) fn get_mut(&mut self, element: Element) -> &mut Node {
        self.nodes.get_mut(element.0).expect("elements are made with their nodes").to_mut()
    }

    pub(super) fn set(&mut self, element: Element, node: Node) {
        *self.get_mut(element) = node;
    }

    /// The node of an element, to be given back by [`Elements::set`].
    pub(super) fn lend(&mut self, element: Element) -> Node {
        std::mem::replace(self.get_mut(element), Node::sequence(Vec::new()))
    }

    /// Takes the directive off an element of the patch that was merged: it counts once.
    pub(super) fn spend_directive(&mut self, element: Element) {
        if let Ok(Some((_, index))) = directive::of_mapping(self.get(element))
            && let Some(fields) = self.get_mut(element).fields_mut()
        {
            fields.remove(index);
        }
    }

    pub(super) fn find_in_target(&self, keys: &[Text], values: &[Text]) -> Option<Element> {
        self.find(&self.target, keys, values)
    }

    pub(super) fn find_in_other(&self, keys: &[Text], values: &[Text]) -> Option<Element> {
        self.find(self.other.as_deref().unwrap_or_default(), keys, values)
    }

    fn find(&self, list: &[Element], keys: &[Text], values: &[Text]) -> Option<Element> {
        let has = |node: &Node, key: &Text, value: &Text| node.get(key).is_some_and(|field| text(field) == value);
        let fits = |element: &&Element| {
            let node = self.get(**element);
            match (keys, values) {
                ([key], [value]) if key.is_empty() => text(node) == value,
                _ => {
                    let mut pairs = keys.iter().zip(values);
                    is_mapping(node) && pairs.all(|(key, value)| has(node, key, value))
                }
            }
        };
        list.iter().find(fits).copied()
    }

    /// Takes every element that fits out of the first list, and empty elements with it.
    pub(super) fn remove_from_target(&mut self, keys: &[Text], values: &[Text]) -> Result<(), MergeError> {
        let mut target = std::mem::take(&mut self.target);
        let result = self.put(&mut target, None, keys, values);
        self.target = target;
        result
    }

    /// Puts an element in the place of every one that fits, or behind all when none does; without an element, those that fit
    /// are taken away. Empty elements go. Without any values all that do not fit go as well.
    pub(super) fn put(
        &self,
        list: &mut Vec<Element>,
        element: Option<Element>,
        keys: &[Text],
        values: &[Text],
    ) -> Result<(), MergeError> {
        let finds_mappings =
            keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|value| !value.is_empty());
        let mut found_any = false;
        let mut kept = Vec::with_capacity(list.len() + 1);
        for candidate in list.iter().copied() {
            let node = self.get(candidate);
            if is_empty_mapping(node) {
                continue;
            }
            if !is_mapping(node) && finds_mappings {
                kept.push(candidate);
            } else if fits(node, keys, values)? {
                found_any = true;
                kept.extend(element);
            } else if !values.is_empty() {
                kept.push(candidate);
            }
        }
        *list = kept;
        if !found_any {
            list.extend(element.filter(|element| !self.get(*element).is_null()));
        }
        Ok(())
    }

    /// Puts all elements of the first list into another, in the place of those with the same keys or behind.
    pub(super) fn append_target(&self, list: &mut Vec<Element>, keys: &[Text]) -> Result<(), MergeError> {
        for element in self.target.iter().copied() {
            let node = self.get(element);
            if let [key] = keys
                && key.is_empty()
            {
                self.put(list, Some(element), keys, &[text(node).into()])?;
                continue;
            }
            if !is_mapping(node) && !node.is_null() {
                return Err(MergeError::wrong_kind("a mapping", node));
            }
            let mut values = Vec::with_capacity(keys.len());
            for key in keys {
                match node.get(key) {
                    Some(value) => values.push(Text::from(text(value))),
                    None => list.push(element),
                }
            }
            if keys.len() > 1 {
                self.put(list, None, keys, &values)?;
            }
            self.put(list, Some(element), keys, &values)?;
        }
        Ok(())
    }

    pub(super) fn take_target(mut self) -> Vec<Node> {
        let target = std::mem::take(&mut self.target);
        self.take(&target)
    }

    /// The nodes of a list; copies of those that are in it more than once.
    pub(super) fn take(mut self, list: &[Element]) -> Vec<Node> {
        let mut uses: HashMap<usize, usize> = HashMap::with_capacity(list.len());
        for element in list {
            *uses.entry(element.0).or_default() += 1;
        }
        let mut last_use = |element: &Element| match uses.get_mut(&element.0) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            Some(_) | None => true,
        };
        let take = |element: &Element| match last_use(element) {
            true => self.lend(*element),
            false => {
                let mut copy = self.get(*element).clone();
                copy.unlink();
                copy
            }
        };
        list.iter().map(take).collect()
    }
}

/// Whether a node has these values under the keys. A key that has no value given fits as the one before it did.
fn fits(node: &Node, keys: &[Text], values: &[Text]) -> Result<bool, MergeError> {
    let mut fits = false;
    for (index, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(index) {
            fits = fits_one(node, key, value)?;
        }
        if !fits {
            return Ok(false);
        }
    }
    Ok(fits)
}

fn fits_one(node: &Node, key: &str, value: &str) -> Result<bool, MergeError> {
    match (&node.content, key) {
        (Content::Scalar(found), "") => Ok(found == value),
        (_, "") => Err(MergeError::wrong_kind("a scalar", node)),
        (Content::Mapping(_), key) => Ok(node.get(key).is_some_and(|field| value.is_empty() || text(field) == value)),
        (_, _) => Err(MergeError::wrong_kind("a mapping", node)),
    }
}
