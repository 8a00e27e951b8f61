//! What a kustomization does to all of its objects: one struct a transformer, made once, applied to every object.
//!
//! In: the objects so far. Out: the same objects, changed in place. Each is made from the fields of a kustomization, or from a
//! file of its own (`transformers`), which then says all that kustomize's defaults would.

mod affix;
mod configuration;
mod entries;
mod image_name;
mod images;
mod labels;
mod lookup;
mod namespace;
mod replacement;
mod replicas;
mod selector;
mod value_add;

pub(crate) use affix::Affix;
pub(crate) use configuration::{Config, Transformer, from_config};
pub(crate) use entries::Entries;
pub(crate) use images::Images;
pub(crate) use labels::LabelTables;
pub use lookup::PathError;
pub(crate) use namespace::{Namespace, Subjects};
pub use replacement::ReplacementError;
pub(crate) use replacement::Replacements;
pub(crate) use replicas::Replicas;
pub(crate) use selector::Selector;
pub(crate) use value_add::ValueAdd;

use thalweg_yaml::kyaml::Node;

use crate::Error;
use crate::field_spec::FieldError;
use crate::resource::Resource;

/// An error in a field of an object.
fn field_error(transformer: &'static str, resource: &Resource, path: &str, reason: FieldError) -> Error {
    Error::Field {
        place: resource.place.clone(),
        transformer,
        object: resource.id().to_string(),
        path: path.to_owned(),
        reason,
    }
}

/// The names and kinds that an object has and had: most selectors can be refused by these alone.
fn names_and_kinds(resource: &Resource) -> impl Iterator<Item = (&str, &str)> {
    let current = current_name_and_kind(&resource.object);
    let former = resource.former.iter().map(|id| (id.name.as_str(), id.gvk.kind.as_str()));
    std::iter::once(current).chain(former)
}

fn current_name_and_kind(object: &Node) -> (&str, &str) {
    let text = |path: &[&str]| object.at(path).and_then(Node::as_str).unwrap_or_default();
    (text(&["metadata", "name"]), text(&["kind"]))
}
