//! The kinds that are only created, to be answered: access reviews, and who somebody is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::authentication::identify;
use super::rules::{Rule, texts};
use super::token::ISSUER;
use super::{Attributes, User, decide};
use crate::request::Call;
use crate::state::State;
use crate::status::{Cause, Status};

/// Answers a kind that is only created: the access reviews and TokenReview. Fills in `status`.
///
/// # Errors
/// 400 and 422 for a review that asks nothing, or too much.
pub(crate) fn review(state: &State, call: &Call, mut object: Value) -> Result<Value, Status> {
    let user = &call.user;
    match call.served.kind.as_str() {
        "SelfSubjectAccessReview" => object["status"] = access(state, user, &object)?,
        "SubjectAccessReview" => object["status"] = access(state, &subject(&object)?, &object)?,
        "LocalSubjectAccessReview" => {
            check_local(&call.namespace, &object)?;
            object["metadata"]["namespace"] = json!(call.namespace);
            object["status"] = access(state, &subject(&object)?, &object)?;
        }
        "SelfSubjectRulesReview" => {
            let namespace = object["spec"]["namespace"].as_str().unwrap_or_default();
            if namespace.is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            object["status"] = rules(state, user, namespace);
            object["spec"] = json!({});
        }
        "SelfSubjectReview" => {
            object["metadata"]["creationTimestamp"] = json!(seconds(state));
            object["status"] = json!({"userInfo": describe(user)});
        }
        "TokenReview" => object["status"] = token(state, &object["spec"])?,
        _ => {}
    }
    Ok(object)
}

fn access(state: &State, user: &User, object: &Value) -> Result<Value, Status> {
    let spec = &object["spec"];
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    match (resource.is_null(), path.is_null()) {
        (true, true) => {
            let why =
                "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
            return Err(invalid("spec.resourceAttributes", why));
        }
        (false, false) => {
            let why =
                format!("Invalid value: {}: cannot be specified in combination with resourceAttributes", go(path));
            return Err(invalid("spec.nonResourceAttributes", &why));
        }
        _ => {}
    }
    let asked = if path.is_null() {
        Attributes {
            verb: text(&resource["verb"]),
            group: text(&resource["group"]),
            plural: text(&resource["resource"]),
            subresource: text(&resource["subresource"]),
            namespace: text(&resource["namespace"]),
            name: text(&resource["name"]),
            path: "",
        }
    } else {
        Attributes { verb: text(&path["verb"]), path: text(&path["path"]), ..Attributes::default() }
    };
    let decision = decide(state, user, &asked);
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = json!(decision.reason);
    }
    Ok(status)
}

/// The user that a SubjectAccessReview asks about.
fn subject(object: &Value) -> Result<User, Status> {
    let spec = &object["spec"];
    let extra = spec["extra"].as_object().into_iter().flatten();
    let extra: BTreeMap<_, _> = extra.map(|(key, values)| (key.clone(), texts(values))).collect();
    let (name, uid) = (text(&spec["user"]).to_owned(), text(&spec["uid"]).to_owned());
    let user = User { name, uid, groups: texts(&spec["groups"]), extra, impersonator: None };
    if user.name.is_empty() && user.groups.is_empty() {
        return Err(invalid("spec.user", "Invalid value: \"\": at least one of user or group must be specified"));
    }
    Ok(user)
}

fn check_local(namespace: &str, object: &Value) -> Result<(), Status> {
    let spec = &object["spec"];
    let path = &spec["nonResourceAttributes"];
    if !path.is_null() {
        let why = format!("Invalid value: {}: disallowed on this kind of request", go(path));
        return Err(invalid("spec.nonResourceAttributes", &why));
    }
    let asked = text(&spec["resourceAttributes"]["namespace"]);
    if asked != namespace {
        let why = format!("Invalid value: {asked:?}: must match metadata.namespace");
        return Err(invalid("spec.resourceAttributes.namespace", &why));
    }
    Ok(())
}

fn rules(state: &State, user: &User, namespace: &str) -> Value {
    let rules = state.authority.policy.get(&state.store).rules_of(user, namespace);
    let (mut resource, mut path) = (Vec::new(), Vec::new());
    for Rule { verbs, api_groups, resources, resource_names, non_resource_urls } in rules {
        if !resources.is_empty() {
            let rule = Rule { verbs: verbs.clone(), api_groups, resources, resource_names, ..Rule::default() };
            resource.push(rule.write());
        }
        if !non_resource_urls.is_empty() {
            path.push(Rule { verbs, non_resource_urls, ..Rule::default() }.write());
        }
    }
    json!({"resourceRules": resource, "nonResourceRules": path, "incomplete": false})
}

fn token(state: &State, spec: &Value) -> Result<Value, Status> {
    let token = text(&spec["token"]);
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let audiences = texts(&spec["audiences"]);
    let audiences = if audiences.is_empty() { vec![ISSUER.to_owned()] } else { audiences };
    Ok(match identify(state, token, &audiences) {
        Ok(user) => {
            json!({"authenticated": true, "user": describe(&user), "audiences": audience(state, token, audiences)})
        }
        Err(error) => json!({"user": {}, "error": error}),
    })
}

/// Those of the audiences that the token was made for.
fn audience(state: &State, token: &str, mut audiences: Vec<String>) -> Vec<String> {
    let claims = state.authority.key.read(token);
    let made_for = claims.map_or_else(|| vec![ISSUER.to_owned()], |claims| claims.audiences);
    audiences.retain(|audience| made_for.contains(audience));
    audiences
}

/// A user as the authentication API shows it.
fn describe(user: &User) -> Value {
    let mut shown = Map::from_iter([("username".to_owned(), json!(user.name))]);
    for (key, value, empty) in [
        ("uid", json!(user.uid), user.uid.is_empty()),
        ("groups", json!(user.groups), user.groups.is_empty()),
        ("extra", json!(user.extra), user.extra.is_empty()),
    ] {
        if !empty {
            shown.insert(key.to_owned(), value);
        }
    }
    Value::Object(shown)
}

fn invalid(field: &str, why: &str) -> Status {
    Status::invalid("authorization.k8s.io", "", "", vec![Cause::new("FieldValueInvalid", field, why)])
}

/// Attributes of a path, as kube-apiserver shows them in an error: by the names of Go's fields.
fn go(path: &Value) -> String {
    format!("{{\"Path\":{:?},\"Verb\":{:?}}}", text(&path["path"]), text(&path["verb"]))
}

fn seconds(state: &State) -> Option<String> {
    Some(jiff::Timestamp::from_second(state.now().as_second()).ok()?.to_string())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
#[path = "reviews_tests.rs"]
mod tests;
