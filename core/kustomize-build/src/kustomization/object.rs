//! The object of a generator's or transformer's file as its arguments: read loosely, as sigs.k8s.io/yaml unmarshals it.

use thalweg_yaml::kyaml::{self, Node};

use super::decode::{Decode, Embedding, decode_loosely};
use crate::{Error, Place};

/// Decodes the object's fields into `T`; unknown ones are dropped. `embedding` says whether the arguments are embedded in
/// kustomize's plugin, as those of all generators are: numbers do not become texts there.
pub(crate) fn arguments<T: Decode>(object: &Node, embedding: Embedding, place: &Place) -> Result<T, Error> {
    let value =
        kyaml::to_value(object).map_err(|error| Error::NotJson { place: place.clone(), problem: error.to_string() })?;
    let root = thalweg_yaml::Node { position: place.position, value };
    decode_loosely(&place.file, &root, embedding)
}
