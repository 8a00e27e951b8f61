//! A regular expression of a schema, compiled once.

use std::sync::OnceLock;

use regex::Regex;

/// A regular expression that a text must match somewhere. It is compiled when it is first asked, and then kept.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The expression as the schema writes it. One that does not compile matches nothing.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    /// As the schema writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text matches.
    pub fn matches(&self, text: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(&self.text).ok());
        compiled.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_matches_anywhere_and_one_that_does_not_compile_nowhere() {
        for (pattern, text, expected) in [("b", "abc", true), ("^b", "abc", false), ("(", "(", false)] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }
}
