//! Folders in, objects out: testdata/kustomize, a folder a case.
#![expect(clippy::disallowed_methods, reason = "reads cases and, with UPDATE_EXPECT, writes them")]
#![expect(clippy::unwrap_used, reason = "a test stops where its files are not as expected")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thalweg_kustomize_build::{Error, Options, build};
use thalweg_yaml::{Limits, read};

fn files(folder: &Path, prefix: &str, tree: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            files(&path, &format!("{name}/"), tree);
        } else {
            tree.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// The error and its causes, as the edge prints them.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text + "\n"
}

/// Kubectl sorts what it prints, so the order is not compared here.
fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(Value::to_string);
    objects
}

fn expect(path: &Path, answer: &str, made_by_us: bool) -> Result<String, String> {
    if made_by_us && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, answer).unwrap();
    }
    fs::read_to_string(path).map_err(|_| format!("{} is missing; answered {answer}", path.display()))
}

fn check(case: &Path) -> Result<(), String> {
    let mut tree = BTreeMap::new();
    files(&case.join("input"), "", &mut tree);
    let path = fs::read_to_string(case.join("path")).map(|path| path.trim().to_owned()).unwrap_or_default();
    let by_kubectl = case.join("expected.yaml");
    match build(&tree, &Options { path }) {
        Err(error) if by_kubectl.exists() => Err(chain(&error)),
        Err(error) => {
            let answer = chain(&error);
            let expected = expect(&case.join("error.txt"), &answer, true)?;
            if answer == expected { Ok(()) } else { Err(format!("expected {expected}answered {answer}")) }
        }
        Ok(built) if by_kubectl.exists() => {
            let expected = read("expected.yaml", &fs::read(by_kubectl).unwrap(), &Limits::default()).unwrap();
            let expected = sorted(expected.iter().map(|document| document.root.to_json()).collect());
            let objects = sorted(built.objects.iter().map(|object| object.to_json()).collect());
            if objects == expected { Ok(()) } else { Err(format!("expected {expected:?}, answered {objects:?}")) }
        }
        Ok(built) => {
            let mut answer = String::new();
            for object in &built.objects {
                answer += &format!("{} {}\n", object.origin(), object.id().subject());
            }
            for file in &built.files {
                answer += &format!("read {file}\n");
            }
            if case.join("error.txt").exists() {
                return Err(format!("expected an error, answered {answer}"));
            }
            let expected = expect(&case.join("objects.txt"), &answer, true)?;
            if answer == expected { Ok(()) } else { Err(format!("expected {expected}answered {answer}")) }
        }
    }
}

#[test]
fn every_folder_builds_to_what_is_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/kustomize");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() > 30, "testdata/kustomize holds only {} cases", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{}: {why}", case.file_name().unwrap().display())))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
