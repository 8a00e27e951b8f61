//! Claims and volumes that are deleted stay until nobody uses them.

use std::sync::Arc;

use serde_json::Value;

use super::{Place, acting, collection, garbage, text};
use crate::object::Object;
use crate::server::ApiServer;
use crate::status::Status;
use crate::store::{Collection, Store};

const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";
const VOLUME_FINALIZER: &str = "kubernetes.io/pv-protection";

/// The protected objects that a change of an object of this kind may set free.
pub(super) fn affected(store: &Store, place: &Place, object: &Object) -> Vec<Place> {
    match (place.collection.0.as_str(), place.collection.1.as_str()) {
        ("", "persistentvolumeclaims" | "persistentvolumes") if object.terminating() => vec![place.clone()],
        ("", "pods") => {
            let claims = collection("", "persistentvolumeclaims");
            let claim = |name| store.get(&claims, &place.namespace, name).filter(|claim| claim.terminating());
            claims_of(object).filter_map(claim).map(|claim| Place::of(&claims, claim)).collect()
        }
        _ => Vec::new(),
    }
}

/// Takes the protection off an object that is deleted and that nobody uses.
pub(super) fn reconcile(server: &ApiServer, place: &Place) -> Result<(), Status> {
    let Some(object) = place.read(server).filter(|object| object.terminating()) else { return Ok(()) };
    let (controller, finalizer, used) = if place.collection.1 == "persistentvolumes" {
        ("pv-protection-controller", VOLUME_FINALIZER, object.value()["status"]["phase"] == "Bound")
    } else {
        ("pvc-protection-controller", CLAIM_FINALIZER, is_claimed(server, place))
    };
    let finalizers = object.value()["metadata"]["finalizers"].as_array();
    let held = finalizers.is_some_and(|finalizers| finalizers.iter().any(|held| held == finalizer));
    if used || !held {
        return Ok(());
    }
    garbage::drop_finalizer(&acting(server, controller), &object, finalizer)
}

/// Whether a pod that is on a node uses this claim.
fn is_claimed(server: &ApiServer, place: &Place) -> bool {
    let pods: Collection = collection("", "pods");
    let state = server.state();
    let mut pods = state.store.objects(&pods).map(Arc::clone);
    pods.any(|pod| {
        let placed = !text(&pod.value()["spec"]["nodeName"]).is_empty();
        placed && pod.namespace() == place.namespace && claims_of(&pod).any(|name| name == place.name)
    })
}

/// The names of the claims that a pod uses.
fn claims_of(pod: &Object) -> impl Iterator<Item = &str> {
    let volumes = pod.value()["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.filter_map(|volume: &Value| volume["persistentVolumeClaim"]["claimName"].as_str())
}
