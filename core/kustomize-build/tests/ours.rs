//! What no reference says, of the cases of testdata/kustomize that are ours: where each object comes from, which files were
//! read, and what the controller refuses although kustomize builds it.
#![expect(clippy::disallowed_methods, reason = "reads cases and, with UPDATE_EXPECT, writes them")]
#![expect(clippy::unwrap_used, reason = "a test stops where its files are not as expected")]

#[expect(dead_code, reason = "what the reference said is for the other tests")]
mod cases;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use thalweg_kustomize_build::{Error, Flux, LoadRestrictor, Options, build};

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

fn check(case: &Path) -> Result<(), String> {
    let mut tree = BTreeMap::new();
    files(&case.join("input"), "", &mut tree);
    let path = fs::read_to_string(case.join("path")).map(|path| path.trim().to_owned()).unwrap_or_default();
    let flux = Some(Flux::default());
    let options = Options { path, load_restrictor: LoadRestrictor::None, flux, ..Options::default() };
    let (name, answer) = match build(&tree, &options) {
        Err(error) => ("message.txt", chain(&error)),
        Ok(built) => {
            let objects = built.objects.iter().map(|object| format!("{} {}\n", object.origin(), object.id().subject()));
            let read = built.files.iter().map(|file| format!("read {file}\n"));
            ("objects.txt", objects.chain(read).collect())
        }
    };
    let file = case.join(name);
    if file.exists() && std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&file, &answer).unwrap();
    }
    let expected = fs::read_to_string(&file).map_err(|_| format!("no {name} is expected, answered {answer}"))?;
    if answer == expected { Ok(()) } else { Err(format!("expected {expected}answered {answer}")) }
}

#[test]
fn every_folder_of_ours_builds_to_what_is_expected() {
    let folders = fs::read_dir(cases::root()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = folders.filter(|path| path.is_dir() && cases::is_ours(path)).collect();
    cases.sort();
    assert!(cases.len() >= 10, "testdata/kustomize holds only {} cases of ours", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{}: {why}", case.file_name().unwrap().display())))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
