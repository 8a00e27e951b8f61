//! What is asked of arbitrary bytes: that nothing panics, and a few things that hold for every input.
//!
//! `cargo xtask fuzz` looks for bytes that break it; core/kustomize-build/tests/fuzz_corpus.rs, which takes these files in, asks
//! it of the bytes that are kept in fuzz/corpus.

mod builds;
mod files;
mod readers;

pub use builds::{kustomization, patches};
pub use readers::yaml;
