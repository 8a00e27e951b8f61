//! Whose objects they are: who writes them, who takes them over, who removes them, and what becomes of foreign edits.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thalweg_harness::eventually;

use crate::ground::{Ground, LIMIT, config_map, inventory, line, print_figure};

/// How soon a foreign edit is undone. The budget is a second; several suites may share this machine.
const UNDONE_LIMIT: Duration = Duration::from_secs(5);
/// The least time between two corrections of one object, less the time that a request takes.
const CORRECTION_PAUSE: Duration = Duration::from_secs(9);

#[tokio::test]
async fn a_service_account_is_impersonated_on_every_request_about_the_objects() {
    let ground = Ground::new("impersonated").await;
    ground.write("apps/a.yaml", &config_map("a", "1")).write("apps/b.yaml", &config_map("b", "1"));
    let first = ground.push("first");
    ground.apply("{apiVersion: v1, kind: ServiceAccount, metadata: {name: deployer, namespace: NAMESPACE}}").await;
    let mark = ground.mark();
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({"serviceAccountName": "deployer"})).await;
    let apps = ground.failed("Kustomization", "apps", "ReconciliationFailed").await;
    let (ready, namespace) = (line(&apps, "Ready"), ground.name());
    let user = format!("system:serviceaccount:{namespace}:deployer");
    for part in ["dry-run failed (Forbidden)", &user, "configmaps \"a\" is forbidden", "apps/a.yaml:1"] {
        assert!(ready.contains(part), "{part} is not in: {ready}");
    }
    assert_eq!(inventory(&apps), [""; 0]);

    ground
        .apply(
            r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list, watch, create, update, patch, delete]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{kind: ServiceAccount, name: deployer, namespace: NAMESPACE}]
"#,
        )
        .await;
    ground.ready("Kustomization", "apps", &first).await;
    ground.remove("apps/b.yaml");
    let second = ground.push("second");
    ground.ready("Kustomization", "apps", &second).await;

    let about_maps = ground.counted_since(mark).matching(|request| request.resource == "configmaps");
    let by_others = about_maps.matching(|request| request.impersonated.as_deref() != Some(&user));
    assert!(about_maps.count() >= 6, "{about_maps}");
    assert_eq!(by_others.count(), 0, "{by_others}");
    ground.leave().await;
}

#[tokio::test]
async fn deletion_removes_the_objects_or_leaves_them_as_the_policy_says() {
    let ground = Ground::new("deletion").await;
    let cases = [
        ("mirrored", json!({"prune": true}), false),
        ("mirrored-off", json!({"prune": false}), true),
        ("orphaned", json!({"prune": true, "deletionPolicy": "Orphan"}), true),
        ("deleted", json!({"prune": false, "deletionPolicy": "Delete"}), false),
        ("awaited", json!({"prune": false, "deletionPolicy": "WaitForTermination"}), false),
        ("suspended", json!({"prune": true, "suspend": true}), true),
    ];
    for (name, ..) in &cases {
        let folder = name.to_string();
        ground.write(&format!("{folder}/a.yaml"), &config_map(name, "1"));
    }
    let commit = ground.push("first");
    ground.source(json!({})).await;
    for (name, spec, _) in &cases {
        let mut spec = spec.clone();
        spec["suspend"] = json!(false);
        ground.kustomization(name, spec).await;
        ground.ready("Kustomization", name, &commit).await;
    }
    ground.edit("Kustomization", "suspended", json!({"spec": {"suspend": true}})).await;
    for (name, spec, stays) in &cases {
        ground.delete("Kustomization", name).await;
        ground.until_gone("Kustomization", name).await;
        assert_eq!(ground.text(name).await.is_some(), *stays, "{name}: {spec}");
    }
    ground.leave().await;
}

#[tokio::test]
async fn with_prune_off_an_object_that_left_the_source_stays_and_leaves_the_inventory() {
    let ground = Ground::new("prune-off").await;
    ground.write("apps/a.yaml", &config_map("a", "1")).write("apps/b.yaml", &config_map("b", "1"));
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({"prune": false})).await;
    ground.ready("Kustomization", "apps", &first).await;
    ground.remove("apps/b.yaml");
    let second = ground.push("second");
    let apps = ground.ready("Kustomization", "apps", &second).await;
    assert_eq!(inventory(&apps), [format!("{}_a__ConfigMap v1", ground.name())]);
    assert_eq!(ground.text("b").await.as_deref(), Some("1"));
    ground.leave().await;
}

