//! The CustomResourceDefinition of FluxConfiguration: the schema of the types, and the rules that types cannot hold.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrBool,
    ValidationRule,
};
use kube_core::CustomResourceExt;
use serde_json::{Value, json};

use super::kind::{FluxConfiguration, KUSTOMIZATIONS_MAX, NAME_AND_KEY_MAX};
use crate::annotations;

/// The CustomResourceDefinition that installs FluxConfiguration.
pub fn custom_resource_definition() -> CustomResourceDefinition {
    let mut definition = FluxConfiguration::crd();
    definition.metadata.annotations = Some([(annotations::SUBSTITUTE.into(), annotations::DISABLED.into())].into());
    definition.metadata.labels = Some([("app.kubernetes.io/part-of".into(), "thalweg".into())].into());
    for version in &mut definition.spec.versions {
        version.additional_printer_columns = Some(printer_columns());
        if let Some(schema) = version.schema.as_mut().and_then(|validation| validation.open_api_v3_schema.as_mut()) {
            *schema = plain(schema);
            add_rules(schema);
        }
    }
    definition
}

fn printer_columns() -> Vec<CustomResourceColumnDefinition> {
    let ready = |field: &str| format!(".status.conditions[?(@.type==\"Ready\")].{field}");
    [
        ("Compliance", ".status.complianceState".to_owned(), "string"),
        ("Revision", ".status.sourceSyncedCommitId".to_owned(), "string"),
        ("Age", ".metadata.creationTimestamp".to_owned(), "date"),
        ("Ready", ready("status"), "string"),
        ("Status", ready("message"), "string"),
    ]
    .into_iter()
    .map(|(name, json_path, type_)| CustomResourceColumnDefinition {
        name: name.to_owned(),
        json_path,
        type_: type_.to_owned(),
        ..CustomResourceColumnDefinition::default()
    })
    .collect()
}

/// The schema as Flux's own are written: no defaults (what a person wrote stays as they wrote it), no `nullable` (an absent
/// field is absent) except on objects: server-side apply turns a map whose last field it takes away into null.
fn plain(schema: &JSONSchemaProps) -> JSONSchemaProps {
    let mut value = serde_json::to_value(schema).expect("a schema is JSON");
    strip(&mut value);
    serde_json::from_value(value).expect("a schema without some of its keywords is a schema")
}

fn strip(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    keywords.remove("default");
    if keywords.get("type").is_none_or(|type_| type_ != "object") {
        keywords.remove("nullable");
    }
    if let Some(Value::String(description)) = keywords.get_mut("description") {
        // Doc comments are wrapped where the source is; a description is one paragraph.
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(values)) = keywords.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Object(properties)) = keywords.get_mut("properties") {
        properties.values_mut().for_each(strip);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(child) = keywords.get_mut(keyword) {
            strip(child);
        }
    }
}

fn add_rules(root: &mut JSONSchemaProps) {
    root.x_kubernetes_validations = Some(vec![
        rule(
            format!("size(self.metadata.name) <= {NAME_AND_KEY_MAX}"),
            format!("the name of a FluxConfiguration has at most {NAME_AND_KEY_MAX} characters"),
        ),
        rule(
            format!(
                "!has(self.spec.kustomizations) || \
                 self.spec.kustomizations.all(key, size(self.metadata.name) + size(key) <= {NAME_AND_KEY_MAX})"
            ),
            format!(
                "the name of a FluxConfiguration and the key of a kustomization have together at most \
                 {NAME_AND_KEY_MAX} characters"
            ),
        ),
    ]);
    let Some(properties) = root.properties.as_mut() else { return };
    if let Some(status) = properties.get_mut("status") {
        status.default = Some(JSON(json!({"observedGeneration": -1})));
    }
    let Some(spec) = properties.get_mut("spec") else { return };
    spec.x_kubernetes_validations = Some(vec![rule(
        "(has(self.scope) ? self.scope : 'cluster') == (has(oldSelf.scope) ? oldSelf.scope : 'cluster')".to_owned(),
        "scope cannot be changed".to_owned(),
    )]);
    let kustomizations = spec.properties.as_mut().and_then(|properties| properties.get_mut("kustomizations"));
    if let Some(kustomizations) = kustomizations {
        kustomizations.nullable = Some(true);
        if let Some(JSONSchemaPropsOrBool::Schema(kustomization)) = &mut kustomizations.additional_properties {
            kustomization.nullable = Some(true);
        }
        kustomizations.max_properties = i64::try_from(KUSTOMIZATIONS_MAX).ok();
        kustomizations.x_kubernetes_validations = Some(vec![rule(
            "self.all(key, key.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'))".to_owned(),
            "the key of a kustomization is lower-case letters, digits and '-', and neither begins nor ends with '-'"
                .to_owned(),
        )]);
    }
}

fn rule(rule: String, message: String) -> ValidationRule {
    ValidationRule { rule, message: Some(message), ..ValidationRule::default() }
}
