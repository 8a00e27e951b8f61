//! A file of `configurations`: strict, like everything that is written for kustomize alone.

use std::collections::HashSet;

use thalweg_yaml::{Entry, Limits, Node, Value};

use crate::field_spec::FieldSpec;
use crate::identity::Gvk;
use crate::{Error, Place};

use super::merge::{sort_references, sorted};
use super::{Configuration, NAME_REFERENCE, NameReference, Set};

/// What the first document of a file says.
pub(super) fn configuration(file: &str, text: &[u8]) -> Result<Configuration, Error> {
    let document = thalweg_yaml::read_first(file, text, &Limits::default())?;
    let Some(document) = document else { return Ok(Configuration::default()) };
    let reader = Reader { file };
    let mut configuration = Configuration::default();
    let mut name_references = Vec::new();
    for entry in reader.mapping(&document.root, "the configuration")? {
        if entry.key.eq_ignore_ascii_case(NAME_REFERENCE) {
            name_references = reader.list(entry, |item| reader.name_reference(item))?;
        } else if let Some(set) = Set::ALL.into_iter().find(|set| entry.key.eq_ignore_ascii_case(set.name())) {
            let specs = reader.list(entry, |item| reader.field_spec(item, entry))?;
            configuration.sets[set as usize] = sorted(specs);
        } else {
            let names = Set::ALL.into_iter().map(Set::name).chain([NAME_REFERENCE]);
            return Err(reader.unknown(entry, names));
        }
    }
    sort_references(&mut name_references);
    configuration.name_references = name_references.into();
    Ok(configuration)
}

struct Reader<'f> {
    file: &'f str,
}

impl Reader<'_> {
    fn name_reference(&self, node: &Node) -> Result<NameReference, Error> {
        let mut reference = NameReference::default();
        for entry in self.mapping(node, NAME_REFERENCE)? {
            let Gvk { group, version, kind } = &mut reference.referred;
            match entry.key.to_ascii_lowercase().as_str() {
                "group" => *group = self.text(entry)?.into(),
                "version" => *version = self.text(entry)?.into(),
                "kind" => *kind = self.text(entry)?.into(),
                "fieldspecs" => reference.field_specs = self.list(entry, |item| self.field_spec(item, entry))?,
                _ => return Err(self.unknown(entry, ["group", "version", "kind", "fieldSpecs"])),
            }
        }
        Ok(reference)
    }

    fn field_spec(&self, node: &Node, list: &Entry) -> Result<FieldSpec, Error> {
        let mut spec = FieldSpec::default();
        for entry in self.mapping(node, &list.key)? {
            match entry.key.to_ascii_lowercase().as_str() {
                "group" => spec.group = self.text(entry)?.into(),
                "version" => spec.version = self.text(entry)?.into(),
                "kind" => spec.kind = self.text(entry)?.into(),
                "path" => spec.path = self.scalar(entry)?.into(),
                "create" => spec.create = self.flag(entry)?,
                _ => return Err(self.unknown(entry, ["group", "version", "kind", "path", "create"])),
            }
        }
        Ok(spec)
    }

    /// The entries of a mapping, none repeated; none at all of null.
    fn mapping<'n>(&self, node: &'n Node, what: &str) -> Result<&'n [Entry], Error> {
        let entries = match &node.value {
            Value::Null => return Ok(&[]),
            Value::Mapping(entries) => entries,
            _ => return Err(self.mismatch(node, what, "a mapping")),
        };
        let mut seen = HashSet::with_capacity(entries.len());
        match entries.iter().find(|entry| !seen.insert(&entry.key)) {
            Some(entry) => {
                Err(Error::ConfigurationFieldRepeated { place: self.place(entry), field: entry.key.to_string() })
            }
            None => Ok(entries),
        }
    }

    fn list<T>(&self, entry: &Entry, read: impl Fn(&Node) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        match &entry.value.value {
            Value::Null => Ok(Vec::new()),
            Value::Sequence(items) => items.iter().map(read).collect(),
            _ => Err(self.mismatch(&entry.value, &entry.key, "a list")),
        }
    }

    fn text(&self, entry: &Entry) -> Result<String, Error> {
        match &entry.value.value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.to_string()),
            _ => Err(self.mismatch(&entry.value, &entry.key, "a text")),
        }
    }

    /// A text; numbers and booleans are taken as what YAML 1.1 reads them as, written out.
    fn scalar(&self, entry: &Entry) -> Result<String, Error> {
        match &entry.value.value {
            Value::Bool(value) => Ok(value.to_string()),
            Value::Int(value) => Ok(value.to_string()),
            Value::UInt(value) => Ok(value.to_string()),
            Value::Float(value) => Ok((*value as f32).to_string()),
            _ => self.text(entry),
        }
    }

    fn flag(&self, entry: &Entry) -> Result<bool, Error> {
        match &entry.value.value {
            Value::Null => Ok(false),
            Value::Bool(value) => Ok(*value),
            _ => Err(self.mismatch(&entry.value, &entry.key, "true or false")),
        }
    }

    fn unknown(&self, entry: &Entry, known: impl IntoIterator<Item = &'static str>) -> Error {
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        Error::ConfigurationFieldUnknown { place: self.place(entry), field: entry.key.to_string(), known }
    }

    fn mismatch(&self, node: &Node, field: &str, expected: &'static str) -> Error {
        let place = Place { file: self.file.to_owned(), position: node.position };
        Error::ConfigurationFieldInvalid { place, field: field.to_owned(), expected, found: node.kind() }
    }

    fn place(&self, entry: &Entry) -> Place {
        Place { file: self.file.to_owned(), position: entry.position }
    }
}
