//! The tables hold what Kubernetes 1.36 publishes.

use std::collections::BTreeSet;

use thalweg_schema::{ListType, MapType, Node, Schema, Type, Written, kubernetes};

/// Every kind that the suites, kubectl and client-go programs touch, with its scope.
const KINDS: &str = "
    v1 Binding Namespaced
    v1 ConfigMap Namespaced
    v1 Endpoints Namespaced
    v1 Event Namespaced
    v1 LimitRange Namespaced
    v1 Namespace Cluster
    v1 Node Cluster
    v1 PersistentVolume Cluster
    v1 PersistentVolumeClaim Namespaced
    v1 Pod Namespaced
    v1 PodTemplate Namespaced
    v1 ReplicationController Namespaced
    v1 ResourceQuota Namespaced
    v1 Secret Namespaced
    v1 Service Namespaced
    v1 ServiceAccount Namespaced
    admissionregistration.k8s.io/v1 MutatingWebhookConfiguration Cluster
    admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy Cluster
    admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding Cluster
    admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration Cluster
    apiextensions.k8s.io/v1 CustomResourceDefinition Cluster
    apps/v1 ControllerRevision Namespaced
    apps/v1 DaemonSet Namespaced
    apps/v1 Deployment Namespaced
    apps/v1 ReplicaSet Namespaced
    apps/v1 StatefulSet Namespaced
    authentication.k8s.io/v1 SelfSubjectReview Cluster
    authentication.k8s.io/v1 TokenReview Cluster
    authorization.k8s.io/v1 LocalSubjectAccessReview Namespaced
    authorization.k8s.io/v1 SelfSubjectAccessReview Cluster
    authorization.k8s.io/v1 SelfSubjectRulesReview Cluster
    authorization.k8s.io/v1 SubjectAccessReview Cluster
    autoscaling/v1 HorizontalPodAutoscaler Namespaced
    autoscaling/v2 HorizontalPodAutoscaler Namespaced
    batch/v1 CronJob Namespaced
    batch/v1 Job Namespaced
    certificates.k8s.io/v1 CertificateSigningRequest Cluster
    coordination.k8s.io/v1 Lease Namespaced
    discovery.k8s.io/v1 EndpointSlice Namespaced
    events.k8s.io/v1 Event Namespaced
    networking.k8s.io/v1 Ingress Namespaced
    networking.k8s.io/v1 IngressClass Cluster
    networking.k8s.io/v1 NetworkPolicy Namespaced
    node.k8s.io/v1 RuntimeClass Cluster
    policy/v1 PodDisruptionBudget Namespaced
    rbac.authorization.k8s.io/v1 ClusterRole Cluster
    rbac.authorization.k8s.io/v1 ClusterRoleBinding Cluster
    rbac.authorization.k8s.io/v1 Role Namespaced
    rbac.authorization.k8s.io/v1 RoleBinding Namespaced
    scheduling.k8s.io/v1 PriorityClass Cluster
    storage.k8s.io/v1 StorageClass Cluster
";

#[test]
fn every_kind_that_programs_touch_is_there_with_its_scope() {
    for line in KINDS.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [api_version, kind, scope] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let mut resources = kubernetes::resources().iter();
        let found = resources.find(|resource| resource.api_version() == api_version && resource.kind == kind);
        let found = found.unwrap_or_else(|| panic!("{api_version} {kind} is missing"));
        assert_eq!(if found.namespaced { "Namespaced" } else { "Cluster" }, scope, "{api_version} {kind}");
    }
}

#[test]
fn aggregation_is_not_served() {
    assert!(kubernetes::resources().iter().all(|resource| resource.group != "apiregistration.k8s.io"));
}

#[test]
fn a_resource_is_what_discovery_says() {
    let mut resources = kubernetes::resources().iter();
    let deployments = resources.find(|resource| resource.qualified() == "deployments.apps").unwrap();
    assert_eq!(deployments.list_kind, "DeploymentList");
    assert_eq!(deployments.singular, "deployment");
    assert_eq!(deployments.short_names, ["deploy"]);
    assert_eq!(deployments.categories, ["all"]);
    assert_eq!(deployments.verbs, ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]);
    let scale = deployments.subresource("scale").unwrap();
    assert_eq!((scale.group.as_str(), scale.version.as_str(), scale.kind.as_str()), ("autoscaling", "v1", "Scale"));
    assert_eq!(scale.verbs, ["get", "patch", "update"]);
    let status = deployments.subresource("status").unwrap();
    assert_eq!((status.group.as_str(), status.kind.as_str()), ("apps", "Deployment"));
}

fn at(definition: &str, path: &str) -> Schema {
    let mut schema = kubernetes::definition(&format!("io.k8s.{definition}")).expect(definition);
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let next = match step {
            "[]" => schema.items.clone(),
            "{}" => schema.additional.clone(),
            _ => schema.properties.get(step).cloned(),
        };
        schema = next.unwrap_or_else(|| panic!("{definition} has nothing at {step} of {path}"));
    }
    schema
}

