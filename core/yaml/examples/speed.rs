//! How long reading and printing take, and how much heap they need: `cargo run --release -p thalweg-yaml --example speed`, or
//! with the names of files, which are read as one text.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and says so")]

use std::fmt::Write as _;
use std::time::Instant;

use peak_alloc::PeakAlloc;
use thalweg_yaml::kyaml::{self, ReadOptions};
use thalweg_yaml::{Limits, print, read};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const TEXT_BYTES: usize = 5_000_000;

/// Deployments, ConfigMaps and CustomResourceDefinitions in about equal shares of bytes.
fn objects() -> String {
    let mut text = String::with_capacity(TEXT_BYTES + 10_000);
    for index in 0.. {
        if text.len() >= TEXT_BYTES {
            break;
        }
        deployment(index, &mut text);
        deployment(index + 1_000_000, &mut text);
        config_map(index, &mut text);
        definition(index, &mut text);
    }
    text
}

fn deployment(index: usize, text: &mut String) {
    let _ = write!(
        text,
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{index}\n  namespace: team-{}\n  labels:\n    \
         app.kubernetes.io/name: web-{index}\n    app.kubernetes.io/part-of: shop\n  annotations:\n    \
         checksum/config: \"8e2f0c1d{index:08x}\"\nspec:\n  replicas: 3\n  revisionHistoryLimit: 2\n  selector:\n    \
         matchLabels:\n      app.kubernetes.io/name: web-{index}\n  template:\n    metadata:\n      labels:\n        \
         app.kubernetes.io/name: web-{index}\n    spec:\n      serviceAccountName: web\n      containers:\n      - name: \
         web\n        image: registry.example.com/shop/web:v1.{index}.0@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b\n        \
         args: [\"--listen=:8080\", \"--log-level=info\", --trace]\n        env:\n        - name: POD_NAME\n          \
         valueFrom:\n            fieldRef:\n              fieldPath: metadata.name\n        - name: DATABASE_URL\n          \
         value: postgres://db.team.svc.cluster.local:5432/web\n        - name: WORKERS\n          value: \"4\"\n        \
         ports:\n        - containerPort: 8080\n          name: http\n          protocol: TCP\n        readinessProbe:\n          \
         httpGet:\n            path: /healthz\n            port: http\n          periodSeconds: 10\n        resources:\n          \
         limits:\n            cpu: 500m\n            memory: 256Mi\n          requests: {{cpu: 100m, memory: 128Mi}}\n        \
         securityContext:\n          allowPrivilegeEscalation: false\n          readOnlyRootFilesystem: true\n        \
         volumeMounts:\n        - mountPath: /etc/web\n          name: config\n      volumes:\n      - configMap:\n          \
         name: web-{index}\n        name: config\n",
        index % 40
    );
}

fn config_map(index: usize, text: &mut String) {
    let _ = write!(
        text,
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-{index}\n  namespace: team-{}\ndata:\n  LOG_LEVEL: \
         info\n  MAX_CONNECTIONS: \"{index}\"\n  web.conf: |\n",
        index % 40
    );
    for location in 0..30 {
        let _ = write!(
            text,
            "    location /api/v{location}/ {{\n        # Sent on as it came.\n        proxy_pass \
             http://backend-{location}.team.svc.cluster.local:8080;\n        proxy_set_header Host $host;\n    }}\n\n"
        );
    }
}

fn definition(index: usize, text: &mut String) {
    let _ = write!(
        text,
        "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n    \
         controller-gen.kubebuilder.io/version: v0.16.1\n  name: widgets{index}.example.com\nspec:\n  group: example.com\n  \
         names:\n    kind: Widget{index}\n    plural: widgets{index}\n  scope: Namespaced\n  versions:\n  - name: v1\n    schema:\n      \
         openAPIV3Schema:\n        type: object\n        properties:\n"
    );
    for field in 0..12 {
        let _ = write!(
            text,
            "          field{field}:\n            description: |-\n              Field{field} says what becomes of the widget when \
             it is no longer needed, and how long\n              it takes until then.\n            type: object\n            \
             required:\n            - name\n            - mode\n            properties:\n              name:\n                \
             description: Name of the referent. More info below\n                  in the documentation of names.\n                \
             maxLength: 253\n                minLength: 1\n                pattern: ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$\n                \
             type: string\n              mode:\n                default: Retain\n                enum:\n                - \
             Retain\n                - Delete\n                type: string\n              ratio:\n                anyOf:\n                \
             - type: integer\n                - type: string\n                x-kubernetes-int-or-string: true\n"
        );
    }
    text.push_str("    served: true\n    storage: true\n    subresources:\n      status: {}\n");
}

fn measure<T>(name: &str, bytes: usize, work: impl Fn() -> T) -> T {
    let mut fastest = f64::INFINITY;
    for _ in 0..10 {
        let begin = Instant::now();
        let made = work();
        fastest = fastest.min(begin.elapsed().as_secs_f64());
        drop(made);
    }
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let made = work();
    let times = |heap: usize| heap.saturating_sub(before) as f64 / bytes as f64;
    let (peak, kept) = (times(HEAP.peak_usage()), times(HEAP.current_usage()));
    println!("{name:12} {:7.1} ms, heap {peak:.2} x the text at its peak, {kept:.2} x kept", fastest * 1e3);
    made
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    for path in std::env::args().skip(1) {
        text += &std::fs::read_to_string(path)?;
    }
    if text.is_empty() {
        text = objects();
    }
    let (bytes, limits) = (text.len(), Limits::default());
    println!("{bytes} bytes");
    let documents = measure("read", bytes, || read("f", text.as_bytes(), &limits))?;
    let options = ReadOptions::default();
    let nodes = measure("kyaml::read", bytes, || kyaml::read("f", text.as_bytes(), &options))?;
    let commented = ReadOptions { comments: true, ..ReadOptions::default() };
    measure("  comments", bytes, || kyaml::read("f", text.as_bytes(), &commented))?;
    measure("print", bytes, || {
        let mut out = String::new();
        documents.iter().try_for_each(|document| print::value(&document.root, &mut out)).map(|()| out)
    })?;
    measure("  objects", bytes, || {
        let mut out = String::new();
        print::objects(&nodes, &mut out).map(|()| out)
    })?;
    measure("kyaml::write", bytes, || nodes.iter().map(|node| kyaml::write(node).len()).sum::<usize>());
    Ok(())
}
