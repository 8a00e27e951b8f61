use std::collections::BTreeMap;

use thalweg_yaml::Position;

use super::*;
use crate::Entry;

/// Files and links.
#[derive(Default)]
pub(crate) struct Files {
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
}

impl Files {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        Self { files, links: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, path: &str, content: &[u8]) -> Self {
        self.files.insert(path.to_owned(), content.to_vec());
        self
    }

    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.files.insert(path.to_owned(), Vec::new());
        self.links.insert(path.to_owned(), target.to_owned());
        self
    }
}

impl Tree for Files {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        match self.links.get(path) {
            Some(target) => Some(Entry::Link(target.clone())),
            None => self.files.entry(path),
        }
    }
}

/// A tree that begins where the file system does.
struct FileSystem(Files);

impl Tree for FileSystem {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        self.0.entry(path)
    }

    fn file_system(&self) -> Option<&str> {
        Some("")
    }
}

pub(crate) fn somewhere() -> Place {
    Place { file: "k".to_owned(), position: Position { line: 1, column: 1 } }
}

pub(crate) fn loader<'t>(tree: &'t Files, directory: &str, restriction: Restriction) -> Loader<'t> {
    Loader::new(tree, directory, restriction, Limits::default()).unwrap()
}

/// Why a file, or else a directory, could not be had.
fn refusal<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "found".to_owned(),
        Err(Error::CannotLoad { obstacle, .. }) => obstacle.to_string(),
        Err(error) => error.to_string(),
    }
}

fn tree() -> Files {
    Files::new(&[
        ("app/kustomization.yaml", "resources: [a.yaml]"),
        ("app/a.yaml", "kind: A\nmetadata: {name: a}\n"),
        ("app/deep/a.yaml", "kind: A\nmetadata: {name: a}\n"),
        ("app/deep/kustomization.yaml", "resources: [a.yaml]"),
        ("base/kustomization.yaml", "resources: [a.yaml]"),
        ("base/a.yaml", "kind: A\nmetadata: {name: a}\n"),
        ("app/bad.yaml", "kind: [\n"),
        ("app/github.com/org/repository/kustomization.yaml", "resources: []"),
        ("app/gh:org/kustomization.yaml", "resources: []"),
    ])
    .link("app/to-base.yaml", "../base/a.yaml")
    .link("app/to-base", "../base")
    .link("app/to-deep.yaml", "deep/a.yaml")
    .link("app/to-self", ".")
    .link("app/out", "../../elsewhere")
}

#[test]
fn files_lie_in_the_directory_or_below_unless_the_whole_tree_is_free() {
    let tree = tree();
    let strict = loader(&tree, "app", Restriction::Directory);
    let free = loader(&tree, "app", Restriction::Tree);
    let outside = "security: the file is not in or below 'app'";
    for (entry, strictly, freely) in [
        ("a.yaml", "found", "found"),
        ("./deep/../a.yaml", "found", "found"),
        ("deep/a.yaml", "found", "found"),
        ("../base/a.yaml", outside, "found"),
        ("to-base.yaml", outside, "found"),
        ("to-base/a.yaml", outside, "found"),
        ("to-deep.yaml", "found", "found"),
        ("../app/a.yaml", "found", "found"),
        ("deep", "this is a directory, not a file", "this is a directory, not a file"),
        ("", "this is a directory, not a file", "this is a directory, not a file"),
        ("no.yaml", "no such file or directory", "no such file or directory"),
        ("../../x", "the path leads outside of the source", "the path leads outside of the source"),
        ("out/x", "the path leads outside of the source", "the path leads outside of the source"),
        (
            "HTTPS://example.com/a.yaml",
            "nothing is fetched for a build: put it into the source",
            "nothing is fetched for a build: put it into the source",
        ),
    ] {
        assert_eq!(refusal(strict.file(entry, &somewhere())), strictly, "{entry}");
        assert_eq!(refusal(free.file(entry, &somewhere())), freely, "{entry}");
    }
}

#[test]
fn directories_lie_anywhere_but_not_above_those_that_refer_to_them() {
    let tree = tree();
    let top = loader(&tree, "app", Restriction::Directory);
    let fetched = "nothing is fetched for a build: put it into the source";
    for (entry, answer) in [
        ("../base", "found"),
        ("to-base", "found"),
        ("deep", "found"),
        (".", "k:1:1: cycle detected: app → app"),
        ("..", "k:1:1: cycle detected: app → ."),
        ("to-self", "k:1:1: cycle detected: app → app"),
        ("", "the path is empty"),
        ("/app", "the path must be relative to the directory of the kustomization"),
        ("a.yaml", "this is a file, not a directory"),
        ("nothing", "no such file or directory"),
        ("../..", "the path leads outside of the source"),
        ("github.com/org/repository", fetched),
        ("gh:org", "found"),
    ] {
        assert_eq!(refusal(top.directory(entry, &somewhere())), answer, "{entry}");
    }
    let deep = top.directory("deep", &somewhere()).unwrap();
    assert_eq!(refusal(deep.directory("..", &somewhere())), "k:1:1: cycle detected: app → app/deep → app");
}

