//! Nodes become values as Go's JSON decodes them: keys in any letter case, nulls that change nothing, types that must fit.

use std::collections::{HashMap, HashSet};
use std::fmt;

use thalweg_yaml::{Entry, Node, Value, kyaml};

use super::nearest::nearest;
use super::place::{List, Pairs, Placed};
use crate::{Error, Place};

/// What is done about keys that are unknown, and numbers where texts belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Unknown keys are errors, and so is every value of another type: kustomize reading a kustomization.
    Strict,
    /// Unknown keys are dropped, and numbers and booleans become texts: Flux reading its top file, and the files of
    /// generators and transformers.
    Loose,
}

/// A type that a node can be decoded into, over what was decoded before.
pub(crate) trait Decode: Default {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error>;

    /// Whether it is what it would be had nothing been decoded.
    fn is_zero(&self) -> bool;
}

/// Where a value is in its file, for messages, and how it is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'s> {
    file: &'s str,
    strictness: Strictness,
    /// Whether numbers and booleans become texts here.
    converts: bool,
    above: Option<&'s Spot<'s>>,
    step: Step<'s>,
}

#[derive(Clone, Copy)]
enum Step<'s> {
    Root,
    Key(&'s str),
    Index(usize),
}

/// Decodes the content of a file.
pub(crate) fn decode<T: Decode>(file: &str, root: &Node, strictness: Strictness) -> Result<T, Error> {
    let converts = strictness == Strictness::Loose;
    let mut value = T::default();
    value.decode(root, &Spot { file, strictness, converts, above: None, step: Step::Root })?;
    Ok(value)
}

/// Whether Go decodes into a struct itself, or into one that it embeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Embedding {
    Direct,
    Embedded,
}

/// Decodes the content of an object, dropping what is unknown.
pub(crate) fn decode_loosely<T: Decode>(file: &str, root: &Node, embedding: Embedding) -> Result<T, Error> {
    let converts = embedding == Embedding::Direct;
    let mut value = T::default();
    let spot = Spot { file, strictness: Strictness::Loose, converts, above: None, step: Step::Root };
    value.decode(root, &spot)?;
    Ok(value)
}

impl<'s> Spot<'s> {
    fn at(&'s self, step: Step<'s>) -> Self {
        Self { step, above: Some(self), ..*self }
    }

    /// Without conversion of numbers to texts: sigs.k8s.io/yaml does not find the types of fields that Go structs embed.
    pub(crate) fn embedded(self) -> Self {
        Self { converts: false, ..self }
    }

    pub(crate) fn place(&self, node: &Node) -> Place {
        Place { file: self.file.to_owned(), position: node.position }
    }

    fn wrong_type(&self, node: &Node, expected: &'static str) -> Error {
        let found = match node.text() {
            Some(text) => format!("{text:?}"),
            None => node.kind().to_owned(),
        };
        Error::InvalidField { place: self.place(node), field: self.to_string(), expected, found }
    }

