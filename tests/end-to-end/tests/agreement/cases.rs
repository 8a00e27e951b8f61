//! The sequences of testdata/agreement: one namespace each, all at once.

use futures::{StreamExt, stream};
use serde::Deserialize;

use crate::ground::{ground, testdata};
use crate::step::Step;

/// Sequences in flight.
const AT_ONCE: usize = 16;

/// A named sequence of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    steps: Vec<Step>,
}

#[tokio::test(flavor = "multi_thread")]
async fn both_servers_answer_the_recorded_sequences_alike() {
    let wanted = std::env::var("AGREEMENT_CASE").unwrap_or_default();
    let ground = &ground().await;
    let cases: Vec<(String, Case)> =
        read().into_iter().filter(|(file, case)| format!("{file} {}", case.name).contains(&wanted)).collect();
    assert!(!cases.is_empty(), "AGREEMENT_CASE names no case");
    let results = stream::iter(cases.iter().enumerate()).map(|(index, (file, case))| async move {
        let namespace = format!("case-{index}-agreement");
        ground.namespace(&namespace).await;
        (file, case, ground.run(&namespace, &case.steps, true).await)
    });
    let results: Vec<_> = results.buffer_unordered(AT_ONCE).collect().await;
    let steps: usize = results.iter().map(|(_, _, outcome)| outcome.steps).sum();
    let mut differing = 0;
    for (file, case, outcome) in &results {
        if let Some(difference) = &outcome.difference {
            differing += 1;
            println!("{file}: {}\n  {difference}", case.name);
        }
    }
    println!("{} sequences, {steps} requests, {differing} differ", results.len());
    assert_eq!(differing, 0, "of {} sequences", results.len());
}

fn read() -> Vec<(String, Case)> {
    let mut files: Vec<_> =
        std::fs::read_dir(testdata("agreement/cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let read: Vec<Case> = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        cases.extend(read.into_iter().map(|case| (name.clone(), case)));
    }
    cases
}
