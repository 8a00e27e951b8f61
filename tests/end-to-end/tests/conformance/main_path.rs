//! From a commit to its objects, and from the next commit to theirs.

use std::time::Instant;

use serde_json::{Value, json};
use thalweg_harness::eventually;

use crate::ground::{Ground, LIMIT, condition, config_map, inventory, line, print_figure};

#[tokio::test]
async fn a_commit_becomes_objects_with_the_status_labels_and_inventory_of_flux() {
    let ground = Ground::new("first-commit").await;
    ground
        .write("apps/banner.yaml", &config_map("banner", "Hello"))
        .write("apps/price.yaml", &config_map("price", "5"));
    let commit = ground.push("The first commit");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    let apps = ground.ready("Kustomization", "apps", &commit).await;
    let fleet = ground.ready("GitRepository", "fleet", &commit).await;
    let revision = format!("main@sha1:{commit}");
    let namespace = ground.name();

    let stored = format!("True Succeeded: stored artifact for revision '{revision}'");
    assert_eq!((line(&fleet, "Ready"), line(&fleet, "ArtifactInStorage")), (stored.clone(), stored));
    let artifact = &fleet["status"]["artifact"];
    assert_eq!(artifact["revision"], revision);
    assert_eq!(artifact["path"], format!("gitrepository/{namespace}/fleet/{commit}.tar.gz"));
    assert!(artifact["digest"].as_str().unwrap().starts_with("sha256:"), "{artifact}");
    let file = reqwest::get(artifact["url"].as_str().unwrap()).await.unwrap().bytes().await.unwrap();
    assert_eq!(artifact["size"], file.len());

    assert_eq!(line(&apps, "Ready"), format!("True ReconciliationSucceeded: Applied revision: {revision}"));
    assert_eq!(condition(&apps, "Reconciling"), &Value::Null);
    let ids = [format!("{namespace}_banner__ConfigMap v1"), format!("{namespace}_price__ConfigMap v1")];
    assert_eq!(inventory(&apps), ids);
    let status = &apps["status"];
    assert_eq!(
        (&status["lastAttemptedRevision"], &status["lastAppliedRevision"]),
        (&json!(revision), &json!(revision))
    );
    assert_eq!(status["history"][0]["lastReconciledStatus"], "ReconciliationSucceeded");
    assert_eq!(status["history"][0]["metadata"]["revision"], revision);
    for object in [&apps, &fleet] {
        assert_eq!(object["metadata"]["finalizers"], json!(["finalizers.fluxcd.io"]));
    }

    let banner = ground.object("ConfigMap", "banner").await.unwrap();
    assert_eq!(banner["data"], json!({"text": "Hello"}));
    let labels = json!({
        "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": namespace,
    });
    assert_eq!(banner["metadata"]["labels"], labels);
    let managers = banner["metadata"]["managedFields"].as_array().unwrap();
    let managers: Vec<_> = managers.iter().map(|entry| (&entry["manager"], &entry["operation"])).collect();
    assert_eq!(managers, [(&json!("kustomize-controller"), &json!("Apply"))]);
    ground.leave().await;
}

#[tokio::test]
async fn the_next_commit_changes_makes_and_prunes_objects() {
    let ground = Ground::new("next-commit").await;
    for name in ["changed", "kept", "pruned"] {
        ground.write(&format!("apps/{name}.yaml"), &config_map(name, "first"));
    }
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    ground.ready("Kustomization", "apps", &first).await;
    let kept = ground.object("ConfigMap", "kept").await;

    ground.write("apps/changed.yaml", &config_map("changed", "second"));
    ground.write("apps/made.yaml", &config_map("made", "second")).remove("apps/pruned.yaml");
    let second = ground.repository.commit("second").unwrap();
    let start = Instant::now();
    ground.repository.push().unwrap();
    ground.until_text("changed", Some("second")).await;
    print_figure("git push to applied", start.elapsed());
    let apps = ground.ready("Kustomization", "apps", &second).await;
    print_figure("git push to Ready", start.elapsed());
    assert_eq!(ground.text("made").await.as_deref(), Some("second"));
    assert_eq!(ground.text("pruned").await, None);
    assert_eq!(ground.object("ConfigMap", "kept").await, kept, "what did not change is not written");
    let namespace = ground.name();
    let expected = ["changed", "kept", "made"].map(|name| format!("{namespace}_{name}__ConfigMap v1"));
    assert_eq!(inventory(&apps), expected);
    assert_eq!(apps["status"]["history"].as_array().unwrap().len(), 2);
    ground.leave().await;
}

