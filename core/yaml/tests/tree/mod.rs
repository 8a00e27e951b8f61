//! Trees as tests/reference/print says them.

use serde_json::Value;
use thalweg_yaml::kyaml::{Field, Node, Style, Tag};

/// A node from its tree.
pub(crate) fn node_of(tree: &Value) -> Node {
    let children = || tree["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut node = match tree["kind"].as_str() {
        Some("mapping") => Node::mapping(
            children().chunks(2).map(|pair| Field { key: node_of(&pair[0]), value: node_of(&pair[1]) }).collect(),
        ),
        Some("sequence") => Node::sequence(children().iter().map(node_of).collect()),
        _ => Node::scalar(tree["value"].as_str().unwrap_or_default(), Tag::Unset),
    };
    let tag = tree["tag"].as_str().unwrap_or_default();
    match TAGS.iter().find(|(_, name)| *name == tag) {
        Some((known, _)) => node.tag = *known,
        None => node.set_custom_tag(tag),
    }
    node.tagged = tree["tagged"].as_bool().unwrap_or_default();
    let style = tree["style"].as_str().unwrap_or_default();
    node.style = STYLES.iter().find(|(_, name)| *name == style).map_or(Style::Plain, |(style, _)| *style);
    let comment = |name: &str| tree[name].as_str().unwrap_or_default();
    if ["head", "line", "foot"].iter().any(|name| !comment(name).is_empty()) {
        let comments = node.comments_mut();
        comments.head = comment("head").into();
        comments.line = comment("line").into();
        comments.foot = comment("foot").into();
    }
    node
}

/// Tags and what they are called.
pub(crate) const TAGS: [(Tag, &str); 11] = [
    (Tag::Unset, ""),
    (Tag::Null, "!!null"),
    (Tag::Bool, "!!bool"),
    (Tag::Int, "!!int"),
    (Tag::Float, "!!float"),
    (Tag::Str, "!!str"),
    (Tag::Timestamp, "!!timestamp"),
    (Tag::Binary, "!!binary"),
    (Tag::Merge, "!!merge"),
    (Tag::Sequence, "!!seq"),
    (Tag::Mapping, "!!map"),
];

/// Styles and what they are called.
pub(crate) const STYLES: [(Style, &str); 6] = [
    (Style::Plain, ""),
    (Style::DoubleQuoted, "double"),
    (Style::SingleQuoted, "single"),
    (Style::Literal, "literal"),
    (Style::Folded, "folded"),
    (Style::Flow, "flow"),
];
