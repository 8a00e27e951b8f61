//! Vars: `$(NAME)` in certain fields becomes the value of a field of an object.
//!
//! Rules: kustomize's api/types/var.go, api/internal/accumulator/resaccumulator.go and api/filters/refvar. Every layer
//! gathers its own and those of its bases; they are resolved at the top, after references.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag};

use crate::field_spec::{FieldError, FieldSpec};
use crate::identity::{Gvk, Id};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::steps::Steps;
use crate::{Error, Place};

mod expand;
mod lookup;
mod value;

pub(crate) use value::VarValue;

/// A var: its name, and where its value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Group, version, kind and name must be those of the object; an empty namespace matches any.
    pub(crate) object: Id,
    /// As in `spec.ports[0].port`; `metadata.name` where it is left out.
    pub(crate) field_path: String,
    pub(crate) place: Place,
}

/// Vars by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    by_name: BTreeMap<String, Variable>,
}

impl Variables {
    pub(crate) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Adds the vars of a layer, and notes in its objects which vars take their value from them.
    ///
    /// # Errors
    ///
    /// When a name is taken, or an object is one of several.
    pub(crate) fn add(&mut self, variables: Vec<Variable>, resources: &mut ResourceMap) -> Result<(), Error> {
        for variable in &variables {
            let matching: Vec<usize> = resources
                .positions()
                .filter(|position| resources.get(*position).is_some_and(|resource| variable.is_of(resource)))
                .collect();
            match matching.as_slice() {
                [] => {}
                [position] => {
                    if let Some(resource) = resources.content_mut(*position) {
                        resource.variables.push(variable.name.as_str().into());
                    }
                }
                _ => {
                    let Variable { name, object, place, .. } = variable.clone();
                    return Err(Error::AmbiguousVar { place, name, object: object.to_string() });
                }
            }
        }
        variables.into_iter().try_for_each(|variable| self.insert(variable))
    }

    /// Adds the vars of a base.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        other.by_name.into_values().try_for_each(|variable| self.insert(variable))
    }

    fn insert(&mut self, mut variable: Variable) -> Result<(), Error> {
        if variable.field_path.is_empty() {
            "metadata.name".clone_into(&mut variable.field_path);
        }
        if let Some(first) = self.by_name.get(&variable.name) {
            let (place, first) = (variable.place, first.place.clone());
            return Err(Error::DuplicateVar { place, name: variable.name, first });
        }
        self.by_name.insert(variable.name.clone(), variable);
        Ok(())
    }

    /// Puts the values of all vars where `fields` say that vars may stand.
    ///
    /// # Errors
    ///
    /// When the object or field of a var is not there, or a field cannot hold vars.
    pub(crate) fn resolve(&self, resources: &mut ResourceMap, fields: &[FieldSpec]) -> Result<(), Error> {
        if self.by_name.is_empty() {
            return Ok(());
        }
        let values = self.values(resources)?;
        let mut steps_of: HashMap<Gvk, Steps<()>> = HashMap::new();
        for position in resources.positions().collect::<Vec<_>>() {
            let Some(resource) = resources.content_mut(position) else { continue };
            let steps = steps_of.entry(resource.id().gvk.owned()).or_insert_with_key(|kind| {
                let mut steps = Steps::default();
                fields.iter().filter(|spec| spec.selects(kind.borrowed())).for_each(|spec| steps.add(&spec.path, ()));
                steps
            });
            let mut linked = Vec::new();
            let mut set = |node: &mut Node, _: &()| set(node, &values, &mut linked);
            let result = steps.visit(&mut resource.object, &mut set);
            result.map_err(|problem| problem.in_object(resource))?;
            linked.into_iter().for_each(|(link, value)| resource.object.set_linked(link, &value));
        }
        Ok(())
    }

    fn values(&self, resources: &ResourceMap) -> Result<HashMap<&str, VarValue>, Error> {
        let mut sources: HashMap<&str, &Resource> = HashMap::new();
        for resource in resources.iter() {
            for name in &resource.variables {
                sources.entry(name.as_str()).or_insert(resource);
            }
        }
        let value = |variable: &Variable| {
            let Variable { name, object, field_path, place } = variable.clone();
            let Some(source) = sources.get(name.as_str()) else {
                return Err(Error::VarWithoutObject { place, name, object: object.to_string() });
            };
            match lookup::field(&source.object, &field_path).and_then(VarValue::of) {
                Some(value) => Ok(value),
                None => Err(Error::VarWithoutField { place, name, object: object.to_string(), field_path }),
            }
        };
        self.by_name.iter().map(|(name, variable)| Ok((name.as_str(), value(variable)?))).collect()
    }
}

impl Variable {
    /// Whether it takes its value from this object, by any name that this has or had.
    fn is_of(&self, resource: &Resource) -> bool {
        let wanted = &self.object;
        let is_it = |id: Id<&str>| {
            id.name == wanted.name
                && id.gvk == wanted.gvk.borrowed()
                && (wanted.namespace.is_empty() || id.effective_namespace() == wanted.namespace)
        };
        resource.ids().any(is_it)
    }
}

/// Why a field cannot hold vars.
#[derive(Clone, Debug)]
enum Problem {
    Path(FieldError),
    Key(String),
    Item,
}

impl From<FieldError> for Problem {
    fn from(reason: FieldError) -> Self {
        Self::Path(reason)
    }
}

impl Problem {
    fn in_object(self, resource: &Resource) -> Error {
        let (place, object) = (resource.place.clone(), resource.id().to_string());
        let problem = match self {
            Self::Path(reason) => return Error::VarPath { place, object, reason },
            Self::Key(key) => format!("a key of a mapping that may hold vars must be a text, found {key}"),
            Self::Item => "an item of a list that may hold vars must be a text".to_owned(),
        };
        Error::VarField { place, object, problem }
    }
}

/// What nodes became that stand in several places: the other places are owed the same.
type Linked = Vec<(NonZeroU32, Node)>;

fn set(node: &mut Node, values: &HashMap<&str, VarValue>, linked: &mut Linked) -> Result<(), Problem> {
    if node.is_null() {
        return Ok(());
    }
    if is_text(node) {
        replace(node, values, linked);
        return Ok(());
    }
    match &mut node.content {
        Content::Scalar(_) => Ok(()),
        Content::Mapping(fields) => fields.iter_mut().try_for_each(|Field { key, value }| {
            if !is_text(key) {
                return Err(Problem::Key(key.as_str().unwrap_or_default().to_owned()));
            }
            if is_text(value) {
                replace(value, values, linked);
            }
            Ok(())
        }),
        Content::Sequence(items) => items.iter_mut().try_for_each(|item| {
            if !is_text(item) {
                return Err(Problem::Item);
            }
            replace(item, values, linked);
            Ok(())
        }),
    }
}

fn is_text(node: &Node) -> bool {
    matches!(node.content, Content::Scalar(_)) && matches!(node.tag, Tag::Str | Tag::Unset)
}

/// Every text that may hold vars loses its style, whether it holds any or not.
fn replace(node: &mut Node, values: &HashMap<&str, VarValue>, linked: &mut Linked) {
    let Some(text) = node.as_str() else { return };
    let (text, tag) = expand::expand(text, values).written();
    node.content = Content::Scalar(text.into());
    node.tag = tag;
    node.tagged = false;
    node.style = Style::Plain;
    linked.extend(node.link().map(|link| (link, node.clone())));
}
