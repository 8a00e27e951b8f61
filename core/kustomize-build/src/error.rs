//! Why a tree cannot be built, and where.

use std::fmt;

use thalweg_manifest::{Incomplete, ObjectId, Origin};
use thalweg_yaml::{Position, Reason};

/// A file, line and column; prints as `file:line:column`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path in the tree.
    pub file: String,
    /// Where in the file.
    pub position: Position,
}

/// Why a tree cannot be built. The text names the place; the cause, where there is one, is the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing is at the path of the options.
    #[error("kustomization path not found: {path}")]
    PathNotFound {
        /// The path as it was given.
        path: String,
    },
    /// A file is at the path of the options.
    #[error("kustomization path is not a directory: {path}")]
    PathNotDirectory {
        /// The path as it was given.
        path: String,
    },
    /// A file is not YAML.
    #[error("failed to decode Kubernetes YAML from {place}")]
    NotYaml {
        /// Where reading stopped.
        place: Place,
        /// Why.
        #[source]
        reason: Reason,
    },
    /// A document is no Kubernetes object.
    #[error("failed to decode Kubernetes YAML from {origin}")]
    Incomplete {
        /// Where the document begins.
        origin: Origin,
        /// What it lacks.
        #[source]
        source: Incomplete,
    },
    /// The items of a list are not a list.
    #[error("failed to decode Kubernetes YAML from {place}: items of {kind} must be a list, found {found}")]
    ItemsNotAList {
        /// Where the items are.
        place: Place,
        /// The kind of the list.
        kind: String,
        /// What was found.
        found: &'static str,
    },
    /// Two objects have one identity.
    #[error("may not add resource with an already registered id: {} at {second} is already at {first}", id.subject())]
    DuplicateId {
        /// The identity.
        id: ObjectId,
        /// Where it came from first.
        first: Origin,
        /// Where it came from again.
        second: Origin,
    },
    /// A field of a kustomization that is not supported.
    #[error("{place}: field {field} is not supported yet")]
    Unsupported {
        /// Where the field is.
        place: Place,
        /// The field.
        field: String,
    },
    /// A field of a kustomization has a value that it cannot have.
    #[error("{place}: invalid Kustomization: {field} must be {expected}, found {found}")]
    InvalidField {
        /// Where the value is.
        place: Place,
        /// The field.
        field: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A kustomization file that holds no kustomization.
    #[error("{place}: invalid Kustomization: the file must hold a mapping")]
    NotAKustomization {
        /// Where its content begins.
        place: Place,
    },
    /// A kustomization that is used by another holds nothing.
    #[error("{file} is empty")]
    EmptyKustomization {
        /// The file.
        file: String,
    },
    /// A directory has more than one kustomization file.
    #[error("found multiple kustomization files in {}: {}", shown(directory), names.join(", "))]
    SeveralKustomizations {
        /// The directory.
        directory: String,
        /// The names of the files.
        names: Vec<String>,
    },
    /// A directory that is used as a resource has no kustomization file.
    #[error(
        "{place}: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'",
        shown(directory)
    )]
    NoKustomization {
        /// Where the directory is used.
        place: Place,
        /// The directory.
        directory: String,
    },
    /// A resource that is not in the tree.
    #[error("{place}: accumulating resources from '{entry}': no such file or directory")]
    ResourceNotFound {
        /// Where the resource is named.
        place: Place,
        /// How it is named.
        entry: String,
    },
    /// A resource that would have to be fetched.
    #[error("{place}: accumulating resources from '{entry}': remote resources are not supported")]
    RemoteResource {
        /// Where the resource is named.
        place: Place,
        /// How it is named.
        entry: String,
    },
    /// A resource whose path begins at the root of a file system.
    #[error("{place}: accumulating resources from '{entry}': absolute paths are not supported")]
    AbsolutePath {
        /// Where the resource is named.
        place: Place,
        /// How it is named.
        entry: String,
    },
    /// A resource above the root of the tree.
    #[error("{place}: accumulating resources from '{entry}': the path leads outside of the source")]
    OutsideTree {
        /// Where the resource is named.
        place: Place,
        /// How it is named.
        entry: String,
    },
    /// A directory that is built inside itself.
    #[error("{place}: cycle detected: {}", path.iter().map(|directory| shown(directory)).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// Where the cycle closes.
        place: Place,
        /// The directories from the one that is built again down to the one that names it.
        path: Vec<String>,
    },
    /// More bases inside each other than a limit allows.
    #[error("{place}: kustomizations are nested deeper than {layers_max}")]
    TooDeep {
        /// Where the next one is named.
        place: Place,
        /// The limit.
        layers_max: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.position)
    }
}

impl From<thalweg_yaml::Error> for Error {
    fn from(error: thalweg_yaml::Error) -> Self {
        let thalweg_yaml::Error { file, position, reason } = error;
        Self::NotYaml { place: Place { file, position }, reason }
    }
}

/// A directory as a person names it.
fn shown(directory: &str) -> &str {
    if directory.is_empty() { "." } else { directory }
}
