//! Objects that a kustomization makes: ConfigMaps and Secrets from files and literals, and the hash of their content.
//!
//! In: an entry of `configMapGenerator` or `secretGenerator`, or the object of a generator's file. Out: a
//! [`Resource`], in the shape that kustomize gives it before it is patched. Where it goes is for the map of resources.

mod binary;
mod file;
pub(crate) mod hash;
mod problem;
mod service_account;
mod sources;

use std::borrow::Cow;

use thalweg_yaml::kyaml::{Node, Style, Tag};
use thalweg_yaml::{Limits, Reason, Value};

pub(crate) use file::Configured;
pub use problem::GeneratorProblem;

use crate::kustomization::{GeneratorArguments, GeneratorOptions, SecretArguments};
use crate::load::Loader;
use crate::resource::{Behavior, Generated, Resource};
use crate::{Error, Place};
use sources::{Sources, Values};

/// Makes a ConfigMap. `place` is where the entry stands, `options` are those of the kustomization.
pub(crate) fn config_map(
    arguments: &GeneratorArguments,
    options: Option<&GeneratorOptions>,
    loader: &Loader<'_>,
    place: &Place,
) -> Result<Resource, Error> {
    let GeneratorArguments { literals, files, envs, .. } = arguments;
    let mut object = base("ConfigMap", arguments, place)?;
    for (key, value) in (Sources { literals, files, envs }).load(&arguments.name, loader, place)? {
        let (field, value) = match String::from_utf8(value) {
            Ok(value) => ("data", value),
            Err(error) => ("binaryData", binary::base64(error.as_bytes())),
        };
        put(&mut object, &[field], &key, text(&value));
    }
    finish(object, arguments, options, place)
}

/// Makes a Secret. `place` is where the entry stands, `options` are those of the kustomization.
pub(crate) fn secret(
    arguments: &SecretArguments,
    options: Option<&GeneratorOptions>,
    loader: &Loader<'_>,
    place: &Place,
) -> Result<Resource, Error> {
    let kind = if arguments.kind.is_empty() { "Opaque" } else { arguments.kind.as_str() };
    let arguments = general(arguments);
    let GeneratorArguments { literals, files, envs, .. } = &arguments;
    let mut object = base("Secret", &arguments, place)?;
    object.set("type", text(kind));
    let values: Values = (Sources { literals, files, envs }).load(&arguments.name, loader, place)?;
    object.set("data", Node::mapping(Vec::new()));
    for (key, value) in values {
        put(&mut object, &["data"], &key, text(&binary::base64(&value)));
    }
    finish(object, &arguments, options, place)
}

/// What a Secret's arguments share with a ConfigMap's.
fn general(arguments: &SecretArguments) -> GeneratorArguments {
    let SecretArguments { namespace, name, behavior, literals, files, envs, env, options, kind: _ } = arguments.clone();
    GeneratorArguments { namespace, name, behavior, literals, files, envs, env, options }
}

fn base(kind: &str, arguments: &GeneratorArguments, place: &Place) -> Result<Node, Error> {
    if arguments.name.is_empty() {
        return Err(problem(place, "", GeneratorProblem::NoName));
    }
    let mut object = Node::mapping(Vec::new());
    object.position = place.position;
    object.set("apiVersion", Node::text("v1"));
    object.set("kind", Node::text(kind));
    put(&mut object, &["metadata"], "name", text(&arguments.name));
    if !arguments.namespace.is_empty() {
        put(&mut object, &["metadata"], "namespace", text(&arguments.namespace));
    }
    Ok(object)
}

fn finish(
    mut object: Node,
    arguments: &GeneratorArguments,
    global: Option<&GeneratorOptions>,
    place: &Place,
) -> Result<Resource, Error> {
    let options = merged(arguments.options.as_ref(), global);
    for (field, pairs) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        for (key, value) in pairs.iter() {
            if key.is_empty() {
                return Err(problem(place, &arguments.name, GeneratorProblem::EmptyKey { field }));
            }
            let mut value = Node::text(value);
            value.style = Style::SingleQuoted;
            put(&mut object, &["metadata", field], key, value);
        }
    }
    if options.immutable {
        object.set("immutable", Node::scalar("true", Tag::Bool));
    }
    let mut resource = Resource::new(object, place.clone());
    resource.generated =
        Generated { behavior: behavior(&arguments.behavior), needs_hash: !options.disable_name_suffix_hash };
    Ok(resource)
}

/// An unknown word is as good as none.
fn behavior(word: &str) -> Behavior {
    match word {
        "create" => Behavior::Create,
        "replace" => Behavior::Replace,
        "merge" => Behavior::Merge,
        _ => Behavior::Unspecified,
    }
}

/// The options of an entry with what they lack of those of the kustomization; what is true there is true here.
fn merged<'o>(local: Option<&'o GeneratorOptions>, global: Option<&'o GeneratorOptions>) -> Cow<'o, GeneratorOptions> {
    let (local, global) = match (local, global) {
        (Some(local), Some(global)) => (local, global),
        (one, other) => return one.or(other).map_or_else(Cow::default, Cow::Borrowed),
    };
    let mut merged = local.clone();
    for (into, from) in [(&mut merged.labels, &global.labels), (&mut merged.annotations, &global.annotations)] {
        for (key, value) in &from.values {
            into.values.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    merged.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    merged.immutable |= global.immutable;
    Cow::Owned(merged)
}

/// Puts a value under a key of a mapping, which is made where it is not there.
fn put(object: &mut Node, path: &[&str], key: &str, value: Node) {
    let mut mapping = object;
    for part in path {
        if mapping.get(part).is_none() {
            mapping.set(part, Node::mapping(Vec::new()));
        }
        match mapping.get_mut(part) {
            Some(found) => mapping = found,
            None => return,
        }
    }
    mapping.set(key, value);
}

/// A text as kyaml sets it in a field: a literal block for several lines, quoted where YAML 1.1 reads something else.
pub(crate) fn text(value: &str) -> Node {
    let mut node = Node::text(value);
    node.style = match value {
        _ if value.contains('\n') => Style::Literal,
        _ if is_text_in_yaml_1_1(value) => Style::Plain,
        _ => Style::DoubleQuoted,
    };
    node
}

/// Whether go-yaml v2 reads a line as the text that it is, or cannot read it.
fn is_text_in_yaml_1_1(line: &str) -> bool {
    if line.is_empty() {
        return true;
    }
    match thalweg_yaml::read_first("", line.as_bytes(), &Limits::default()) {
        Ok(document) => document.is_some_and(|document| matches!(document.root.value, Value::String(_))),
        Err(error) => !matches!(error.reason, Reason::NotFinite(_)),
    }
}

fn problem(place: &Place, name: &str, problem: GeneratorProblem) -> Error {
    Error::Generator { place: place.clone(), name: name.to_owned(), problem }
}

#[cfg(test)]
mod tests;
