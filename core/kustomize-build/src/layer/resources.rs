//! What a kustomization names: files, bases and components.

use super::{Gathered, Layer};
use crate::kustomization::{List, Placed};
use crate::load::{Loaded, Loader};
use crate::origin;
use crate::resource::{Origin, Resource};
use crate::resource_map::ResourceMap;
use crate::{Error, Place};

impl Layer<'_, '_> {
    /// Adds the objects of files and bases, in the order of the entries.
    pub(super) fn add_resources(&self, gathered: &mut Gathered, entries: &List<String>) -> Result<(), Error> {
        entries.iter().try_for_each(|entry| self.add_resource(gathered, entry))
    }

    fn add_resource(&self, gathered: &mut Gathered, entry: &Placed<String>) -> Result<(), Error> {
        let place = self.place(entry);
        match self.loader.resource(entry, &place)? {
            Loaded::File(objects) => {
                self.context.count_objects(objects.len(), &place)?;
                self.add_objects(&mut gathered.resources, objects, entry)
            }
            Loaded::Base(loader) => self.add_base(gathered, entry, &place, loader),
        }
    }

    fn add_base(&self, gathered: &mut Gathered, entry: &str, place: &Place, loader: Loader<'_>) -> Result<(), Error> {
        let directory = loader.root().to_owned();
        if self.context.without_effect.borrow().contains(&directory) {
            return Ok(());
        }
        let base = self.below(entry, place, loader)?;
        if base.kustomization.is_component() {
            return Err(Error::ComponentAsResource { place: place.clone(), entry: entry.to_owned() });
        }
        let base = base.gather(Gathered::default())?;
        if base.has_no_effect() {
            self.context.without_effect.borrow_mut().insert(directory);
            return Ok(());
        }
        gathered.merge(base)
    }

    /// Adds objects of a file, or of a text in the kustomization, in the order in which they stand there.
    pub(super) fn add_objects(
        &self,
        resources: &mut ResourceMap,
        objects: Vec<Resource>,
        entry: &str,
    ) -> Result<(), Error> {
        let path = self.context.metadata.tracks.then(|| origin::join(&self.directory, entry));
        let schemas = self.context.schemas.borrow();
        for mut object in objects {
            schemas.is_cluster_scoped(object.id().gvk);
            object.scopes = schemas.scopes().clone();
            object.origin = path.clone().map(Origin::of_file);
            resources.append(object)?;
        }
        Ok(())
    }

    /// Lets each component work on everything that is there so far.
    pub(super) fn add_components(&self, mut gathered: Gathered) -> Result<Gathered, Error> {
        for entry in self.kustomization.fields.components.iter() {
            let place = self.place(entry);
            let component = self.below(entry, &place, self.loader.directory(entry, &place)?)?;
            if !component.kustomization.is_component() {
                return Err(Error::NotAComponent { place, entry: entry.value.clone() });
            }
            gathered = component.gather(gathered)?;
            gathered.resources.refuse_duplicates()?;
        }
        Ok(gathered)
    }
}

impl Gathered {
    /// Whether it makes no difference to what names it, except for the rules that are builtin.
    fn has_no_effect(&self) -> bool {
        self.resources.is_empty() && self.variables.is_empty() && self.configuration.is_builtin()
    }

    /// Adds what a base has come to.
    fn merge(&mut self, base: Self) -> Result<(), Error> {
        self.resources.append_all(base.resources)?;
        self.configuration = self.configuration.with(&base.configuration)?;
        self.variables.merge(base.variables)
    }
}
