//! Patches of a kustomization: `patches`, `patchesStrategicMerge` and `patchesJson6902`.
//!
//! A patch is read once, when its layer is prepared, and then applied to the objects that it names or selects (rules K26 to K31
//! of the specification; kustomize's transformers PatchTransformer, PatchStrategicMergeTransformer and
//! PatchJson6902Transformer).

mod json;
mod json_patch;
mod json_text;
mod problem;
mod selector;
mod strategic;

#[cfg(test)]
mod differential_tests;
#[cfg(test)]
mod recorded_tests;

use thalweg_yaml::Position;

use crate::identity::Id;
use crate::kustomization::{self, Placed};
use crate::layer::Transformer;
use crate::load::{self, Loader};
use crate::merge::Merged;
use crate::resource::{Notes, Resource};
use crate::resource_map::ResourceMap;
use crate::schema::Schemas;
use crate::{Error, Place};

pub use json_patch::JsonPatchError;
pub use problem::PatchProblem;
pub(crate) use selector::Selector;

use json_patch::{JsonPatch, Refused};
use strategic::{Allowed, StrategicPatch, remember, rewrite};

/// An entry of `patches`, or a PatchTransformer.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    place: Place,
    target: Option<Selector>,
    content: Content,
}

/// The entries of `patchesStrategicMerge`, or a PatchStrategicMergeTransformer.
#[derive(Clone, Debug)]
pub(crate) struct StrategicMerge {
    patches: Vec<(Place, StrategicPatch)>,
}

/// An entry of `patchesJson6902`, or a PatchJson6902Transformer.
#[derive(Clone, Debug)]
pub(crate) struct Json6902 {
    place: Place,
    target: Selector,
    patch: JsonPatch,
}

#[derive(Clone, Debug)]
enum Content {
    /// Nothing, or comments.
    Nothing,
    Named(Vec<StrategicPatch>),
    Selecting(Box<StrategicPatch>),
    /// More than one, which with a target is an error when they would be applied.
    TooMany {
        content: String,
        count: usize,
    },
    Json(JsonPatch),
}

/// The text of a patch, and what it is called in messages.
struct Source<'t> {
    text: &'t [u8],
    file: String,
}

impl Patch {
    /// Reads an entry of `patches`. `place` is where it stands.
    pub(crate) fn prepare(entry: &kustomization::Patch, place: &Place, loader: &Loader<'_>) -> Result<Self, Error> {
        let source = Source::of(entry.patch.trim(), entry.path.as_str(), "patch", place, loader)?;
        let allows = entry.options.as_ref().map_or(Allowed::default(), |options| Allowed {
            name: options.allow_name_change,
            kind: options.allow_kind_change,
        });
        let target = entry.target.as_ref().map(|target| Selector::new(target));
        let strategic = load::objects(&source.file, source.text, loader.limits());
        let content = match (strategic, &target) {
            (Ok(patches), Some(_)) if patches.len() > 1 => {
                Content::TooMany { content: source.file.clone(), count: patches.len() }
            }
            (Ok(patches), target) => Content::of(patches, target.is_some(), allows),
            (Err(strategic), _) => match JsonPatch::parse(&source.file, source.text, loader.limits()) {
                Ok(patch) => Content::Json(patch),
                Err(json) => {
                    let strategic = reason(&strategic);
                    let problem = PatchProblem::Unparsable { content: source.file.clone(), strategic, json };
                    return Err(Error::Patch { place: place.clone(), problem });
                }
            },
        };
        Ok(Self { place: place.clone(), target, content })
    }

    fn apply_json(&self, patch: &JsonPatch, resources: &mut ResourceMap) -> Result<(), PatchProblem> {
        let target = self.target.as_ref().ok_or(PatchProblem::NoTarget)?;
        for position in target.select(resources)? {
            let Some(resource) = resources.get_mut(position) else { continue };
            remember(resource);
            apply_json(patch, resource)?;
        }
        Ok(())
    }
}

