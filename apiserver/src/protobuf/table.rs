//! The fields of every message, from tables/protobuf.txt (`cargo xtask generate` makes it).

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a message is.
#[derive(Debug)]
pub(super) enum Message {
    /// Fields.
    Fields(Vec<Field>),
    /// A list by another name; its only field holds the items.
    List(Type),
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u64,
    /// Its name in JSON; none when its own fields stand beside the others.
    pub(super) name: Option<&'static str>,
    pub(super) repeated: Repeated,
    pub(super) type_: Type,
    /// Whether a zero value is there in JSON too.
    pub(super) keeps_zero: bool,
}

/// How often a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    Once,
    List,
    Map,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    Double,
    String,
    Bytes,
    Message(&'static str),
}

static MESSAGES: LazyLock<HashMap<&'static str, Message>> = LazyLock::new(|| {
    let lines = include_str!("../../tables/protobuf.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(name, rest)| (name, message(rest))).collect()
});

/// The message of this name.
pub(super) fn message_named(name: &str) -> Option<&'static Message> {
    MESSAGES.get(name)
}

/// The name of the message in which a kind is written. The options of requests are the same in every group.
pub(super) fn message_of(api_version: &str, kind: &str) -> Option<String> {
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    let package = group.split('.').next().unwrap_or_default();
    [format!("{package}/{version}.{kind}"), format!("meta/v1.{kind}")]
        .into_iter()
        .find(|name| MESSAGES.contains_key(name.as_str()))
}

fn message(line: &'static str) -> Message {
    if let Some(item) = line.strip_prefix("[]") {
        return Message::List(type_(item));
    }
    let words: Vec<&'static str> = line.split_whitespace().collect();
    Message::Fields(words.chunks_exact(3).map(|words| field(words[0], words[1], words[2])).collect())
}

fn field(number: &str, name: &'static str, text: &'static str) -> Field {
    let (keeps_zero, text) = text.strip_prefix('*').map_or((false, text), |text| (true, text));
    let (repeated, text) = match (text.strip_prefix("[]"), text.strip_prefix("{}")) {
        (Some(item), _) => (Repeated::List, item),
        (_, Some(item)) => (Repeated::Map, item),
        _ => (Repeated::Once, text),
    };
    let number = number.parse().expect("the generated table holds numbers");
    Field { number, name: (name != "-").then_some(name), repeated, type_: type_(text), keeps_zero }
}

fn type_(text: &'static str) -> Type {
    match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        message => Type::Message(message),
    }
}
