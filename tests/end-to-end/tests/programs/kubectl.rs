//! kubectl says the same on both API servers, command by command.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;
use thalweg_harness::{ApiServerKind, ControlPlane, ControlPlaneOptions};

const MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: map, namespace: shop}, data: {a: '1'}}";
const CHANGED: &str =
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: map, namespace: shop}, data: {a: '2', b: '3'}}";
const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}
";
const WITHOUT_SELECTOR: &str =
    "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {}}";
const UNKNOWN_FIELD: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: map, namespace: shop}, dada: {a: '1'}}";

/// What a user types, and what they pipe into it.
const SESSION: [(&str, &str); 47] = [
    ("create namespace shop", ""),
    ("apply -f -", MAP),
    ("apply -f -", MAP),
    ("diff -f -", CHANGED),
    ("apply -f -", CHANGED),
    ("apply --server-side -f -", CHANGED),
    ("apply --server-side --field-manager=other -f -", MAP),
    ("apply --server-side --field-manager=other --force-conflicts -f -", MAP),
    ("apply --server-side --dry-run=server -f -", CHANGED),
    ("apply -f -", WITHOUT_SELECTOR),
    ("apply -f -", UNKNOWN_FIELD),
    ("create -f -", MAP),
    ("get configmap map -n shop -o yaml --show-managed-fields=false", ""),
    ("create configmap extra -n shop --from-literal=a=1", ""),
    ("get configmaps -n shop --field-selector=metadata.name=extra", ""),
    ("get configmap absent -n shop", ""),
    ("get configmaps -n shop -l app=web", ""),
    ("apply --server-side -f -", DEPLOYMENT),
    ("wait -n shop --for=condition=Available deployment/web --timeout=60s", ""),
    ("rollout status -n shop deployment/web --timeout=60s", ""),
    ("get deployment web -n shop -o wide", ""),
    ("get deployments -n shop -o name", ""),
    ("scale -n shop deployment/web --replicas=3", ""),
    ("wait -n shop --for=jsonpath={.status.readyReplicas}=3 deployment/web --timeout=60s", ""),
    (
        "patch deployment web -n shop --type=strategic -p {\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"nginx:2\"}]}}}}",
        "",
    ),
    ("get deployment web -n shop -o jsonpath={.spec.template.spec.containers}", ""),
    ("patch configmap extra -n shop --type=merge -p {\"data\":{\"b\":\"2\"}}", ""),
    ("patch configmap extra -n shop --type=json -p [{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"9\"}]", ""),
    ("patch configmap extra -n shop --type=json -p [{\"op\":\"test\",\"path\":\"/data/a\",\"value\":\"8\"}]", ""),
    ("get configmap extra -n shop -o jsonpath={.data}", ""),
    ("label configmap extra -n shop tier=web", ""),
    ("annotate configmap extra -n shop note=yes", ""),
    ("get configmaps -n shop -l tier=web --show-labels", ""),
    ("explain deployment.spec.selector", ""),
    ("explain configmap", ""),
    ("api-resources --api-group=apps -o wide --no-headers", ""),
    ("api-resources --api-group=rbac.authorization.k8s.io --no-headers", ""),
    ("create role reader -n shop --verb=get --resource=configmaps", ""),
    ("create rolebinding readers -n shop --role=reader --serviceaccount=shop:default", ""),
    ("auth can-i get configmaps -n shop --as=system:serviceaccount:shop:default", ""),
    ("auth can-i delete configmaps -n shop --as=system:serviceaccount:shop:default", ""),
    ("get configmap extra -n shop -o name --as=system:serviceaccount:shop:default", ""),
    ("delete configmap extra -n shop --as=system:serviceaccount:shop:default", ""),
    // Of a ConfigMap it tells the keys in any order.
    ("describe rolebinding readers -n shop", ""),
    ("delete configmap extra -n shop", ""),
    ("delete -f -", DEPLOYMENT),
    ("delete namespace shop --timeout=60s", ""),
];

#[test]
fn kubectl_says_the_same_on_both_api_servers() {
    let [ours, real] = [ApiServerKind::Embedded, ApiServerKind::Real].map(|api_server| {
        let options = ControlPlaneOptions { api_server, nodes: 1, ..ControlPlaneOptions::default() };
        let plane = ControlPlane::start(&options).unwrap();
        let mut said: Vec<String> = SESSION.iter().map(|step| say(plane.kubeconfig(), step)).collect();
        said.push(watched(plane.kubeconfig()));
        said
    });
    let differences: Vec<String> = ours
        .iter()
        .zip(&real)
        .filter(|(ours, real)| ours != real)
        .map(|(ours, real)| format!("--- embedded\n{ours}\n--- real\n{real}"))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// A command, its exit status and what it said, with names for what no two servers share.
fn say(kubeconfig: &Path, (command, input): &(&str, &str)) -> String {
    let mut kubectl = kubectl(kubeconfig, command).stdin(Stdio::piped()).spawn().unwrap();
    kubectl.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let ended = kubectl.wait_with_output().unwrap();
    let [mut said, complained] = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    // What it says while it waits is a matter of pace.
    if command.starts_with("rollout status") {
        said = said.lines().last().unwrap_or_default().to_owned();
    }
    format!("$ kubectl {command}\n{} {}\n{}", ended.status, normal(&said), normal(&complained))
}

/// `get -w` while an object comes, changes and goes.
fn watched(kubeconfig: &Path) -> String {
    let mut watch = kubectl(kubeconfig, "get configmaps -w --output-watch-events --field-selector=metadata.name=seen")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut seen = String::new();
    for command in ["create configmap seen --from-literal=a=1", "label configmap seen b=2", "delete configmap seen"] {
        say(kubeconfig, &(command, ""));
        // The first line is the header.
        for _ in 0..if seen.is_empty() { 2 } else { 1 } {
            seen = format!("{seen}{}\n", normal(&lines.next().unwrap().unwrap()));
        }
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    seen
}

fn kubectl(kubeconfig: &Path, command: &str) -> Command {
    let mut kubectl = Command::new("kubectl");
    kubectl.arg("--kubeconfig").arg(kubeconfig).args(command.split(' '));
    kubectl.stdout(Stdio::piped()).stderr(Stdio::piped());
    kubectl
}

fn normal(text: &str) -> String {
    let names = [
        (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*(Z| [+]0000 UTC)?", "TIME"),
        (r#"resourceVersion: "\d+""#, "resourceVersion: VERSION"),
        (r"\b\d+(ms|s|m)\b", "AGE"),
        (r"/tmp/(LIVE|MERGED)-\d+", "/tmp/$1"),
        (r"https://127.0.0.1:\d+", "SERVER"),
        (r" +", " "),
    ];
    names.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}
