//! Objects that are read as kube-apiserver 1.36 reads them: every expectation is an answer of the real one.

use serde_json::{Value, json};
use thalweg_schema::{Node, Schema, Type, kubernetes, normalise, type_error, unknown_fields};

fn kind(name: &str) -> Schema {
    let mut resources = kubernetes::resources().iter();
    resources.find(|resource| resource.kind == name).unwrap_or_else(|| panic!("{name}")).schema.clone()
}

fn deployment(path: &str, value: Value) -> Value {
    let mut deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    });
    let (parent, field) = path.rsplit_once('/').expect("a path has a parent");
    deployment.pointer_mut(parent).expect(parent)[field] = value;
    deployment
}

const CONTAINER: &str = "/spec/template/spec/containers/0";

#[test]
fn unknown_fields_are_told_apart_by_case_and_named_with_their_path() {
    let check = |path: &str, value: Value, expected: &[&str]| {
        let mut object = deployment(path, value);
        let found = unknown_fields(&kind("Deployment"), &mut object, true);
        assert_eq!(found, expected.iter().map(|path| format!("unknown field {path:?}")).collect::<Vec<_>>());
        assert!(unknown_fields(&kind("Deployment"), &mut object, true).is_empty(), "they are gone");
    };
    check("/zz", json!(1), &["zz"]);
    check("/metadata/zz", json!({"a": 1}), &["metadata.zz"]);
    check("/spec/Replicas", json!(2), &["spec.Replicas"]);
    check(&format!("{CONTAINER}/x"), json!(1), &["spec.template.spec.containers[0].x"]);
    check(
        &format!("{CONTAINER}/resources"),
        json!({"limits": {"any": "1"}, "zz": 1}),
        &["spec.template.spec.containers[0].resources.zz"],
    );
    check("/metadata/labels", json!({"free": "keys"}), &[]);
}

