//! `labels`, `commonLabels` and `commonAnnotations`: entries that are set in mappings.

use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag};
use thalweg_yaml::{Limits, Reason, Value};

use super::field_error;
use crate::Error;
use crate::field_spec::{Create, FieldError, FieldSpec, Fields, check_scalar};
use crate::identity::Gvk;
use crate::resource::{Notes, Resource};
use crate::resource_map::ResourceMap;

/// Sets entries in all mappings that its field specs mean.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    transformer: &'static str,
    entries: Vec<Entry>,
    fields: Vec<Fields>,
    renames: bool,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    value: String,
    /// How the value is written where nothing was before: in quotes when YAML 1.1 would not read a text.
    style: Style,
}

impl Entries {
    /// Entries in the order of their keys; `transformer` is what messages call it.
    pub(crate) fn new<'e>(
        transformer: &'static str,
        entries: impl Iterator<Item = (&'e str, &'e str)>,
        specs: &[FieldSpec],
    ) -> Self {
        let entries = entries.map(|(key, value)| Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            style: if reads_as_text(value) { Style::Plain } else { Style::DoubleQuoted },
        });
        let fields = Fields::all(specs);
        let renames = fields.iter().any(Fields::touches_identity);
        Self { transformer, entries: entries.collect(), fields, renames }
    }

    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        if self.renames {
            resources.iter_mut().try_for_each(|resource| self.add(resource))
        } else {
            resources.contents_mut().try_for_each(|resource| self.add(resource))
        }
    }

    /// Sets all entries in one object.
    pub(crate) fn add(&self, resource: &mut Resource) -> Result<(), Error> {
        let mut selected: Vec<&Fields> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            // An entry may change the kind of the object.
            if index == 0 || self.renames {
                let kind = Gvk::of(&resource.object);
                selected.clear();
                selected.extend(self.fields.iter().filter(|fields| fields.spec.selects(kind)));
            }
            let mut setter = Setter::new(entry, resource.next_link());
            for fields in &selected {
                let visited = if finds_notes(fields) && resource.has_notes() {
                    resource.change_openly(Notes::AsFound, |object| setter.visit(fields, object))
                } else {
                    setter.visit(fields, &mut resource.object)
                };
                visited.map_err(|reason| field_error(self.transformer, resource, &fields.spec.path, reason))?;
            }
            setter.finish(&mut resource.object);
        }
        Ok(())
    }
}

/// Sets one entry in the mappings of one object. Kustomize makes one node for it, puts this node itself where the key is new,
/// and a copy of it where the key is known. The node takes over the style of what it was last copied to.
struct Setter<'e> {
    entry: &'e Entry,
    link: Option<NonZeroU32>,
    style: Style,
    /// The style in which the node was first put somewhere.
    put: Option<Style>,
    /// What was set in places that share a node with others.
    linked: Vec<(NonZeroU32, Node)>,
}

impl<'e> Setter<'e> {
    fn new(entry: &'e Entry, link: Option<NonZeroU32>) -> Self {
        Self { entry, link, style: Style::Plain, put: None, linked: Vec::new() }
    }

    fn visit(&mut self, fields: &Fields, object: &mut Node) -> Result<(), FieldError> {
        let visited = fields.visit_selected(object, Create::Mapping, &mut |node| self.set(node));
        std::mem::take(&mut self.linked).iter().for_each(|(link, value)| object.set_linked(*link, value));
        visited
    }

    fn set(&mut self, node: &mut Node) -> Result<(), FieldError> {
        if self.style == Style::Plain {
            self.style = self.entry.style;
        }
        if self.entry.key.is_empty() {
            return check_scalar(node);
        }
        let fields = match &mut node.content {
            _ if node.tag == Tag::Null => return Ok(()),
            Content::Mapping(fields) => fields,
            Content::Sequence(_) => return Err(FieldError::WrongKind { expected: "a mapping", found: "a list" }),
            Content::Scalar(_) => return Err(FieldError::WrongKind { expected: "a mapping", found: "a scalar" }),
        };
        match fields.iter_mut().find(|field| field.key.as_str() == Some(&self.entry.key)) {
            Some(field) => {
                self.style = field.value.style;
                let value = self.node();
                if let Some(link) = field.value.replace(value) {
                    self.linked.push((link, field.value.clone()));
                }
            }
            None => {
                let mut value = self.node();
                value.set_link(self.link);
                fields.push(Field { key: Node::scalar(self.entry.key.as_str(), Tag::Unset), value });
                self.put.get_or_insert(self.style);
            }
        }
        Ok(())
    }

    fn node(&self) -> Node {
        let mut node = Node::text(self.entry.value.as_str());
        node.style = self.style;
        node
    }

    /// Gives the node its last style wherever it was put.
    fn finish(self, object: &mut Node) {
        if let Some(link) = self.link.filter(|_| self.put.is_some_and(|put| put != self.style)) {
            object.set_linked(link, &self.node());
        }
    }
}

/// Whether annotations are looked for and not made: then those are found that kustomize keeps its notes in.
fn finds_notes(fields: &Fields) -> bool {
    !fields.spec.create && fields.spec.path == "metadata/annotations"
}

/// Whether go-yaml v2 reads a text where this is written without quotes.
fn reads_as_text(text: &str) -> bool {
    if text.is_empty() || text.contains('\n') {
        return true;
    }
    match thalweg_yaml::read("", text.as_bytes(), &Limits::default()) {
        Ok(documents) => documents.first().is_some_and(|document| matches!(document.root.value, Value::String(_))),
        Err(error) => !matches!(
            error.reason,
            Reason::NotFinite(_) | Reason::CollectionAsKey(_) | Reason::NullAsKey | Reason::LargeNumberAsKey(_)
        ),
    }
}