#[tokio::test]
async fn events_tell_what_was_done() {
    let ground = Ground::new("events").await;
    ground.write("apps/a.yaml", &config_map("a", "1")).write("apps/b.yaml", &config_map("b", "1"));
    let first = ground.push("Two maps");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    ground.ready("Kustomization", "apps", &first).await;
    let namespace = ground.name();
    let told = |action: &str| format!("Normal Progressing Apply: {action}");
    let both = told(&format!("ConfigMap/{namespace}/a created\nConfigMap/{namespace}/b created"));
    assert_eq!(ground.told_by_event("Kustomization", "apps", &both).await, both);
    let finished = "Normal ReconciliationSucceeded Reconcile: Reconciliation finished in ";
    let finished = ground.told_by_event("Kustomization", "apps", finished).await;
    assert!(finished.ends_with(", next run in 1h0m0s"), "{finished}");
    let stored = "Normal NewArtifact Reconcile: stored artifact for commit 'Two maps'";
    assert_eq!(ground.told_by_event("GitRepository", "fleet", stored).await, stored);

    ground.write("apps/a.yaml", &config_map("a", "2")).remove("apps/b.yaml");
    let second = ground.push("One map");
    ground.ready("Kustomization", "apps", &second).await;
    let changed = told(&format!("ConfigMap/{namespace}/a configured\nConfigMap/{namespace}/b deleted"));
    assert_eq!(ground.told_by_event("Kustomization", "apps", &changed).await, changed);
    ground.leave().await;
}

#[tokio::test]
async fn a_long_list_of_changes_is_cut_at_a_line_end_in_the_event() {
    let ground = Ground::new("long-note").await;
    for number in 100..150 {
        ground.write(&format!("apps/{number}.yaml"), &config_map(&format!("map-{number}"), "1"));
    }
    let commit = ground.push("Fifty maps");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    ground.ready("Kustomization", "apps", &commit).await;
    let event = ground.told_by_event("Kustomization", "apps", "Normal Progressing Apply: ConfigMap/").await;
    let (head, last) = event.rsplit_once('\n').unwrap();
    assert!(last.starts_with("… and ") && last.ends_with(" more"), "{last}");
    assert!(head.ends_with(" created"), "{head}");
    ground.leave().await;
}

#[tokio::test]
async fn a_request_is_answered_at_once_and_costs_one_write_of_the_status() {
    let ground = Ground::new("requested").await;
    ground.write("apps/a.yaml", &config_map("a", "1"));
    let commit = ground.push("first");
    ground.source(json!({"interval": "1h"})).await;
    ground.kustomization("apps", json!({})).await;
    ground.ready("Kustomization", "apps", &commit).await;

    for (kind, name) in [("Kustomization", "apps"), ("GitRepository", "fleet")] {
        let mark = ground.mark();
        ground.request(kind, name, "2026-01-01T00:00:00Z").await;
        let answered = |object: &Value| object["status"]["lastHandledReconcileAt"] == "2026-01-01T00:00:00Z";
        ground.until(kind, name, "answers the request", answered).await;
        let requests = ground.audited_since(mark).await;
        assert_eq!(requests.count(), 1, "{kind}: {requests}");
        let ready = ground.ready(kind, name, &commit).await;
        assert_eq!(condition(&ready, "Reconciling"), &Value::Null);
    }

    ground.write("apps/a.yaml", &config_map("a", "2"));
    let second = ground.push("second");
    ground.request("GitRepository", "fleet", "again").await;
    ground.ready("Kustomization", "apps", &second).await;
    ground.leave().await;
}