#[test]
fn unknown_fields_may_stay() {
    let mut object = deployment("/spec/foo", json!(1));
    assert_eq!(unknown_fields(&kind("Deployment"), &mut object, false), [r#"unknown field "spec.foo""#]);
    assert_eq!(object["spec"]["foo"], 1);
}

#[test]
fn schemas_of_a_definition_lose_what_is_unknown_in_silence_where_they_may_be_something_else() {
    let schema = json!({"type": "object", "foo": 1, "properties": {
        "a": {"type": "array", "items": {"type": "string", "zz": 1}},
        "b": {"type": "object", "additionalProperties": {"type": "string", "zz": 1}},
        "c": {"type": "object", "additionalProperties": true, "default": {"kept": 1}},
    }});
    let mut object = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
    let found = unknown_fields(&kind("CustomResourceDefinition"), &mut object, true);
    assert_eq!(found, [r#"unknown field "spec.versions[0].schema.openAPIV3Schema.foo""#]);
    let schema = &object["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    assert_eq!(
        *schema,
        json!({"type": "object", "properties": {
            "a": {"type": "array", "items": {"type": "string"}},
            "b": {"type": "object", "additionalProperties": {"type": "string"}},
            "c": {"type": "object", "additionalProperties": true, "default": {"kept": 1}},
        }})
    );
}

#[test]
fn custom_resources_are_pruned_by_their_structural_schema() {
    let object = |properties: Vec<(&str, Schema)>| Node {
        type_: Type::Object,
        properties: properties.into_iter().map(|(name, schema)| (name.to_string(), schema)).collect(),
        ..Node::default()
    };
    let text = || Schema::new(Node { type_: Type::String, ..Node::default() });
    let item = Schema::new(object(vec![("a", text())]));
    let list = Schema::new(Node { type_: Type::Array, items: Some(item), ..Node::default() });
    let embedded = Node { embedded_resource: true, preserve_unknown: true, ..object(vec![]) };
    let spec = object(vec![("e", Schema::new(embedded)), ("l", list)]);
    let schema = Schema::new(object(vec![("spec", Schema::new(spec))]));
    let mut value = json!({
        "apiVersion": "e.x/v1", "kind": "Foo", "zz": 1,
        "metadata": {"name": "a", "zz": 1},
        "spec": {"b": 1, "l": [{"c": 1}], "e": {"apiVersion": "v1", "kind": "X", "free": 1, "metadata": {"name": "x", "yy": 1}}},
    });
    let expected = ["metadata.zz", "spec.b", "spec.l[0].c", "zz", "spec.e.metadata.yy"];
    let expected: Vec<String> = expected.iter().map(|path| format!("unknown field {path:?}")).collect();
    assert_eq!(unknown_fields(&schema, &mut value, true), expected);
    assert_eq!(
        value,
        json!({
            "apiVersion": "e.x/v1", "kind": "Foo",
            "metadata": {"name": "a"},
            "spec": {"l": [{}], "e": {"apiVersion": "v1", "kind": "X", "free": 1, "metadata": {"name": "x"}}},
        })
    );
}

#[test]
fn values_of_the_wrong_type_are_told_in_the_words_of_go() {
    let check = |path: &str, value: Value, expected: &str| {
        let error = type_error(&kind("Deployment"), &deployment(path, value)).unwrap_or_default();
        let error = error.strip_prefix("json: cannot unmarshal ").unwrap_or(&error);
        assert_eq!(error, expected, "{path}");
    };
    check("/spec/replicas", json!(3), "");
    check("/spec/replicas", json!(null), "");
    check("/spec/replicas", json!("3"), "string into Go struct field DeploymentSpec.spec.replicas of type int32");
    check("/spec/replicas", json!(1.5), "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32");
    check(
        "/spec/replicas",
        json!(3_000_000_000_u64),
        "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    check("/spec/paused", json!("x"), "string into Go struct field DeploymentSpec.spec.paused of type bool");
    check(
        "/spec/template",
        json!([]),
        "array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec",
    );
    check(
        "/spec/selector",
        json!("x"),
        "string into Go struct field DeploymentSpec.spec.selector of type v1.LabelSelector",
    );
    check(
        "/spec/template/spec/containers",
        json!({"a": 1}),
        "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
    );
    check(
        "/spec/template/spec/containers",
        json!(["a"]),
        "string into Go struct field PodSpec.spec.template.spec.containers of type v1.Container",
    );
    check(
        &format!("{CONTAINER}/ports"),
        json!([{"containerPort": "x"}]),
        "string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32",
    );
    check(
        "/spec/template/spec/volumes",
        json!([{"name": "v", "configMap": 4}]),
        "number into Go struct field Volume.spec.template.spec.volumes.VolumeSource.configMap of type v1.ConfigMapVolumeSource",
    );
    check("/metadata/labels", json!({"a": 1}), "number into Go struct field ObjectMeta.metadata.labels of type string");
    check(
        "/metadata/labels",
        json!([]),
        "array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
    );
    check(
        "/metadata/creationTimestamp",
        json!(4),
        "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
    );
    check(
        "/metadata/creationTimestamp",
        json!("x"),
        r#"parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006""#,
    );
    check("/metadata", json!("x"), "string into Go struct field Deployment.metadata of type v1.ObjectMeta");
    check(
        &format!("{CONTAINER}/resources"),
        json!({"limits": {"cpu": "1x"}}),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
}

#[test]
fn kinds_with_types_that_read_themselves_are_checked_by_their_rules() {
    let check = |name: &str, object: Value, expected: &str| {
        assert_eq!(type_error(&kind(name), &object).unwrap_or_default(), expected, "{object}");
    };
    let port = |target: Value| json!({"spec": {"ports": [{"port": 80, "targetPort": target}]}});
    let prefix = "json: cannot unmarshal";
    let suffix = "into Go struct field ServicePort.spec.ports.targetPort of type int32";
    check("Service", port(json!("http")), "");
    check("Service", port(json!(true)), &format!("{prefix} bool {suffix}"));
    check("Service", port(json!({})), &format!("{prefix} object {suffix}"));
    check("Service", port(json!(1.5)), &format!("{prefix} number 1.5 {suffix}"));
    check("Secret", json!({"data": {"a": "!!"}}), "illegal base64 data at input byte 0");
    check("Secret", json!({"data": {"a": "YQ=="}}), "");
    check(
        "Lease",
        json!({"spec": {"renewTime": "2024-01-01T00:00:00Z"}}),
        r#"parsing time "2024-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#,
    );
    check(
        "ConfigMap",
        json!({"data": {"a": 1}}),
        &format!("{prefix} number into Go struct field ConfigMap.data of type string"),
    );
}

#[test]
fn metadata_of_a_custom_resource_is_named_without_its_object() {
    let error = type_error(&kubernetes::object_meta(), &json!({"labels": {"a": 1}}));
    let expected = "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string";
    assert_eq!(error.as_deref(), Some(expected));
}

#[test]
fn what_is_written_follows_the_go_types() {
    let check = |name: &str, mut object: Value, expected: Value| {
        normalise(&kind(name), &mut object);
        assert_eq!(object, expected);
        normalise(&kind(name), &mut object);
        assert_eq!(object, expected, "and once more");
    };
    check(
        "Deployment",
        json!({
            "metadata": {"name": "d", "labels": {}, "annotations": null, "finalizers": [], "creationTimestamp": null},
            "spec": {
                "replicas": 0, "paused": false, "minReadySeconds": 0,
                "template": {"spec": {"containers": [{
                    "name": "c", "args": [], "env": null, "tty": false, "securityContext": {}, "livenessProbe": null,
                    "resources": {"limits": {"cpu": "1000m", "memory": 1024}},
                }]}},
            },
        }),
        json!({
            "metadata": {"name": "d"},
            "spec": {
                "replicas": 0, "selector": null, "strategy": {},
                "template": {"metadata": {}, "spec": {"containers": [{
                    "name": "c", "securityContext": {}, "resources": {"limits": {"cpu": "1", "memory": "1024"}},
                }]}},
            },
            "status": {},
        }),
    );
    check("Role", json!({"metadata": {}, "rules": []}), json!({"metadata": {}, "rules": null}));
    check(
        "Role",
        json!({"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["x"], "resourceNames": []}]}),
        json!({"metadata": {}, "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["x"]}]}),
    );
    check(
        "RoleBinding",
        json!({"metadata": {}, "roleRef": {"kind": "Role", "name": "x"}, "subjects": []}),
        json!({"metadata": {}, "roleRef": {"apiGroup": "", "kind": "Role", "name": "x"}}),
    );
    check("Secret", json!({"data": {"a": null, "b": ""}}), json!({"metadata": {}, "data": {"a": "", "b": ""}}));
    check("ConfigMap", json!({"data": {"a": null}, "binaryData": {}}), json!({"metadata": {}, "data": {"a": ""}}));
    check(
        "Service",
        json!({"spec": {"ports": [{"port": 80}], "selector": {}}}),
        json!({"metadata": {}, "spec": {"ports": [{"port": 80, "targetPort": 0}]}, "status": {"loadBalancer": {}}}),
    );
    check(
        "Lease",
        json!({"spec": {"renewTime": "2024-01-01T02:00:00.123456+02:00", "holderIdentity": ""}}),
        json!({"metadata": {}, "spec": {"renewTime": "2024-01-01T00:00:00.123456Z", "holderIdentity": ""}}),
    );
    check(
        "CustomResourceDefinition",
        json!({"metadata": {}, "spec": {"group": "e.x", "scope": "Cluster", "names": {"plural": "foos", "kind": "Foo"}, "versions": []}}),
        json!({
            "metadata": {},
            "spec": {"group": "e.x", "scope": "Cluster", "names": {"plural": "foos", "kind": "Foo"}, "versions": null},
            "status": {"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": null},
        }),
    );
}
