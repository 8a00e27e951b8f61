//! A place in a schema, from which others are reached.

use thalweg_yaml::kyaml::Text;

use super::schemas::Schemas;
use super::shape::Shape;

/// References behind each other, at most: a definition that refers to itself is none.
const HOPS_MAX: usize = 64;

/// What a schema says of a place. Copied freely; mirrors kyaml's `openapi.ResourceSchema`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SchemaNode<'a> {
    schemas: &'a Schemas,
    shape: &'a Shape,
}

impl<'a> SchemaNode<'a> {
    pub(super) fn new(schemas: &'a Schemas, shape: &'a Shape) -> Self {
        Self { schemas, shape }
    }

    /// The field of this name; where fields of any name are alike, any.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        self.followed(self.shape.field(name)?)
    }

    /// What the elements of a list are.
    pub(crate) fn elements(self) -> Option<Self> {
        self.followed(self.shape.elements.as_deref()?)
    }

    /// What is reached by fields, and by elements where a step is `[]`.
    #[cfg(test)]
    pub(crate) fn lookup(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |node, step| if *step == "[]" { node.elements() } else { node.field(step) })
    }

    /// `x-kubernetes-patch-strategy`: words between commas; empty when it is not said.
    #[cfg(test)]
    pub(crate) fn patch_strategy(self) -> &'a str {
        &self.shape.strategy
    }

    /// The fields that tell elements apart, when there is a strategy: `x-kubernetes-list-map-keys`, or else the one
    /// `x-kubernetes-patch-merge-key`. None for a list of scalars that is merged.
    pub(crate) fn merge_keys(self) -> &'a [Text] {
        &self.shape.keys
    }

    /// Whether a patch merges the list that is here.
    pub(crate) fn is_associative_list(self) -> bool {
        self.shape.strategy.split(',').any(|word| word == "merge")
    }

    /// The fields that it knows by name, and `*` where others are alike.
    #[cfg(test)]
    pub(super) fn steps(self) -> Vec<&'a str> {
        let names = self.shape.properties.iter().map(|(name, _)| name.as_str());
        names.chain(self.shape.additional.is_some().then_some("*")).collect()
    }

    fn followed(self, shape: &'a Shape) -> Option<Self> {
        let mut shape = shape;
        for _ in 0..HOPS_MAX {
            match &shape.reference {
                None => return Some(Self { shape, ..self }),
                Some(reference) => shape = self.schemas.resolve(reference)?,
            }
        }
        None
    }
}
