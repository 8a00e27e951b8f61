//! Label selectors, as `labelSelector` has them, and which labels they choose (apimachinery's `labels` package).

use std::collections::BTreeMap;

use crate::names;
use crate::status::Status;

/// A label selector: all of its requirements must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    Greater,
    Less,
}

impl Selector {
    /// Reads a selector such as `app=web,tier in (front, back),!canary`.
    pub(crate) fn parse(text: &str) -> Result<Self, Status> {
        let mut parser = Parser { tokens: tokens(text), position: 0 };
        let requirements = parser
            .requirements()
            .map_err(|error| Status::bad_request(format!("unable to parse requirement: {error}")))?;
        Ok(Self(requirements))
    }

    /// Whether it chooses everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these labels are chosen.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels.get(&requirement.key).map(String::as_str)))
    }
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let number = |text: &str| text.parse::<i64>().ok();
        let among = |label: &str| self.values.iter().any(|value| value == label);
        let compare = |holds: fn(&i64, &i64) -> bool| {
            let limit = self.values.first().and_then(|text| number(text));
            label.and_then(number).zip(limit).is_some_and(|(label, limit)| holds(&label, &limit))
        };
        match self.operator {
            Operator::In => label.is_some_and(among),
            Operator::NotIn => !label.is_some_and(among),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::Greater => compare(i64::gt),
            Operator::Less => compare(i64::lt),
        }
    }
}

const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)).map(|symbol| symbol.len());
        let word = || rest.find(|character: char| character.is_whitespace() || "=!(),<>".contains(character));
        let length = symbol.unwrap_or_else(|| word().unwrap_or(rest.len()));
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    tokens
}

struct Parser {
    tokens: Vec<String>,
    position: usize,
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.position).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let token = self.peek().to_owned();
        self.position += 1;
        token
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        if self.tokens.is_empty() {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            match self.next().as_str() {
                "" => return Ok(requirements),
                "," if self.peek().is_empty() || self.peek() == "," => {
                    return Err(format!("found '{}', expected: identifier after ','", self.peek()));
                }
                "," => {}
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let absent = self.peek() == "!";
        if absent {
            self.next();
        }
        let key = self.next();
        if key.is_empty() || SYMBOLS.contains(&key.as_str()) {
            return Err(format!("found '{key}', expected: !, identifier, or 'end of string'"));
        }
        let problems = names::label_key(&key);
        if !problems.is_empty() {
            return Err(format!("key: Invalid value: {}: {}", names::quoted(&key), problems.join("; ")));
        }
        let (operator, values) = match (absent, self.peek()) {
            (true, _) => (Operator::DoesNotExist, Vec::new()),
            (false, "" | ",") => (Operator::Exists, Vec::new()),
            _ => self.operator()?,
        };
        for (index, value) in values.iter().enumerate() {
            let problems = names::label_value(value);
            let compared = matches!(operator, Operator::Greater | Operator::Less);
            if compared && value.parse::<i64>().is_err() {
                let why = "for 'Gt', 'Lt' operators, the value must be an integer";
                return Err(format!("values[{index}]: Invalid value: {}: {why}", names::quoted(value)));
            }
            if !problems.is_empty() {
                let path = format!("values[{index}][{key}]");
                return Err(format!("{path}: Invalid value: {}: {}", names::quoted(value), problems.join("; ")));
            }
        }
        Ok(Requirement { key, operator, values })
    }

    fn operator(&mut self) -> Result<(Operator, Vec<String>), String> {
        let single = |parser: &mut Self| match parser.peek() {
            "" | "," => Ok(vec![String::new()]),
            symbol if SYMBOLS.contains(&symbol) => Err(format!("found '{symbol}', expected: identifier")),
            _ => Ok(vec![parser.next()]),
        };
        match self.next().as_str() {
            "=" | "==" => Ok((Operator::In, single(self)?)),
            "!=" => Ok((Operator::NotIn, single(self)?)),
            ">" => Ok((Operator::Greater, single(self)?)),
            "<" => Ok((Operator::Less, single(self)?)),
            "in" => Ok((Operator::In, self.list()?)),
            "notin" => Ok((Operator::NotIn, self.list()?)),
            other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        if self.peek() == ")" {
            return Err("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty".to_owned());
        }
        let mut values = Vec::new();
        loop {
            match self.next().as_str() {
                "," => {
                    if values.is_empty() || matches!(self.peek(), ")" | ",") {
                        values.push(String::new());
                    }
                    if self.peek() == ")" {
                        break;
                    }
                }
                word if word.is_empty() || SYMBOLS.contains(&word) => {
                    return Err(format!("found '{word}', expected: ',', or identifier"));
                }
                word => {
                    values.push(word.to_owned());
                    match self.peek() {
                        "," => {}
                        ")" => break,
                        other => return Err(format!("found '{other}', expected: ',' or ')'")),
                    }
                }
            }
        }
        self.next();
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_chosen_as_the_server_chooses() {
        let labels: BTreeMap<String, String> = [("app", "web"), ("tier", "front"), ("size", "3"), ("empty", "")]
            .map(|(key, value)| (key.into(), value.into()))
            .into();
        let cases = [
            ("", true),
            ("app=web", true),
            ("app==web,tier=front", true),
            ("app!=web", false),
            ("other!=web", true),
            ("app", true),
            ("!app", false),
            ("!other", true),
            ("app in (web, api)", true),
            ("app notin (web)", false),
            ("other notin (web)", true),
            ("size>2", true),
            ("size<3", false),
            ("empty=", true),
            ("empty in (,)", true),
            ("app in (api,)", false),
            ("in in (in)", false),
        ];
        for (text, expected) in cases {
            assert_eq!(Selector::parse(text).unwrap().matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_in_the_servers_words() {
        let cases = [
            ("a b", "found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a in (b", "found '', expected: ',' or ')'"),
            ("a in ()", "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"),
            ("a=b,", "found '', expected: identifier after ','"),
        ];
        for (text, expected) in cases {
            assert_eq!(Selector::parse(text).unwrap_err().message, format!("unable to parse requirement: {expected}"));
        }
    }
}
