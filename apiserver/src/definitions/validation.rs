//! What is wrong with a CustomResourceDefinition, in the words of apiextensions-apiserver.

use serde_json::{Value, json};
use thalweg_schema::{FieldError, child, entry, label_errors, subdomain_errors};

use super::schema::schema_errors;
use super::status::has_condition;

const APPROVAL: &str = "api-approved.kubernetes.io";
/// Bytes of a deprecation warning, at most.
const WARNING_BYTES_MAX: usize = 256;

/// What is wrong with a definition, which was `old` before.
pub(super) fn validate(old: Option<&Value>, new: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let spec = &new["spec"];
    if old.is_none() {
        check_name(new, &mut errors);
    }
    check_group_and_scope(spec, &mut errors);
    check_versions(spec, &mut errors);
    check_names(&spec["names"], &mut errors);
    check_conversion(&spec["conversion"], &mut errors);
    if let Some(old) = old {
        check_immutable(old, new, &mut errors);
    }
    check_stored_versions(new, &mut errors);
    check_approval(old, new, &mut errors);
    if spec["preserveUnknownFields"] == true && old.is_none_or(|old| old["spec"]["preserveUnknownFields"] != true) {
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid("spec.preserveUnknownFields", &true.into(), detail));
    }
    errors
}

fn check_name(definition: &Value, errors: &mut Vec<FieldError>) {
    let name = &definition["metadata"]["name"];
    let spec = &definition["spec"];
    let required = format!("{}.{}", text(&spec["names"]["plural"]), text(&spec["group"]));
    let mut wrong = subdomain_errors(text(name));
    if text(name) != required {
        wrong.push("must be spec.names.plural+\".\"+spec.group".to_owned());
    }
    errors.extend(wrong.iter().map(|wrong| FieldError::invalid("metadata.name", name, wrong)));
}

