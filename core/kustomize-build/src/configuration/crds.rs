//! A file of `crds`: OpenAPI definitions by name, whose properties say what a transformer may do with them
//! (`api/internal/accumulator/loadconfigfromcrds.go`). CustomResourceDefinitions are none, and are refused.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thalweg_yaml::Limits;

use crate::Error;
use crate::field_spec::FieldSpec;
use crate::identity::Gvk;
use crate::schema::{Mismatch, check_json};

use super::merge::{merged, sorted};
use super::{Configuration, NameReference, Set};

/// Paths that one file may lead to, all written out, in bytes; and references inside each other. A definition that refers to
/// itself exhausts kustomize's stack.
const PATH_BYTES_MAX: usize = 8 << 20;
const DEPTH_MAX: usize = 64;

/// What the definitions of a file say.
pub(super) fn configuration(file: &str, text: &[u8]) -> Result<Configuration, Error> {
    let invalid = |reason: String| Error::CrdsUnreadable { file: file.to_owned(), reason };
    let json = parse(file, text)?;
    let definitions = Definitions::of(&json).map_err(|mismatch| invalid(mismatch.to_string()))?;
    let mut sum = Configuration::default();
    let mut path_bytes_left = PATH_BYTES_MAX;
    for (name, properties) in definitions.kinds() {
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut walk = Walk { definitions: &definitions, kind, found: Found::default(), path_bytes_left };
        walk.properties(properties, "", 0).map_err(|refused| invalid(format!("{name}: {refused}")))?;
        path_bytes_left = walk.path_bytes_left;
        sum = sum.with(&walk.found.configuration()?)?;
    }
    Ok(sum)
}

/// JSON when it begins with a brace, otherwise the first document of YAML.
fn parse(file: &str, text: &[u8]) -> Result<Value, Error> {
    if text.is_empty() || text.starts_with(b"{") {
        return serde_json::from_slice(text)
            .map_err(|error| Error::CrdsUnreadable { file: file.to_owned(), reason: error.to_string() });
    }
    let document = thalweg_yaml::read_first(file, text, &Limits::default())?;
    Ok(document.map_or(Value::Null, |document| document.root.to_json()))
}

/// The properties of each definition, by name.
struct Definitions<'j> {
    properties: BTreeMap<&'j str, &'j Map<String, Value>>,
}

impl<'j> Definitions<'j> {
    fn of(json: &'j Value) -> Result<Self, Mismatch> {
        let mut definitions = Self { properties: BTreeMap::new() };
        let members = match json {
            Value::Null => return Ok(definitions),
            Value::Object(members) => members,
            _ => return Err(Mismatch::new("it", "a mapping from names to definitions")),
        };
        for (name, definition) in members {
            let definition = match definition {
                Value::Null => continue,
                Value::Object(definition) => definition,
                _ => {
                    return Err(Mismatch::new(
                        name,
                        "a mapping with a schema (CustomResourceDefinitions are not read)",
                    ));
                }
            };
            let schema = definition.iter().find(|(key, _)| key.eq_ignore_ascii_case("schema"));
            if let Some((_, schema)) = schema {
                check_json(schema).map_err(|mismatch| mismatch.inside(name))?;
                if let Some(Value::Object(properties)) = schema.get("properties") {
                    definitions.properties.insert(name, properties);
                }
            }
        }
        Ok(definitions)
    }

    /// Those that describe objects.
    fn kinds(&self) -> impl Iterator<Item = (&'j str, &'j Map<String, Value>)> {
        let is_kind = |properties: &Map<String, Value>| {
            ["kind", "apiVersion", "metadata"].iter().all(|name| properties.contains_key(*name))
        };
        self.properties.iter().map(|(name, properties)| (*name, *properties)).filter(move |(_, all)| is_kind(all))
    }
}

#[derive(Default)]
struct Found {
    annotations: Vec<FieldSpec>,
    labels: Vec<FieldSpec>,
    names: Vec<FieldSpec>,
    references: Vec<NameReference>,
}

struct Walk<'d, 'j> {
    definitions: &'d Definitions<'j>,
    kind: &'j str,
    found: Found,
    path_bytes_left: usize,
}

impl Walk<'_, '_> {
    fn properties(&mut self, properties: &Map<String, Value>, path: &str, depth: usize) -> Result<(), &'static str> {
        if depth > DEPTH_MAX {
            return Err("its definitions refer to each other without end");
        }
        for (name, property) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let left = self.path_bytes_left.checked_sub(path.len() + 1);
            self.path_bytes_left = left.ok_or("it leads to too many properties")?;
            self.property(property, &path);
            let reference = property.get("$ref").and_then(Value::as_str);
            if let Some(inner) = reference.and_then(|reference| self.definitions.properties.get(reference)) {
                self.properties(inner, &path, depth + 1)?;
            }
        }
        Ok(())
    }

    fn property(&mut self, property: &Value, path: &str) {
        let says = |extension: &str| property.get(extension).and_then(Value::as_str);
        let spec = |path: String| FieldSpec { kind: self.kind.into(), path: path.into(), ..FieldSpec::default() };
        if says("x-kubernetes-annotation").is_some() {
            self.found.annotations.push(spec(path.to_owned()));
        }
        if says("x-kubernetes-label-selector").is_some() {
            self.found.labels.push(spec(path.to_owned()));
        }
        if says("x-kubernetes-identity").is_some() {
            self.found.names.push(spec(path.to_owned()));
        }
        let referred = says("x-kubernetes-object-ref-api-version").zip(says("x-kubernetes-object-ref-kind"));
        if let Some((version, kind)) = referred {
            let key = says("x-kubernetes-object-ref-name-key").unwrap_or("name");
            self.found.references.push(NameReference {
                referred: Gvk { group: "".into(), version: version.into(), kind: kind.into() },
                field_specs: vec![spec(format!("{path}/{key}"))],
            });
        }
    }
}

impl Found {
    fn configuration(self) -> Result<Configuration, Error> {
        let mut configuration = Configuration::default();
        for (set, specs) in [
            (Set::CommonAnnotations, self.annotations),
            (Set::CommonLabels, self.labels),
            (Set::NamePrefix, self.names),
        ] {
            configuration.sets[set as usize] = sorted(merged(&[], &specs)?);
        }
        let references = Configuration { name_references: self.references.into(), ..Configuration::default() };
        Ok(configuration.with(&references)?)
    }
}
