use std::sync::Arc;

use serde_json::{Value, json};

use crate::auth::{User, token};
use crate::request::Call;
use crate::{ApiServer, Loopback, Options, Verb};

const OBJECTS: &str = r#"
- {apiVersion: v1, kind: Namespace, metadata: {name: t1}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {namespace: t1, name: lim}}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {namespace: t1, name: lim}
  rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {namespace: t1, name: lim}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lim}
  subjects: [{kind: ServiceAccount, name: lim, namespace: t1}]
"#;

fn server() -> (ApiServer, Loopback) {
    let now = "2026-01-01T12:00:00Z".parse().unwrap();
    let server = ApiServer::new(Options { now: Arc::new(move || now), ..Options::default() });
    let client = server.loopback("test");
    for object in serde_yaml::from_str::<Vec<Value>>(OBJECTS).unwrap() {
        client.create(object).unwrap();
    }
    (server, client)
}

/// What a review is answered: its status, or the message of the refusal.
fn check(client: &Loopback, group: &str, kind: &str, spec: &str, expected: Result<&str, &str>) {
    let spec: Value = serde_yaml::from_str(spec).unwrap();
    let namespace = (kind == "LocalSubjectAccessReview").then_some("t1");
    let (api_version, metadata) = (format!("{group}.k8s.io/v1"), json!({"namespace": namespace}));
    let review = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec});
    let answer = client.create(review).map_err(|status| status.message);
    let status = answer.map(|answer| answer.value()["status"].clone());
    let expected = expected.map(|yaml| serde_yaml::from_str::<Value>(yaml).unwrap()).map_err(str::to_owned);
    assert_eq!(status, expected, "{kind} of {spec}");
}

#[test]
fn access_reviews_answer_as_the_real_ones() {
    let (_server, admin) = server();
    let lim = admin.clone().acting_as(User::service_account("t1", "lim", ""));
    let (own, other, local) = ("SelfSubjectAccessReview", "SubjectAccessReview", "LocalSubjectAccessReview");
    let allowed =
        r#"{allowed: true, reason: 'RBAC: allowed by RoleBinding "lim/t1" of Role "lim" to ServiceAccount "lim/t1"'}"#;
    let get = "resourceAttributes: {namespace: t1, verb: get, resource: configmaps}";
    let list = "resourceAttributes: {namespace: t1, verb: list, resource: configmaps}";
    let elsewhere = "resourceAttributes: {namespace: t2, verb: get, resource: configmaps}";
    let path = "nonResourceAttributes: {path: /version, verb: get}";
    for (client, kind, spec, expected) in [
        (&lim, own, format!("{{{get}}}"), Ok(allowed)),
        (&lim, own, format!("{{{list}}}"), Ok("{allowed: false}")),
        (&admin, own, format!("{{{list}}}"), Ok("{allowed: true}")),
        (
            &lim,
            own,
            format!("{{{path}}}"),
            Ok(
                r#"{allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"'}"#,
            ),
        ),
        (
            &lim,
            own,
            "{}".to_owned(),
            Err(
                r#".authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"#,
            ),
        ),
        (
            &lim,
            own,
            format!("{{{get}, {path}}}"),
            Err(
                r#".authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/version","Verb":"get"}: cannot be specified in combination with resourceAttributes"#,
            ),
        ),
        (&admin, other, format!("{{user: 'system:serviceaccount:t1:lim', {get}}}"), Ok(allowed)),
        (&admin, other, format!("{{groups: ['system:masters'], {get}}}"), Ok("{allowed: true}")),
        (
            &admin,
            other,
            format!("{{{get}}}"),
            Err(
                r#".authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified"#,
            ),
        ),
        (&admin, local, format!("{{user: u, {get}}}"), Ok("{allowed: false}")),
        (
            &admin,
            local,
            format!("{{user: u, {elsewhere}}}"),
            Err(
                r#".authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "t2": must match metadata.namespace"#,
            ),
        ),
    ] {
        check(client, "authorization", kind, &spec, expected);
    }
}

