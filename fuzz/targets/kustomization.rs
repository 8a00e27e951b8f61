//! `cargo xtask fuzz kustomization`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thalweg_fuzz::kustomization(bytes));
