use super::*;
use crate::auth::bootstrap;

const OBJECTS: &str = r"
- kind: Role
  metadata: {namespace: t1, name: reader}
  rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
- kind: RoleBinding
  metadata: {namespace: t1, name: readers}
  roleRef: {kind: Role, name: reader}
  subjects:
  - {kind: User, name: nobody}
  - {kind: ServiceAccount, name: lim}
- kind: RoleBinding
  metadata: {namespace: t1, name: viewers}
  roleRef: {kind: ClusterRole, name: view}
  subjects: [{kind: ServiceAccount, name: watcher, namespace: t2}, {kind: Group, name: team}]
- kind: ClusterRoleBinding
  metadata: {name: everywhere}
  roleRef: {kind: ClusterRole, name: view}
  subjects: [{kind: User, name: auditor}, {kind: ServiceAccount, name: homeless}]
- kind: RoleBinding
  metadata: {namespace: t1, name: broken}
  roleRef: {kind: Role, name: gone}
  subjects: [{kind: User, name: unlucky}]
- kind: ClusterRoleBinding
  metadata: {name: broken}
  roleRef: {kind: ClusterRole, name: gone}
  subjects: [{kind: User, name: unlucky}]
";

fn policy() -> Policy {
    let objects: Vec<Value> = serde_yaml::from_str(OBJECTS).unwrap();
    Policy::read(bootstrap::objects().iter().chain(&objects))
}

#[test]
fn a_binding_gives_a_role_to_its_subjects_in_its_namespace() {
    let policy = policy();
    let lim = &User::service_account("t1", "lim", "");
    let configmap = Attributes { verb: "get", plural: "configmaps", ..Attributes::default() };
    for (user, namespace, allowed, reason) in [
        (lim, "t1", true, r#"RBAC: allowed by RoleBinding "readers/t1" of Role "reader" to ServiceAccount "lim/t1""#),
        (lim, "t2", false, ""),
        (lim, "", false, ""),
        (
            &User::service_account("t2", "watcher", ""),
            "t1",
            true,
            r#"RBAC: allowed by RoleBinding "viewers/t1" of ClusterRole "view" to ServiceAccount "watcher/t2""#,
        ),
        (
            &User::new("somebody", &["team"]),
            "t1",
            true,
            r#"RBAC: allowed by RoleBinding "viewers/t1" of ClusterRole "view" to Group "team""#,
        ),
        (
            &User::new("auditor", &[]),
            "",
            true,
            r#"RBAC: allowed by ClusterRoleBinding "everywhere" of ClusterRole "view" to User "auditor""#,
        ),
        (&User::service_account("t1", "homeless", ""), "t1", false, ""),
        (&User::new("root", &["system:masters"]), "t1", true, ""),
        (
            &User::new("unlucky", &[]),
            "t1",
            false,
            r#"RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "gone" not found]"#,
        ),
        (&User::new("unlucky", &[]), "", false, r#"RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#),
    ] {
        let asked = Attributes { namespace, ..configmap.clone() };
        let expected = Decision { allowed, reason: reason.to_owned() };
        assert_eq!(policy.decide(user, &asked), expected, "{user:?} in {namespace:?}");
    }
}

#[test]
fn everybody_may_read_the_version_and_the_known_may_discover() {
    let policy = policy();
    for (path, anonymous, known) in
        [("/version", true, true), ("/readyz", true, true), ("/apis/apps/v1", false, true), ("/metrics", false, false)]
    {
        let asked = Attributes { verb: "get", path, ..Attributes::default() };
        assert_eq!(policy.decide(&User::anonymous(), &asked).allowed, anonymous, "{path}");
        assert_eq!(policy.decide(&User::new("u", &[]), &asked).allowed, known, "{path}");
    }
}
