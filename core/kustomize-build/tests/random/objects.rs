//! Objects of the kinds that people write, with names from a small pool, so that they refer to each other.

use super::chance::{Chance, entry, indented};

/// What later layers may count on about an object.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) api_version: &'static str,
    pub(crate) kind: &'static str,
    /// As its file says.
    pub(crate) original: String,
    /// After prefixes and suffixes.
    pub(crate) name: String,
    /// As its file says.
    pub(crate) original_namespace: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) containers: Vec<String>,
    /// Keys of its data.
    pub(crate) keys: Vec<String>,
    pub(crate) generated: bool,
}

impl Known {
    pub(crate) fn is_workload(&self) -> bool {
        !self.containers.is_empty()
    }

    /// The path of its containers in a JSON patch, but for the last step.
    pub(crate) fn pod_path(&self) -> &'static str {
        match self.kind {
            "Pod" => "spec",
            "CronJob" => "spec/jobTemplate/spec/template/spec",
            _ => "spec/template/spec",
        }
    }

    pub(crate) fn has_replicas(&self) -> bool {
        ["Deployment", "StatefulSet", "ReplicaSet"].contains(&self.kind)
    }
}

const NAMES: [&str; 8] = ["web", "api", "db", "cache", "worker", "settings", "queue", "site"];
pub(crate) const IMAGES: [&str; 6] =
    ["nginx", "redis", "example.com/api", "registry.example.com:5000/team/worker", "busybox", "postgres"];

const KINDS: [(&str, &str); 25] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("v1", "Namespace"),
    ("v1", "PersistentVolumeClaim"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("example.com/v1", "Widget"),
];

/// Scalars as people write them, some of which mean something else than they seem to.
const SCALARS: [&str; 23] = [
    "plain",
    "\"true\"",
    "'1'",
    "1.50",
    "yes",
    "\"\"",
    "null",
    "0x1F",
    "on",
    "\"a: b\"",
    "1e3",
    "'it''s'",
    "\"tab\\there\"",
    "2001-12-14",
    "~",
    "-5",
    "007",
    "1_000",
    "\"1:30\"",
    "text with spaces",
    "\"# none\"",
    "https://example.com/?a=b#c",
    "\"multi\\nline\\n\"",
];

/// A name from the pool.
pub(crate) fn name(chance: &mut Chance) -> String {
    let name = chance.pick(&NAMES);
    if chance.percent(15) { format!("{name}-{}", chance.below(3)) } else { name.to_owned() }
}

/// A scalar, as text in a file of YAML 1.2.
pub(crate) fn scalar(chance: &mut Chance) -> &'static str {
    chance.pick(&SCALARS)
}

/// An image with a tag, a digest, both or neither.
pub(crate) fn image(chance: &mut Chance) -> String {
    let name = chance.pick(&IMAGES);
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    match chance.below(10) {
        0 => name.to_owned(),
        1 => format!("{name}@{digest}"),
        2 => format!("{name}:1.0@{digest}"),
        tag => format!("{name}:{tag}"),
    }
}

/// An object, and what is known about it.
pub(crate) fn object(chance: &mut Chance) -> (String, Known) {
    let (api_version, kind) = KINDS[chance.below(KINDS.len())];
    let name = name(chance);
    let namespace = (chance.percent(12) && !["Namespace", "ClusterRole"].contains(&kind))
        .then(|| chance.pick(&["default", "prod", "blue"]).to_owned());
    let mut known = Known {
        api_version,
        kind,
        original: name.clone(),
        name: name.clone(),
        original_namespace: namespace.clone(),
        namespace,
        containers: vec![],
        keys: vec![],
        generated: false,
    };
    let body = body(chance, &mut known);
    let metadata = metadata(chance, &known);
    let comment = if chance.percent(10) { "# what this is for\n" } else { "" };
    (format!("{comment}apiVersion: {api_version}\nkind: {kind}\nmetadata:\n{}{body}", indented(&metadata, 2)), known)
}

