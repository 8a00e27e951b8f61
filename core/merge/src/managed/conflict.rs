//! Why something is not applied.

use std::fmt;

use thalweg_schema::quoted;

use super::entries::{Manager, Operation};
use super::field_set::FieldSet;
use super::path::PathElement;

/// Why a configuration is not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Other managers have set fields to other values: 409 Conflict, with [`Conflicts::causes`] as the details.
    #[error("{0}")]
    Conflicts(Conflicts),
    /// The configuration is of another version, or has managedFields: 400 BadRequest.
    #[error("{0}")]
    BadRequest(String),
    /// The configuration does not fit the schema, or the object not any more: kube-apiserver answers 500 with this text.
    #[error("{0}")]
    Unfit(String),
}

/// The fields that other managers have set to other values. Displayed as kube-apiserver words it.
#[derive(Debug)]
pub struct Conflicts(Vec<(Manager, Vec<PathElement>)>);

/// One field in conflict, as `details.causes` of a Status has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `conflict with "kubectl" using v1`. The reason is `FieldManagerConflict`.
    pub message: String,
    /// The path of the field, such as `.spec.replicas`.
    pub field: String,
}

impl Conflicts {
    /// The conflicts with these managers; `None` when there are none.
    pub(super) fn with(managers: Vec<(Manager, FieldSet)>) -> Option<Self> {
        let mut managers = managers;
        managers.sort_by_key(|(manager, _)| manager.identifier());
        let conflicts = managers.into_iter().flat_map(|(manager, fields)| {
            fields.paths().into_iter().map(move |path| (manager.clone(), path)).collect::<Vec<_>>()
        });
        let conflicts: Vec<_> = conflicts.collect();
        (!conflicts.is_empty()).then_some(Self(conflicts))
    }

    /// The conflicts but those over `fields`.
    pub(super) fn without(self, fields: &FieldSet) -> Option<Self> {
        let left: Vec<_> = self.0.into_iter().filter(|(_, path)| !fields.contains(path)).collect();
        (!left.is_empty()).then_some(Self(left))
    }

    /// The details for a Status: managers sorted, then their fields.
    pub fn causes(&self) -> Vec<Cause> {
        let cause = |(manager, path): &(Manager, Vec<PathElement>)| Cause {
            message: format!("conflict with {}", printed(manager)),
            field: joined(path),
        };
        self.0.iter().map(cause).collect()
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(manager, path)] = self.0.as_slice() {
            return write!(f, "Apply failed with 1 conflict: conflict with {}: {}", printed(manager), joined(path));
        }
        write!(f, "Apply failed with {} conflicts: ", self.0.len())?;
        let mut last = None;
        for (manager, path) in &self.0 {
            if last != Some(manager) {
                let line = if last.is_some() { "\n" } else { "" };
                write!(f, "{line}conflicts with {}:", printed(manager))?;
                last = Some(manager);
            }
            write!(f, "\n- {}", joined(path))?;
        }
        Ok(())
    }
}

fn printed(manager: &Manager) -> String {
    let mut text = quoted(&manager.name);
    if !manager.subresource.is_empty() {
        text += &format!(" with subresource {}", quoted(&manager.subresource));
    }
    if manager.operation == Operation::Update {
        text += &format!(" using {}", manager.api_version);
    }
    text
}

fn joined(path: &[PathElement]) -> String {
    path.iter().map(PathElement::to_string).collect()
}
