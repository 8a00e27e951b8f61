//! Texts made to exhaust a reader: each is an answer or an error, soon, without running out of stack or memory.
#![expect(clippy::disallowed_methods, reason = "measures what hostile input costs")]

use std::time::{Duration, Instant};

use thalweg_yaml::{Limits, read};

/// Ten times what is allowed, for a build without optimisation on a machine that does other things too.
const TIME_MAX: Duration = Duration::from_secs(10);

fn check(name: &str, text: &[u8], expected: &str) {
    let began = Instant::now();
    let answer = match read("f", text, &Limits::default()) {
        Ok(documents) => {
            let json: Vec<_> = documents.iter().map(|document| document.root.to_json()).collect();
            format!("{} documents", json.len())
        }
        Err(error) => error.to_string(),
    };
    assert!(answer.contains(expected), "{name}: expected {expected}, answered {answer}");

    assert!(began.elapsed() < TIME_MAX, "{name} took {:?}", began.elapsed());
}

fn laughs(item: &str) -> String {
    let mut text = format!("a0: &a0 {item}\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    text
}

#[test]
fn aliases_that_multiply_are_refused() {
    check("billion laughs", laughs("lol").as_bytes(), "excessive aliasing");
    check("long laughs", laughs(&"lol".repeat(1 << 18)).as_bytes(), "excessive aliasing");
    check(
        "a hundred thousand aliases",
        format!("a: &a 1\nb: [{}1]\n", "*a, ".repeat(99_999)).as_bytes(),
        "1 documents",
    );
    check("more aliases", format!("a: &a 1\nb: [{}1]\n", "*a, ".repeat(100_001)).as_bytes(), "excessive aliasing");
    let merges: String = (0..10_000).map(|n| format!("b{n}: {{<<: *a}}\n")).collect();
    let keys: String = (0..1000).map(|n| format!("k{n}: 1, ")).collect();
    check("merged maps", format!("a: &a {{{keys}}}\n{merges}").as_bytes(), "excessive aliasing");
    let nested: String = (0..250).map(|n| format!("&a{n} [")).collect();
    check("anchors in anchors", format!("{nested}{}", "1, ".repeat(10_000)).as_bytes(), "");
}

#[test]
fn depth_is_an_error_and_not_the_end_of_the_stack() {
    const DEEP: usize = 100_000;
    check("lists", "[".repeat(DEEP).as_bytes(), "nested deeper than 256");
    check("closed lists", format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP)).as_bytes(), "nested deeper than 256");
    check("mappings", "{a: ".repeat(DEEP).as_bytes(), "nested deeper than 256");
    check("json", "{\"a\":".repeat(DEEP).as_bytes(), "nested deeper than 256");
    check("dashes", "- ".repeat(DEEP).as_bytes(), "nested deeper than 256");
    check("keys", "? ".repeat(DEEP).as_bytes(), "nested deeper than 256");
    let block: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check("block mappings", block.as_bytes(), "nested deeper than 256");
    let mut doubling = "a0: &a0 [1]\n".to_owned();
    for level in 1..12 {
        doubling += &format!("a{level}: &a{level} {}*a{}{}\n", "[".repeat(100), level - 1, "]".repeat(100));
    }
    check("depth by aliases", doubling.as_bytes(), "nested deeper than 256");
    check("deep enough", format!("{}{}", "[".repeat(256), "]".repeat(256)).as_bytes(), "1 documents");
}

#[test]
fn size_is_limited() {
    let mut scalar = b"a: ".to_vec();
    scalar.resize(50 << 20, b'x');
    check("a scalar of 50 MB", &scalar, "f:1:1: the text is larger than 16777216 bytes");
    scalar.truncate(4 << 20);
    check("a scalar of 4 MB", &scalar, "1 documents");
    check("documents", "---\n".repeat(20_001).as_bytes(), "more than 20000 documents");
    let limits = Limits { nodes_max: 10, ..Limits::default() };
    let error = read("f", b"[1,2,3,4,5,6,7,8,9,0,1]", &limits).unwrap_err();
    assert_eq!(error.to_string(), "f:1:22: the text has more than 10 values");
}

#[test]
fn many_items_inside_many_lists_stay_linear() {
    check("items", format!("{}{}", "[".repeat(250), "1,".repeat(200_000)).as_bytes(), "did not find expected");
    check("blank lines", "\n".repeat(1 << 20).as_bytes(), "0 documents");
    check("spaces", format!("a:{}b", " ".repeat(1 << 20)).as_bytes(), "1 documents");
    check("quotes", "\"a\" ".repeat(100_000).as_bytes(), "");
    check("comments", "# a\n".repeat(200_000).as_bytes(), "0 documents");
}

#[test]
fn a_text_without_a_last_line_end_is_an_answer_or_an_error() {
    let limits = thalweg_yaml::Limits::default();
    for unfinished in ["\"\\", "a: \"b\\", "- [\"\\", "\"\\x", "\"\\u12", "'\\", "{!,"] {
        let error = thalweg_yaml::read("f", unfinished.as_bytes(), &limits).expect_err(unfinished);
        assert!(error.to_string().starts_with("f:"), "{error}");
    }
    // As kubectl 1.32 reads them.
    for (text, expected) in [
        ("a: b\\", "b\\"),
        ("a: |\n  b", "b\n"),
        ("a: |-\n  b\\", "b\\"),
        ("a: |+\n  b", "b\n"),
        ("a: >\n  b", "b\n"),
        ("a: >+\n  b", "b\n"),
    ] {
        let documents = thalweg_yaml::read("f", text.as_bytes(), &limits).expect(text);
        assert_eq!(documents[0].root.to_json(), serde_json::json!({"a": expected}), "{text:?}");
    }
}
