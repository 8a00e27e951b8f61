//! Why a patch cannot be read, finds no object, or does not fit the one it found.

use crate::Place;
use crate::merge::MergeError;
use crate::patch::JsonPatchError;

/// What is wrong with a patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchProblem {
    /// Neither a text nor a file is given.
    #[error("one of {text} and path must be set")]
    NoContent {
        /// The field that would hold the text.
        text: &'static str,
    },
    /// A text and a file are given.
    #[error("{text} and path cannot be set at the same time")]
    TwoContents {
        /// The field that holds the text.
        text: &'static str,
    },
    /// The content is no patch of either kind.
    #[error("{content} is neither a strategic merge patch ({strategic}) nor a JSON patch ({json})")]
    Unparsable {
        /// The file, or what it is in the kustomization.
        content: String,
        /// Why it is no strategic merge patch.
        strategic: String,
        /// Why it is no JSON patch.
        json: String,
    },
    /// The content is no JSON patch, which it must be.
    #[error("{content} is no JSON patch: {reason}")]
    NoJsonPatch {
        /// The file, or what it is in the kustomization.
        content: String,
        /// Why.
        reason: String,
    },
    /// There is nothing in it.
    #[error("patch appears to be empty")]
    Empty,
    /// Several strategic merge patches are for one target.
    #[error("{content} holds {count} patches, of which each names its object: it cannot have a target")]
    SeveralForTarget {
        /// The file, or what it is in the kustomization.
        content: String,
        /// How many there are.
        count: usize,
    },
    /// A JSON patch says not what it is for.
    #[error("a JSON patch must have a target")]
    NoTarget,
    /// An entry of patchesJson6902 has a target without a name.
    #[error("the target of a JSON patch must have a name")]
    UnnamedTarget,
    /// A field of a target cannot be read.
    #[error("target.{field} {text:?} cannot be used: {reason}")]
    Selector {
        /// The field.
        field: &'static str,
        /// Its text.
        text: String,
        /// Why.
        reason: String,
    },
    /// No object is or was called what the patch says.
    #[error(
        "no resource matches strategic merge patch {id}{}",
        nearest.as_ref().map(|nearest| format!("; {nearest} is there")).unwrap_or_default()
    )]
    NoMatch {
        /// What the patch says.
        id: String,
        /// An object that may be meant.
        nearest: Option<String>,
    },
    /// Several objects are or were called what the patch says.
    #[error("several resources match strategic merge patch {id}: those of {first} and {second}")]
    SeveralMatches {
        /// What the patch says.
        id: String,
        /// Where one came from.
        first: Place,
        /// Where another came from.
        second: Place,
    },
    /// A strategic merge patch does not fit an object.
    #[error("it does not apply to {object} of {place}: {reason}")]
    DoesNotMerge {
        /// What the object is called.
        object: String,
        /// Where it came from.
        place: Place,
        /// Why.
        reason: MergeError,
    },
    /// A JSON patch does not fit an object.
    #[error("it does not apply to {object} of {place}: {reason}")]
    DoesNotApply {
        /// What the object is called.
        object: String,
        /// Where it came from.
        place: Place,
        /// Why.
        reason: JsonPatchError,
    },
    /// The object is no JSON, and so no JSON patch can be applied to it.
    #[error("{object} of {place} cannot be patched: {reason}")]
    ObjectNotJson {
        /// What the object is called.
        object: String,
        /// Where it came from.
        place: Place,
        /// Why.
        reason: String,
    },
}
