//! An object on its way through the layers, and what it was called before.

use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Content, Node, Text};

use crate::identity::{Gvk, Id};
use crate::schema::Scopes;

/// Stands for the annotations in which kustomize notes former names and all else that only a build needs.
const NOTE: &str = "internal.config.kubernetes.io/previousNames";

/// The annotation in which kustomize notes where an object came from.
const ORIGIN: &str = "config.kubernetes.io/origin";

/// The annotation in which kustomize notes what changed an object.
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// What becomes of the notes in annotations when a change takes those away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notes {
    /// They go with the annotations: strategic merge patches.
    AsFound,
    /// They are put back, but for where the object came from: JSON patches.
    Restored,
}

/// An object, and what the layers need to know of it. In kustomize all but the object are annotations of
/// `internal.config.kubernetes.io`; here they are fields, and an object that brings such annotations loses them.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) object: Node,
    /// What it was called before each change of its name, namespace or kind, oldest first, as [`Resource::remember_id`] put it.
    /// To compare with, take [`Resource::former_ids`].
    pub(crate) former: Vec<Id>,
    /// The prefixes and suffixes that it was given, in order: they tell objects of one former name apart.
    pub(crate) prefixes: Vec<Text>,
    pub(crate) suffixes: Vec<Text>,
    pub(crate) generated: Generated,
    /// Whether a patch may change its name and kind.
    pub(crate) allows_name_change: bool,
    pub(crate) allows_kind_change: bool,
    pub(crate) origin: Option<Origin>,
    /// Who changed it, in order; kept only where the build notes transformations.
    pub(crate) transformations: Vec<Origin>,
    /// The names of the vars that take their value from it.
    pub(crate) variables: Vec<Text>,
    /// The file, and the line where the object begins: for messages.
    pub(crate) place: crate::Place,
    /// What the build knows of kinds beyond the builtin ones.
    pub(crate) scopes: Scopes,
    /// The last link that was given to nodes of the object.
    links: u32,
}

/// How a generator wants to meet an object that is there already, and whether its name ends in a hash of its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generated {
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
}

/// What a generator does about an object of its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Not said; like `Create`.
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

/// Where an object came from (kustomize's `config.kubernetes.io/origin`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Relative to the directory that is built.
    pub(crate) path: String,
    /// Where it was fetched from and at which commit, for what an object brings: nothing is fetched here.
    pub(crate) repository: String,
    pub(crate) reference: String,
    pub(crate) configured_in: String,
    /// apiVersion, kind, name and namespace of the generator or transformer.
    pub(crate) configured_by: Option<Id>,
}

impl Resource {
    pub(crate) fn new(object: Node, place: crate::Place) -> Self {
        Self {
            object,
            former: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            generated: Generated::default(),
            allows_name_change: false,
            allows_kind_change: false,
            origin: None,
            transformations: Vec::new(),
            variables: Vec::new(),
            place,
            scopes: Scopes::default(),
            links: 0,
        }
    }

    /// A link that no node of the object has: see [`Node::link`].
    pub(crate) fn next_link(&mut self) -> Option<NonZeroU32> {
        self.links = self.links.checked_add(1)?;
        NonZeroU32::new(self.links)
    }

    /// What it is called now.
    pub(crate) fn id(&self) -> Id<&str> {
        Id::of(&self.object, &self.scopes)
    }

    /// What it was called first.
    pub(crate) fn original_id(&self) -> Id<&str> {
        self.former_ids().next().unwrap_or_else(|| self.id())
    }

    /// What it was called before, oldest first. Kustomize keeps kinds, namespaces and names alone: group and version are the
    /// current ones. A namespace that was left out is `default`, that of a kind without namespaces is [`WITHOUT_NAMESPACE`].
    pub(crate) fn former_ids(&self) -> impl Iterator<Item = Id<&str>> {
        let api_version = self.object.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
        self.former.iter().map(move |former| {
            let gvk = Gvk::new(api_version, &former.gvk.kind);
            let is_brought_without_namespace = self.scopes.lack_namespaces(gvk);
            Id { gvk, namespace: &former.namespace, name: &former.name, is_brought_without_namespace }
        })
    }

