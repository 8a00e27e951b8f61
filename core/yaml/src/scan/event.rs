//! What the parser answers.

use std::borrow::Cow;

use super::{Attached, Mark, ScalarStyle};

#[derive(Debug)]
pub(crate) struct Event<'t> {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
    pub(crate) data: EventData<'t>,
    /// Comments that belong to it, if there are any and the dialect keeps them.
    pub(crate) comments: Option<Box<Attached>>,
}

#[derive(Debug)]
pub(crate) enum EventData<'t> {
    StreamStart,
    StreamEnd,
    DocumentStart {
        /// Without `---`.
        implicit: bool,
    },
    DocumentEnd,
    Alias(&'t str),
    Scalar {
        properties: Properties<'t>,
        value: Cow<'t, str>,
        style: ScalarStyle,
        /// Plain and without a tag, or with the tag `!`.
        plain_implicit: bool,
    },
    SequenceStart {
        properties: Properties<'t>,
        flow: bool,
    },
    SequenceEnd,
    MappingStart {
        properties: Properties<'t>,
        flow: bool,
    },
    MappingEnd,
}

/// What may stand before a node.
#[derive(Debug, Default)]
pub(crate) struct Properties<'t>(Option<Box<AnchorAndTag<'t>>>);

type AnchorAndTag<'t> = (Option<&'t str>, Option<Cow<'t, str>>);

impl<'t> Properties<'t> {
    pub(super) fn new(anchor: Option<&'t str>, tag: Option<Cow<'t, str>>) -> Self {
        let is_empty = anchor.is_none() && tag.is_none();
        Self((!is_empty).then(|| Box::new((anchor, tag))))
    }

    pub(crate) fn anchor(&self) -> Option<&'t str> {
        self.0.as_ref().and_then(|parts| parts.0)
    }

    /// How many nodes the tag counts as besides its own node: a directive can make a long one of a few bytes.
    pub(crate) fn tag_nodes(&self) -> usize {
        const TAG_BYTES_PER_NODE: usize = 64;
        self.tag().map_or(0, |tag| tag.len().div_ceil(TAG_BYTES_PER_NODE))
    }

    /// In full: `tag:yaml.org,2002:str`; never empty.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.0.as_ref().and_then(|parts| parts.1.as_deref())
    }
}

impl<'t> Event<'t> {
    #[inline]
    pub(super) fn new(start: Mark, end: Mark, data: EventData<'t>) -> Self {
        Self { start, end, data, comments: None }
    }
}
