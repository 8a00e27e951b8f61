//! Questions that need the objects of a server.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::Options;
use crate::store::Collection;

const RBAC: &str = "rbac.authorization.k8s.io";

/// A server with the bootstrap roles, the service account `t1:lim`, and these Roles, bindings and other objects.
fn state(yaml: &str) -> State {
    let mut state = State::new(Options { authentication: true, ..Options::default() });
    let account = json!({"kind": "ServiceAccount", "metadata": {"namespace": "t1", "name": "lim", "uid": "u1"}});
    let objects: Vec<Value> = serde_yaml::from_str(yaml).unwrap();
    for object in bootstrap::objects().iter().chain(&[account]).chain(&objects) {
        let kind = object["kind"].as_str().unwrap();
        let group = if kind.contains("Role") { RBAC } else { "" };
        let collection = Collection::from((group.to_owned(), format!("{}s", kind.to_lowercase())));
        if !state.store.objects(&collection).any(|stored| stored.name() == object["metadata"]["name"]) {
            state.store.put(&collection, object.clone());
        }
    }
    state
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(header).collect()
}

const LIST: Attributes<'_> =
    Attributes { verb: "list", group: "", plural: "configmaps", subresource: "", namespace: "t1", name: "", path: "" };

/// A token of the service account, made at this second and good for ten minutes.
fn token(state: &State, issued: i64) -> String {
    state.authority.key.sign(&token::Claims {
        namespace: "t1".to_owned(),
        account: token::Reference { name: "lim".to_owned(), uid: "u1".to_owned() },
        bound: None,
        audiences: vec![token::ISSUER.to_owned()],
        id: "one".to_owned(),
        issued,
        expires: issued + 600,
    })
}

#[test]
fn a_token_tells_who_asks_until_it_expires() {
    let mut state = state("[]");
    let now = state.now().as_second();
    let bearer = |token: String| headers(&[("authorization", &format!("Bearer {token}"))]);
    let user = authenticate(&state, &bearer(token(&state, now)), &LIST).unwrap();
    assert_eq!(user.name, "system:serviceaccount:t1:lim");
    assert_eq!(user.groups, ["system:serviceaccounts", "system:serviceaccounts:t1", "system:authenticated"]);
    assert_eq!(user.extra["authentication.kubernetes.io/credential-id"], ["JTI=one"]);

    assert_eq!(authenticate(&state, &headers(&[]), &LIST).unwrap(), User::anonymous());
    for refused in [token(&state, now - 700), "abc".to_owned()] {
        assert_eq!(authenticate(&state, &bearer(refused), &LIST).unwrap_err().code, 401);
    }
    state.options.tokens.insert("secret".to_owned(), User::administrator());
    assert_eq!(authenticate(&state, &bearer("secret".to_owned()), &LIST).unwrap(), User::administrator());
    state.store.remove(&Collection::from((String::new(), "serviceaccounts".to_owned())), "t1", "lim");
    assert_eq!(authenticate(&state, &bearer(token(&state, now)), &LIST).unwrap_err().code, 401);
}

const IMPERSONATORS: &str = r#"
- kind: ClusterRole
  metadata: {name: legacy}
  rules: [{apiGroups: [""], resources: [users, groups, serviceaccounts], verbs: [impersonate], resourceNames: [bob, team, lim]}]
- kind: ClusterRoleBinding
  metadata: {name: legacy}
  roleRef: {kind: ClusterRole, name: legacy}
  subjects: [{kind: User, name: legacy}]
- kind: ClusterRole
  metadata: {name: constrained}
  rules:
  - {apiGroups: [authentication.k8s.io], resources: [serviceaccounts], verbs: ["impersonate:serviceaccount"]}
  - {apiGroups: [""], resources: [configmaps], verbs: ["impersonate-on:serviceaccount:list"]}
