//! The kustomization file: which of its fields are set, and which of those are supported.

use thalweg_yaml::{Entry, Limits, Node, Position, Value, read};

use crate::{Error, Place};

/// The names that kustomize looks for.
pub(crate) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const API_VERSION: &str = "kustomize.config.k8s.io/v1beta1";

/// What a kustomization file asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Kustomization {
    pub(crate) resources: Vec<Resource>,
    /// Whether nothing besides apiVersion and kind is written in it.
    pub(crate) is_empty: bool,
}

/// An entry of `resources`.
#[derive(Debug, PartialEq)]
pub(crate) struct Resource {
    pub(crate) entry: String,
    pub(crate) position: Position,
}

/// Reads the first document, as kustomize does. Field names match in any letter case.
pub(crate) fn parse(file: &str, text: &[u8], limits: &Limits) -> Result<Kustomization, Error> {
    let mut kustomization = Kustomization { resources: Vec::new(), is_empty: true };
    let documents = read(file, text, limits)?;
    let Some(document) = documents.first() else { return Ok(kustomization) };
    match &document.root.value {
        Value::Null => return Ok(kustomization),
        Value::Mapping(_) => {}
        _ => {
            let place = Place { file: file.to_owned(), position: document.root.position };
            return Err(Error::NotAKustomization { place });
        }
    }
    for entry in document.root.entries() {
        match entry.key.to_ascii_lowercase().as_str() {
            "apiversion" => expect(file, entry, &["", API_VERSION], API_VERSION)?,
            "kind" if entry.value.text() == Some("Component") => {
                return Err(unsupported(file, entry, "kind: Component"));
            }
            "kind" => expect(file, entry, &["", "Kustomization"], "Kustomization")?,
            "resources" => {
                kustomization.is_empty = false;
                kustomization.resources = resources(file, &entry.value)?;
            }
            _ if is_set(&entry.value) => return Err(unsupported(file, entry, &entry.key)),
            _ => kustomization.is_empty = false,
        }
    }
    Ok(kustomization)
}

fn resources(file: &str, list: &Node) -> Result<Vec<Resource>, Error> {
    let items = match &list.value {
        Value::Null => &[],
        Value::Sequence(items) => items.as_slice(),
        _ => return Err(invalid(file, list, "resources", "a list of texts")),
    };
    items
        .iter()
        .map(|item| match item.text() {
            Some(entry) if !entry.is_empty() => Ok(Resource { entry: entry.to_owned(), position: item.position }),
            _ => Err(invalid(file, item, "an entry of resources", "a text that is not empty")),
        })
        .collect()
}

fn expect(file: &str, entry: &Entry, allowed: &[&str], expected: &'static str) -> Result<(), Error> {
    match &entry.value.value {
        Value::Null => Ok(()),
        Value::String(text) if allowed.contains(&text.as_str()) => Ok(()),
        _ => Err(invalid(file, &entry.value, &entry.key, expected)),
    }
}

fn is_set(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        Value::Mapping(entries) => !entries.is_empty(),
        Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_) => true,
    }
}

fn unsupported(file: &str, entry: &Entry, field: &str) -> Error {
    Error::Unsupported { place: Place { file: file.to_owned(), position: entry.position }, field: field.to_owned() }
}

fn invalid(file: &str, node: &Node, field: &str, expected: &'static str) -> Error {
    let found = match node.text() {
        Some(text) => format!("{text:?}"),
        None => node.kind().to_owned(),
    };
    let place = Place { file: file.to_owned(), position: node.position };
    Error::InvalidField { place, field: field.to_owned(), expected, found }
}
