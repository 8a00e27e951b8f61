//! What is done once, at the top, when all layers have had their turn.
//!
//! Order: `makeCustomizedResMap` and `Run` of kustomize's api/internal/target and api/krusty.

use std::collections::HashSet;

use thalweg_yaml::kyaml::{Node, Tag};

use crate::Error;
use crate::generate::hash;
use crate::identity::Id;
use crate::layer::Gathered;
use crate::order::{self, Order};
use crate::origin::{self, BuildMetadata};
use crate::reference;
use crate::resource::Resource;
use crate::resource_map::ResourceMap;

/// Objects with this annotation are left out, unless it is `false`.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// The label that `managedByLabel` asks for, and what kustomize v5.8.1 puts there.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.8.1");

/// The objects as they are printed, in their order.
pub(crate) fn finish(gathered: Gathered, metadata: BuildMetadata, order: &Order) -> Result<Vec<Resource>, Error> {
    let Gathered { mut resources, configuration, variables } = gathered;
    add_hashes(&mut resources)?;
    reference::fix(&mut resources, configuration.name_references())?;
    variables.resolve(&mut resources, configuration.var_references())?;
    leave_out_local(&mut resources)?;
    let mut resources = resources.into_resources();
    order::sort(&mut resources, order);
    for resource in &mut resources {
        if metadata.managed_by {
            label(resource)?;
        }
        origin::annotate(resource, metadata);
    }
    Ok(resources)
}

/// Ends the names of generated objects in a hash of their content.
pub(crate) fn add_hashes(resources: &mut ResourceMap) -> Result<(), Error> {
    for position in resources.positions().collect::<Vec<_>>() {
        if !resources.get(position).is_some_and(|resource| resource.generated.needs_hash) {
            continue;
        }
        let Some(resource) = resources.get_mut(position) else { continue };
        let hash = hash::of(resource)?;
        resource.remember_id();
        let name = format!("{}-{hash}", resource.id().name);
        if let Some(metadata) = resource.object.get_mut("metadata") {
            let style = metadata.get("name").map(|node| node.style).unwrap_or_default();
            let mut node = Node::scalar(name, Tag::Str);
            node.style = style;
            metadata.set("name", node);
        }
    }
    Ok(())
}

fn leave_out_local(resources: &mut ResourceMap) -> Result<(), Error> {
    let mut has_local = false;
    for resource in resources.iter() {
        let id = resource.id();
        let missing = match (id.gvk.kind, id.name) {
            ("", _) => "kind",
            (kind, "") if !kind.ends_with("List") => "metadata.name",
            _ => {
                has_local |= is_local(resource);
                continue;
            }
        };
        return Err(Error::PatchedToNoObject { place: resource.place.clone(), missing });
    }
    if has_local {
        let others = resources.iter().filter(|resource| !is_local(resource));
        let kept: HashSet<Id> = others.map(|resource| resource.id().owned()).collect();
        resources.retain(|resource| !is_local(resource) || kept.contains(&resource.id().owned()));
    }
    resources.refuse_duplicates_among(|resource| !is_local(resource))
}

fn is_local(resource: &Resource) -> bool {
    let annotation = resource.object.at(&["metadata", "annotations", LOCAL_CONFIG]);
    annotation.is_some_and(|value| value.is_null() || value.as_str() != Some("false"))
}

fn label(resource: &mut Resource) -> Result<(), Error> {
    let (key, value) = MANAGED_BY;
    let Some(metadata) = resource.object.get_mut("metadata") else { return Ok(()) };
    if metadata.get("labels").is_none_or(Node::is_null) {
        metadata.set("labels", Node::mapping(Vec::new()));
    }
    if let Some(labels) = metadata.get_mut("labels") {
        labels.set(key, Node::text(value));
    }
    Ok(())
}
