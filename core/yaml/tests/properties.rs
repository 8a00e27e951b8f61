//! Whatever JSON is written, in whatever style, reads back equal; whatever bytes are read, nothing panics.

use proptest::prelude::*;
use serde_json::{Map, Value};
use thalweg_yaml::{Limits, read};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite, with a fraction", |float| float.is_finite() && float.fract() != 0.0)
            .prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ -~\n\t]{0,40}".prop_map(Value::from),
        prop::sample::select(vec![
            "yes",
            "~",
            "0777",
            "1e3",
            "<<",
            "2001-12-14",
            ".inf",
            "- a",
            "a: b",
            "#",
            "---",
            "..."
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,12}", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// YAML's double quotes and JSON's agree but for characters that YAML wants escaped and escapes JSON writes as pairs.
fn flow(value: &Value) -> String {
    value.to_string().chars().fold(String::new(), |mut text, character| {
        match u32::from(character) {
            0x7f..=0x9f | 0xfeff | 0xfffe | 0xffff => text += &format!("\\u{:04x}", u32::from(character)),
            _ => text.push(character),
        }
        text
    })
}

fn block(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match value {
        Value::Array(items) if !items.is_empty() => {
            items.iter().fold(String::new(), |text, item| format!("{text}\n{pad}- {}", block(item, indent + 2)))
        }
        Value::Object(entries) if !entries.is_empty() => entries.iter().fold(String::new(), |text, (key, value)| {
            format!("{text}\n{pad}? {}\n{pad}: {}", flow(&key.as_str().into()), block(value, indent + 2))
        }),
        other => flow(other),
    }
}

fn read_back(text: &str) -> Result<Value, TestCaseError> {
    let documents = read("f", text.as_bytes(), &Limits::default())
        .map_err(|error| TestCaseError::fail(format!("{error} in {text}")))?;
    prop_assert_eq!(documents.len(), 1);
    Ok(documents[0].root.to_json())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_reads_back_equal(value in json()) {
        prop_assert_eq!(&read_back(&flow(&value))?, &value);
        prop_assert_eq!(&read_back(&block(&value, 0))?, &value);
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("f", &bytes, &Limits::default());
    }

    #[test]
    fn any_punctuation_is_an_answer_or_an_error(text in "[-:?,\\[\\]{}#&*!|>'\"%@`<=~.0-9a-c \n\t\\\\\u{85}\u{feff}]{0,60}") {
        if let Ok(documents) = read("f", text.as_bytes(), &Limits::default()) {
            for document in documents {
                document.root.to_json();
            }
        }
    }
}
