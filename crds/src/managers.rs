//! Field managers: the names under which the API server records who wrote a field.

/// Server-side apply of the objects of a Kustomization.
pub const KUSTOMIZE: &str = "kustomize-controller";

/// Status and finalizer patches of Kustomizations.
pub const KUSTOMIZE_STATUS: &str = "gotk-kustomize-controller";

/// Status and finalizer patches of sources.
pub const SOURCE: &str = "source-controller";

/// Everything a FluxConfiguration makes, and its status.
pub const CONFIGURATION: &str = "thalweg-configuration-controller";

/// FluxConfigurations that the agent writes.
pub const AGENT: &str = "thalweg-agent";
