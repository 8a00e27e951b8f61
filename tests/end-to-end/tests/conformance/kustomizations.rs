//! What kustomize makes of a tree, and what a Kustomization lays over it.

use serde_json::{Value, json};

use crate::ground::{Ground, config_map, inventory};

/// A Deployment of the image `shop:1` that reads a ConfigMap.
fn deployment(config_map: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec:
      containers:
      - name: shop
        image: example.com/shop:1
        envFrom: [{{configMapRef: {{name: {config_map}}}}}]
"
    )
}

fn container(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]["containers"][0]
}

/// The names of the objects of a kind in an inventory.
fn names(kustomization: &Value, kind: &str) -> Vec<String> {
    let ids = inventory(kustomization);
    let parts = ids.iter().filter_map(|id| id.split(' ').next()).map(|id| id.split('_').collect::<Vec<_>>());
    parts.filter(|id| id.last() == Some(&kind)).map(|id| id[1].to_string()).collect()
}

#[tokio::test]
async fn what_a_kustomization_lays_over_its_folder_is_applied_and_what_had_other_names_is_pruned() {
    let ground = Ground::new("overrides").await;
    ground
        .write("apps/banner.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: banner}\ndata: {text: plain}\n")
        .write("apps/shop.yaml", &deployment("banner"))
        .write("label/kustomization.yaml", "kind: Component\nlabels: [{pairs: {tier: front}}]\n");
    let commit = ground.push("first");
    ground.source(json!({})).await;
    let overrides = json!({
        "targetNamespace": "NAMESPACE",
        "namePrefix": "blue-",
        "nameSuffix": "-1",
        "commonMetadata": {"labels": {"team": "web"}, "annotations": {"example.com/on-call": "web"}},
        "patches": [
            {"patch": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: banner}\ndata: {text: patched}\n"},
            {
                "target": {"kind": "Deployment", "name": "sh.*"},
                "patch": "- {op: add, path: /metadata/annotations, value: {patched: 'yes'}}\n",
            },
        ],
        "images": [{"name": "example.com/shop", "newName": "example.com/mirror/shop", "newTag": "2"}],
        "components": ["../label", "../absent"],
        "ignoreMissingComponents": true,
    });
    ground.kustomization("apps", overrides.clone()).await;
    let apps = ground.ready("Kustomization", "apps", &commit).await;
    let namespace = ground.name();
    let ids = |prefix: &str| {
        [
            format!("{namespace}_{prefix}banner-1__ConfigMap v1"),
            format!("{namespace}_{prefix}shop-1_apps_Deployment v1"),
        ]
    };
    assert_eq!(inventory(&apps), ids("blue-"));
    let banner = ground.object("ConfigMap", "blue-banner-1").await.unwrap();
    assert_eq!(banner["data"], json!({"text": "patched"}));
    let shop = ground.object("Deployment", "blue-shop-1").await.unwrap();
    assert_eq!(container(&shop)["image"], "example.com/mirror/shop:2");
    assert_eq!(container(&shop)["envFrom"], json!([{"configMapRef": {"name": "blue-banner-1"}}]));
    assert_eq!(shop["metadata"]["annotations"]["patched"], "yes");
    for object in [&banner, &shop] {
        let (labels, annotations) = (&object["metadata"]["labels"], &object["metadata"]["annotations"]);
        assert_eq!((&labels["tier"], &labels["team"]), (&json!("front"), &json!("web")), "{object}");
        assert_eq!(annotations["example.com/on-call"], "web", "{object}");
        assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "apps", "{object}");
    }

    let mut green = overrides;
    green["namePrefix"] = json!("green-");
    green["patches"] = json!([]);
    ground.kustomization("apps", green).await;
    let is_green = |object: &Value| inventory(object) == ids("green-");
    ground.until("Kustomization", "apps", "has the other names alone", is_green).await;
    ground.ready("Kustomization", "apps", &commit).await;
    assert_eq!(ground.text("green-banner-1").await.as_deref(), Some("plain"));
    assert_eq!(ground.text("blue-banner-1").await, None);
    assert_eq!(ground.object("Deployment", "blue-shop-1").await, None);
    ground.leave().await;
}

