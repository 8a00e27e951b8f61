//! JSON as JSON patches see it: `test` compares numbers and texts as they are written.

use thalweg_yaml::kyaml::{self, Content, Field, Node, Style, Tag, Text, made};
use thalweg_yaml::print::PrintError;
use thalweg_yaml::{Entry, Value};

/// A value of a document, or of a patch for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(Text),
    Text(Text, Written),
    List(Vec<Json>),
    /// Each key once.
    Mapping(Vec<(Text, Json)>),
}

/// How a text is written, when Go would write it another way.
pub(super) type Written = Option<Box<str>>;

/// What a number cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TooLarge(pub(super) Text);

impl Json {
    pub(super) fn text(text: impl Into<Text>) -> Self {
        Self::Text(text.into(), None)
    }

    /// The document that an object is.
    pub(super) fn of_object(object: &Node) -> Result<Self, PrintError> {
        match of_plain(object) {
            Some(json) => Ok(json),
            None => kyaml::to_value(object).map(Self::of_value),
        }
    }

    /// What JSON makes of a YAML value; the last of repeated keys counts.
    pub(super) fn of_value(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Number(value.to_string().into()),
            Value::UInt(value) => Self::Number(value.to_string().into()),
            Value::Float(value) => Self::Number(crate::load::json_float(value).into()),
            Value::String(text) => Self::text(text),
            Value::Sequence(items) => Self::List(items.into_iter().map(|item| Self::of_value(item.value)).collect()),
            Value::Mapping(entries) => {
                let entry = |Entry { key, value, .. }| (key, Self::of_value(value.value));
                Self::mapping(entries.into_iter().map(entry).collect())
            }
        }
    }

    /// A mapping in which the last of repeated keys counts.
    pub(super) fn mapping(fields: Vec<(Text, Json)>) -> Self {
        const COMPARED_MAX: usize = 16;
        if fields.len() <= COMPARED_MAX {
            let repeated = |index: usize, key: &Text| fields.iter().skip(index + 1).any(|(other, _)| other == key);
            if !fields.iter().enumerate().any(|(index, (key, _))| repeated(index, key)) {
                return Self::Mapping(fields);
            }
        }
        let mut seen = std::collections::HashSet::with_capacity(fields.len());
        let mut kept: Vec<_> = fields.into_iter().rev().filter(|(key, _)| seen.insert(key.clone())).collect();
        kept.reverse();
        Self::Mapping(kept)
    }

    /// What kustomize holds after it decoded a patched document, every number as a float.
    pub(super) fn into_node(self) -> Result<Node, TooLarge> {
        match self {
            Self::Null => Ok(Node::scalar("null", Tag::Null)),
            Self::Bool(value) => Ok(Node::scalar(if value { "true" } else { "false" }, Tag::Bool)),
            Self::Number(text) => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(made::number(value)),
                Ok(_) | Err(_) => Err(TooLarge(text)),
            },
            Self::Text(text, _) => Ok(made::text(text)),
            Self::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for item in items {
                    nodes.push(item.into_node()?);
                }
                Ok(flow_when_empty(Node::sequence(nodes)))
            }
            Self::Mapping(fields) => {
                let mut nodes = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    nodes.push(Field { key: made::text(key), value: value.into_node()? });
                }
                Ok(flow_when_empty(Node::mapping(nodes)))
            }
        }
    }

    /// Whether `test` finds both equal; nothing where a list holds a null, which the library behind kustomize dies of.
    pub(super) fn equals(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Mapping(one), Self::Mapping(other)) => {
                if one.len() != other.len() {
                    return Some(false);
                }
                for (key, value) in one {
                    match other.iter().find(|(other, _)| other == key) {
                        Some((_, other)) if value.equals(other)? => {}
                        Some(_) | None => return Some(false),
                    }
                }
                Some(true)
            }
            (Self::List(one), Self::List(other)) => {
                if one.len() != other.len() {
                    return Some(false);
                }
                for (one, other) in one.iter().zip(other) {
                    if matches!(one, Self::Null) || matches!(other, Self::Null) {
                        return None;
                    }
                    if !one.equals(other)? {
                        return Some(false);
                    }
                }
                Some(true)
            }
            (Self::Text(one, None), Self::Text(other, None)) => Some(one == other),
            (Self::Text(one, written), Self::Text(other, other_written)) => {
                Some(as_written(one, written) == as_written(other, other_written))
            }
            (one, other) => Some(one == other),
        }
    }

    /// How many values this is, and how many bytes their texts have.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Number(text) | Self::Text(text, _) => 1 + text.len(),
            Self::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Self::Mapping(fields) => 1 + fields.iter().map(|(key, value)| key.len() + value.size()).sum::<usize>(),
        }
    }

    /// How many lists and mappings are inside each other.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(..) => 0,
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Mapping(fields) => 1 + fields.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
        }
    }
}

/// The text as Go writes it in JSON.
pub(super) fn go_text(text: &str) -> String {
    kyaml::go_json(&Node::text(text)).expect("a text is JSON")
}

fn as_written(text: &str, written: &Written) -> String {
    written.as_ref().map_or_else(|| go_text(text), |written| written.to_string())
}

fn flow_when_empty(mut node: Node) -> Node {
    if node.items().is_empty() && node.fields().is_empty() {
        node.style = Style::Flow;
    }
    node
}

/// The document of an object that holds nothing unusual, so that no writing and reading changes it.
fn of_plain(node: &Node) -> Option<Json> {
    const DECIMAL_DIGITS_MAX: usize = 15;
    if node.tagged {
        return None;
    }
    match &node.content {
        Content::Scalar(text) => match (node.tag, node.style) {
            (_, Style::Folded | Style::Flow) => None,
            (Tag::Str, _) => Some(Json::text(text.clone())),
            // Nothing at all is null, or a text where it stands in braces.
            (Tag::Null, Style::Plain) => (!text.is_empty()).then_some(Json::Null),
            (Tag::Bool, Style::Plain) => Some(Json::Bool(text.starts_with(['t', 'T']))),
            (Tag::Int, Style::Plain) => {
                let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
                let is_short = text.len() <= DECIMAL_DIGITS_MAX && (text.len() == 1 || !text.starts_with('0'));
                (is_decimal && is_short && !text.is_empty()).then(|| Json::Number(text.clone()))
            }
            (Tag::Unset, Style::Plain) => (kyaml::resolve(text) == Tag::Str).then(|| Json::text(text.clone())),
            (Tag::Unset, _) => Some(Json::text(text.clone())),
            _ => None,
        },
        Content::Sequence(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items {
                values.push(of_plain(item)?);
            }
            Some(Json::List(values))
        }
        Content::Mapping(fields) => {
            let mut values = Vec::with_capacity(fields.len());
            for field in fields {
                match of_plain(&field.key)? {
                    // A key that is a question mark does not survive that it is written and read.
                    Json::Text(key, _) if key != "?" => values.push((key, of_plain(&field.value)?)),
                    _ => return None,
                }
            }
            match Json::mapping(values) {
                // A repeated key is an error, which the long way finds.
                Json::Mapping(kept) if kept.len() < fields.len() => None,
                mapping => Some(mapping),
            }
        }
    }
}
