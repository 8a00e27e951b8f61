//! What the scanner finds.

use std::borrow::Cow;

use super::Mark;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    VersionDirective,
    TagDirective,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) start: Mark,
    pub(super) end: Mark,
    pub(super) data: Data<'t>,
}

#[derive(Clone, Debug)]
pub(super) enum Data<'t> {
    None,
    Scalar(Cow<'t, str>, ScalarStyle),
    /// Of an anchor or an alias.
    Name(&'t str),
    /// A tag, or a tag directive with its prefix.
    Tag(Box<TagParts<'t>>),
    Version {
        major: u8,
        minor: u8,
    },
}

#[derive(Clone, Debug)]
pub(super) struct TagParts<'t> {
    pub(super) handle: &'t str,
    pub(super) suffix: Cow<'t, str>,
}

/// What a token is and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) start: Mark,
}

impl<'t> Token<'t> {
    #[inline]
    pub(super) fn new(kind: Kind, start: Mark, end: Mark) -> Self {
        Self { kind, start, end, data: Data::None }
    }

    #[inline]
    pub(super) fn with(kind: Kind, start: Mark, end: Mark, data: Data<'t>) -> Self {
        Self { kind, start, end, data }
    }

    pub(super) fn head(&self) -> Head {
        Head { kind: self.kind, start: self.start }
    }
}
