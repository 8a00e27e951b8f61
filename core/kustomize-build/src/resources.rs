//! A file of Kubernetes YAML to its objects: lists expanded, empty documents skipped.

use std::sync::Arc;

use thalweg_manifest::{Object, Origin};
use thalweg_yaml::{Limits, Node, Value, read};

use crate::{Error, Place};

/// The objects of a file in the order of kustomize: what lists hold comes behind the other documents.
pub(crate) fn objects(file: &str, text: &[u8], limits: &Limits) -> Result<Vec<Object>, Error> {
    let name: Arc<str> = file.into();
    let mut objects = Vec::new();
    let mut listed = Vec::new();
    for document in read(file, text, limits)? {
        match &document.root.value {
            Value::Null => {}
            _ => add(&document.root, &name, &mut objects, &mut listed)?,
        }
    }
    objects.append(&mut listed);
    Ok(objects)
}

fn add(node: &Node, file: &Arc<str>, objects: &mut Vec<Object>, listed: &mut Vec<Object>) -> Result<(), Error> {
    let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
    let items = node.get("items").filter(|_| kind.ends_with("List"));
    let Some(items) = items else {
        objects.push(object(node, file)?);
        return Ok(());
    };
    match &items.value {
        Value::Null => Ok(()),
        Value::Sequence(items) => {
            let mut nested = Vec::new();
            for item in items {
                add(item, file, &mut nested, listed)?;
            }
            listed.append(&mut nested);
            Ok(())
        }
        _ => Err(Error::ItemsNotAList {
            place: Place { file: file.to_string(), position: items.position },
            kind: kind.to_owned(),
            found: items.kind(),
        }),
    }
}

fn object(node: &Node, file: &Arc<str>) -> Result<Object, Error> {
    let origin = Origin { file: file.clone(), line: node.position.line };
    match Object::from_json(node.to_json()) {
        Ok(object) => Ok(object.with_origin(origin)),
        Err(source) => Err(Error::Incomplete { origin, source }),
    }
}
