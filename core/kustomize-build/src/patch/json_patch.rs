//! JSON patches (RFC 6902) as kustomize applies them: with the library json-patch v4 (gopkg.in/evanphx/json-patch.v4).
//!
//! The library departs from the RFC: `replace` of a key that is not there adds it, `test` of one that is not there against null
//! holds, `copy` of one writes null, a negative index counts from the end, the first part of a path is not looked at, and
//! numbers and texts are compared as they are written. Afterwards kustomize decodes the whole object anew, and so every number
//! is a float and every text has another style.

use thalweg_yaml::kyaml::{Node, Text};
use thalweg_yaml::print::PrintError;
use thalweg_yaml::{Limits, read_first};

use super::json::Json;
use super::json_text;

/// What the `copy` and `move` operations of a patch may take along in an object, in values and in bytes of text.
const TAKEN_MAX: usize = 16 << 20;

/// Levels of a patched object, at most: objects are no deeper when they are read.
const DEPTH_MAX: usize = 256;

/// Operations in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPatch {
    operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq)]
struct Operation {
    /// Empty when there is none, or when it is no text.
    op: String,
    path: Option<Pointer>,
    from: Option<Pointer>,
    /// None when there is no such field.
    value: Option<Json>,
}

/// Where an operation works.
#[derive(Clone, Debug, PartialEq)]
struct Pointer {
    text: String,
    /// The steps to the container, and the key in it; none for the whole document.
    steps: Option<(Vec<Text>, Text)>,
}

/// Why a JSON patch does not fit an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("operation {number} ({operation}): {problem}")]
pub struct JsonPatchError {
    /// Counted from 1; 0 when the object itself is the problem.
    number: usize,
    operation: String,
    problem: JsonPatchProblem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum JsonPatchProblem {
    #[error("there is no such operation: it must be add, remove, replace, move, copy or test")]
    UnknownOperation,
    #[error("it has no {0}, or one that is no text")]
    NoPointer(&'static str),
    #[error("it has no value")]
    NoValue,
    #[error("the object has nothing at {0}")]
    NoContainer(String),
    #[error("the object has no key {0}")]
    NoKey(String),
    #[error("{0} is no index of a list of {1}")]
    NoIndex(String, usize),
    #[error("the test failed")]
    TestFailed,
    #[error("lists with nulls cannot be tested")]
    NullInList,
    #[error("the whole object must become a mapping")]
    NotAMapping,
    #[error("metadata and its annotations must stay mappings")]
    MetadataNotMappings,
    #[error("what is copied and moved has more than {TAKEN_MAX} values and bytes")]
    TooMuchTaken,
    #[error("the object becomes deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("the number {0} is beyond what a float holds")]
    TooLarge(Text),
}

/// Why an object could not be patched.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The object is no JSON.
    Object(PrintError),
    Patch(JsonPatchError),
}

impl JsonPatch {
    /// Reads a patch: JSON when the first character is `[`, and otherwise the first document of YAML 1.1. Null is a patch
    /// without operations.
    pub(crate) fn parse(file: &str, text: &[u8], limits: &Limits) -> Result<Self, String> {
        let json = if text.starts_with(b"[") {
            let text = String::from_utf8_lossy(text);
            json_text::read(&text, limits.depth_max).map_err(|error| format!("it is no JSON: {error}"))?
        } else {
            let document = read_first(file, text, limits).map_err(|error| error.to_string())?;
            document.map_or(Json::Null, |document| Json::of_value(document.root.value))
        };
        let operations = match json {
            Json::Null => Vec::new(),
            Json::List(items) => items.into_iter().map(Operation::of).collect::<Result<_, _>>()?,
            _ => return Err("it is no list of operations".to_owned()),
        };
        Ok(Self { operations })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Applies all operations to an object. It is unchanged when one does not fit.
    pub(crate) fn apply(&self, object: &mut Node) -> Result<(), Refused> {
        let mut document = Json::of_object(object).map_err(Refused::Object)?;
        let mut taken = 0;
        for (index, operation) in self.operations.iter().enumerate() {
            operation.apply(&mut document, &mut taken).map_err(|problem| {
                let path = operation.path.as_ref().map_or("", |path| &path.text);
                let operation = format!("{} {path}", operation.op).trim().to_owned();
                Refused::Patch(JsonPatchError { number: index + 1, operation, problem })
            })?;
        }
        let at_end = |problem| {
            Refused::Patch(JsonPatchError { number: self.operations.len(), operation: "the last".to_owned(), problem })
        };
        let Json::Mapping(fields) = &document else { return Err(at_end(JsonPatchProblem::NotAMapping)) };
        if !has_usable_metadata(fields) {
            return Err(at_end(JsonPatchProblem::MetadataNotMappings));
        }
        let position = object.position;
        *object = document.into_node().map_err(|too_large| at_end(JsonPatchProblem::TooLarge(too_large.0)))?;
        object.position = position;
        Ok(())
    }
}

impl Operation {
    fn of(json: Json) -> Result<Self, String> {
        let mut operation = Self { op: String::new(), path: None, from: None, value: None };
        let fields = match json {
            Json::Mapping(fields) => fields,
            Json::Null => Vec::new(),
            _ => return Err("an operation is no mapping".to_owned()),
        };
        for (key, value) in fields {
            match (key.as_str(), value) {
                ("op", Json::Text(text, _)) => operation.op = text.into(),
                ("path", Json::Text(text, _)) => operation.path = Some(Pointer::of(&text)),
                ("from", Json::Text(text, _)) => operation.from = Some(Pointer::of(&text)),
                ("value", value) => operation.value = Some(value),
                _ => {}
            }
        }
        Ok(operation)
    }

