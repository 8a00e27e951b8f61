//! `cargo xtask fuzz yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| thalweg_fuzz::yaml(bytes));
