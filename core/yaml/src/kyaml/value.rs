//! What a tree means: the values that kustomize has after it wrote a tree as YAML and decoded the text.

use std::borrow::Cow;
use std::collections::HashSet;

use super::plain::{Plain, plain, plain_under};
use super::{Content, Field, Node, Style, Tag, detour, json};
use crate::print::scalar::{SIMPLE_KEY_BYTES_MAX, analyze, chomping, folded_lines, is_break};
use crate::print::{PrintError, Unprintable};
use crate::resolve::{beginning, decode_base64};
use crate::timestamp::Timestamp;
use crate::{Entry, Value, number};

/// The tree as a value, fields in the order of the tree. Integers are exact; repeated keys and what JSON cannot say are errors.
pub fn to_value(node: &Node) -> Result<Value, PrintError> {
    let reread = detour::reread(node)?;
    let node = reread.as_ref().unwrap_or(node);
    match &node.content {
        Content::Mapping(fields) => {
            let flow = node.style == Style::Flow;
            check_repeated(node)?;
            let fields = fields_of(fields)?;
            let entries = fields.iter().map(|field| {
                let key = root_key(&field.key, flow)?;
                key.map(|key| entry(field, key, flow)).transpose()
            });
            entries.filter_map(Result::transpose).collect::<Result<_, _>>().map(Value::Mapping)
        }
        Content::Scalar(_) | Content::Sequence(_) => value_of(node, false),
    }
}

/// The tree as JSON. A float without a fraction becomes an integer where it fits 64 bits with sign.
pub fn to_json(node: &Node) -> Result<serde_json::Value, PrintError> {
    to_value(node).map(json_of)
}

/// The tree as Go's encoding/json writes it: one line, keys sorted, `<`, `>` and `&` escaped.
pub fn go_json(node: &Node) -> Result<String, PrintError> {
    let value = to_value(node)?;
    let mut text = String::new();
    json::write(&value, &mut text);
    Ok(text)
}

fn json_of(value: Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::UInt(value) => value.into(),
        Value::Float(value) => number::to_json(value),
        Value::String(text) => text.as_str().into(),
        Value::Sequence(items) => items.into_iter().map(|item| json_of(item.value)).collect(),
        Value::Mapping(entries) => {
            Json::Object(entries.into_iter().map(|entry| (entry.key.into(), json_of(entry.value.value))).collect())
        }
    }
}

fn value_of(node: &Node, flow: bool) -> Result<Value, PrintError> {
    let flow = flow || node.style == Style::Flow;
    match &node.content {
        Content::Scalar(text) => {
            let context = Context { flow, is_key: false };
            scalar(node, text, context)
                .and_then(Scalar::into_value)
                .map_err(|reason| PrintError::new(node.position, reason))
        }
        Content::Sequence(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                let value = value_of(item, flow).map_err(|error| error.below(index.to_string()))?;
                Ok(crate::Node { position: item.position, value })
            });
            items.collect::<Result<_, _>>().map(Value::Sequence)
        }
        Content::Mapping(fields) => {
            check_repeated(node)?;
            let fields = fields_of(fields)?;
            let entries = fields.iter().map(|field| entry(field, key(&field.key, flow)?, flow));
            entries.collect::<Result<_, _>>().map(Value::Mapping)
        }
    }
}

fn entry(field: &Field, key: Cow<'_, str>, flow: bool) -> Result<Entry, PrintError> {
    let value = value_of(&field.value, flow).map_err(|error| error.below(&*key))?;
    let value = crate::Node { position: field.value.position, value };
    Ok(Entry { key: key.into(), position: field.key.position, value })
}

fn check_repeated(node: &Node) -> Result<(), PrintError> {
    const FEW: usize = 12;
    let fields = node.fields();
    let keys = || fields.iter().filter_map(|field| field.key.as_str());
    let repeated_key = if fields.len() <= FEW {
        keys().enumerate().find(|(index, key)| keys().skip(index + 1).any(|other| other == *key)).map(|(_, key)| key)
    } else {
        let mut seen = HashSet::with_capacity(fields.len());
        keys().find(|key| !seen.insert(*key))
    };
    repeated_key.map_or(Ok(()), |key| Err(repeated(node, key)))
}

/// The error of a key that stands twice in a mapping, at its second place.
pub(crate) fn repeated(mapping: &Node, key: &str) -> PrintError {
    let second = mapping.fields().iter().filter(|field| field.key.as_str() == Some(key)).nth(1);
    let position = second.map_or(mapping.position, |field| field.key.position);
    PrintError::new(position, Unprintable::RepeatedKey { key: key.to_owned() })
}

/// The fields of a mapping, those of merged mappings included.
pub(crate) enum Fields<'n> {
    /// None is merged.
    Own(&'n [Field]),
    /// Those that count.
    Merged(Vec<&'n Field>),
}

impl<'n> Fields<'n> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'n Field> {
        let (own, merged): (&'n [Field], &[&'n Field]) = match self {
            Self::Own(fields) => (fields, &[]),
            Self::Merged(fields) => (&[], fields),
        };
        own.iter().chain(merged.iter().copied())
    }
}

