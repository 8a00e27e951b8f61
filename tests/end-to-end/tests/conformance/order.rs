//! What comes before what: stages in one set, dependencies between sets, and the health that either waits for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ground::{Ground, condition, config_map, line, print_figure};

const CHAIN_LENGTH: usize = 20;
/// The budget is three seconds; several suites may share this machine.
const CHAIN_LIMIT: Duration = Duration::from_secs(60);

/// A Job that never ends: there is no node to run it, and the embedded API server is told not to play one.
fn endless_job(name: &str) -> String {
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  namespace: NAMESPACE
  annotations: {{thalweg.dev/simulate: never}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: main, image: example.com/job}}]
"
    )
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: example.com/web}]}
";

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.conformance.thalweg.dev}
spec:
  group: conformance.thalweg.dev
  scope: Namespaced
  names: {kind: Gauge, plural: gauges, singular: gauge}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {level: {type: integer}}}}
";

#[tokio::test]
async fn a_definition_and_an_object_of_its_kind_can_be_in_one_set() {
    let ground = Ground::new("definition").await;
    let gauge = "apiVersion: conformance.thalweg.dev/v1\nkind: Gauge\n\
                 metadata: {name: lock, namespace: NAMESPACE}\nspec: {level: LEVEL}\n";
    ground.write("apps/a-gauge.yaml", &gauge.replace("LEVEL", "3")).write("apps/b-definition.yaml", DEFINITION);
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({"wait": true})).await;
    ground.ready("Kustomization", "apps", &first).await;
    assert_eq!(ground.object("Gauge", "lock").await.unwrap()["spec"], json!({"level": 3}));

    ground.write("apps/a-gauge.yaml", &gauge.replace("LEVEL", "4"));
    let second = ground.push("second");
    ground.ready("Kustomization", "apps", &second).await;
    assert_eq!(ground.object("Gauge", "lock").await.unwrap()["spec"], json!({"level": 4}));

    ground.edit("Gauge", "lock", json!({"spec": {"level": 9}})).await;
    ground.until("Gauge", "lock", "is as in Git", |gauge| gauge["spec"]["level"] == 4).await;
    ground.leave().await;
}

#[tokio::test]
async fn a_namespace_and_what_is_in_it_can_be_in_one_set() {
    let ground = Ground::new("inner-namespace").await;
    let inner = format!("{}-inner", ground.name());
    let map = config_map("a", "inside").replace("NAMESPACE", &inner);
    ground.write("apps/a.yaml", &map);
    ground.write("apps/b.yaml", &format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n"));
    let commit = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    let apps = ground.ready("Kustomization", "apps", &commit).await;
    let expected = [format!("_{inner}__Namespace v1"), format!("{inner}_a__ConfigMap v1")];
    let mut found = crate::ground::inventory(&apps);
    found.sort();
    assert_eq!(found, expected);
    ground.leave().await;
}

#[tokio::test]
async fn a_dependent_starts_when_its_dependency_is_ready_and_not_before() {
    let ground = Ground::new("depends-on").await;
    ground.write("infra/job.yaml", &endless_job("setup")).write("apps/a.yaml", &config_map("a", "1"));
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({"dependsOn": [{"name": "infra"}]})).await;
    let apps = ground.failed("Kustomization", "apps", "DependencyNotReady").await;
    let namespace = ground.name();
    assert!(line(&apps, "Ready").contains(&format!("dependency '{namespace}/infra' not found")), "{apps}");

    ground.kustomization("infra", json!({"wait": true})).await;
    ground.ready("GitRepository", "fleet", &first).await;
    let waits = |object: &Value| condition(object, "Healthy")["status"] == "Unknown";
    ground.until("Kustomization", "infra", "awaits its Job", waits).await;
    let is_not_ready = format!("dependency '{namespace}/infra' is not ready");
    let says_so = |object: &Value| line(object, "Ready").contains(&is_not_ready);
    ground.until("Kustomization", "apps", "waits for infra", says_so).await;
    let told = format!(
        "Normal DependencyNotReady CheckDependencies: Dependencies do not meet ready condition: {is_not_ready}"
    );
    ground.told_by_event("Kustomization", "apps", &told).await;
    assert_eq!(ground.text("a").await, None);

    ground.remove("infra/job.yaml").write("infra/b.yaml", &config_map("b", "1"));
    let second = ground.push("second");
    let infra = ground.ready("Kustomization", "infra", &second).await;
    let apps = ground.ready("Kustomization", "apps", &second).await;
    let healthy = line(&infra, "Healthy");
    assert!(healthy.starts_with("True Succeeded: Health check passed in "), "{healthy}");
    let [before, after] = [ground.object("ConfigMap", "b").await, ground.object("ConfigMap", "a").await].map(|map| {
        let version = map.unwrap()["metadata"]["resourceVersion"].as_str().unwrap().to_string();
        version.parse::<u64>().unwrap()
    });
    assert!(before < after, "the dependency's object is older");
    assert_eq!(condition(&apps, "Healthy"), &Value::Null);
    ground.leave().await;
}