impl Content {
    fn of(patches: Vec<Resource>, has_target: bool, allows: Allowed) -> Self {
        let mut patches = patches.into_iter().map(|patch| patch.object);
        match (patches.next(), has_target) {
            (None, _) => Self::Nothing,
            (Some(patch), true) => Self::Selecting(Box::new(StrategicPatch::selecting(patch, allows))),
            (Some(first), false) => {
                let patches = std::iter::once(first).chain(patches);
                Self::Named(patches.map(|patch| StrategicPatch::named(patch, allows)).collect())
            }
        }
    }
}

impl Transformer for Patch {
    fn apply(&self, resources: &mut ResourceMap, schemas: &Schemas) -> Result<(), Error> {
        let here = |problem| Error::Patch { place: self.place.clone(), problem };
        match (&self.content, &self.target) {
            (Content::Nothing, _) => Ok(()),
            (Content::TooMany { content, count }, _) => {
                Err(here(PatchProblem::SeveralForTarget { content: content.clone(), count: *count }))
            }
            (Content::Json(patch), _) if patch.is_empty() => Ok(()),
            (Content::Json(patch), _) => self.apply_json(patch, resources).map_err(here),
            (Content::Selecting(patch), Some(target)) => {
                for position in target.select(resources).map_err(here)? {
                    apply_strategic(patch, position, resources, schemas).map_err(here)?;
                }
                resources.refuse_duplicates()
            }
            (Content::Selecting(_), None) => Ok(()),
            (Content::Named(patches), _) => patches.iter().try_for_each(|patch| {
                let position = find(patch.id(schemas.scopes()), resources).map_err(here)?;
                apply_strategic(patch, position, resources, schemas).map_err(here)
            }),
        }
    }
}

impl StrategicMerge {
    /// Reads the entries of `patchesStrategicMerge`, each a patch or the path of a file with patches, and behind them
    /// `patches`: a text with more, which only a transformer's file can have. `place` is where the first of them stands.
    pub(crate) fn prepare(
        entries: &[Placed<String>],
        patches: &str,
        place: &Place,
        loader: &Loader<'_>,
    ) -> Result<Self, Error> {
        let at = |problem| Error::Patch { place: place.clone(), problem };
        if entries.is_empty() && patches.is_empty() {
            return Err(at(PatchProblem::NoContent { text: "patches" }));
        }
        let mut prepared = Vec::new();
        let mut add = |place: &Place, found: Vec<Resource>| {
            let patches = found.into_iter().map(|patch| StrategicPatch::selecting(patch.object, Allowed::default()));
            prepared.extend(patches.map(|patch| (place.clone(), patch)));
        };
        for entry in entries {
            let place = Place { file: place.file.clone(), position: entry.position };
            let name = inline("the entry", &place);
            let found = match load::objects(&name, entry.as_bytes(), loader.limits()) {
                Ok(found) => found,
                Err(_) => {
                    let (file, text) = loader.file(entry, &place)?;
                    load::objects(&file, text, loader.limits())?
                }
            };
            add(&place, found);
        }
        if !patches.is_empty() {
            add(place, load::objects(&inline("patches", place), patches.as_bytes(), loader.limits())?);
        }
        if prepared.is_empty() {
            return Err(at(PatchProblem::Empty));
        }
        Ok(Self { patches: prepared })
    }
}

impl Transformer for StrategicMerge {
    fn apply(&self, resources: &mut ResourceMap, schemas: &Schemas) -> Result<(), Error> {
        for (place, patch) in &self.patches {
            let here = |problem| Error::Patch { place: place.clone(), problem };
            let position = find(patch.id(schemas.scopes()), resources).map_err(here)?;
            apply_strategic(patch, position, resources, schemas).map_err(here)?;
            resources.refuse_duplicates()?;
        }
        Ok(())
    }
}

