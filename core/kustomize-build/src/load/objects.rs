//! The text of a file to its objects, as kyaml reads them: lists expanded, what is empty dropped.

use std::collections::VecDeque;
use std::sync::Arc;

use thalweg_manifest::{Incomplete, Origin};
use thalweg_yaml::Limits;
use thalweg_yaml::kyaml::{self, Content, Node, ReadOptions};

use super::listed::as_json;
use crate::resource::Resource;
use crate::{Error, Place};

/// The annotation in which kustomize notes that a name is to end in a hash; one in a file counts as well.
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";

/// The objects of a file, each with its place: documents in order, then what lists among them hold.
pub(crate) fn objects(file: &str, text: &[u8], limits: &Limits) -> Result<Vec<Resource>, Error> {
    let comments = may_hold_schemas(text);
    let options = ReadOptions { limits: limits.clone(), comments };
    let pieces = kyaml::pieces(file, text, limits)?;
    let is_single = pieces.len() == 1;
    let mut documents = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Some(document) = piece.read(file, &options)? else { continue };
        match is_single {
            true => unwrap(document, &mut documents, file)?,
            false => documents.push(document),
        }
    }
    let objects = expand(whole(documents, file)?, file)?;
    Ok(objects.into_iter().map(|object| resource(object, file)).collect())
}

/// Whether a comment of the text may be a schema of the field that it is beside: such comments change how patches merge.
fn may_hold_schemas(text: &[u8]) -> bool {
    let is_schema = |comment: &[u8]| {
        let first = comment.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        first == Some(&b'{')
    };
    text.contains(&b'#') && text.split(|byte| *byte == b'#').skip(1).any(is_schema)
}

fn resource(object: Node, file: &str) -> Resource {
    let place = Place { file: file.to_owned(), position: object.position };
    let annotations = object.at(&["metadata", "annotations"]);
    let needs_hash = annotations.is_some_and(|annotations| text_of(annotations, NEEDS_HASH) == "enabled");
    let mut resource = Resource::new(object, place);
    resource.generated.needs_hash = needs_hash;
    resource
}

/// A `List` that is alone in its text stands for its items, in its place.
fn unwrap(document: Node, objects: &mut Vec<Node>, file: &str) -> Result<(), Error> {
    let is_list = matches!(text_of(&document, "kind"), "List" | "ResourceList");
    if !is_list || (document.get("items").is_none() && document.get("functionConfig").is_none()) {
        objects.push(document);
        return Ok(());
    }
    let mut document = document;
    match document.remove("items").map(|items| (items.position, items.content)) {
        Some((_, Content::Sequence(items))) => objects.extend(items),
        Some((position, Content::Mapping(fields))) if !fields.is_empty() => {
            let place = Place { file: file.to_owned(), position };
            return Err(Error::ItemsNotAList { place, kind: "List".to_owned(), found: "a mapping" });
        }
        Some(_) | None => {}
    }
    Ok(())
}

/// What is not empty, if all of it has what an object needs.
fn whole(nodes: Vec<Node>, file: &str) -> Result<Vec<Node>, Error> {
    let mut kept = Vec::with_capacity(nodes.len());
    for node in nodes {
        if is_empty(&node) {
            continue;
        }
        if let Some(source) = lacks(&node) {
            let origin = Origin { file: Arc::from(file), line: node.position.line };
            return Err(Error::Incomplete { origin, source });
        }
        kept.push(node);
    }
    Ok(kept)
}

fn lacks(node: &Node) -> Option<Incomplete> {
    if !matches!(node.content, Content::Mapping(_)) {
        return Some(Incomplete::NotAMapping);
    }
    let kind = text_of(node, "kind");
    if kind.is_empty() {
        return Some(Incomplete::Missing("kind"));
    }
    let has_name = node.get("metadata").is_some_and(|metadata| !text_of(metadata, "name").is_empty());
    (!has_name && !kind.ends_with("List")).then_some(Incomplete::Missing("metadata.name"))
}

/// Puts what lists hold behind all else; what lists in lists hold, behind that.
fn expand(nodes: Vec<Node>, file: &str) -> Result<Vec<Node>, Error> {
    let mut objects = Vec::with_capacity(nodes.len());
    let mut waiting = VecDeque::from(nodes);
    while let Some(node) = waiting.pop_front() {
        if !text_of(&node, "kind").ends_with("List") {
            objects.push(node);
            continue;
        }
        let kind = text_of(&node, "kind").to_owned();
        let place = |position| Place { file: file.to_owned(), position };
        let mut list = as_json(&node).map_err(|refused| Error::ListNotJson {
            place: place(refused.position),
            kind: kind.clone(),
            problem: refused.problem,
        })?;
        let Some(items) = list.remove("items") else {
            objects.push(node);
            continue;
        };
        let position = items.position;
        match items.content {
            _ if items.tag == kyaml::Tag::Null => {}
            Content::Sequence(items) => {
                let mut inner = Vec::with_capacity(items.len());
                for item in items {
                    unwrap(item, &mut inner, file)?;
                }
                waiting.extend(whole(inner, file)?);
            }
            Content::Scalar(_) => {
                return Err(Error::ItemsNotAList { place: place(position), kind, found: "a single value" });
            }
            Content::Mapping(_) => {
                return Err(Error::ItemsNotAList { place: place(position), kind, found: "a mapping" });
            }
        }
    }
    Ok(objects)
}

fn is_empty(node: &Node) -> bool {
    match &node.content {
        Content::Scalar(_) => node.is_null(),
        Content::Sequence(items) => items.is_empty(),
        Content::Mapping(fields) => fields.is_empty(),
    }
}

/// The text of a scalar field; empty when it is absent, null or no scalar.
fn text_of<'n>(node: &'n Node, field: &str) -> &'n str {
    node.get(field).filter(|value| !value.is_null()).and_then(Node::as_str).unwrap_or_default()
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;