#[tokio::test]
async fn an_object_that_moves_between_two_kustomizations_keeps_its_uid() {
    let ground = Ground::new("moved").await;
    ground.write("left/stays.yaml", &config_map("left", "1")).write("right/stays.yaml", &config_map("right", "1"));
    ground.write("left/moves.yaml", &config_map("moves", "1"));
    let first = ground.push("first");
    ground.source(json!({})).await;
    for name in ["left", "right"] {
        ground.kustomization(name, json!({})).await;
        ground.ready("Kustomization", name, &first).await;
    }
    let before = ground.object("ConfigMap", "moves").await.unwrap();

    ground.remove("left/moves.yaml").write("right/moves.yaml", &config_map("moves", "2"));
    let second = ground.push("second");
    let namespace = ground.name();
    let id = format!("{namespace}_moves__ConfigMap v1");
    let holds = |object: &Value| inventory(object).contains(&id);
    ground.ready("Kustomization", "right", &second).await;
    ground.ready("Kustomization", "left", &second).await;
    ground.until("Kustomization", "left", "lets go of the object", |object| !holds(object)).await;
    ground.until("Kustomization", "right", "holds the object", holds).await;
    let after = ground.object("ConfigMap", "moves").await.unwrap();
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "right");
    assert_eq!(after["data"]["text"], "2");

    // Its old owner is deleted: the object is not its concern any more.
    ground.delete("Kustomization", "left").await;
    ground.until_gone("Kustomization", "left").await;
    let last = ground.object("ConfigMap", "moves").await.unwrap();
    assert_eq!(last["metadata"]["uid"], before["metadata"]["uid"]);
    ground.leave().await;
}

#[tokio::test]
async fn foreign_changes_are_undone_at_once() {
    let ground = Ground::new("drift").await;
    for name in ["edited", "deleted", "unlabelled", "added"] {
        ground.write(&format!("apps/{name}.yaml"), &config_map(name, "ours"));
    }
    let commit = ground.push("first");
    ground.source(json!({"interval": "1h"})).await;
    ground.kustomization("apps", json!({})).await;
    let apps = ground.ready("Kustomization", "apps", &commit).await;
    let undone = async |what: &str, name: &str, fits: &dyn Fn(&Value) -> bool| {
        let start = Instant::now();
        eventually(UNDONE_LIMIT, &format!("the {what} is undone"), || async {
            let object = ground.object("ConfigMap", name).await;
            if object.as_ref().is_some_and(fits) { Ok(()) } else { Err(format!("{object:?}")) }
        })
        .await;
        print_figure(&format!("{what} undone"), start.elapsed());
    };

    ground.edit("ConfigMap", "edited", json!({"data": {"text": "foreign"}})).await;
    undone("foreign edit", "edited", &|object| object["data"]["text"] == "ours").await;

    let uid = ground.object("ConfigMap", "deleted").await.unwrap()["metadata"]["uid"].clone();
    ground.delete("ConfigMap", "deleted").await;
    undone("foreign delete", "deleted", &|object| object["metadata"]["uid"] != uid).await;

    let label = "kustomize.toolkit.fluxcd.io/name";
    ground.edit("ConfigMap", "unlabelled", json!({"metadata": {"labels": {label: null}}})).await;
    undone("removed label", "unlabelled", &|object| object["metadata"]["labels"][label] == "apps").await;

    // What others add beside what we ask for is theirs.
    let theirs = json!({"metadata": {"annotations": {"theirs": "1"}}, "data": {"theirs": "1"}});
    ground.edit("ConfigMap", "added", theirs).await;
    ground.edit("ConfigMap", "added", json!({"data": {"text": "foreign"}})).await;
    undone("foreign edit beside foreign data", "added", &|object| object["data"]["text"] == "ours").await;
    let added = ground.object("ConfigMap", "added").await.unwrap();
    assert_eq!((&added["data"]["theirs"], &added["metadata"]["annotations"]["theirs"]), (&json!("1"), &json!("1")));

    let after = ground.ready("Kustomization", "apps", &commit).await;
    assert_eq!(after["status"]["inventory"], apps["status"]["inventory"]);
    let corrected = format!("Normal Progressing Apply: ConfigMap/{}/edited configured", ground.name());
    ground.told_by_event("Kustomization", "apps", &corrected).await;
    ground.leave().await;
}

#[tokio::test]
async fn an_object_is_corrected_at_most_once_in_ten_seconds() {
    let ground = Ground::new("fight").await;
    ground.write("apps/a.yaml", &config_map("a", "ours"));
    let commit = ground.push("first");
    ground.source(json!({"interval": "1h"})).await;
    ground.kustomization("apps", json!({})).await;
    ground.ready("Kustomization", "apps", &commit).await;
    ground.edit("ConfigMap", "a", json!({"data": {"text": "foreign"}})).await;
    ground.until_text("a", Some("ours")).await;
    let corrected = Instant::now();
    ground.edit("ConfigMap", "a", json!({"data": {"text": "foreign again"}})).await;
    eventually(LIMIT, "the second edit is undone too", || async {
        let text = ground.text("a").await;
        if text.as_deref() == Some("ours") { Ok(()) } else { Err(format!("it says {text:?}")) }
    })
    .await;
    let pause = corrected.elapsed();
    assert!(pause >= CORRECTION_PAUSE, "it was corrected again after {pause:?}");
    ground.leave().await;
}
