//! One kustomization: what it names, generates and changes, and what its bases and components bring.
//!
//! Order of steps: kustomize's api/internal/target/kusttarget.go. Names in references, vars, hashes and all else that is done
//! once comes at the top: see [`crate::finish`].

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use crate::configuration::Configuration;
use crate::identity::{Gvk, Id};
use crate::kustomization::{Deprecated, Kustomization, Placed, Var};
use crate::load::Loader;
use crate::origin::{self, BuildMetadata};
use crate::resource::Origin;
use crate::resource_map::ResourceMap;
use crate::schema::{OpenApi, Schemas};
use crate::variables::{Variable, Variables};
use crate::{Error, Place, Warning};

mod fields;
mod generators;
mod resources;
mod transformers;

pub(crate) use transformers::Transformer;

/// Bases and components of one build, at most.
const BASES_MAX: usize = 10_000;

/// Objects that the files of one build hold, at most.
const OBJECTS_MAX: usize = 200_000;

/// What all layers of one build share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) schemas: RefCell<Schemas>,
    pub(crate) metadata: BuildMetadata,
    /// Directories of bases that came to nothing: building them again would come to nothing again.
    without_effect: RefCell<HashSet<String>>,
    bases: Cell<usize>,
    objects: Cell<usize>,
    /// Each once.
    warnings: RefCell<Vec<Warning>>,
}

impl Context {
    pub(crate) fn new(schemas: Schemas, metadata: BuildMetadata) -> Self {
        Self {
            schemas: RefCell::new(schemas),
            metadata,
            without_effect: RefCell::default(),
            bases: Cell::new(0),
            objects: Cell::new(0),
            warnings: RefCell::default(),
        }
    }

    pub(crate) fn into_warnings(self) -> Vec<Warning> {
        self.warnings.into_inner()
    }

    /// Warns of the deprecated fields of a kustomization.
    fn warn(&self, kustomization: &Kustomization) {
        let mut warnings = self.warnings.borrow_mut();
        for Deprecated { field, instead } in &kustomization.deprecated {
            let warning = Warning { file: kustomization.file.clone(), field, instead };
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }

    /// Counts a base or component.
    fn count_base(&self, place: &Place) -> Result<(), Error> {
        self.bases.set(self.bases.get() + 1);
        match self.bases.get() > BASES_MAX {
            true => Err(Error::TooManyBases { place: place.clone(), bases_max: BASES_MAX }),
            false => Ok(()),
        }
    }

    /// Counts the objects of a file.
    fn count_objects(&self, objects: usize, place: &Place) -> Result<(), Error> {
        self.objects.set(self.objects.get().saturating_add(objects));
        match self.objects.get() > OBJECTS_MAX {
            true => Err(Error::TooManyObjects { place: place.clone(), objects_max: OBJECTS_MAX }),
            false => Ok(()),
        }
    }
}

/// What a layer, and those below it, have come to.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) resources: ResourceMap,
    /// Builtin rules and those of all layers so far.
    pub(crate) configuration: Configuration,
    pub(crate) variables: Variables,
}

/// One kustomization on its way.
pub(crate) struct Layer<'t, 'c> {
    loader: Loader<'t>,
    kustomization: Kustomization,
    /// Its directory as origins name it.
    directory: String,
    context: &'c Context,
}

impl<'t, 'c> Layer<'t, 'c> {
    /// The top of a build.
    pub(crate) fn top(loader: Loader<'t>, kustomization: Kustomization, context: &'c Context) -> Result<Self, Error> {
        context.warn(&kustomization);
        let layer = Self { loader, kustomization, directory: String::new(), context };
        layer.meet_schema()?;
        Ok(layer)
    }

    /// What another kustomization names: a base, or a component.
    fn below(&self, entry: &str, place: &Place, loader: Loader<'t>) -> Result<Self, Error> {
        self.context.count_base(place)?;
        let kustomization = loader.kustomization(Some(place))?;
        self.context.warn(&kustomization);
        let directory = origin::join(&self.directory, entry);
        let layer = Self { loader, kustomization, directory, context: self.context };
        layer.meet_schema()?;
        Ok(layer)
    }

    /// All of its steps, from what was gathered before it: nothing, or for a component what its parent has.
    pub(crate) fn gather(&self, mut gathered: Gathered) -> Result<Gathered, Error> {
        let fields = &self.kustomization.fields;
        self.add_resources(&mut gathered, &fields.resources)?;
        self.configure(&mut gathered.configuration)?;
        self.generate(&mut gathered)?;
        gathered = self.add_components(gathered)?;
        self.transform(&mut gathered)?;
        self.validate(&mut gathered.resources)?;
        let variables = fields.vars.iter().map(|var| self.variable(var)).collect();
        gathered.variables.add(variables, &mut gathered.resources)?;
        Ok(gathered)
    }

    fn meet_schema(&self) -> Result<(), Error> {
        let openapi = &self.kustomization.fields.openapi;
        let Some(first) = openapi.values.values().next() else { return Ok(()) };
        let place = self.kustomization.place(first.position);
        let file = match openapi.get("path") {
            Some(path) => Some(self.loader.file(path, &self.kustomization.place(path.position))?),
            None => None,
        };
        let file = file.as_ref().map(|(file, text)| (file.as_str(), *text));
        let version = openapi.get("version").map(|version| version.value.as_str());
        self.context.schemas.borrow_mut().meet(&OpenApi { version, file, place: &place })
    }

    /// Adds the builtin rules and the layer's own to those of its bases.
    fn configure(&self, configuration: &mut Configuration) -> Result<(), Error> {
        let fields = &self.kustomization.fields;
        let files = self.files(&fields.configurations)?;
        let own = Configuration::of_files(files.iter().map(|(file, text)| (file.as_str(), *text)))?;
        *configuration = configuration.with(&own)?;
        let files = self.files(&fields.crds)?;
        let own = Configuration::of_crds(files.iter().map(|(file, text)| (file.as_str(), *text)))?;
        *configuration = configuration.with(&own)?;
        Ok(())
    }

    fn files(&self, entries: &[Placed<String>]) -> Result<Vec<(String, &'t [u8])>, Error> {
        entries.iter().map(|entry| self.loader.file(entry, &self.place(entry))).collect()
    }

    fn variable(&self, var: &Placed<Var>) -> Variable {
        let object = &var.object;
        let mut gvk = Gvk {
            group: object.group.as_str().into(),
            version: object.version.as_str().into(),
            kind: object.kind.as_str().into(),
        };
        match object.api_version.split('/').collect::<Vec<_>>().as_slice() {
            [""] => {}
            [version] => gvk.version = (*version).into(),
            [group, version] => (gvk.group, gvk.version) = ((*group).into(), (*version).into()),
            _ => {}
        }
        Variable {
            name: var.name.value.clone(),
            object: Id {
                gvk,
                namespace: object.namespace.as_str().into(),
                name: object.name.as_str().into(),
                ..Id::default()
            },
            field_path: var.field.field_path.value.clone(),
            place: self.kustomization.place(var.position),
        }
    }

    /// Where a value of the kustomization stands.
    fn place<T>(&self, value: &Placed<T>) -> Place {
        self.kustomization.place(value.position)
    }

    /// The origin of what a field of the kustomization makes or changes; none where origins are not kept.
    fn origin_of(&self, kind: &str) -> Option<Origin> {
        let file = self.kustomization.file.rsplit('/').next().unwrap_or_default();
        self.context.metadata.tracks.then(|| Origin::of_builtin(origin::join(&self.directory, file), kind))
    }
}
