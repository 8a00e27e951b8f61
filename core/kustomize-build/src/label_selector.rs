//! Selectors of labels as the Kubernetes API takes them: `app=web,tier in (front, back),!legacy`.

/// What labels must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Exists,
    DoesNotExist,
    In,
    NotIn,
    GreaterThan,
    LessThan,
}

impl LabelSelector {
    /// Reads a selector; an empty one takes any labels. The error says what was found and what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Parser { tokens: tokens(text), at: 0 }.selector()
    }

    /// Whether the labels, asked by their keys, are as they must be.
    pub(crate) fn matches<'l>(&self, labels: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.is_met(labels(&requirement.key)))
    }
}

impl Requirement {
    fn is_met(&self, label: Option<&str>) -> bool {
        let has = |label: &str| self.values.iter().any(|value| value == label);
        let compared = |fits: fn(&i64, &i64) -> bool| {
            let label = label.and_then(|label| label.parse::<i64>().ok());
            let value = self.values.first().and_then(|value| value.parse::<i64>().ok());
            label.zip(value).is_some_and(|(label, value)| fits(&label, &value))
        };
        match self.operator {
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::In => label.is_some_and(has),
            Operator::NotIn => !label.is_some_and(has),
            Operator::GreaterThan => compared(i64::gt),
            Operator::LessThan => compared(i64::lt),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    /// `= == != < > ! ( ) ,`, or what is none of these.
    Sign(&'t str),
    End,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_sign = |character: char| "=!(),><".contains(character);
    let is_space = |character: char| matches!(character, ' ' | '\t' | '\r' | '\n');
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '=' | '!' if rest[1..].starts_with('=') => 2,
            _ if is_sign(first) => 1,
            _ => rest.find(|character| is_sign(character) || is_space(character)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(if is_sign(first) { Token::Sign(token) } else { Token::Word(token) });
        rest = after.trim_start_matches(is_space);
    }
    tokens
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Token<'t> {
        self.tokens.get(self.at).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'t> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn selector(mut self) -> Result<LabelSelector, String> {
        let mut requirements = Vec::new();
        if self.peek() == Token::End {
            return Ok(LabelSelector::default());
        }
        loop {
            match self.peek() {
                Token::Word(_) | Token::Sign("!") => requirements.push(self.requirement()?),
                other => return Err(unexpected(other, "a key or `!`")),
            }
            match self.next() {
                Token::End => return Ok(LabelSelector { requirements }),
                Token::Sign(",") => {}
                other => return Err(unexpected(other, "`,` or the end")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let is_negated = self.peek() == Token::Sign("!");
        if is_negated {
            self.next();
        }
        let key = match self.next() {
            Token::Word(key) => key.to_owned(),
            other => return Err(unexpected(other, "a key")),
        };
        check_key(&key)?;
        if is_negated {
            return Ok(Requirement { key, operator: Operator::DoesNotExist, values: Vec::new() });
        }
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(Requirement { key, operator: Operator::Exists, values: Vec::new() });
        }
        let (operator, is_set) = match self.next() {
            Token::Word("in") => (Operator::In, true),
            Token::Word("notin") => (Operator::NotIn, true),
            Token::Sign("=" | "==") => (Operator::In, false),
            Token::Sign("!=") => (Operator::NotIn, false),
            Token::Sign(">") => (Operator::GreaterThan, false),
            Token::Sign("<") => (Operator::LessThan, false),
            other => return Err(unexpected(other, "`=`, `==`, `!=`, `in`, `notin`, `>` or `<`")),
        };
        let values = if is_set { self.set()? } else { vec![self.value()?] };
        let wants_integer = matches!(operator, Operator::GreaterThan | Operator::LessThan);
        if wants_integer && values.iter().any(|value| value.parse::<i64>().is_err()) {
            return Err(format!("the value of {key} must be an integer to be compared"));
        }
        values.iter().try_for_each(|value| check_value(&key, value))?;
        Ok(Requirement { key, operator, values })
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(String::new());
        }
        match self.next() {
            Token::Word(value) => Ok(value.to_owned()),
            other => Err(unexpected(other, "a value")),
        }
    }

    /// `(a, b)`; nothing between commas is the empty value.
    fn set(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            Token::Sign("(") => {}
            other => return Err(unexpected(other, "`(`")),
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                Token::Word(value) => {
                    self.next();
                    values.push(value.to_owned());
                }
                Token::Sign("," | ")") => values.push(String::new()),
                other => return Err(unexpected(other, "a value, `,` or `)`")),
            }
            match self.next() {
                Token::Sign(",") => {}
                Token::Sign(")") => return Ok(values),
                other => return Err(unexpected(other, "`,` or `)`")),
            }
        }
    }
}

fn unexpected(token: Token<'_>, expected: &str) -> String {
    match token {
        Token::Word(text) | Token::Sign(text) => format!("found `{text}`, expected {expected}"),
        Token::End => format!("found the end, expected {expected}"),
    }
}

/// A qualified name: `example.com/name`.
fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_valid = prefix.is_none_or(is_subdomain) && !name.is_empty() && is_name(name);
    if is_valid { Ok(()) } else { Err(format!("`{key}` is no key of a label")) }
}

fn check_value(key: &str, value: &str) -> Result<(), String> {
    if is_name(value) { Ok(()) } else { Err(format!("`{value}` is no value of a label, at {key}")) }
}

fn is_name(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_subdomain(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= 253
        && text.split('.').all(|label| {
            let bytes = label.as_bytes();
            is_edge(bytes.first())
                && is_edge(bytes.last())
                && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &[(&str, &str)] = &[("app", "web"), ("tier", "front"), ("n", "5"), ("empty", ""), ("in", "x")];

    /// Selector, and whether it takes the labels above.
    const CASES: &[(&str, bool)] = &[
        ("", true),
        ("  ", true),
        ("app=web", true),
        ("app==web", true),
        ("app = web , tier=front", true),
        ("app=web,tier=back", false),
        ("app!=web", false),
        ("other!=web", true),
        ("app", true),
        ("!app", false),
        ("!other", true),
        ("app in (a, web)", true),
        ("app in ()", false),
        ("empty in ()", true),
        ("empty in (,a)", true),
        ("empty=", true),
        ("empty=,app", true),
        ("app notin (a,b)", true),
        ("app notin (web)", false),
        ("other notin (a)", true),
        ("n>4", true),
        ("n>5", false),
        ("n<6", true),
        ("app<6", false),
        ("in=x", true),
        ("in in (in,x)", true),
        ("app in (in,notin)", false),
    ];

    #[test]
    fn selectors_take_what_the_api_takes() {
        let label = |key: &str| LABELS.iter().find(|(other, _)| *other == key).map(|(_, value)| *value);
        for (selector, expected) in CASES {
            let found = LabelSelector::parse(selector).map(|selector| selector.matches(label));
            assert_eq!(found, Ok(*expected), "{selector}");
        }
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let refused = [
            "a,",
            ",a",
            "a b",
            "a in b",
            "a in (b",
            "a in (b c)",
            "a=b=c",
            "-a",
            "a=-b",
            "a/b/c=d",
            "A_/b",
            "/b",
            "a>x",
            "a!b",
            "!",
            "! !a",
            "!a=b",
            "=b",
            "(",
            "a===b",
            "a=!b",
            "x.y/",
            "a=b c",
            "a in (b))",
            "a~b",
        ];
        for selector in refused {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
    }
}
