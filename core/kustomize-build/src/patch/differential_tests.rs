//! Random patches against what kustomize's own packages make of them.

use serde_json::{Value, json};
use thalweg_yaml::Limits;
use thalweg_yaml::kyaml::{Content, Node};

use super::json_patch::JsonPatch;
use super::strategic::{Allowed, StrategicPatch, rewrite};
use super::{PatchProblem, Selector};
use crate::Place;
use crate::judge_tests::{Chance, Judge, difference, node};
use crate::kustomization::{self, Placed};
use crate::merge::{Merged, random_tests};
use crate::resource::Resource;
use crate::resource_map::ResourceMap;
use crate::schema::Schemas;

const QUESTIONS: u64 = 10_000;

fn resource(object: Node) -> Resource {
    Resource::new(object, Place { file: "a.yaml".to_owned(), position: thalweg_yaml::Position { line: 1, column: 1 } })
}

/// Compares answers to many questions, and shows the first that differ.
fn check(mut one: impl FnMut(&mut Judge, u64) -> Option<Result<(), String>>) {
    let mut judge = Judge::start();
    let (mut compared, mut failures) = (0, 0);
    for seed in 0..QUESTIONS {
        let Some(result) = one(&mut judge, seed) else { continue };
        compared += 1;
        if let Err(problem) = result {
            failures += 1;
            if failures <= 5 {
                println!("seed {seed}: {problem}");
            }
        }
    }
    println!("{compared} compared, {failures} differ");
    assert!(compared > QUESTIONS / 2);
    assert_eq!(failures, 0);
}

fn compared(ours: Result<Option<&Node>, String>, answer: &Value) -> Result<(), String> {
    match (ours, answer["error"].as_str()) {
        (Err(_), Some(_)) => Ok(()),
        (Err(error), None) => Err(format!("we fail: {error}")),
        (Ok(_), Some(error)) => Err(format!("they fail: {error}")),
        (Ok(None), None) if answer["result"].is_null() => Ok(()),
        (Ok(None), None) => Err("we delete it".to_owned()),
        (Ok(Some(_)), None) if answer["result"].is_null() => Err("they delete it".to_owned()),
        (Ok(Some(ours)), None) => {
            match difference(&without_notes(ours.clone()), &without_notes(node(&answer["result"])), "") {
                Some(difference) => Err(difference),
                None => Ok(()),
            }
        }
    }
}

