//! Why an object cannot be printed, and which of its fields is to blame.

use std::fmt;

use crate::Position;

/// An object that cannot be printed; prints as `line:column: field: reason`, without a place where the field was made by the
/// build and not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{reason}", Place(*.position), Path(.path))]
pub struct PrintError {
    /// Keys and indexes from the innermost to the outermost.
    path: Vec<String>,
    /// Where the field was read; line 0 for one that was made.
    pub position: Position,
    /// What is wrong with it.
    pub reason: Unprintable,
}

/// What JSON, or the YAML reader that reads it again, refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unprintable {
    /// A key stands twice in a mapping.
    #[error("the key {key:?} stands twice in this mapping")]
    RepeatedKey {
        /// The key.
        key: String,
    },
    /// A key that is a number, a date, …
    #[error("the key {key:?} is {found}, not a text: quote it")]
    KeyIsNoText {
        /// The key as written.
        key: String,
        /// What it is.
        found: &'static str,
    },
    /// A key that is a mapping or a list.
    #[error("a key cannot be a mapping or a list")]
    CollectionAsKey,
    /// A key that JSON's reader cannot take.
    #[error("a key of {characters} characters is too long: 1022 are allowed")]
    LongKey {
        /// Its length as JSON writes it, without quotes.
        characters: usize,
    },
    /// More text than a document may have.
    #[error("the printed text is larger than {bytes_max} bytes")]
    TooLarge {
        /// How many it may have.
        bytes_max: usize,
    },
    /// A key with a line break that JSON does not escape.
    #[error("a key cannot hold the character U+0085")]
    BreakInKey,
    /// A text that its tag does not allow.
    #[error("{text:?} is {found} and cannot be read as {tag}")]
    WrongTag {
        /// The text.
        text: String,
        /// What the text would be without the tag.
        found: &'static str,
        /// The tag.
        tag: &'static str,
    },
    /// A text that is not base64.
    #[error("what is tagged !!binary is no base64")]
    InvalidBase64,
    /// Infinity, or what is not a number.
    #[error("{text} cannot be said in JSON")]
    NotFinite {
        /// The number as written.
        text: String,
    },
    /// A time whose zone is a day or more away.
    #[error("the time zone of {text:?} is beyond 23 hours")]
    TimeZone {
        /// The time as written.
        text: String,
    },
    /// A character that YAML does not allow.
    #[error("the control character U+{:04X} is not allowed", u32::from(*.character))]
    ControlCharacter {
        /// The character.
        character: char,
    },
    /// A text of several lines that begins with a tab.
    #[error("a text of several lines that begins with a tab cannot be written as a block: put it in double quotes")]
    TabBegins,
    /// `---` or `...` behind a line break that JSON does not escape.
    #[error("a line that begins with `---` or `...` cannot follow the character U+0085")]
    DocumentIndicator,
    /// A mapping was needed.
    #[error("it has to be a mapping")]
    NotAMapping,
    /// An annotation without a name.
    #[error("an annotation has to have a name")]
    EmptyAnnotation,
    /// Comments that go-yaml writes in places where it cannot read them.
    #[error("its comments are in the way: {message}")]
    Comments {
        /// What the reader says.
        message: String,
    },
    /// `<<` with something that is no mapping.
    #[error("`<<` takes a mapping or a list of mappings")]
    NotMergeable,
}

impl PrintError {
    pub(crate) fn new(position: Position, reason: Unprintable) -> Self {
        Self { path: Vec::new(), position, reason }
    }

    /// The same error, seen from one level above.
    #[must_use]
    pub(crate) fn below(mut self, key: impl Into<String>) -> Self {
        self.path.push(key.into());
        self
    }

    /// The keys and indexes to the field, separated by dots; empty for the object itself.
    pub fn field(&self) -> String {
        self.path.iter().rev().map(String::as_str).collect::<Vec<_>>().join(".")
    }
}

struct Place(Position);

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.line == 0 { Ok(()) } else { write!(formatter, "{}: ", self.0) }
    }
}

struct Path<'e>(&'e [String]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().rev().enumerate() {
            write!(formatter, "{}{key}", if index == 0 { "" } else { "." })?;
        }
        if self.0.is_empty() { Ok(()) } else { formatter.write_str(": ") }
    }
}
