use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::Options;

/// A server whose controllers run, with a namespace `t1`; workloads take ten seconds.
async fn start() -> (ApiServer, Loopback) {
    let server = ApiServer::new(Options { ready_after: Duration::from_secs(10), ..Options::default() });
    tokio::spawn(run(server.clone()));
    let client = server.loopback("test");
    client.create(object("{apiVersion: v1, kind: Namespace, metadata: {name: t1}}")).unwrap();
    settle().await;
    (server, client)
}

/// Lets the controllers do all that they can do now.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn object(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).unwrap()
}

/// Makes a ConfigMap in `t1`, owned by another: `name`, or `name<owner` with `!` for one that blocks.
fn create(client: &Loopback, text: &str) {
    let (name, owner) = text.split_once('<').unwrap_or((text, ""));
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "t1", "name": name}});
    if !owner.is_empty() {
        let blocks = owner.ends_with('!');
        let owner = client.get("v1", "ConfigMap", "t1", owner.trim_end_matches('!')).unwrap();
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner.name(), "uid": owner.uid(), "blockOwnerDeletion": blocks,
        }]);
    }
    client.create(object).unwrap();
}

fn delete(client: &Loopback, name: &str, policy: &str) {
    client.delete("v1", "ConfigMap", "t1", name, json!({"propagationPolicy": policy})).unwrap();
}

fn names(client: &Loopback, kind: &str) -> Vec<String> {
    let objects = client.list("v1", kind, "t1").unwrap();
    let names = objects.iter().map(|object| object.name().to_owned());
    names.filter(|name| name != "kube-root-ca.crt").collect()
}

#[tokio::test(start_paused = true)]
async fn a_namespace_has_a_service_account_and_a_root_certificate() {
    let (_server, client) = start().await;
    for namespace in ["default", "kube-system", "t1"] {
        client.get("v1", "ServiceAccount", namespace, "default").unwrap();
        client.get("v1", "ConfigMap", namespace, "kube-root-ca.crt").unwrap();
    }
    client.delete("v1", "ServiceAccount", "t1", "default", json!({})).unwrap();
    settle().await;
    client.get("v1", "ServiceAccount", "t1", "default").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_its_content() {
    let (_server, client) = start().await;
    create(&client, "a");
    create(&client, "held");
    let held = json!({"metadata": {"finalizers": ["example.com/held"]}});
    client.merge("v1", "ConfigMap", "t1", "held", "", held).unwrap();
    client.delete("v1", "Namespace", "", "t1", json!({})).unwrap();
    settle().await;
    let namespace = client.get("v1", "Namespace", "", "t1").unwrap();
    assert_eq!(names(&client, "ConfigMap"), ["held"]);
    assert_eq!(namespace.value()["status"]["phase"], "Terminating");
    let conditions = namespace.value()["status"]["conditions"].as_array().unwrap();
    let shown: Vec<String> = conditions
        .iter()
        .map(|condition| {
            format!("{}={}: {}", text(&condition["type"]), text(&condition["status"]), text(&condition["message"]))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "NamespaceDeletionDiscoveryFailure=False: All resources successfully discovered",
            "NamespaceDeletionGroupVersionParsingFailure=False: All legacy kube types successfully parsed",
            "NamespaceDeletionContentFailure=False: All content successfully deleted, may be waiting on finalization",
            "NamespaceContentRemaining=True: Some resources are remaining: configmaps. has 1 resource instances",
            "NamespaceFinalizersRemaining=True: Some content in the namespace has finalizers remaining: example.com/held in 1 \
             resource instances",
        ]
    );
    client.merge("v1", "ConfigMap", "t1", "held", "", json!({"metadata": {"finalizers": null}})).unwrap();
    settle().await;
    assert_eq!(client.get("v1", "Namespace", "", "t1").unwrap_err().code, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_owned_goes_or_stays_as_the_deletion_says() {
    for (policy, left) in
        [("Background", &["other"][..]), ("Foreground", &["other"]), ("Orphan", &["child", "grandchild", "other"])]
    {
        let (_server, client) = start().await;
        for text in ["root", "child<root!", "grandchild<child", "other"] {
            create(&client, text);
        }
        settle().await;
        delete(&client, "root", policy);
        settle().await;
        assert_eq!(names(&client, "ConfigMap"), left, "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_an_owner_waits_for_what_blocks_it() {
    let (_server, client) = start().await;
    for text in ["root", "blocks<root!", "other<root"] {
        create(&client, text);
    }
    for name in ["blocks", "other"] {
        let held = json!({"metadata": {"finalizers": ["example.com/held"]}});
        client.merge("v1", "ConfigMap", "t1", name, "", held).unwrap();
    }
    delete(&client, "root", "Foreground");
    settle().await;
    assert_eq!(names(&client, "ConfigMap"), ["blocks", "other", "root"]);
    client.merge("v1", "ConfigMap", "t1", "blocks", "", json!({"metadata": {"finalizers": null}})).unwrap();
    settle().await;
    assert_eq!(names(&client, "ConfigMap"), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_stays_while_one_of_its_owners_does() {
    let (_server, client) = start().await;
    for text in ["one", "two", "child<one"] {
        create(&client, text);
    }
    let two = client.get("v1", "ConfigMap", "t1", "two").unwrap();
    let child = client.get("v1", "ConfigMap", "t1", "child").unwrap();
    let mut owners = child.value()["metadata"]["ownerReferences"].clone();
    let second = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "two", "uid": two.uid()});
    owners.as_array_mut().unwrap().push(second.clone());
    client.merge("v1", "ConfigMap", "t1", "child", "", json!({"metadata": {"ownerReferences": owners}})).unwrap();
    delete(&client, "one", "Background");
    settle().await;
    let child = client.get("v1", "ConfigMap", "t1", "child").unwrap();
    assert_eq!(child.value()["metadata"]["ownerReferences"], json!([second]));
    delete(&client, "two", "Background");
    settle().await;
    assert_eq!(names(&client, "ConfigMap"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_must_be_where_and_what_the_reference_says() {
    let (_server, client) = start().await;
    create(&client, "owner");
    let owner = client.get("v1", "ConfigMap", "t1", "owner").unwrap();
    let account = client.get("v1", "ServiceAccount", "default", "default").unwrap();
    for (name, reference, stays) in [
        ("good", json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid()}), true),
        ("other-uid", json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "another"}), false),
        ("other-name", json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "another", "uid": owner.uid()}), false),
        (
            "other-namespace",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "name": "default", "uid": account.uid()}),
            false,
        ),
        ("unknown-kind", json!({"apiVersion": "example.com/v1", "kind": "Ship", "name": "a", "uid": "b"}), true),
    ] {
        let metadata = json!({"namespace": "t1", "name": name, "ownerReferences": [reference]});
        client.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap();
        settle().await;
        assert_eq!(client.get("v1", "ConfigMap", "t1", name).is_ok(), stays, "{name}");
    }
}

