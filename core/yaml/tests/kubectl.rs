//! The reader against what kubectl reads: testdata/yaml, a pair of files a case.
#![expect(clippy::disallowed_methods, reason = "reads cases and, with UPDATE_EXPECT, writes them")]
#![expect(clippy::unwrap_used, reason = "a test stops where its files or answers are not as expected")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thalweg_yaml::{Limits, read};

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/yaml");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    cases.sort();
    cases
}

fn check(path: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let read = read(name, &fs::read(path).unwrap(), &Limits::default());
    let error_path = path.with_extension("error");
    if error_path.exists() {
        let message = match read {
            Ok(documents) => return Err(format!("kubectl refuses it, read as {}", documents[0].root.to_json())),
            Err(error) => format!("{error}\n"),
        };
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&error_path, &message).unwrap();
        }
        let expected = fs::read_to_string(&error_path).unwrap();
        return if message == expected { Ok(()) } else { Err(format!("expected {expected}, answered {message}")) };
    }
    let documents = read.map_err(|error| error.to_string())?;
    let mut ours = documents[0].root.to_json();
    let mut expected: Value = serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap()).unwrap();
    for value in [&mut ours, &mut expected] {
        value.as_object_mut().unwrap().remove("metadata");
        *value = large_integers_as_floats(value.take());
    }
    let expected = expected.as_object().unwrap();
    for (key, value) in ours.as_object().unwrap() {
        if expected.get(key) != Some(value) {
            let expected = expected.get(key).map(Value::to_string).unwrap_or_default();
            return Err(format!("{key}: expected {expected}, answered {value}"));
        }
    }
    if expected.len() == ours.as_object().unwrap().len() { Ok(()) } else { Err("fields are missing".to_owned()) }
}

/// Go reads an integer above 2⁶³ as a float and may write it without an exponent.
fn large_integers_as_floats(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(large_integers_as_floats).collect(),
        Value::Object(entries) => {
            Value::Object(entries.into_iter().map(|(key, value)| (key, large_integers_as_floats(value))).collect())
        }
        other => other,
    }
}

#[test]
fn every_case_reads_as_kubectl_reads_it() {
    let cases = cases();
    assert!(cases.len() > 40, "testdata/yaml holds only {} cases", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|path| check(path).err().map(|why| format!("{}: {why}", path.file_name().unwrap().display())))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
