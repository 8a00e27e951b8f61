//! The rules, as tables of cases in rules/: an object as a user sees it, its health and the message.
#![expect(clippy::disallowed_methods, reason = "reads cases")]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use thalweg_health::assess;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    object: Map<String, Value>,
    health: String,
    message: String,
}

#[test]
fn every_case_is_judged_as_the_tables_say() {
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let mut count = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules")).unwrap() {
        let path = entry.unwrap().path();
        let cases: Vec<Case> = serde_yaml::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in cases {
            let assessment = assess(&case.object, now);
            let answer = (assessment.health.to_string(), assessment.message);
            assert_eq!(answer, (case.health, case.message), "{}: {}", path.display(), case.name);
            count += 1;
        }
    }
    assert!(count > 60, "only {count} cases were found");
}