fn check_group_and_scope(spec: &Value, errors: &mut Vec<FieldError>) {
    let group = &spec["group"];
    let wrong = subdomain_errors(text(group)).join(",");
    if text(group).is_empty() {
        errors.push(FieldError::required("spec.group", ""));
    } else if !wrong.is_empty() {
        errors.push(FieldError::invalid("spec.group", group, &wrong));
    } else if !text(group).contains('.') {
        errors.push(FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
    }
    check_one_of("spec.scope", &spec["scope"], &["Cluster", "Namespaced"], errors);
}

fn check_one_of(path: &str, value: &Value, known: &[&str], errors: &mut Vec<FieldError>) {
    match text(value) {
        "" => errors.push(FieldError::required(path, "")),
        other if known.contains(&other) => {}
        _ => errors.push(FieldError::not_supported(path, value, known.iter().copied())),
    }
}

fn check_versions(spec: &Value, errors: &mut Vec<FieldError>) {
    let versions: &[Value] = spec["versions"].as_array().map_or(&[], Vec::as_slice);
    // What all versions have in common, the server keeps and names in one place.
    let shared = |field: &str| {
        let first = versions.first().map(|first| &first[field]);
        first.filter(|first| versions.iter().all(|version| version[field] == **first))
    };
    let (schema, subresources, columns) =
        (shared("schema"), shared("subresources"), shared("additionalPrinterColumns"));
    for (index, version) in versions.iter().enumerate() {
        let path = entry("spec.versions", index);
        if !version["schema"]["openAPIV3Schema"].is_object() {
            errors.push(FieldError::required(&child(&path, "schema.openAPIV3Schema"), ""));
        }
        check_label(&child(&path, "name"), &version["name"], errors);
        check_warning(&path, version, errors);
        if schema.is_none() {
            check_schema(&child(&path, "schema"), &version["schema"], &version["subresources"], errors);
        }
        if subresources.is_none() {
            check_scale(&child(&path, "subresources"), &version["subresources"]["scale"], errors);
        }
        if columns.is_none() {
            check_columns(&path, &version["additionalPrinterColumns"], errors);
        }
    }
    let name = |version: &Value| version["name"].clone();
    let repeated =
        |(index, version): (usize, &Value)| versions[..index].iter().any(|other| name(other) == name(version));
    let invalid = |detail: &str| FieldError {
        message: format!("Invalid value: {}: {detail}", shown(versions)),
        ..FieldError::invalid_unshown("spec.versions", "")
    };
    if versions.iter().enumerate().any(repeated) {
        errors.push(invalid("must contain unique version names"));
    }
    if versions.iter().filter(|version| version["storage"] == true).count() != 1 {
        errors.push(invalid("must have exactly one version marked as storage version"));
    }
    if let Some(first) = versions.first() {
        check_label("spec.version", &first["name"], errors);
    }
    let any_status =
        versions.iter().map(|version| &version["subresources"]).find(|declared| declared["status"].is_object());
    if let Some(schema) = schema {
        check_schema("spec.validation", schema, any_status.unwrap_or(&Value::Null), errors);
    }
    if let Some(subresources) = subresources {
        check_scale("spec.subresources", &subresources["scale"], errors);
    }
    if let Some(columns) = columns {
        check_columns("spec", columns, errors);
    }
}

fn check_schema(path: &str, validation: &Value, subresources: &Value, errors: &mut Vec<FieldError>) {
    let schema = &validation["openAPIV3Schema"];
    if schema.is_object() {
        let path = child(path, "openAPIV3Schema");
        errors.extend(schema_errors(&path, schema, subresources["status"].is_object()));
    }
}

/// The versions as the server prints them: in its own spelling. What differs between them is left out.
fn shown(versions: &[Value]) -> String {
    let shown = |version: &Value| {
        format!(
            "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":null,\
             \"Subresources\":null,\"AdditionalPrinterColumns\":null,\"SelectableFields\":null}}",
            version["name"],
            version["served"] == true,
            version["storage"] == true,
            version["deprecated"] == true,
            version["deprecationWarning"],
        )
    };
    format!("[{}]", versions.iter().map(shown).collect::<Vec<_>>().join(","))
}

fn check_label(path: &str, name: &Value, errors: &mut Vec<FieldError>) {
    let wrong = label_errors(text(name)).join(",");
    if !wrong.is_empty() {
        errors.push(FieldError::invalid(path, name, &wrong));
    }
}

fn check_warning(path: &str, version: &Value, errors: &mut Vec<FieldError>) {
    let Some(warning) = version["deprecationWarning"].as_str() else { return };
    let detail = if version["deprecated"] != true {
        "can only be set for deprecated versions"
    } else if warning.len() > WARNING_BYTES_MAX {
        "must be <= 256 characters long"
    } else if warning.is_empty() {
        "must not be an empty string"
    } else {
        return;
    };
    errors.push(FieldError::invalid(&child(path, "deprecationWarning"), &warning.into(), detail));
}

fn check_scale(path: &str, scale: &Value, errors: &mut Vec<FieldError>) {
    if !scale.is_object() {
        return;
    }
    const PATHS: [(&str, &[&str], &str); 3] = [
        ("specReplicasPath", &[".spec."], "should be a json path under .spec"),
        ("statusReplicasPath", &[".status."], "should be a json path under .status"),
        ("labelSelectorPath", &[".spec.", ".status."], "should be a json path under either .spec or .status"),
    ];
    for (name, roots, detail) in PATHS {
        let path = child(path, &format!("scale.{name}"));
        let value = &scale[name];
        match text(value) {
            "" if name == "labelSelectorPath" => {}
            "" => errors.push(FieldError::required(&path, "")),
            text if !text.starts_with('.') => {
                errors.push(FieldError::invalid(&path, value, "must be a simple json path starting with ."));
            }
            text if !roots.iter().any(|root| text.starts_with(root)) => {
                errors.push(FieldError::invalid(&path, value, detail));
            }
            _ => {}
        }
    }
}

fn check_columns(path: &str, columns: &Value, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    for (index, column) in columns.as_array().into_iter().flatten().enumerate() {
        let path = entry(&child(path, "additionalPrinterColumns"), index);
        let types = format!("must be one of {}", TYPES.join(","));
        if text(&column["name"]).is_empty() {
            errors.push(FieldError::required(&child(&path, "name"), ""));
        }
        match text(&column["type"]) {
            "" => errors.push(FieldError::required(&child(&path, "type"), &types)),
            type_ if TYPES.contains(&type_) => {}
            _ => errors.push(FieldError::invalid(&child(&path, "type"), &column["type"], &types)),
        }
        let format = text(&column["format"]);
        if !format.is_empty() && !FORMATS.contains(&format) {
            let detail = format!("must be one of {}", FORMATS.join(","));
            errors.push(FieldError::invalid(&child(&path, "format"), &column["format"], &detail));
        }
        match text(&column["jsonPath"]) {
            "" => errors.push(FieldError::required(&child(&path, "JSONPath"), "")),
            json_path if json_path.starts_with('.') => {}
            _ => {
                let detail = "must be a simple json path starting with .";
                errors.push(FieldError::invalid(&child(&path, "JSONPath"), &column["jsonPath"], detail));
            }
        }
    }
}

fn check_names(names: &Value, errors: &mut Vec<FieldError>) {
    let path = "spec.names";
    for name in ["plural", "singular", "kind", "listKind"] {
        if text(&names[name]).is_empty() {
            errors.push(FieldError::required(&child(path, name), ""));
        }
    }
    for name in ["plural", "singular", "kind", "listKind"] {
        let mixed = matches!(name, "kind" | "listKind");
        let text = text(&names[name]);
        let wrong = label_errors(&if mixed { text.to_lowercase() } else { text.to_owned() }).join(",");
        if !text.is_empty() && !wrong.is_empty() {
            let mixed = if mixed { "may have mixed case, but should otherwise match: " } else { "" };
            errors.push(FieldError::invalid(&child(path, name), &names[name], &format!("{mixed}{wrong}")));
        }
    }
    for name in ["shortNames", "categories"] {
        for (index, label) in names[name].as_array().into_iter().flatten().enumerate() {
            check_label(&entry(&child(path, name), index), label, errors);
        }
    }
    if !text(&names["kind"]).is_empty() && names["kind"] == names["listKind"] {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(&child(path, "listKind"), &names["listKind"], detail));
    }
}

