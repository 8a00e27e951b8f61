//! The inputs that are kept in fuzz/corpus, asked what `cargo xtask fuzz` asks of others.
#![expect(clippy::disallowed_methods, reason = "reads inputs")]

use std::panic::catch_unwind;
use std::path::Path;

#[expect(unreachable_pub, reason = "public for the targets of fuzz/")]
#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;

fn check(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let inputs = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut failing = Vec::new();
    for input in inputs {
        let path = input.expect("it is listed").path();
        let bytes = std::fs::read(&path).expect("it is a file");
        if catch_unwind(|| target(&bytes)).is_err() {
            failing.push(path.display().to_string());
        }
    }
    assert!(failing.is_empty(), "{}", failing.join("\n"));
}

#[test]
fn kept_texts_read_and_print_without_contradiction() {
    check("yaml", fuzz::yaml);
}

#[test]
fn kept_trees_build_without_contradiction() {
    check("kustomization", fuzz::kustomization);
}

#[test]
fn kept_patches_apply_without_contradiction() {
    check("patches", fuzz::patches);
}
