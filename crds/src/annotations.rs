//! Annotations that Thalweg reads and writes.

/// Asks for a reconciliation now: any new value does. `status.lastHandledReconcileAt` echoes it.
pub const RECONCILE_REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Prefix of annotations that are copied into the metadata of an object's events.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// `disabled`: the object is neither applied nor deleted.
pub const RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";

/// `Override`, `Merge`, `IfNotPresent` or `Ignore`: how an object is applied.
pub const SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";

/// `enabled`: an object is made anew when a change of an immutable field is refused.
pub const FORCE: &str = "kustomize.toolkit.fluxcd.io/force";

/// `disabled`: the object is never deleted.
pub const PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";

/// `disabled`: variables in the object are left alone.
pub const SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// `disabled`: the object is not decrypted.
pub const DECRYPT: &str = "kustomize.toolkit.fluxcd.io/decrypt";

/// The value that switches a control annotation off.
pub const DISABLED: &str = "disabled";

/// The value that switches a control annotation on.
pub const ENABLED: &str = "enabled";

/// Metadata of a Kustomization's events: the revision.
pub const KUSTOMIZE_REVISION: &str = "kustomize.toolkit.fluxcd.io/revision";

/// Metadata of a Kustomization's events: the revision of the origin, for artifacts that name one.
pub const KUSTOMIZE_ORIGIN_REVISION: &str = "kustomize.toolkit.fluxcd.io/originRevision";

/// Metadata of a Kustomization's events: `update` asks for a commit status to be written.
pub const KUSTOMIZE_COMMIT_STATUS: &str = "kustomize.toolkit.fluxcd.io/commit_status";

/// Metadata of a source's events: the revision.
pub const SOURCE_REVISION: &str = "source.toolkit.fluxcd.io/revision";

/// Metadata of a source's events: the digest.
pub const SOURCE_DIGEST: &str = "source.toolkit.fluxcd.io/digest";
