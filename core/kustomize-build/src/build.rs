//! The whole of a build, from a path to its objects and their text.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use thalweg_manifest::{Object, Origin};
use thalweg_yaml::{Limits, print};

use crate::kustomization::Kustomization;
use crate::layer::{Context, Gathered, Layer};
use crate::load::{Loader, Restriction};
use crate::options::{LoadRestrictor, Options, Reorder};
use crate::order::Order;
use crate::origin::BuildMetadata;
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::{Error, Tree, finish, flux};

/// Kustomize's own kinds, which Flux leaves out of what it built.
const KUSTOMIZE_GROUP: &str = "kustomize.config.k8s.io";

/// The text of what was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// What `kustomize build` prints.
    pub text: String,
    /// What it warns of.
    pub warnings: Vec<Warning>,
}

/// A field that still works, and should be replaced: what `kustomize build` warns of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The kustomization that has it.
    pub file: String,
    /// The field.
    pub field: &'static str,
    /// The field to use instead.
    pub instead: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, field, instead } = self;
        write!(formatter, "{file}: the field '{field}' is deprecated: use '{instead}' instead")
    }
}

/// What was built.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// The objects in the order in which they are printed, each with its origin.
    pub objects: Vec<Object>,
    /// Every file that was read: the build is the same as long as these are, and no YAML file comes or goes.
    pub files: BTreeSet<String>,
}

/// Builds the directory at the path of the options.
///
/// # Errors
///
/// Where `kustomize build` fails, and for objects without apiVersion, which no cluster takes.
pub fn build(tree: &dyn Tree, options: &Options) -> Result<Build, Error> {
    let Resources { resources, files, .. } = resources(tree, options)?;
    let mut printed = String::new();
    let mut objects = Vec::with_capacity(resources.len());
    for resource in &resources {
        printed.clear();
        print(resource, &mut printed)?;
        objects.push(object(resource, &printed)?);
    }
    if options.flux.is_some() {
        objects.retain(|object| object.group() != KUSTOMIZE_GROUP);
    }
    Ok(Build { objects, files })
}

/// What `kustomize build` prints for the directory at the path of the options.
///
/// # Errors
///
/// Where `kustomize build` fails.
pub fn render(tree: &dyn Tree, options: &Options) -> Result<Rendered, Error> {
    let Resources { resources, warnings, .. } = resources(tree, options)?;
    let mut text = String::new();
    for (index, resource) in resources.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        print(resource, &mut text)?;
    }
    Ok(Rendered { text, warnings })
}

struct Resources {
    resources: Vec<Resource>,
    files: BTreeSet<String>,
    warnings: Vec<Warning>,
}

fn resources(tree: &dyn Tree, options: &Options) -> Result<Resources, Error> {
    let restriction = match options.load_restrictor {
        LoadRestrictor::RootOnly => Restriction::Directory,
        LoadRestrictor::None => Restriction::Tree,
    };
    let loader = Loader::new(tree, &options.path, restriction, Limits::default())?;
    let (kustomization, schemas) = match &options.flux {
        None => (loader.kustomization(None)?, Schemas::builtin()),
        Some(flux) => (flux::kustomization(&loader, flux)?, Schemas::builtin_and_brought()),
    };
    let metadata = BuildMetadata::of(kustomization.fields.build_metadata.iter().map(|word| word.value.as_str()));
    let order = order(&kustomization, options.reorder);
    let context = Context::new(schemas, metadata);
    let gathered = Layer::top(loader.clone(), kustomization, &context)?.gather(Gathered::default())?;
    let resources = finish::finish(gathered, metadata, &order?)?;
    context.schemas.borrow().finish()?;
    Ok(Resources { resources, files: loader.files_read(), warnings: context.into_warnings() })
}

fn print(resource: &Resource, text: &mut String) -> Result<(), Error> {
    print::object(&resource.object, text).map_err(|source| unprintable(resource, source))
}

/// The order that the top asks for, or else the options.
fn order(kustomization: &Kustomization, reorder: Reorder) -> Result<Order, Error> {
    let Some(options) = &kustomization.fields.sort_options else {
        return Ok(match reorder {
            Reorder::None => Order::Fifo,
            Reorder::Legacy => Order::legacy(),
        });
    };
    let kinds = |list: &[crate::kustomization::Placed<String>]| list.iter().map(|kind| kind.value.clone()).collect();
    let lists = options.legacy.as_ref().map(|legacy| (kinds(&legacy.first), kinds(&legacy.last)));
    Order::of_options(&options.order, lists)
        .map_err(|problem| Error::SortOptions { place: kustomization.place(options.order.position), problem })
}

/// The object that its text means: Flux applies what it printed, and some texts do not mean what was printed (a text with a
/// line break that only YAML 1.1 has is folded).
fn object(resource: &Resource, printed: &str) -> Result<Object, Error> {
    let misread = |source| Error::Misread { place: resource.place.clone(), object: resource.id().to_string(), source };
    let document = thalweg_yaml::read_first(&resource.place.file, printed.as_bytes(), &Limits::default());
    let json =
        document.map_err(|error| misread(error.reason))?.map_or(serde_json::Value::Null, |read| read.root.to_json());
    let origin = Origin { file: Arc::from(resource.place.file.as_str()), line: resource.place.position.line };
    match Object::from_json(json) {
        Ok(object) => Ok(object.with_origin(origin)),
        Err(source) => Err(Error::Incomplete { origin, source }),
    }
}

fn unprintable(resource: &Resource, source: print::PrintError) -> Error {
    Error::Unprintable { place: resource.place.clone(), object: resource.id().to_string(), source }
}