#[tokio::test]
async fn new_content_of_a_generator_is_a_new_config_map_and_the_old_one_is_pruned() {
    let ground = Ground::new("generators").await;
    let write = |text: &str| {
        ground
            .write("apps/settings.txt", text)
            .write(
                "apps/kustomization.yaml",
                "namespace: NAMESPACE
resources: [shop.yaml]
configMapGenerator:
- name: settings
  files: [text=settings.txt]
secretGenerator:
- name: password
  literals: [password=1234]
",
            )
            .write("apps/shop.yaml", &deployment("settings"));
    };
    write("first");
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("apps", json!({})).await;
    let apps = ground.ready("Kustomization", "apps", &first).await;
    let (settings, secrets) = (names(&apps, "ConfigMap"), names(&apps, "Secret"));
    assert_eq!((settings.len(), secrets.len()), (1, 1), "{apps}");
    assert!(settings[0].starts_with("settings-") && secrets[0].starts_with("password-"), "{settings:?} {secrets:?}");
    assert_eq!(ground.text(&settings[0]).await.as_deref(), Some("first"));
    let secret = ground.object("Secret", &secrets[0]).await.unwrap();
    assert_eq!((&secret["data"], &secret["type"]), (&json!({"password": "MTIzNA=="}), &json!("Opaque")));
    let shop = ground.object("Deployment", "shop").await.unwrap();
    assert_eq!(container(&shop)["envFrom"][0]["configMapRef"]["name"], settings[0]);

    write("second");
    let second = ground.push("second");
    let apps = ground.ready("Kustomization", "apps", &second).await;
    let renamed = names(&apps, "ConfigMap");
    assert_eq!(renamed.len(), 1, "{apps}");
    assert_ne!(renamed, settings);
    assert_eq!(names(&apps, "Secret"), secrets);
    assert_eq!(ground.text(&renamed[0]).await.as_deref(), Some("second"));
    assert_eq!(ground.text(&settings[0]).await, None);
    let shop = ground.object("Deployment", "shop").await.unwrap();
    assert_eq!(container(&shop)["envFrom"][0]["configMapRef"]["name"], renamed[0]);
    assert_eq!(ground.object("Secret", &secrets[0]).await, Some(secret), "what did not change is not written");
    ground.leave().await;
}

#[tokio::test]
async fn overlays_components_and_replacements_are_applied_and_pruned_layer_by_layer() {
    let ground = Ground::new("overlays").await;
    ground
        .write("base/kustomization.yaml", "resources: [banner.yaml, price.yaml]\n")
        .write("base/banner.yaml", &config_map("banner", "base"))
        .write("base/price.yaml", &config_map("price", "1"))
        .write(
            "sale/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [sale.yaml]
patches:
- target: {name: price}
  patch: |
    - {op: replace, path: /data/text, value: half}
",
        )
        .write("sale/sale.yaml", &config_map("sale", "now"))
        .write(
            "stages/live/kustomization.yaml",
            "resources: [../../base]
components: [../../sale]
nameSuffix: -live
commonAnnotations: {example.com/stage: live}
replacements:
- source: {kind: ConfigMap, name: price, fieldPath: data.text}
  targets:
  - select: {kind: ConfigMap, name: banner}
    fieldPaths: [data.price]
    options: {create: true}
",
        );
    let first = ground.push("first");
    ground.source(json!({})).await;
    ground.kustomization("live", json!({"path": "./stages/live"})).await;
    let live = ground.ready("Kustomization", "live", &first).await;
    assert_eq!(names(&live, "ConfigMap"), ["banner-live", "price-live", "sale-live"]);
    let banner = ground.object("ConfigMap", "banner-live").await.unwrap();
    assert_eq!(banner["data"], json!({"text": "base", "price": "half"}));
    assert_eq!(banner["metadata"]["annotations"]["example.com/stage"], "live");

    ground.write("stages/live/kustomization.yaml", "resources: [../../base]\nnameSuffix: -live\n");
    let second = ground.push("second");
    let live = ground.ready("Kustomization", "live", &second).await;
    assert_eq!(names(&live, "ConfigMap"), ["banner-live", "price-live"]);
    let banner = ground.object("ConfigMap", "banner-live").await.unwrap();
    assert_eq!((&banner["data"], &banner["metadata"]["annotations"]), (&json!({"text": "base"}), &Value::Null));
    assert_eq!(ground.text("price-live").await.as_deref(), Some("1"));
    assert_eq!(ground.text("sale-live").await, None);
    ground.leave().await;
}
