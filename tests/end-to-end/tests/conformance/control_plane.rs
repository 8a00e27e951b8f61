//! What the other cases stand on: the control plane, its audit log, and that it does what Kubernetes does.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use thalweg_harness::{ControlPlane, install_crds};

#[tokio::test]
async fn requests_of_a_client_are_counted_from_the_audit_log() {
    let plane = ControlPlane::shared().await.unwrap();
    let client = plane.client("audited").await.unwrap();
    let namespace = plane.namespace(&client, "audited").await.unwrap();
    let audit = plane.audit().unwrap();
    let mark = audit.mark().unwrap();

    let maps: Api<ConfigMap> = Api::namespaced(client, namespace.name());
    let map =
        serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}});
    maps.patch("one", &PatchParams::apply("audited"), &Patch::Apply(&map)).await.unwrap();
    maps.patch("one", &PatchParams::apply("audited").dry_run(), &Patch::Apply(&map)).await.unwrap();
    maps.list(&ListParams::default()).await.unwrap();
    maps.delete("one", &DeleteParams::default()).await.unwrap();

    let requests = audit.counted_since(mark, |request| request.user_agent == "audited").unwrap();
    assert_eq!(requests.count(), 4, "{requests}");
    assert_eq!(requests.matching(|request| request.is_write()).count(), 2, "{requests}");
    assert_eq!(requests.matching(|request| request.is_dry_run()).count(), 1, "{requests}");
}

#[tokio::test]
async fn our_definitions_are_served_and_can_be_applied_again() {
    let plane = ControlPlane::shared().await.unwrap();
    let client = plane.client("definitions").await.unwrap();
    let names = install_crds(&client).await.unwrap();
    assert!(names.contains(&"kustomizations.kustomize.toolkit.fluxcd.io".to_string()), "{names:?}");
}
