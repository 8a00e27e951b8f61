//! One object of a build: what decoding its YAML as JSON gives, with the annotations rewritten.

use std::borrow::Cow;

use super::emitter::Emitter;
use super::error::{PrintError, Unprintable};
use super::order;
use crate::kyaml::plain::{Plain, plain};
use crate::kyaml::value::{self, Context, Scalar};
use crate::kyaml::{Content, Field, Node, Style, Tag};

/// Annotations that the build keeps its own state in (api/resource/resource.go).
pub(super) const BUILD_ANNOTATIONS: [&str; 19] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/helm-generated",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];

/// Prints the fields of mappings from a stack that all mappings share.
pub(super) struct Printer<'n, 'o> {
    emitter: Emitter<'o>,
    fields: Vec<(Cow<'n, str>, Shown<'n>)>,
    annotations: Vec<(&'n str, &'n str)>,
}

/// What stands behind a key.
#[derive(Clone, Copy)]
enum Shown<'n> {
    Node(&'n Node),
    Text(&'n str),
    Metadata(&'n Node),
    Annotations,
    EmptyMapping,
}

impl<'n, 'o> Printer<'n, 'o> {
    pub(super) fn new(out: &'o mut String) -> Self {
        Self { emitter: Emitter::new(out), fields: Vec::new(), annotations: Vec::new() }
    }

    /// An object whose annotations are still to be rewritten.
    pub(super) fn object(self, node: &'n Node) -> Result<(), PrintError> {
        self.document(node, true)
    }

    /// An object that is printed as it is.
    pub(super) fn rewritten_object(self, node: &'n Node) -> Result<(), PrintError> {
        self.document(node, false)
    }

    fn document(mut self, node: &'n Node, rewrites: bool) -> Result<(), PrintError> {
        let Content::Mapping(fields) = &node.content else {
            return Err(PrintError::new(node.position, Unprintable::NotAMapping));
        };
        let flow = node.style == Style::Flow;
        let mut has_metadata = !rewrites;
        for field in value::fields_of(fields)?.iter() {
            let Some(key) = value::root_key(&field.key, flow)? else { continue };
            let is_metadata = !has_metadata && key == "metadata";
            has_metadata |= is_metadata;
            let shown = if is_metadata { self.metadata(&field.value)? } else { Shown::Node(&field.value) };
            self.fields.push((key, shown));
        }
        if !has_metadata {
            self.fields.push((Cow::Borrowed("metadata"), Shown::EmptyMapping));
        }
        self.mapping(0, flow, node)?;
        self.emitter.finish();
        Ok(())
    }

    fn metadata(&mut self, node: &'n Node) -> Result<Shown<'n>, PrintError> {
        let Content::Mapping(fields) = &node.content else {
            let is_null = node.is_null()
                || (node.tag == Tag::Unset && node.as_str().is_some_and(|text| plain(text) == Plain::Null));
            let refused = || PrintError::new(node.position, Unprintable::NotAMapping).below("metadata");
            return if is_null { Ok(Shown::Node(node)) } else { Err(refused()) };
        };
        self.annotations = annotations(fields)?;
        Ok(Shown::Metadata(node))
    }

    fn shown(&mut self, shown: Shown<'n>, flow: bool) -> Result<(), PrintError> {
        match shown {
            Shown::Node(node) => self.node(node, flow),
            Shown::Text(text) => {
                let text = if text.contains('\n') { value::block(text, false, flow) } else { Ok(Cow::Borrowed(text)) };
                text.and_then(|text| self.emitter.scalar(&Scalar::Text(text))).map_err(unplaced)
            }
            Shown::EmptyMapping => {
                self.emitter.empty("{}");
                Ok(())
            }
            Shown::Metadata(node) => {
                let from = self.fields.len();
                let flow = flow || node.style == Style::Flow;
                for field in value::fields_of(node.fields())?.iter() {
                    if field.key.as_str() != Some("annotations") {
                        self.fields.push((value::key(&field.key, flow)?, Shown::Node(&field.value)));
                    }
                }
                if !self.annotations.is_empty() {
                    self.fields.push((Cow::Borrowed("annotations"), Shown::Annotations));
                }
                self.mapping(from, flow, node)
            }
            Shown::Annotations => {
                let from = self.fields.len();
                for (key, text) in std::mem::take(&mut self.annotations) {
                    self.fields.push((annotation_key(key, flow).map_err(unplaced)?, Shown::Text(text)));
                }
                self.made_mapping(from, flow)
            }
        }
    }

    fn node(&mut self, node: &'n Node, flow: bool) -> Result<(), PrintError> {
        match &node.content {
            Content::Scalar(text) => {
                let context = Context { flow, is_key: false };
                let scalar = value::scalar(node, text, context);
                scalar
                    .and_then(|scalar| self.emitter.scalar(&scalar))
                    .map_err(|reason| PrintError::new(node.position, reason))
            }
            Content::Sequence(items) => self.sequence(items, flow || node.style == Style::Flow),
            Content::Mapping(fields) => {
                let from = self.fields.len();
                let flow = flow || node.style == Style::Flow;
                for field in value::fields_of(fields)?.iter() {
                    self.fields.push((value::key(&field.key, flow)?, Shown::Node(&field.value)));
                }
                self.mapping(from, flow, node)
            }
        }
    }

    fn sequence(&mut self, items: &'n [Node], flow: bool) -> Result<(), PrintError> {
        if items.is_empty() {
            self.emitter.empty("[]");
            return Ok(());
        }
        let outer = self.emitter.open_sequence();
        for (index, item) in items.iter().enumerate() {
            let begun = self.emitter.item().map_err(|reason| PrintError::new(item.position, reason));
            begun.and_then(|()| self.node(item, flow)).map_err(|error| error.below(index.to_string()))?;
        }
        self.emitter.close(outer);
        Ok(())
    }

    fn mapping(&mut self, from: usize, flow: bool, node: &'n Node) -> Result<(), PrintError> {
        order::sort(&mut self.fields, from, |field| &field.0);
        let repeated =
            self.fields.iter().skip(from).zip(self.fields.iter().skip(from + 1)).find(|(one, next)| one.0 == next.0);
        if let Some(((key, _), _)) = repeated {
            return Err(value::repeated(node, key));
        }
        self.sorted_mapping(from, flow)
    }

    fn made_mapping(&mut self, from: usize, flow: bool) -> Result<(), PrintError> {
        order::sort(&mut self.fields, from, |field| &field.0);
        self.sorted_mapping(from, flow)
    }

    /// Prints the fields from this one on, and takes them off the stack.
    fn sorted_mapping(&mut self, from: usize, flow: bool) -> Result<(), PrintError> {
        let end = self.fields.len();
        if from == end {
            self.emitter.empty("{}");
            return Ok(());
        }
        let outer = self.emitter.open_mapping();
        for index in from..end {
            let Some((key, shown)) = self.fields.get_mut(index) else { break };
            let (key, shown) = (std::mem::take(key), *shown);
            self.emitter
                .key(&key)
                .map_err(unplaced)
                .and_then(|()| self.shown(shown, flow))
                .map_err(|error| error.below(key))?;
        }
        self.emitter.close(outer);
        self.fields.truncate(from);
        Ok(())
    }
}

/// The object with its annotations as they are when it is printed.
pub(super) fn rewritten(node: &Node) -> Result<Node, PrintError> {
    let mut object = node.clone();
    if object.get("metadata").is_none() {
        object.set("metadata", Node::mapping(Vec::new()));
    }
    let annotations = annotations(node.get("metadata").map_or(&[], Node::fields))?.into_iter().map(|(key, text)| {
        let mut value = Node::text(text);
        value.style = if text.contains('\n') { Style::Literal } else { Style::Plain };
        Field { key: Node::scalar(key, Tag::Unset), value }
    });
    let annotations: Vec<Field> = annotations.collect();
    if let Some(metadata) = object.get_mut("metadata").and_then(Node::fields_mut) {
        metadata.retain(|field| field.key.as_str() != Some("annotations"));
        if !annotations.is_empty() {
            let key = Node::scalar("annotations", Tag::Unset);
            metadata.push(Field { key, value: Node::mapping(annotations) });
        }
    }
    Ok(object)
}

fn unplaced(reason: Unprintable) -> PrintError {
    PrintError::new(crate::Position { line: 0, column: 0 }, reason)
}

/// The annotations as texts. Of a repeated one the last counts, of a repeated `annotations` the first.
fn annotations(metadata: &[Field]) -> Result<Vec<(&str, &str)>, PrintError> {
    let fields = || metadata.iter().filter(|field| field.key.as_str() == Some("annotations"));
    if let Some(field) = fields().find(|field| field.value.items().len() % 2 == 1) {
        return Err(PrintError::new(field.value.position, Unprintable::NotAMapping)
            .below("annotations")
            .below("metadata"));
    }
    let mut annotations: Vec<(&str, &str)> = fields().flat_map(|field| pairs(&field.value).into_iter().rev()).collect();
    annotations.sort_by_key(|(key, _)| *key);
    annotations.dedup_by_key(|(key, _)| *key);
    annotations.retain(|(key, _)| !BUILD_ANNOTATIONS.contains(key));
    if annotations.iter().any(|(key, _)| key.is_empty()) {
        return Err(unplaced(Unprintable::EmptyAnnotation).below("annotations").below("metadata"));
    }
    Ok(annotations)
}

/// Keys and values, whatever they are: a list counts as one of keys and values in turn.
fn pairs(node: &Node) -> Vec<(&str, &str)> {
    match &node.content {
        Content::Mapping(fields) => fields.iter().map(|field| (text_of(&field.key), text_of(&field.value))).collect(),
        Content::Sequence(items) => {
            items.chunks_exact(2).filter_map(|pair| Some((text_of(pair.first()?), text_of(pair.last()?)))).collect()
        }
        Content::Scalar(_) => Vec::new(),
    }
}

fn text_of(node: &Node) -> &str {
    node.as_str().unwrap_or_default()
}

fn annotation_key(key: &str, flow: bool) -> Result<Cow<'_, str>, Unprintable> {
    match value::implicit(key, Context { flow, is_key: true })? {
        Scalar::Text(_) if key == "<<" => Err(Unprintable::NotMergeable),
        Scalar::Text(text) => Ok(text),
        other => Err(Unprintable::KeyIsNoText { key: key.to_owned(), found: other.kind() }),
    }
}
