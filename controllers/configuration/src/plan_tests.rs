//! What there is, what is asked for, and the steps between.

use serde_json::json;

use super::*;

const OURS: &str = "thalweg-configuration-controller";

fn object(kind: &str, name: &str, content: Value) -> Object {
    let (group, namespace) = match kind {
        "Kustomization" => ("kustomize.toolkit.fluxcd.io/v1", Some("apps")),
        "GitRepository" => ("source.toolkit.fluxcd.io/v1", Some("apps")),
        "ClusterRoleBinding" => ("rbac.authorization.k8s.io/v1", None),
        _ => ("v1", Some("apps")),
    };
    let mut object = json!({"apiVersion": group, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
    for (field, value) in content.as_object().unwrap() {
        object[field] = value.clone();
    }
    Object::from_json(object).unwrap()
}

fn kustomization(name: &str, depends_on: &[&str]) -> Object {
    let depends_on: Vec<_> = depends_on.iter().map(|name| json!({"name": name})).collect();
    object("Kustomization", name, json!({"spec": {"prune": true, "dependsOn": depends_on}}))
}

fn observed(objects: &[Object], deleting: &[&str]) -> Observed {
    let child = |object: &Object| Child {
        uid: format!("uid-of-{}", object.name()),
        deleting: deleting.contains(&object.name()),
        content: object.content().clone(),
    };
    Observed { children: objects.iter().map(|object| (object.id(), child(object))).collect(), taken: BTreeSet::new() }
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{step:?}")).collect()
}

#[test]
fn what_is_missing_is_created_and_what_is_as_asked_is_left_alone() {
    let (source, apps) = (object("GitRepository", "c", json!({"spec": {"url": "u"}})), kustomization("c-apps", &[]));
    let plan = plan(vec![source.clone(), apps], &observed(&[source], &[])).unwrap();
    assert_eq!(steps(&plan), ["create Kustomization/apps/c-apps"]);
}

fn check_sync(live: Value, fields: Value, desired: Value, in_sync: bool) {
    let mut live = object("GitRepository", "c", live);
    live.content_mut()["metadata"]["managedFields"] =
        json!([{"manager": OURS, "operation": "Apply", "fieldsV1": fields.clone()}]);
    let plan = plan(vec![object("GitRepository", "c", desired.clone())], &observed(&[live], &[])).unwrap();
    let expected: &[&str] = if in_sync { &[] } else { &["apply GitRepository/apps/c"] };
    assert_eq!(steps(&plan), expected, "{desired} with {fields}");
}

#[test]
fn an_object_is_applied_when_a_value_differs_or_one_of_ours_is_no_longer_asked_for() {
    let live = || json!({"spec": {"url": "u", "timeout": "60s", "ref": {"branch": "main"}, "ignore": "theirs"}});
    let fields = || json!({"f:spec": {"f:url": {}, "f:ref": {"f:branch": {}}}});
    check_sync(live(), fields(), json!({"spec": {"url": "u", "ref": {"branch": "main"}}}), true);
    check_sync(live(), fields(), json!({"spec": {"url": "v", "ref": {"branch": "main"}}}), false);
    check_sync(live(), fields(), json!({"spec": {"url": "u", "ref": {"tag": "main"}}}), false);
    check_sync(live(), fields(), json!({"spec": {"url": "u"}}), false);
    check_sync(live(), json!({"f:spec": {"f:url": {}}}), json!({"spec": {"url": "u"}}), true);
}

#[test]
fn an_object_that_is_being_deleted_is_awaited_and_made_anew() {
    let apps = kustomization("c-apps", &[]);
    let plan = plan(vec![apps.clone()], &observed(std::slice::from_ref(&apps), &["c-apps"])).unwrap();
    assert_eq!((steps(&plan), plan.waits_for), (vec![], [apps.id()].into()));
}

#[test]
fn a_name_that_another_has_stops_everything() {
    let mut observed = observed(&[], &[]);
    let source = object("GitRepository", "c", json!({}));
    observed.taken.insert(source.id());
    let problem = plan(vec![object("ServiceAccount", "c-applier", json!({})), source], &observed).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "GitRepository/apps/c exists and was not made by this FluxConfiguration: delete or rename it"
    );
}

#[test]
fn removed_kustomizations_go_before_those_they_depend_on() {
    let objects = [
        kustomization("c-a", &[]),
        kustomization("c-b", &["c-a"]),
        kustomization("c-c", &["c-b", "c-kept"]),
        kustomization("c-kept", &[]),
    ];
    let kept = || vec![kustomization("c-kept", &[])];
    let first = plan(kept(), &observed(&objects, &[])).unwrap();
    assert_eq!(steps(&first), ["delete Kustomization/apps/c-c"]);
    let waiting = plan(kept(), &observed(&objects, &["c-c"])).unwrap();
    assert_eq!((steps(&waiting), waiting.waits_for.len()), (vec![], 1));
    let second = plan(kept(), &observed(&[objects[0].clone(), objects[1].clone(), objects[3].clone()], &[])).unwrap();
    assert_eq!(steps(&second), ["delete Kustomization/apps/c-b"]);
}

#[test]
fn a_secret_that_is_no_longer_asked_for_goes_last() {
    let (secret, source) =
        (object("Secret", "c-auth", json!({})), object("GitRepository", "c", json!({"spec": {"url": "v"}})));
    let before = [secret, object("GitRepository", "c", json!({"spec": {"url": "u"}}))];
    let plan = plan(vec![source], &observed(&before, &[])).unwrap();
    assert_eq!(steps(&plan), ["apply GitRepository/apps/c", "delete Secret/apps/c-auth"]);
}

#[test]
fn all_that_was_made_is_deleted_in_reverse_order() {
    let all = [
        object("ServiceAccount", "c-applier", json!({})),
        object("ClusterRoleBinding", "thalweg:apps:c-applier", json!({})),
        object("Secret", "c-auth", json!({})),
        object("GitRepository", "c", json!({})),
        kustomization("c-apps", &["c-infra"]),
        kustomization("c-infra", &[]),
    ];
    let mut left = all.to_vec();
    let mut rounds = Vec::new();
    loop {
        let plan = plan_deletion(&observed(&left, &[]));
        if plan.waits_for.is_empty() {
            break;
        }
        rounds.push(steps(&plan));
        left.retain(|object| !plan.waits_for.contains(&object.id()));
    }
    assert_eq!(
        rounds,
        [
            vec!["delete Kustomization/apps/c-apps"],
            vec!["delete Kustomization/apps/c-infra"],
            vec!["delete GitRepository/apps/c"],
            vec![
                "delete ClusterRoleBinding/thalweg:apps:c-applier",
                "delete ServiceAccount/apps/c-applier",
                "delete Secret/apps/c-auth",
            ],
        ]
    );
    let last = plan_deletion(&observed(&all, &["c-apps"]));
    assert_eq!((steps(&last), last.waits_for.len()), (vec![], 1), "the dependency waits for the end of its dependent");
}

#[test]
fn kustomizations_in_a_cycle_are_deleted_together() {
    let plan = plan_deletion(&observed(&[kustomization("c-a", &["c-b"]), kustomization("c-b", &["c-a"])], &[]));
    assert_eq!(steps(&plan), ["delete Kustomization/apps/c-a", "delete Kustomization/apps/c-b"]);
}
