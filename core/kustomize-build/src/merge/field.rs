//! How values are put into fields: what is there already keeps its style.

use std::num::NonZeroU32;

use thalweg_yaml::kyaml::{Comments, Content, Field, Node, Style, Tag, Text};

/// Puts a text under a key as kustomize sets names and kinds: without a type, in the style of what was there.
pub(crate) fn set_text(mapping: &mut Node, key: &str, value: &str) {
    let mut node = Node::scalar(value, Tag::Unset);
    quote_where_yaml_1_1_differs(&mut node);
    match mapping.get_mut(key) {
        Some(found) => drop(replace(found, node)),
        None => mapping.set(key, node),
    }
}

/// Puts a value in the place of another, whose style stays. When a link is returned, the other nodes of it have this value too.
pub(super) fn replace(found: &mut Node, mut value: Node) -> Option<NonZeroU32> {
    (value.style, value.tagged) = (found.style, found.tagged);
    found.replace(value)
}

/// A field for a mapping that had none of this name. Its key has the style that it has in the patch.
pub(super) fn appended(name: &str, key_like: Option<&Node>, mut value: Node) -> Field {
    let mut key = Node::scalar(name, Tag::Unset);
    if let Some(like) = key_like {
        (key.style, key.tagged) = (like.style, like.tagged);
    }
    quote_where_yaml_1_1_differs(&mut value);
    Field { key, value }
}

/// Quotes a plain text that YAML 1.1 would not read as one. Answers whether it did.
pub(crate) fn quote_where_yaml_1_1_differs(node: &mut Node) -> bool {
    let Content::Scalar(text) = &node.content else { return false };
    let differs = matches!(node.tag, Tag::Str | Tag::Unset)
        && node.style == Style::Plain
        && !node.tagged
        && !thalweg_yaml::is_text(text);
    if differs {
        node.style = Style::DoubleQuoted;
    }
    differs
}

/// A text in the place of a scalar, without type or comments.
pub(super) fn untyped(node: &mut Node, value: &Text) {
    let mut made = Node::scalar(value.clone(), Tag::Unset);
    (made.style, made.tagged) = (node.style, node.tagged);
    *node = made;
}

/// The comments of a patch come over those of its target, as far as there are any.
pub(super) fn take_comments(target: &mut Node, patch: &Node) {
    let Some(Comments { head, line, foot }) = patch.comments() else { return };
    let comments = target.comments_mut();
    for (mine, other) in [(&mut comments.head, head), (&mut comments.line, line), (&mut comments.foot, foot)] {
        if !other.is_empty() {
            mine.clone_from(other);
        }
    }
}

pub(super) fn drop_comments(node: &mut Node) {
    if node.comments().is_some() {
        *node.comments_mut() = Comments::default();
    }
}