#[test]
fn an_entry_of_resources_is_a_file_or_else_a_directory() {
    let tree = tree();
    let top = loader(&tree, "app", Restriction::Directory);
    let shown = |entry: &str| match top.resource(entry, &somewhere()) {
        Ok(Loaded::File(objects)) => format!("{} objects", objects.len()),
        Ok(Loaded::Base(base)) => base.root().to_owned(),
        Err(error) => refusal::<()>(Err(error)),
    };
    for (entry, answer) in [
        ("a.yaml", "1 objects"),
        ("../base", "base"),
        ("../base/a.yaml", "security: the file is not in or below 'app'"),
        ("nothing", "no such file or directory"),
        ("", "the path is empty"),
        ("github.com/org/repository", "nothing is fetched for a build: put it into the source"),
        ("git@example.com:org/x", "nothing is fetched for a build: put it into the source"),
    ] {
        assert_eq!(shown(entry), answer, "{entry}");
    }
    assert!(shown("bad.yaml").starts_with("failed to decode Kubernetes YAML from app/bad.yaml:"));
}

#[test]
fn a_directory_has_one_kustomization_file_that_may_be_a_link() {
    let tree = Files::new(&[
        ("one/Kustomization", "resources: []"),
        ("two/kustomization.yaml", "resources: []"),
        ("two/kustomization.yml", "resources: []"),
        ("none/kustomization.yaml/a", ""),
        ("linked/a", ""),
        ("empty/kustomization.yaml", "# nothing"),
        ("misspelt/Kustomization.yaml", "resources: []"),
    ])
    .link("linked/kustomization.yaml", "../one/Kustomization");
    for (directory, restriction, answer) in [
        ("one", Restriction::Directory, "found"),
        (
            "two",
            Restriction::Directory,
            "found multiple kustomization files in two: kustomization.yaml, kustomization.yml",
        ),
        (
            "none",
            Restriction::Directory,
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory 'none'",
        ),
        (
            "linked",
            Restriction::Directory,
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory 'linked'",
        ),
        ("linked", Restriction::Tree, "found"),
        (
            "misspelt",
            Restriction::Tree,
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory 'misspelt': \
             did you mean 'Kustomization.yaml'?",
        ),
        ("empty", Restriction::Tree, "empty/kustomization.yaml is empty"),
    ] {
        assert_eq!(refusal(loader(&tree, directory, restriction).kustomization(None)), answer, "{directory}");
    }
}

#[test]
fn what_was_read_is_noted_by_its_path_without_links() {
    let tree = tree();
    let top = loader(&tree, "app", Restriction::Tree);
    top.file("to-base.yaml", &somewhere()).unwrap();
    top.directory("deep", &somewhere()).unwrap().kustomization(None).unwrap();
    let read: Vec<String> = top.files_read().into_iter().collect();
    assert_eq!(read, ["app/deep/kustomization.yaml", "base/a.yaml"]);
}

#[test]
fn absolute_paths_name_files_of_a_file_system_and_never_bases() {
    let system = FileSystem(tree());
    for (restriction, entry, expected) in [
        (Restriction::Directory, "/app/a.yaml", "found"),
        (Restriction::Directory, "/base/../app//deep/a.yaml", "found"),
        (Restriction::Directory, "/base/a.yaml", "outside"),
        (Restriction::Tree, "/base/a.yaml", "found"),
        (Restriction::Tree, "/app/nothing.yaml", "missing"),
        (Restriction::Tree, "/base", "absolute"),
    ] {
        let loader = Loader::new(&system, "app", restriction, Limits::default()).unwrap();
        let answer = match loader.resource(entry, &somewhere()) {
            Ok(_) => "found",
            Err(Error::CannotLoad { obstacle: Obstacle::OutsideDirectory { .. }, .. }) => "outside",
            Err(Error::CannotLoad { obstacle: Obstacle::NotFound, .. }) => "missing",
            Err(Error::CannotLoad { obstacle: Obstacle::Absolute, .. }) => "absolute",
            Err(error) => panic!("{entry}: {error}"),
        };
        assert_eq!(answer, expected, "{entry} under {restriction:?}");
    }
    let artifact = tree();
    let loader = loader(&artifact, "app", Restriction::Tree);
    assert_eq!(refusal(loader.resource("/app/a.yaml", &somewhere())), Obstacle::Absolute.to_string());
}
