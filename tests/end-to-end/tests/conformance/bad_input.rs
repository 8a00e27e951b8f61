//! What users get wrong: told by its reason and place, with nothing written, and forgotten once it is mended.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::ground::{Ground, condition, config_map, inventory, line};

/// One thing that is wrong, and how it is told. It happens to a Kustomization `apps` that was Ready before.
struct Case {
    /// Names the namespace.
    name: &'static str,
    /// What replaces fields of the GitRepository's spec.
    source: Value,
    /// What replaces fields of the Kustomization's spec.
    kustomization: Value,
    /// The file `apps/broken.yaml`, or another that is named.
    file: Option<(&'static str, &'static str)>,
    /// The kind of the object that says so.
    kind: &'static str,
    reason: &'static str,
    /// What the message contains.
    says: &'static [&'static str],
    /// How the event begins; none is sent where this is empty.
    event: &'static str,
    is_stalled: bool,
}

impl Case {
    fn kustomization(name: &'static str, spec: Value, reason: &'static str, says: &'static [&'static str]) -> Case {
        Case {
            name,
            source: json!({}),
            kustomization: spec,
            file: None,
            kind: "Kustomization",
            reason,
            says,
            event: "",
            is_stalled: false,
        }
    }

    fn source(name: &'static str, spec: Value, reason: &'static str, says: &'static [&'static str]) -> Case {
        Case { source: spec, kind: "GitRepository", ..Case::kustomization(name, json!({}), reason, says) }
    }

    fn file(name: &'static str, text: &'static str, reason: &'static str, says: &'static [&'static str]) -> Case {
        Case { file: Some(("apps/broken.yaml", text)), ..Case::kustomization(name, json!({}), reason, says) }
    }

    fn with_event(self, event: &'static str) -> Case {
        Case { event, ..self }
    }

    fn stalled(self) -> Case {
        Case { is_stalled: true, ..self }
    }
}

