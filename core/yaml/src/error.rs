//! Why a text was refused, and where.

use crate::scan::{Fault, Mark};
use crate::{Limits, Position};

/// A text that cannot be read; prints as `file:line:column: reason`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{position}: {reason}")]
pub struct Error {
    /// The file, as the caller named it.
    pub file: String,
    /// Where the reader stopped.
    pub position: Position,
    /// Why.
    pub reason: Reason,
}

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The text is not YAML.
    #[error("{problem}{}{}", context.as_deref().unwrap_or_default(), hint(problem))]
    Syntax {
        /// What libyaml, and go-yaml after it, call the problem.
        problem: &'static str,
        /// What was being read, and since which line.
        context: Option<String>,
    },
    /// A byte that is part of no UTF-8 character.
    #[error("invalid UTF-8: the text must be encoded as UTF-8")]
    NotUtf8,
    /// A character that YAML allows only as an escape in double quotes.
    #[error("control characters are not allowed: found U+{0:04X}")]
    ControlCharacter(u32),
    /// Text behind `---`, which Kubernetes' own readers refuse.
    #[error("invalid document separator: begin the document on the line after ---")]
    TextAfterSeparator,
    /// An alias to an anchor that this document has not set before.
    #[error("unknown anchor '{0}' referenced")]
    UnknownAnchor(String),
    /// An alias inside of what it stands for.
    #[error("anchor '{0}' value contains itself")]
    AnchorContainsItself(String),
    /// The value of `<<` is no mapping.
    #[error("map merge requires map or sequence of maps as the value")]
    NotMergeable,
    /// A second `<<` in a mapping, which kustomize refuses.
    #[error("duplicate merge key: a mapping can have one <<, with a list of what it merges")]
    RepeatedMerge,
    /// A mapping or sequence as a key.
    #[error("invalid map key: {0} cannot be a key; quote a text that begins with {{{{ or [")]
    CollectionAsKey(&'static str),
    /// A null as a key.
    #[error("invalid map key: null cannot be a key; a text that reads as null must be quoted")]
    NullAsKey,
    /// An integer above 2⁶³ as a key.
    #[error("invalid map key: {0} is too large for a key; quote it")]
    LargeNumberAsKey(u64),
    /// An infinity or not-a-number as a value.
    #[error("{0} is no number that JSON has; a text must be quoted")]
    NotFinite(String),
    /// A value that is not of the type its tag says.
    #[error("cannot decode {found} `{text}` as a {tag}")]
    WrongTag {
        /// The tag of what the text is.
        found: &'static str,
        /// The start of the text.
        text: String,
        /// The tag it carries.
        tag: &'static str,
    },
    /// `!!binary` that is not base64.
    #[error("!!binary value contains invalid base64 data")]
    InvalidBase64,
    /// More than a limit allows.
    #[error("{0}")]
    Limit(Limit),
}

/// The limit that a text exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::text_bytes_max`]
    #[error("the text is larger than {0} bytes")]
    TextBytes(usize),
    /// [`Limits::documents_max`]
    #[error("the text has more than {0} documents")]
    Documents(usize),
    /// [`Limits::depth_max`]
    #[error("lists and mappings are nested deeper than {0}")]
    Depth(usize),
    /// [`Limits::nodes_max`]
    #[error("the text has more than {0} values")]
    Nodes(usize),
    /// [`Limits::alias_nodes_max`]
    #[error("document contains excessive aliasing: aliases expand to more than {0} values")]
    AliasNodes(usize),
    /// [`Limits::alias_bytes_max`]
    #[error("document contains excessive aliasing: aliases expand to more than {0} bytes")]
    AliasBytes(usize),
}

impl From<Limit> for Reason {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl Error {
    pub(crate) fn new(file: &str, position: Position, reason: impl Into<Reason>) -> Self {
        Self { file: file.to_owned(), position, reason: reason.into() }
    }

    pub(crate) fn syntax(file: &str, fault: &Fault) -> Self {
        let context = fault.context.map(|(context, begin)| {
            if begin.line == fault.mark.line {
                format!(" {context}")
            } else {
                format!(" {context} that begins on line {}", begin.line + 1)
            }
        });
        Self::new(file, Position::of(fault.mark), Reason::Syntax { problem: fault.problem, context })
    }
}

impl Position {
    pub(crate) fn of(mark: Mark) -> Self {
        Self { line: mark.line.saturating_add(1), column: mark.column.saturating_add(1) }
    }
}

impl Limits {
    pub(crate) fn check(count: usize, max: usize, limit: fn(usize) -> Limit) -> Result<(), Limit> {
        if count > max { Err(limit(max)) } else { Ok(()) }
    }
}

/// What most likely went wrong, for the problems that people meet.
fn hint(problem: &str) -> &'static str {
    match problem {
        "could not find expected ':'" => "; a line here is neither `key: value` nor part of the text above",
        "did not find expected key" => "; check the indentation of this line, or quote the text before it",
        "mapping values are not allowed in this context" => {
            "; `: ` makes this line a key, so check its indentation, or quote the text"
        }
        "did not find expected '-' indicator" => "; the items of a list must begin in the same column",
        "block sequence entries are not allowed in this context" => {
            "; a list begins on a line of its own, behind `key:`"
        }
        "found character that cannot start any token" => {
            "; indent with spaces, not tabs, and quote a text that begins with @, ` or %"
        }
        "found a tab character where an indentation space is expected"
        | "found a tab character that violates indentation" => "; indent with spaces, not tabs",
        "found unexpected end of stream" => "; a quote is not closed",
        "did not find expected ',' or ']'" => "; a [ is not closed, or a text in it must be quoted",
        "did not find expected ',' or '}'" => "; a { is not closed, or a text in it must be quoted",
        "did not find expected alphabetic or numeric character" => "; quote a text that begins with * or &",
        "found unknown escape character" => "; write \\\\ for a backslash in double quotes, or use single quotes",
        "did not find expected node content" => "; quote a text that begins with {, [, } or ]",
        _ => "",
    }
}