fn metadata(chance: &mut Chance, known: &Known) -> String {
    let mut text = format!("name: {}\n", known.original);
    if let Some(namespace) = &known.namespace {
        text += &format!("namespace: {namespace}\n");
    }
    if chance.percent(40) {
        let tier = chance.pick(&["front", "back", "\"2\""]);
        text += &format!("labels:\n  app: {}\n  tier: {tier}\n", known.original);
    }
    if chance.percent(3) {
        text += "annotations:\n  config.kubernetes.io/local-config: \"true\"\n";
    } else if chance.percent(20) {
        text += &format!("annotations:\n  example.com/note: {}\n", scalar(chance));
    }
    text
}

fn body(chance: &mut Chance, known: &mut Known) -> String {
    match known.kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => workload(chance, known),
        "CronJob" => {
            let template = workload(chance, known);
            format!("spec:\n  schedule: \"*/5 * * * *\"\n  jobTemplate:\n{}", indented(&template, 4))
        }
        "Pod" => format!("spec:\n{}", indented(&pod(chance, known), 2)),
        "Service" => service(chance, known),
        "ConfigMap" | "Secret" => data(chance, known),
        "Ingress" => ingress(chance),
        "HorizontalPodAutoscaler" => {
            let target = name(chance);
            format!(
                "spec:\n  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: {target}}}\n  maxReplicas: 5\n"
            )
        }
        "PodDisruptionBudget" => {
            format!("spec:\n  minAvailable: 1\n  selector:\n    matchLabels: {{app: {}}}\n", known.original)
        }
        "NetworkPolicy" => format!("spec:\n  podSelector:\n    matchLabels:\n      app: {}\n", known.original),
        "Role" | "ClusterRole" => {
            let names = if chance.percent(50) {
                format!("  resourceNames: [{}, {}]\n", name(chance), name(chance))
            } else {
                String::new()
            };
            let resource = chance.pick(&["configmaps", "secrets", "pods"]);
            format!("rules:\n- apiGroups: [\"\"]\n  resources: [{resource}]\n  verbs: [get, list]\n{names}")
        }
        "RoleBinding" => {
            let account = if chance.percent(30) { "default".to_owned() } else { name(chance) };
            let namespace = if chance.percent(30) { "\n  namespace: prod" } else { "" };
            let kind = chance.pick(&["Role", "ClusterRole"]);
            format!(
                "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {}\nsubjects:\n- kind: ServiceAccount\n  name: {account}{namespace}\n",
                name(chance)
            )
        }
        "PersistentVolumeClaim" => {
            "spec:\n  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n".to_owned()
        }
        "Widget" => widget(chance),
        _ => String::new(),
    }
}

fn workload(chance: &mut Chance, known: &mut Known) -> String {
    let app = known.original.clone();
    let pod = pod(chance, known);
    let replicas = if known.has_replicas() && chance.percent(70) {
        format!("  replicas: {}\n", chance.below(4))
    } else {
        String::new()
    };
    let selector = if ["Job", "CronJob"].contains(&known.kind) {
        String::new()
    } else {
        format!("  selector:\n    matchLabels:\n      app: {app}\n")
    };
    let claims = if known.kind == "StatefulSet" && chance.percent(50) {
        "  volumeClaimTemplates:\n  - metadata:\n      name: data\n    spec:\n      accessModes: [ReadWriteOnce]\n"
    } else {
        ""
    };
    let template = format!("template:\n  metadata:\n    labels:\n      app: {app}\n  spec:\n{}", indented(&pod, 4));
    format!("spec:\n{replicas}{selector}{}{claims}", indented(&template, 2))
}

fn pod(chance: &mut Chance, known: &mut Known) -> String {
    let mut text = "containers:\n".to_owned();
    for index in 0..=chance.below(3) {
        let name = if index == 0 { "main".to_owned() } else { format!("{}-{index}", chance.pick(&["proxy", "log"])) };
        text += &entry(&container(chance, &name));
        known.containers.push(name);
    }
    if chance.percent(20) {
        text += &format!("initContainers:\n{}", entry(&container(chance, "init")));
    }
    if chance.percent(30) {
        let from = match chance.below(3) {
            0 => format!("configMap:\n  name: {}\n", name(chance)),
            1 => format!("secret:\n  secretName: {}\n", name(chance)),
            _ => "emptyDir: {}\n".to_owned(),
        };
        text += &format!("volumes:\n- name: data\n{}", indented(&from, 2));
    }
    if chance.percent(15) {
        text += &format!("serviceAccountName: {}\n", name(chance));
    }
    if chance.percent(8) {
        text += "nodeSelector:\ntolerations: []\n";
    }
    text
}

