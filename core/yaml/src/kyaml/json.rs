//! JSON as Go's encoding/json writes it.

use std::fmt::Write as _;

use crate::{Value, number};

/// Adds a value; keys are sorted by their bytes, and of a repeated one the last counts.
pub(crate) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => write_number(value, out),
        Value::UInt(value) => write_number(value, out),
        Value::Float(value) => out.push_str(&number::json(*value)),
        Value::String(text) => write_text(text, out),
        Value::Sequence(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(&item.value, out);
            }
            out.push(']');
        }
        Value::Mapping(entries) => {
            let sorted: std::collections::BTreeMap<&str, &Value> =
                entries.iter().map(|entry| (entry.key.as_str(), &entry.value.value)).collect();
            out.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_number(number: impl std::fmt::Display, out: &mut String) {
    write!(out, "{number}").expect("a string takes what is written to it");
}

/// A text in quotes. What HTML or JavaScript would trip over is escaped too.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(is_escaped) {
        let (plain, escaped) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = escaped.chars();
        if let Some(character) = characters.next() {
            write_escape(character, out);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

fn is_escaped(character: char) -> bool {
    length(character) > 1
}

fn write_escape(character: char, out: &mut String) {
    let short = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        _ => return write!(out, "\\u{:04x}", u32::from(character)).expect("a string takes what is written to it"),
    };
    out.push_str(short);
}

/// How many characters a character takes in JSON.
pub(crate) fn length(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\u{c}' | '\n' | '\r' | '\t' => 2,
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
        _ => 1,
    }
}