/// Without the annotations in which kustomize keeps what a build needs to know, and without the traces of its writing there.
fn without_notes(mut object: Node) -> Node {
    let metadata = object.get_mut("metadata");
    let Some(metadata) = metadata.filter(|metadata| matches!(metadata.content, Content::Mapping(_))) else {
        return object;
    };
    let Some(mut annotations) = metadata.remove("annotations") else { return object };
    if let Some(fields) = annotations.fields_mut() {
        fields.retain(|field| !field.key.as_str().is_some_and(|key| key.starts_with("internal.config")));
        if fields.is_empty() {
            return object;
        }
    }
    metadata.set("annotations", annotations);
    object
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_patches_for_selected_objects_apply_as_in_kustomize() {
    let schemas = Schemas::builtin();
    check(|judge, seed| {
        let mut chance = Chance::new(seed + 1_000_000);
        let pair = random_tests::pair(&mut chance);
        let allows = Allowed { name: chance.one_in(4), kind: chance.one_in(4) };
        let selecting = !chance.one_in(3);
        let patch = match chance.one_in(3) {
            true => pair.patch.replacen("name: it", "name: other\n  namespace: n", 1),
            false => pair.patch,
        };
        let patch = if selecting { patch.replacen("apps/v1", "apps/v1beta2", 1) } else { patch };
        let answer = judge.ask(&json!({
            "way": if selecting { "selected" } else { "named" },
            "target": pair.target, "patch": patch,
            "allowNameChange": allows.name, "allowKindChange": allows.kind,
        }));
        if answer["unreadable"].is_string()
            || answer["error"].as_str().is_some_and(|error| error.contains("no matches"))
        {
            return None;
        }
        let mut ours = resource(node(&answer["target"]));
        let read = node(&answer["patches"][0]);
        let prepared =
            if selecting { StrategicPatch::selecting(read, allows) } else { StrategicPatch::named(read, allows) };
        let result = match prepared.apply(&mut ours, &schemas) {
            Ok(Merged::Kept) => Ok(true),
            Ok(Merged::Deleted) => Ok(false),
            Err(problem) => Err(problem.to_string()),
        };
        let result = compared(result.map(|kept| kept.then_some(&ours.object)), &answer);
        Some(result.map_err(|problem| format!("{problem}\n--- target\n{}--- patch\n{patch}", pair.target)))
    });
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_json_patches_apply_as_in_kustomize() {
    check(|judge, seed| {
        let mut chance = Chance::new(seed + 2_000_000);
        let target = random_tests::pair(&mut chance).target;
        let read = judge.ask(&json!({"way": "json", "target": target, "patch": "[]"}));
        if read["unreadable"].is_string() {
            return None;
        }
        let object = node(&read["target"]);
        let patch = operations(&object, &mut chance);
        let answer = judge.ask(&json!({"way": "json", "target": target, "patch": patch}));
        let mut ours = object;
        let result = JsonPatch::parse("patch", patch.as_bytes(), &Limits::default()).and_then(|patch| {
            patch.apply(&mut ours).map_err(|refused| format!("{refused:?}"))?;
            rewrite(&mut ours, "annotations");
            Ok(())
        });
        let result = compared(result.map(|()| Some(&ours)), &answer);
        Some(result.map_err(|problem| format!("{problem}\n--- target\n{target}--- patch\n{patch}")))
    });
}

const VALUES: [&str; 26] = [
    "1",
    "1.0",
    "1e3",
    "-0",
    "1234567",
    "12345678901234567890",
    "0.00001",
    "1e21",
    "true",
    "null",
    "\"a\"",
    "\"5\"",
    "\"yes\"",
    "\"a<b\"",
    "\"a\\u003cb\"",
    "\"two\\nlines\"",
    "\"a: b\"",
    "\" x\"",
    "\"tab\\t\"",
    "\"1:30\"",
    "\"\"",
    "[]",
    "{}",
    "[1, \"b\", null]",
    "{\"name\": \"a\", \"n\": 5}",
    "{\"b\": {\"c\": [true]}}",
];

/// A list of operations on places that are in an object, or nearly so.
fn operations(object: &Node, chance: &mut Chance) -> String {
    let mut text = String::from("[");
    for index in 0..=chance.below(3) {
        let path = path(object, chance);
        let value = match (chance.one_in(3), chance.one_in(2)) {
            (true, _) => value_at(object, &path).unwrap_or_else(|| (*chance.one_of(&VALUES)).to_owned()),
            (false, _) => (*chance.one_of(&VALUES)).to_owned(),
        };
        let op = *chance.one_of(&["add", "add", "replace", "replace", "remove", "test", "move", "copy", "other"]);
        let comma = if index > 0 { ", " } else { "" };
        text.push_str(&match op {
            "remove" => format!("{comma}{{\"op\": \"remove\", \"path\": {path:?}}}"),
            "move" | "copy" => {
                let from = self::path(object, chance);
                format!("{comma}{{\"op\": \"{op}\", \"from\": {from:?}, \"path\": {path:?}}}")
            }
            _ if chance.one_in(40) => format!("{comma}{{\"op\": \"{op}\", \"path\": {path:?}}}"),
            _ => format!("{comma}{{\"op\": \"{op}\", \"path\": {path:?}, \"value\": {value}}}"),
        });
    }
    text.push(']');
    // The same as YAML.
    if chance.one_in(2) { format!(" {text}") } else { text }
}

fn path(object: &Node, chance: &mut Chance) -> String {
    let mut path = String::new();
    let mut node = object;
    for depth in 0.. {
        if depth > 0 && chance.one_in(4) {
            break;
        }
        match &node.content {
            Content::Mapping(fields) if !fields.is_empty() && !chance.one_in(8) => {
                let field = chance.one_of(fields);
                path.push('/');
                path.push_str(&field.key.as_str().unwrap_or_default().replace('~', "~0").replace('/', "~1"));
                node = &field.value;
            }
            Content::Sequence(items) if !items.is_empty() && !chance.one_in(8) => {
                let index = chance.below(items.len());
                let from_end = chance.one_in(4);
                path.push_str(&match from_end {
                    true => format!("/-{}", items.len() - index),
                    false => format!("/{index}"),
                });
                node = &items[index];
            }
            _ => {
                let ends = ["/new", "/-", "/0", "/9", "/-1", "/a~1b", ""];
                path.push_str(ends[chance.below(ends.len())]);
                break;
            }
        }
    }
    path
}

fn value_at(object: &Node, path: &str) -> Option<String> {
    let mut node = object;
    for step in path.split('/').skip(1) {
        node = match &node.content {
            Content::Sequence(items) => items.get(step.parse::<usize>().ok()?)?,
            _ => node.get(step)?,
        };
    }
    thalweg_yaml::kyaml::go_json(node).ok()
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn plain_texts_are_texts_where_kyaml_says_so() {
    const PIECES: [&str; 40] = [
        "a",
        "1",
        "0",
        "-",
        "+",
        ".",
        ":",
        " ",
        "#",
        "e",
        "E",
        "x",
        "o",
        "b",
        "_",
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "null",
        "~",
        "=",
        "<<",
        "inf",
        "nan",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&",
        "*",
        "!",
        "\"",
        "'",
        "2001-12-14",
        "T10:00:00Z",
    ];
    check(|judge, seed| {
        let mut chance = Chance::new(seed + 3_000_000);
        let text: String = (0..=chance.below(4)).map(|_| *chance.one_of(&PIECES)).collect();
        // Of what is no plain scalar go-yaml reads only the beginning.
        if text.starts_with(['[', '{', '&', '*', '!', '~']) {
            return None;
        }
        let theirs = judge.ask(&json!({"way": "text", "target": text}))["chosen"] == true;
        let ours = thalweg_yaml::is_text(&text);
        Some(if ours == theirs { Ok(()) } else { Err(format!("{text:?}: ours {ours}, theirs {theirs}")) })
    });
}

const FIELDS: [(&str, &[&str]); 7] = [
    ("group", &["", "apps", "ap.s", "x", "a|pps", "(apps)?"]),
    ("version", &["", "v1", "v.*", "v1beta1"]),
    ("kind", &["", "Deployment", "Deploy", "Deploy.*", "Service|Deployment", "[A-Z]\\w+", "("]),
    ("name", &["", "it", "i", "^it$", "i.+", "\\bit\\b"]),
    ("namespace", &["", "default", "def.*", "other", "n", "_non.*"]),
    ("labelSelector", &["", "a", "a=b", "a in (b,c)", "!zzz", "a notin (x)", "b", "a in (", "5"]),
    ("annotationSelector", &["", "a", "a=b", "!q", "on", "a>1"]),
];

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_targets_select_as_in_kustomize() {
    check(|judge, seed| {
        let mut chance = Chance::new(seed + 4_000_000);
        let mut target = random_tests::pair(&mut chance).target;
        if chance.one_in(3) {
            let namespace = *chance.one_of(&["default", "n", "\"\""]);
            target = target.replacen(
                "metadata:\n  name: it",
                &format!("metadata:\n  namespace: {namespace}\n  name: it"),
                1,
            );
        }
        let mut fields = serde_json::Map::new();
        for (field, texts) in FIELDS {
            if chance.one_in(2) {
                fields.insert(field.to_owned(), json!(*chance.one_of(texts)));
            }
        }
        let answer = judge.ask(&json!({"way": "select", "target": target, "selector": fields}));
        if answer["unreadable"].is_string() {
            return None;
        }
        let text = |field: &str| Placed::made(fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned());
        let selector = Selector::new(&kustomization::Selector {
            group: text("group"),
            version: text("version"),
            kind: text("kind"),
            name: text("name"),
            namespace: text("namespace"),
            annotation_selector: text("annotationSelector"),
            label_selector: text("labelSelector"),
        });
        let mut resources = ResourceMap::default();
        resources.append(resource(node(&answer["target"]))).unwrap();
        let ours: Result<Vec<usize>, PatchProblem> = selector.select(&resources);
        let same = match (&ours, answer["error"].as_str()) {
            (Err(_), Some(_)) => true,
            (Ok(chosen), None) => chosen.is_empty() != (answer["chosen"] == true),
            _ => false,
        };
        Some(if same { Ok(()) } else { Err(format!("{fields:?}: ours {ours:?}, theirs {answer}")) })
    });
}
