//! The patches of testdata/patches, which kube-apiserver answered: the same objects, the same refusals in the same words.

#![expect(clippy::unwrap_used, reason = "a test, whose tables are well-formed")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thalweg_merge::{PatchError, check_merge_patch, json_patch, merge_patch, strategic_merge_patch};
use thalweg_schema::{Node, Patch, Schema};

#[test]
fn json_patches_are_answered_as_the_server_answers_them() {
    let table = include_str!("../../../testdata/patches/json.json");
    check(table, |before, patch| {
        let document = json!({ "spec": before });
        let repeated = patch["repeat"].as_u64().map(|times| vec![patch["operation"].clone(); times as usize]);
        let patched = json_patch(&document, &repeated.map_or(patch.clone(), Value::Array))?;
        Ok(patched["spec"].clone())
    });
}

#[test]
fn merge_patches_are_answered_as_the_server_answers_them() {
    let table = include_str!("../../../testdata/patches/merge.json");
    check(table, |before, patch| {
        check_merge_patch(patch)?;
        Ok(merge_patch(&json!({ "spec": before }), patch)["spec"].clone())
    });
}

#[test]
fn strategic_merge_patches_are_answered_as_the_server_answers_them() {
    let table = include_str!("../../../testdata/patches/strategic.json");
    check(table, |before, patch| strategic_merge_patch(before, patch, &deployment()));
}

/// Applies every patch of a table; fields that are empty, which the server's types leave out, are left out of both sides.
fn check(table: &str, apply: impl Fn(&Value, &Value) -> Result<Value, PatchError>) {
    let table: Value = serde_json::from_str(table).unwrap();
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        match apply(&table["before"], &case["patch"]) {
            Ok(after) => {
                let at = case["at"].as_str().unwrap_or_default();
                let actual = after.pointer(at).cloned().unwrap_or_default();
                assert_eq!(without_empty(&actual), without_empty(&case["after"]), "{name}");
            }
            Err(error) => {
                let answer = json!({ "code": error.code(), "reason": error.reason(), "message": error.to_string() });
                assert_eq!(answer, case["error"], "{name}: {error:?}");
            }
        }
    }
}

fn without_empty(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| (key.clone(), without_empty(value)));
            Value::Object(fields.filter(|(_, value)| *value != json!({}) && *value != json!([])).collect())
        }
        Value::Array(items) => items.iter().map(without_empty).collect(),
        other => other.clone(),
    }
}

/// The parts of a Deployment's schema that the table touches.
fn deployment() -> Schema {
    let texts = || list(Patch::default(), Node::default());
    let by = |key: &str| Patch { merge: true, merge_key: Some(key.to_owned()), ..Patch::default() };
    let container = object(vec![("env", list(by("name"), Node::default())), ("args", texts())]);
    let pod = object(vec![
        ("containers", list(by("name"), container)),
        ("hostAliases", list(by("ip"), object(vec![("hostnames", texts())]))),
        ("tolerations", texts()),
        ("volumes", list(Patch { retain_keys: true, ..by("name") }, Node::default())),
        ("imagePullSecrets", list(by("name"), Node::default())),
    ]);
    let strategy = Node { patch: Patch { retain_keys: true, ..Patch::default() }, ..Node::default() };
    let metadata = object(vec![
        ("labels", Node { additional: Some(Schema::new(Node::default())), ..Node::default() }),
        ("finalizers", list(Patch { merge: true, ..Patch::default() }, Node::default())),
    ]);
    let spec = object(vec![("strategy", strategy), ("template", object(vec![("spec", pod)]))]);
    Schema::new(object(vec![("metadata", metadata), ("spec", spec)]))
}

fn object(fields: Vec<(&str, Node)>) -> Node {
    let fields = fields.into_iter().map(|(name, node)| (name.to_owned(), Schema::new(node)));
    Node { properties: fields.collect::<BTreeMap<_, _>>(), ..Node::default() }
}

fn list(patch: Patch, items: Node) -> Node {
    Node { patch, items: Some(Schema::new(items)), ..Node::default() }
}

/// Each of these patches is small, and what it asks for is not.
#[test]
fn a_json_patch_cannot_make_a_document_that_is_too_large_or_too_deep() {
    let copy = json!({"op": "copy", "from": "/a", "path": "/a/a"});
    let doubled = json_patch(&json!({"a": {}}), &Value::Array(vec![copy; 200])).unwrap_err();
    let wide = json!({"op": "copy", "from": "/list", "path": "/list/-"});
    let long = json!({"list": ["x".repeat(1 << 20)]});
    let many = json_patch(&long, &Value::Array(vec![wide; 40])).unwrap_err();
    let deep = format!("/{}", vec!["a"; 200].join("/"));
    let far = json_patch(&json!({}), &json!([{"op": "add", "path": deep, "value": 1}])).unwrap_err();
    let steps = (1..100).flat_map(|step| {
        let (from, path) = (format!("/m{}", step - 1), format!("/m{step}/a/a/a/a"));
        let empty = json!({"a": {"a": {"a": {}}}});
        [
            json!({"op": "add", "path": format!("/m{step}"), "value": empty}),
            json!({"op": "move", "from": from, "path": path}),
        ]
    });
    let moved = json_patch(&json!({"m0": {}}), &Value::Array(steps.collect())).unwrap_err();
    for (error, why) in [
        (doubled, "the document would have more than 128 levels"),
        (many, "exceeding the limit 3145728"),
        (far, "the document would have more than 128 levels"),
        (moved, "the document would have more than 128 levels"),
    ] {
        assert_eq!(error.code(), 422);
        let PatchError::Inapplicable { why: told } = error else { panic!("{error}") };
        assert!(told.ends_with(why), "{told}");
    }
}