/// Webhooks are known, and refused: nothing here calls anything.
fn check_conversion(conversion: &Value, errors: &mut Vec<FieldError>) {
    if conversion.is_null() {
        return;
    }
    check_one_of("spec.conversion.strategy", &conversion["strategy"], &["None", "Webhook"], errors);
    if conversion["strategy"] == "Webhook" {
        let detail = "this server calls no conversion webhooks: it serves every version of an object as it was stored, with the \
                      strategy None";
        errors.push(FieldError::forbidden("spec.conversion.strategy", detail));
        return;
    }
    for (name, shown) in [("webhook", "webhookClientConfig"), ("conversionReviewVersions", "conversionReviewVersions")]
    {
        if !conversion[name].is_null() {
            let detail = "should not be set when strategy is not set to Webhook";
            errors.push(FieldError::forbidden(&child("spec.conversion", shown), detail));
        }
    }
}

fn check_immutable(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let established = has_condition(old, "Established");
    for (path, pointer, always) in [
        ("spec.scope", "/spec/scope", false),
        ("spec.names.kind", "/spec/names/kind", false),
        ("spec.group", "/spec/group", true),
        ("spec.names.plural", "/spec/names/plural", true),
    ] {
        let value = new.pointer(pointer).unwrap_or(&Value::Null);
        if (always || established) && old.pointer(pointer).unwrap_or(&Value::Null) != value {
            errors.push(FieldError::invalid(path, value, "field is immutable"));
        }
    }
}

fn check_stored_versions(definition: &Value, errors: &mut Vec<FieldError>) {
    let path = "status.storedVersions";
    let Some(stored) = definition["status"]["storedVersions"].as_array().filter(|stored| !stored.is_empty()) else {
        errors.push(FieldError::invalid(path, &Value::Null, "must have at least one stored version"));
        return;
    };
    let versions = definition["spec"]["versions"].as_array();
    for (index, name) in stored.iter().enumerate() {
        if !versions.into_iter().flatten().any(|version| version["name"] == *name) {
            let name_text = text(name);
            let detail = format!(
                "missing from spec.versions; {name_text} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {name_text} and removes {name_text} from \
                 status.storedVersions"
            );
            errors.push(FieldError::invalid(&entry(path, index), name, &detail));
        }
    }
}

/// Kubernetes' own groups are for what its reviewers approved.
fn check_approval(old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    let group = text(&new["spec"]["group"]);
    let protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|suffix| group.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let annotation = |definition: &Value| definition["metadata"]["annotations"][APPROVAL].clone();
    let approval = annotation(new);
    if !protected || old.is_some_and(|old| annotation(old) == approval) {
        return;
    }
    let path = entry("metadata.annotations", APPROVAL);
    match text(&approval) {
        "" => {
            let detail = format!(
                "protected groups must have approval annotation \"{APPROVAL}\", see \
                 https://github.com/kubernetes/enhancements/pull/1111"
            );
            errors.push(FieldError::required(&path, &detail));
        }
        text if text.starts_with("unapproved") || text.starts_with("https://") || text.starts_with("http://") => {}
        text => {
            let detail = format!(
                "protected groups must have approval annotation \"{APPROVAL}\" with either a URL or a reason starting with \
                 \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
            );
            errors.push(FieldError::invalid(&path, &json!(text), &detail));
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
