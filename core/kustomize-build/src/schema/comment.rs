//! A schema in a comment beside a field: `# {"type":"array","x-kubernetes-patch-strategy":"merge", …}`.

use serde_json::{Map, Value};
use thalweg_yaml::kyaml::Node;

use super::json::{check, is_blank};
use super::node::SchemaNode;
use super::schemas::Schemas;
use super::shape::{Reference, Shape};

/// The short way to name a setter, from the days when kyaml had them.
const SHORT: &str = "$openapi";
const SETTER: &str = "#/definitions/io.k8s.cli.setters.";

/// A schema that a comment tells, which counts instead of what the kind's schema says of the place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comment {
    shape: Shape,
}

impl Comment {
    /// What the comment behind a node says, or where there is none, the one before it. Most comments say no schema, and
    /// neither does one that says nothing (`{}`). Words behind the schema do not matter.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let comments = node.comments()?;
        Self::read(if comments.line.is_empty() { &comments.head } else { &comments.line })
    }

    fn read(comment: &str) -> Option<Self> {
        let text = comment.trim_start_matches('#').trim_ascii_start();
        if !text.starts_with('{') {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let schema = values.next()?.ok()?;
        let keywords = schema.as_object()?;
        let is_all = text.get(values.byte_offset()..).is_none_or(|rest| rest.trim_ascii().is_empty());
        if let Some(setter) = setter(keywords).filter(|_| is_all) {
            let reference = Some(Reference::of(&format!("{SETTER}{setter}")));
            return Some(Self { shape: Shape { reference, ..Shape::blank() } });
        }
        check(&schema).ok()?;
        (!is_blank(keywords)).then(|| Self { shape: Shape::of(&schema) })
    }

    /// The place that it describes. A reference that leads nowhere leaves a place of which nothing is known.
    pub(crate) fn node<'a>(&'a self, schemas: &'a Schemas) -> SchemaNode<'a> {
        let resolved = self.shape.reference.as_ref().and_then(|reference| schemas.resolve(reference));
        SchemaNode::new(schemas, resolved.unwrap_or(&self.shape))
    }
}

fn setter(keywords: &Map<String, Value>) -> Option<&str> {
    let are_texts = keywords.values().all(|value| value.is_string() || value.is_null());
    let name = keywords.get(SHORT).and_then(Value::as_str);
    name.filter(|name| are_texts && !name.is_empty())
}
