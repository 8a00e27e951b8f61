//! One value of the sigs dialect.

use std::borrow::Cow;

use super::emitter::Emitter;
use super::error::{PrintError, Unprintable};
use super::order;
use crate::kyaml::value::Scalar;
use crate::{Node, Value};

/// Prints the entries of mappings from a stack that all mappings share.
pub(super) struct Printer<'n, 'o> {
    emitter: Emitter<'o>,
    entries: Vec<(&'n str, &'n Node)>,
}

impl<'n, 'o> Printer<'n, 'o> {
    pub(super) fn new(out: &'o mut String) -> Self {
        Self { emitter: Emitter::new(out), entries: Vec::new() }
    }

    pub(super) fn document(mut self, node: &'n Node) -> Result<(), PrintError> {
        self.node(node)?;
        self.emitter.finish();
        Ok(())
    }

    fn node(&mut self, node: &'n Node) -> Result<(), PrintError> {
        let scalar = match &node.value {
            Value::Null => Scalar::Null,
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Int(value) => Scalar::Int(*value),
            Value::UInt(value) => Scalar::UInt(*value),
            Value::Float(value) => Scalar::Float(*value),
            Value::String(text) => Scalar::Text(Cow::Borrowed(text)),
            Value::Sequence(items) => return self.sequence(items),
            Value::Mapping(_) => return self.mapping(node),
        };
        self.emitter.scalar(&scalar).map_err(|reason: Unprintable| PrintError::new(node.position, reason))
    }

    fn sequence(&mut self, items: &'n [Node]) -> Result<(), PrintError> {
        if items.is_empty() {
            self.emitter.empty("[]");
            return Ok(());
        }
        let outer = self.emitter.open_sequence();
        for (index, item) in items.iter().enumerate() {
            let begun = self.emitter.item().map_err(|reason| PrintError::new(item.position, reason));
            begun.and_then(|()| self.node(item)).map_err(|error| error.below(index.to_string()))?;
        }
        self.emitter.close(outer);
        Ok(())
    }

    fn mapping(&mut self, node: &'n Node) -> Result<(), PrintError> {
        let from = self.entries.len();
        self.entries.extend(node.entries().iter().map(|entry| (entry.key.as_str(), &entry.value)));
        let end = self.entries.len();
        if from == end {
            self.emitter.empty("{}");
            return Ok(());
        }
        order::sort(&mut self.entries, from, |entry| entry.0);
        let outer = self.emitter.open_mapping();
        for index in from..end {
            let Some(&(key, value)) = self.entries.get(index) else { break };
            let is_overwritten = index + 1 < end && self.entries.get(index + 1).is_some_and(|next| next.0 == key);
            if is_overwritten {
                continue;
            }
            let printed = self.emitter.key(key).map_err(|reason| PrintError::new(value.position, reason));
            printed.and_then(|()| self.node(value)).map_err(|error| error.below(key))?;
        }
        self.emitter.close(outer);
        self.entries.truncate(from);
        Ok(())
    }
}