fn cases() -> Vec<Case> {
    let git = "GitOperationFailed";
    let build_failed = "Warning BuildFailed Reconcile: kustomize build failed: ";
    let refused = "Warning ReconciliationFailed Apply: ";
    vec![
        Case::source(
            "unknown-host",
            json!({"url": "http://no-such-host.invalid/fleet.git"}),
            git,
            &["failed to checkout and determine revision", "no-such-host.invalid"],
        )
        .with_event("Warning GitOperationFailed ReconcileSource: failed to checkout"),
        Case::source(
            "no-repository",
            json!({"url": "REPOSITORY.absent.git"}),
            git,
            &["repository not found", "absent"],
        )
        .with_event("Warning GitOperationFailed ReconcileSource: "),
        Case::source("no-branch", json!({"ref": {"branch": "absent"}}), git, &["couldn't find remote ref", "absent"])
            .with_event("Warning GitOperationFailed ReconcileSource: "),
        Case::source(
            "no-tag",
            json!({"ref": {"branch": "main", "tag": "v0.0.1"}}),
            git,
            &["couldn't find remote ref", "v0.0.1"],
        )
        .with_event("Warning GitOperationFailed ReconcileSource: "),
        Case::source(
            "no-secret",
            json!({"secretRef": {"name": "absent"}}),
            "AuthenticationFailed",
            &["failed to get secret 'NAMESPACE/absent'", "not found"],
        )
        .with_event("Warning AuthenticationFailed ReconcileSource: "),
        Case::source(
            "field-of-source",
            json!({"recurseSubmodules": true}),
            "UnsupportedField",
            &["spec.recurseSubmodules is not supported"],
        )
        .with_event("Warning UnsupportedField Reconcile: spec.recurseSubmodules")
        .stalled(),
        Case::kustomization(
            "no-source",
            json!({"sourceRef": {"name": "absent"}}),
            "ArtifactFailed",
            &["Source 'GitRepository/NAMESPACE/absent' not found"],
        ),
        Case::kustomization(
            "no-path",
            json!({"path": "./absent"}),
            "ArtifactFailed",
            &["kustomization path not found: ./absent"],
        )
        .with_event("Warning ArtifactFailed ResolveSource: kustomization path not found"),
        Case::kustomization(
            "no-dependency",
            json!({"dependsOn": [{"name": "absent"}]}),
            "DependencyNotReady",
            &["dependency 'NAMESPACE/absent' not found"],
        )
        .with_event("Normal DependencyNotReady CheckDependencies: Dependencies do not meet ready condition: "),
        Case::kustomization(
            "depends-on-itself",
            json!({"dependsOn": [{"name": "apps"}]}),
            "DependencyNotReady",
            &["dependency cycle: NAMESPACE/apps → NAMESPACE/apps"],
        )
        .with_event("Normal DependencyNotReady CheckDependencies: "),
        Case::kustomization(
            "field-of-kustomization",
            json!({"postBuild": {"substitute": {"name": "a"}}}),
            "UnsupportedField",
            &["spec.postBuild is not supported"],
        )
        .with_event("Warning UnsupportedField Reconcile: spec.postBuild")
        .stalled(),
        Case::kustomization(
            "no-component",
            json!({"components": ["../absent"]}),
            "BuildFailed",
            &["kustomize build failed", "apps/kustomization.yaml", "cannot load '../absent': no such file or directory"],
        )
        .with_event(build_failed),
        Case::kustomization(
            "remote-component",
            json!({"components": ["https://example.com/org/component"]}),
            "BuildFailed",
            &["component path 'https://example.com/org/component' must be local and relative"],
        )
        .with_event(build_failed),
        Case::kustomization(
            "patch-of-nothing",
            json!({"patches": [{"patch": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: absent}\ndata: {text: a}\n"}]}),
            "BuildFailed",
            &["patch cannot be applied", "absent"],
        )
        .with_event(build_failed),
        Case::kustomization(
            "patch-that-fails",
            json!({"patches": [{
                "target": {"kind": "ConfigMap"},
                "patch": "- {op: remove, path: /data/absent}\n",
            }]}),
            "BuildFailed",
            &["operation 1 (remove /data/absent): the object has no key /data/absent"],
        )
        .with_event(build_failed),
        Case::kustomization(
            "no-account",
            json!({"serviceAccountName": "absent"}),
            "ReconciliationFailed",
            &["dry-run failed (Forbidden)", "system:serviceaccount:NAMESPACE:absent", "apps/good.yaml:1"],
        )
        .with_event(refused),
        Case {
            file: Some(("apps/kustomization.yaml", "resources: [good.yaml]\nhelmCharts:\n- name: shop\n")),
            ..Case::kustomization(
                "chart",
                json!({}),
                "BuildFailed",
                &["apps/kustomization.yaml:3", "helmCharts are not supported"],
            )
        }
        .with_event(build_failed),
        Case {
            file: Some(("apps/kustomization.yaml", "resources: [good.yaml, ../../../../../../etc/passwd]\n")),
            ..Case::kustomization(
                "outside",
                json!({}),
                "BuildFailed",
                &["apps/kustomization.yaml:1:24", "the path leads outside of the source"],
            )
        }
        .with_event(build_failed),
        Case {
            file: Some(("apps/kustomization.yaml", "resources: [good.yaml, ../apps]\n")),
            ..Case::kustomization("base-inside-itself", json!({}), "BuildFailed", &["cycle detected: apps → apps"])
        }
        .with_event(build_failed),
        Case::file(
            "not-yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: broken\n data: {}\n",
            "BuildFailed",
            &["kustomize build failed", "apps/broken.yaml:5"],
        )
        .with_event(build_failed),
        Case::file(
            "no-kind",
            "---\napiVersion: v1\nmetadata: {name: broken}\n",
            "BuildFailed",
            &["apps/broken.yaml:2", "the object has no kind"],
        )
        .with_event("Warning BuildFailed Reconcile: "),
        Case::file(
            "unknown-kind",
            "apiVersion: example.com/v1\nkind: Gizmo\nmetadata: {name: broken, namespace: NAMESPACE}\n",
            "ReconciliationFailed",
            &[
                "Gizmo/NAMESPACE/broken",
                "no matches for kind \"Gizmo\" in version \"example.com/v1\"",
                "apps/broken.yaml:1",
            ],
        )
        .with_event(refused),
        Case::file(
            "invalid-name",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Valid, namespace: NAMESPACE}\n",
            "ReconciliationFailed",
            &["ConfigMap/NAMESPACE/Not_Valid dry-run failed (Invalid)", "apps/broken.yaml:1"],
        )
        .with_event(refused),
        Case::file(
            "no-namespace",
            "# A comment.\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken, namespace: NAMESPACE-absent}\n",
            "ReconciliationFailed",
            &["ConfigMap/NAMESPACE-absent/broken", "namespaces \"NAMESPACE-absent\" not found", "apps/broken.yaml:2"],
        )
        .with_event(refused),
        Case::file(
            "namespace-unsaid",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken}\n",
            "ReconciliationFailed",
            &["ConfigMap/broken namespace not specified", "apps/broken.yaml:1"],
        )
        .with_event(refused),
        // The first stage fails: the ConfigMap of the last one is not written either.
        Case::file(
            "invalid-namespace",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: Not_Valid}\n",
            "ReconciliationFailed",
            &["Namespace/Not_Valid dry-run failed (Invalid)", "apps/broken.yaml:1"],
        )
        .with_event(refused),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bad_input_is_told_with_its_place_and_writes_nothing_and_is_forgotten_once_mended() {
    let mut running = JoinSet::new();
    let mut names = std::collections::BTreeMap::new();
    for case in cases() {
        let name = case.name;
        names.insert(running.spawn(check(case)).id(), name);
    }
    let bystander = tokio::spawn(a_bystander_is_served());
    let mut failed = Vec::new();
    while let Some(ended) = running.join_next_with_id().await {
        if let Err(error) = ended {
            failed.push(names[&error.id()]);
        }
    }
    assert!(failed.is_empty(), "these cases failed, see above: {failed:?}");
    bystander.await.unwrap();
}

async fn check(case: Case) {
    let ground = Ground::new(case.name).await;
    ground.write("apps/good.yaml", &config_map("good", "good"));
    let commit = ground.push("good");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    let before = ground.ready("Kustomization", "apps", &commit).await;
    let good = ground.object("ConfigMap", "good").await;
    let mark = ground.mark();

    let name = if case.kind == "GitRepository" { "fleet" } else { "apps" };
    if case.source != json!({}) {
        ground.source(case.source).await;
        ground.failed("GitRepository", "fleet", case.reason).await;
    }
    if case.kustomization != json!({}) {
        ground.kustomization("apps", case.kustomization).await;
        let is_seen =
            |object: &Value| condition(object, "Ready")["observedGeneration"] == object["metadata"]["generation"];
        ground.until("Kustomization", "apps", "is looked at with its new spec", is_seen).await;
    }
    ground.write("apps/good.yaml", &config_map("good", "unwanted"));
    if let Some((path, text)) = case.file {
        ground.write(path, text);
    }
    ground.push("broken");
    let object = ground.failed(case.kind, name, case.reason).await;
    let ready = line(&object, "Ready");
    for part in case.says {
        let part = part.replace("NAMESPACE", ground.name());
        assert!(ready.contains(&part), "{}: {part} is not in: {ready}", case.name);
    }
    assert_eq!(condition(&object, "Stalled")["status"] == "True", case.is_stalled, "{}: {object}", case.name);
    if !case.event.is_empty() {
        ground.told_by_event(case.kind, name, case.event).await;
    }
    let apps = ground.object("Kustomization", "apps").await.unwrap();
    assert_eq!(inventory(&apps), inventory(&before), "{}", case.name);
    assert_eq!(apps["status"]["lastAppliedRevision"], before["status"]["lastAppliedRevision"], "{}", case.name);
    assert_eq!(ground.object("ConfigMap", "good").await, good, "{}: what was good stays", case.name);
    let writes = ground.writes_since(mark);
    assert_eq!(writes.count(), 0, "{}: {writes}", case.name);

    ground.write("apps/good.yaml", &config_map("good", "mended"));
    if let Some((path, _)) = case.file {
        ground.remove(path);
    }
    let mended = ground.push("mended");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    let apps = ground.ready("Kustomization", "apps", &mended).await;
    assert_eq!(condition(&apps, "Stalled"), &Value::Null, "{}", case.name);
    assert_eq!(ground.text("good").await.as_deref(), Some("mended"), "{}", case.name);
    ground.leave().await;
}

/// Someone without faults, beside all the others.
async fn a_bystander_is_served() {
    let ground = Ground::new("bystander").await;
    ground.push("nothing");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    for round in ["1", "2", "3"] {
        ground.write("apps/a.yaml", &config_map("a", round));
        let commit = ground.push(round);
        ground.ready("Kustomization", "apps", &commit).await;
    }
    ground.leave().await;
}

#[tokio::test]
async fn each_member_of_a_dependency_cycle_names_the_whole_path() {
    let ground = Ground::new("cycle").await;
    let names = ["a", "b", "c"];
    for name in names {
        ground.write(&format!("{name}/map.yaml"), &config_map(name, "1"));
    }
    let commit = ground.push("first");
    ground.source(json!({})).await;
    ground.ready("GitRepository", "fleet", &commit).await;
    for (name, dependency) in [("a", "b"), ("b", "c"), ("c", "a")] {
        ground.kustomization(name, json!({"dependsOn": [{"name": dependency}]})).await;
    }
    let namespace = ground.name();
    let path = |names: [&str; 4]| names.map(|name| format!("{namespace}/{name}")).join(" → ");
    let paths = [path(["a", "b", "c", "a"]), path(["b", "c", "a", "b"]), path(["c", "a", "b", "c"])];
    for name in names {
        let says_so = |object: &Value| {
            let ready = line(object, "Ready");
            paths.iter().any(|path| ready == format!("False DependencyNotReady: dependency cycle: {path}"))
        };
        ground.until("Kustomization", name, "names the cycle", says_so).await;
        assert_eq!(ground.text(name).await, None);
    }
    ground.kustomization("c", json!({})).await;
    for name in names {
        ground.ready("Kustomization", name, &commit).await;
    }
    ground.leave().await;
}

#[tokio::test]
async fn an_artifact_whose_digest_differs_is_not_applied() {
    let ground = Ground::new("digest").await;
    ground.write("apps/a.yaml", &config_map("a", "1"));
    let commit = ground.push("first");
    ground.source(json!({})).await;
    let fleet = ground.ready("GitRepository", "fleet", &commit).await;
    // A source that is suspended is left alone: its status is ours to write.
    let spec = json!({"interval": "1h", "url": "REPOSITORY", "suspend": true});
    ground.apply_one("source.toolkit.fluxcd.io/v1", "GitRepository", "tampered", spec).await;
    let publish = async |digest: &Value| {
        let mut artifact = fleet["status"]["artifact"].clone();
        artifact["digest"] = digest.clone();
        let status = json!({"status": {"artifact": artifact}});
        let patch = kube::api::Patch::Merge(status);
        ground.api("GitRepository").patch_status("tampered", &Default::default(), &patch).await.unwrap();
    };
    let right = &fleet["status"]["artifact"]["digest"];
    let wrong = json!(format!("sha256:{}", "0".repeat(64)));
    publish(&wrong).await;
    let mark = ground.mark();
    ground.kustomization("apps", json!({"sourceRef": {"name": "tampered"}})).await;
    // Until the controller has been told of the source, it says that there is none.
    let says_so = |object: &Value| {
        let ready = line(object, "Ready");
        ready.starts_with("False ArtifactFailed: ")
            && [right, &wrong].iter().all(|digest| ready.contains(digest.as_str().unwrap()))
    };
    let apps = ground.until("Kustomization", "apps", "names both digests", says_so).await;
    let message = line(&apps, "Ready").replacen("False ArtifactFailed: ", "", 1);
    ground.told_by_event("Kustomization", "apps", &format!("Warning ArtifactFailed ResolveSource: {message}")).await;
    assert_eq!(inventory(&apps), [""; 0]);
    assert_eq!(ground.writes_since(mark).count(), 0, "{}", ground.writes_since(mark));
    publish(right).await;
    ground.ready("Kustomization", "apps", &commit).await;
    ground.leave().await;
}

#[tokio::test]
async fn an_object_that_cannot_be_decoded_stops_no_other() {
    let ground = Ground::new("undecodable").await;
    ground.write("apps/a.yaml", &config_map("a", "1")).write("other/b.yaml", &config_map("b", "1"));
    ground.push("first");
    // The schema lets it pass: it looks like a duration, and is one that Go cannot hold.
    let interval = "99999999999999h";
    let spec = json!({"interval": interval, "url": "REPOSITORY"});
    ground.apply_one("source.toolkit.fluxcd.io/v1", "GitRepository", "undecodable", spec).await;
    ground.kustomization("other", json!({"interval": interval})).await;
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    for round in ["2", "3"] {
        ground.write("apps/a.yaml", &config_map("a", round));
        let commit = ground.push(round);
        ground.ready("Kustomization", "apps", &commit).await;
    }
    assert_eq!(ground.text("b").await, None);

    ground.kustomization("other", json!({})).await;
    ground.until_text("b", Some("1")).await;
    ground.leave().await;
}
