//! What a kustomization changes: its fields in their order, then what files say, then validators.

use std::borrow::{Borrow, Cow};

use super::{Gathered, Layer};
use crate::Error;
use crate::identity::Id;
use crate::kustomization::List;
use crate::load;
use crate::origin::note_transformation;
use crate::plugin;
use crate::resource::{Origin, Resource};
use crate::resource_map::ResourceMap;
use crate::schema::Schemas;
use thalweg_yaml::kyaml::Node;

/// A label that a validator may leave.
const VALIDATED_BY: &str = "validated-by";

/// Something that changes objects, ready to do so.
pub(crate) trait Transformer {
    /// Changes them; what is patched to nothing is taken away.
    fn apply(&self, resources: &mut ResourceMap, schemas: &Schemas) -> Result<(), Error>;
}

/// A transformer, and how origins name it.
pub(super) struct Configured {
    pub(super) transformer: Box<dyn Transformer>,
    pub(super) origin: Option<Origin>,
}

impl Layer<'_, '_> {
    /// Prepares all transformers, then lets each change what is there.
    pub(super) fn transform(&self, gathered: &mut Gathered) -> Result<(), Error> {
        let mut transformers = self.field_transformers(&gathered.configuration)?;
        transformers.extend(self.plugin_transformers(&self.kustomization.fields.transformers)?);
        for Configured { transformer, origin } in transformers {
            transformer.apply(&mut gathered.resources, &self.context.schemas.borrow())?;
            if let Some(origin) = origin {
                note_transformation(&mut gathered.resources, &origin)?;
            }
        }
        Ok(())
    }

    /// Lets validators see what is there. One that changes anything fails.
    pub(super) fn validate(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        let validators = self.plugins(&self.kustomization.fields.validators)?;
        let prepared = validators.iter().map(|validator| plugin::transformer(validator, &self.loader));
        for (validator, transformer) in validators.iter().zip(prepared.collect::<Result<Vec<_>, _>>()?) {
            let before = snapshot(resources.iter());
            transformer.apply(resources, &self.context.schemas.borrow())?;
            if snapshot(resources.iter().map(without_validated_by)) != before {
                return Err(Error::ValidatorChanges { place: validator.place.clone() });
            }
        }
        Ok(())
    }

    fn plugin_transformers(&self, entries: &List<String>) -> Result<Vec<Configured>, Error> {
        let plugins = self.plugins(entries)?;
        let configured = plugins.iter().map(|plugin| {
            Ok(Configured {
                transformer: plugin::transformer(plugin, &self.loader)?,
                origin: Origin::of_plugin(plugin),
            })
        });
        configured.collect()
    }

    /// The configurations of generators or transformers: written into the kustomization, or in files and directories.
    pub(super) fn plugins(&self, entries: &List<String>) -> Result<Vec<Resource>, Error> {
        let mut found = Gathered::default();
        let mut paths = List::default();
        for entry in entries.iter() {
            match load::objects(&self.kustomization.file, entry.as_bytes(), self.loader.limits()) {
                Ok(objects) => {
                    let file = self.kustomization.file.rsplit('/').next().unwrap_or_default();
                    self.add_objects(&mut found.resources, objects, file)?;
                }
                Err(_) => paths.append(vec![entry.clone()]),
            }
        }
        self.add_resources(&mut found, &paths)?;
        Ok(found.resources.into_resources())
    }
}

/// What a validator may not change.
fn snapshot(resources: impl Iterator<Item = impl Borrow<Resource>>) -> Vec<(Node, Vec<Id>)> {
    resources.map(|resource| (resource.borrow().object.clone(), resource.borrow().former.clone())).collect()
}

/// A resource without the label that a validator may add. It may do so where no other labels are: kustomize writes those anew,
/// and then finds them changed.
fn without_validated_by(resource: &Resource) -> Cow<'_, Resource> {
    let labels = resource.object.at(&["metadata", "labels"]);
    let is_alone = labels.is_some_and(|labels| labels.fields().len() == 1 && labels.get(VALIDATED_BY).is_some());
    let mut resource = Cow::Borrowed(resource);
    if is_alone && let Some(metadata) = resource.to_mut().object.get_mut("metadata") {
        metadata.remove("labels");
    }
    resource
}
