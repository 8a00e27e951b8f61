use super::*;

fn rules(yaml: &str) -> Vec<Rule> {
    let value: Value = serde_yaml::from_str(yaml).unwrap();
    value.as_array().unwrap().iter().map(Rule::read).collect()
}

/// `verb group/resource[/subresource][@name]`, or `verb /path`.
fn asked(text: &str) -> Attributes<'_> {
    let (verb, rest) = text.split_once(' ').unwrap();
    if rest.starts_with('/') {
        return Attributes { verb, path: rest, ..Attributes::default() };
    }
    let (rest, name) = rest.split_once('@').unwrap_or((rest, ""));
    let mut parts = rest.split('/');
    let mut next = || parts.next().unwrap_or_default();
    Attributes { verb, group: next(), plural: next(), subresource: next(), name, ..Attributes::default() }
}

#[test]
fn a_rule_allows_what_it_names() {
    for (rule, allowed, refused) in [
        (
            "{apiGroups: [apps], resources: [deployments], verbs: [get, list]}",
            &["get apps/deployments", "list apps/deployments@x"][..],
            &["delete apps/deployments", "get batch/deployments", "get apps/deployments/status", "get /apis"][..],
        ),
        (
            "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
            &["get apps/deployments/scale", "impersonate authentication/users@x"],
            &["get /version"],
        ),
        (
            "{apiGroups: [apps], resources: ['*/scale'], verbs: [update]}",
            &["update apps/deployments/scale", "update apps/statefulsets/scale@x"],
            &["update apps/deployments", "update apps/deployments/status"],
        ),
        (
            "{apiGroups: [apps], resources: ['deployments/*'], verbs: [update]}",
            &[],
            &["update apps/deployments/scale", "update apps/deployments"],
        ),
        (
            "{apiGroups: [apps], resources: [deployments], resourceNames: [x], verbs: [get]}",
            &["get apps/deployments@x"],
            &["get apps/deployments", "get apps/deployments@y"],
        ),
        (
            "{nonResourceURLs: [/healthz, /apis/*], verbs: [get]}",
            &["get /healthz", "get /apis/apps", "get /apis/"],
            &["get /healthz/x", "get /apis", "post /healthz"],
        ),
        ("{nonResourceURLs: ['*'], verbs: [get]}", &["get /anything"], &["post /anything"]),
    ] {
        let rule = &rules(&format!("[{rule}]"))[0];
        for text in allowed {
            assert!(rule.allows(&asked(text)), "{text} by {rule:?}");
        }
        for text in refused {
            assert!(!rule.allows(&asked(text)), "{text} by {rule:?}");
        }
    }
}

#[test]
fn what_is_missing_is_told_by_resource() {
    for (name, owned, wanted, expected) in [
        (
            "nothing is owned",
            "[]",
            "[{apiGroups: ['', apps], resources: [pods], verbs: [get, list]}]",
            &[
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}"#,
                r#"{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}"#,
            ][..],
        ),
        (
            "a verb is owned",
            "[{apiGroups: [''], resources: [pods], verbs: [get]}]",
            "[{apiGroups: [''], resources: [pods], verbs: [get, list]}]",
            &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["list"]}"#],
        ),
        (
            "names are owned, all are wanted",
            "[{apiGroups: [''], resources: [pods], resourceNames: [a], verbs: [get]}]",
            "[{apiGroups: [''], resources: [pods], verbs: [get]}]",
            &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["get"]}"#],
        ),
        (
            "all are owned, a name is wanted",
            "[{apiGroups: [''], resources: [pods], verbs: [get]}]",
            "[{apiGroups: [''], resources: [pods], resourceNames: [a], verbs: [get]}]",
            &[],
        ),
        (
            "everything is owned",
            "[{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]",
            "[{apiGroups: [''], resources: [pods/log, '*'], verbs: [get, '*']}]",
            &[],
        ),
        (
            "a subresource of everything is owned",
            "[{apiGroups: [''], resources: ['*/log'], verbs: [get]}]",
            "[{apiGroups: [''], resources: [pods/log, pods], verbs: [get]}]",
            &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["get"]}"#],
        ),
        (
            "paths",
            "[{nonResourceURLs: [/a/*], verbs: [get]}]",
            "[{nonResourceURLs: [/a/b, /c], verbs: [get, put]}]",
            &[
                r#"{NonResourceURLs:["/a/b"], Verbs:["put"]}"#,
                r#"{NonResourceURLs:["/c"], Verbs:["get"]}"#,
                r#"{NonResourceURLs:["/c"], Verbs:["put"]}"#,
            ],
        ),
    ] {
        assert_eq!(missing(&rules(owned), &rules(wanted)), expected, "{name}");
    }
}
