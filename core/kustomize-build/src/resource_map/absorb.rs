//! What a generator made meets what is there already.
//!
//! Rule: `appendReplaceOrMerge` of kustomize's api/resmap/reswrangler.go.

use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag};

use super::ResourceMap;
use crate::Error;
use crate::resource::{Behavior, Resource};

/// Lists of entries that a merge takes from both objects.
const DATA: [&str; 2] = ["data", "binaryData"];

/// What text a null is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Empty,
    AsWritten,
}

impl ResourceMap {
    /// Adds a generated object, or replaces the one that is or was called the same, as its behavior says.
    ///
    /// # Errors
    ///
    /// When one must be there and is not, must not be there and is, or several are.
    pub(crate) fn absorb(&mut self, mut generated: Resource) -> Result<(), Error> {
        let id = generated.id().owned();
        let behavior = generated.generated.behavior;
        let is_new = matches!(behavior, Behavior::Unspecified | Behavior::Create);
        let position = match self.matching_any(id.borrowed()).as_slice() {
            [] if is_new => return self.append(generated),
            [] => return Err(Error::GeneratedOntoNothing { place: generated.place, id: id.to_string() }),
            [position] => *position,
            _ => return Err(Error::GeneratedOntoSeveral { place: generated.place, id: id.to_string() }),
        };
        let Some(old) = self.get(position) else { return Ok(()) };
        if is_new {
            let (place, other) = (generated.place, old.place.clone());
            return Err(Error::GeneratedTwice { place, id: id.to_string(), other });
        }
        generated.take_metadata(old);
        if behavior == Behavior::Merge {
            for field in DATA {
                merge_entries(&old.object, &mut generated.object, field);
            }
            generated.origin = old.origin.clone().or(generated.origin);
        }
        if !generated.id().is_same(old.id()) {
            return Err(Error::GeneratedOntoNothing { place: generated.place, id: id.to_string() });
        }
        if let Some(slot) = self.get_mut(position) {
            *slot = generated;
        }
        Ok(())
    }
}

impl Resource {
    /// Takes name, namespace and notes of another, and those of its labels and annotations that this one has not.
    fn take_metadata(&mut self, other: &Resource) {
        let text = |key: &str| {
            let found = other.object.at(&["metadata", key]).and_then(Node::as_str);
            found.filter(|text| !text.is_empty()).map(Node::text)
        };
        if let Some(metadata) = self.object.get_mut("metadata") {
            for key in ["labels", "annotations"] {
                let entries = union(other.object.at(&["metadata", key]), metadata.get(key), Nulls::AsWritten);
                metadata.remove(key);
                if !entries.is_empty() {
                    metadata.set(key, Node::mapping(entries));
                }
            }
            metadata.set("name", text("name").unwrap_or_else(|| Node::text("")));
            match text("namespace") {
                Some(namespace) => metadata.set("namespace", namespace),
                None => drop(metadata.remove("namespace")),
            }
        }
        let needs_hash = self.generated.needs_hash && other.generated.needs_hash;
        self.generated = other.generated;
        self.generated.needs_hash = needs_hash;
        self.former.clone_from(&other.former);
        self.prefixes.clone_from(&other.prefixes);
        self.suffixes.clone_from(&other.suffixes);
        self.allows_name_change = other.allows_name_change;
        self.allows_kind_change = other.allows_kind_change;
        self.variables.clone_from(&other.variables);
        self.transformations.clone_from(&other.transformations);
        if self.origin.is_none() {
            self.origin.clone_from(&other.origin);
        }
    }
}

fn merge_entries(old: &Node, new: &mut Node, field: &str) {
    let entries = union(old.get(field), new.get(field), Nulls::Empty);
    new.remove(field);
    if !entries.is_empty() {
        new.set(field, Node::mapping(entries));
    }
}

/// The entries of both as texts, those of the second before those of the first.
fn union(first: Option<&Node>, second: Option<&Node>, nulls: Nulls) -> Vec<Field> {
    let mut entries: Vec<Field> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for field in second.into_iter().chain(first).flat_map(|node| node.fields().iter()) {
        if field.key.as_str().is_some_and(|key| known.insert(key)) {
            entries.push(Field { key: field.key.clone(), value: as_text(&field.value, nulls) });
        }
    }
    entries
}

fn as_text(value: &Node, nulls: Nulls) -> Node {
    let text = match &value.content {
        Content::Scalar(_) if value.is_null() && nulls == Nulls::Empty => "",
        Content::Scalar(text) => text,
        Content::Sequence(_) | Content::Mapping(_) => "",
    };
    let mut node = Node::scalar(text, Tag::Str);
    if text.contains('\n') {
        node.style = Style::Literal;
    }
    node
}
