//! Random trees of kustomizations, to be built by ours and by the reference.
//!
//! In: a seed. Out: files by path, of which [`TOP`] is the directory to build. The same seed always gives the same tree.
//! Knows nothing of how a build works but which names and containers there are at each point, so that most patches,
//! replacements and references find something: of ten trees about seven build. The rest fail, and should fail alike.

mod chance;
mod layer;
mod objects;
mod patches;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use chance::Chance;
use layer::{Below, Layer, World};

/// The directory to build.
pub(crate) const TOP: &str = "top";

/// The tree of a seed.
pub(crate) fn tree(seed: u64) -> BTreeMap<String, String> {
    let mut chance = Chance::new(seed);
    let mut tree = BTreeMap::new();
    let shape = chance.below(7);
    let mut layer = |directory: &str, below: Vec<Below>, prefix: Option<&str>| {
        Layer::new(&mut chance, &mut tree, directory).made_of(below, prefix)
    };
    let of = |path: &str, world: &World| Below { path: path.to_owned(), world: world.clone() };
    match shape {
        0 => layer(TOP, vec![], None),
        1 | 2 => {
            let base = layer("base", vec![], None);
            layer(TOP, vec![of("../base", &base)], None)
        }
        3 => {
            let base = layer("base", vec![], None);
            let middle = layer("layers/middle", vec![of("../../base", &base)], None);
            layer(TOP, vec![of("../layers/middle", &middle)], None)
        }
        4 => {
            let (one, two) = (layer("one", vec![], None), layer("two", vec![], None));
            layer(TOP, vec![of("../one", &one), of("../two", &two)], None)
        }
        5 => {
            let base = layer("base", vec![], None);
            let blue = layer("blue", vec![of("../base", &base)], Some("blue-"));
            let green = layer("green", vec![of("../base", &base)], Some("green-"));
            layer(TOP, vec![of("../blue", &blue), of("../green", &green)], None)
        }
        _ => {
            let inner = layer("top/inner", vec![], None);
            let base = layer("base", vec![], None);
            let middle = layer("middle", vec![of("../base", &base)], None);
            layer(TOP, vec![of("inner", &inner), of("../middle", &middle)], None)
        }
    };
    tree
}

/// What a tree is made of, to see that all of it occurs: the fields of its kustomizations, and texts of interest in it.
pub(crate) fn features(tree: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, text) in tree {
        if path.ends_with("kustomization.yaml") {
            let fields = text.lines().filter_map(|line| line.split_once(':'));
            let field = |(name, _): (&str, &str)| name.starts_with(char::is_alphabetic).then(|| name.to_owned());
            found.extend(fields.filter_map(field));
        }
        found.extend(OF_INTEREST.iter().filter(|word| text.contains(**word)).map(|word| (*word).to_owned()));
    }
    found
}

/// What should occur in many trees, besides every field of a kustomization.
pub(crate) const OF_INTEREST: [&str; 32] = [
    "kind: Component",
    "$patch: delete",
    "$patch: replace",
    "behavior: merge",
    "behavior: replace",
    "disableNameSuffixHash",
    "includeSelectors",
    "includeTemplates",
    "labelSelector",
    "annotationSelector",
    "allowNameChange",
    "op: add",
    "op: replace",
    "op: remove",
    "op: test",
    "op: move",
    "delimiter",
    "create: true",
    "reject",
    "sourceValue",
    "envs:",
    "files:",
    "literals:",
    "local-config",
    "nameReference",
    "varReference",
    "protocol",
    "kind: List",
    "null",
    "legacy",
    "apiVersion: builtin",
    "digest",
];

/// The fields that should occur in many trees.
pub(crate) const FIELDS: [&str; 27] = [
    "resources",
    "components",
    "configurations",
    "crds",
    "openapi",
    "configMapGenerator",
    "secretGenerator",
    "generatorOptions",
    "generators",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "namespace",
    "namePrefix",
    "nameSuffix",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "replicas",
    "replacements",
    "vars",
    "transformers",
    "validators",
    "buildMetadata",
    "sortOptions",
    "metadata",
];
