//! Generators and transformers that files configure: objects of apiVersion `builtin`, whose kinds are those of kustomize's
//! api/internal/plugins/builtinhelpers. All others would run programs, and are refused by name.

use thalweg_yaml::kyaml;

use crate::generate::Configured;
use crate::kustomization::decode::record;
use crate::kustomization::{self, Embedding, List, Selector, Text, arguments};
use crate::layer::Transformer;
use crate::load::Loader;
use crate::patch::{Json6902, Patch, StrategicMerge};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::schema::Schemas;
use crate::transform::{self, Config};
use crate::{Error, Place, finish};

record! {
    /// PatchStrategicMergeTransformer
    StrategicFields {
        paths: List<String> = "paths",
        patches: Text = "patches",
    }
}

record! {
    /// PatchJson6902Transformer
    Json6902Fields {
        target: Option<Selector> = "target",
        path: Text = "path",
        text: Text = "jsonOp",
    }
}

/// The generator that an object configures.
pub(crate) fn generator(plugin: &Resource) -> Result<Configured, Error> {
    check(plugin)?;
    Configured::of(plugin)?.ok_or_else(|| unknown(plugin, "generator"))
}

/// The transformer that an object configures. What it loads is relative to the kustomization that names its file.
pub(crate) fn transformer(plugin: &Resource, loader: &Loader<'_>) -> Result<Box<dyn Transformer>, Error> {
    check(plugin)?;
    let kind = plugin.id().gvk.kind;
    let Resource { object, place, .. } = plugin;
    match kind {
        "HashTransformer" => return Ok(Box::new(Hashes)),
        "PatchTransformer" => {
            let entry: kustomization::Patch = arguments(object, Embedding::Direct, place)?;
            return Ok(Box::new(Patch::prepare(&entry, place, loader)?));
        }
        "PatchStrategicMergeTransformer" => {
            let StrategicFields { paths, patches } = arguments(object, Embedding::Direct, place)?;
            return Ok(Box::new(StrategicMerge::prepare(&paths, &patches, place, loader)?));
        }
        "PatchJson6902Transformer" => {
            let Json6902Fields { target, path, text } = arguments(object, Embedding::Direct, place)?;
            return Ok(Box::new(Json6902::prepare(target.as_ref(), &path, ("jsonOp", &text), place, loader)?));
        }
        _ => {}
    }
    let value =
        kyaml::to_value(object).map_err(|error| Error::NotJson { place: place.clone(), problem: error.to_string() })?;
    let root = thalweg_yaml::Node { position: place.position, value };
    let load = |path: &str, place: Place| loader.file(path, &place).map(|(file, text)| (file, text.to_vec()));
    let directory = loader.root().rsplit('/').next().unwrap_or_default();
    let config = Config { kind, file: &place.file, root: &root, directory, load: &load };
    match transform::from_config(&config)? {
        Some(transformer) => Ok(Box::new(transformer)),
        None => Err(unknown(plugin, "transformer")),
    }
}

fn check(plugin: &Resource) -> Result<(), Error> {
    let gvk = plugin.id().gvk;
    if gvk.group.is_empty() && gvk.version == "builtin" && gvk.kind != "HelmChartInflationGenerator" {
        return Ok(());
    }
    Err(Error::PluginRefused { place: plugin.place.clone(), plugin: plugin.id().to_string() })
}

fn unknown(plugin: &Resource, expected: &'static str) -> Error {
    Error::PluginUnknown { place: plugin.place.clone(), kind: plugin.id().gvk.kind.to_string(), expected }
}

/// Ends names in hashes before the top does so.
struct Hashes;

impl Transformer for Hashes {
    fn apply(&self, resources: &mut ResourceMap, _schemas: &Schemas) -> Result<(), Error> {
        finish::add_hashes(resources)
    }
}
