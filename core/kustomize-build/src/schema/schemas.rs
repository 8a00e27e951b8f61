//! The schemas of one build: the builtin one, and the one that a kustomization may bring.
//!
//! kustomize keeps one schema for the whole process and reads it when it is first needed. What it then holds depends on what
//! was asked before: the builtin schema stays beside a brought one only if something had asked for it (a merge, or the scope
//! of a kind that the table of scopes lacks) before the brought one was met. Both the state and the order are kept here.

use std::cell::Cell;

use crate::identity::Gvk;
use crate::{Error, Place};

use super::brought::Brought;
use super::node::SchemaNode;
use super::scopes::{self, Scope, Scopes};
use super::shape::{BLANK, Reference, Shape};
use super::table;

/// The only version that is built in.
const VERSION: &str = "v1.21.2";

/// What the `openapi` field of a kustomization asks for.
#[derive(Clone, Debug)]
pub(crate) struct OpenApi<'a> {
    pub(crate) version: Option<&'a str>,
    /// The file at its `path`, and its content.
    pub(crate) file: Option<(&'a str, &'a [u8])>,
    /// Where the field is.
    pub(crate) place: &'a Place,
}

/// What one build knows of kinds.
#[derive(Debug)]
pub(crate) struct Schemas {
    /// Whether a kustomization has said which schema is used: the first one counts.
    is_decided: bool,
    brought: Option<Brought>,
    scopes: Scopes,
    builtin: Cell<Builtin>,
    /// None until a schema is needed.
    layers: Cell<Option<Layers>>,
}

/// How far the builtin schema has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Builtin {
    Unread,
    /// A scope was asked for that only it could tell.
    Wanted,
    Read,
}

/// Which schemas are in use; where both tell a definition, the upper one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layers {
    Builtin,
    Brought,
    BroughtOverBuiltin,
    BuiltinOverBrought,
}

impl Default for Schemas {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Schemas {
    /// As `kustomize build` begins: a schema that is brought replaces the builtin one.
    pub(crate) fn builtin() -> Self {
        Self {
            is_decided: false,
            brought: None,
            scopes: Scopes::default(),
            builtin: Cell::new(Builtin::Unread),
            layers: Cell::new(None),
        }
    }

    /// As Flux begins, which reads the builtin schema before it builds: a schema that is brought is added to it.
    pub(crate) fn builtin_and_brought() -> Self {
        let schemas = Self::builtin();
        schemas.layers();
        schemas
    }

    /// Takes what a kustomization's `openapi` says, when it is met: the top one before its resources, the others in the order
    /// of the walk. The first that says anything wins; what later ones say is not even looked at.
    pub(crate) fn meet(&mut self, openapi: &OpenApi<'_>) -> Result<(), Error> {
        if self.is_decided {
            return Ok(());
        }
        match (openapi.version, openapi.file) {
            (Some(_), Some(_)) => return Err(Error::SchemaVersionAndPath { place: openapi.place.clone() }),
            (None, Some((file, text))) => {
                let brought = self.brought.insert(Brought::new(file, text));
                self.scopes.bring(brought.without_namespaces());
            }
            (None | Some(""), None) => return Ok(()),
            (Some(VERSION), None) => {}
            (Some(version), None) => {
                return Err(Error::SchemaVersionUnknown {
                    place: openapi.place.clone(),
                    version: version.to_owned(),
                    known: VERSION,
                });
            }
        }
        self.is_decided = true;
        self.layers.set(None);
        Ok(())
    }

    /// Why the build must fail although every step succeeded: a schema that was brought and needed cannot be read.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        match (&self.brought, self.layers.get()) {
            (Some(brought), Some(_)) => brought.failure().map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// What is known of a kind, in exactly this version.
    #[cfg(test)]
    pub(crate) fn of(&self, gvk: Gvk<&str>) -> Option<SchemaNode<'_>> {
        self.of_type(&gvk.api_version(), gvk.kind)
    }

    /// What is known of a kind, in exactly this version.
    pub(crate) fn of_type(&self, api_version: &str, kind: &str) -> Option<SchemaNode<'_>> {
        let shape =
            self.first(|table| table.of_kind(api_version, kind), |brought| brought.of_kind(api_version, kind))?;
        Some(SchemaNode::new(self, shape))
    }

    /// The scopes that a schema of the build brings, now or later.
    pub(crate) fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// Whether a kind is known to have no namespaces. Unknown kinds have them.
    pub(crate) fn is_cluster_scoped(&self, gvk: Gvk<&str>) -> bool {
        if let Some(scope) = scopes::builtin(gvk) {
            return scope == Scope::Cluster;
        }
        if self.layers.get().is_none() {
            if self.brought.is_some() {
                self.layers();
            } else if self.builtin.get() == Builtin::Unread {
                self.builtin.set(Builtin::Wanted);
            }
        }
        self.brought.as_ref().and_then(|brought| brought.scope(gvk)) == Some(Scope::Cluster)
    }

    pub(super) fn resolve(&self, reference: &Reference) -> Option<&Shape> {
        match reference {
            Reference::Document => Some(&BLANK),
            Reference::Nowhere => None,
            Reference::Builtin(line) => {
                let (name, shape) = table::kubernetes().at(*line)?;
                let is_told_above = self.layers() == Layers::BroughtOverBuiltin;
                let above = || self.brought.as_ref().filter(|_| is_told_above).and_then(|it| it.definition(name));
                Some(above().unwrap_or(shape))
            }
            Reference::Definition { name, properties } => {
                let shape = self.first(|table| table.definition(name), |brought| brought.definition(name))?;
                properties.iter().try_fold(shape, |shape, property| shape.property(property))
            }
        }
    }

    /// The first answer, from the upper layer to the lower. Kustomize's own kinds are above all.
    fn first<'a>(
        &'a self,
        in_table: impl Fn(&'static table::Table) -> Option<&'static Shape>,
        in_brought: impl Fn(&'a Brought) -> Option<&'a Shape>,
    ) -> Option<&'a Shape> {
        let layers = self.layers();
        let builtin = || in_table(table::kubernetes());
        let brought = || self.brought.as_ref().and_then(&in_brought);
        in_table(table::kustomization()).or_else(|| match layers {
            Layers::Builtin => builtin(),
            Layers::Brought => brought(),
            Layers::BroughtOverBuiltin => brought().or_else(builtin),
            Layers::BuiltinOverBrought => builtin().or_else(brought),
        })
    }

    fn layers(&self) -> Layers {
        if let Some(layers) = self.layers.get() {
            return layers;
        }
        let layers = match (&self.brought, self.builtin.get()) {
            (None, _) => Layers::Builtin,
            (Some(_), Builtin::Unread) => Layers::Brought,
            (Some(_), Builtin::Wanted) => Layers::BuiltinOverBrought,
            (Some(_), Builtin::Read) => Layers::BroughtOverBuiltin,
        };
        if layers != Layers::Brought {
            self.builtin.set(Builtin::Read);
        }
        self.layers.set(Some(layers));
        layers
    }
}
