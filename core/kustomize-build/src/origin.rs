//! Where objects came from and what changed them, for builds whose `buildMetadata` asks for it.
//!
//! Rules: kustomize's api/resource/origin.go and api/resmap. Paths are relative to the directory that is built, as they are
//! written in the kustomizations on the way: `../base/a.yaml`.

use std::collections::BTreeMap;

use thalweg_yaml::kyaml::{self, Field, Node, Tag};
use thalweg_yaml::{Limits, read_first};

use crate::Error;
use crate::identity::{Gvk, Id};
use crate::kustomization::decode::{Strictness, decode, record};
use crate::kustomization::{List, Text};
use crate::resource::{Origin, Resource};
use crate::resource_map::ResourceMap;

const ORIGIN: &str = "config.kubernetes.io/origin";
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// What the `buildMetadata` of the top asks for; words that kustomize does not know are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildMetadata {
    /// Whether origins are kept at all: any word does that.
    pub(crate) tracks: bool,
    pub(crate) origins: bool,
    pub(crate) transformations: bool,
    pub(crate) managed_by: bool,
}

impl BuildMetadata {
    pub(crate) fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut asked = Self::default();
        for word in words {
            asked.tracks = true;
            match word {
                "originAnnotations" => asked.origins = true,
                "transformerAnnotations" => asked.transformations = true,
                "managedByLabel" => asked.managed_by = true,
                _ => {}
            }
        }
        asked
    }
}