#[tokio::test]
async fn an_available_deployment_is_healthy() {
    let ground = Ground::new("deployment").await;
    ground.write("apps/web.yaml", DEPLOYMENT);
    let commit = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({"wait": true})).await;
    let apps = ground.ready("Kustomization", "apps", &commit).await;
    assert!(line(&apps, "Healthy").starts_with("True Succeeded: Health check passed in "), "{apps}");
    let told = "Normal ReconciliationSucceeded HealthCheck: Health check passed in ";
    ground.told_by_event("Kustomization", "apps", told).await;

    ground.write("checked/a.yaml", &config_map("a", "1"));
    let commit = ground.push("second");
    let checks = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": ground.name()}]);
    ground.kustomization("checked", json!({"healthChecks": checks})).await;
    let checked = ground.ready("Kustomization", "checked", &commit).await;
    assert!(line(&checked, "Healthy").starts_with("True Succeeded: Health check passed in "), "{checked}");
    ground.leave().await;
}

#[tokio::test]
async fn a_job_that_never_ends_fails_the_health_check_until_it_is_mended() {
    let ground = Ground::new("stuck-job").await;
    ground.write("apps/job.yaml", &endless_job("stuck")).write("apps/a.yaml", &config_map("a", "1"));
    let first = ground.push("first");
    ground.source(json!({})).await;
    // Half a minute is the least that Flux grants.
    ground.kustomization("apps", json!({"wait": true, "timeout": "30s", "retryInterval": "1h"})).await;
    let apps = ground.failed("Kustomization", "apps", "HealthCheckFailed").await;
    let namespace = ground.name();
    for type_ in ["Ready", "Healthy"] {
        let line = line(&apps, type_);
        assert!(line.starts_with("False HealthCheckFailed: health check failed after 30"), "{line}");
        assert!(line.contains(&format!("timeout waiting for: [Job/{namespace}/stuck status: 'InProgress'")), "{line}");
    }
    assert_eq!(condition(&apps, "Reconciling")["reason"], "ProgressingWithRetry");
    assert_eq!(apps["status"]["lastAttemptedRevision"], format!("main@sha1:{first}"));
    assert_eq!(apps["status"]["lastAppliedRevision"], Value::Null);
    assert_eq!(ground.text("a").await.as_deref(), Some("1"), "what was applied stays");
    ground
        .told_by_event("Kustomization", "apps", "Warning HealthCheckFailed HealthCheck: health check failed after 30")
        .await;

    ground.remove("apps/job.yaml");
    let second = ground.push("second");
    let apps = ground.ready("Kustomization", "apps", &second).await;
    assert!(line(&apps, "Healthy").starts_with("True Succeeded: Health check passed in "), "{apps}");
    ground.until_gone("Job", "stuck").await;
    ground.leave().await;
}

#[tokio::test]
async fn a_chain_of_twenty_dependencies_is_ready_in_seconds() {
    let ground = Ground::new("chain").await;
    let names: Vec<String> = (0..CHAIN_LENGTH).map(|number| format!("link-{number:02}")).collect();
    let write = |text: &str| {
        for name in &names {
            ground.write(&format!("{name}/a.yaml"), &config_map(name, text));
        }
    };
    write("first");
    let first = ground.push("first");
    ground.source(json!({})).await;
    for (index, name) in names.iter().enumerate() {
        let depends_on: Vec<Value> = names[..index].last().map(|before| json!({"name": before})).into_iter().collect();
        ground.kustomization(name, json!({"dependsOn": depends_on})).await;
    }
    for name in &names {
        ground.ready("Kustomization", name, &first).await;
    }

    write("second");
    let second = ground.repository.commit("second").unwrap();
    ground.repository.push().unwrap();
    let start = Instant::now();
    ground.ready("GitRepository", "fleet", &second).await;
    print_figure("chain of twenty: push to artifact", start.elapsed());
    // The last is Ready at the commit only after all others were.
    ground.ready("Kustomization", &names[CHAIN_LENGTH - 1], &second).await;
    let time = start.elapsed();
    print_figure("chain of twenty: push to all Ready", time);
    for name in &names {
        ground.ready("Kustomization", name, &second).await;
        assert_eq!(ground.text(name).await.as_deref(), Some("second"));
    }
    assert!(time < CHAIN_LIMIT, "{time:?}");
    ground.leave().await;
}
