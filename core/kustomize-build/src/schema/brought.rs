//! A schema that a kustomization brings with `openapi.path`: a Swagger document, as JSON or YAML.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};
use thalweg_yaml::kyaml::Text;
use thalweg_yaml::{Limits, read_first};

use crate::Error;
use crate::identity::Gvk;

use super::json::{Mismatch, check_all};
use super::scopes::Scope;
use super::shape::Shape;

const KIND: &str = "x-kubernetes-group-version-kind";

/// The document, read when it is first needed.
#[derive(Debug)]
pub(super) struct Brought {
    file: String,
    text: Vec<u8>,
    document: OnceCell<Result<Document, Error>>,
}

#[derive(Debug, Default)]
struct Document {
    definitions: BTreeMap<Text, Shape>,
    /// apiVersion and kind → definition.
    kinds: HashMap<(Text, Text), Text>,
    /// apiVersion and kind → scope, as the paths tell it.
    scopes: HashMap<(Text, Text), Scope>,
}

impl Brought {
    pub(super) fn new(file: &str, text: &[u8]) -> Self {
        Self { file: file.to_owned(), text: text.to_vec(), document: OnceCell::new() }
    }

    /// Why it cannot be read.
    pub(super) fn failure(&self) -> Option<Error> {
        self.read().as_ref().err().cloned()
    }

    pub(super) fn definition(&self, name: &str) -> Option<&Shape> {
        self.document()?.definitions.get(name)
    }

    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<&Shape> {
        let document = self.document()?;
        document.definitions.get(document.kinds.get(&(api_version.into(), kind.into()))?)
    }

    pub(super) fn scope(&self, gvk: Gvk<&str>) -> Option<Scope> {
        self.document()?.scopes.get(&(gvk.api_version().into(), gvk.kind.into())).copied()
    }

    /// apiVersion and kind of what has no namespaces.
    pub(super) fn without_namespaces(&self) -> HashSet<(Text, Text)> {
        let scopes = self.document().into_iter().flat_map(|document| &document.scopes);
        scopes.filter(|(_, scope)| **scope == Scope::Cluster).map(|(kind, _)| kind.clone()).collect()
    }

    fn document(&self) -> Option<&Document> {
        self.read().as_ref().ok()
    }

    fn read(&self) -> &Result<Document, Error> {
        self.document.get_or_init(|| {
            let json = parse(&self.file, &self.text)?;
            Document::of(&json)
                .map_err(|reason| Error::SchemaUnreadable { file: self.file.clone(), reason: reason.to_string() })
        })
    }
}

/// JSON when it begins with a brace, otherwise the first document of YAML.
fn parse(file: &str, text: &[u8]) -> Result<Value, Error> {
    if text.is_empty() || text.starts_with(b"{") {
        return serde_json::from_slice(text)
            .map_err(|error| Error::SchemaUnreadable { file: file.to_owned(), reason: error.to_string() });
    }
    let document = read_first(file, text, &Limits::default()).map_err(|error| Error::SchemaUnreadable {
        file: file.to_owned(),
        reason: format!("{}: {}", error.position, error.reason),
    })?;
    Ok(document.map_or(Value::Null, |document| document.root.to_json()))
}

impl Document {
    fn of(json: &Value) -> Result<Self, Mismatch> {
        let mut document = Self::default();
        let Value::Object(members) = json else {
            return if json.is_null() { Ok(document) } else { Err(Mismatch::new("it", "a mapping")) };
        };
        if let Some(definitions) = members.get("definitions") {
            check_all(definitions)?;
            for (name, schema) in definitions.as_object().into_iter().flatten() {
                document.define(name, schema)?;
            }
        }
        match members.get("paths") {
            Some(Value::Object(paths)) => paths.iter().try_for_each(|(path, item)| document.scope_of(path, item))?,
            None | Some(Value::Null) => {}
            Some(_) => return Err(Mismatch::new("paths", "a mapping")),
        }
        Ok(document)
    }

    fn define(&mut self, name: &str, schema: &Value) -> Result<(), Mismatch> {
        self.definitions.insert(name.into(), Shape::of(schema));
        for kind in schema.get(KIND).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            self.kinds.insert(type_of(kind)?, name.into());
        }
        Ok(())
    }

    /// A kind that can be read in a namespace is in one; one that can be read but only elsewhere is not.
    fn scope_of(&mut self, path: &str, item: &Value) -> Result<(), Mismatch> {
        if !path.starts_with('/') {
            return Ok(());
        }
        let get = match (item, item.get("get")) {
            (Value::Object(_), Some(get @ Value::Object(_))) => get,
            (Value::Object(_) | Value::Null, None | Some(Value::Null)) => return Ok(()),
            _ => return Err(Mismatch::new(&format!("paths.{path}"), "a mapping from methods to operations")),
        };
        let Some(Value::Object(kind)) = get.get(KIND) else { return Ok(()) };
        let kind = type_of(kind)?;
        if path.contains("namespaces/{namespace}") {
            self.scopes.insert(kind, Scope::Namespaced);
        } else {
            self.scopes.entry(kind).or_insert(Scope::Cluster);
        }
        Ok(())
    }
}

fn type_of(kind: &Map<String, Value>) -> Result<(Text, Text), Mismatch> {
    let text = |key: &str| kind.get(key).and_then(Value::as_str);
    let (Some(version), Some(name)) = (text("version"), text("kind")) else {
        return Err(Mismatch::new(KIND, "a mapping with the texts group, version and kind"));
    };
    let api_version = match text("group") {
        None | Some("") => version.into(),
        Some(group) => format!("{group}/{version}").into(),
    };
    Ok((api_version, name.into()))
}