fn deployment(simulate: &str, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "t1", "name": "web", "annotations": {"thalweg.dev/simulate": simulate}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}},
        },
    })
}

/// The ready replicas, and the reason of the condition Progressing.
fn progress(client: &Loopback) -> (i64, String) {
    let deployment = client.get("apps/v1", "Deployment", "t1", "web").unwrap();
    let status = &deployment.value()["status"];
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    let progressing = conditions.find(|condition| condition["type"] == "Progressing");
    let reason = progressing.map(|condition| text(&condition["reason"]).to_owned());
    (status["readyReplicas"].as_i64().unwrap_or(0), reason.unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn a_deployment_becomes_ready_after_the_delay() {
    for (simulate, after, expected) in [
        ("", 9, (0, "ReplicaSetUpdated")),
        ("", 10, (2, "NewReplicaSetAvailable")),
        ("ready-after=60s", 59, (0, "ReplicaSetUpdated")),
        ("ready-after=60s", 60, (2, "NewReplicaSetAvailable")),
        ("fail", 10, (0, "ProgressDeadlineExceeded")),
        ("never", 3600, (0, "ReplicaSetUpdated")),
    ] {
        let (_server, client) = start().await;
        client.create(deployment(simulate, "one")).unwrap();
        tokio::time::sleep(Duration::from_secs(after)).await;
        settle().await;
        let (ready, reason) = progress(&client);
        assert_eq!((ready, reason.as_str()), expected, "{simulate:?} after {after} s");
    }
}

#[tokio::test(start_paused = true)]
async fn each_template_of_a_deployment_has_a_replica_set() {
    let (_server, client) = start().await;
    let sets = || {
        let mut sets: Vec<(String, i64, i64)> = client
            .list("apps/v1", "ReplicaSet", "t1")
            .unwrap()
            .iter()
            .map(|set| {
                let revision = text(&set.value()["metadata"]["annotations"][replica_sets::REVISION]).to_owned();
                let ready = set.value()["status"]["readyReplicas"].as_i64().unwrap_or(0);
                (revision, set.value()["spec"]["replicas"].as_i64().unwrap(), ready)
            })
            .collect();
        sets.sort();
        sets
    };
    let expect = |expected: &[(&str, i64, i64)]| {
        let expected: Vec<_> =
            expected.iter().map(|(revision, replicas, ready)| ((*revision).to_owned(), *replicas, *ready)).collect();
        assert_eq!(sets(), expected);
    };
    client.create(deployment("", "one")).unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    expect(&[("1", 2, 2)]);
    let template =
        |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}});
    client.merge("apps/v1", "Deployment", "t1", "web", "", template("two")).unwrap();
    settle().await;
    assert_eq!(progress(&client), (2, "ReplicaSetUpdated".to_owned()));
    tokio::time::sleep(Duration::from_secs(11)).await;
    expect(&[("1", 0, 0), ("2", 2, 2)]);
    client.merge("apps/v1", "Deployment", "t1", "web", "", template("one")).unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    expect(&[("2", 0, 0), ("3", 2, 2)]);
    client.delete("apps/v1", "Deployment", "t1", "web", json!({})).unwrap();
    settle().await;
    expect(&[]);
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_changes_is_an_hour_without_writes() {
    let (server, client) = start().await;
    client.create(deployment("", "one")).unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let before = server.state().store.version();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(server.state().store.version(), before);
}