fn container(chance: &mut Chance, own: &str) -> String {
    let mut text = format!("name: {own}\nimage: {}\n", image(chance));
    if chance.percent(40) {
        text += "ports:\n";
        for port in 0..=chance.below(2) {
            let protocol = chance.pick(&["", "\n  protocol: TCP", "\n  protocol: UDP"]);
            text += &format!("- containerPort: {}{protocol}\n", 8080 + port);
        }
    }
    if chance.percent(40) {
        text += "env:\n";
        for variable in ["MODE", "LEVEL", "URL"].iter().take(1 + chance.below(3)) {
            text += &format!("- name: {variable}\n");
            text += &match chance.below(5) {
                0 => format!("  valueFrom:\n    configMapKeyRef: {{name: {}, key: k}}\n", name(chance)),
                1 => "  value: $(VARIABLE)\n".to_owned(),
                _ => format!("  value: {}\n", scalar(chance)),
            };
        }
    }
    if chance.percent(30) {
        let kind = chance.pick(&["configMapRef", "secretRef"]);
        text += &format!("envFrom:\n- {kind}:\n    name: {}\n", name(chance));
    }
    if chance.percent(15) {
        let number = if chance.percent(3) { "5" } else { "\"5\"" };
        text += &format!("args: [\"--verbose\", \"$(VARIABLE)\", {number}]\n");
    }
    text
}

fn service(chance: &mut Chance, known: &Known) -> String {
    let mut text = "spec:\n".to_owned();
    if chance.percent(85) {
        text += &format!("  selector:\n    app: {}\n", known.original);
    }
    text += "  ports:\n";
    for port in 0..=chance.below(2) {
        let protocol = chance.pick(&["", "\n    protocol: TCP"]);
        text += &format!("  - port: {}\n    name: port-{port}{protocol}\n", 80 + port);
    }
    text
}

fn data(chance: &mut Chance, known: &mut Known) -> String {
    if chance.percent(8) {
        return String::new();
    }
    let mut text = if known.kind == "Secret" { "stringData:\n" } else { "data:\n" }.to_owned();
    for key in ["k", "mode", "app.properties", "config.yaml"].iter().take(1 + chance.below(4)) {
        let value = match *key {
            "app.properties" => "|\n    color=blue\n    # kept\n    size=10\n",
            "config.yaml" => "|-\n    # settings\n    server:\n      host: old # here\n      port: 80\n",
            _ => "",
        };
        let value = if value.is_empty() { format!("{}\n", scalar(chance)) } else { value.to_owned() };
        text += &format!("  {key}: {value}");
        known.keys.push((*key).to_owned());
    }
    if known.kind == "Secret" { text + "type: Opaque\n" } else { text }
}

fn ingress(chance: &mut Chance) -> String {
    let backend = name(chance);
    let tls = if chance.percent(40) { format!("  tls:\n  - secretName: {}\n", name(chance)) } else { String::new() };
    format!(
        "spec:\n{tls}  rules:\n  - host: {backend}.example.com\n    http:\n      paths:\n      - path: /\n        pathType: Prefix\n        backend:\n          service:\n            name: {backend}\n            port:\n              number: 80\n"
    )
}

fn widget(chance: &mut Chance) -> String {
    let (first, second) = (scalar(chance), scalar(chance));
    let folded = if chance.percent(30) { "  folded: >\n    one\n    two\n\n      more\n    last\n" } else { "" };
    let target = name(chance);
    format!(
        "spec:\n  size: {}\n  text: {first}\n  settings: {target}\n  list:\n  - name: a\n    value: {second}\n  - name: b\n    value: x\n  map: {{z: 1, a: {{}}, b: []}}\n{folded}",
        chance.below(9)
    )
}