    fn apply(&self, document: &mut Json, taken: &mut usize) -> Result<(), JsonPatchProblem> {
        let value = || self.value.clone().unwrap_or(Json::Null);
        match self.op.as_str() {
            "add" => self.path()?.add(document, value()),
            "remove" => self.path()?.remove(document).map(drop),
            "replace" => self.replace(document),
            "move" => {
                let moved = self.from()?.remove(document)?;
                take(&moved, taken)?;
                self.path()?.add(document, moved)
            }
            "copy" => {
                let copied = self.from()?.get(document)?.unwrap_or(&Json::Null);
                take(copied, taken)?;
                let copied = copied.clone();
                self.path()?.add(document, copied)
            }
            "test" => self.test(document),
            _ => Err(JsonPatchProblem::UnknownOperation),
        }
    }

    fn path(&self) -> Result<&Pointer, JsonPatchProblem> {
        self.path.as_ref().ok_or(JsonPatchProblem::NoPointer("path"))
    }

    fn from(&self) -> Result<&Pointer, JsonPatchProblem> {
        self.from.as_ref().ok_or(JsonPatchProblem::NoPointer("from"))
    }

    fn replace(&self, document: &mut Json) -> Result<(), JsonPatchProblem> {
        let path = self.path()?;
        if path.text.is_empty() {
            return match &self.value {
                Some(value @ (Json::Mapping(_) | Json::List(_))) => {
                    *document = value.clone();
                    Ok(())
                }
                Some(_) => Err(JsonPatchProblem::NotAMapping),
                None => Err(JsonPatchProblem::NoValue),
            };
        }
        let value = self.value.clone().unwrap_or(Json::Null);
        path.check_depth_of(&value)?;
        match path.container(document)? {
            (Container::Mapping(fields), key) => put(fields, key, value),
            (Container::List(items), key) => {
                let index = position(key, items.len()).ok_or_else(|| no_index(key, items))?;
                items[index] = value;
            }
        }
        Ok(())
    }

