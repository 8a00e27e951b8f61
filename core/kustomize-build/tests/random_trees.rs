//! The random trees: the same for a seed, of everything, and mostly such that they build.
#![expect(clippy::disallowed_methods, reason = "one test asks the reference, another writes trees for a person")]
#![expect(clippy::unwrap_used, reason = "a test stops where its programs are not as expected")]

#[path = "native/class.rs"]
mod answered;
#[path = "cases/class.rs"]
mod class;
mod random;
#[path = "../../../tests/reference/program.rs"]
mod reference;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use thalweg_kustomize_build::{Options, render};

#[test]
fn a_seed_means_one_tree() {
    for seed in 0..20 {
        assert_eq!(random::tree(seed), random::tree(seed));
    }
    assert_ne!(random::tree(1), random::tree(2));
}

#[test]
fn every_feature_occurs() {
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..1000 {
        let tree = random::tree(seed);
        assert!(tree.contains_key(&format!("{}/kustomization.yaml", random::TOP)));
        for feature in random::features(&tree) {
            *count.entry(feature).or_default() += 1;
        }
    }
    for feature in random::FIELDS.iter().chain(&random::OF_INTEREST) {
        assert!(count.get(*feature).is_some_and(|count| *count >= 5), "{feature}: {:?}", count.get(*feature));
    }
}

/// Ours and the reference: the same text, or errors of the same class. `RANDOM_TREES` says how many, `RANDOM_TREES_FIRST` which
/// seed is the first; in the folder `RANDOM_TREES_FOLDER` each tree and its answer is kept.
#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn most_trees_build_and_all_build_alike() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, count) = (number("RANDOM_TREES_FIRST", 0), number("RANDOM_TREES", 500));
    let mut failures: BTreeMap<&str, u32> = BTreeMap::new();
    let mut differing = Vec::new();
    for (seed, answer) in (first..first + count).zip(ask(first..first + count)) {
        let Some(expected) = expected(&answer) else {
            differing.push(format!("seed {seed}: no class for {}", answer["stderr"]));
            continue;
        };
        if let Err(class) = expected {
            *failures.entry(class).or_default() += 1;
        }
        let options = Options { path: random::TOP.to_owned(), ..Options::default() };
        let ours = render(&random::tree(seed), &options).map(|rendered| rendered.text);
        let difference = match (&ours, expected) {
            (Ok(ours), Ok(theirs)) => differing_line(ours, theirs),
            (Ok(_), Err(class)) => Some(format!("built, should fail as {class}: {}", answer["stderr"])),
            (Err(error), Ok(_)) => Some(format!("failed: {error:?}")),
            (Err(error), Err(class)) => {
                let ours = answered::class(error);
                (ours != class)
                    .then(|| format!("failed as {ours}, should fail as {class}: {error:?}: {}", answer["stderr"]))
            }
        };
        differing.extend(difference.map(|difference| format!("seed {seed}: {difference}")));
    }
    assert!(differing.is_empty(), "{} of {count} differ:\n{}", differing.len(), differing.join("\n"));
    let built = count - u64::from(failures.values().sum::<u32>());
    println!("{built} of {count} build; {failures:?}");
    assert!(built * 10 >= count * 6, "{built} of {count} build");
}

/// What the reference printed, or the class of its error.
fn expected(answer: &Value) -> Option<Result<&str, &'static str>> {
    match answer["status"] == 0 {
        true => answer["stdout"].as_str().map(Ok),
        false => class::Class::of_stderr(answer["stderr"].as_str()?).map(|class| Err(class.word())),
    }
}

/// The first line in which two texts differ.
fn differing_line(ours: &str, theirs: &str) -> Option<String> {
    let equal = ours.lines().zip(theirs.lines()).take_while(|(ours, theirs)| ours == theirs).count();
    let line = |text: &str| text.lines().nth(equal).map(str::to_owned);
    (ours != theirs).then(|| format!("line {}: ours {:?}, theirs {:?}", equal + 1, line(ours), line(theirs)))
}

fn ask(seeds: std::ops::Range<u64>) -> Vec<Value> {
    let judge = reference::program("kustomize-judge");
    let mut child = Command::new(judge).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let asked = seeds.clone();
    let writer = std::thread::spawn(move || {
        for seed in asked {
            writeln!(input, "{}", json!({"files": random::tree(seed), "path": random::TOP})).unwrap();
        }
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    if let Ok(folder) = std::env::var("RANDOM_TREES_FOLDER") {
        for (seed, answer) in seeds.zip(&answers) {
            keep(&format!("{folder}/{seed}"), &random::tree(seed), answer);
        }
    }
    answers
}

fn keep(folder: &str, tree: &BTreeMap<String, String>, answer: &Value) {
    let mut files: BTreeMap<String, &str> =
        tree.iter().map(|(path, text)| (format!("input/{path}"), text.as_str())).collect();
    for part in ["stdout", "stderr"] {
        files.insert(part.to_owned(), answer[part].as_str().unwrap());
    }
    for (path, text) in files {
        let path = std::path::PathBuf::from(format!("{folder}/{path}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
