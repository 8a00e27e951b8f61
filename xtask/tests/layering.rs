//! The folder tree is the layering: a crate uses the groups above its own, and inside its group the edges listed here.
//!
//! Read from `cargo tree`, crate by crate, because `cargo metadata` unifies features and shows edges that are not there.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which asks cargo")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// From the top: a group may use those before it.
const GROUPS: [&str; 9] = ["crds", "core", "apiserver", "engine", "controllers", "fleet", "tests", "benches", "xtask"];

/// Who may use whom inside a group; `*` is every crate of it.
const INSIDE: [(&str, &str); 14] = [
    ("core/cel", "core/schema"),
    ("core/health", "core/manifest"),
    ("core/kustomize-build", "core/manifest"),
    ("core/kustomize-build", "core/yaml"),
    ("core/merge", "core/schema"),
    ("core/plan", "core/manifest"),
    ("engine/apply", "engine/kubernetes"),
    ("controllers/*", "controllers/runtime"),
    ("fleet/hub", "fleet/protocol"),
    ("fleet/agent", "fleet/protocol"),
    ("fleet/cli", "fleet/agent"),
    ("fleet/cli", "fleet/hub"),
    ("fleet/cli", "fleet/protocol"),
    ("tests/*", "tests/harness"),
];

/// Network, disk, clock, randomness, async and logging: nothing of these is below core/.
const IMPURE: [&str; 24] = [
    "async-std",
    "axum",
    "fs-err",
    "futures",
    "getrandom",
    "gix",
    "hyper",
    "hyper-util",
    "ignore",
    "kube",
    "kube-client",
    "kube-runtime",
    "log",
    "mio",
    "nix",
    "rand",
    "reqwest",
    "rustls",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tracing",
    "walkdir",
];

/// What only the crates of one folder may use.
const DOORS: [(&str, &[&str]); 6] = [
    ("gix", &["engine/git"]),
    ("sqlx", &["fleet/hub"]),
    ("nix", &["benches", "tests/demo", "tests/end-to-end", "tests/harness"]),
    ("thalweg-apiserver", &["fleet/cli", "tests/demo", "tests/end-to-end", "tests/harness"]),
    ("thalweg-harness", &["tests/demo", "tests/end-to-end"]),
    ("clap", &["benches", "fleet/cli", "tests/demo", "xtask"]),
];

#[test]
fn a_crate_uses_the_groups_above_its_own() {
    let mut faults = Vec::new();
    for (package, folder) in &WORKSPACE.folders {
        for used in &WORKSPACE.trees[package].direct {
            let Some(used_folder) = WORKSPACE.folders.get(used) else { continue };
            if group(folder) == group(used_folder) {
                if !INSIDE.iter().any(|(from, to)| matches(from, folder) && matches(to, used_folder)) {
                    faults.push(format!("{folder} uses {used_folder}: no edge listed inside {}/", group(folder)));
                }
            } else if rank(used_folder) > rank(folder) {
                faults.push(format!("{folder} uses {used_folder}, which is below it"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn core_is_pure() {
    let mut faults = Vec::new();
    for (package, folder) in WORKSPACE.folders.iter().filter(|(_, folder)| group(folder) == "core") {
        let all = &WORKSPACE.trees[package].all;
        let found = IMPURE.iter().filter(|name| all.contains(**name));
        faults.extend(found.map(|name| format!("{folder} has {name} below it")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_kubernetes_contract_needs_no_client() {
    let all = &WORKSPACE.trees["thalweg-crds"].all;
    for client in ["kube", "kube-client", "kube-runtime", "tokio", "hyper"] {
        assert!(!all.contains(client), "crds/ has {client} below it: it uses kube-core and kube-derive alone");
    }
}

#[test]
fn an_outside_thing_has_one_door() {
    let mut faults = Vec::new();
    for (package, folder) in &WORKSPACE.folders {
        let direct = &WORKSPACE.trees[package].direct;
        for (name, allowed) in DOORS {
            if direct.contains(name) && !allowed.contains(&folder.as_str()) {
                faults.push(format!("{folder} uses {name}, which belongs to {}", allowed.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_crates_own_tests_use_the_harness() {
    for (package, uses) in &WORKSPACE.declared {
        let folder = &WORKSPACE.folders[package];
        assert!(group(folder) == "tests" || !uses.contains("thalweg-harness"), "{folder} uses tests/harness");
    }
}

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(Workspace::read);

struct Workspace {
    /// Package → folder, such as `core/plan`.
    folders: BTreeMap<String, String>,
    /// Package → what its manifest names, for whatever purpose.
    declared: BTreeMap<String, BTreeSet<String>>,
    /// Package → what is linked into it.
    trees: BTreeMap<String, Tree>,
}

#[derive(Default)]
struct Tree {
    direct: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Workspace {
    fn read() -> Workspace {
        let metadata = cargo(&["metadata", "--no-deps", "--format-version=1", "--offline"]);
        let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
        let (mut folders, mut declared) = (BTreeMap::new(), BTreeMap::new());
        for package in metadata["packages"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap().to_string();
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap().to_str().unwrap().to_string();
            let uses = package["dependencies"].as_array().unwrap().iter();
            declared.insert(name.clone(), uses.map(|used| used["name"].as_str().unwrap().to_string()).collect());
            folders.insert(name, folder);
        }
        let trees = folders.keys().map(|name| (name.clone(), Tree::read(name))).collect();
        Workspace { folders, declared, trees }
    }
}

impl Tree {
    fn read(package: &str) -> Tree {
        let edges = ["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", " {p}", "--offline"];
        let printed = cargo(&[&["tree", "--package", package][..], &edges].concat());
        let mut tree = Tree::default();
        for line in printed.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let [depth, name, ..] = words[..] else { continue };
            match depth {
                "0" => continue,
                "1" => drop(tree.direct.insert(name.to_string())),
                _ => {}
            }
            tree.all.insert(name.to_string());
        }
        tree
    }
}

fn group(folder: &str) -> &str {
    folder.split('/').next().unwrap()
}

fn rank(folder: &str) -> usize {
    let position = GROUPS.iter().position(|name| *name == group(folder));
    position.unwrap_or_else(|| panic!("{folder} is in no group: say in this test where {}/ stands", group(folder)))
}

fn matches(pattern: &str, folder: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == folder, |prefix| folder.starts_with(prefix))
}

fn root() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).parent().unwrap().to_path_buf()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
