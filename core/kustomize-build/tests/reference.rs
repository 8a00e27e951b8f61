//! What the reference says of testdata/kustomize, before anything of ours is compared with it.

mod cases;

use std::collections::BTreeMap;

use cases::{Case, Class, Expected, File};

/// Cases are small enough to be read by a person.
const CASE_BYTES_MAX: usize = 16 << 10;

#[test]
fn every_case_has_one_answer() {
    let cases = cases::all().expect("every folder is a case");
    let failing = cases.iter().filter(|case| matches!(case.expected, Expected::Failure { .. })).count();
    assert!(cases.len() > 500 && failing > 100, "{} cases, {failing} of them errors", cases.len());
    for case in &cases {
        check(case);
    }
}

fn check(case: &Case) {
    let (name, mut bytes) = (case.name(), 0);
    assert!(!case.tree.is_empty(), "{name} has no input");
    for (path, file) in &case.tree {
        match file {
            File::Content(content) => bytes += content.len(),
            File::Link(to) => assert!(!to.is_empty(), "{name}: {path} points nowhere"),
        }
    }
    assert!(bytes < CASE_BYTES_MAX, "{name} is large");
    assert!(!case.path.starts_with('/'), "{name} builds {}", case.path);
    assert!(case.flags.is_empty() || case.flux.is_none(), "{name} is for the command and for Flux");
    let fails = matches!(case.expected, Expected::Failure { .. });
    assert!(fails || case.message.is_none(), "{name} builds, so message.txt says nothing");
    match &case.expected {
        Expected::Output(text) => assert!(text.is_empty() || text.ends_with('\n'), "{name} ends without a line break"),
        Expected::Failure { status, .. } => assert!([1, 2].contains(status), "{name} ends with {status}"),
    }
}

#[test]
fn every_class_has_a_case() {
    let mut count: BTreeMap<Class, u32> = BTreeMap::new();
    for case in cases::all().expect("every folder is a case") {
        if let Expected::Failure { class, .. } = case.expected {
            *count.entry(class).or_default() += 1;
        }
    }
    let missing: Vec<&str> =
        Class::ALL.iter().filter(|(class, _)| !count.contains_key(class)).map(|(_, word)| *word).collect();
    assert!(missing.is_empty(), "no case fails with {missing:?}");
}

/// What is wrong is not said: neither the file, nor the transformer or patch; or kustomize crashes.
const UNTOLD: [&str; 6] = [
    "images-containers-of-texts",
    "images-image-is-a-mapping",
    "images-name-is-no-pattern",
    "refused-broken-kustomization",
    "transformers-value-add-below-a-scalar",
    "transformers-value-add-on-a-mapping",
];

/// Random trees are classed by what kustomize says; the cases, which a person has classed, tell whether that works.
#[test]
fn the_text_of_an_error_tells_its_class() {
    let mut wrong = Vec::new();
    for case in cases::all().expect("every folder is a case") {
        if let Expected::Failure { class, .. } = case.expected {
            let said = Class::of_stderr(&case.stderr());
            if said != Some(class) && !UNTOLD.contains(&case.name()) {
                wrong.push(format!("{}: {class:?}, but it says {said:?}: {}", case.name(), case.stderr()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
