//! Finalizers.

/// The finalizer of every Flux kind, and of ours.
pub const FLUX: &str = "finalizers.fluxcd.io";

/// The finalizer of a FluxConfiguration.
pub const CONFIGURATION: &str = "thalweg.dev/configuration";
