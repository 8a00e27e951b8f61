//! The types and the checked-in schemas say the same.

use super::schema::{definition, definitions, sample};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thalweg_crds::configuration::FluxConfiguration;
use thalweg_crds::kustomize::Kustomization;
use thalweg_crds::source::GitRepository;

fn check<K: Serialize + DeserializeOwned + kube_core::Resource<DynamicType = ()>>() {
    let definition = definition(&K::kind(&()));
    let object = json!({
        "apiVersion": definition.api_version(),
        "kind": definition.kind(),
        "metadata": {"name": "a", "namespace": "b"},
        "spec": sample(definition.schema("spec"), "spec"),
        "status": sample(definition.schema("status"), "status"),
    });
    let typed: K = serde_json::from_value(object.clone()).unwrap();
    pretty_equal(&serde_json::to_value(&typed).unwrap(), &object);
    assert_eq!(K::api_version(&()), definition.api_version());
    assert_eq!(K::plural(&()), definition.plural());
}

pub(crate) fn pretty_equal(actual: &Value, expected: &Value) {
    let text = |value| serde_yaml::to_string(value).unwrap();
    assert_eq!(text(actual), text(expected));
}

#[test]
fn a_git_repository_keeps_every_field_of_its_schema() {
    check::<GitRepository>();
}

#[test]
fn a_kustomization_keeps_every_field_of_its_schema() {
    check::<Kustomization>();
}

#[test]
fn a_flux_configuration_keeps_every_field_of_its_schema() {
    check::<FluxConfiguration>();
}

#[test]
fn an_object_that_sets_only_what_it_must_is_written_back_as_it_was() {
    for (kind, spec) in [
        ("GitRepository", json!({"url": "https://example.com/a.git", "interval": "1m0s"})),
        (
            "Kustomization",
            json!({"interval": "1m0s", "prune": false, "sourceRef": {"kind": "GitRepository", "name": "a"}}),
        ),
        ("FluxConfiguration", json!({"kustomizations": {"apps": {}}})),
    ] {
        let object = json!({
            "apiVersion": definition(kind).api_version(), "kind": kind, "metadata": {"name": "a"},
            "spec": spec, "status": {"observedGeneration": -1},
        });
        let written = match kind {
            "GitRepository" => serde_json::to_value(serde_json::from_value::<GitRepository>(object.clone()).unwrap()),
            "Kustomization" => serde_json::to_value(serde_json::from_value::<Kustomization>(object.clone()).unwrap()),
            _ => serde_json::to_value(serde_json::from_value::<FluxConfiguration>(object.clone()).unwrap()),
        };
        assert_eq!(written.unwrap(), object);
    }
}

#[test]
fn a_map_that_server_side_apply_emptied_reads_as_empty() {
    let object = json!({
        "metadata": {"name": "a"}, "spec": {"gitRepository": {"repositoryRef": null}, "kustomizations": {"apps": null}},
    });
    let configuration: FluxConfiguration = serde_json::from_value(object).unwrap();
    assert_eq!(
        serde_json::to_value(configuration.spec).unwrap(),
        json!({"gitRepository": {}, "kustomizations": {"apps": {}}})
    );
    let object = json!({"metadata": {"name": "a"}, "spec": {"bucket": null, "kustomizations": null}});
    let configuration: FluxConfiguration = serde_json::from_value(object).unwrap();
    assert_eq!(serde_json::to_value(configuration.spec).unwrap(), json!({}));
}

#[test]
fn every_kind_begins_with_a_status_that_no_controller_wrote() {
    for definition in definitions() {
        assert_eq!(definition.schema("status")["default"], json!({"observedGeneration": -1}), "{}", definition.file);
        let version = &definition.content["spec"]["versions"][0];
        assert_eq!(version["subresources"], json!({"status": {}}), "{}", definition.file);
        let annotations = &definition.content["metadata"]["annotations"];
        assert_eq!(annotations["kustomize.toolkit.fluxcd.io/substitute"], "disabled", "{}", definition.file);
    }
}

#[test]
fn no_schema_of_ours_says_what_the_api_server_would_rewrite_or_refuse() {
    fn walk(schema: &Value, path: &str) {
        let Some(keywords) = schema.as_object() else { return };
        assert!(schema["type"] == "object" || !keywords.contains_key("nullable"), "{path} is nullable");
        for keyword in ["oneOf", "anyOf", "allOf", "$ref"] {
            assert!(!keywords.contains_key(keyword), "{path} has {keyword}");
        }
        assert!(path == "status" || !keywords.contains_key("default"), "{path} has a default");
        assert!(keywords.contains_key("type"), "{path} has no type");
        assert!(!path.starts_with("spec") || keywords.contains_key("description"), "{path} has no description");
        for (name, child) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
            walk(child, &format!("{path}.{name}"));
        }
        for keyword in ["items", "additionalProperties"] {
            if keywords.get(keyword).is_some_and(|child| !child["properties"].is_null()) {
                walk(&keywords[keyword], &format!("{path}.{keyword}"));
            }
        }
    }
    let definition = definition("FluxConfiguration");
    for field in ["spec", "status"] {
        walk(definition.schema(field), field);
    }
}