    fn unknown_field(&self, entry: &Entry, known: &[&'static str]) -> Error {
        let place = Place { file: self.file.to_owned(), position: entry.position };
        let field = self.at(Step::Key(&entry.key)).to_string();
        Error::UnknownField { place, field, nearest: nearest(&entry.key, known.iter().copied()) }
    }
}

/// As `patches[1].target.kind`; the root has no name.
impl fmt::Display for Spot<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(formatter, "{above}")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(key) if self.above.is_none_or(|above| matches!(above.step, Step::Root)) => {
                formatter.write_str(key)
            }
            Step::Key(key) => write!(formatter, ".{key}"),
            Step::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// Gives each entry of a mapping to the field that its key names.
pub(crate) fn fields(
    node: &Node,
    spot: &Spot<'_>,
    known: &[&'static str],
    set: &mut dyn FnMut(&'static str, &Node, &Spot<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let entries = match &node.value {
        Value::Null => return Ok(()),
        Value::Mapping(entries) => entries,
        _ => return Err(spot.wrong_type(node, "a mapping")),
    };
    for entry in in_order_of_decoding(entries) {
        let found = known.iter().find(|field| **field == entry.key);
        match found.or_else(|| known.iter().find(|field| same_letters(field, &entry.key))) {
            Some(field) => set(field, &entry.value, &spot.at(Step::Key(field)))?,
            None if spot.strictness == Strictness::Strict => return Err(spot.unknown_field(entry, known)),
            None => {}
        }
    }
    Ok(())
}

/// The entries in the order of the text, of repeated keys the last. Where keys differ in letter case alone, all are in the
/// order of their bytes, as on their way through JSON: the last one wins.
fn in_order_of_decoding(entries: &[Entry]) -> Vec<&Entry> {
    let last: HashMap<&str, usize> = entries.iter().enumerate().map(|(at, entry)| (entry.key.as_str(), at)).collect();
    let mut kept: Vec<&Entry> = entries
        .iter()
        .enumerate()
        .filter(|(at, entry)| last.get(entry.key.as_str()) == Some(at))
        .map(|(_, entry)| entry)
        .collect();
    let letters: HashSet<String> = kept.iter().map(|entry| folded(&entry.key).collect()).collect();
    if letters.len() < kept.len() {
        kept.sort_by(|left, right| left.key.cmp(&right.key));
    }
    kept
}

/// Whether two keys are the same in Go's folding of letter case.
fn same_letters(left: &str, right: &str) -> bool {
    folded(left).eq(folded(right))
}

fn folded(key: &str) -> impl Iterator<Item = char> {
    key.chars().map(|letter| match letter {
        'ſ' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    })
}

impl Decode for String {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        *self = match &node.value {
            Value::Null => return Ok(()),
            Value::String(text) if text.contains(is_lost) => {
                return Err(spot.wrong_type(node, "a text without control characters"));
            }
            Value::String(text) => text.to_string(),
            Value::Bool(value) if spot.converts => value.to_string(),
            Value::Int(value) if spot.converts => value.to_string(),
            Value::UInt(value) if spot.converts => value.to_string(),
            Value::Float(value) if spot.converts => shortest(*value as f32),
            _ => return Err(spot.wrong_type(node, "a text")),
        };
        Ok(())
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

/// Whether a character does not survive the YAML that kustomize makes of what it hands to its generators and transformers.
fn is_lost(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

/// A float as Go's `%g` writes it with the digits of 32 bits.
fn shortest(value: f32) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}

impl Decode for kyaml::Text {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        let mut text = self.to_string();
        text.decode(node, spot)?;
        *self = text.into();
        Ok(())
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl Decode for bool {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        match &node.value {
            Value::Null => {}
            Value::Bool(value) => *self = *value,
            _ => return Err(spot.wrong_type(node, "true or false")),
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        !self
    }
}

impl Decode for i64 {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        if node.value != Value::Null {
            *self = node.to_json().as_i64().ok_or_else(|| spot.wrong_type(node, "an integer"))?;
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        *self == 0
    }
}

impl<T: Decode> Decode for Placed<T> {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        self.value.decode(node, spot)?;
        if node.value != Value::Null {
            self.position = node.position;
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        self.value.is_zero()
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        match node.value {
            Value::Null => *self = None,
            _ => self.get_or_insert_default().decode(node, spot)?,
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        self.is_none()
    }
}

impl<T: Decode> Decode for List<T> {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        let nodes = match &node.value {
            Value::Null => {
                *self = Self::default();
                return Ok(());
            }
            Value::Sequence(nodes) => nodes,
            _ => return Err(spot.wrong_type(node, "a list")),
        };
        self.given = true;
        self.items.resize_with(nodes.len(), Placed::default);
        for (index, (item, node)) in self.items.iter_mut().zip(nodes).enumerate() {
            item.decode(node, &spot.at(Step::Index(index)))?;
            item.position = node.position;
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        !self.given
    }
}

impl Decode for Pairs {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        let entries = match &node.value {
            Value::Null => {
                *self = Self::default();
                return Ok(());
            }
            Value::Mapping(entries) => entries,
            _ => return Err(spot.wrong_type(node, "a mapping of texts")),
        };
        self.given = true;
        for entry in entries {
            let mut value = Placed { value: String::new(), position: entry.value.position };
            value.decode(&entry.value, &spot.at(Step::Key(&entry.key)))?;
            self.values.insert(entry.key.to_string(), value);
        }
        Ok(())
    }

    fn is_zero(&self) -> bool {
        !self.given
    }
}

/// A mapping of anything that nobody here looks into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Anything {
    given: bool,
}

impl Decode for Anything {
    fn decode(&mut self, node: &Node, spot: &Spot<'_>) -> Result<(), Error> {
        self.given = match node.value {
            Value::Null => false,
            Value::Mapping(_) => true,
            _ => return Err(spot.wrong_type(node, "a mapping")),
        };
        Ok(())
    }

    fn is_zero(&self) -> bool {
        !self.given
    }
}

/// Declares a mapping with known fields, each with its key. `embedded` marks those that a Go struct takes from another one.
macro_rules! record {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $key:literal $($embedded:ident)?,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $($(#[$doc])* pub(crate) $field: $type,)*
        }

        impl $crate::kustomization::decode::Decode for $name {
            fn decode(
                &mut self,
                node: &thalweg_yaml::Node,
                spot: &$crate::kustomization::decode::Spot<'_>,
            ) -> Result<(), $crate::Error> {
                $crate::kustomization::decode::fields(node, spot, &[$($key),*], &mut |key, node, spot| match key {
                    $($key => $crate::kustomization::decode::Decode::decode(&mut self.$field, node, &spot$(.$embedded())?),)*
                    _ => Ok(()),
                })
            }

            fn is_zero(&self) -> bool {
                $($crate::kustomization::decode::Decode::is_zero(&self.$field))&&*
            }
        }
    };
}

pub(crate) use record;
