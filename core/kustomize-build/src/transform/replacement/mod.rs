//! `replacements`: a value is copied from a field of one object to fields of others (kustomize's api/filters/replacement).
//!
//! A scalar that gets a value keeps its type and style and takes the text alone; mappings and lists are copied whole. Where
//! the path of a target goes on inside of a text that is YAML or JSON, the document in that text is edited.

mod document;
mod source;
mod target;
mod walk;

use thalweg_yaml::Position;
use thalweg_yaml::kyaml::{Content, Node};

use super::PathError;
use super::selector::place;
use crate::kustomization::{self, ReplacementField};
use crate::resource_map::ResourceMap;
use crate::{Error, Place};

/// Where a replacement reads and writes when it does not say.
const DEFAULT_PATH: &str = "metadata.name";

/// What the copies of one list of replacements may hold together, in nodes and in bytes of text.
const COPIED_MAX: usize = 16 << 20;

/// Levels of what is copied, at most: objects are no deeper when they are read.
const DEPTH_MAX: usize = 256;

/// Replacements, done one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replacements {
    replacements: Vec<Replacement>,
}

/// One replacement, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    pub(crate) file: String,
    pub(crate) position: Position,
    pub(crate) fields: kustomization::Replacement,
}

/// Why a replacement cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    /// It says too little.
    #[error("replacements must specify a source and at least one target")]
    Incomplete,
    /// It has two sources.
    #[error("source and sourceValue are mutually exclusive")]
    TwoSources,
    /// It has a path beside what is to be at the path.
    #[error("cannot specify both path and inline replacement")]
    PathAndInline,
    /// The file at its path holds neither a mapping nor a list.
    #[error("unsupported replacement type in {0}: a mapping or a list is needed")]
    NoReplacementInFile(String),
    /// Several objects are the source.
    #[error("multiple matches for source {source_id}: {}", objects.join(", "))]
    SeveralSources {
        /// The selector.
        source_id: String,
        /// What it selects.
        objects: Vec<String>,
    },
    /// No object is the source.
    #[error("nothing selected by source {source_id}")]
    NoSource {
        /// The selector.
        source_id: String,
    },
    /// The source has no such field, or an empty one.
    #[error("fieldPath {path} is missing for replacement source {object}")]
    SourceWithoutField {
        /// The path.
        path: String,
        /// The object.
        object: String,
    },
    /// The path of the source fits not the object.
    #[error("fieldPath {path} of replacement source {object}: {reason}")]
    SourcePath {
        /// The path.
        path: String,
        /// The object.
        object: String,
        /// Why.
        reason: PathError,
    },
    /// A delimiter for a list or mapping.
    #[error("delimiter option can only be used with scalar nodes: {path} of {object} is none")]
    DelimiterOfCollection {
        /// The path.
        path: String,
        /// The object.
        object: String,
    },
    /// The source has too few parts.
    #[error("options.index {index} is out of bounds for value {value}")]
    IndexOutOfBounds {
        /// The index.
        index: i64,
        /// What is taken apart.
        value: String,
    },
    /// A target selects nothing.
    #[error("target must specify resources to select")]
    NoSelect,
    /// A target has no such field.
    #[error("unable to find {}field {path} in replacement target {object}{}", or_create(*create), why(reason.as_ref()))]
    TargetWithoutField {
        /// The path.
        path: String,
        /// The object.
        object: String,
        /// Whether it was to be made.
        create: bool,
        /// Why, when it is not just missing.
        reason: Option<PathError>,
    },
    /// More is copied than a limit allows.
    #[error("replacements copy more than {0} values and bytes")]
    TooLarge(usize),
    /// A copy is deeper than a limit allows.
    #[error("replacements make objects deeper than {0} levels")]
    TooDeep(usize),
}

fn or_create(create: bool) -> &'static str {
    if create { "or create " } else { "" }
}

