//! Texts made to exhaust a reader or a printer: each is an answer or an error, in bounded heap, on the stack of a thread.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use peak_alloc::PeakAlloc;
use thalweg_yaml::kyaml::{self, ReadOptions};
use thalweg_yaml::{Limits, print, read};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Above the text.
const HEAP_BYTES_MAX: usize = 64 << 20;

const STACK_BYTES: usize = 2 << 20;

/// Heap is counted for the process, so one test runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a text in both dialects and prints what was read. `expected` is in what each reader answers: its error, or how many
/// documents there are.
fn check(name: &str, text: impl AsRef<[u8]>, expected: [&str; 2]) {
    let text = text.as_ref();
    let answers = || [json_like(name, text), kyaml_of(name, text)];
    let answers = thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, answers)
            .expect("a thread")
            .join()
            .expect(name)
    });
    for (answer, expected) in answers.iter().zip(expected) {
        assert!(answer.contains(expected), "{name}: expected {expected}, answered {answer}");
    }
}

fn json_like(name: &str, text: &[u8]) -> String {
    let limits = Limits::default();
    bounded(name, "read_first", || drop(thalweg_yaml::read_first("f", text, &limits)));
    let documents = match bounded(name, "read", || read("f", text, &limits)) {
        Ok(documents) => documents,
        Err(error) => return error.to_string(),
    };
    bounded(name, "print::value", || {
        let mut out = String::new();
        drop(documents.iter().try_for_each(|document| print::value(&document.root, &mut out)));
    });
    format!("{} documents", documents.len())
}

fn kyaml_of(name: &str, text: &[u8]) -> String {
    let options = ReadOptions { comments: true, ..ReadOptions::default() };
    bounded(name, "kyaml::parse", || drop(kyaml::parse("f", text, &options)));
    let nodes = match bounded(name, "kyaml::read", || kyaml::read("f", text, &options)) {
        Ok(nodes) => nodes,
        Err(error) => return error.to_string(),
    };
    bounded(name, "print::objects", || drop(print::objects(&nodes, &mut String::new())));
    bounded(name, "kyaml::to_value", || drop(nodes.iter().try_for_each(|node| kyaml::to_value(node).map(drop))));
    format!("{} documents", nodes.len())
}

fn bounded<T>(name: &str, what: &str, work: impl FnOnce() -> T) -> T {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let answer = work();
    let bytes = HEAP.peak_usage().saturating_sub(before);
    assert!(bytes <= HEAP_BYTES_MAX, "{name}: {what} needs {bytes} bytes");
    answer
}

