//! A TokenRequest for a service account → a token.

use serde_json::{Value, json};

use super::authentication::find;
use super::rules::texts;
use super::token::{Claims, ISSUER, Reference};
use crate::request::Call;
use crate::state::State;
use crate::status::{Cause, Details, Status};
use crate::store::Collection;

const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";
const LIFE_SECONDS: i64 = 3600;
const LIFE_SECONDS_MIN: i64 = 600;
const LIFE_SECONDS_MAX: i64 = 1 << 32;

/// Answers a TokenRequest for the service account that the call names.
///
/// # Errors
/// 404 without the service account or the object to bind to; 400, 409 and 422 for what kube-apiserver refuses so.
pub(crate) fn token(state: &mut State, call: &Call, mut request: Value) -> Result<Value, Status> {
    let (namespace, name) = (&call.namespace, &call.name);
    for (field, url, what) in [("name", name, "name"), ("namespace", namespace, "namespace")] {
        let given = request["metadata"][field].as_str().unwrap_or_default();
        if !given.is_empty() && given != url {
            let why = format!("Invalid value: {given:?}: must match the service account {what} if specified");
            return Err(invalid(name, &format!("metadata.{field}"), why));
        }
    }
    let missing = || not_found("serviceaccounts", name);
    let account = find(state, "serviceaccounts", namespace, name).ok_or_else(missing)?;
    let spec = &request["spec"];
    let life = spec["expirationSeconds"].as_i64().unwrap_or(LIFE_SECONDS);
    check_life(life)?;
    let bound = bound(state, namespace, name, &spec["boundObjectRef"])?;
    let audiences = Some(texts(&spec["audiences"])).filter(|audiences| !audiences.is_empty());
    let audiences = audiences.unwrap_or_else(|| vec![ISSUER.to_owned()]);

    let now = state.now();
    let issued = now.as_second();
    let metadata =
        json!({"name": name, "namespace": namespace, "uid": account.uid, "creationTimestamp": seconds(issued)});
    let claims = Claims {
        namespace: namespace.clone(),
        account,
        bound,
        audiences: audiences.clone(),
        id: state.uid(),
        issued,
        expires: issued + life,
    };
    let bound_object = request["spec"]["boundObjectRef"].take();
    request["apiVersion"] = json!(format!("{GROUP}/v1"));
    request["kind"] = json!(KIND);
    request["metadata"] = metadata;
    request["spec"] = json!({"audiences": audiences, "expirationSeconds": life, "boundObjectRef": bound_object});
    let token = state.authority.key.sign(&claims);
    request["status"] = json!({"token": token, "expirationTimestamp": seconds(claims.expires)});
    Ok(request)
}

fn check_life(seconds: i64) -> Result<(), Status> {
    let limit = match seconds {
        ..LIFE_SECONDS_MIN => "may not specify a duration less than 10 minutes",
        LIFE_SECONDS_MIN..=LIFE_SECONDS_MAX => return Ok(()),
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    Err(invalid("", "spec.expirationSeconds", format!("Invalid value: {seconds}: {limit}")))
}

/// The object that the token is to end with.
fn bound(state: &State, namespace: &str, account: &str, wanted: &Value) -> Result<Option<(String, Reference)>, Status> {
    if wanted.is_null() {
        return Ok(None);
    }
    let text = |key: &str| wanted[key].as_str().unwrap_or_default();
    let (version, kind, name) = (text("apiVersion"), text("kind"), text("name"));
    let (plural, of) = match (version, kind) {
        ("v1", "Pod") => ("pods", namespace),
        ("v1", "Secret") => ("secrets", namespace),
        ("v1", "Node") => ("nodes", ""),
        _ => {
            let version = if version.contains('/') { version.to_owned() } else { format!("/{version}") };
            return Err(Status::bad_request(format!("cannot bind token to object of type {version}, Kind={kind}")));
        }
    };
    let collection = Collection::from((String::new(), plural.to_owned()));
    let object = state.store.get(&collection, of, name).ok_or_else(|| not_found(plural, name))?;
    if kind == "Pod" && object.value()["spec"]["serviceAccountName"].as_str().unwrap_or_default() != account {
        return Err(Status::bad_request(format!(
            "cannot bind token for serviceaccount {account:?} to pod running with different serviceaccount name."
        )));
    }
    if !text("uid").is_empty() && text("uid") != object.uid() {
        return Err(Status::new(
            409,
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {kind} {name:?}: the UID in the bound object reference ({}) does not match \
                 the UID in record. The object might have been deleted and then recreated",
                text("uid")
            ),
        ));
    }
    Ok(Some((kind.to_lowercase(), Reference { name: name.to_owned(), uid: object.uid().to_owned() })))
}

fn invalid(name: &str, field: &str, why: String) -> Status {
    Status::invalid(GROUP, KIND, name, vec![Cause::new("FieldValueInvalid", field, why)])
}

fn not_found(plural: &str, name: &str) -> Status {
    let details = Details { name: name.to_owned(), kind: plural.to_owned(), ..Details::default() };
    let status = Status::new(404, "NotFound", format!("{plural} {name:?} not found"));
    Status { details: Some(Box::new(details)), ..status }
}

fn seconds(seconds: i64) -> Option<String> {
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}