- kind: ClusterRoleBinding
  metadata: {name: constrained}
  roleRef: {kind: ClusterRole, name: constrained}
  subjects: [{kind: User, name: constrained}]
"#;

#[test]
fn somebody_acts_as_another_with_the_right_to() {
    let account = ("impersonate-user", "system:serviceaccount:t1:lim");
    let bob = ("impersonate-user", "bob");
    let team = ("impersonate-group", "team");
    let of_account = ["system:serviceaccounts", "system:serviceaccounts:t1", "system:authenticated"];
    for (requestor, asked, expected) in [
        ("administrator", &[account][..], Ok(&of_account[..])),
        ("administrator", &[bob, team], Ok(&["team", "system:authenticated"][..])),
        ("administrator", &[account, team], Ok(&["team", "system:authenticated"])),
        ("administrator", &[("impersonate-user", "system:anonymous")], Ok(&["system:unauthenticated"])),
        (
            "administrator",
            &[team],
            Err(
                r#"requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"team"}, Extra:map[string][]string(nil)} without impersonating a user name"#,
            ),
        ),
        (
            "administrator",
            &[("impersonate-extra-foo", "bob"), ("impersonate-uid", "5")],
            Err(
                r#"requested &user.DefaultInfo{Name:"", UID:"5", Groups:[]string(nil), Extra:map[string][]string{"foo":[]string{"bob"}}} without impersonating a user name"#,
            ),
        ),
        ("legacy", &[account], Ok(&of_account)),
        ("legacy", &[bob, team], Ok(&["team", "system:authenticated"])),
        (
            "legacy",
            &[("impersonate-user", "alice")],
            Err(
                r#"configmaps is forbidden: User "legacy" cannot impersonate-on:user-info:list resource "configmaps" in API group "" in the namespace "t1""#,
            ),
        ),
        ("constrained", &[account], Ok(&of_account)),
        (
            "constrained",
            &[bob],
            Err(
                r#"configmaps is forbidden: User "constrained" cannot impersonate-on:user-info:list resource "configmaps" in API group "" in the namespace "t1""#,
            ),
        ),
        (
            "constrained",
            &[account, team],
            Err(
                r#"serviceaccounts "lim" is forbidden: User "constrained" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "t1""#,
            ),
        ),
    ] {
        let mut state = state(IMPERSONATORS);
        let masters: &[&str] = if requestor == "administrator" { &["system:masters"] } else { &[] };
        state.options.tokens.insert("t".to_owned(), User::new(requestor, masters));
        let mut pairs = vec![("authorization", "Bearer t")];
        pairs.extend(asked);
        let user = authenticate(&state, &headers(&pairs), &LIST).map_err(|status| status.message);
        let groups = user.as_ref().map(|user| user.groups.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(groups.as_deref().map_err(|message| message.as_str()), expected, "{requestor} as {asked:?}");
    }
}

#[test]
fn the_way_that_worked_last_is_tried_first() {
    let mut state = state(IMPERSONATORS);
    state.options.tokens.insert("t".to_owned(), User::new("legacy", &[]));
    let act =
        |name| authenticate(&state, &headers(&[("authorization", "Bearer t"), ("impersonate-user", name)]), &LIST);
    act("bob").unwrap();
    let expected = r#"users "alice" is forbidden: User "legacy" cannot impersonate resource "users" in API group "" at the cluster scope"#;
    assert_eq!(act("alice").unwrap_err().message, expected);
}

const GIVERS: &str = r#"
- kind: Role
  metadata: {namespace: t1, name: some}
  rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list]}, {apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [bind], resourceNames: [bindable]}]
- kind: Role
  metadata: {namespace: t1, name: more}
  rules: [{apiGroups: [""], resources: [configmaps, secrets], verbs: [get, list]}]
- kind: Role
  metadata: {namespace: t1, name: bindable}
  rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
- kind: RoleBinding
  metadata: {namespace: t1, name: some}
  roleRef: {kind: Role, name: some}
  subjects: [{kind: User, name: giver}]
