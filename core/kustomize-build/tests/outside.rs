//! Whatever a kustomization names, and however it writes it, nothing outside of the tree is read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error as _;

use thalweg_kustomize_build::{Build, Entry, Error, Flux, LoadRestrictor, Options, Tree, build, render};

/// What is outside of the tree.
const CANARY: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: canary}\n";

/// Files and links, and beyond them the canary: whoever asks for a path that is not one of the tree is given it.
#[derive(Default)]
struct Source {
    files: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
    strayed: RefCell<Vec<String>>,
}

impl Source {
    fn with(mut self, path: &str, content: impl Into<String>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    fn link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.to_owned(), target.to_owned());
        self.with(path, "")
    }
}

impl Tree for Source {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        let is_of_the_tree = path.is_empty() || !path.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !is_of_the_tree {
            self.strayed.borrow_mut().push(path.to_owned());
            return Some(Entry::File(CANARY.as_bytes()));
        }
        match self.links.get(path) {
            Some(target) => Some(Entry::Link(target.clone())),
            None => self.files.entry(path),
        }
    }
}

/// From `apps/site`, which is two directories below the root.
const WAYS_OUT: [&str; 66] = [
    // Up.
    "../../..",
    "../../../",
    "../../../outside",
    "../../../outside/canary.yaml",
    "../../../../../../../../../../etc/passwd",
    "./../.././../outside/canary.yaml",
    "a/../../../../outside/canary.yaml",
    "a/b/../../../../../outside/canary.yaml",
    "..//..//..//outside//canary.yaml",
    "../../apps/../../outside/canary.yaml",
    // From the root of a file system.
    "/",
    "//",
    "/.",
    "/..",
    "/outside/canary.yaml",
    "//outside/canary.yaml",
    "/../outside/canary.yaml",
    "/apps/site/../../../outside/canary.yaml",
    "/etc/passwd",
    "/proc/self/environ",
    "/dev/stdin",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    // As other systems write paths.
    "..\\..\\..\\outside\\canary.yaml",
    "../..\\..\\../../outside",
    "C:\\outside\\canary.yaml",
    "\\\\host\\outside\\canary.yaml",
    // Disguised.
    "%2e%2e/%2e%2e/%2e%2e/outside/canary.yaml",
    "..%2f..%2f..%2foutside%2fcanary.yaml",
    "..%00/..%00/outside",
    "%2foutside%2fcanary.yaml",
    "..\u{0}",
    "\u{0}",
    "a.yaml\u{0}",
    "\u{0}/../../../../outside/canary.yaml",
    "/outside/canary.yaml\u{0}.yaml",
    "．．/．．/．．/outside",
    "\u{2025}/\u{2025}/\u{2025}/outside",
    "..\u{2215}..\u{2215}..\u{2215}outside",
    " ../../../outside/canary.yaml",
    "../../../outside/canary.yaml ",
    "\t/outside/canary.yaml",
    ".../.../...",
    ". ./. ./. .",
    "~",
    "~/.ssh/id_rsa",
    "~root/.ssh/id_rsa",
    "$HOME/.ssh/id_rsa",
    "${HOME}/.ssh/id_rsa",
    "$(cat /etc/passwd)",
    // Where somebody would have to be asked.
    "file:///outside/canary.yaml",
    "file:/outside/canary.yaml",
    "FILE:///outside/canary.yaml",
    "http://169.254.169.254/latest/meta-data",
    "https://example.com/canary.yaml",
    "git::https://example.com/org/repository",
    "git::file:///outside",
    "git@example.com:org/repository",
    "ssh://git@example.com/org/repository",
    "github.com/org/repository",
    "example.com/org/repository?ref=main",
    "s3::https://s3.amazonaws.com/bucket/canary.yaml",
    "oci://example.com/canary",
    // As flags and keys of others.
    "-oProxyCommand=id",
    "--upload-pack=id",
    "a=/var/run/secrets/kubernetes.io/serviceaccount/token",
    "a=../../../outside/canary.yaml",
];