#[test]
fn lists_are_merged_by_the_keys_that_kubernetes_uses() {
    let check = |definition: &str, path: &str, expected: &[&str]| match &at(definition, path).list_type {
        ListType::Map(keys) => assert_eq!(keys, expected, "{definition} {path}"),
        ListType::Set => assert_eq!(expected, ["set"], "{definition} {path}"),
        ListType::Atomic => assert!(expected.is_empty(), "{definition} {path}"),
    };
    check("apimachinery.pkg.apis.meta.v1.ObjectMeta", "ownerReferences", &["uid"]);
    check("apimachinery.pkg.apis.meta.v1.ObjectMeta", "finalizers", &["set"]);
    check("api.core.v1.Service", "spec.ports", &["port", "protocol"]);
    check("api.apps.v1.Deployment", "spec.template.spec.containers", &["name"]);
    check("api.apps.v1.Deployment", "spec.template.spec.containers.[].ports", &["containerPort", "protocol"]);
    check("api.apps.v1.Deployment", "spec.template.spec.containers.[].env", &["name"]);
    check("api.apps.v1.Deployment", "spec.template.spec.containers.[].args", &[]);
    check("api.core.v1.ServiceAccount", "secrets", &["name"]);
    check("api.rbac.v1.Role", "rules", &[]);
    check("apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition", "spec.versions", &[]);
}

#[test]
fn values_have_the_type_go_gives_them() {
    let check = |definition: &str, path: &str, expected: Type| {
        assert_eq!(at(definition, path).type_, expected, "{definition} {path}");
    };
    check("api.apps.v1.Deployment", "spec.replicas", Type::Integer);
    check("api.core.v1.Service", "spec.ports.[].targetPort", Type::IntOrString);
    check("api.core.v1.Container", "resources.limits.{}", Type::Quantity);
    check("apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", Type::String);
    check("apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry", "fieldsV1", Type::Object);
    check("apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps", "default", Type::Any);
    assert_eq!(at("api.core.v1.LocalObjectReference", "").map_type, MapType::Atomic);
    assert_eq!(at("api.core.v1.Service", "spec.selector").map_type, MapType::Atomic);
    assert_eq!(at("api.core.v1.ServicePort", "protocol").default, Some("TCP".into()));
}

#[test]
fn a_definition_may_hold_itself() {
    let path = "properties.{}.properties.{}.not.allOf.[]";
    let deep = at("apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps", path);
    assert!(deep.properties.contains_key("properties"));
    assert_eq!(deep.definition(), Some("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"));
    assert!(format!("{deep:?}").len() < 200);
}

#[test]
fn strategic_merge_is_told_where_a_definition_is_used() {
    let strategy = at("api.apps.v1.Deployment", "spec.strategy");
    assert!(strategy.patch.retain_keys && !strategy.patch.merge);
    let volumes = at("api.core.v1.PodSpec", "volumes");
    assert!(volumes.patch.merge && volumes.patch.retain_keys);
    assert_eq!(volumes.patch.merge_key.as_deref(), Some("name"));
}

#[test]
fn what_becomes_of_an_absent_field_follows_its_go_type() {
    let check = |definition: &str, path: &str, go_type: &str, expected: Written| {
        let field = at(definition, path);
        assert_eq!(field.go_type, go_type, "{definition} {path}");
        assert_eq!(field.written, expected, "{definition} {path}");
    };
    let object = || Written::Always(serde_json::json!({}));
    check("api.apps.v1.Deployment", "spec", "v1.DeploymentSpec", object());
    check("api.apps.v1.Deployment", "spec.replicas", "int32", Written::AsGiven);
    check("api.apps.v1.Deployment", "spec.paused", "bool", Written::Nonempty);
    check("api.apps.v1.Deployment", "spec.selector", "v1.LabelSelector", Written::Always(serde_json::Value::Null));
    check("api.core.v1.Container", "name", "string", Written::Always("".into()));
    check("api.core.v1.Container", "resources", "v1.ResourceRequirements", object());
    check("api.core.v1.ResourceFieldSelector", "divisor", "resource.Quantity", Written::Always("0".into()));
    check("api.rbac.v1.Role", "rules", "[]v1.PolicyRule", Written::Always(serde_json::Value::Null));
    check("apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", "v1.Time", Written::Nonempty);
    check("api.core.v1.Volume", "emptyDir", "v1.EmptyDirVolumeSource", Written::AsGiven);
}

#[test]
fn every_definition_can_be_read_and_people_are_told_what_fields_mean() {
    let mut seen = BTreeSet::new();
    for resource in kubernetes::resources() {
        assert!(
            resource.schema.properties.contains_key("metadata") || resource.verbs == ["create"],
            "{}",
            resource.kind
        );
        visit(&resource.schema, &mut seen);
    }
    assert!(seen.len() > 400, "{} definitions", seen.len());
}

fn visit(schema: &Schema, seen: &mut BTreeSet<&'static str>) {
    if let Some(name) = schema.definition() {
        if !seen.insert(name) {
            return;
        }
        assert!(!schema.description.is_empty(), "{name}");
    }
    let Node { properties, additional, items, .. } = &**schema;
    for inner in properties.values().chain(additional).chain(items) {
        visit(inner, seen);
    }
}
