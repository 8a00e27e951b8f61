//! Name references: what names an object that was renamed gets its new name.
//!
//! Rules: kustomize's api/internal/accumulator/namereferencetransformer.go and api/filters/nameref. They run once, at the
//! top, over everything that was built.

use std::collections::HashMap;
use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Content, Node, Tag, Text};

use crate::configuration::NameReference;
use crate::field_spec::FieldError;
use crate::identity::Gvk;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::{Error, steps::Steps};

mod candidates;
mod referrer;

use candidates::{Candidate, Candidates, Wanted};
use referrer::Referrer;

/// One name in one kind of object.
#[derive(Clone, Copy, Debug)]
struct Use<'r> {
    target: &'r Gvk,
    path: &'r str,
}

/// Gives every reference the name, and mappings the namespace, that its object has now.
///
/// # Errors
///
/// When a reference may mean several objects whose names differ, or a field is not what its path takes it for.
pub(crate) fn fix(resources: &mut ResourceMap, references: &[NameReference]) -> Result<(), Error> {
    let candidates = Candidates::of(resources);
    let mut steps_of: HashMap<Gvk, Steps<Use<'_>>> = HashMap::new();
    for position in resources.positions().collect::<Vec<_>>() {
        let Some(resource) = resources.content_mut(position) else { continue };
        let kind = resource.original_id().gvk.owned();
        let steps = steps_of.entry(kind).or_insert_with_key(|kind| steps_for(kind, references));
        if !steps.is_empty() {
            fix_one(resource, steps, &candidates)?;
        }
    }
    Ok(())
}

fn steps_for<'r>(kind: &Gvk, references: &'r [NameReference]) -> Steps<Use<'r>> {
    let mut steps = Steps::default();
    for NameReference { referred, field_specs } in references {
        for spec in field_specs.iter().filter(|spec| spec.selects(kind.borrowed())) {
            steps.add(&spec.path, Use { target: referred, path: &spec.path });
        }
    }
    steps
}

fn fix_one(resource: &mut Resource, steps: &Steps<Use<'_>>, candidates: &Candidates) -> Result<(), Error> {
    let (referrer, object) = Referrer::of(resource)?;
    if let Some(api_version) = unlike_its_kind(object) {
        let (api_version, referrer) = (api_version.to_owned(), resource.id().to_string());
        return Err(Error::ReferrerApiVersion { place: resource.place.clone(), referrer, api_version });
    }
    let mut fields = Fields { referrer, candidates, linked: Vec::new() };
    let result = steps.visit(object, &mut |node: &mut Node, usage: &Use<'_>| fields.set(node, usage));
    for (link, value) in fields.linked {
        object.set_linked(link, &value);
    }
    result.map_err(|problem: Problem| problem.in_object(resource))
}

/// The `apiVersion` of an object whose group and version say another: a null is taken for its text, and an empty group goes.
fn unlike_its_kind(object: &Node) -> Option<&str> {
    let api_version = object.get("apiVersion")?;
    let text = api_version.as_str()?;
    let said = if api_version.is_null() { "" } else { text };
    (said != Gvk::new(text, "").api_version()).then_some(text)
}

/// Why a field that should name an object cannot.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// The path leads nowhere.
    Path(FieldError),
    /// A mapping that should have a name has none.
    NoName { path: String },
    /// It is neither a text nor a mapping.
    NotANode { path: String },
    /// Several objects have had the name.
    Ambiguous { path: String, name: String, candidates: Vec<String> },
}

impl Problem {
    fn in_object(self, resource: &Resource) -> Error {
        let (place, referrer) = (resource.place.clone(), resource.id().to_string());
        match self {
            Self::Path(reason) => Error::ReferencePath { place, referrer, reason },
            Self::NoName { path } => Error::ReferenceWithoutName { place, referrer, path },
            Self::NotANode { path } => Error::ReferenceNotAText { place, referrer, path },
            Self::Ambiguous { path, name, candidates } => {
                Error::AmbiguousReference { place, referrer, path, name, candidates }
            }
        }
    }
}

impl From<FieldError> for Problem {
    fn from(reason: FieldError) -> Self {
        Self::Path(reason)
    }
}

/// The fields of one object that name others.
struct Fields<'r> {
    referrer: Referrer<'r>,
    candidates: &'r Candidates,
    /// What nodes became that stand in several places: the other places are owed the same.
    linked: Vec<(NonZeroU32, Node)>,
}

impl<'r> Fields<'r> {
    fn set(&mut self, node: &mut Node, usage: &Use<'_>) -> Result<(), Problem> {
        if node.is_null() {
            return Ok(());
        }
        match &mut node.content {
            Content::Scalar(_) => self.set_scalar(node, usage),
            Content::Mapping(_) => self.set_mapping(node, usage),
            Content::Sequence(items) => {
                items.iter_mut().filter(|item| !item.is_null()).try_for_each(|item| match &item.content {
                    Content::Scalar(_) => self.set_scalar(item, usage),
                    Content::Mapping(_) => self.set_mapping(item, usage),
                    Content::Sequence(_) => Err(Problem::NotANode { path: usage.path.to_owned() }),
                })
            }
        }
    }

    fn set_scalar(&mut self, node: &mut Node, usage: &Use<'_>) -> Result<(), Problem> {
        let Some(name) = node.as_str() else { return Ok(()) };
        let wanted = Wanted { target: usage.target, path: usage.path, name, namespace: None, is_mapping: false };
        if let Some(found) = self.select(&wanted)?
            && found.id.name != name
        {
            self.rename(node, &found.id.name);
        }
        Ok(())
    }

    fn set_mapping(&mut self, node: &mut Node, usage: &Use<'_>) -> Result<(), Problem> {
        let text = |key: &str| node.get(key).map(|value| value.as_str().unwrap_or_default());
        let Some(name) = text("name") else { return Err(Problem::NoName { path: usage.path.to_owned() }) };
        let namespace = text("namespace");
        let wanted = Wanted { target: usage.target, path: usage.path, name, namespace, is_mapping: true };
        let Some(found) = self.select(&wanted)? else { return Ok(()) };
        if found.id.name == name && found.id.namespace.is_empty() {
            return Ok(());
        }
        if let Some(node) = node.get_mut("name") {
            self.rename(node, &found.id.name);
        }
        if found.id.namespace.is_empty() {
            return Ok(());
        }
        match node.get_mut("namespace") {
            Some(node) => self.rename(node, &found.id.namespace),
            None => node.set("namespace", Node::text(found.id.namespace.clone())),
        }
        Ok(())
    }

    fn select(&self, wanted: &Wanted<'_>) -> Result<Option<&'r Candidate>, Problem> {
        self.candidates.select(wanted, &self.referrer).map_err(|several| Problem::Ambiguous {
            path: wanted.path.to_owned(),
            name: wanted.name.to_owned(),
            candidates: several.into_iter().map(|candidate| candidate.id.to_string()).collect(),
        })
    }

    /// Puts another text in place: the style stays, the type is that of the text.
    fn rename(&mut self, node: &mut Node, text: &Text) {
        let mut renamed = Node::scalar(text.clone(), Tag::Unset);
        renamed.style = node.style;
        renamed.position = node.position;
        if let Some(link) = node.replace(renamed) {
            self.linked.push((link, node.clone()));
        }
    }
}
