//! docs/HAZARDS.md names the test that guards each loss: the tests exist.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test, which reads the tree")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[test]
fn every_test_that_the_page_names_exists() {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let root = Path::new(&here).parent().unwrap();
    let mut tests = BTreeSet::new();
    for group in ["crds", "core", "engine", "controllers", "fleet", "tests"] {
        collect(&root.join(group), &mut tests);
    }
    let page = std::fs::read_to_string(root.join("docs/HAZARDS.md")).unwrap();
    let rows =
        page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| hazard") && !line.contains("---"));
    let mut missing = Vec::new();
    for row in rows {
        let guards = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<_> = guards.split('`').skip(1).step_by(2).filter(|name| !name.contains('-')).collect();
        if named.is_empty() {
            missing.push(format!("no test is named: {row}"));
        }
        missing
            .extend(named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("there is no test {name}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The names of all functions below a folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for path in entries(folder) {
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let functions = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            names.extend(functions.map(str::to_string));
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
