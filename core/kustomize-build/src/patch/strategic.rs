//! A strategic merge patch, ready to be applied to any number of objects.

use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag, Text};

use super::PatchProblem;
use crate::identity::{Gvk, Id, metadata};
use crate::merge::{self, MergeError, Merged, quote_where_yaml_1_1_differs, set_text};
use crate::resource::{Notes, Resource};
use crate::schema::{Schemas, Scopes};

/// A strategic merge patch and what it may change.
#[derive(Clone, Debug)]
pub(crate) struct StrategicPatch {
    patch: Node,
    allows: Allowed,
    /// Whether it may take all annotations away, and with them what kustomize notes there.
    clears_annotations: bool,
    /// Whether it goes to selected objects: it takes on the apiVersion of each.
    is_selecting: bool,
}

/// What a patch may change besides content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) name: bool,
    pub(crate) kind: bool,
}

impl StrategicPatch {
    /// For the one object that has or had its name.
    pub(crate) fn named(patch: Node, allows: Allowed) -> Self {
        Self::new(patch, allows, false)
    }

    /// For objects that are selected. Its labels and annotations become texts, nulls included: kustomize copies them so.
    pub(crate) fn selecting(patch: Node, allows: Allowed) -> Self {
        Self::new(patch, allows, true)
    }

    fn new(mut patch: Node, allows: Allowed, is_selecting: bool) -> Self {
        if allows != Allowed::default() {
            rewrite(&mut patch, "annotations");
        }
        if is_selecting {
            let (name, namespace) = (metadata_text(&patch, "name"), metadata_text(&patch, "namespace"));
            if rewrite(&mut patch, "labels") && rewrite(&mut patch, "annotations") {
                set_metadata(&mut patch, &name, &namespace);
            }
            let kind = text(&patch, "kind");
            set_text(&mut patch, "kind", &kind);
            let version = api_version(&patch);
            set_text(&mut patch, "apiVersion", &version);
        }
        let clears_annotations = clears_annotations(&patch);
        Self { patch, allows, clears_annotations, is_selecting }
    }

    /// What it says that its object is called.
    pub(crate) fn id(&self, scopes: &Scopes) -> Id<&str> {
        Id::of(&self.patch, scopes)
    }

    /// Whether objects can be called something else afterwards.
    pub(crate) fn renames(&self) -> bool {
        self.allows != Allowed::default()
    }

    /// Changes an object. Its name, namespace and kind stay, but for what is allowed.
    pub(crate) fn apply(&self, resource: &mut Resource, schemas: &Schemas) -> Result<Merged, PatchProblem> {
        let object = &resource.object;
        let (name, namespace) = (metadata_text(object, "name"), metadata_text(object, "namespace"));
        let kind = text(object, "kind");
        if self.renames() {
            remember(resource);
            resource.allows_name_change |= self.allows.name;
            resource.allows_kind_change |= self.allows.kind;
        }
        match self.merge(resource, schemas) {
            Ok(Merged::Kept) => {}
            Ok(Merged::Deleted) => return Ok(Merged::Deleted),
            Err(reason) => {
                let (object, place) = (resource.id().to_string(), resource.place.clone());
                return Err(PatchProblem::DoesNotMerge { object, place, reason });
            }
        }
        if !self.allows.kind {
            set_text(&mut resource.object, "kind", &kind);
        }
        let name = if self.allows.name { metadata_text(&resource.object, "name") } else { name };
        match self.allows.name {
            true => set_namespace(&mut resource.object, &namespace),
            false => set_metadata(&mut resource.object, &name, &namespace),
        }
        Ok(Merged::Kept)
    }

    fn merge(&self, resource: &mut Resource, schemas: &Schemas) -> Result<Merged, MergeError> {
        let adapted = self.adapted_to(&resource.object);
        let patch = adapted.as_ref().unwrap_or(&self.patch);
        if self.clears_annotations {
            resource.change_openly(Notes::AsFound, |object| merge::strategic(patch, object, schemas))
        } else {
            merge::strategic(patch, &mut resource.object, schemas)
        }
    }

