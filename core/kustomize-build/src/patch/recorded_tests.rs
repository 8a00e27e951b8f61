//! The cases of testdata/kustomize-merge.

use thalweg_yaml::{Limits, print};

use super::json_patch::JsonPatch;
use super::strategic::{Allowed, StrategicPatch};
use super::{apply_json, reason};
use crate::load;
use crate::merge::Merged;
use crate::schema::Schemas;

struct Case {
    name: String,
    target: String,
    patch: String,
    /// None where kustomize fails.
    expected: Option<String>,
}

impl Case {
    fn way(&self) -> &str {
        ["selected", "json"].into_iter().find(|way| self.name.starts_with(way)).unwrap_or("named")
    }
}

#[expect(clippy::disallowed_methods, reason = "test data")]
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/kustomize-merge");
    for entry in std::fs::read_dir(root).expect("the cases are there") {
        let folder = entry.expect("it can be listed").path();
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
        let Some(target) = read("target.yaml") else { continue };
        let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        let patch = read("patch.yaml").expect("every case has a patch");
        cases.push(Case { name, target, patch, expected: read("expected.yaml") });
    }
    assert!(!cases.is_empty());
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}

fn built(case: &Case) -> Result<String, String> {
    let limits = Limits::default();
    let schemas = Schemas::builtin();
    let read = |text: &str| load::objects("case.yaml", text.as_bytes(), &limits).map_err(|error| reason(&error));
    let mut target = read(&case.target)?.remove(0);
    if case.way() == "json" {
        let patch = JsonPatch::parse("patch.yaml", case.patch.as_bytes(), &limits)?;
        apply_json(&patch, &mut target).map_err(|problem| problem.to_string())?;
    } else {
        for patch in read(&case.patch)? {
            let patch = match case.way() {
                "selected" => StrategicPatch::selecting(patch.object, Allowed::default()),
                _ => StrategicPatch::named(patch.object, Allowed::default()),
            };
            if patch.apply(&mut target, &schemas).map_err(|problem| problem.to_string())? == Merged::Deleted {
                return Ok(String::new());
            }
        }
    }
    let mut text = String::new();
    print::object(&target.object, &mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn recorded_cases_come_out_as_kustomize_prints_them() {
    let mut failures = Vec::new();
    for case in cases() {
        match (built(&case), &case.expected) {
            (Ok(ours), Some(theirs)) if ours == *theirs => {}
            (Err(_), None) => {}
            (Err(problem), Some(_)) => failures.push(format!("{}: we fail: {problem}", case.name)),
            (Ok(ours), expected) => failures.push(format!("{}:\n{ours}--- not\n{expected:?}", case.name)),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What we say where kustomize fails.
#[test]
fn errors_say_where_and_why() {
    let case = |target: &str, patch: &str, name: &str| Case {
        name: name.to_owned(),
        target: format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\n{target}"),
        patch: patch.to_owned(),
        expected: None,
    };
    let strategic = |target: &str, patch: &str| {
        case(target, &format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\n{patch}"), "named")
    };
    for (case, expected) in [
        (
            strategic(
                "spec: {template: {spec: {containers: [{name: a, env: x}]}}}",
                "spec: {template: {spec: {containers: [{name: a, env: [{name: b}]}]}}}",
            ),
            "it does not apply to apps/v1 Deployment d of case.yaml:1:1: spec.template.spec.containers[name=a].env: expected a scalar, found a list",
        ),
        (
            strategic("spec: {replicas: 1}", "spec: {replicas: {$patch: gone}}"),
            "it does not apply to apps/v1 Deployment d of case.yaml:1:1: spec.replicas: expected a scalar, found a mapping",
        ),
        (
            strategic("spec: {selector: {a: b}}", "spec: {selector: {$patch: gone}}"),
            "it does not apply to apps/v1 Deployment d of case.yaml:1:1: spec.selector: unknown $patch \"gone\": it must be delete, replace or merge",
        ),
        (
            case("", "[{\"op\": \"remove\", \"path\": \"/spec/x\"}]", "json"),
            "it does not apply to apps/v1 Deployment d of case.yaml:1:1: operation 1 (remove /spec/x): the object has nothing at /spec/x",
        ),
        (
            case("spec: {items: [a]}", "[{\"op\": \"add\", \"path\": \"/spec/items/3\", \"value\": 1}]", "json"),
            "it does not apply to apps/v1 Deployment d of case.yaml:1:1: operation 1 (add /spec/items/3): 3 is no index of a list of 1",
        ),
        (case("", "[{op: remove}]", "json"), "it is no JSON: byte 2: expected a text in double quotes"),
    ] {
        assert_eq!(built(&case), Err(expected.to_owned()));
    }
}

/// A new label is one node to kustomize in all fields that get it: what a patch makes of the last of them, in the order of keys,
/// all of them become.
#[test]
fn labels_that_kustomize_holds_as_one_change_together() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {labels: {app: one}, name: d}\n\
        spec: {selector: {matchLabels: {app: one}}, template: {metadata: {labels: {app: one}}}}\n";
    let read = |text: &str| load::objects("case.yaml", text.as_bytes(), &Limits::default()).expect("YAML").remove(0);
    let places: [&[&str]; 3] = [
        &["metadata", "labels", "app"],
        &["spec", "selector", "matchLabels", "app"],
        &["spec", "template", "metadata", "labels", "app"],
    ];
    let mut target = read(text);
    for place in places {
        target.object.at_mut(place).expect("it has the label").set_link(std::num::NonZeroU32::new(1));
    }
    let patch = "apiVersion: apps/v1\nkind: Deployment\n\
        spec: {template: {metadata: {labels: {app: three}}}}\nmetadata: {name: d, labels: {app: two}}\n";
    let patch = StrategicPatch::named(read(patch).object, Allowed::default());
    assert_eq!(patch.apply(&mut target, &Schemas::builtin()), Ok(Merged::Kept));
    for place in places {
        assert_eq!(target.object.at(place).and_then(thalweg_yaml::kyaml::Node::as_str), Some("three"), "{place:?}");
    }
}
