#![expect(clippy::disallowed_methods, reason = "reads the recorded bodies")]

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Malformed, decode, read};

#[test]
fn recorded_bodies_read_as_the_json_of_the_same_object() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/protobuf");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pb") {
            let expected: Value = serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
            let body = std::fs::read(&path).unwrap();
            let object = decode(&body).unwrap_or_else(|status| panic!("{}: {}", path.display(), status.message));
            differences(&path.display().to_string(), &object, &without_nulls(expected));
            cases += 1;
        }
    }
    assert!(cases >= 18, "only {cases} cases were found");
}

#[test]
fn a_body_that_is_no_kubernetes_protobuf_is_refused() {
    check(b"", Malformed::Magic);
    check(b"{}", Malformed::Magic);
    check(b"k8s\0\x0a\x7f", Malformed::Short { message: "runtime.Unknown".into() });
    check(b"k8s\0\x0f", Malformed::WireType { message: "runtime.Unknown".into(), wire_type: 7 });
    check(&body("v1", "Thing", b""), Malformed::Kind { api_version: "v1".into(), kind: "Thing".into() });
    check(&body("v1", "Secret", b"\x0a\x05"), Malformed::Short { message: "core/v1.Secret".into() });
    let wrong = Malformed::Type { message: "core/v1.Secret".into(), field: "type".into(), expected: "string".into() };
    check(&body("v1", "Secret", b"\x18\x01"), wrong);
}

#[test]
fn options_are_read_whatever_group_they_are_sent_to() {
    for api_version in ["v1", "apps/v1", "apiextensions.k8s.io/v1"] {
        let object = decode(&body(api_version, "DeleteOptions", b"\x08\x00\x22\x06Orphan")).unwrap();
        let expected = json!({"apiVersion": api_version, "kind": "DeleteOptions", "gracePeriodSeconds": 0, "propagationPolicy": "Orphan"});
        assert_eq!(object, expected);
    }
}

fn check(body: &[u8], expected: Malformed) {
    assert_eq!(read(body), Err(expected));
}

fn body(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let type_meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &type_meta), field(2, raw)].concat()
}

/// An absent time is null in Go's JSON, and absent in ours.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) if !fields.contains_key("enum") => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn differences(path: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left.keys().chain(right.keys()) {
                differences(&format!("{path}.{key}"), &ours[key], &theirs[key]);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differences(&format!("{path}[{index}]"), left, right);
            }
        }
        _ => assert_eq!(ours, theirs, "{path}"),
    }
}
