//! Where a replacement takes its value from.

use std::borrow::Cow;

use thalweg_yaml::kyaml::{Content, Node, Tag};

use super::{DEFAULT_PATH, Replacement, ReplacementError, parts};
use crate::Error;
use crate::identity::Id;
use crate::kustomization::{FieldOptions, SourceSelector};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::transform::lookup::{Slot, Step, below, find, steps};
use crate::transform::names_and_kinds;

/// What a replacement copies.
pub(super) enum Value {
    Fixed(Node),
    /// What is at a place in an object, and changes when this replacement changes it.
    Live {
        position: usize,
        slots: Vec<Slot>,
    },
}

impl Value {
    /// What the replacement says that it copies.
    pub(super) fn of(replacement: &Replacement, resources: &ResourceMap) -> Result<Self, Error> {
        let fields = &replacement.fields;
        let source = match (&fields.source, &fields.source_value) {
            (Some(_), Some(_)) => return Err(replacement.error(replacement.position, ReplacementError::TwoSources)),
            (None, Some(value)) => return Ok(Self::Fixed(Node::scalar(value.as_str(), Tag::Unset))),
            (Some(source), None) => source,
            (None, None) => return Err(replacement.error(replacement.position, ReplacementError::Incomplete)),
        };
        let found = object(source, resources).and_then(|position| match resources.get(position) {
            Some(resource) => Self::in_object(source, position, resource),
            None => Err(ReplacementError::NoSource { source_id: shown(source) }),
        });
        found.map_err(|reason| replacement.error(source.position, reason))
    }

    fn in_object(source: &SourceSelector, position: usize, resource: &Resource) -> Result<Self, ReplacementError> {
        let path = if source.field_path.is_empty() { DEFAULT_PATH } else { source.field_path.as_str() };
        let steps = steps(&parts(path));
        let noted = with_notes(resource, &steps);
        let root = noted.as_ref().unwrap_or(&resource.object);
        let slots = field(root, &steps, path, resource)?;
        let node = below(root, &slots).unwrap_or(root);
        match &source.options {
            Some(options) if !options.delimiter.is_empty() => part(node, options, path, resource).map(Self::Fixed),
            _ if noted.is_some() => Ok(Self::Fixed(node.clone())),
            _ => Ok(Self::Live { position, slots }),
        }
    }

    /// What is copied now.
    pub(super) fn current<'v>(&'v self, resources: &'v ResourceMap) -> Cow<'v, Node> {
        match self {
            Self::Fixed(node) => Cow::Borrowed(node),
            Self::Live { position, slots } => {
                let node = resources.get(*position).and_then(|resource| below(&resource.object, slots));
                node.map_or_else(|| Cow::Owned(Node::scalar("", Tag::Null)), Cow::Borrowed)
            }
        }
    }

    /// To be told what is to be replaced: what lies in there is taken out of the object, and changes no more.
    pub(super) fn before_write(&mut self, written: usize, places: &[Slot], resources: &ResourceMap) {
        if let Self::Live { position, slots } = self
            && *position == written
            && slots.len() > places.len()
            && slots.starts_with(places)
        {
            *self = Self::Fixed(self.current(resources).into_owned());
        }
    }
}

/// Where the one object is that is, or was, called this.
fn object(source: &SourceSelector, resources: &ResourceMap) -> Result<usize, ReplacementError> {
    let is_meant = |position: &usize| resources.get(*position).is_some_and(|resource| is_called(resource, source));
    let found: Vec<usize> = resources.positions().filter(is_meant).take(2).collect();
    match found.as_slice() {
        [position] => Ok(*position),
        [] => Err(ReplacementError::NoSource { source_id: shown(source) }),
        several => Err(ReplacementError::SeveralSources {
            source_id: shown(source),
            objects: several.iter().filter_map(|at| resources.get(*at)).map(|found| found.id().to_string()).collect(),
        }),
    }
}

/// Empty fields of the selector mean any; no namespace is `default`, whatever the kind.
fn is_called(resource: &Resource, source: &SourceSelector) -> bool {
    let fits = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
    let is = |id: Id<&str>| {
        fits(&source.name, id.name)
            && (source.namespace.is_empty() || or_default(&source.namespace) == or_default(id.namespace))
            && fits(&source.group, id.gvk.group)
            && fits(&source.version, id.gvk.version)
            && fits(&source.kind, id.gvk.kind)
    };
    let may_be = names_and_kinds(resource).any(|(name, kind)| fits(&source.name, name) && fits(&source.kind, kind));
    may_be && resource.ids().any(is)
}

fn or_default(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

fn shown(source: &SourceSelector) -> String {
    let parts = [&source.group, &source.version, &source.kind, &source.namespace, &source.name];
    let said: Vec<&str> = parts.into_iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
    if said.is_empty() { "anything".to_owned() } else { said.join(" ") }
}

fn field(root: &Node, steps: &[Step], path: &str, resource: &Resource) -> Result<Vec<Slot>, ReplacementError> {
    let object = || resource.id().to_string();
    let found = find(root, steps);
    let found =
        found.map_err(|reason| ReplacementError::SourcePath { path: path.to_owned(), object: object(), reason })?;
    match found.filter(|slots| below(root, slots).is_some_and(|node| !is_empty(node))) {
        Some(slots) => Ok(slots),
        None => Err(ReplacementError::SourceWithoutField { path: path.to_owned(), object: object() }),
    }
}

/// The object with what kustomize notes in its annotations, when these are copied as a whole: then the notes go with them.
fn with_notes(resource: &Resource, steps: &[Step]) -> Option<Node> {
    let is = |step: Option<&Step>, name| step.is_none_or(|step| *step == Step::Field(name));
    let copies_annotations =
        steps.len() <= 2 && is(steps.first(), "metadata".to_owned()) && is(steps.get(1), "annotations".to_owned());
    if !copies_annotations {
        return None;
    }
    let notes = resource.notes();
    if notes.is_empty() {
        return None;
    }
    let mut object = resource.object.clone();
    let metadata = object.get_mut("metadata")?;
    if metadata.get("annotations").is_none_or(Node::is_null) {
        metadata.set("annotations", Node::mapping(Vec::new()));
    }
    let annotations = metadata.get_mut("annotations")?;
    for (key, value) in notes {
        annotations.set(key, Node::text(value));
    }
    Some(object)
}

fn is_empty(node: &Node) -> bool {
    node.is_null()
        || match &node.content {
            Content::Scalar(_) => false,
            Content::Sequence(items) => items.is_empty(),
            Content::Mapping(fields) => fields.is_empty(),
        }
}

/// The part of a text that the options name.
fn part(value: &Node, options: &FieldOptions, path: &str, resource: &Resource) -> Result<Node, ReplacementError> {
    let Content::Scalar(text) = &value.content else {
        return Err(ReplacementError::DelimiterOfCollection {
            path: path.to_owned(),
            object: resource.id().to_string(),
        });
    };
    let index = usize::try_from(options.index).ok();
    let part = index.and_then(|index| text.split(options.delimiter.as_str()).nth(index));
    let Some(part) = part.map(Into::into) else {
        return Err(ReplacementError::IndexOutOfBounds { index: options.index, value: text.to_string() });
    };
    let mut value = value.clone();
    value.content = Content::Scalar(part);
    Ok(value)
}
