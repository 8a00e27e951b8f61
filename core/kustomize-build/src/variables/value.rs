//! The value of a var, and how it is written.

use thalweg_yaml::kyaml::{Content, Node, Tag};

/// What a var stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum VarValue {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A list or a mapping, which no text can hold: the var stays as it is.
    Collection,
}

impl VarValue {
    /// Of a field; none where a number or boolean is not written as Go writes it.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let Content::Scalar(text) = &node.content else { return Some(Self::Collection) };
        match node.tag {
            Tag::Int => text.parse().ok().map(Self::Int),
            Tag::Float => text.parse().ok().filter(|value: &f64| value.is_finite()).map(Self::Float),
            Tag::Bool => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Self::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Self::Bool(false)),
                _ => None,
            },
            _ => Some(Self::Text(text.to_string())),
        }
    }

    /// As the whole of a field: the text and its type.
    pub(super) fn written(self) -> (String, Tag) {
        match self {
            Self::Text(text) => (text, Tag::Str),
            Self::Int(value) => (value.to_string(), Tag::Int),
            Self::Float(value) => (value.to_string(), Tag::Float),
            Self::Bool(value) => (value.to_string(), Tag::Bool),
            Self::Collection => (String::new(), Tag::Str),
        }
    }

    /// As a part of a text: as Go's `%v` writes it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => shown_float(*value),
            Self::Bool(value) => value.to_string(),
            Self::Collection => String::new(),
        }
    }
}

fn shown_float(value: f64) -> String {
    let scientific = format!("{value:e}");
    match scientific.split_once('e').and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?))) {
        Some((digits, exponent)) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}
