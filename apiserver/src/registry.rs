//! Which kinds are served: the built-in ones, and those that CustomResourceDefinitions make.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value;
use thalweg_cel::Rules;
use thalweg_schema::Resource;

use crate::store::Collection;
use crate::{definitions, kinds};

/// One kind in one version, as it is served. Cheap to clone; derefs to its [`Resource`].
#[derive(Clone, Debug)]
pub(crate) struct Served(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    resource: Resource,
    collection: Collection,
    definition: Option<Definition>,
    /// The CEL rules of a custom kind.
    rules: Option<Rules>,
}

/// The CustomResourceDefinition that a kind comes from.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    /// The object, as it was when the kind was last read from it.
    pub(crate) value: Arc<Value>,
}

impl Served {
    /// Where its objects are kept, whatever the version.
    pub(crate) fn collection(&self) -> &Collection {
        &self.0.collection
    }

    /// The CustomResourceDefinition it comes from; none for a built-in kind.
    pub(crate) fn definition(&self) -> Option<&Definition> {
        self.0.definition.as_ref()
    }

    /// An object of this version in another one.
    pub(crate) fn convert(&self, value: &Value, to: &Self) -> Value {
        self.differs(value, to).unwrap_or_else(|| {
            let mut value = value.clone();
            value["apiVersion"] = to.api_version().into();
            value
        })
    }

    /// The same, if the versions differ in more than `apiVersion`.
    pub(crate) fn differs(&self, value: &Value, to: &Self) -> Option<Value> {
        if self.is_custom() || Arc::ptr_eq(&self.0, &to.0) { None } else { kinds::convert(value, self, to) }
    }

    /// Its CEL rules, compiled, if it has any.
    pub(crate) fn rules(&self) -> Option<&Rules> {
        self.0.rules.as_ref()
    }

    /// Whether a CustomResourceDefinition made it.
    pub(crate) fn is_custom(&self) -> bool {
        self.0.definition.is_some()
    }
}

impl Definition {
    /// Whether its deletion has begun.
    pub(crate) fn terminating(&self) -> bool {
        !self.value["metadata"]["deletionTimestamp"].is_null()
    }
}

impl Deref for Served {
    type Target = Resource;

    fn deref(&self) -> &Resource {
        &self.0.resource
    }
}

/// The kinds that are served, by group, plural and version. The versions of a kind stand in the order of discovery.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    kinds: BTreeMap<(String, String), Vec<Served>>,
}

impl Registry {
    /// The built-in kinds.
    pub(crate) fn new() -> Self {
        let mut registry = Self::default();
        for resource in kinds::resources() {
            let collection = Arc::new(kinds::collection(&resource));
            let key = (resource.group.clone(), resource.plural.clone());
            let served = Served(Arc::new(Parts { resource, collection, definition: None, rules: None }));
            registry.kinds.entry(key).or_default().push(served);
        }
        registry
    }

    /// The kind that a path names.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Served> {
        let versions = self.kinds.get(&(group.to_owned(), plural.to_owned()))?;
        versions.iter().find(|served| served.version == version).cloned()
    }

    /// The kind that an object's `apiVersion` and `kind` name.
    pub(crate) fn find_kind(&self, api_version: &str, kind: &str) -> Option<Served> {
        self.all().find(|served| served.kind == kind && served.api_version() == api_version).cloned()
    }

    /// The version in which the objects of a kind are kept: its first.
    pub(crate) fn stored(&self, collection: &Collection) -> Option<Served> {
        self.kinds.get(&**collection)?.first().cloned()
    }

    /// Every kind in every version, by group and plural.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Served> {
        self.kinds.values().flatten()
    }

    /// Serves what a CustomResourceDefinition defines, in place of what it defined before.
    pub(crate) fn define(&mut self, definition: &Value) {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.undefine(&name);
        let value = Arc::new(definition.clone());
        for resource in definitions::resources(definition) {
            let key = (resource.group.clone(), resource.plural.clone());
            let collection = Arc::new(key.clone());
            let definition = Some(Definition { name: name.clone(), value: Arc::clone(&value) });
            let rules = Rules::compile(&resource.schema);
            let served = Served(Arc::new(Parts { resource, collection, definition, rules }));
            self.kinds.entry(key).or_default().push(served);
        }
    }

    /// Serves no longer what the CustomResourceDefinition of this name defined.
    pub(crate) fn undefine(&mut self, name: &str) {
        let defined_here = |served: &Served| served.definition().is_some_and(|definition| definition.name == name);
        self.kinds.values_mut().for_each(|versions| versions.retain(|served| !defined_here(served)));
        self.kinds.retain(|_, versions| !versions.is_empty());
    }
}
