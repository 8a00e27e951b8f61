//! Trees as YAML: go-yaml v3's encoder with kyaml's settings, which are an indentation of two, lists at the column of their
//! key and no limit of width. Comments and styles are kept.

use super::plain::plain;
use super::write_emitter::{Emitter, Event, ScalarStyle};
use super::{Content, Document, Node, Style, Tag};

/// The text of a tree.
pub fn write(node: &Node) -> String {
    write_between(node, "", "")
}

/// The text of a document, with the comments that belong to none of its nodes.
pub fn write_document(document: &Document) -> String {
    write_between(&document.root, &document.head, &document.foot)
}

fn write_between(node: &Node, head: &str, foot: &str) -> String {
    let mut text = String::new();
    let mut emitter = Emitter::new(&mut text);
    emitter.emit(Event::DocumentStart { head });
    emit(&mut emitter, node, "", false);
    emitter.emit(Event::DocumentEnd { foot });
    text
}

/// `tail` is the comment that ended the field before this key. The foot comment of a key comes as the next tail, when its value
/// has been written.
fn emit<'n>(emitter: &mut Emitter<'n, '_>, node: &'n Node, tail: &'n str, is_key: bool) {
    let [head, line, foot] = node
        .comments()
        .map_or([""; 3], |comments| [comments.head.as_str(), comments.line.as_str(), comments.foot.as_str()]);
    let foot = if is_key { "" } else { foot };
    let tag = written_tag(node);
    let flow = node.style == Style::Flow;
    match &node.content {
        Content::Scalar(text) => {
            emitter.emit(Event::Scalar { text, tag, style: scalar_style(node, text), head, line, foot, tail });
        }
        Content::Sequence(items) => {
            emitter.emit(Event::SequenceStart { tag, flow, empty: items.is_empty(), head });
            for item in items {
                emit(emitter, item, "", false);
            }
            emitter.emit(Event::SequenceEnd { line, foot });
        }
        Content::Mapping(fields) => {
            emitter.emit(Event::MappingStart { tag, flow, empty: fields.is_empty(), head, tail });
            let mut tail = "";
            for field in fields {
                emit(emitter, &field.key, tail, true);
                tail = field.key.comments().map_or("", |comments| &comments.foot);
                emit(emitter, &field.value, "", false);
            }
            emitter.emit(Event::MappingEnd { tail, line, foot });
        }
    }
}

fn scalar_style(node: &Node, text: &str) -> ScalarStyle {
    match node.style {
        Style::DoubleQuoted => ScalarStyle::Double,
        Style::SingleQuoted => ScalarStyle::Single,
        Style::Literal => ScalarStyle::Literal,
        Style::Folded => ScalarStyle::Folded,
        Style::Plain | Style::Flow if text.contains('\n') => ScalarStyle::Literal,
        Style::Plain | Style::Flow if node.tag == Tag::Str && !node.tagged && plain(text).tag() != Tag::Str => {
            ScalarStyle::Double
        }
        Style::Plain | Style::Flow => ScalarStyle::Plain,
    }
}

/// The tag that has to be written: one that was, or one that the text would not get without it.
fn written_tag(node: &Node) -> Option<&str> {
    let implied = match &node.content {
        Content::Scalar(_) if node.tag == Tag::Str => Tag::Str,
        Content::Scalar(text) => plain(text).tag(),
        Content::Sequence(_) => Tag::Sequence,
        Content::Mapping(_) => Tag::Mapping,
    };
    if !node.tagged && node.tag == implied {
        return None;
    }
    match node.tag {
        Tag::Custom => Some(node.custom_tag()).filter(|tag| !tag.is_empty()),
        tag => tag.name(),
    }
}
