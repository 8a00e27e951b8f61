//! The path of a target, and the places that it leads to.

use thalweg_yaml::kyaml::{Content, Field, Node, Tag};

use super::{PathError, document, parts};
use crate::pattern::Pattern;
use crate::transform::lookup::{self, Made, Slot, Step as Lookup};

/// Parts of a path, at most.
const PARTS_MAX: usize = 256;

/// The path of a target: in part a pattern, since it may lead to several places.
pub(super) struct TargetPath {
    pub(super) text: String,
    pub(super) steps: Vec<Step>,
    /// The same parts as those of a source: where they end in a text, the text is taken for a document.
    pub(super) lookups: Vec<Option<Lookup>>,
}

pub(super) enum Step {
    Field(String),
    Index(usize),
    /// `*`
    Every,
    /// `[key=pattern]`
    Item {
        key: String,
        pattern: Result<Pattern, PathError>,
        value: String,
    },
    Invalid(PathError),
}

impl TargetPath {
    pub(super) fn parse(path: &str) -> Self {
        let parts = parts(path);
        let steps = match parts.len() > PARTS_MAX {
            true => vec![Step::Invalid(PathError::TooManyParts(PARTS_MAX))],
            false => parts.iter().map(|part| Step::parse(part)).collect(),
        };
        let lookups = parts.iter().take(PARTS_MAX).map(|part| Lookup::parse(part)).collect();
        Self { text: path.to_owned(), steps, lookups }
    }

    pub(super) fn touches_identity(&self) -> bool {
        match self.steps.first() {
            Some(Step::Field(name)) if name == "metadata" => match self.steps.get(1) {
                Some(Step::Field(name)) => matches!(name.as_str(), "name" | "namespace" | "annotations"),
                _ => true,
            },
            Some(Step::Field(name)) => matches!(name.as_str(), "apiVersion" | "kind"),
            _ => true,
        }
    }

    /// Whether it leads to all annotations at once, in which kustomize keeps notes.
    pub(super) fn holds_notes(&self) -> bool {
        let is =
            |index: usize, wanted: &str| matches!(self.steps.get(index), Some(Step::Field(name)) if name == wanted);
        is(0, "metadata") && (self.steps.len() == 1 || (self.steps.len() == 2 && is(1, "annotations")))
    }
}

impl Step {
    fn parse(part: &str) -> Self {
        if let Some(index) = part.parse::<i64>().ok().and_then(|index| usize::try_from(index).ok()) {
            return Self::Index(index);
        }
        if part == "*" {
            return Self::Every;
        }
        if !lookup::is_item(part) {
            return Self::Field(part.to_owned());
        }
        match lookup::key_and_value(part) {
            None => Self::Invalid(PathError::NoMatch(part.to_owned())),
            Some((key, value)) => Self::Item {
                key: key.to_owned(),
                pattern: Pattern::within(value)
                    .map_err(|reason| PathError::NotAPattern { text: value.to_owned(), reason }),
                value: value.to_owned(),
            },
        }
    }

    /// What a field before this step is made as; the last one is made for the value.
    fn made_before(steps: &[Step], last: Made) -> Made {
        match steps.first() {
            None => last,
            Some(Step::Field(name)) if name.is_empty() => last,
            Some(Step::Index(_) | Step::Item { .. } | Step::Invalid(_)) => Made::Sequence,
            Some(Step::Field(_) | Step::Every) => Made::Mapping,
        }
    }
}

/// Goes down a path to all the places that it means, and makes what is missing if that is wanted.
pub(super) struct Walk {
    create: Option<Made>,
    /// Where it is.
    slots: Vec<Slot>,
    /// Whether it is in something that hangs in no object.
    is_detached: bool,
    /// Where it has arrived; nothing for a place that hangs in no object.
    found: Vec<Option<Vec<Slot>>>,
}

impl Walk {
    /// The places that a path leads to.
    pub(super) fn places(
        node: &mut Node,
        steps: &[Step],
        create: Option<Made>,
    ) -> Result<Vec<Option<Vec<Slot>>>, PathError> {
        let mut walk = Self { create, slots: Vec::new(), is_detached: false, found: Vec::new() };
        walk.node(node, steps)?;
        Ok(walk.found)
    }