    /// What it was called before, and what it is called now.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Id<&str>> {
        self.former_ids().chain(std::iter::once_with(|| self.id()))
    }

    /// Notes what it is called now, before that changes. What has no name is not noted, as in kustomize.
    pub(crate) fn remember_id(&mut self) {
        let id = self.id();
        if id.name.is_empty() {
            return;
        }
        let id = Id { namespace: id.effective_namespace(), ..id }.owned();
        self.former.push(id);
        self.make_room_for_notes();
    }

    /// Takes annotations away that are a scalar: kustomize puts a mapping for its notes in their place.
    fn make_room_for_notes(&mut self) {
        let Some(metadata) = self.object.get_mut("metadata") else { return };
        if metadata.get("annotations").is_some_and(|annotations| matches!(annotations.content, Content::Scalar(_))) {
            metadata.remove("annotations");
        }
    }

    /// Changes the object while the annotations in which kustomize would keep the notes are seen to be there: a JSON patch
    /// finds `/metadata/annotations` in an object that was renamed, and a patch that takes all annotations away takes the
    /// notes with them.
    pub(crate) fn change_openly<T>(&mut self, notes: Notes, change: impl FnOnce(&mut Node) -> T) -> T {
        let noted = self.has_notes();
        if noted {
            let is_transformed = !self.transformations.is_empty();
            let origin = self.origin.is_some().then_some(ORIGIN);
            show(&mut self.object, [Some(NOTE), origin, is_transformed.then_some(TRANSFORMATIONS)]);
        }
        let result = change(&mut self.object);
        if noted {
            self.hide_notes(notes);
        }
        result
    }

    /// The annotations in which kustomize would keep what it notes, but for origin and transformations: a replacement that
    /// copies all annotations copies these too.
    pub(crate) fn notes(&self) -> Vec<(&'static str, String)> {
        let joined = |texts: &mut dyn Iterator<Item = &Text>| texts.map(Text::as_str).collect::<Vec<_>>().join(",");
        let Generated { behavior, needs_hash } = self.generated;
        let behavior = match behavior {
            Behavior::Unspecified => "",
            Behavior::Create => "create",
            Behavior::Replace => "replace",
            Behavior::Merge => "merge",
        };
        let enabled = |is_enabled: bool| if is_enabled { "enabled".to_owned() } else { String::new() };
        let mut notes = vec![
            ("internal.config.kubernetes.io/previousKinds", joined(&mut self.former.iter().map(|id| &id.gvk.kind))),
            (NOTE, joined(&mut self.former.iter().map(|id| &id.name))),
            (
                "internal.config.kubernetes.io/previousNamespaces",
                joined(&mut self.former.iter().map(|id| &id.namespace)),
            ),
            ("internal.config.kubernetes.io/prefixes", joined(&mut self.prefixes.iter())),
            ("internal.config.kubernetes.io/suffixes", joined(&mut self.suffixes.iter())),
            ("internal.config.kubernetes.io/generatorBehavior", behavior.to_owned()),
            ("internal.config.kubernetes.io/needsHashSuffix", enabled(needs_hash)),
            ("internal.config.kubernetes.io/allowNameChange", enabled(self.allows_name_change)),
            ("internal.config.kubernetes.io/allowKindChange", enabled(self.allows_kind_change)),
        ];
        notes.retain(|(_, value)| !value.is_empty());
        notes
    }

    /// Whether kustomize would keep anything in annotations.
    pub(crate) fn has_notes(&self) -> bool {
        !self.former.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.generated != Generated::default()
            || self.allows_name_change
            || self.allows_kind_change
            || self.origin.is_some()
    }

    fn hide_notes(&mut self, notes: Notes) {
        let [noted, has_origin, has_transformations] = hide(&mut self.object);
        if !has_origin {
            self.origin = None;
        }
        if !has_transformations {
            self.transformations.clear();
        }
        if !noted && notes == Notes::AsFound {
            self.former.clear();
            self.prefixes.clear();
            self.suffixes.clear();
            self.generated = Generated::default();
            self.allows_name_change = false;
            self.allows_kind_change = false;
        }
    }
}

fn show(object: &mut Node, notes: [Option<&str>; 3]) {
    let Some(metadata) = object.get_mut("metadata").filter(|metadata| matches!(metadata.content, Content::Mapping(_)))
    else {
        return;
    };
    if metadata.get("annotations").is_none_or(Node::is_null) {
        metadata.set("annotations", Node::mapping(Vec::new()));
    }
    if let Some(annotations) = metadata.get_mut("annotations") {
        for note in notes.into_iter().flatten() {
            annotations.set(note, Node::text("-"));
        }
    }
}

/// Whether the notes were there still: of names, of the origin, and of transformations.
fn hide(object: &mut Node) -> [bool; 3] {
    let Some(metadata) = object.get_mut("metadata") else { return [false; 3] };
    let Some(annotations) = metadata.get_mut("annotations") else { return [false; 3] };
    let found = [NOTE, ORIGIN, TRANSFORMATIONS].map(|note| annotations.remove(note).is_some());
    if matches!(&annotations.content, Content::Mapping(fields) if fields.is_empty()) {
        metadata.remove("annotations");
    }
    found
}
