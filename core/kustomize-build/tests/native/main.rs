//! Trees in, text out: every case of testdata/kustomize that the real program has judged, to the byte.
#![expect(clippy::disallowed_methods, reason = "with UPDATE_EXPECT, writes messages")]

#[expect(dead_code, reason = "what the reference said beyond its output is checked by tests/reference.rs")]
#[path = "../cases/mod.rs"]
mod cases;
mod class;
mod flux;

use std::collections::BTreeMap;

use cases::{Case, Expected, File};
use thalweg_kustomize_build::{Entry, Error, LoadRestrictor, Options, Reorder, Tree, build, render};
use thalweg_yaml::{Limits, read};

/// The input of a case.
struct Files<'c>(&'c BTreeMap<String, File>);

impl Tree for Files<'_> {
    fn entry(&self, path: &str) -> Option<Entry<'_>> {
        match self.0.get(path) {
            Some(File::Content(content)) => return Some(Entry::File(content)),
            Some(File::Link(target)) => return Some(Entry::Link(target.clone())),
            None => {}
        }
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let below = self.0.keys().filter_map(|file| file.strip_prefix(&prefix));
        let mut names: Vec<String> = below.filter_map(|rest| rest.split('/').next()).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        (path.is_empty() || !names.is_empty()).then_some(Entry::Directory(names))
    }
}

fn options(case: &Case) -> Options {
    let mut options = Options { path: case.path.clone(), ..Options::default() };
    if let Some(text) = &case.flux {
        options.flux = Some(flux::flux(text));
        options.load_restrictor = LoadRestrictor::None;
    }
    let flags: Vec<&str> = case.flags.iter().map(|flag| flag.as_ref()).collect();
    for flag in flags.chunks_exact(2) {
        match flag {
            ["--load-restrictor", "LoadRestrictionsNone"] => options.load_restrictor = LoadRestrictor::None,
            ["--load-restrictor", "LoadRestrictionsRootOnly"] => options.load_restrictor = LoadRestrictor::RootOnly,
            ["--reorder", "legacy"] => options.reorder = Reorder::Legacy,
            ["--reorder", "none"] => options.reorder = Reorder::None,
            other => panic!("{}: unknown flag {other:?}", case.name()),
        }
    }
    options
}

/// A Flux Kustomization of v1 cannot have the fields of this case.
const EXCEPT: [&str; 1] = ["flux-json-6902-and-strategic-merge-of-old"];

/// The error and its causes, as the edge prints them.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

fn check(case: &Case) -> Result<(), String> {
    let (tree, options) = (Files(&case.tree), options(case));
    let built = match options.flux {
        // The controller wants objects that a cluster takes.
        Some(_) => build(&tree, &options).and_then(|_| render(&tree, &options)),
        None => render(&tree, &options),
    };
    if built.is_err() && build(&tree, &options).is_ok() {
        return Err("it cannot be printed, but there are objects to apply".to_owned());
    }
    match (built.map(|rendered| rendered.text), &case.expected) {
        (Ok(text), Expected::Output(expected)) if text == *expected => applied(case, &tree, &options),
        (Ok(text), Expected::Output(expected)) => Err(difference(expected, &text)),
        (Err(error), Expected::Output(_)) => Err(format!("failed: {}", chain(&error))),
        (Ok(_), Expected::Failure { class, .. }) => Err(format!("built, but should fail as {}", class.word())),
        (Err(error), Expected::Failure { class, .. }) => match class::class(&error) {
            answered if answered == class.word() => said(case, &chain(&error)),
            answered => Err(format!("failed as {answered}, should fail as {}: {}", class.word(), chain(&error))),
        },
    }
}

/// What is applied is what the text says, as Flux's controller reads it.
fn applied(case: &Case, tree: &Files<'_>, options: &Options) -> Result<(), String> {
    let Expected::Output(text) = &case.expected else { return Ok(()) };
    // No cluster takes an object without apiVersion, but it can be printed.
    let Ok(built) = build(tree, options) else { return Ok(()) };
    let said = read("expected.yaml", text.as_bytes(), &Limits::default()).map_err(|error| error.to_string())?;
    let ours = |object: &serde_json::Value| {
        let group = object["apiVersion"].as_str().and_then(|version| version.split_once('/'));
        options.flux.is_some() && group.is_some_and(|(group, _)| group == "kustomize.config.k8s.io")
    };
    let said: Vec<_> = said.iter().map(|document| document.root.to_json()).filter(|object| !ours(object)).collect();
    let objects: Vec<_> = built.objects.iter().map(|object| object.to_json()).collect();
    if objects == said { Ok(()) } else { Err(format!("should apply {said:?}, applies {objects:?}")) }
}

/// Compares the message with that of the case, where it has one; `UPDATE_EXPECT` writes it.
fn said(case: &Case, message: &str) -> Result<(), String> {
    let Some(expected) = &case.message else { return Ok(()) };
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(case.folder.join("message.txt"), format!("{message}\n")).map_err(|error| error.to_string())?;
        return Ok(());
    }
    if expected.trim_end() == message { Ok(()) } else { Err(format!("should say\n{expected}says\n{message}")) }
}

/// The first lines that differ.
fn difference(expected: &str, text: &str) -> String {
    let (mut left, mut right) = (expected.lines(), text.lines());
    for line in 1.. {
        match (left.next(), right.next()) {
            (Some(one), Some(other)) if one == other => {}
            (None, None) => break,
            (one, other) => return format!("line {line}: expected {one:?}, answered {other:?}"),
        }
    }
    "line ends differ".to_owned()
}

#[test]
fn every_tree_is_built_as_kustomize_builds_it() {
    let cases = cases::all().expect("every folder is a case");
    let judged = cases.iter().filter(|case| !EXCEPT.contains(&case.name()));
    let failures: Vec<String> =
        judged.filter_map(|case| check(case).err().map(|why| format!("{}: {why}", case.name()))).collect();
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