#[tokio::test(start_paused = true)]
async fn aggregated_roles_follow_the_roles_that_they_select() {
    let (_server, client) = start().await;
    let rule = json!({"apiGroups": ["example.com"], "resources": ["ships"], "verbs": ["get"]});
    client
        .create(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "ships", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
            "rules": [rule],
        }))
        .unwrap();
    settle().await;
    for name in ["view", "edit", "admin"] {
        let role = client.get("rbac.authorization.k8s.io/v1", "ClusterRole", "", name).unwrap();
        assert!(role.value()["rules"].as_array().unwrap().contains(&rule), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn old_events_are_forgotten() {
    let (_server, client) = start().await;
    for number in 0..1_010 {
        let metadata = json!({"namespace": "t1", "name": format!("e{number}")});
        let involved = json!({"kind": "ConfigMap", "namespace": "t1", "name": "x"});
        client
            .create(json!({"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": involved}))
            .unwrap();
    }
    settle().await;
    let events = names(&client, "Event");
    assert_eq!(events.len(), 1_000);
    assert!(!events.contains(&"e9".to_owned()) && events.contains(&"e10".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn conditions_that_others_wrote_stay() {
    let (_server, client) = start().await;
    client.create(deployment("", "one")).unwrap();
    settle().await;
    let live = client.get("apps/v1", "Deployment", "t1", "web").unwrap();
    let mut conditions = live.value()["status"]["conditions"].as_array().unwrap().clone();
    conditions.push(json!({"type": "Sampled", "status": "True"}));
    client
        .merge("apps/v1", "Deployment", "t1", "web", "status", json!({"status": {"conditions": conditions}}))
        .unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    let live = client.get("apps/v1", "Deployment", "t1", "web").unwrap();
    let conditions = live.value()["status"]["conditions"].as_array().unwrap();
    let types: Vec<&str> = conditions.iter().map(|condition| text(&condition["type"])).collect();
    assert_eq!(types, ["Sampled", "Available", "Progressing"]);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_deleted_goes_when_no_pod_on_a_node_uses_it() {
    let (_server, client) = start().await;
    let claim = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "t1", "name": name},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        })
    };
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "t1", "name": "user"},
        "spec": {
            "nodeName": "node", "containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "used"}}],
        },
    });
    client.create(pod).unwrap();
    for name in ["used", "unused"] {
        client.create(claim(name)).unwrap();
        client.delete("v1", "PersistentVolumeClaim", "t1", name, json!({})).unwrap();
    }
    settle().await;
    assert_eq!(names(&client, "PersistentVolumeClaim"), ["used"]);
    client.delete("v1", "Pod", "t1", "user", json!({"gracePeriodSeconds": 0})).unwrap();
    settle().await;
    assert_eq!(names(&client, "PersistentVolumeClaim"), [""; 0]);
}
