//! The whole system as a specification, run against a real control plane by `cargo xtask conformance`.
//!
//! There is nothing here but tests: `tests/conformance/` is one program, so that they share one control plane.
