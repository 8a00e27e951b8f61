//! Random objects and patches against kustomize's own merge.

use serde_json::json;

use super::random_tests::pair;
use super::{Merged, set_text, strategic};
use crate::judge_tests::{Chance, Judge, difference, node};
use crate::schema::Schemas;

const PAIRS: u64 = 20_000;

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_patches_merge_as_in_kustomize() {
    let mut judge = Judge::start();
    let schemas = Schemas::builtin();
    let (mut compared, mut failures) = (0, 0);
    for seed in 0..PAIRS {
        let pair = pair(&mut Chance::new(seed));
        let answer = judge.ask(&json!({"way": "named", "target": pair.target, "patch": pair.patch}));
        if answer["unreadable"].is_string() {
            continue;
        }
        let mut ours = node(&answer["target"]);
        let patch = node(&answer["patches"][0]);
        let result = strategic(&patch, &mut ours, &schemas);
        let problem = match (result, answer["error"].as_str()) {
            (Err(_), Some(_)) => None,
            (Err(error), None) => Some(format!("we fail: {error}")),
            (Ok(_), Some(error)) => Some(format!("they fail: {error}")),
            (Ok(Merged::Deleted), None) => answer["result"].is_object().then(|| "we delete it".to_owned()),
            (Ok(Merged::Kept), None) if answer["result"].is_null() => Some("they delete it".to_owned()),
            (Ok(Merged::Kept), None) => {
                set_text(&mut ours, "kind", patch.get("kind").unwrap().as_str().unwrap());
                set_text(ours.get_mut("metadata").unwrap(), "name", "it");
                difference(&ours, &node(&answer["result"]), "")
            }
        };
        compared += 1;
        if let Some(problem) = problem {
            failures += 1;
            if failures <= 5 {
                println!("seed {seed}: {problem}\n--- target\n{}--- patch\n{}", pair.target, pair.patch);
            }
        }
    }
    println!("{compared} compared, {failures} differ");
    assert!(compared > PAIRS / 2);
    assert_eq!(failures, 0);
}
