//! The headers of a request → who sends it.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::impersonation;
use super::token::{Claims, ISSUER, Reference};
use super::user::User;
use super::{Attributes, token};
use crate::state::State;
use crate::status::Status;
use crate::store::Collection;

/// How long a token is good after it expired, and one bound to an object after that began to go.
const LEEWAY_SECONDS: i64 = 60;

/// Who sends these headers, after impersonation. Whoever sends no token is anonymous or, where `Options::authentication`
/// is off, the administrator.
///
/// # Errors
/// 401 for a token that is not good, 400 and 403 for an impersonation that makes no sense or is not allowed.
pub(crate) fn authenticate(state: &State, headers: &HeaderMap, asked: &Attributes<'_>) -> Result<User, Status> {
    let user = match bearer(headers) {
        Some(token) => identify(state, token, &[ISSUER.to_owned()]).map_err(|_| Status::unauthorized())?,
        None if state.options.authentication => User::anonymous(),
        None => User::administrator(),
    };
    match impersonation::wanted(headers)? {
        None => Ok(user),
        Some(wanted) => impersonation::become_user(state, &user, wanted, asked),
    }
}

/// The user whose token this is, if it was made for one of these audiences; the error says why it is not good.
pub(super) fn identify(state: &State, token: &str, audiences: &[String]) -> Result<User, String> {
    if let Some(user) = state.options.tokens.get(token) {
        let known = audiences.iter().any(|audience| audience == ISSUER);
        return if known { Ok(user.clone()) } else { Err("invalid bearer token".to_owned()) };
    }
    let claims = state.authority.key.read(token).ok_or("invalid bearer token")?;
    check(state, &claims, audiences).map_err(|why| format!("[invalid bearer token, {why}]"))?;
    let Claims { namespace, account, bound, id, .. } = claims;
    let mut user = User::service_account(&namespace, &account.name, &account.uid);
    let mut know = |key: &str, value: String| {
        user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value]);
    };
    know("credential-id", format!("JTI={id}"));
    if let Some((kind @ ("pod" | "node"), object)) = bound.as_ref().map(|(kind, object)| (kind.as_str(), object)) {
        know(&format!("{kind}-name"), object.name.clone());
        know(&format!("{kind}-uid"), object.uid.clone());
    }
    Ok(user)
}

fn check(state: &State, claims: &Claims, audiences: &[String]) -> Result<(), String> {
    let Claims { namespace, account, bound, .. } = claims;
    if !claims.audiences.iter().any(|audience| audiences.contains(audience)) {
        return Err(format!(
            "token audiences {} is invalid for the target audiences {}",
            super::rules::quote(&claims.audiences),
            super::rules::quote(audiences)
        ));
    }
    if state.now().as_second() > claims.expires + LEEWAY_SECONDS {
        return Err("service account token has expired".to_owned());
    }
    match find(state, "serviceaccounts", namespace, &account.name) {
        None => return Err(format!("serviceaccounts {:?} not found", account.name)),
        Some(found) if found.uid != account.uid => {
            return Err(format!("service account UID ({}) does not match claim ({})", found.uid, account.uid));
        }
        Some(_) => {}
    }
    if let Some((kind, object)) = bound {
        let namespace = if kind == "node" { "" } else { namespace };
        let found = find(state, &format!("{kind}s"), namespace, &object.name);
        if found.as_ref() != Some(object) {
            return Err("service account token has been invalidated".to_owned());
        }
    }
    Ok(())
}

/// An object of the core group, unless its deletion began longer ago than the leeway.
pub(super) fn find(state: &State, plural: &str, namespace: &str, name: &str) -> Option<token::Reference> {
    let collection = Collection::from((String::new(), plural.to_owned()));
    let object = state.store.get(&collection, namespace, name)?;
    let deleted = object.value()["metadata"]["deletionTimestamp"].as_str();
    let deleted = deleted.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let gone = deleted.is_some_and(|time| time.as_second() + LEEWAY_SECONDS < state.now().as_second());
    (!gone).then(|| Reference { name: object.name().to_owned(), uid: object.uid().to_owned() })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}