    /// The patch with the apiVersion of an object, when it has another one.
    fn adapted_to(&self, object: &Node) -> Option<Node> {
        let written = |object: &Node| {
            object
                .get("apiVersion")
                .and_then(Node::as_str)
                .is_some_and(|own| self.patch.get("apiVersion").and_then(Node::as_str) == Some(own))
        };
        if !self.is_selecting || written(object) {
            return None;
        }
        let version = api_version(object);
        let mut patch = self.patch.clone();
        set_text(&mut patch, "apiVersion", &version);
        Some(patch)
    }
}

/// As kustomize writes what it took apart.
fn api_version(object: &Node) -> String {
    Gvk::new(object.get("apiVersion").and_then(Node::as_str).unwrap_or_default(), "").api_version()
}

/// Notes what an object is called. Kustomize writes that to its annotations, of which empty ones go.
pub(super) fn remember(resource: &mut Resource) {
    let is_empty = |node: &Node| match &node.content {
        Content::Scalar(_) => node.is_null(),
        Content::Sequence(items) => items.is_empty(),
        Content::Mapping(fields) => fields.is_empty(),
    };
    if let Some(metadata) = resource.object.get_mut("metadata")
        && metadata.get("annotations").is_some_and(is_empty)
    {
        metadata.remove("annotations");
    }
    resource.remember_id();
}

fn text(object: &Node, key: &str) -> Text {
    object.get(key).and_then(Node::as_str).unwrap_or_default().into()
}

fn metadata_text(object: &Node, key: &str) -> Text {
    metadata(object, key).into()
}

fn set_metadata(object: &mut Node, name: &str, namespace: &str) {
    if object.get("metadata").is_none_or(Node::is_null) {
        object.set("metadata", Node::mapping(Vec::new()));
    }
    if let Some(metadata) = object.get_mut("metadata") {
        set_text(metadata, "name", name);
    }
    set_namespace(object, namespace);
}

fn set_namespace(object: &mut Node, namespace: &str) {
    let Some(metadata) = object.get_mut("metadata") else { return };
    match namespace {
        "" => drop(metadata.remove("namespace")),
        _ => set_text(metadata, "namespace", namespace),
    }
}

/// Writes labels or annotations anew, as texts in the order of their keys; an empty key ends it all.
pub(super) fn rewrite(object: &mut Node, which: &str) -> bool {
    if object.get("metadata").is_none() {
        object.set("metadata", Node::mapping(Vec::new()));
    }
    let Some(metadata) = object.get_mut("metadata") else { return true };
    let Some(Content::Mapping(fields)) = metadata.remove(which).map(|found| found.content) else { return true };
    let text_of = |node: &Node| Text::from(node.as_str().unwrap_or_default());
    let texts: std::collections::BTreeMap<Text, Text> =
        fields.iter().map(|field| (text_of(&field.key), text_of(&field.value))).collect();
    if texts.is_empty() {
        return true;
    }
    let is_whole = !texts.contains_key("");
    let field = |(key, value): (Text, Text)| Field { key: Node::scalar(key, Tag::Unset), value: as_text(value) };
    let fields = texts.into_iter().filter(|_| is_whole).map(field).collect();
    metadata.set(which, Node::mapping(fields));
    is_whole
}

fn as_text(value: Text) -> Node {
    let mut node = Node::text(value);
    if node.as_str().is_some_and(|text| text.contains('\n')) {
        node.style = Style::Literal;
    }
    quote_where_yaml_1_1_differs(&mut node);
    node
}

fn clears_annotations(patch: &Node) -> bool {
    let Some(metadata) = patch.get("metadata") else { return false };
    let has_directive = |mapping: &Node| mapping.get("$patch").is_some();
    metadata.is_null()
        || has_directive(metadata)
        || metadata.get("annotations").is_some_and(|annotations| annotations.is_null() || has_directive(annotations))
}