#[test]
fn the_rules_of_a_user_are_listed() {
    let (_server, admin) = server();
    let lim = admin.acting_as(User::service_account("t1", "lim", ""));
    let expected = "
        incomplete: false
        resourceRules:
        - {verbs: [create], apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews, selfsubjectrulesreviews]}
        - {verbs: [create], apiGroups: [authentication.k8s.io], resources: [selfsubjectreviews]}
        - {verbs: [get], apiGroups: [''], resources: [configmaps]}
        nonResourceRules:
        - {verbs: [get], nonResourceURLs: [/api, /api/*, /apis, /apis/*, /healthz, /livez, /openapi, /openapi/*, /readyz, /version, /version/]}
        - {verbs: [get], nonResourceURLs: [/healthz, /livez, /readyz, /version, /version/]}
        - {verbs: [get], nonResourceURLs: [/.well-known/openid-configuration, /.well-known/openid-configuration/, /openid/v1/jwks, /openid/v1/jwks/]}";
    check(&lim, "authorization", "SelfSubjectRulesReview", "{namespace: t1}", Ok(expected));
    check(&lim, "authorization", "SelfSubjectRulesReview", "{}", Err("no namespace on request"));
}

#[test]
fn a_token_is_made_for_a_service_account_and_reviewed() {
    let (server, admin) = server();
    let request = |name: &str, spec: &str| {
        let mut state = server.state();
        let served = state.registry.find_kind("v1", "ServiceAccount").unwrap();
        let subresource = "token".to_owned();
        let (namespace, name) = ("t1".to_owned(), name.to_owned());
        let call = Call { namespace, name, subresource, ..Call::new(Verb::Create, served) };
        let spec: Value = serde_yaml::from_str(spec).unwrap();
        token(&mut state, &call, json!({"spec": spec})).map_err(|status| status.message)
    };
    let made = request("lim", "{expirationSeconds: 700}").unwrap();
    assert_eq!(made["status"]["expirationTimestamp"], "2026-01-01T12:11:40Z");
    let audience = "https://kubernetes.default.svc";
    assert_eq!(made["spec"], json!({"audiences": [audience], "expirationSeconds": 700, "boundObjectRef": null}));

    let token = made["status"]["token"].as_str().unwrap();
    let uid = admin.get("v1", "ServiceAccount", "t1", "lim").unwrap().uid().to_owned();
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}});
    let status = admin.create(review).unwrap().value()["status"].clone();
    assert_eq!(status["authenticated"], true);
    assert_eq!((&status["user"]["uid"], &status["audiences"]), (&json!(uid), &json!([audience])));
    let spec = format!("{{token: {token}, audiences: [x]}}");
    let refused = r#"{user: {}, error: '[invalid bearer token, token audiences ["https://kubernetes.default.svc"] is invalid for the target audiences ["x"]]'}"#;
    check(&admin, "authentication", "TokenReview", &spec, Ok(refused));
    check(&admin, "authentication", "TokenReview", "{token: abc}", Ok("{user: {}, error: invalid bearer token}"));
    let empty = "token is required for TokenReview in authentication";
    check(&admin, "authentication", "TokenReview", "{token: ''}", Err(empty));

    for (name, spec, expected) in [
        ("nope", "{}", r#"serviceaccounts "nope" not found"#),
        (
            "lim",
            "{expirationSeconds: 5}",
            r#"TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes"#,
        ),
        ("lim", "{boundObjectRef: {kind: Pod, apiVersion: v1, name: p}}", r#"pods "p" not found"#),
        (
            "lim",
            "{boundObjectRef: {kind: ConfigMap, apiVersion: v1, name: p}}",
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
    ] {
        assert_eq!(request(name, spec), Err(expected.to_owned()), "{name} {spec}");
    }
}