"#;

#[test]
fn nobody_gives_more_than_they_have() {
    let more = "user \"giver\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n\
        {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}";
    let role = |rules: &str| format!("{{kind: Role, metadata: {{namespace: t1, name: new}}, rules: [{rules}]}}");
    let binding = |name: &str| {
        let reference = format!("{{kind: Role, name: {name}}}");
        format!("{{kind: RoleBinding, metadata: {{namespace: t1, name: new}}, roleRef: {reference}}}")
    };
    for (user, object, expected) in [
        ("giver", role("{apiGroups: [''], resources: [configmaps], verbs: [list]}"), None),
        (
            "giver",
            role("{apiGroups: [''], resources: [configmaps, secrets], verbs: [get, list]}"),
            Some(format!("roles.rbac.authorization.k8s.io \"new\" is forbidden: {more}")),
        ),
        ("giver", binding("some"), None),
        ("giver", binding("bindable"), None),
        (
            "giver",
            binding("more"),
            Some(format!("rolebindings.rbac.authorization.k8s.io \"new\" is forbidden: {more}")),
        ),
        ("giver", binding("gone"), Some("roles.rbac.authorization.k8s.io \"gone\" not found".to_owned())),
    ] {
        let state = state(GIVERS);
        let object: Value = serde_yaml::from_str(&object).unwrap();
        let served = state.registry.find_kind(&format!("{RBAC}/v1"), object["kind"].as_str().unwrap());
        let served = served.expect("the kinds of RBAC are served");
        let result = escalates(&state, &User::new(user, &[]), crate::Verb::Create, &served, &object);
        assert_eq!(result.err().map(|status| status.message), expected, "{object}");
    }
}

#[tokio::test]
async fn a_request_is_answered_as_its_user_may() {
    let tokens = [("admin", User::administrator()), ("nobody", User::new("nobody", &[]))];
    let tokens = tokens.map(|(token, user)| (token.to_owned(), user)).into();
    let server = crate::ApiServer::new(Options { authentication: true, tokens, ..Options::default() });
    let secrets = r#"secrets is forbidden: User "nobody" cannot list resource "secrets" in API group "" in the namespace "default""#;
    let anonymous = r#"secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" in the namespace "default""#;
    let constrained = r#"secrets is forbidden: User "nobody" cannot impersonate-on:user-info:list resource "secrets" in API group "" in the namespace "default""#;
    for (token, user, path, code, message) in [
        ("admin", "", "/api/v1/namespaces/default/secrets", 200, ""),
        ("nobody", "", "/api/v1/namespaces/default/secrets", 403, secrets),
        ("", "", "/api/v1/namespaces/default/secrets", 403, anonymous),
        ("wrong", "", "/api/v1/namespaces/default/secrets", 401, "Unauthorized"),
        ("nobody", "bob", "/api/v1/namespaces/default/secrets", 403, constrained),
        ("admin", "nobody", "/api/v1/namespaces/default/secrets", 403, secrets),
        ("nobody", "", "/metrics", 403, r#"forbidden: User "nobody" cannot get path "/metrics""#),
    ] {
        let mut request = http::Request::get(path);
        for (name, prefix, value) in [("authorization", "Bearer ", token), ("impersonate-user", "", user)] {
            if !value.is_empty() {
                request = request.header(name, format!("{prefix}{value}"));
            }
        }
        let request = request.body(crate::Body::empty()).unwrap();
        let response = tower::ServiceExt::oneshot(server.clone(), request).await.unwrap();
        assert_eq!(response.status(), code, "{token} as {user:?} at {path}");
        let body: Value = serde_json::from_slice(response.into_body().bytes().unwrap()).unwrap();
        assert_eq!(body["message"].as_str().unwrap_or_default(), message, "{token} as {user:?} at {path}");
    }
}
