//! Both readers, and the printers of what they read.

use serde_json::Value;
use thalweg_yaml::kyaml::{self, ReadOptions};
use thalweg_yaml::{Limits, print};

const FILE: &str = "input";

/// Any bytes as YAML.
pub fn yaml(bytes: &[u8]) {
    let limits = Limits::default();
    let first = thalweg_yaml::read_first(FILE, bytes, &limits).ok().flatten();
    for document in thalweg_yaml::read(FILE, bytes, &limits).iter().flatten().chain(&first) {
        values_read_back(&document.root);
    }
    for comments in [false, true] {
        let options = ReadOptions { comments, ..ReadOptions::default() };
        let _ = kyaml::parse(FILE, bytes, &options).map(|document| document.map(|one| kyaml::write_document(&one)));
        for node in kyaml::read(FILE, bytes, &options).iter().flatten() {
            let _ = kyaml::write(node);
            objects_read_back(node);
        }
    }
}

/// What is printed of a value is that value.
fn values_read_back(value: &thalweg_yaml::Node) {
    let mut text = String::new();
    let json = comparable(value.to_json());
    if print::value(value, &mut text).is_err() || is_misread(&text) || is_misread(&json.to_string()) {
        return;
    }
    assert_eq!(documents(&text).first().unwrap_or(&Value::Null), &json, "{text:?}");
}

/// What is printed of an object is that object, but for its annotations, which are rewritten.
fn objects_read_back(node: &kyaml::Node) {
    let mut text = String::new();
    if print::object(node, &mut text).is_err() {
        return;
    }
    let mut rest = node.clone();
    rest.remove("metadata");
    let json = kyaml::to_json(&rest).unwrap_or_else(|error| panic!("{error}, but this was printed: {text:?}"));
    if is_misread(&text) || is_misread(&json.to_string()) {
        return;
    }
    let mut printed = documents(&text).into_iter().next().unwrap_or_default();
    printed.as_object_mut().map(|object| object.remove("metadata"));
    assert_eq!(printed, comparable(json), "{text:?}");
}

/// The documents of what was printed.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let documents = thalweg_yaml::read(FILE, text.as_bytes(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error} in {text:?}"));
    documents.iter().map(|document| comparable(document.root.to_json())).collect()
}

/// Whether sigs.k8s.io/yaml, whose text ours equals, may write what no reader takes for the same: it quotes no `<<`, and folds
/// at line breaks that only YAML 1.1 has.
pub(super) fn is_misread(text: &str) -> bool {
    ["<<", "\u{85}", "\u{2028}", "\u{2029}"].iter().any(|mark| text.contains(mark))
}

/// With integers above 2⁶³ as floats, which they are to sigs.k8s.io/yaml.
pub(super) fn comparable(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, comparable(value))).collect(),
        other => other,
    }
}
