//! Why a generator makes nothing. None of these says what is in a literal or a file: it may be secret.

/// What is wrong with a generator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeneratorProblem {
    /// The entry has no name.
    #[error("it must have a name")]
    NoName,
    /// A literal has no equals sign, or nothing before it.
    #[error("entry {number} of literals must be key=value")]
    NotALiteral {
        /// Which one, counted from 1.
        number: usize,
    },
    /// A file is given a key that is empty.
    #[error("'{source_text}' of files has no key before the '='")]
    NoKey {
        /// The entry.
        source_text: String,
    },
    /// A key is given no file.
    #[error("'{source_text}' of files has no path behind the '='")]
    NoPath {
        /// The entry.
        source_text: String,
    },
    /// An entry of files with more than one equals sign.
    #[error("'{source_text}' of files has a '=' in its key or its path")]
    SeveralEquals {
        /// The entry.
        source_text: String,
    },
    /// A line of an env file that is not UTF-8.
    #[error("{file}:{line} is not UTF-8")]
    NotUtf8 {
        /// The env file.
        file: String,
        /// The line, counted from 1.
        line: usize,
    },
    /// Two sources have one key.
    #[error("the key '{key}' is repeated")]
    RepeatedKey {
        /// The key.
        key: String,
    },
    /// A label or an annotation has an empty key.
    #[error("a key of its {field} is empty")]
    EmptyKey {
        /// `labels` or `annotations`.
        field: &'static str,
    },
    /// A provider for which no policies are made.
    #[error("cloud provider '{cloud}' is not supported: only 'gke' is")]
    UnknownCloud {
        /// The provider.
        cloud: String,
    },
    /// The names make no YAML.
    #[error("its names make no YAML")]
    NotYaml,
}
