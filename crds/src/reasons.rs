//! Condition reasons, a module a controller.

/// Reasons that several controllers use.
pub mod common {
    /// Ready=True of a source; the condition did what it says.
    pub const SUCCEEDED: &str = "Succeeded";
    /// Work goes on.
    pub const PROGRESSING: &str = "Progressing";
    /// The last attempt failed and another follows.
    pub const PROGRESSING_WITH_RETRY: &str = "ProgressingWithRetry";
    /// An object of another namespace is named and the controller forbids it.
    pub const ACCESS_DENIED: &str = "AccessDenied";
    /// The spec sets a field that Thalweg does not support; nothing is written or deleted.
    pub const UNSUPPORTED_FIELD: &str = "UnsupportedField";
    /// The object cannot be read as its kind.
    pub const INVALID_OBJECT: &str = "InvalidObject";
}

/// Reasons of sources.
pub mod source {
    /// The URL is not one that can be fetched.
    pub const URL_INVALID: &str = "URLInvalid";
    /// The credentials are absent, malformed or refused.
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    /// A folder of the storage could not be made.
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
    /// A file could not be examined.
    pub const STAT_OPERATION_FAILED: &str = "StatOperationFailed";
    /// A file could not be read.
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    /// The lock of an artifact could not be taken.
    pub const ACQUIRE_LOCK_FAILED: &str = "AcquireLockFailed";
    /// A path is not a folder, or not inside the source.
    pub const INVALID_PATH: &str = "InvalidPath";
    /// The archive could not be written.
    pub const ARCHIVE_OPERATION_FAILED: &str = "ArchiveOperationFailed";
    /// The artifact is that of the revision already.
    pub const ARTIFACT_UP_TO_DATE: &str = "ArtifactUpToDate";
    /// The status could not be written.
    pub const PATCH_OPERATION_FAILED: &str = "PatchOperationFailed";
    /// The settings of the provider contradict each other.
    pub const INVALID_PROVIDER_CONFIGURATION: &str = "InvalidProviderConfiguration";
    /// A revision that is not the artifact's was found.
    pub const NEW_REVISION: &str = "NewRevision";
    /// The repository has no commit.
    pub const EMPTY_GIT_REPOSITORY: &str = "EmptyGitRepository";
    /// A `.sourceignore` file could not be read.
    pub const SOURCE_IGNORE_ERROR: &str = "SourceIgnoreError";
    /// A path leaves the source.
    pub const ILLEGAL_PATH: &str = "IllegalPath";
    /// Old artifacts could not be removed.
    pub const GARBAGE_COLLECTION_FAILED: &str = "GarbageCollectionFailed";
    /// Event: old artifacts were removed.
    pub const GARBAGE_COLLECTION_SUCCEEDED: &str = "GarbageCollectionSucceeded";
    /// Event: the stored file is not the artifact that the status names.
    pub const ARTIFACT_VERIFICATION_FAILED: &str = "ArtifactVerificationFailed";
    /// Event: an artifact was stored.
    pub const NEW_ARTIFACT: &str = "NewArtifact";
    /// Git did as asked.
    pub const GIT_OPERATION_SUCCEEDED: &str = "GitOperationSucceeded";
    /// The repository could not be fetched.
    pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
    /// The signature could not be verified.
    pub const VERIFICATION_ERROR: &str = "VerificationError";
}

/// Reasons of Kustomizations.
pub mod kustomize {
    /// Ready=True.
    pub const RECONCILIATION_SUCCEEDED: &str = "ReconciliationSucceeded";
    /// The source, its artifact or the path in it is not there.
    pub const ARTIFACT_FAILED: &str = "ArtifactFailed";
    /// The files do not build to objects.
    pub const BUILD_FAILED: &str = "BuildFailed";
    /// The API server refused an object.
    pub const RECONCILIATION_FAILED: &str = "ReconciliationFailed";
    /// An object that left the source could not be deleted.
    pub const PRUNE_FAILED: &str = "PruneFailed";
    /// An object did not become healthy in time.
    pub const HEALTH_CHECK_FAILED: &str = "HealthCheckFailed";
    /// Something newer arrived while health was awaited.
    pub const HEALTH_CHECK_CANCELED: &str = "HealthCheckCanceled";
    /// What the Kustomization depends on is not ready.
    pub const DEPENDENCY_NOT_READY: &str = "DependencyNotReady";
    /// A CEL expression does not compile.
    pub const INVALID_CEL_EXPRESSION: &str = "InvalidCELExpression";
    /// A working folder could not be made.
    pub const DIRECTORY_CREATION_FAILED: &str = "DirectoryCreationFailed";
}

/// Reasons of FluxConfigurations.
pub mod configuration {
    /// Ready=True: everything the configuration made is Compliant.
    pub const COMPLIANT: &str = "Compliant";
    /// Ready=False: something the configuration made is Non-Compliant.
    pub const NON_COMPLIANT: &str = "NonCompliant";
    /// Ready=Unknown: something the configuration made is on its way.
    pub const PENDING: &str = "Pending";
    /// Ready=Unknown: the configuration is suspended.
    pub const SUSPENDED: &str = "Suspended";
    /// Something of the name that the configuration needs exists and belongs to someone else.
    pub const NAME_TAKEN: &str = "NameTaken";
    /// A kustomization depends on itself, or on a name that the configuration does not have.
    pub const INVALID_DEPENDENCY: &str = "InvalidDependency";
    /// The Secret of the configuration is absent, or lacks what the configuration asks of it.
    pub const INVALID_SECRET: &str = "InvalidSecret";
    /// Two settings contradict each other, or one cannot be read.
    pub const INVALID_SPEC: &str = "InvalidSpec";
    /// The API server refused an object that the configuration makes.
    pub const APPLY_FAILED: &str = "ApplyFailed";
    /// What the configuration made is being deleted.
    pub const DELETING: &str = "Deleting";
}
