//! Trees made to loop, to climb out or to exhaust: each is an error, soon.
#![expect(clippy::disallowed_methods, reason = "hostile input must be answered in time")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use thalweg_kustomize_build::{Error, Options, Tree, build};

/// Ten times what is allowed, for a build without optimisation on a machine that does other things too.
const TIME_MAX: Duration = Duration::from_secs(10);

fn tree(files: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    files.into_iter().collect()
}

fn resources(entries: &[String]) -> String {
    let mut text = "resources:\n".to_owned();
    for entry in entries {
        text += &format!("- {}\n", serde_json::Value::from(entry.as_str()));
    }
    text
}

fn built(tree: &dyn Tree, path: &str) -> Result<usize, Error> {
    let began = Instant::now();
    let built = build(tree, &Options { path: path.to_owned() });
    assert!(began.elapsed() < TIME_MAX, "{path} took {:?}", began.elapsed());
    built.map(|built| built.objects.len())
}

#[test]
fn no_path_reads_a_byte_from_outside_the_tree() {
    for entry in [
        "..",
        "../..",
        "../secret",
        "../../etc/passwd",
        "a/../../../secret",
        "./../../secret.yaml",
        "base/../../../secret",
        "..//..//secret",
        "/",
        "//",
        "/etc/passwd",
        "//etc/passwd",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "/proc/self/environ",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "a=/var/run/secrets/token",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "..\\..\\etc\\passwd",
        "..\u{0}",
        "a.yaml\u{0}",
        "~/.ssh/id_rsa",
        "$HOME/.ssh/id_rsa",
        "${HOME}",
        "...",
        ". .",
        " ../../secret",
        "../../secret ",
        "．．/secret",
        "\u{2025}/secret",
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/a.yaml",
        "git::https://example.com/a",
        "git@example.com:a/b",
        "ssh://git@example.com/a",
        "github.com/org/repository",
        "gh:org/repository",
        "example.com/org/repository?ref=main",
        "-oProxyCommand=id",
    ] {
        let tree = tree([
            ("top/kustomization.yaml".to_owned(), resources(&[entry.to_owned()])),
            ("other/kustomization.yaml".to_owned(), "resources: []\n".to_owned()),
        ]);
        let error = built(&tree, "top").expect_err(entry);
        assert!(error.to_string().starts_with("top/kustomization.yaml:2:3: "), "{entry}: {error}");
    }
}

#[test]
fn the_path_of_a_build_stops_at_the_root() {
    let tree = tree([("a/a.yaml".to_owned(), "apiVersion: v1\nkind: A\nmetadata: {name: a}\n".to_owned())]);
    for path in ["", ".", "./", "/", "..", "../../", "a", "./a/", "/a", "../a", "a/../a", "a/."] {
        assert_eq!(built(&tree, path), Ok(1), "{path}");
    }
    for path in ["b", "a/a", "/etc", "../../etc/passwd", "a\u{0}", "%61"] {
        assert_eq!(built(&tree, path), Err(Error::PathNotFound { path: path.to_owned() }));
    }
    assert_eq!(built(&tree, "a/a.yaml"), Err(Error::PathNotDirectory { path: "a/a.yaml".to_owned() }));
}

#[test]
fn ten_thousand_bases_inside_each_other_are_refused() {
    let chain = tree(
        (0..10_000).map(|layer| (format!("l{layer}/kustomization.yaml"), resources(&[format!("../l{}", layer + 1)]))),
    );
    assert!(matches!(built(&chain, "l0"), Err(Error::TooDeep { .. })));
    let directories = "d/".repeat(10_000);
    let deep = tree([(format!("{directories}a.yaml"), "apiVersion: v1\nkind: A\nmetadata: {name: a}\n".to_owned())]);
    assert_eq!(built(&deep, ""), Ok(1));
}

#[test]
fn bases_that_multiply_are_built_once() {
    let mut files: Vec<(String, String)> = (0..60)
        .map(|layer| (format!("l{layer}/kustomization.yaml"), resources(&vec![format!("../l{}", layer + 1); 10])))
        .collect();
    files.push(("l60/kustomization.yaml".to_owned(), "resources: [a.yaml]\n".to_owned()));
    files.push(("l60/a.yaml".to_owned(), "# nothing\n".to_owned()));
    assert_eq!(built(&tree(files.clone()), "l0"), Ok(0));
    files.push(("l60/a.yaml".to_owned(), "apiVersion: v1\nkind: A\nmetadata: {name: a}\n".to_owned()));
    assert!(matches!(built(&tree(files), "l0"), Err(Error::DuplicateId { .. })));
}

#[test]
fn a_bomb_in_a_file_names_the_file() {
    let bomb = format!("a: {}", "[".repeat(100_000));
    let tree = tree([("a/b.yaml".to_owned(), bomb)]);
    let error = built(&tree, "").expect_err("too deep").to_string();
    assert_eq!(error, "failed to decode Kubernetes YAML from a/b.yaml:1:259");
}
