//! Acting as somebody else: the `Impersonate-…` headers and the rights they need.
//!
//! Mirrors kube-apiserver 1.36, which asks for the rights of a constrained mode (`impersonate:serviceaccount` together with
//! `impersonate-on:serviceaccount:VERB`) first, and then for the older right `impersonate`. When none is held, the refusal
//! is that of the first mode that was tried.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::attributes::Attributes;
use super::authorize;
use super::user::{
    ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User, is_subdomain, service_account_groups,
    split_service_account,
};
use crate::state::State;
use crate::status::Status;

const AUTHENTICATION: &str = "authentication.k8s.io";
const USER: HeaderName = HeaderName::from_static("impersonate-user");
const UID: HeaderName = HeaderName::from_static("impersonate-uid");
const GROUP: HeaderName = HeaderName::from_static("impersonate-group");
const EXTRA: &str = "impersonate-extra-";
const NODE: &str = "system:node:";

/// A way to be allowed to act as somebody else.
struct Mode {
    /// The verb that is asked of the user, groups, uid and extra fields.
    verb: &'static str,
    /// What precedes the verb of the request in the verb that is asked of what is requested; empty when nothing is asked.
    on: &'static str,
    applies: fn(&User) -> bool,
}

static MODES: [Mode; 4] = [
    Mode {
        verb: "impersonate:arbitrary-node",
        on: "impersonate-on:arbitrary-node:",
        applies: |wanted| is_bare(wanted) && node(&wanted.name).is_some(),
    },
    Mode {
        verb: "impersonate:serviceaccount",
        on: "impersonate-on:serviceaccount:",
        applies: |wanted| is_bare(wanted) && split_service_account(&wanted.name).is_some(),
    },
    Mode {
        verb: "impersonate:user-info",
        on: "impersonate-on:user-info:",
        applies: |wanted| node(&wanted.name).is_none() && split_service_account(&wanted.name).is_none(),
    },
    Mode { verb: "impersonate", on: "", applies: |_| true },
];

/// Whom the headers ask to act as, in their words alone.
///
/// # Errors
/// 400 when they name groups, a uid or extra fields and no user.
pub(super) fn wanted(headers: &HeaderMap) -> Result<Option<User>, Status> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let one = |name: &HeaderName| headers.get(name).map(text).unwrap_or_default();
    let groups: Vec<String> = headers.get_all(GROUP).iter().map(text).collect();
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix(EXTRA) {
            extra.entry(crate::request::decode(key)).or_default().push(text(value));
        }
    }
    let wanted = User { name: one(&USER), uid: one(&UID), groups, extra, impersonator: None };
    if !wanted.name.is_empty() {
        return Ok(Some(wanted));
    }
    if is_bare(&wanted) {
        return Ok(None);
    }
    Err(Status::bad_request(format!("requested {} without impersonating a user name", describe(&wanted))))
}

/// The user whom `requestor` becomes, for a request that asks this.
///
/// # Errors
/// 403 when `requestor` may not.
pub(super) fn become_user(
    state: &State,
    requestor: &User,
    wanted: User,
    asked: &Attributes<'_>,
) -> Result<User, Status> {
    let remembered = state.authority.mode_of(requestor);
    let rest = (0..MODES.len()).filter(|index| Some(*index) != remembered);
    let mut refusal = None;
    for index in remembered.into_iter().chain(rest).filter(|index| (MODES[*index].applies)(&wanted)) {
        match MODES[index].check(state, requestor, &wanted, asked) {
            Ok(()) => {
                state.authority.remember_mode(requestor, index);
                let mut user = MODES[index].complete(wanted);
                user.impersonator = Some(Box::new(requestor.clone()));
                return Ok(user);
            }
            Err(status) => refusal = refusal.or(Some(status)),
        }
    }
    Err(refusal.expect("the last mode applies to every user"))
}

impl Mode {
    fn is_constrained(&self) -> bool {
        !self.on.is_empty()
    }

    fn check(&self, state: &State, requestor: &User, wanted: &User, asked: &Attributes<'_>) -> Result<(), Status> {
        let may = |asked: &Attributes<'_>| authorize(state, requestor, asked);
        if self.is_constrained() {
            let verb = format!("{}{}", self.on, asked.verb);
            may(&Attributes { verb: &verb, ..asked.clone() })?;
        }
        let users = if self.is_constrained() { AUTHENTICATION } else { "" };
        let base = Attributes { verb: self.verb, group: AUTHENTICATION, ..Attributes::default() };
        may(&match (split_service_account(&wanted.name), node(&wanted.name)) {
            (Some((namespace, name)), _) => {
                Attributes { group: users, plural: "serviceaccounts", namespace, name, ..base.clone() }
            }
            (None, Some(name)) if self.is_constrained() => Attributes { plural: "nodes", name, ..base.clone() },
            _ => Attributes { group: users, plural: "users", name: &wanted.name, ..base.clone() },
        })?;
        if !wanted.uid.is_empty() {
            may(&Attributes { plural: "uids", name: &wanted.uid, ..base.clone() })?;
        }
        for group in &wanted.groups {
            let asked = Attributes { group: users, plural: "groups", name: group, ..base.clone() };
            if self.is_constrained() && group == MASTERS {
                let why = "impersonating the system:masters group is not allowed";
                return Err(asked.forbidden(&requestor.name, why));
            }
            may(&asked)?;
        }
        let extra = wanted.extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        for (key, value) in extra {
            may(&Attributes { plural: "userextras", subresource: key, name: value, ..base.clone() })?;
        }
        Ok(())
    }

    /// The user with the groups that follow from the name and from the other groups.
    fn complete(&self, mut user: User) -> User {
        if user.groups.is_empty() {
            if let Some((namespace, _)) = split_service_account(&user.name) {
                user.groups = service_account_groups(namespace).into();
            } else if self.is_constrained() && node(&user.name).is_some() {
                user.groups = vec!["system:nodes".to_owned()];
            }
        }
        if user.name == ANONYMOUS {
            user.join(UNAUTHENTICATED);
        } else if !user.is_in(UNAUTHENTICATED) {
            user.join(AUTHENTICATED);
        }
        user
    }
}

/// Whether nothing but the name is said.
fn is_bare(user: &User) -> bool {
    user.uid.is_empty() && user.groups.is_empty() && user.extra.is_empty()
}

fn node(user_name: &str) -> Option<&str> {
    user_name.strip_prefix(NODE).filter(|name| is_subdomain(name))
}

/// A user as Go's `%#v` shows it, which is what kube-apiserver answers.
fn describe(user: &User) -> String {
    let list = |values: &[String]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        format!("[]string{{{}}}", quoted.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".to_owned() } else { list(&user.groups) };
    let extra: Vec<String> = user.extra.iter().map(|(key, values)| format!("{key:?}:{}", list(values))).collect();
    let extra = match extra.as_slice() {
        [] => "map[string][]string(nil)".to_owned(),
        extra => format!("map[string][]string{{{}}}", extra.join(", ")),
    };
    format!("&user.DefaultInfo{{Name:{:?}, UID:{:?}, Groups:{groups}, Extra:{extra}}}", user.name, user.uid)
}
