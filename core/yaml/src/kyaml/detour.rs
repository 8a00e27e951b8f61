//! Trees whose comments change what is read of them. go-yaml v3 writes comments inside `[…]` and `{…}`, above an empty collection
//! and behind some keys in places where they add line breaks to texts or break the syntax. Such trees are rare, and take the
//! whole way that all trees take in kustomize: they are written and read.

use super::{Comments, Content, Field, Node, ReadOptions, Style, Tag, parse, write};
use crate::Position;
use crate::print::{PrintError, Unprintable};

/// What is read of a tree after it was written, with styles that mean it as it stands; none where the tree has no such comments.
pub(crate) fn reread(node: &Node) -> Result<Option<Node>, PrintError> {
    if has_risky_comments(node, false) { written_and_read(node).map(Some) } else { Ok(None) }
}

/// The tree as it is after it was written and read.
pub(crate) fn written_and_read(node: &Node) -> Result<Node, PrintError> {
    let refused = |message: String| PrintError::new(node.position, Unprintable::Comments { message });
    let text = write(node);
    let document =
        parse("", text.as_bytes(), &ReadOptions::default()).map_err(|error| refused(error.reason.to_string()))?;
    let mut read = document.ok_or_else(|| refused("nothing is left".to_owned()))?.root;
    settle(&mut read);
    Ok(read)
}

/// Whether comments may be in the way.
pub(crate) fn has_risky_comments(node: &Node, flow: bool) -> bool {
    let comments = node.comments();
    if flow && comments.is_some_and(|comments| *comments != Comments::default()) {
        return true;
    }
    let inside = flow || node.style == Style::Flow;
    let has_head = || comments.is_some_and(|comments| !comments.head.is_empty());
    match &node.content {
        Content::Scalar(_) => false,
        Content::Sequence(items) => {
            (has_head() && (inside || items.is_empty())) || items.iter().any(|item| has_risky_comments(item, inside))
        }
        Content::Mapping(fields) => {
            (has_head() && (inside || fields.is_empty())) || fields.iter().any(|field| is_risky(field, inside))
        }
    }
}

/// A comment on the line of a key goes to a later value when it cannot stand behind its own.
fn is_risky(field: &Field, flow: bool) -> bool {
    let has_line = |node: &Node| node.comments().is_some_and(|comments| !comments.line.is_empty());
    let value = &field.value;
    let finds_its_place = match &value.content {
        Content::Scalar(_) => !has_line(value),
        Content::Sequence(items) => value.style != Style::Flow && !items.is_empty(),
        Content::Mapping(fields) => value.style != Style::Flow && !fields.is_empty(),
    };
    (has_line(&field.key) && !finds_its_place)
        || has_risky_comments(&field.key, flow)
        || has_risky_comments(value, flow)
}

/// Gives what was read the styles in which nothing changes when it is written again, and takes its places, which are those in a
/// text that nobody has seen.
fn settle(node: &mut Node) {
    node.position = Position { line: 0, column: 0 };
    if node.tag == Tag::Str || matches!(node.style, Style::Literal | Style::Folded) {
        node.style = Style::DoubleQuoted;
    }
    match &mut node.content {
        Content::Scalar(_) => return,
        Content::Sequence(items) => items.iter_mut().for_each(settle),
        Content::Mapping(fields) => {
            for field in fields {
                settle(&mut field.key);
                settle(&mut field.value);
            }
        }
    }
    node.style = Style::Plain;
}
