//! Documents, positions and messages.

use thalweg_yaml::{Document, Limits, Node, read};

fn documents(text: &str) -> Result<Vec<Document>, String> {
    read("f.yaml", text.as_bytes(), &Limits::default()).map_err(|error| error.to_string())
}

fn check(text: &str, expected: &str) {
    let answer = match documents(text) {
        Ok(documents) => {
            documents.iter().map(|document| document.root.to_json().to_string()).collect::<Vec<_>>().join(" ")
        }
        Err(error) => error,
    };
    assert_eq!(answer, expected, "{text:?}");
}

#[test]
fn documents_are_read_one_after_another() {
    check("", "");
    check("# nothing\n", "");
    check("---\n# nothing\n", "null");
    check("a: 1\n---\nb: 2\n", r#"{"a":1} {"b":2}"#);
    check("---\na: 1\n--- # next\n\n---\nb: 2\n...\n---\nc: 3", r#"{"a":1} null {"b":2} {"c":3}"#);
    check("a: 1\r\n---\r\nb: 2\r\n", r#"{"a":1} {"b":2}"#);
    check("a: |\n  ---\n  b\n", r#"{"a":"---\nb\n"}"#);
}

#[test]
fn a_byte_order_mark_and_a_version_are_no_content() {
    check("\u{feff}a: 1\n", r#"{"a":1}"#);
    check("\u{feff}", "");
    check("a: 1\n---\n\u{feff}b: 2\n", r#"{"a":1} {"b":2}"#);
    check("%YAML 1.1\n---\na: 1\n", r#"{"a":1}"#);
    check("%TAG !e! tag:example.dev,2026:\n---\na: !e!b c\n", r#"{"a":"c"}"#);
    check("\u{ff01}", r#""！""#);
}

#[test]
fn text_that_kubernetes_readers_drop_or_refuse_is_an_error() {
    check("a: 1\n--- {b: 2}\n", "f.yaml:2:5: invalid document separator: begin the document on the line after ---");
    check("a: 1\n...\nb: 2\n", "f.yaml:3:1: did not find expected <document start>");
    check("a: &a 1\n---\nb: *a\n", "f.yaml:3:4: unknown anchor 'a' referenced");
}

#[test]
fn what_is_not_text_is_named_by_its_place() {
    let error = |text: &[u8]| read("f.yaml", text, &Limits::default()).unwrap_err().to_string();
    assert_eq!(error(b"a: 1\nb: \xff\n"), "f.yaml:2:4: invalid UTF-8: the text must be encoded as UTF-8");
    assert_eq!(error(b"\xff\xfea\0"), "f.yaml:1:1: invalid UTF-8: the text must be encoded as UTF-8");
    assert_eq!(error(b"a: 1\nb: \xc3\xa9\0\n"), "f.yaml:2:5: control characters are not allowed: found U+0000");
    assert_eq!(error(b"\x7f"), "f.yaml:1:1: control characters are not allowed: found U+007F");
}

#[test]
fn every_node_knows_where_it_begins() {
    let text = "# head\nkind: A\nspec:\n  é: [1, {b: c}]\n  text: |\n    x\n---\n- y\n";
    let documents = documents(text).unwrap();
    let root = &documents[0].root;
    let at = |node: &Node| node.position.to_string();
    assert_eq!(at(root), "2:1");
    assert_eq!(at(root.get("kind").unwrap()), "2:7");
    let spec = root.get("spec").unwrap();
    assert_eq!(at(spec), "4:3");
    assert_eq!(spec.entry("é").unwrap().position.to_string(), "4:3");
    let items = spec.get("é").unwrap().items().unwrap();
    assert_eq!(
        (at(&items[0]), at(&items[1]), at(items[1].get("b").unwrap())),
        ("4:7".into(), "4:10".into(), "4:14".into())
    );
    assert_eq!(at(spec.get("text").unwrap()), "5:9");
    assert_eq!(at(&documents[1].root), "8:1");
    assert_eq!(at(&documents[1].root.items().unwrap()[0]), "8:3");
}

#[test]
fn of_a_repeated_key_the_last_counts() {
    let documents = documents("a: 1\na: 2\n").unwrap();
    assert_eq!(documents[0].root.get("a").unwrap().position.to_string(), "2:4");
    assert_eq!(documents[0].root.entries().len(), 2);
}