    fn test(&self, document: &mut Json) -> Result<(), JsonPatchProblem> {
        let path = self.path()?;
        if path.text.is_empty() {
            let value = self.value.as_ref().ok_or(JsonPatchProblem::NoValue)?;
            return holds(document.equals(value));
        }
        match (path.get(document)?, &self.value) {
            (None | Some(Json::Null), None | Some(Json::Null)) => Ok(()),
            (Some(found), Some(value)) => holds(found.equals(value)),
            _ => Err(JsonPatchProblem::TestFailed),
        }
    }
}

/// Whether kustomize can write the annotations anew, as it does after a JSON patch. It takes a list for keys and values in turn.
fn has_usable_metadata(object: &[(Text, Json)]) -> bool {
    let field = |fields: &[(Text, Json)], wanted: &str| fields.iter().position(|(key, _)| key == wanted);
    match field(object, "metadata").and_then(|index| object.get(index)) {
        None | Some((_, Json::Null)) => true,
        Some((_, Json::Mapping(metadata))) => {
            match field(metadata, "annotations").and_then(|index| metadata.get(index)) {
                Some((_, Json::List(items))) => items.len() % 2 == 0,
                Some(_) | None => true,
            }
        }
        Some(_) => false,
    }
}

fn holds(equal: Option<bool>) -> Result<(), JsonPatchProblem> {
    match equal {
        Some(true) => Ok(()),
        Some(false) => Err(JsonPatchProblem::TestFailed),
        None => Err(JsonPatchProblem::NullInList),
    }
}

/// What holds what an operation works on.
enum Container<'d> {
    Mapping(&'d mut Vec<(Text, Json)>),
    List(&'d mut Vec<Json>),
}

impl Pointer {
    fn of(text: &str) -> Self {
        let mut parts = text.split('/').skip(1).map(unescaped).collect::<Vec<_>>();
        let steps = parts.pop().map(|key| (parts, key));
        Self { text: text.to_owned(), steps }
    }

    fn container<'d>(&self, document: &'d mut Json) -> Result<(Container<'d>, &Text), JsonPatchProblem> {
        let missing = || JsonPatchProblem::NoContainer(self.text.clone());
        let (steps, key) = self.steps.as_ref().ok_or_else(missing)?;
        let mut container = document;
        for step in steps {
            container = match container {
                Json::Mapping(fields) => fields.iter_mut().find(|(key, _)| key == step).map(|(_, value)| value),
                Json::List(items) => position(step, items.len()).and_then(|index| items.get_mut(index)),
                _ => None,
            }
            .ok_or_else(missing)?;
        }
        match container {
            Json::Mapping(fields) => Ok((Container::Mapping(fields), key)),
            Json::List(items) => Ok((Container::List(items), key)),
            _ => Err(missing()),
        }
    }

    /// What is there; a mapping may have nothing, a list must have it.
    fn get<'d>(&self, document: &'d mut Json) -> Result<Option<&'d Json>, JsonPatchProblem> {
        match self.container(document)? {
            (Container::Mapping(fields), key) => {
                Ok(fields.iter().find(|(other, _)| other == key).map(|(_, value)| value))
            }
            (Container::List(items), key) => {
                let index = position(key, items.len()).ok_or_else(|| no_index(key, items))?;
                Ok(items.get(index))
            }
        }
    }

    /// Whether a value can be put there without making the object deeper than anything is.
    fn check_depth_of(&self, value: &Json) -> Result<(), JsonPatchProblem> {
        let above = self.steps.as_ref().map_or(0, |(steps, _)| steps.len() + 1);
        match above + value.depth() > DEPTH_MAX {
            true => Err(JsonPatchProblem::TooDeep),
            false => Ok(()),
        }
    }

    fn add(&self, document: &mut Json, value: Json) -> Result<(), JsonPatchProblem> {
        self.check_depth_of(&value)?;
        match self.container(document)? {
            (Container::Mapping(fields), key) => put(fields, key, value),
            (Container::List(items), key) if key == "-" => items.push(value),
            (Container::List(items), key) => {
                let index = position(key, items.len() + 1).ok_or_else(|| no_index(key, items))?;
                items.insert(index, value);
            }
        }
        Ok(())
    }

    fn remove(&self, document: &mut Json) -> Result<Json, JsonPatchProblem> {
        match self.container(document)? {
            (Container::Mapping(fields), key) => {
                let found = fields.iter().position(|(other, _)| other == key);
                let index = found.ok_or_else(|| JsonPatchProblem::NoKey(self.text.clone()))?;
                Ok(fields.remove(index).1)
            }
            (Container::List(items), key) => {
                let index = position(key, items.len()).ok_or_else(|| no_index(key, items))?;
                Ok(items.remove(index))
            }
        }
    }
}

/// Counts what is copied or moved.
fn take(value: &Json, taken: &mut usize) -> Result<(), JsonPatchProblem> {
    *taken += value.size();
    if *taken > TAKEN_MAX { Err(JsonPatchProblem::TooMuchTaken) } else { Ok(()) }
}

fn no_index(key: &str, items: &[Json]) -> JsonPatchProblem {
    JsonPatchProblem::NoIndex(key.to_owned(), items.len())
}

fn put(fields: &mut Vec<(Text, Json)>, key: &Text, value: Json) {
    match fields.iter_mut().find(|(other, _)| other == key) {
        Some((_, found)) => *found = value,
        None => fields.push((key.clone(), value)),
    }
}

/// The index that a key says, below a length; a negative one counts from the end.
fn position(key: &str, length: usize) -> Option<usize> {
    let index: i64 = key.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { index.checked_add(length)? } else { index };
    usize::try_from(index).ok().filter(|_| index < length)
}

/// `~1` is a slash and `~0` a tilde.
fn unescaped(part: &str) -> Text {
    let mut text = Text::default();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('~') {
        text.push_str(before);
        let (character, after) = match after.as_bytes().first() {
            Some(b'0') => ('~', after.get(1..)),
            Some(b'1') => ('/', after.get(1..)),
            Some(_) | None => ('~', Some(after)),
        };
        text.push(character);
        rest = after.unwrap_or_default();
    }
    text.push_str(rest);
    text
}