impl Json6902 {
    /// Reads an entry of `patchesJson6902`, whose text is in the field `patch`, or the file of a transformer, whose text is in
    /// `jsonOp`. `place` is where it stands.
    pub(crate) fn prepare(
        target: Option<&kustomization::Selector>,
        path: &str,
        text: (&'static str, &str),
        place: &Place,
        loader: &Loader<'_>,
    ) -> Result<Self, Error> {
        let at = |problem| Error::Patch { place: place.clone(), problem };
        let target = target.ok_or_else(|| at(PatchProblem::NoTarget))?;
        if target.name.is_empty() {
            return Err(at(PatchProblem::UnnamedTarget));
        }
        let (field, text) = text;
        let source = Source::of(text, path, field, place, loader)?;
        let patch = JsonPatch::parse(&source.file, source.text, loader.limits())
            .map_err(|reason| at(PatchProblem::NoJsonPatch { content: source.file.clone(), reason }))?;
        if patch.is_empty() {
            return Err(at(PatchProblem::Empty));
        }
        Ok(Self { place: place.clone(), target: Selector::new(target), patch })
    }
}

impl Transformer for Json6902 {
    fn apply(&self, resources: &mut ResourceMap, _schemas: &Schemas) -> Result<(), Error> {
        let here = |problem| Error::Patch { place: self.place.clone(), problem };
        for position in self.target.select(resources).map_err(here)? {
            let Some(resource) = resources.get_mut(position) else { continue };
            apply_json(&self.patch, resource).map_err(here)?;
        }
        Ok(())
    }
}

impl<'t> Source<'t> {
    /// What is in the text, or in the file at the path: exactly one of them must be given.
    fn of(text: &'t str, path: &str, field: &'static str, place: &Place, loader: &Loader<'t>) -> Result<Self, Error> {
        match (text, path) {
            ("", "") => Err(Error::Patch { place: place.clone(), problem: PatchProblem::NoContent { text: field } }),
            (text, "") => Ok(Self { text: text.as_bytes(), file: inline(field, place) }),
            ("", path) => loader.file(path, place).map(|(file, text)| Self { text, file }),
            _ => Err(Error::Patch { place: place.clone(), problem: PatchProblem::TwoContents { text: field } }),
        }
    }
}

/// What a text in a kustomization is called, in which lines are counted anew.
fn inline(field: &str, place: &Place) -> String {
    format!("{field} at line {} of {}", place.position.line, place.file)
}

/// The one object that has or had an id.
fn find(id: Id<&str>, resources: &mut ResourceMap) -> Result<usize, PatchProblem> {
    match resources.matching_any(id).as_slice() {
        [position] => Ok(*position),
        [] => Err(PatchProblem::NoMatch { id: id.to_string(), nearest: nearest(id, resources) }),
        [first, second, ..] => {
            let place = |position: &usize| resources.get(*position).map_or_else(nowhere, |found| found.place.clone());
            Err(PatchProblem::SeveralMatches { id: id.to_string(), first: place(first), second: place(second) })
        }
    }
}

fn nowhere() -> Place {
    Place { file: String::new(), position: Position { line: 0, column: 0 } }
}

/// An object of the same name, of the same kind if there is one.
fn nearest(id: Id<&str>, resources: &ResourceMap) -> Option<String> {
    let ids = || resources.iter().map(Resource::id);
    let same_kind = ids().find(|other| other.name == id.name && other.gvk.kind == id.gvk.kind);
    same_kind.or_else(|| ids().find(|other| other.name == id.name)).map(|other| other.to_string())
}

fn apply_strategic(
    patch: &StrategicPatch,
    position: usize,
    resources: &mut ResourceMap,
    schemas: &Schemas,
) -> Result<(), PatchProblem> {
    let found = if patch.renames() { resources.get_mut(position) } else { resources.content_mut(position) };
    let Some(resource) = found else { return Ok(()) };
    if patch.apply(resource, schemas)? == Merged::Deleted {
        resources.remove(position);
    }
    Ok(())
}

/// Applies a JSON patch, after which annotations are texts in the order of their keys.
fn apply_json(patch: &JsonPatch, resource: &mut Resource) -> Result<(), PatchProblem> {
    let refused = resource.change_openly(Notes::Restored, |object| {
        patch.apply(object)?;
        rewrite(object, "annotations");
        Ok(())
    });
    refused.map_err(|refused| {
        let (object, place) = (resource.id().to_string(), resource.place.clone());
        match refused {
            Refused::Object(reason) => PatchProblem::ObjectNotJson { object, place, reason: reason.to_string() },
            Refused::Patch(reason) => PatchProblem::DoesNotApply { object, place, reason },
        }
    })
}

/// An error with its causes, in one line.
fn reason(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