fn why(reason: Option<&PathError>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

impl Replacement {
    /// An entry of `replacements` that stands in a kustomization, where an empty list of targets is none, or in the file of a
    /// transformer.
    pub(crate) fn inline(field: &ReplacementField, file: &str, position: Position, is_kustomization: bool) -> Self {
        let mut targets = field.targets.clone();
        targets.given &= !(is_kustomization && targets.items.is_empty());
        let fields = kustomization::Replacement {
            source: field.source.clone(),
            targets,
            source_value: field.source_value.clone(),
        };
        Self { file: file.to_owned(), position, fields }
    }

    fn place(&self, position: Position) -> Place {
        place(&self.file, if position.line == 0 { self.position } else { position })
    }

    fn error(&self, position: Position, reason: ReplacementError) -> Error {
        Error::Replacement { place: self.place(position), reason }
    }
}

impl Replacements {
    pub(crate) fn new(replacements: Vec<Replacement>) -> Self {
        Self { replacements }
    }

    pub(crate) fn apply(&self, resources: &mut ResourceMap) -> Result<(), Error> {
        let mut copied = Copied::default();
        for replacement in &self.replacements {
            let fields = &replacement.fields;
            let error = |reason| replacement.error(replacement.position, reason);
            if !fields.targets.given || (fields.source.is_none() && fields.source_value.is_none()) {
                return Err(error(ReplacementError::Incomplete));
            }
            let mut value = source::Value::of(replacement, resources)?;
            for target in fields.targets.iter() {
                target::Writer::new(replacement, target)?.apply(&mut value, resources, &mut copied)?;
            }
        }
        Ok(())
    }
}

/// How much one list of replacements has copied, in nodes and bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Copied(usize);

impl Copied {
    /// A copy, while limits allow it.
    fn copy(&mut self, value: &Node) -> Result<Node, ReplacementError> {
        let Size(size) = Size::of(value, DEPTH_MAX).ok_or(ReplacementError::TooDeep(DEPTH_MAX))?;
        self.0 = self.0.saturating_add(size);
        if self.0 > COPIED_MAX {
            return Err(ReplacementError::TooLarge(COPIED_MAX));
        }
        let mut copy = value.clone();
        copy.unlink();
        Ok(copy)
    }
}

/// Nodes and bytes of text.
#[derive(Clone, Copy, Debug)]
struct Size(usize);

impl Size {
    /// None for what is deeper than some levels.
    fn of(node: &Node, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let sum = match &node.content {
            Content::Scalar(text) => text.len(),
            Content::Sequence(items) => items.iter().try_fold(0, |sum, item| Some(sum + Self::of(item, depth)?.0))?,
            Content::Mapping(fields) => fields.iter().try_fold(0, |sum, field| {
                Some(sum + Self::of(&field.key, depth)?.0 + Self::of(&field.value, depth)?.0)
            })?,
        };
        Some(Self(sum + 1))
    }
}

/// Splits a path at dots. A backslash keeps a dot in its part, and so do brackets: those of `[a.b]` go, those of `[a=b.c]` are
/// a match and stay.
fn parts(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut split = crate::field_spec::split(path, '.').into_iter();
    while let Some(mut part) = split.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            parts.push(part);
            continue;
        }
        for more in split.by_ref() {
            part.push('.');
            part.push_str(&more);
            if more.ends_with(']') {
                break;
            }
        }
        let is_match = part.contains('=');
        parts.push(if is_match { part } else { part.trim_matches(['[', ']']).to_owned() });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases of kyaml's own `SmarterPathSplitter`, run with it.
    #[test]
    fn brackets_and_backslashes_keep_dots() {
        let cases: &[(&str, &[&str])] = &[
            ("a.b.c", &["a", "b", "c"]),
            (r"a.b\.c.d", &["a", "b.c", "d"]),
            ("metadata.annotations.[a.b/c]", &["metadata", "annotations", "a.b/c"]),
            ("spec.[name=a.b].image", &["spec", "[name=a.b]", "image"]),
            ("a.[b]", &["a", "[b]"]),
            ("a.[b.c", &["a", "b.c"]),
            (".a", &["a"]),
            ("a.", &["a", ""]),
            ("a.[b=c.d", &["a", "[b=c.d"]),
        ];
        for (path, expected) in cases {
            assert_eq!(parts(path), *expected, "{path}");
        }
    }
}