/// The fields that a decoder sees. A merge is expanded when it is read, so one that is still there was made by the build.
pub(crate) fn fields_of(fields: &[Field]) -> Result<Fields<'_>, PrintError> {
    if !fields.iter().any(|field| is_merge(&field.key)) {
        return Ok(Fields::Own(fields));
    }
    let mut merged = Vec::new();
    merge(fields, &mut merged, &mut HashSet::new())?;
    Ok(Fields::Merged(merged))
}

fn merge<'n>(
    fields: &'n [Field],
    merged: &mut Vec<&'n Field>,
    keys: &mut HashSet<Option<&'n str>>,
) -> Result<(), PrintError> {
    merged.extend(fields.iter().filter(|field| !is_merge(&field.key) && keys.insert(field.key.as_str())));
    let Some(merge_field) = fields.iter().rfind(|field| is_merge(&field.key)) else { return Ok(()) };
    let one = std::slice::from_ref(&merge_field.value);
    for node in if let Content::Sequence(items) = &merge_field.value.content { items } else { one } {
        let Content::Mapping(fields) = &node.content else {
            return Err(PrintError::new(node.position, Unprintable::NotMergeable));
        };
        merge(fields, merged, keys)?;
    }
    Ok(())
}

fn is_merge(key: &Node) -> bool {
    let is_plain = matches!(key.style, Style::Plain | Style::Flow) && !key.tagged;
    key.as_str() == Some("<<") && (key.tag == Tag::Merge || (is_plain && matches!(key.tag, Tag::Unset | Tag::Str)))
}

/// A key of the outermost mapping: what is no text counts as written, and null is left out.
pub(crate) fn root_key(node: &Node, flow: bool) -> Result<Option<Cow<'_, str>>, PrintError> {
    let text = scalar_key(node)?;
    let meaning =
        scalar(node, text, Context { flow, is_key: true }).map_err(|reason| PrintError::new(node.position, reason))?;
    Ok(match meaning {
        Scalar::Null => None,
        Scalar::Text(text) => Some(text),
        _ => Some(Cow::Borrowed(text)),
    })
}

/// A key of any other mapping, which has to be a text.
pub(crate) fn key(node: &Node, flow: bool) -> Result<Cow<'_, str>, PrintError> {
    let text = scalar_key(node)?;
    let meaning =
        scalar(node, text, Context { flow, is_key: true }).map_err(|reason| PrintError::new(node.position, reason))?;
    let found = match meaning {
        Scalar::Text(_) if matches!(node.tag, Tag::Custom | Tag::Binary | Tag::Merge) => "tagged",
        Scalar::Text(text) => return Ok(text),
        other => other.kind(),
    };
    Err(PrintError::new(node.position, Unprintable::KeyIsNoText { key: text.to_owned(), found }))
}

fn scalar_key(node: &Node) -> Result<&str, PrintError> {
    node.as_str().ok_or_else(|| PrintError::new(node.position, Unprintable::CollectionAsKey))
}

/// The meaning of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'n> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(Cow<'n, str>),
    Time(Timestamp),
}

impl Scalar<'_> {
    /// What it is called in a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Time(_) => "a date",
        }
    }

    fn into_value(self) -> Result<Value, Unprintable> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::UInt(value) => Value::UInt(value),
            Self::Float(value) if value.is_finite() => Value::Float(value),
            Self::Float(value) => return Err(Unprintable::NotFinite { text: number::to_key(value) }),
            Self::Text(text) => Value::String(text.into()),
            Self::Time(time) => Value::String(rfc_3339(time)?.into()),
        })
    }
}

/// Where a scalar stands when it is written.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    /// Inside `[…]` or `{…}`.
    pub(crate) flow: bool,
    /// Before a colon.
    pub(crate) is_key: bool,
}

impl Context {
    /// Whether the text stands before its colon on one line, where it is no block. A tag would take some of the 128 bytes, but
    /// no text of one line gains by being a block.
    fn is_simple_key(self, text: &str) -> bool {
        self.is_key && text.len() <= SIMPLE_KEY_BYTES_MAX && !text.contains(is_break)
    }
}

/// What a scalar is after it was written and read.
pub(crate) fn scalar<'n>(node: &Node, text: &'n str, context: Context) -> Result<Scalar<'n>, Unprintable> {
    let is_block = matches!(node.style, Style::Literal | Style::Folded);
    if node.tag == Tag::Str && !node.tagged && !is_block && (node.style != Style::Plain || !text.contains('\n')) {
        return Ok(Scalar::Text(Cow::Borrowed(text)));
    }
    let is_quoted = is_block || matches!(node.style, Style::SingleQuoted | Style::DoubleQuoted);
    let tag = written_tag(node, text);
    let read = if context.is_simple_key(text) {
        Cow::Borrowed(text)
    } else if is_block || (!is_quoted && text.contains('\n')) {
        block(text, node.style == Style::Folded, context.flow)?
    } else {
        Cow::Borrowed(text)
    };
    match tag {
        Written::Tag(tag) => tagged(tag, read),
        Written::Implicit if !is_quoted => implicit(text, context),
        Written::Implicit | Written::Quoted => Ok(Scalar::Text(read)),
    }
}

