//! Who asks.

use std::collections::BTreeMap;

/// The group whose members may do everything.
pub(crate) const MASTERS: &str = "system:masters";
/// The group of everybody who is known.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody who is not.
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The name of everybody who is not known.
pub(crate) const ANONYMOUS: &str = "system:anonymous";

const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
const SERVICE_ACCOUNTS_GROUP: &str = "system:serviceaccounts";

/// Who asks, as authorization, audit and managedFields see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name, such as `system:serviceaccount:apps:deployer`.
    pub name: String,
    /// Tells users of one name apart; often empty.
    pub uid: String,
    /// The groups, in the order in which they were found.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
    /// Who it really is that acts as this user.
    pub impersonator: Option<Box<User>>,
}

impl User {
    /// A user of this name in these groups, and in `system:authenticated`.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(ToString::to_string).collect();
        let mut user = Self { name: name.to_string(), groups, ..Self::default() };
        user.join(AUTHENTICATED);
        user
    }

    /// The administrator, for whom no rule is asked.
    pub fn administrator() -> Self {
        Self::new("kubernetes-admin", &[MASTERS])
    }

    /// Whoever says nothing of themselves.
    pub fn anonymous() -> Self {
        Self { name: ANONYMOUS.to_string(), groups: vec![UNAUTHENTICATED.to_string()], ..Self::default() }
    }

    /// A service account.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let (name, groups) = (service_account_name(namespace, name), service_account_groups(namespace).into());
        let mut user = Self { name, uid: uid.to_string(), groups, ..Self::default() };
        user.join(AUTHENTICATED);
        user
    }

    /// Whether the user may do everything.
    pub fn is_master(&self) -> bool {
        self.is_in(MASTERS)
    }

    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|of_user| of_user == group)
    }

    /// Makes the user a member of a group.
    pub fn join(&mut self, group: &str) {
        if !self.is_in(group) {
            self.groups.push(group.to_string());
        }
    }
}

/// The user name of a service account.
pub(crate) fn service_account_name(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
}

/// The groups that every service account of a namespace is in.
pub(crate) fn service_account_groups(namespace: &str) -> [String; 2] {
    [SERVICE_ACCOUNTS_GROUP.to_string(), format!("{SERVICE_ACCOUNTS_GROUP}:{namespace}")]
}

/// The namespace and the name of the service account that a user name stands for, if it is one.
pub(crate) fn split_service_account(user_name: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user_name.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    (is_label(namespace) && is_subdomain(name)).then_some((namespace, name))
}

/// RFC 1123 label, as namespaces are named.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// RFC 1123 subdomain, as service accounts and nodes are named.
pub(super) fn is_subdomain(text: &str) -> bool {
    let outer = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= 253
        && text.split('.').all(|part| {
            let mut bytes = part.bytes();
            let ends = outer(part.bytes().next()) && outer(part.bytes().next_back());
            ends && bytes.all(|byte| outer(Some(byte)) || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_is_told_by_its_user_name() {
        for (name, expected) in [
            ("system:serviceaccount:apps:deployer", Some(("apps", "deployer"))),
            ("system:serviceaccount:apps:a.b", Some(("apps", "a.b"))),
            ("system:serviceaccount:apps", None),
            ("system:serviceaccount::deployer", None),
            ("system:serviceaccount:apps:", None),
            ("system:serviceaccount:apps:a:b", None),
            ("system:serviceaccount:Apps:a", None),
            ("somebody", None),
        ] {
            assert_eq!(split_service_account(name), expected, "{name}");
        }
    }
}