    fn node(&mut self, node: &mut Node, steps: &[Step]) -> Result<(), PathError> {
        let Some((step, below)) = steps.split_first() else {
            self.arrive();
            return Ok(());
        };
        match step {
            Step::Field(name) => self.field(node, name, below),
            Step::Index(index) => self.index(node, *index, below),
            Step::Every => {
                let length = lookup::items(node, "*")?.len();
                (0..length).try_for_each(|at| self.into(node, Slot::Item(at), below))
            }
            Step::Item { key, pattern, value } => self.items(node, key, pattern, value, below),
            Step::Invalid(error) => Err(error.clone()),
        }
    }

    fn arrive(&mut self) {
        self.found.push((!self.is_detached).then(|| self.slots.clone()));
    }

    /// Goes on in a place of a node.
    fn into(&mut self, node: &mut Node, slot: Slot, below: &[Step]) -> Result<(), PathError> {
        let Some(node) = lookup::at_mut(node, slot) else { return Ok(()) };
        self.slots.push(slot);
        let walked = self.node(node, below);
        self.slots.pop();
        walked
    }

    /// Goes on in what hangs in no object. Kustomize sets it all the same, and it is never printed.
    fn detached(&mut self, mut node: Node, steps: &[Step]) -> Result<(), PathError> {
        let before = std::mem::replace(&mut self.is_detached, true);
        let walked = self.node(&mut node, steps);
        self.is_detached = before;
        walked
    }

    fn field(&mut self, node: &mut Node, name: &str, below: &[Step]) -> Result<(), PathError> {
        if name.is_empty() {
            return Err(PathError::EmptyPart);
        }
        let fields = lookup::fields(node, name)?;
        let at = match (fields.iter().position(|field| lookup::is_key(field, name)), self.create) {
            (Some(at), _) => at,
            (None, None) => return Ok(()),
            (None, Some(last)) => {
                let made = Step::made_before(below, last).node();
                // A field that is made in a null hangs there unseen.
                let Some(fields) = node.fields_mut() else { return self.detached(made, below) };
                fields.push(Field { key: Node::scalar(name, Tag::Unset), value: made });
                fields.len() - 1
            }
        };
        match node.fields().get(at).map(|field| &field.value.content) {
            Some(Content::Scalar(text)) if !below.is_empty() => {
                // Kustomize goes on in a copy of the document, and forgets the copy.
                let copy = document::parse(text).ok_or_else(|| PathError::NotADocument(name.to_owned()))?;
                self.detached(copy.root, below)
            }
            _ => self.into(node, Slot::Field(at), below),
        }
    }

    fn index(&mut self, node: &mut Node, index: usize, below: &[Step]) -> Result<(), PathError> {
        let length = lookup::items(node, &index.to_string())?.len();
        if let Some(last) = self.create.filter(|_| index == length) {
            let made = Step::made_before(below, last).node();
            match node.items_mut() {
                Some(items) => items.push(made),
                None => return self.detached(made, below),
            }
        } else if index >= length {
            return Err(PathError::IndexPastEnd { index, items: length });
        }
        self.into(node, Slot::Item(index), below)
    }

    fn items(
        &mut self,
        node: &mut Node,
        key: &str,
        pattern: &Result<Pattern, PathError>,
        value: &str,
        below: &[Step],
    ) -> Result<(), PathError> {
        let length = lookup::items(node, &format!("[{key}={value}]"))?.len();
        let before = self.found.len();
        for at in 0..length {
            self.item(node, at, key, pattern, below)?;
        }
        if self.found.len() > before || self.create.is_none() {
            return Ok(());
        }
        let made = lookup::new_item(key, value);
        match node.items_mut() {
            Some(items) => {
                items.push(made);
                self.item(node, length, key, pattern, below)?;
            }
            None => {
                let is_detached = std::mem::replace(&mut self.is_detached, true);
                let walked = self.item(&mut Node::sequence(vec![made]), 0, key, pattern, below);
                self.is_detached = is_detached;
                walked?;
            }
        }
        match self.found.len() > before {
            true => Ok(()),
            false => Err(PathError::Unmatched(format!("[{key}={value}]"))),
        }
    }

    /// Goes on in an item that matches. Of an item without a key the rest of the path is not looked at.
    fn item(
        &mut self,
        list: &mut Node,
        at: usize,
        key: &str,
        pattern: &Result<Pattern, PathError>,
        below: &[Step],
    ) -> Result<(), PathError> {
        let pattern = pattern.as_ref().map_err(PathError::clone)?;
        let item = list.items().get(at);
        let compared = if key.is_empty() { item } else { item.and_then(|item| item.get(key)) };
        if !compared.is_some_and(|compared| pattern.is_match(&document::text_of(compared))) {
            return Ok(());
        }
        self.into(list, Slot::Item(at), if key.is_empty() { &[] } else { below })
    }
}
