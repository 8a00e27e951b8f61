//! `replicas`: how many pods a workload has.

use thalweg_yaml::kyaml::{Node, Tag};

use super::field_error;
use crate::field_spec::{Create, FieldSpec, Fields, set_scalar};
use crate::kustomization::Replica;
use crate::resource_map::ResourceMap;
use crate::{Error, Place};

const TRANSFORMER: &str = "replicas";

/// One entry of `replicas`.
#[derive(Clone, Debug)]
pub(crate) struct Replicas {
    place: Place,
    name: String,
    count: String,
    fields: Vec<Fields>,
    renames: bool,
}

impl Replicas {
    pub(crate) fn new(replica: &Replica, specs: &[FieldSpec], place: Place) -> Self {
        let fields = Fields::all(specs);
        let renames = fields.iter().any(Fields::touches_identity);
        Self { place, name: replica.name.value.clone(), count: replica.count.to_string(), fields, renames }
    }

    /// Sets the count in all objects that have the name, or had it once; none is an error.
    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        let named: Vec<usize> = resources
            .positions()
            .filter(|position| {
                resources.get(*position).is_some_and(|resource| {
                    resource.former.iter().any(|id| id.name == self.name)
                        || resource.object.at(&["metadata", "name"]).and_then(Node::as_str) == Some(self.name.as_str())
                })
            })
            .collect();
        let mut is_found = false;
        for fields in &self.fields {
            for position in &named {
                is_found |= self.set(fields, *position, resources)?;
            }
        }
        if is_found { Ok(()) } else { Err(self.nothing_found()) }
    }

    fn set(&self, fields: &Fields, position: usize, resources: &mut ResourceMap) -> Result<bool, Error> {
        let resource = if self.renames { resources.get_mut(position) } else { resources.content_mut(position) };
        let Some(resource) = resource else { return Ok(false) };
        if !resource.ids().any(|id| id.name == self.name && fields.spec.selects(id.gvk)) {
            return Ok(false);
        }
        fields
            .visit(&mut resource.object, Create::Scalar(Tag::Int), &mut |node| set_scalar(node, &self.count, Tag::Int))
            .map_err(|reason| field_error(TRANSFORMER, resource, &fields.spec.path, reason))?;
        Ok(true)
    }

    fn nothing_found(&self) -> Error {
        let kind = |fields: &Fields| match fields.spec.kind.as_str() {
            "" => "object".to_owned(),
            kind => kind.to_owned(),
        };
        let mut kinds: Vec<String> = Vec::new();
        for kind in self.fields.iter().map(kind) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        if kinds.is_empty() {
            kinds.push("object, for lack of fieldSpecs,".to_owned());
        }
        Error::NoReplicas { place: self.place.clone(), name: self.name.clone(), kinds }
    }
}