/// What go-yaml v3 writes of a tag.
enum Written {
    Tag(Tag),
    /// None: the style decides.
    Implicit,
    /// None, but quotes.
    Quoted,
}

fn written_tag(node: &Node, text: &str) -> Written {
    match node.tag {
        Tag::Unset => Written::Implicit,
        tag if node.tagged => Written::Tag(tag),
        Tag::Str => Written::Quoted,
        tag if plain(text).tag() == tag => Written::Implicit,
        tag => Written::Tag(tag),
    }
}

/// A scalar without tag and quotes.
pub(crate) fn implicit(text: &str, context: Context) -> Result<Scalar<'_>, Unprintable> {
    if text.contains('\n') {
        return block(text, false, context.flow).map(Scalar::Text);
    }
    Ok(match plain(text) {
        // Quotes are put around nothing in these places, and around colons in flow style.
        Plain::Null if text.is_empty() && (context.flow || context.is_key) => Scalar::Text(Cow::Borrowed(text)),
        Plain::Timestamp(_) if context.flow && text.contains([':', ',']) => Scalar::Text(Cow::Borrowed(text)),
        value => meaning(value, Cow::Borrowed(text)),
    })
}

/// A time as JSON says it.
pub(crate) fn rfc_3339(time: Timestamp) -> Result<String, Unprintable> {
    let text = time.to_string();
    if time.has_short_offset() { Ok(text) } else { Err(Unprintable::TimeZone { text }) }
}

/// A text under a tag that is written out.
fn tagged(tag: Tag, text: Cow<'_, str>) -> Result<Scalar<'_>, Unprintable> {
    let name = match tag {
        Tag::Binary => {
            let decoded = decode_base64(&text).ok_or(Unprintable::InvalidBase64)?;
            return Ok(Scalar::Text(Cow::Owned(decoded)));
        }
        Tag::Unset | Tag::Str | Tag::Merge | Tag::Sequence | Tag::Mapping | Tag::Custom => {
            return Ok(Scalar::Text(text));
        }
        Tag::Null | Tag::Bool | Tag::Int | Tag::Float | Tag::Timestamp => tag.name(),
    };
    match plain_under(tag, &text) {
        Ok(value) => Ok(meaning(value, text)),
        Err(found) => {
            Err(Unprintable::WrongTag { text: beginning(&text), found: found.kind(), tag: name.unwrap_or_default() })
        }
    }
}

fn meaning(value: Plain, text: Cow<'_, str>) -> Scalar<'_> {
    match value {
        Plain::Null => Scalar::Null,
        Plain::Bool(value) => Scalar::Bool(value),
        Plain::Int(value) => Scalar::Int(value),
        Plain::UInt(value) => Scalar::UInt(value),
        Plain::Float(value) => Scalar::Float(value),
        Plain::Timestamp(time) => Scalar::Time(time),
        Plain::Text => Scalar::Text(text),
    }
}

/// What is read of a text that was to be written as a block; where it cannot be one it is quoted. A literal is what it was,
/// but go-yaml does not find the indentation of a tab; a folded text gains line breaks.
pub(crate) fn block(text: &str, folded: bool, flow: bool) -> Result<Cow<'_, str>, Unprintable> {
    let begins_with_tab = text.starts_with('\t');
    if flow || !(folded || begins_with_tab) || !analyze(text).block {
        return Ok(Cow::Borrowed(text));
    }
    if begins_with_tab {
        return Err(Unprintable::TabBegins);
    }
    let read = refolded(text);
    Ok(if read == text { Cow::Borrowed(text) } else { Cow::Owned(read) })
}

/// Writes a folded scalar and reads it again.
fn refolded(text: &str) -> String {
    let mut read = String::with_capacity(text.len() + 8);
    let (mut line_break, mut empty_lines) = ("", String::new());
    let mut after_indented = false;
    for (content, ending) in folded_lines(text) {
        if content.is_empty() {
            empty_lines.push_str(ending);
            continue;
        }
        let is_indented = content.starts_with([' ', '\t']);
        if !after_indented && !is_indented && line_break == "\n" {
            read.push_str(if empty_lines.is_empty() { " " } else { "" });
        } else {
            read.push_str(line_break);
        }
        read.push_str(&empty_lines);
        read.push_str(content);
        empty_lines.clear();
        after_indented = is_indented;
        let first = ending.chars().next().map_or(0, char::len_utf8);
        let rest;
        (line_break, rest) = ending.split_at(first);
        empty_lines.push_str(rest);
    }
    let chomping = chomping(text);
    if chomping != "-" {
        read.push_str(line_break);
    }
    if chomping == "+" {
        read.push_str(&empty_lines);
    }
    read
}
