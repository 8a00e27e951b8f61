//! Builds: of a tree, and of an object with a patch.

use thalweg_kustomize_build::{Error, Flux, LoadRestrictor, Options, Reorder, Tree, build, render};

use super::files::Files;
use super::readers::{comparable, documents, is_misread};

/// Parts of the input of [`patches`] are separated by this line.
const SEPARATOR: &str = "\n-- patch --\n";

/// How a kustomization names the patch; the first byte of the input chooses.
const KUSTOMIZATIONS: [&str; 6] = [
    "patches: [{path: patch.yaml}]\n",
    "patches: [{path: patch.yaml, target: {kind: .*}}]\n",
    "patches: [{path: patch.yaml, target: {kind: .*}, options: {allowNameChange: true, allowKindChange: true}}]\n",
    "patchesStrategicMerge: [patch.yaml]\n",
    "patchesJson6902: [{path: patch.yaml, target: {version: v1, kind: ConfigMap, name: a}}]\n",
    "patches: [{path: patch.yaml, target: {labelSelector: a=b}}]\nnamePrefix: p-\ncommonLabels: {a: b}\n",
];

/// A tree ([`Files`]); the first line says what to build: `PATH`, then any of the words `flux`, `legacy` and `unrestricted`.
pub fn kustomization(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (head, files) = Files::parse(text);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let mut options = Options { path: words.next().unwrap_or_default().to_owned(), ..Options::default() };
    for word in words {
        match word {
            "flux" => options.flux = Some(Flux::default()),
            "legacy" => options.reorder = Reorder::Legacy,
            "unrestricted" => options.load_restrictor = LoadRestrictor::None,
            _ => {}
        }
    }
    check(&files, &options);
}

/// A letter that chooses how, then an object and its patch.
pub fn patches(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (Some(first), Some((object, patch))) = (bytes.first(), text.split_once(SEPARATOR)) else { return };
    let Some(object) = object.get(1..) else { return };
    let patches = KUSTOMIZATIONS[usize::from(*first) % KUSTOMIZATIONS.len()];
    let kustomization = format!("resources: [object.yaml]\n{patches}");
    let files =
        Files::new([("kustomization.yaml", kustomization.as_str()), ("object.yaml", object), ("patch.yaml", patch)]);
    check(&files, &Options::default());
}

/// What is printed is what is applied, whenever it is built.
fn check(tree: &dyn Tree, options: &Options) {
    let built = build(tree, options);
    match (render(tree, options).map(|rendered| rendered.text), &built) {
        (Ok(text), Ok(built)) if options.flux.is_none() => {
            let applied: serde_json::Value = built.objects.iter().map(|object| comparable(object.to_json())).collect();
            if !is_misread(&text) && !is_misread(&applied.to_string()) {
                assert_eq!(serde_json::Value::from(documents(&text)), applied, "{text}");
            }
        }
        (Ok(_), Ok(_)) => {}
        // No cluster takes such an object, but it can be printed.
        (Ok(_), Err(Error::Incomplete { .. } | Error::Misread { .. })) => {}
        (Err(_), Err(_)) => {}
        (Ok(text), Err(error)) => panic!("{error}, but this was printed:\n{text}"),
        (Err(error), Ok(_)) => panic!("{error} when printing, but there are objects to apply"),
    }
}
