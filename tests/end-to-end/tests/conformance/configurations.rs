//! A FluxConfiguration applied with kubectl, in a cluster that has no hub.

use serde_json::{Value, json};
use thalweg_harness::{Access, GitServerOptions};

use crate::ground::{Ground, condition, config_map, line};

/// A configuration of two folders, the second after the first.
fn spec() -> Value {
    json!({
        "scope": "namespace",
        "gitRepository": {
            "url": "REPOSITORY", "repositoryRef": {"branch": "main"}, "syncIntervalInSeconds": 1, "timeoutInSeconds": 30,
        },
        "kustomizations": {
            "infra": {"path": "./infra", "prune": true},
            "apps": {"path": "./apps", "prune": true, "dependsOn": ["infra"], "retryIntervalInSeconds": 2},
        },
    })
}

async fn configure(ground: &Ground, spec: Value) {
    ground.apply_one("thalweg.dev/v1alpha1", "FluxConfiguration", "shop", spec).await;
}

async fn compliant(ground: &Ground, commit: &str) -> Value {
    ground
        .until("FluxConfiguration", "shop", &format!("is Compliant at {commit}"), |object| {
            let status = &object["status"];
            status["complianceState"] == "Compliant"
                && status["sourceSyncedCommitId"] == format!("main@sha1:{commit}")
                && status["observedGeneration"] == object["metadata"]["generation"]
        })
        .await
}

async fn non_compliant(ground: &Ground, reason: &str, says: &str) -> Value {
    let says = says.replace("NAMESPACE", ground.name());
    ground
        .until("FluxConfiguration", "shop", &format!("is Non-Compliant, {reason}, and says: {says}"), |object| {
            let ready = line(object, "Ready");
            object["status"]["complianceState"] == "Non-Compliant"
                && ready.starts_with(&format!("False {reason}: "))
                && ready.contains(&says)
        })
        .await
}

#[tokio::test]
async fn a_configuration_needs_no_hub() {
    let access = Access::Basic { username: "ada".to_string(), password: "word".to_string() };
    let ground = Ground::with("configuration", GitServerOptions { access, ..Default::default() }).await;
    ground.write("infra/a.yaml", &config_map("a", "1")).write("apps/b.yaml", &config_map("b", "1"));
    let first = ground.push("first");
    let settings = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "settings", "namespace": "NAMESPACE"},
        "stringData": {"httpsKey": "word"},
    });
    ground.apply(&settings.to_string()).await;
    let mut protected = spec();
    protected["gitRepository"]["httpsUser"] = json!("ada");
    protected["secretRef"] = json!({"name": "settings"});
    configure(&ground, protected).await;
    let shop = compliant(&ground, &first).await;
    assert_eq!(line(&shop, "Ready"), format!("True Compliant: 2 kustomizations are applied at main@sha1:{first}"));
    let names: Vec<&str> =
        shop["status"]["statuses"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["shop", "shop-apps", "shop-infra"]);
    assert_eq!(ground.text("b").await.as_deref(), Some("1"));

    ground
        .write("apps/b.yaml", &config_map("b", "2"))
        .write("apps/c.yaml", &config_map("c", "1"))
        .remove("infra/a.yaml");
    ground.write("infra/d.yaml", &config_map("d", "1"));
    let second = ground.push("second");
    compliant(&ground, &second).await;
    assert_eq!([ground.text("a").await, ground.text("b").await], [None, Some("2".to_string())]);

    ground.write("apps/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n data: {}\n");
    let third = ground.push("third");
    let shop = non_compliant(&ground, "NonCompliant", "apps/c.yaml:5").await;
    assert_eq!(shop["status"]["sourceSyncedCommitId"], format!("main@sha1:{third}"));
    assert_eq!([ground.text("b").await, ground.text("c").await].map(Option::unwrap), ["2", "1"], "nothing is lost");
    ground.repository.git(&["revert", "--no-edit", "HEAD"]).unwrap();
    ground.repository.push().unwrap();
    compliant(&ground, &ground.repository.head().unwrap()).await;

    ground.delete("FluxConfiguration", "shop").await;
    ground.until_gone("FluxConfiguration", "shop").await;
    for (kind, name) in [
        ("Kustomization", "shop-apps"),
        ("Kustomization", "shop-infra"),
        ("GitRepository", "shop"),
        ("Secret", "shop-auth"),
        ("RoleBinding", "shop-applier"),
        ("ServiceAccount", "shop-applier"),
        ("ConfigMap", "b"),
        ("ConfigMap", "d"),
    ] {
        assert_eq!(ground.object(kind, name).await, None, "{kind} {name}");
    }
    assert!(ground.object("Secret", "settings").await.is_some(), "what others made stays");
    ground.leave().await;
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_non_compliant_and_says_why_until_it_is_mended() {
    let ground = Ground::new("configuration-refused").await;
    ground.write("infra/a.yaml", &config_map("a", "1")).write("apps/b.yaml", &config_map("b", "1"));
    let commit = ground.push("first");
    let cycle = json!({"infra": {"dependsOn": ["apps"]}, "apps": {"dependsOn": ["infra"]}});
    for (kustomizations, reason, says) in [
        (cycle, "InvalidDependency", "apps → infra → apps"),
        (json!({"apps": {"dependsOn": ["absent"]}}), "InvalidDependency", "absent"),
        (json!({"apps": {"force": true}}), "UnsupportedField", "force is not supported"),
    ] {
        let mut refused = spec();
        crate::ground::merge(&mut refused["kustomizations"], kustomizations);
        configure(&ground, refused).await;
        let shop = non_compliant(&ground, reason, says).await;
        assert_eq!(condition(&shop, "Stalled")["reason"], reason);
        assert_eq!(ground.object("GitRepository", "shop").await, None, "{reason}: nothing is written");
    }
    configure(&ground, spec()).await;
    compliant(&ground, &commit).await;
    ground.leave().await;
}

#[tokio::test]
async fn an_object_of_a_name_that_is_needed_is_never_adopted() {
    let ground = Ground::new("configuration-taken").await;
    ground.write("infra/a.yaml", &config_map("a", "1")).write("apps/b.yaml", &config_map("b", "1"));
    let commit = ground.push("first");
    let theirs = json!({"interval": "1h", "path": "./theirs", "prune": false, "sourceRef": {
        "kind": "GitRepository", "name": "theirs",
    }});
    ground.apply_one("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "shop-apps", theirs).await;
    ground.failed("Kustomization", "shop-apps", "ArtifactFailed").await;
    let before = ground.object("Kustomization", "shop-apps").await;
    configure(&ground, spec()).await;
    let says = "Kustomization/NAMESPACE/shop-apps exists and was not made by this FluxConfiguration";
    non_compliant(&ground, "NameTaken", says).await;
    assert_eq!(ground.object("Kustomization", "shop-apps").await, before);

    ground.delete("Kustomization", "shop-apps").await;
    compliant(&ground, &commit).await;
    ground.leave().await;
}
