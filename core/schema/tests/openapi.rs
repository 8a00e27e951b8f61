//! Documents that kubectl can use.

use serde_json::{Value, json};
use thalweg_schema::{Node, Resource, Schema, Subresource, Type, kubernetes, openapi};

fn built_in(group: &str, version: &str) -> Value {
    let resources = kubernetes::resources().iter();
    openapi::document(resources.filter(|resource| resource.group == group && resource.version == version))
}

/// Foo in e.x/v1, with a status.
fn custom() -> Resource {
    let object = |fields: Vec<(&str, Node)>| Node {
        type_: Type::Object,
        properties: fields.into_iter().map(|(name, node)| (name.to_string(), Schema::new(node))).collect(),
        ..Node::default()
    };
    let replicas = Node { type_: Type::Integer, default: Some(json!(3)), ..Node::default() };
    let port = Node { type_: Type::IntOrString, ..Node::default() };
    let embedded = Node { embedded_resource: true, preserve_unknown: true, ..object(vec![]) };
    let spec = object(vec![("replicas", replicas), ("port", port), ("template", embedded)]);
    let verbs = |verbs: &[&str]| verbs.iter().map(ToString::to_string).collect();
    Resource {
        group: "e.x".to_string(),
        version: "v1".to_string(),
        kind: "Foo".to_string(),
        list_kind: "FooList".to_string(),
        plural: "foos".to_string(),
        singular: "foo".to_string(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: verbs(&["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]),
        subresources: vec![Subresource {
            name: "status".to_string(),
            group: "e.x".to_string(),
            version: "v1".to_string(),
            kind: "Foo".to_string(),
            verbs: verbs(&["get", "patch", "update"]),
            scale: None,
        }],
        columns: Vec::new(),
        schema: Schema::new(object(vec![("spec", spec)])),
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(name)) = fields.get("$ref") {
                found.push(name.trim_start_matches("#/components/schemas/").to_string());
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    let mut documents = vec![openapi::document([&custom()])];
    for resource in kubernetes::resources() {
        documents.push(openapi::document([resource]));
    }
    for document in documents {
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for name in found {
            assert!(document["components"]["schemas"].get(&name).is_some(), "{name}");
        }
    }
}

#[test]
fn kubectl_finds_the_parameters_that_it_asks_for_by_kind() {
    let check = |document: &Value, path: &str, method: &str, kind: Value, wanted: &[&str]| {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["x-kubernetes-group-version-kind"], kind, "{method} {path}");
        let parameters = operation["parameters"].as_array().unwrap();
        for name in wanted {
            assert!(parameters.iter().any(|parameter| parameter["name"] == *name), "{name} of {method} {path}");
        }
    };
    let deployments = "/apis/apps/v1/namespaces/{namespace}/deployments";
    let deployment = || json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let document = built_in("apps", "v1");
    check(&document, deployments, "post", deployment(), &["fieldValidation", "dryRun"]);
    check(
        &document,
        &format!("{deployments}/{{name}}"),
        "patch",
        deployment(),
        &["fieldValidation", "dryRun", "fieldManager", "force"],
    );
    check(
        &document,
        &format!("{deployments}/{{name}}/scale"),
        "patch",
        json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
        &["dryRun"],
    );
    check(&document, "/apis/apps/v1/deployments", "get", deployment(), &["labelSelector", "watch"]);
    let namespace = json!({"group": "", "version": "v1", "kind": "Namespace"});
    check(&built_in("", "v1"), "/api/v1/namespaces/{name}", "patch", namespace, &["fieldValidation"]);
    let document = openapi::document([&custom()]);
    let foo = || json!({"group": "e.x", "version": "v1", "kind": "Foo"});
    let foos = "/apis/e.x/v1/namespaces/{namespace}/foos";
    check(&document, foos, "post", foo(), &["fieldValidation"]);
    check(&document, &format!("{foos}/{{name}}/status"), "patch", foo(), &["fieldValidation"]);
}

#[test]
fn operations_are_named_as_kubernetes_names_them() {
    let check = |document: &Value, path: &str, method: &str, expected: &str| {
        assert_eq!(document["paths"][path][method]["operationId"], expected, "{method} {path}");
    };
    let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles";
    check(
        &built_in("rbac.authorization.k8s.io", "v1"),
        roles,
        "delete",
        "deleteRbacAuthorizationV1CollectionNamespacedRole",
    );
    let core = built_in("", "v1");
    let tags = &core["paths"]["/api/v1/pods"]["get"]["tags"];
    assert_eq!(*tags, json!(["core_v1"]));
    check(&core, "/api/v1/pods", "get", "listCoreV1PodForAllNamespaces");
    check(&core, "/api/v1/nodes/{name}/status", "put", "replaceCoreV1NodeStatus");
    check(
        &core,
        "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
        "post",
        "createCoreV1NamespacedServiceAccountToken",
    );
}

#[test]
fn built_in_schemas_are_those_that_kubernetes_publishes() {
    let document = built_in("apps", "v1");
    let schemas = &document["components"]["schemas"];
    let strategy = &schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["strategy"];
    assert_eq!(
        *strategy,
        json!({
            "allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy"}],
            "default": {},
            "description": "The deployment strategy to use to replace existing pods with new ones.",
            "x-kubernetes-patch-strategy": "retainKeys",
        })
    );
    let deployment = &schemas["io.k8s.api.apps.v1.Deployment"];
    let kind = json!([{"group": "apps", "kind": "Deployment", "version": "v1"}]);
    assert_eq!(deployment["x-kubernetes-group-version-kind"], kind);
    let time = &schemas["io.k8s.apimachinery.pkg.apis.meta.v1.Time"];
    assert!(time.get("properties").is_none() && time.get("go").is_none(), "{time}");
    let options = &schemas["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"];
    assert_eq!(options["x-kubernetes-group-version-kind"].as_array().unwrap().len(), 2);
}

#[test]
fn a_custom_resource_is_described_by_its_definition_and_has_the_fields_of_objects() {
    let document = openapi::document([&custom()]);
    let schemas = &document["components"]["schemas"];
    let mut foo = schemas["x.e.v1.Foo"].clone();
    let description = foo["properties"]["kind"]["description"].take();
    assert!(description.as_str().unwrap().starts_with("Kind is a string value"), "{description}");
    assert_eq!(foo["x-kubernetes-group-version-kind"], json!([{"group": "e.x", "version": "v1", "kind": "Foo"}]));
    let meta = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    assert_eq!(foo["properties"]["metadata"]["allOf"], json!([{"$ref": meta}]));
    let spec = &foo["properties"]["spec"]["properties"];
    assert_eq!(spec["replicas"], json!({"type": "integer", "default": 3}));
    let port = json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true});
    assert_eq!(spec["port"], port);
    assert_eq!(spec["template"]["properties"]["metadata"]["allOf"], json!([{"$ref": meta}]));
    let items = &schemas["x.e.v1.FooList"]["properties"]["items"];
    assert_eq!(items["items"], json!({"$ref": "#/components/schemas/x.e.v1.Foo"}));
}
