//! What was read: nodes with their positions.

use std::fmt;

use crate::number;

/// A text in a tree. Short ones are kept in place, so that reading and copying trees is cheap.
pub type Text = compact_str::CompactString;

/// One document of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The content; [`Value::Null`] for an empty document.
    pub root: Node,
}

/// A value and where it begins. A node that came by an alias has the position of its anchor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value begins.
    pub position: Position,
    /// The value.
    pub value: Value,
}

/// A place in a text; prints as `line:column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
}

/// A value that JSON can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Also `yes`, `on`, `n` and their like.
    Bool(bool),
    /// An integer that fits 64 bits with sign.
    Int(i64),
    /// An integer above that, up to 64 bits without sign.
    UInt(u64),
    /// Any other finite number.
    Float(f64),
    /// A text.
    String(Text),
    /// A list.
    Sequence(Vec<Node>),
    /// Entries in the order of the text, merges in place. Where a key is repeated the last one counts.
    Mapping(Vec<Entry>),
}

/// A key, where it stands, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as text, whatever it was.
    pub key: Text,
    /// Where the key begins.
    pub position: Position,
    /// The value.
    pub value: Node,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

impl Node {
    /// The value of a key, when this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key, when this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rfind(|entry| entry.key == key)
    }

    /// The entries, when this is a mapping; none otherwise.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items, when this is a sequence.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text, when this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The node as JSON: what kubectl would send. A float without a fraction becomes an integer where it fits 64 bits with
    /// sign, and an integer that does not fit becomes a float, as they do on the way through Go's JSON.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::UInt(value) => number::to_json(*value as f64),
            Value::Float(value) => number::to_json(*value),
            Value::String(text) => Json::String(text.to_string()),
            Value::Sequence(items) => items.iter().map(Self::to_json).collect(),
            Value::Mapping(entries) => {
                Json::Object(entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_json())).collect())
            }
        }
    }

    /// What this node is called in a message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
            Value::String(_) => "a text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}
