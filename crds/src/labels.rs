//! Labels that Thalweg reads and writes.

/// On every applied object: the name of the Kustomization that owns it.
pub const KUSTOMIZATION_NAME: &str = "kustomize.toolkit.fluxcd.io/name";

/// On every applied object: the namespace of the Kustomization that owns it.
pub const KUSTOMIZATION_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";

/// On a ConfigMap or Secret: its changes wake the objects that use it.
pub const WATCH: &str = "reconcile.fluxcd.io/watch";

/// The value of [`WATCH`].
pub const WATCH_ENABLED: &str = "Enabled";

/// On everything a FluxConfiguration made: the UID of that FluxConfiguration.
pub const CONFIGURATION_UID: &str = "thalweg.dev/configuration-uid";

/// On everything a FluxConfiguration made: the name of that FluxConfiguration, for people and `kubectl -l`.
pub const CONFIGURATION_NAME: &str = "thalweg.dev/configuration";
