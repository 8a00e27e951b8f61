//! Generators that stand in files of their own, as objects of apiVersion `builtin`.

use thalweg_yaml::kyaml::Node;

use super::service_account::{PolicyArguments, service_account};
use super::{config_map, secret};
use crate::kustomization::decode::record;
use crate::kustomization::{Embedding, GeneratorArguments, Metadata, SecretArguments, Text, arguments};
use crate::load::Loader;
use crate::resource::Resource;
use crate::{Error, Place};

/// A generator that was read from its file, ready to generate.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    kind: Kind,
    place: Place,
}

#[derive(Clone, Debug)]
enum Kind {
    ConfigMap(GeneratorArguments),
    Secret(SecretArguments),
    Policy(PolicyArguments),
}

record! {
    /// What every object has.
    Named {
        metadata: Metadata = "metadata",
    }
}

impl Configured {
    /// The generator that an object configures; none when its kind is none that generates.
    pub(crate) fn of(object: &Resource) -> Result<Option<Self>, Error> {
        let Resource { object, place, .. } = object;
        let embedding = Embedding::Embedded;
        let kind = match object.get("kind").and_then(Node::as_str) {
            Some("ConfigMapGenerator") => {
                let mut entry: GeneratorArguments = arguments(object, embedding, place)?;
                name(object, &mut entry.name, &mut entry.namespace, place)?;
                Kind::ConfigMap(entry)
            }
            Some("SecretGenerator") => {
                let mut entry: SecretArguments = arguments(object, embedding, place)?;
                name(object, &mut entry.name, &mut entry.namespace, place)?;
                Kind::Secret(entry)
            }
            Some("IAMPolicyGenerator") => Kind::Policy(arguments(object, embedding, place)?),
            _ => return Ok(None),
        };
        Ok(Some(Self { kind, place: place.clone() }))
    }

    /// Generates. What it loads is relative to the kustomization that names its file.
    pub(crate) fn generate(&self, loader: &Loader<'_>) -> Result<Resource, Error> {
        match &self.kind {
            Kind::ConfigMap(arguments) => config_map(arguments, None, loader, &self.place),
            Kind::Secret(arguments) => secret(arguments, None, loader, &self.place),
            Kind::Policy(arguments) => service_account(arguments, loader, &self.place),
        }
    }
}

/// What the arguments do not name is called what the object is.
fn name(object: &Node, name: &mut Text, namespace: &mut Text, place: &Place) -> Result<(), Error> {
    let Named { metadata } = arguments(object, Embedding::Direct, place)?;
    if name.is_empty() {
        *name = metadata.name;
    }
    if namespace.is_empty() {
        *namespace = metadata.namespace;
    }
    Ok(())
}
