//! Every spec field of every kind is supported or refused, and what is refused is named.

use super::schema::{definition, definitions, leaves, sample};
use serde_json::{Value, json};
use thalweg_crds::unsupported::{self, Rule, Support, message, unsupported_fields};

pub(crate) fn support(kind: &str) -> Support {
    match kind {
        "GitRepository" => unsupported::GIT_REPOSITORY,
        "Kustomization" => unsupported::KUSTOMIZATION,
        "FluxConfiguration" => unsupported::FLUX_CONFIGURATION,
        other => panic!("{other} has no table in crds/src/unsupported.rs"),
    }
}

pub(crate) fn covers(path: &str, rule: Rule, leaf: &str) -> bool {
    let below = leaf.strip_prefix(path);
    let refused = matches!(rule, Rule::Refused | Rule::RefusedUnless(_));
    below == Some("") || (refused && below.is_some_and(|rest| rest.starts_with(['.', '[', '{'])))
}

#[test]
fn every_field_is_in_exactly_one_row_of_its_table() {
    for definition in definitions() {
        let leaves = leaves(definition.schema("spec"), "spec");
        let rows = support(definition.kind()).fields;
        for leaf in &leaves {
            let count = rows.iter().filter(|(path, rule)| covers(path, *rule, leaf)).count();
            assert_eq!(count, 1, "{}: rows that cover {leaf}", definition.kind());
        }
        for (path, rule) in rows {
            let found = leaves.iter().any(|leaf| covers(path, *rule, leaf));
            assert!(found, "{}: {path} is not a field", definition.kind());
        }
    }
}

/// Keeps of `value` what leads to `path`.
fn only(value: &Value, path: &str) -> Value {
    if path.is_empty() {
        return value.clone();
    }
    if let Some(rest) = path.strip_prefix("[]") {
        return json!([only(&value[0], rest)]);
    }
    if let Some(rest) = path.strip_prefix("{}") {
        return json!({"key": only(&value["key"], rest)});
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let (field, rest) = path.split_at(path.find(['.', '[', '{']).unwrap_or(path.len()));
    json!({field: only(&value[field], rest)})
}

#[test]
fn a_field_that_is_set_is_named_when_it_is_refused_and_only_then() {
    for definition in definitions() {
        let full = sample(definition.schema("spec"), "spec");
        for (path, rule) in support(definition.kind()).fields {
            let spec = only(&full, path.strip_prefix("spec").unwrap());
            let found: Vec<_> =
                unsupported_fields(&spec, &support(definition.kind())).into_iter().map(|field| field.path).collect();
            let named = path.replace("[]", "[0]").replace("{}", ".key");
            match rule {
                Rule::Supported | Rule::Schemes(_) => assert_eq!(found, [""; 0], "{path}"),
                Rule::OneOf(_) | Rule::Refused | Rule::RefusedUnless(_) => assert_eq!(found, [named], "{path}"),
            }
        }
    }
}

fn check(kind: &str, spec: &str, expected: &str) {
    let spec: Value = serde_yaml::from_str(spec).unwrap();
    assert_eq!(message(&unsupported_fields(&spec, &support(kind))), expected, "{spec}");
}

#[test]
fn what_is_empty_or_at_its_default_is_not_set() {
    check("GitRepository", "{url: 'http://a/b', provider: generic, ref: {semver: ''}, include: [], verify: null}", "");
    check(
        "GitRepository",
        "{url: 'https://a/b', recurseSubmodules: false, sparseCheckout: [], proxySecretRef: {}}",
        "",
    );
    check("Kustomization", "{force: false, postBuild: {}, patches: [], sourceRef: {kind: GitRepository}}", "");
    check("Kustomization", "{postBuild: {substitute: {}, substituteFrom: [], substituteStrategy: WithVariables}}", "");
    check("Kustomization", "{dependsOn: [{name: a, readyExpr: ''}], kubeConfig: null, targetNamespace: ''}", "");
    check(
        "FluxConfiguration",
        "{sourceKind: GitRepository, gitRepository: {provider: Generic, sshKnownHosts: ''}}",
        "",
    );
    check(
        "FluxConfiguration",
        "{waitForReconciliation: false, kustomizations: {a: {force: false, postBuild: null}}}",
        "",
    );
}

#[test]
fn a_refused_field_is_named_with_what_would_be_supported() {
    check(
        "GitRepository",
        "{url: 'ssh://git:secret@a/b', provider: github, ref: {semver: '>1'}}",
        "spec.url is supported only with the scheme https or http; spec.provider is supported only as generic; \
         spec.ref.semver is not supported",
    );
    check("GitRepository", "{url: 'git@a:b.git'}", "spec.url is supported only with the scheme https or http");
    check("Kustomization", "{postBuild: {substituteStrategy: Always}}", "spec.postBuild is not supported");
    check("Kustomization", "{postBuild: {substitute: {a: ''}}}", "spec.postBuild is not supported");
    check(
        "Kustomization",
        "{dependsOn: [{name: a}, {name: b, readyExpr: 'true'}]}",
        "spec.dependsOn[1].readyExpr is not supported",
    );
    check(
        "Kustomization",
        "{force: true, decryption: {provider: sops}}",
        "spec.decryption is not supported; spec.force is not supported",
    );
    check(
        "Kustomization",
        "{sourceRef: {kind: OCIRepository}}",
        "spec.sourceRef.kind is supported only as GitRepository",
    );
    check(
        "FluxConfiguration",
        "{sourceKind: Bucket, bucket: {url: 'http://a'}, kustomizations: {b: {postBuild: {substitute: {x: y}}}, a: {force: true}}}",
        "spec.sourceKind is supported only as GitRepository; spec.bucket is not supported; \
         spec.kustomizations.a.force is not supported; spec.kustomizations.b.postBuild is not supported",
    );
}

#[test]
fn every_kind_has_a_table() {
    for kind in ["GitRepository", "Kustomization", "FluxConfiguration"] {
        assert!(!support(definition(kind).kind()).fields.is_empty());
    }
}
