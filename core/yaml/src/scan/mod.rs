//! A text becomes events: libyaml's scanner and parser as go-yaml carries them.
//!
//! [`Parser`] answers one [`Event`] after another, or the [`Fault`] that ends the text. It works on the bytes of a text that
//! is known to be UTF-8 without NUL, borrows every scalar that stands in the text as it is meant, and keeps its own stacks.

mod block_scalar;
mod comments;
mod cursor;
mod directive;
mod event;
mod parse;
mod plain;
mod queue;
mod quoted;
mod scanner;
mod structure;
mod tag;
mod token;

pub(crate) use comments::Attached;
pub(crate) use cursor::Mark;
pub(crate) use event::{Event, EventData, Properties};
pub(crate) use parse::Parser;
pub(crate) use token::ScalarStyle;

/// Which go-yaml is followed where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// go-yaml v2.
    V2 {
        /// Whether a byte order mark may begin a line, as it may where a document begins that is cut from a file.
        byte_order_marks: bool,
    },
    /// go-yaml v3, which reads two tokens ahead for the sake of comments, and with them or without.
    V3 {
        /// Whether events carry the comments around them.
        comments: bool,
    },
}

impl Dialect {
    fn is_v3(self) -> bool {
        matches!(self, Self::V3 { .. })
    }

    fn keeps_comments(self) -> bool {
        matches!(self, Self::V3 { comments: true })
    }

    /// Tokens that must stand behind the one that is taken.
    fn lookahead(self) -> usize {
        match self {
            Self::V2 { .. } => 0,
            Self::V3 { .. } => 2,
        }
    }
}

/// Why a text is no YAML, in libyaml's words, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) problem: &'static str,
    pub(crate) mark: Mark,
    /// What was being read, and where it begins.
    pub(crate) context: Option<(&'static str, Mark)>,
}

impl Fault {
    fn new(problem: &'static str, mark: Mark) -> Box<Self> {
        Box::new(Self { problem, mark, context: None })
    }

    fn within(context: &'static str, begin: Mark, problem: &'static str, mark: Mark) -> Box<Self> {
        Box::new(Self { problem, mark, context: Some((context, begin)) })
    }
}