/// Links in `apps/site`, what they say, and how they are used.
const LINKS_OUT: [(&str, &str, &[&str]); 17] = [
    ("to-file", "/outside/canary.yaml", &["to-file", "./to-file", "a/../to-file"]),
    ("to-directory", "/outside", &["to-directory", "to-directory/canary.yaml", "to-directory/."]),
    ("to-root", "/", &["to-root", "to-root/outside/canary.yaml", "to-root/etc/passwd", "to-root/proc/self/environ"]),
    ("up-file", "../../../outside/canary.yaml", &["up-file"]),
    ("up-directory", "../../../outside", &["up-directory", "up-directory/canary.yaml"]),
    ("up", "../../..", &["up", "up/outside", "up/outside/canary.yaml", "up/."]),
    ("up-and-down", "deep/../../../../outside/canary.yaml", &["up-and-down"]),
    ("to-apps", "..", &["to-apps/../../outside/canary.yaml", "to-apps/site/to-file", "to-apps/to-outside/canary.yaml"]),
    ("../to-outside", "../../outside", &["../to-outside", "../to-outside/canary.yaml"]),
    ("chain", "chain-2", &["chain", "chain/canary.yaml"]),
    ("chain-2", "./chain-3/", &["chain-2"]),
    ("chain-3", "up/outside", &["chain-3/canary.yaml"]),
    ("deep/back", "../../../../outside", &["deep/back", "deep/back/canary.yaml", "deep/../deep/back/canary.yaml"]),
    ("loop", "loop", &["loop", "loop/canary.yaml", "loop/../../../../outside/canary.yaml"]),
    ("pool", "poor/pool", &["pool", "poor/pool/pool"]),
    ("poor", "pool/poor", &["poor", "pool/poor/../../../outside"]),
    ("odd", "\u{0}/../~/https://example.com", &["odd", "odd/a"]),
];

/// A field that names a file or a directory: how the kustomization says it, and what is built when it is `inside`.
struct Field {
    name: &'static str,
    kustomization: fn(&str) -> String,
    inside: (&'static str, &'static str),
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
const PATCH: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: patched}\n";
const JSON_PATCH: &str = "- {op: add, path: /data, value: {k: patched}}\n";
const REPLACEMENTS: &str =
    "- sourceValue: v\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.k], options: {create: true}}]\n";
const TRANSFORMER: &str = "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: p-\nfieldSpecs: [{path: metadata/name}]\n";
const VALIDATOR: &str = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: v}\n";
const GENERATOR: &str = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nliterals: [a=b]\n";

/// As a text in YAML, and in JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A builtin generator or transformer that stands in the kustomization, with one field that names a file.
fn builtin(list: &str, kind: &str, field: &str) -> String {
    let object = format!("apiVersion: builtin\nkind: {kind}\nmetadata: {{name: p}}\n{field}\n");
    format!("resources: [a.yaml]\n{list}: [{}]\n", quoted(&object))
}

