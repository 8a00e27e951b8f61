//! The printers against what kustomize printed: testdata/yaml-print, some files a case.
#![expect(clippy::disallowed_methods, reason = "reads cases")]
#![expect(clippy::unwrap_used, reason = "a test stops where its files are not as expected")]

mod tree;

use std::fs;
use std::path::{Path, PathBuf};

use thalweg_yaml::kyaml::{self, Node, ReadOptions, write};
use thalweg_yaml::print;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/yaml-print");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    cases.sort();
    cases
}

fn node_of(path: &Path) -> Node {
    tree::node_of(&serde_json::from_slice(&fs::read(path.with_extension("tree")).unwrap()).unwrap())
}

fn check(path: &Path) -> Result<(), String> {
    let node = node_of(path);
    let text = write(&node);
    let expected = fs::read_to_string(path.with_extension("text")).unwrap();
    if text != expected {
        return Err(format!("go-yaml v3 writes\n{expected}\nand we\n{text}"));
    }
    check_object(&node, path)?;
    let options = ReadOptions { comments: true, ..ReadOptions::default() };
    let read = kyaml::read("case", &fs::read(path).unwrap(), &options).map_err(|error| error.to_string())?;
    check_object(read.first().ok_or("nothing is read")?, path).map_err(|why| format!("after it was read: {why}"))
}

fn check_object(node: &Node, path: &Path) -> Result<(), String> {
    let mut printed = String::new();
    let error = print::object(node, &mut printed).err();
    match (fs::read_to_string(path.with_extension("out")), error) {
        (Ok(expected), None) if printed == expected => Ok(()),
        (Ok(expected), None) => Err(format!("kustomize prints\n{expected}\nand we\n{printed}")),
        (Ok(_), Some(error)) => Err(format!("kustomize prints it: {error}")),
        (Err(_), Some(_)) => Ok(()),
        (Err(_), None) => Err(format!("kustomize refuses it, and we print\n{printed}")),
    }
}

#[test]
fn every_case_is_printed_and_written_as_recorded() {
    let cases = cases();
    assert!(cases.len() >= 25, "testdata/yaml-print holds only {} cases", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|path| check(path).err().map(|why| format!("{}: {why}", path.file_name().unwrap().display())))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn an_error_says_where_and_what() {
    let cases = cases();
    let refused = cases.iter().filter(|path| path.file_stem().unwrap().to_str().unwrap().starts_with("error-"));
    let messages: Vec<String> = refused
        .map(|path| {
            print::object(&node_of(path), &mut String::new()).map_or_else(|error| error.to_string(), |()| String::new())
        })
        .collect();
    let expected = [
        "metadata.annotations: the key \"true\" is a boolean, not a text: quote it",
        "data.a: the control character U+007F is not allowed",
        "data.a: .inf cannot be said in JSON",
        "data.kkkk: a key of 1023 characters is too long: 1022 are allowed",
        "data.a: a line that begins with `---` or `...` cannot follow the character U+0085",
        "data: the key \"1\" is a number, not a text: quote it",
        "data.b: the key \"c\" stands twice in this mapping",
        "data.a: a text of several lines that begins with a tab cannot be written as a block: put it in double quotes",
        "data.a: the time zone of \"2001-12-14T21:59:43+24:00\" is beyond 23 hours",
        "data.a: \"x\" is a text and cannot be read as !!int",
    ];
    let messages: Vec<String> = messages.iter().map(|message| message.replace(&"k".repeat(1023), "kkkk")).collect();
    assert_eq!(messages, expected);
}

#[test]
fn objects_are_separated() {
    let node = node_of(&cases().remove(0).with_file_name("metadata-none.yaml"));
    let mut printed = String::new();
    print::objects([&node, &node], &mut printed).unwrap();
    assert_eq!(
        printed,
        "apiVersion: v1\nkind: FooList\nmetadata: {}\n---\napiVersion: v1\nkind: FooList\nmetadata: {}\n"
    );
}