/// A path below another, without `.`, `..` and repeated slashes where they can go.
pub(crate) fn join(directory: &str, path: &str) -> String {
    let whole = if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") };
    let is_absolute = whole.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() && !whole.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

impl Origin {
    /// Of an object that a file holds.
    pub(crate) fn of_file(path: String) -> Self {
        Self { path, ..Self::default() }
    }

    /// Of what a field of a kustomization generates or changes.
    pub(crate) fn of_builtin(kustomization: String, kind: &str) -> Self {
        let gvk = Gvk { group: "".into(), version: "builtin".into(), kind: kind.into() };
        let configured_by = Some(Id { gvk, ..Id::default() });
        Self { configured_in: kustomization, configured_by, ..Self::default() }
    }

    /// Of what the configuration of a generator or transformer generates or changes.
    pub(crate) fn of_plugin(plugin: &Resource) -> Option<Self> {
        let origin = plugin.origin.as_ref()?;
        let configured_by = Some(plugin.id().owned());
        Some(Self { configured_in: origin.path.clone(), configured_by, ..Self::default() })
    }

    fn of_brought(brought: Brought) -> Self {
        let configured_by = brought.configured_by.map(|by| Id {
            gvk: Gvk::new(&by.api_version, &by.kind).owned(),
            namespace: by.namespace.as_str().into(),
            name: by.name.as_str().into(),
            ..Id::default()
        });
        Self {
            path: brought.path.value,
            repository: brought.repository.value,
            reference: brought.reference.value,
            configured_in: brought.configured_in.value,
            configured_by: configured_by.filter(|by| *by != Id::default()),
        }
    }

    fn to_node(&self) -> Node {
        let mut fields = Vec::new();
        add(&mut fields, "path", &self.path);
        add(&mut fields, "repo", &self.repository);
        add(&mut fields, "ref", &self.reference);
        add(&mut fields, "configuredIn", &self.configured_in);
        if let Some(Id { gvk, namespace, name, .. }) = &self.configured_by {
            let mut by = Vec::new();
            add(&mut by, "apiVersion", &gvk.api_version());
            add(&mut by, "kind", &gvk.kind);
            add(&mut by, "name", name);
            add(&mut by, "namespace", namespace);
            fields.push(Field { key: Node::scalar("configuredBy", Tag::Str), value: Node::mapping(by) });
        }
        Node::mapping(fields)
    }
}

fn add(fields: &mut Vec<Field>, key: &str, value: &str) {
    if !value.is_empty() {
        fields.push(Field { key: Node::scalar(key, Tag::Str), value: Node::text(value) });
    }
}

/// Notes a transformer in all objects, whether it changed them or not. What has no origin was made by the transformer. Their
/// annotations become texts, as they do where kustomize writes the note among them.
///
/// # Errors
///
/// When an object brings notes of transformations that cannot be read.
pub(crate) fn note_transformation(resources: &mut ResourceMap, transformer: &Origin) -> Result<(), Error> {
    for position in resources.positions().collect::<Vec<_>>() {
        let Some(resource) = resources.content_mut(position) else { continue };
        if let Some(annotations) = resource.object.at_mut(&["metadata", "annotations"]) {
            write_as_texts(annotations);
        }
        match resource.origin {
            None => resource.origin = Some(transformer.clone()),
            Some(_) => {
                if resource.transformations.is_empty() {
                    resource.transformations = take_transformations(resource)?;
                }
                resource.transformations.push(transformer.clone());
            }
        }
    }
    Ok(())
}

record! {
    /// A transformation in the annotation that an object brings.
    Brought {
        path: Text = "path",
        repository: Text = "repo",
        reference: Text = "ref",
        configured_in: Text = "configuredIn",
        configured_by: Option<BroughtBy> = "configuredBy",
    }
}

record! {
    /// What made it.
    BroughtBy {
        api_version: Text = "apiVersion",
        kind: Text = "kind",
        name: Text = "name",
        namespace: Text = "namespace",
    }
}

/// Takes the transformations away that an annotation of the object lists: those of an earlier build.
fn take_transformations(resource: &mut Resource) -> Result<Vec<Origin>, Error> {
    let annotations = resource.object.at_mut(&["metadata", "annotations"]);
    let Some(text) = annotations.and_then(|annotations| annotations.remove(TRANSFORMATIONS)) else {
        return Ok(Vec::new());
    };
    let file = format!("annotation {TRANSFORMATIONS} of {} at {}", resource.id(), resource.place);
    let text = text.as_str().unwrap_or_default();
    let Some(document) = read_first(&file, text.as_bytes(), &Limits::default())? else { return Ok(Vec::new()) };
    let brought: List<Brought> = decode(&file, &document.root, Strictness::Loose)?;
    Ok(brought.items.into_iter().map(|brought| Origin::of_brought(brought.value)).collect())
}

/// Writes the annotations that are asked for, and takes away what objects brought under their keys, but for transformations
/// where they are asked for and there were none.
pub(crate) fn annotate(resource: &mut Resource, asked: BuildMetadata) {
    let origin = resource.origin.as_ref().filter(|_| asked.origins).map(Origin::to_node);
    let list = (asked.transformations && !resource.transformations.is_empty())
        .then(|| Node::sequence(resource.transformations.iter().map(Origin::to_node).collect()));
    let Some(metadata) = resource.object.get_mut("metadata") else { return };
    if let Some(annotations) = metadata.get_mut("annotations") {
        annotations.remove(ORIGIN);
        if !asked.transformations || list.is_some() {
            annotations.remove(TRANSFORMATIONS);
        }
    }
    if origin.is_none() && list.is_none() {
        return;
    }
    if metadata.get("annotations").is_none_or(Node::is_null) {
        metadata.set("annotations", Node::mapping(Vec::new()));
    }
    if let Some(annotations) = metadata.get_mut("annotations") {
        for (key, node) in [(ORIGIN, origin), (TRANSFORMATIONS, list)] {
            if let Some(node) = node {
                annotations.set(key, Node::text(kyaml::write(&node)));
            }
        }
    }
}

/// Makes the values of a mapping texts, in the order of the keys.
fn write_as_texts(entries: &mut Node) {
    let texts: BTreeMap<&str, &str> = entries
        .fields()
        .iter()
        .filter_map(|field| Some((field.key.as_str()?, field.value.as_str().unwrap_or_default())))
        .collect();
    let fields = texts.iter().map(|(key, value)| Field { key: Node::text(*key), value: Node::text(*value) }).collect();
    *entries = Node::mapping(fields);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_joins_them() {
        for (directory, path, joined) in [
            ("", "a.yaml", "a.yaml"),
            ("", "./a.yaml", "a.yaml"),
            ("../base", "a.yaml", "../base/a.yaml"),
            ("../base", "../other/x/../a.yaml", "../other/a.yaml"),
            ("..", "../a", "../../a"),
            ("a", "..", "."),
            ("", "/a//b/../c", "/a/c"),
            ("", "", ""),
        ] {
            assert_eq!(join(directory, path), joined, "{path} below {directory}");
        }
    }
}