const FIELDS: [Field; 30] = [
    Field {
        name: "resources",
        kustomization: |path| format!("resources: [{}]\n", quoted(path)),
        inside: ("inside", OBJECT),
    },
    Field {
        name: "resources (a directory)",
        kustomization: |path| format!("resources: [a.yaml, {}]\n", quoted(path)),
        inside: ("inside/kustomization.yaml", "configMapGenerator: [{name: c, literals: [a=b]}]\n"),
    },
    Field {
        name: "bases",
        kustomization: |path| format!("bases: [{}]\n", quoted(path)),
        inside: ("inside/Kustomization", "configMapGenerator: [{name: c, literals: [a=b]}]\n"),
    },
    Field {
        name: "components",
        kustomization: |path| format!("components: [{}]\n", quoted(path)),
        inside: ("inside/kustomization.yml", "kind: Component\nnamePrefix: a-\n"),
    },
    Field {
        name: "patches.path",
        kustomization: |path| format!("resources: [a.yaml]\npatches: [{{path: {}}}]\n", quoted(path)),
        inside: ("inside", PATCH),
    },
    Field {
        name: "patchesStrategicMerge",
        kustomization: |path| format!("resources: [a.yaml]\npatchesStrategicMerge: [{}]\n", quoted(path)),
        inside: ("inside", PATCH),
    },
    Field {
        name: "patchesJson6902.path",
        kustomization: |path| {
            let target = "{version: v1, kind: ConfigMap, name: a}";
            format!("resources: [a.yaml]\npatchesJson6902: [{{target: {target}, path: {}}}]\n", quoted(path))
        },
        inside: ("inside", JSON_PATCH),
    },
    Field {
        name: "replacements.path",
        kustomization: |path| format!("resources: [a.yaml]\nreplacements: [{{path: {}}}]\n", quoted(path)),
        inside: ("inside", REPLACEMENTS),
    },
    Field {
        name: "configMapGenerator.files",
        kustomization: |path| format!("configMapGenerator: [{{name: g, files: [{}]}}]\n", quoted(path)),
        inside: ("inside", "anything"),
    },
    Field {
        name: "configMapGenerator.files (with a key)",
        kustomization: |path| format!("configMapGenerator: [{{name: g, files: [{}]}}]\n", quoted(&format!("k={path}"))),
        inside: ("inside", "anything"),
    },
    Field {
        name: "configMapGenerator.envs",
        kustomization: |path| format!("configMapGenerator: [{{name: g, envs: [{}]}}]\n", quoted(path)),
        inside: ("inside", "a=b"),
    },
    Field {
        name: "configMapGenerator.env",
        kustomization: |path| format!("configMapGenerator: [{{name: g, literals: [a=b], env: {}}}]\n", quoted(path)),
        inside: ("inside", "c=d"),
    },
    Field {
        name: "secretGenerator.files",
        kustomization: |path| format!("secretGenerator: [{{name: g, files: [{}]}}]\n", quoted(path)),
        inside: ("inside", "anything"),
    },
    Field {
        name: "secretGenerator.files (with a key)",
        kustomization: |path| format!("secretGenerator: [{{name: g, files: [{}]}}]\n", quoted(&format!("k={path}"))),
        inside: ("inside", "anything"),
    },
    Field {
        name: "secretGenerator.envs",
        kustomization: |path| format!("secretGenerator: [{{name: g, envs: [{}]}}]\n", quoted(path)),
        inside: ("inside", "a=b"),
    },
    Field {
        name: "secretGenerator.env",
        kustomization: |path| format!("secretGenerator: [{{name: g, literals: [a=b], env: {}}}]\n", quoted(path)),
        inside: ("inside", "c=d"),
    },
    Field {
        name: "configurations",
        kustomization: |path| format!("resources: [a.yaml]\nconfigurations: [{}]\n", quoted(path)),
        inside: ("inside", "namePrefix: [{path: metadata/name}]\n"),
    },
    Field {
        name: "crds",
        kustomization: |path| format!("resources: [a.yaml]\ncrds: [{}]\n", quoted(path)),
        inside: ("inside", "{}"),
    },
    Field {
        name: "openapi.path",
        kustomization: |path| format!("resources: [a.yaml]\nopenapi: {{path: {}}}\n", quoted(path)),
        inside: ("inside", r#"{"definitions": {}}"#),
    },
    Field {
        name: "generators",
        kustomization: |path| format!("generators: [{}]\n", quoted(path)),
        inside: ("inside", GENERATOR),
    },
    Field {
        name: "generators (a directory)",
        kustomization: |path| format!("resources: [a.yaml]\ngenerators: [{}]\n", quoted(path)),
        inside: ("inside/kustomization.yaml", "namePrefix: a-\n"),
    },
    Field {
        name: "transformers",
        kustomization: |path| format!("resources: [a.yaml]\ntransformers: [{}]\n", quoted(path)),
        inside: ("inside", TRANSFORMER),
    },
    Field {
        name: "validators",
        kustomization: |path| format!("resources: [a.yaml]\nvalidators: [{}]\n", quoted(path)),
        inside: ("inside", VALIDATOR),
    },
    Field {
        name: "PatchTransformer path",
        kustomization: |path| builtin("transformers", "PatchTransformer", &format!("path: {}", quoted(path))),
        inside: ("inside", PATCH),
    },
    Field {
        name: "PatchStrategicMergeTransformer paths",
        kustomization: |path| {
            builtin("transformers", "PatchStrategicMergeTransformer", &format!("paths: [{}]", quoted(path)))
        },
        inside: ("inside", PATCH),
    },
    Field {
        name: "PatchJson6902Transformer path",
        kustomization: |path| {
            let field = format!("target: {{version: v1, kind: ConfigMap, name: a}}\npath: {}", quoted(path));
            builtin("transformers", "PatchJson6902Transformer", &field)
        },
        inside: ("inside", JSON_PATCH),
    },
    Field {
        name: "ReplacementTransformer replacements.path",
        kustomization: |path| {
            builtin("transformers", "ReplacementTransformer", &format!("replacements: [{{path: {}}}]", quoted(path)))
        },
        inside: ("inside", REPLACEMENTS),
    },
    Field {
        name: "ConfigMapGenerator files",
        kustomization: |path| builtin("generators", "ConfigMapGenerator", &format!("files: [{}]", quoted(path))),
        inside: ("inside", "anything"),
    },
    Field {
        name: "SecretGenerator files",
        kustomization: |path| builtin("generators", "SecretGenerator", &format!("files: [{}]", quoted(path))),
        inside: ("inside", "anything"),
    },
    Field {
        name: "SecretGenerator envs",
        kustomization: |path| builtin("generators", "SecretGenerator", &format!("envs: [{}]", quoted(path))),
        inside: ("inside", "a=b"),
    },
];

const OBJECT_A: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// What would need files, and is refused whatever it names.
const CHARTS: [fn(&str) -> String; 6] = [
    |path| format!("helmCharts: [{{name: c, valuesFile: {}}}]\n", quoted(path)),
    |path| format!("helmCharts: [{{name: c, additionalValuesFiles: [{}]}}]\n", quoted(path)),
    |path| format!("helmCharts: [{{name: c, repo: {}}}]\n", quoted(path)),
    |path| format!("helmGlobals: {{chartHome: {}}}\nhelmCharts: [{{name: {}}}]\n", quoted(path), quoted(path)),
    |path| format!("helmChartInflationGenerator: [{{chartName: c, values: {}}}]\n", quoted(path)),
    |path| format!("helmChartInflationGenerator: [{{chartName: c, helmBin: {}}}]\n", quoted(path)),
];

fn source(kustomization: &str) -> Source {
    let source = Source::default()
        .with("apps/site/kustomization.yaml", kustomization)
        .with("apps/site/a.yaml", OBJECT_A)
        .with("apps/site/deep/b.yaml", OBJECT);
    LINKS_OUT.iter().fold(source, |source, (link, target, _)| match link.strip_prefix("../") {
        Some(link) => source.link(&format!("apps/{link}"), target),
        None => source.link(&format!("apps/site/{link}"), target),
    })
}

fn ways_out() -> impl Iterator<Item = &'static str> {
    WAYS_OUT.into_iter().chain(LINKS_OUT.iter().flat_map(|(_, _, uses)| uses.iter().copied()))
}