#[tokio::test]
async fn what_is_suspended_rests_until_it_is_resumed() {
    let ground = Ground::new("suspended").await;
    ground.write("apps/a.yaml", &config_map("a", "first"));
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    ground.ready("Kustomization", "apps", &first).await;

    ground.edit("Kustomization", "apps", json!({"spec": {"suspend": true}})).await;
    ground.write("apps/a.yaml", &config_map("a", "second"));
    let second = ground.push("second");
    ground.ready("GitRepository", "fleet", &second).await;
    let mark = ground.mark();
    ground.edit("ConfigMap", "a", json!({"data": {"text": "foreign"}})).await;
    // A request is answered by a suspended object too: afterwards it has had its chance.
    ground.request("Kustomization", "apps", "while suspended").await;
    let answered = |object: &Value| object["status"]["lastHandledReconcileAt"] == "while suspended";
    let apps = ground.until("Kustomization", "apps", "answers", answered).await;
    assert_eq!(line(&apps, "Ready"), format!("True ReconciliationSucceeded: Applied revision: main@sha1:{first}"));
    assert_eq!(ground.text("a").await.as_deref(), Some("foreign"));
    assert_eq!(ground.writes_since(mark).count(), 0, "{}", ground.writes_since(mark));

    ground.edit("Kustomization", "apps", json!({"spec": {"suspend": false}})).await;
    ground.ready("Kustomization", "apps", &second).await;
    assert_eq!(ground.text("a").await.as_deref(), Some("second"));

    ground.edit("GitRepository", "fleet", json!({"spec": {"suspend": true}})).await;
    ground.request("GitRepository", "fleet", "while suspended").await;
    ground.until("GitRepository", "fleet", "answers", answered).await;
    let asked = ground.git.traffic("fleet").reference_lists;
    ground.write("apps/a.yaml", &config_map("a", "third"));
    let third = ground.push("third");
    ground.request("GitRepository", "fleet", "again").await;
    let answered = |object: &Value| object["status"]["lastHandledReconcileAt"] == "again";
    let fleet = ground.until("GitRepository", "fleet", "answers again", answered).await;
    assert!(fleet["status"]["artifact"]["revision"].as_str().unwrap().ends_with(&second), "{fleet}");
    assert_eq!(ground.git.traffic("fleet").reference_lists, asked, "the server is not asked");
    ground.edit("GitRepository", "fleet", json!({"spec": {"suspend": false}})).await;
    ground.ready("Kustomization", "apps", &third).await;
    ground.leave().await;
}

#[tokio::test]
async fn an_interval_in_which_nothing_changed_costs_no_request() {
    let ground = Ground::new("nothing-changed").await;
    for number in 0..50 {
        ground.write(&format!("apps/{number}.yaml"), &config_map(&format!("map-{number}"), "1"));
    }
    let commit = ground.push("Fifty maps");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({"interval": "1s"})).await;
    let before = ground.ready("Kustomization", "apps", &commit).await;
    let passes = || ground.metric("gotk_reconcile_duration_seconds_count", "Kustomization", "apps");
    let until_passes = async |at_least: f64| {
        eventually(LIMIT, "an interval passes", || async {
            let passes = passes().await;
            if passes >= at_least { Ok(passes) } else { Err(format!("{passes} passes")) }
        })
        .await
    };
    // The answers of the install's own writes may still be on their way.
    let settled = until_passes(passes().await + 1.0).await;
    let mark = ground.mark();
    until_passes(settled + 3.0).await;
    let requests = ground.counted_since(mark);
    assert_eq!(requests.count(), 0, "{requests}");
    assert_eq!(ground.object("Kustomization", "apps").await.unwrap()["status"], before["status"]);
    ground.leave().await;
}
