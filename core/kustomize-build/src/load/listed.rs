//! A list of objects as kustomize takes it apart: decoded, written as JSON, and read again.
//!
//! On the way keys are sorted, texts are quoted, numbers are written anew, dates become texts and comments go. A patch that
//! meets such an object finds the style of JSON.

use thalweg_yaml::Position;
use thalweg_yaml::kyaml::{self, Content, Field, Node, Scalar, Style, Tag, Text};

/// Why, and where, a node is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson {
    pub(crate) position: Position,
    pub(crate) problem: String,
}

/// The node that is read from the JSON of a mapping. Positions stay.
pub(crate) fn as_json(node: &Node) -> Result<Node, NotJson> {
    convert(node, true)
}

fn convert(node: &Node, is_top: bool) -> Result<Node, NotJson> {
    let mut converted = match &node.content {
        Content::Scalar(text) => scalar(node, text)?,
        Content::Sequence(items) => {
            Node::sequence(items.iter().map(|item| convert(item, false)).collect::<Result<_, _>>()?)
        }
        Content::Mapping(fields) => mapping(fields, is_top)?,
    };
    if !matches!(converted.content, Content::Scalar(_)) {
        converted.style = Style::Flow;
    }
    converted.position = node.position;
    Ok(converted)
}

fn mapping(fields: &[Field], is_top: bool) -> Result<Node, NotJson> {
    let mut converted = Vec::with_capacity(fields.len());
    for field in fields {
        let refused = |problem: String| NotJson { position: field.key.position, problem };
        let Some(text) = field.key.as_str() else { return Err(refused("a key is a list or a mapping".to_owned())) };
        // The top is decoded to a map of texts, which takes keys of any type but null; what is below is not.
        if field.key.is_null() || (!is_top && field.key.tag != Tag::Str) {
            return Err(refused(format!("the key {text} is no text")));
        }
        let mut key = quoted(text.into());
        key.position = field.key.position;
        converted.push(Field { key, value: convert(&field.value, false)? });
    }
    converted.sort_by(|left, right| left.key.as_str().cmp(&right.key.as_str()));
    let twice = converted.windows(2).find_map(|pair| match pair {
        [left, right] if left.key.as_str() == right.key.as_str() => Some(&right.key),
        _ => None,
    });
    match twice {
        Some(key) => Err(NotJson {
            position: key.position,
            problem: format!("mapping key {:?} already defined", key.as_str().unwrap_or_default()),
        }),
        None => Ok(Node::mapping(converted)),
    }
}

fn scalar(node: &Node, text: &Text) -> Result<Node, NotJson> {
    if node.tag == Tag::Str {
        return Ok(quoted(text.clone()));
    }
    let refused = |problem: String| NotJson { position: node.position, problem };
    match kyaml::scalar(text, node.tag).map_err(|reason| refused(reason.to_string()))? {
        Scalar::Null => Ok(Node::scalar("null", Tag::Null)),
        Scalar::Bool(value) => Ok(Node::scalar(if value { "true" } else { "false" }, Tag::Bool)),
        Scalar::Int(value) => Ok(Node::scalar(value.to_string(), Tag::Int)),
        Scalar::UInt(value) => Ok(Node::scalar(value.to_string(), Tag::Int)),
        Scalar::Float(value) if !value.is_finite() => Err(refused(format!("{text} is no number that JSON has"))),
        Scalar::Float(value) => {
            let text = float(value);
            let tag = kyaml::resolve(&text);
            Ok(Node::scalar(text, tag))
        }
        Scalar::Timestamp(text) => Ok(quoted(text.into())),
        Scalar::Text(text) => Ok(quoted(text.into())),
    }
}

/// A float as Go's JSON writes it.
pub(crate) fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let scientific = format!("{value:e}");
        return if size < 1.0 { scientific } else { scientific.replacen('e', "e+", 1) };
    }
    value.to_string()
}

fn quoted(text: Text) -> Node {
    let mut node = Node::text(text);
    node.style = Style::DoubleQuoted;
    node
}