/// Every way to build `apps/site`.
fn options(path: &str) -> impl Iterator<Item = Options> {
    [LoadRestrictor::RootOnly, LoadRestrictor::None].into_iter().flat_map(move |load_restrictor| {
        let path = path.to_owned();
        [None, Some(Flux::default())].map(|flux| Options {
            path: path.clone(),
            load_restrictor,
            flux,
            ..Options::default()
        })
    })
}

/// The build, and its text, neither of which may hold the canary, or come from a tree that was asked for it.
fn built(source: &Source, options: &Options, what: &str) -> Result<Build, Error> {
    let (built, text) = (build(source, options), render(source, options).map(|rendered| rendered.text));
    assert_eq!(source.strayed.take(), [""; 0], "{what}: the tree was asked for what is not in it");
    let shown = match (&built, &text) {
        (Ok(_), Ok(text)) => text.clone(),
        (Err(error), Err(other)) => {
            assert_eq!(error, other, "{what}");
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            format!("{error}: {cause}")
        }
        (built, text) => panic!("{what}: {built:?} and {text:?}"),
    };
    assert!(!shown.contains("name: canary") && !shown.contains("root:x:"), "{what}: {shown}");
    built
}

#[test]
fn no_field_of_a_kustomization_reads_a_byte_from_outside_the_tree() {
    for Field { name, kustomization, .. } in &FIELDS {
        for way in ways_out() {
            let source = source(&kustomization(way));
            for options in options("apps/site") {
                let what = format!("{name}: {way:?} ({:?})", options.load_restrictor);
                // `~` is a generator of nothing: null, as it stands.
                if let Ok(built) = built(&source, &options, &what) {
                    assert!(way == "~" && built.objects.len() < 2, "{what}: {built:?}");
                }
            }
        }
    }
}