fn laughs(item: &str) -> String {
    let mut text = format!("a0: &a0 {item}\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    text
}

fn keys(count: usize) -> String {
    (0..count).map(|key| format!("k{key}: 1, ")).collect()
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// Something within lists as deep as they may be.
fn deep(inner: &str) -> String {
    format!("a: {}{inner}{}\n", "[".repeat(250), "]".repeat(250))
}

#[test]
fn aliases_that_multiply_are_refused() {
    let _alone = alone();
    const REFUSED: [&str; 2] = ["excessive aliasing"; 2];
    check("billion laughs", laughs("lol"), REFUSED);
    check("long laughs", laughs(&"lol".repeat(1 << 18)), REFUSED);
    check("100,000 aliases", format!("a: &a 1\nb: [{}1]\n", "*a, ".repeat(99_999)), ["1 documents"; 2]);
    check("more aliases", format!("a: &a 1\nb: [{}1]\n", "*a, ".repeat(100_001)), REFUSED);
    check(
        "aliases as keys",
        format!("a: &a x\n{}", "*a : 1\n".repeat(100_000)),
        [REFUSED[0], "more than 500000 values"],
    );
    check("anchors", lines(100_000, |n| format!("- &a{n} {n}\n")), ["1 documents"; 2]);
    check("anchors in anchors", lines(250, |n| format!("&a{n} [")) + &"1, ".repeat(10_000), [""; 2]);
    check("an anchor in itself", "a: &a [*a]\n", ["anchor 'a' value contains itself"; 2]);
}

#[test]
fn merges_that_multiply_are_refused() {
    let _alone = alone();
    const REFUSED: [&str; 2] = ["excessive aliasing"; 2];
    let (few, many) = (keys(1000), keys(20_000));
    let merged = lines(10_000, |n| format!("b{n}: {{<<: *a}}\n"));
    check("one mapping merged often", format!("a: &a {{{few}}}\n{merged}"), REFUSED);
    let list = "*a, ".repeat(100_000);
    check("one mapping merged often at once", format!("a: &a {{{few}}}\nb: {{<<: [{list}]}}\n"), REFUSED);
    check("merges that add nothing", format!("a: &a {{{few}}}\nb: {{{few} <<: [{list}]}}\n"), REFUSED);
    let left = format!("a: &a {{x: 1}}\nb: &b {{<<: *a, {many}}}\nc: {{<<: *b}}\n");
    check("a merge that stays among many keys", left, ["1 documents"; 2]);
    check("a mapping merged into itself", "a: &a {<<: *a, b: 1}\n", ["contains itself", "1 documents"]);
}

#[test]
fn depth_is_an_error_and_not_the_end_of_the_stack() {
    let _alone = alone();
    const DEEP: usize = 100_000;
    const REFUSED: [&str; 2] = ["nested deeper than 256"; 2];
    check("lists", "[".repeat(DEEP), REFUSED);
    check("closed lists", "[".repeat(DEEP) + &"]".repeat(DEEP), REFUSED);
    check("mappings", "{a: ".repeat(DEEP), REFUSED);
    check("json", "{\"a\":".repeat(DEEP), REFUSED);
    check("dashes", "- ".repeat(DEEP), REFUSED);
    check("keys", "? ".repeat(DEEP), REFUSED);
    check("block mappings", lines(2000, |depth| format!("{}a:\n", " ".repeat(depth))), REFUSED);
    let level = |n| format!("a{}: &a{} {}*a{n}{}\n", n + 1, n + 1, "[".repeat(100), "]".repeat(100));
    check("depth by aliases", format!("a0: &a0 [1]\n{}", lines(11, level)), REFUSED);
    check("deep enough", "[".repeat(256) + &"]".repeat(256), ["1 documents"; 2]);
    check("mappings deep enough", format!("{}1{}", "{a: ".repeat(256), "}".repeat(256)), ["1 documents"; 2]);
}

#[test]
fn size_is_limited() {
    let _alone = alone();
    let mut scalar = b"a: ".to_vec();
    scalar.resize(50 << 20, b'x');
    check("a scalar of 50 MB", &scalar, ["f:1:1: the text is larger than 16777216 bytes"; 2]);
    scalar.truncate(15 << 20);
    check("a scalar of 15 MB", &scalar, ["1 documents"; 2]);
    check("a line of 10 MB", "x".repeat(10 << 20), ["1 documents"; 2]);
    check("a key of 10 MB", "x".repeat(10 << 20) + ": 1\n", ["mapping values are not allowed"; 2]);
    check("a comment of 10 MB", format!("a: 1 #{}", "x".repeat(10 << 20)), ["1 documents"; 2]);
    check("a number of 10 MB", "1".repeat(10 << 20), ["1 documents"; 2]);
    check("wide characters", format!("\"{}\"", "😀".repeat(3 << 20)), ["1 documents"; 2]);
    check("escapes", format!("\"{}\"", "\\0".repeat(7 << 20)), ["1 documents"; 2]);
    check("lines in quotes", format!("\"{}\"", "x\n".repeat(7 << 20)), ["1 documents"; 2]);
    check("lines of a text", format!("a: |\n{}", "  x\n".repeat(3 << 20)), ["1 documents"; 2]);
    check("documents", "---\n".repeat(1_000_000), ["more than 20000 documents"; 2]);
    check("values", format!("[{}]", "1,".repeat(499_000)), ["1 documents"; 2]);
    check("more values", format!("[{}]", "1,".repeat(500_000)), ["more than 500000 values"; 2]);
    let limits = Limits { nodes_max: 10, ..Limits::default() };
    let error = read("f", b"[1,2,3,4,5,6,7,8,9,0,1]", &limits).unwrap_err();
    assert_eq!(error.to_string(), "f:1:22: the text has more than 10 values");
}

#[test]
fn indentation_that_multiplies_a_text_is_refused_by_the_printer() {
    let _alone = alone();
    let print = |text: &str| {
        let documents = read("f", text.as_bytes(), &Limits::default()).expect("it is read");
        print::value(&documents[0].root, &mut String::new()).expect_err("it is too large").to_string()
    };
    for (name, text) in [
        ("items", deep(&"1,".repeat(400_000))),
        ("keys", deep(&format!("{{{}}}", keys(100_000)))),
        ("lines", deep(&format!("\"{}\"", "x\\n".repeat(1 << 20)))),
        ("words", deep(&format!("\"{}x\"", "x ".repeat(1 << 20)))),
    ] {
        check(name, &text, ["1 documents"; 2]);
        assert!(print(&text).ends_with("the printed text is larger than 16777216 bytes"), "{name}");
    }
}

#[test]
fn what_is_repeated_stays_linear() {
    let _alone = alone();
    const ONE: [&str; 2] = ["1 documents"; 2];
    check("one key", "a: 1\n".repeat(100_000), ONE);
    check("keys", lines(100_000, |n| format!("a{n}: 1\n")), ONE);
    check(
        "keys that are null",
        format!("{{{} <<: {{a: 1}}}}", "~: 1,".repeat(30_000)),
        ["null cannot be a key", "1 doc"],
    );
    check("tags", "- !!str a\n".repeat(100_000), ONE);
    check("tags of one's own", "- !a b\n".repeat(200_000), ONE);
    check("a long tag", format!("!{} a", "x".repeat(10 << 20)), ONE);
    let directives = lines(20_000, |n| format!("%TAG !a{n}! x\n"));
    check(
        "directives",
        format!("{directives}---\n{}", "- !a0!x 1\n".repeat(20_000)),
        ["1 documents", "document start"],
    );
    let directive = format!("%TAG !a! {}\n---\n", "x".repeat(1 << 20));
    let tags = "- !a!x 1\n".repeat(100_000);
    check("a long directive", format!("{directive}{tags}"), ["more than 500000 values", "document start"]);
    check("byte order marks", "\u{feff}".repeat(100_000), [""; 2]);
    check(
        "byte order marks of documents",
        "\u{feff}a: 1\n---\n".repeat(10_000),
        ["10001 documents", "10000 documents"],
    );
    check("items in unclosed lists", "[".repeat(250) + &"1,".repeat(200_000), ["did not find expected"; 2]);
    check("blank lines", "\n".repeat(1 << 20), ["0 documents"; 2]);
    check("spaces", format!("a:{}b", " ".repeat(1 << 20)), ONE);
    check("quotes", "\"a\" ".repeat(100_000), [""; 2]);
    check("comments", "# a\n".repeat(200_000), ["0 documents"; 2]);
    check("comments around items", "# a\n- b # c\n# d\n\n".repeat(50_000), ONE);
    check("comments behind blocks", "a:\n  b:\n    c: 1\n    # x\n  # y\n# z\n".repeat(20_000), ONE);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let _alone = alone();
    check("NUL", b"a: \0\n", ["control characters are not allowed: found U+0000"; 2]);
    check("no UTF-8", b"a: \xff", ["f:1:4: invalid UTF-8"; 2]);
    check("no UTF-8 at the end", [&b"a\n".repeat(5 << 20)[..], b"\xff"].concat(), ["f:5242881:1: invalid UTF-8"; 2]);
}

#[test]
fn a_text_without_a_last_line_end_is_an_answer_or_an_error() {
    let _alone = alone();
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
