//! What the cluster holds under a configuration's name: from the watch, or read when the watch has nothing readable.

use serde_json::Value;
use thalweg_crds::configuration::{FLUX_CONFIGURATION, FluxConfiguration, GROUP, VERSION};
use thalweg_kubernetes::{Cluster, Error as ClusterError, Objects, Resource};
use thalweg_manifest::ObjectId;

use crate::marks::Marks;
use crate::plan::Live;

/// The resource that serves FluxConfigurations; none while their definition is not installed.
pub(crate) async fn kind(cluster: &Cluster) -> Result<Option<Resource>, ClusterError> {
    cluster.mapping().resolve(GROUP, VERSION, FLUX_CONFIGURATION).await
}

/// The object, if there is one. What the watch does not hold is asked for: it may be there and be unreadable.
pub(crate) async fn observe(
    cluster: &Cluster,
    kind: &Resource,
    objects: &Objects<FluxConfiguration>,
    id: &ObjectId,
) -> Result<Option<Live>, ClusterError> {
    match objects.get(id) {
        Some(object) => Ok(Some(seen(&object))),
        None => Ok(thalweg_kubernetes::get(cluster.client(), kind, id).await?.map(|object| read(&object))),
    }
}

fn seen(object: &FluxConfiguration) -> Live {
    let metadata = &object.metadata;
    let (labels, annotations) = (metadata.labels.as_ref(), metadata.annotations.as_ref());
    Live {
        uid: metadata.uid.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
        marks: Marks::of(&labels.cloned().unwrap_or_default(), &annotations.cloned().unwrap_or_default()),
        spec: Some(object.spec.clone()),
    }
}

fn read(object: &Value) -> Live {
    let metadata = &object["metadata"];
    let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
    let map = |field: &str| serde_json::from_value(metadata[field].clone()).unwrap_or_default();
    Live {
        uid: text("uid"),
        resource_version: text("resourceVersion"),
        deleting: metadata["deletionTimestamp"].is_string(),
        marks: Marks::of(&map("labels"), &map("annotations")),
        spec: serde_json::from_value(object["spec"].clone()).ok(),
    }
}