#[test]
fn each_of_these_fields_reads_what_is_inside() {
    for Field { name, kustomization, inside: (path, content) } in &FIELDS {
        let path = format!("apps/site/{path}");
        let source = source(&kustomization("inside")).with(&path, *content);
        for options in options("apps/site") {
            let built = built(&source, &options, name).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(built.files.contains(&path), "{name}: read {:?}", built.files);
        }
    }
}

#[test]
fn a_chart_is_refused_whatever_files_it_names() {
    for (kustomization, way) in CHARTS.iter().flat_map(|chart| ways_out().map(move |way| (chart(way), way))) {
        let source = source(&kustomization);
        for options in options("apps/site") {
            let error = built(&source, &options, way).expect_err(&kustomization);
            assert!(matches!(error, Error::HelmRefused { .. }), "{kustomization}: {error}");
        }
    }
}

#[test]
fn components_of_a_flux_kustomization_stay_in_the_tree() {
    for way in ways_out() {
        for ignore_missing_components in [false, true] {
            let source = source("resources: [a.yaml]\n");
            let flux = Flux { components: vec![way.to_owned()], ignore_missing_components, ..Flux::default() };
            let options = Options { path: "apps/site".to_owned(), flux: Some(flux), ..Options::default() };
            if let Ok(built) = built(&source, &options, way) {
                assert!(ignore_missing_components, "{way}");
                assert_eq!(
                    built.files.iter().collect::<Vec<_>>(),
                    ["apps/site/a.yaml", "apps/site/kustomization.yaml"]
                );
            }
        }
    }
}

#[test]
fn a_directory_without_a_kustomization_is_searched_and_its_links_are_not_followed_out() {
    for (link, target, _) in LINKS_OUT.iter().filter(|(link, ..)| !link.contains("..")) {
        for name in ["", ".yaml", "/kustomization.yaml"] {
            let path = format!("apps/site/{link}{name}");
            let target = if name.starts_with('/') { format!("../{target}") } else { (*target).to_owned() };
            let source = Source::default().with("apps/site/a.yaml", OBJECT_A).link(&path, &target);
            for options in options("apps/site").filter(|options| options.flux.is_some()) {
                if let Ok(built) = built(&source, &options, &path) {
                    assert_eq!(built.files.iter().collect::<Vec<_>>(), ["apps/site/a.yaml"], "{path} -> {target}");
                }
            }
        }
    }
}

#[test]
fn the_path_of_a_build_stops_at_the_root() {
    let source = Source::default()
        .with("a/kustomization.yaml", "resources: [a.yaml]\n")
        .with("a/a.yaml", OBJECT_A)
        .link("a/out", "../../outside")
        .link("out", "/outside");
    for path in ["a", "./a/", "/a", "../a", "../../a", "a/../a", "a/.", "//a//"] {
        for options in options(path) {
            assert_eq!(built(&source, &options, path).map(|built| built.objects.len()), Ok(1), "{path}");
        }
    }
    for path in ["b", "a/b", "/etc", "../../etc/passwd", "a\u{0}", "%61", "~", "out", "a/out", "out/outside"] {
        for options in options(path) {
            let not_found = Error::PathNotFound { path: path.to_owned() };
            assert_eq!(built(&source, &options, path).map(|built| built.files), Err(not_found), "{path}");
        }
    }
    for options in options("a/a.yaml") {
        let no_directory = Error::PathNotDirectory { path: "a/a.yaml".to_owned() };
        assert_eq!(built(&source, &options, "").map(|built| built.files), Err(no_directory));
    }
}
