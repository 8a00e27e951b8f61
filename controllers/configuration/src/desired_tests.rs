//! The FluxConfiguration a user writes, and the objects it asks for.

use super::*;

fn configuration(spec: &str) -> FluxConfiguration {
    let object = "{metadata: {name: fleet, namespace: apps, uid: u}, spec: {}}";
    let mut configuration: FluxConfiguration = serde_yaml::from_str(object).unwrap();
    configuration.spec = serde_yaml::from_str(spec).unwrap();
    configuration
}

fn settings(key: Option<&str>) -> Settings {
    let data = key.map(|key| [(HTTPS_KEY.to_owned(), k8s_openapi::ByteString(key.as_bytes().to_vec()))].into());
    Settings::of(data.as_ref())
}

/// The content of an object, without what all have.
fn content(spec: &str, key: Option<&str>, subject: &str) -> Value {
    let objects = desired(&configuration(spec), &settings(key)).unwrap();
    let object = objects.iter().find(|object| object.id().subject() == subject).expect(subject);
    assert_eq!(object.label(labels::CONFIGURATION_UID), Some("u"));
    assert_eq!(object.label(labels::CONFIGURATION_NAME), Some("fleet"));
    let mut content = object.content().clone();
    for field in ["apiVersion", "kind", "metadata"] {
        content.remove(field);
    }
    content.into()
}

fn check(spec: &str, subject: &str, expected: &str) {
    let expected: Value = serde_yaml::from_str(expected).unwrap();
    assert_eq!(content(spec, None, subject), expected, "{subject}");
}

fn check_order(spec: &str, key: Option<&str>, expected: &[&str]) {
    let objects = desired(&configuration(spec), &settings(key)).unwrap();
    let subjects: Vec<_> = objects.iter().map(|object| object.id().subject()).collect();
    assert_eq!(subjects, expected);
}

fn check_problem(spec: &str, key: Option<&str>, reason: &str, message: &str) {
    let problem = desired(&configuration(spec), &settings(key)).unwrap_err();
    assert_eq!((problem.verdict().reason, problem.to_string().as_str()), (reason, message));
}

#[test]
fn what_is_acted_as_comes_first_and_a_kustomization_behind_all_it_depends_on() {
    check_order(
        "{gitRepository: {url: 'https://a/b'}, kustomizations: {apps: {dependsOn: [infra]}, infra: {dependsOn: [zone]}, zone: {}}}",
        None,
        &[
            "ServiceAccount/apps/fleet-applier",
            "ClusterRoleBinding/thalweg:apps:fleet-applier",
            "GitRepository/apps/fleet",
            "Kustomization/apps/fleet-zone",
            "Kustomization/apps/fleet-infra",
            "Kustomization/apps/fleet-apps",
        ],
    );
    check_order(
        "{scope: namespace, gitRepository: {url: 'https://a/b', httpsUser: me}}",
        Some("token"),
        &[
            "ServiceAccount/apps/fleet-applier",
            "RoleBinding/apps/fleet-applier",
            "Secret/apps/fleet-auth",
            "GitRepository/apps/fleet",
        ],
    );
}

#[test]
fn the_applier_is_admin_of_its_namespace_or_of_the_cluster() {
    let applier = "subjects: [{kind: ServiceAccount, name: fleet-applier, namespace: apps}]";
    let role = "apiGroup: rbac.authorization.k8s.io, kind: ClusterRole";
    check(
        "{scope: namespace, gitRepository: {url: 'https://a/b'}}",
        "RoleBinding/apps/fleet-applier",
        &format!("{{roleRef: {{{role}, name: admin}}, {applier}}}"),
    );
    check(
        "{gitRepository: {url: 'https://a/b'}}",
        "ClusterRoleBinding/thalweg:apps:fleet-applier",
        &format!("{{roleRef: {{{role}, name: cluster-admin}}, {applier}}}"),
    );
}

#[test]
fn defaults_are_those_of_azure_resource_manager() {
    let spec = "{gitRepository: {url: 'https://a/b'}, kustomizations: {apps: {}}}";
    check(spec, "GitRepository/apps/fleet", "spec: {url: 'https://a/b', interval: 10m0s, timeout: 10m0s}");
    check(
        spec,
        "Kustomization/apps/fleet-apps",
        "spec: {interval: 10m0s, timeout: 10m0s, prune: false, wait: true, serviceAccountName: fleet-applier,
                sourceRef: {kind: GitRepository, name: fleet}}",
    );
}

