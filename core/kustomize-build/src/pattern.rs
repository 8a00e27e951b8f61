//! Regular expressions as kustomize's users write them: in the syntax of Go's `regexp`.
//!
//! Most patterns of selectors are plain names, perhaps with dots: these are compared without an automaton. The others are
//! put into the syntax of the regex crate, which differs in what escapes, classes and braces mean.

mod translate;

use regex::Regex;

/// A pattern, ready to be asked about many texts.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// Letters, digits and what has no meaning, all of the text.
    Text(String),
    /// The same with dots, each of which is any character but a line break.
    Dotted(String),
    Expression(Regex),
}

impl Pattern {
    /// `^(?:…)$`: the pattern is all of the text.
    pub(crate) fn whole(pattern: &str) -> Result<Self, String> {
        if is_plain(pattern) {
            let matcher = if pattern.contains('.') { Matcher::Dotted } else { Matcher::Text };
            return Ok(Self { matcher: matcher(pattern.to_owned()) });
        }
        Self::expression(&format!("^(?:{pattern})$"))
    }

    /// The pattern is somewhere in the text.
    pub(crate) fn within(pattern: &str) -> Result<Self, String> {
        Self::expression(pattern)
    }

    fn expression(pattern: &str) -> Result<Self, String> {
        let expression = translate::to_rust(pattern)?;
        let regex = Regex::new(&expression).map_err(|error| last_line(&error.to_string()))?;
        Ok(Self { matcher: Matcher::Expression(regex) })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Text(pattern) => pattern == text,
            Matcher::Dotted(pattern) => plain_prefix(pattern, text).is_some_and(str::is_empty),
            Matcher::Expression(regex) => regex.is_match(text),
        }
    }
}

/// Whether a pattern says nothing but characters and dots.
pub(crate) fn is_plain(pattern: &str) -> bool {
    pattern.chars().all(|character| character.is_alphanumeric() || "-_./:@,=~ \"'#%&;<>!`".contains(character))
}

/// What follows in the text behind a plain pattern.
pub(crate) fn plain_prefix<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let mut rest = text.chars();
    for wanted in pattern.chars() {
        let found = rest.next()?;
        if found != wanted && (wanted != '.' || found == '\n') {
            return None;
        }
    }
    Some(rest.as_str())
}

/// The regex crate draws the place of an error above its reason.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pattern, a text, and whether Go's `regexp.MatchString("^(?:" + pattern + ")$", text)`.
    const WHOLE: &[(&str, &str, bool)] = &[
        ("nginx", "nginx", true),
        ("nginx", "my-nginx", false),
        ("a.c", "abc", true),
        ("a.c", "a\nc", false),
        ("a.c", "aßc", true),
        ("a|bc", "a", true),
        ("a|bc", "abc", false),
        (".*", "", true),
        (r"\d+", "12", true),
        (r"\d+", "١٢", false),
        (r"\w", "ß", false),
        (r"[\w-]+", "a-b", true),
        (r"[^\w]", "-", true),
        (r"[\W]", "-", true),
        (r"[[:alpha:]-]+", "a-b", true),
        (r"[a&&b]", "&", true),
        (r"[]a]+", "]a", true),
        (r"[[a]+", "[a", true),
        (r"\Qa.c\E+", "a.cc", true),
        (r"\Qa.c\E", "abc", false),
        (r"a{2}", "aa", true),
        (r"a{,2}", "a{,2}", true),
        (r"a{x}", "a{x}", true),
        (r"{a}", "{a}", true),
        (r"a{2,3}?", "aaa", true),
        (r"\x41\x{42}\103", "ABC", true),
        (r"\<\_\/\-", "<_/-", true),
        (r"(?i)abc", "ABC", true),
        (r"(?P<n>a)(?:b)(c)", "abc", true),
        (r"\p{Greek}\pL", "αa", true),
        (r"\p{^Greek}", "a", true),
        (r"\bab\b", "ab", true),
        (r"a\z", "a", true),
        (r"^a$", "a", true),
        (r"#a b", "#a b", true),
    ];

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, text, expected) in WHOLE {
            let found = Pattern::whole(pattern).map(|pattern| pattern.is_match(text));
            assert_eq!(found, Ok(*expected), "{pattern} on {text:?}");
        }
        assert!(Pattern::within("b").unwrap().is_match("abc"));
    }

    #[test]
    fn patterns_that_go_refuses_are_refused() {
        let refused = [
            "(",
            ")",
            "[a",
            "a**",
            "a+{2}",
            "*a",
            "(*a)",
            r"\y",
            r"\1",
            r"\C",
            r"\E",
            r"(?x)a",
            "a{1001}",
            "[b-a]",
            r"\",
            r"[[:foo:]]",
            "[a--b]",
            "(?<a",
            r"\Z",
            "a|*",
            r"\p{Nope}",
        ];
        for pattern in refused {
            assert!(Pattern::whole(pattern).is_err(), "{pattern}");
        }
    }
}
