//! Reads what a pass needs and decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thalweg_artifact::Files;
use thalweg_crds::kustomize::{self, Kustomization};
use thalweg_crds::source;
use thalweg_manifest::ObjectId;
use thalweg_plan::{Claims, Inventory, Owner};

use crate::build;
use crate::context::{Context, id_of};
use crate::problem::Problem;
use crate::report::inventory_of;

/// What a Kustomization depends on, as it stood when the pass began.
pub(crate) struct Observed {
    /// The source.
    pub(crate) source: ObjectId,
    /// What the source has published; `None` when there is no source.
    pub(crate) artifact: Option<Option<source::Artifact>>,
    /// The Kustomizations that must be ready first; `None` for one that does not exist.
    pub(crate) dependencies: BTreeMap<ObjectId, Option<Arc<Kustomization>>>,
}

impl Observed {
    /// Reads the source and the dependencies. Interest in them has been registered before.
    pub(crate) fn of(object: &Kustomization, context: &Context) -> Self {
        let source = source_of(object);
        let repository = context.repositories.get(&source);
        Self {
            artifact: repository
                .map(|repository| repository.status.as_ref().and_then(|status| status.artifact.clone())),
            dependencies: dependencies_of(object)
                .into_iter()
                .map(|id| (id.clone(), context.kustomizations.get(&id)))
                .collect(),
            source,
        }
    }
}

/// The identity of the source of a Kustomization.
pub(crate) fn source_of(object: &Kustomization) -> ObjectId {
    let reference = &object.spec.source_ref;
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    let namespace = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(own);
    ObjectId::new(source::GROUP, &reference.kind, namespace, &reference.name)
}

/// The Kustomizations that a Kustomization depends on.
pub(crate) fn dependencies_of(object: &Kustomization) -> BTreeSet<ObjectId> {
    let own = object.metadata.namespace.as_deref().unwrap_or_default();
    let dependencies = object.spec.depends_on.iter();
    dependencies
        .map(|dependency| {
            let namespace = dependency.namespace.as_deref().filter(|namespace| !namespace.is_empty()).unwrap_or(own);
            ObjectId::new(kustomize::GROUP, kustomize::KUSTOMIZATION, namespace, &dependency.name)
        })
        .collect()
}

/// A change of any custom resource definition; the graph knows it by this id.
pub(crate) fn any_definition() -> ObjectId {
    ObjectId::new("apiextensions.k8s.io", "CustomResourceDefinition", "", "*")
}

/// The owner that the labels of a Kustomization's objects name.
pub(crate) fn owner_of(object: &Kustomization) -> Owner {
    Owner {
        namespace: object.metadata.namespace.clone().unwrap_or_default(),
        name: object.metadata.name.clone().unwrap_or_default(),
    }
}

/// The other Kustomizations of the same source that are not being deleted.
pub(crate) fn siblings(object: &Kustomization, context: &Context) -> Vec<Arc<Kustomization>> {
    let (id, source) = (id_of(object), source_of(object));
    let mut siblings = context.kustomizations.list();
    siblings.retain(|other| {
        id_of(other) != id && source_of(other) == source && other.metadata.deletion_timestamp.is_none()
    });
    siblings
}

/// What `siblings` want of the artifact with these files: their built sets, or their inventories when they cannot be built.
pub(crate) async fn claims(siblings: Vec<Arc<Kustomization>>, files: Option<&Files>, context: &Context) -> Claims {
    let mut claims = Claims::default();
    for sibling in siblings {
        let owner = owner_of(&sibling);
        let built = match files {
            Some(files) => build::desired(&sibling, files, context).await,
            None => Err(Problem::NoArtifact(String::new())),
        };
        match built {
            Ok(desired) => desired.wanted().iter().for_each(|wanted| claims.insert(wanted.id.clone(), &owner)),
            Err(_) => {
                let inventory: Inventory = inventory_of(&sibling);
                let objects = inventory.entries().iter().filter_map(thalweg_plan::Entry::object);
                objects.for_each(|object| claims.insert(object, &owner));
            }
        }
    }
    claims
}