#[test]
fn every_supported_field_arrives() {
    let spec = "
        suspend: true
        gitRepository:
          url: https://a/b
          timeoutInSeconds: 5
          syncIntervalInSeconds: 90
          localAuthRef: mine
          repositoryRef: {branch: main, commit: abc}
        kustomizations:
          infra: {}
          apps:
            path: ./apps
            dependsOn: [infra]
            timeoutInSeconds: 1
            syncIntervalInSeconds: 2
            retryIntervalInSeconds: 3
            prune: true
            wait: false";
    check(
        spec,
        "GitRepository/apps/fleet",
        "spec: {url: 'https://a/b', interval: 1m30s, timeout: 5s, secretRef: {name: mine}, suspend: true,
                ref: {branch: main, commit: abc}}",
    );
    check(
        spec,
        "Kustomization/apps/fleet-apps",
        "spec: {path: ./apps, dependsOn: [{name: fleet-infra}], timeout: 1s, interval: 2s, retryInterval: 3s, prune: true,
                suspend: true, serviceAccountName: fleet-applier, sourceRef: {kind: GitRepository, name: fleet}}",
    );
}

#[test]
fn the_secret_is_in_the_format_of_flux() {
    let spec = format!(
        "{{gitRepository: {{url: 'https://a/b', httpsUser: me, httpsCACert: '{}'}}}}",
        STANDARD.encode("-----BEGIN CERTIFICATE-----\n")
    );
    let expected = json!({"type": "Opaque", "data": {
        "username": STANDARD.encode("me"),
        "password": STANDARD.encode("token"),
        "ca.crt": STANDARD.encode("-----BEGIN CERTIFICATE-----\n"),
    }});
    assert_eq!(content(&spec, Some("token"), "Secret/apps/fleet-auth"), expected);
    let source = content(&spec, Some("token"), "GitRepository/apps/fleet");
    assert_eq!(source["spec"]["secretRef"]["name"], "fleet-auth");
}

#[test]
fn a_dependency_that_leads_nowhere_or_back_is_named_with_its_path() {
    check_problem(
        "{gitRepository: {url: 'https://a/b'}, kustomizations: {a: {dependsOn: [b]}, b: {dependsOn: [c]}, c: {dependsOn: [a]}}}",
        None,
        "InvalidDependency",
        "spec.kustomizations: a → b → c → a is a cycle",
    );
    check_problem(
        "{gitRepository: {url: 'https://a/b'}, kustomizations: {a: {dependsOn: [a]}}}",
        None,
        "InvalidDependency",
        "spec.kustomizations: a → a is a cycle",
    );
    check_problem(
        "{gitRepository: {url: 'https://a/b'}, kustomizations: {a: {dependsOn: [b]}}}",
        None,
        "InvalidDependency",
        "spec.kustomizations.a.dependsOn: a → b, and there is no kustomization b",
    );
}

#[test]
fn a_spec_that_cannot_be_carried_out_says_why() {
    for (spec, key, reason, message) in [
        ("{}", None, "InvalidSpec", "spec.gitRepository is missing"),
        ("{gitRepository: {}}", None, "InvalidSpec", "spec.gitRepository.url is missing"),
        (
            "{gitRepository: {url: 'https://a/b', syncIntervalInSeconds: 0}}",
            None,
            "InvalidSpec",
            "spec.gitRepository.syncIntervalInSeconds is not between 1 and 315360000",
        ),
        (
            "{gitRepository: {url: 'https://a/b'}, kustomizations: {a: {timeoutInSeconds: 9223372036854775807}}}",
            None,
            "InvalidSpec",
            "spec.kustomizations.a.timeoutInSeconds is not between 1 and 315360000",
        ),
        (
            "{gitRepository: {url: 'https://a/b', httpsCACert: '%'}}",
            None,
            "InvalidSpec",
            "spec.gitRepository.httpsCACert is not a base64-encoded certificate",
        ),
        (
            "{gitRepository: {url: 'https://a/b', localAuthRef: x, httpsUser: me}}",
            Some("token"),
            "InvalidSpec",
            "spec.gitRepository.localAuthRef cannot be combined with httpsUser or httpsCACert",
        ),
        (
            "{gitRepository: {url: 'https://a/b'}}",
            Some("token"),
            "InvalidSpec",
            "the protected setting httpsKey needs spec.gitRepository.httpsUser",
        ),
        (
            "{gitRepository: {url: 'https://a/b', httpsUser: me}, secretRef: {name: s}}",
            None,
            "InvalidSecret",
            "spec.gitRepository.httpsUser needs the protected setting httpsKey, and the Secret s has none",
        ),
        (
            "{gitRepository: {url: 'https://a/b'}, kustomizations: {a: {force: true}}, sourceKind: Bucket}",
            None,
            "UnsupportedField",
            "spec.sourceKind is supported only as GitRepository; spec.kustomizations.a.force is not supported",
        ),
    ] {
        check_problem(spec, key, reason, message);
    }
}
