//! What is asked, as authorization sees it.

use crate::status::{Details, Status};

/// What is to be allowed: the attributes of a request. What is empty was not said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attributes<'a> {
    /// `get`, `list`, …, or a verb of authorization alone such as `impersonate`; for a path the method in lower case.
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    /// The path, for what is no resource; the others are empty then.
    pub(crate) path: &'a str,
}

impl<'a> Attributes<'a> {
    /// Those of a request for what is no resource.
    pub(crate) fn path(verb: &'a str, path: &'a str) -> Self {
        Self { verb, path, ..Self::default() }
    }

    /// `plural/subresource`, as rules name it.
    pub(crate) fn combined(&self) -> String {
        if self.subresource.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}/{}", self.plural, self.subresource)
        }
    }

    /// 403, as kube-apiserver's filter words it. `reason` is why, as far as anything is known.
    pub(crate) fn forbidden(&self, user: &str, reason: &str) -> Status {
        let mut subject = self.plural.to_owned();
        if !self.group.is_empty() {
            subject = format!("{subject}.{}", self.group);
        }
        if !self.name.is_empty() {
            subject = format!("{subject} {:?}", self.name);
        }
        let subject = if subject.is_empty() { String::new() } else { format!("{subject} is ") };
        let asked = self.refusal(user).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let details = Details {
            name: self.name.to_owned(),
            group: self.group.to_owned(),
            kind: self.plural.to_owned(),
            ..Details::default()
        };
        let status = Status::new(403, "Forbidden", format!("{subject}forbidden: {asked}{reason}"));
        Status { details: Some(Box::new(details)), ..status }
    }

    fn refusal(&self, user: &str) -> String {
        let Self { verb, group, namespace, path, .. } = self;
        if !path.is_empty() {
            return format!("User {user:?} cannot {verb} path {path:?}");
        }
        let scope = match *namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        format!("User {user:?} cannot {verb} resource {:?} in API group {group:?} {scope}", self.combined())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_who_cannot_do_what_where() {
        let all = Attributes { verb: "get", ..Attributes::default() };
        for (asked, expected) in [
            (
                Attributes { plural: "secrets", namespace: "t1", name: "a<b", ..all.clone() },
                r#"secrets "a<b" is forbidden: User "u" cannot get resource "secrets" in API group "" in the namespace "t1""#,
            ),
            (
                Attributes { plural: "nodes", ..all.clone() },
                r#"nodes is forbidden: User "u" cannot get resource "nodes" in API group "" at the cluster scope"#,
            ),
            (
                Attributes { group: "apps", plural: "deployments", subresource: "scale", name: "d", ..all.clone() },
                r#"deployments.apps "d" is forbidden: User "u" cannot get resource "deployments/scale" in API group "apps" at the cluster scope"#,
            ),
            (Attributes { path: "/metrics", ..all }, r#"forbidden: User "u" cannot get path "/metrics""#),
        ] {
            assert_eq!(asked.forbidden("u", "").message, expected);
        }
    }
}
