//! How long a build takes: `cargo run --release -p thalweg-kustomize-build --example speed -- OBJECTS PATCHES BUILDS`.
//!
//! The first build of a process is the one that a command pays for; the others have the tables that it made.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "measures and says so")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use thalweg_kustomize_build::{Options, render};

/// What an application is made of; `@` is its number.
const APPLICATION: [&str; 4] = [
    "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-@
  labels:
    app: web-@
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web-@
  template:
    metadata:
      labels:
        app: web-@
    spec:
      serviceAccountName: web-@
      containers:
      - name: web
        image: nginx:1.25
        env:
        - name: A
          valueFrom:
            configMapKeyRef:
              name: settings-@
              key: a
        envFrom:
        - configMapRef:
            name: generated
        ports:
        - containerPort: 8080
          name: http
        resources:
          limits:
            cpu: 100m
            memory: 128Mi
      volumes:
      - name: config
        configMap:
          name: settings-@
",
    "apiVersion: v1
kind: ConfigMap
metadata:
  name: settings-@
data:
  a: \"1\"
  b: |
    many
    lines
",
    "apiVersion: v1
kind: Service
metadata:
  name: web-@
spec:
  selector:
    app: web-@
  ports:
  - port: 80
    targetPort: http
",
    "apiVersion: v1
kind: ServiceAccount
metadata:
  name: web-@
",
];

const OVERLAY: &str = "resources: [../base]
namespace: prod
namePrefix: p-
labels:
- pairs: {team: a}
  includeSelectors: true
images:
- {name: nginx, newTag: \"1.27\"}
configMapGenerator:
- name: generated
  literals: [a=1, b=2]
patches:
";

/// A strategic merge patch and a JSON patch.
const PATCHES: [&str; 2] = [
    "- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web-@}
    spec:
      template:
        spec:
          containers:
          - name: web
            env:
            - {name: B, value: x}
",
    "- target: {kind: Service, name: web-@}
  patch: |
    - {op: replace, path: /spec/ports/0/port, value: 8080}
",
];

/// A base of applications, and an overlay that adds an object, renames, moves, labels and patches.
fn tree(objects: usize, patches: usize) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    let mut base = "resources:\n".to_owned();
    let numbers: Vec<usize> = (1..objects).collect();
    for (index, objects) in numbers.chunks(APPLICATION.len()).enumerate() {
        let application = APPLICATION[..objects.len()].join("---\n").replace('@', &index.to_string());
        let _ = writeln!(base, "- web-{index}.yaml");
        tree.insert(format!("base/web-{index}.yaml"), application);
    }
    tree.insert("base/kustomization.yaml".to_owned(), base);
    let patches = (0..patches).map(|number| {
        let (index, kind) = (number / PATCHES.len(), number % PATCHES.len());
        PATCHES[kind].replace('@', &index.to_string())
    });
    tree.insert("overlay/kustomization.yaml".to_owned(), OVERLAY.to_owned() + &patches.collect::<String>());
    tree
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let mut number = |otherwise| arguments.next().unwrap_or(otherwise);
    let (objects, patches, builds) = (number(1000), number(50), number(10));
    let tree = tree(objects, patches);
    let options = Options { path: "overlay".to_owned(), ..Options::default() };
    let mut times = Vec::new();
    for _ in 0..builds {
        let begin = Instant::now();
        match render(&tree, &options) {
            Ok(_) => times.push(begin.elapsed().as_micros()),
            Err(error) => println!("{error}"),
        }
    }
    let Some((first, others)) = times.split_first_mut() else { return };
    others.sort_unstable();
    let (fastest, median) = (others.first().unwrap_or(first), others.get(others.len() / 2).unwrap_or(first));
    println!(
        "{objects} objects, {patches} patches: the first {first} µs, then at best {fastest} µs, median {median} µs"
    );
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("{peak}");
    }
}
