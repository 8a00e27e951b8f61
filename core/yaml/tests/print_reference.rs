//! The printers against kustomize and go-yaml themselves, on random trees.
#![expect(clippy::print_stdout, reason = "says how many cases were printed and how many refused")]
#![expect(
    clippy::disallowed_methods,
    reason = "starts the reference program; the number of cases is an argument of the run"
)]

#[path = "../../../tests/reference/program.rs"]
mod reference;
mod tree;

use std::fmt::Debug;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use thalweg_yaml::Limits;
use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag, go_json, write};
use thalweg_yaml::print;
use tree::{STYLES, TAGS, node_of};

/// tests/reference/print, running.
struct Reference {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Reference {
    fn start() -> Self {
        let program = reference::program("reference-print");
        let mut child = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        Self { child, input, output }
    }

    /// Asks one question: `Y`, `T` or `V`.
    fn ask(&mut self, letter: u8, text: &str) -> Answer {
        let length = u32::try_from(text.len()).expect("a short text").to_be_bytes();
        let request = [&[letter], length.as_slice(), text.as_bytes()].concat();
        self.input.write_all(&request).expect("the program reads");
        self.input.flush().expect("the program reads");
        let mut length = [0; 4];
        self.output.read_exact(&mut length).expect("the program answers");
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.output.read_exact(&mut body).expect("the program answers");
        Answer(serde_json::from_slice(&body).expect("an answer is JSON"))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program said.
struct Answer(Value);

impl Answer {
    /// A text, or why there is none.
    fn get(&self, name: &str) -> Result<&str, &str> {
        let error = self.0[format!("{name}Error").as_str()].as_str().or(self.0["error"].as_str());
        error.map_or_else(|| Ok(self.0[name].as_str().unwrap_or_default()), Err)
    }
}

/// The tree of a node.
fn tree_of(node: &Node) -> Value {
    let mut tree = serde_json::json!({ "kind": "scalar" });
    match &node.content {
        Content::Scalar(text) => tree["value"] = text.as_str().into(),
        Content::Sequence(items) => {
            tree["kind"] = "sequence".into();
            tree["content"] = items.iter().map(tree_of).collect();
        }
        Content::Mapping(fields) => {
            tree["kind"] = "mapping".into();
            tree["content"] = fields.iter().flat_map(|field| [tree_of(&field.key), tree_of(&field.value)]).collect();
        }
    }
    let tag = TAGS.iter().find(|(tag, _)| *tag == node.tag).map_or(node.custom_tag(), |(_, name)| name);
    tree["tag"] = tag.into();
    tree["tagged"] = node.tagged.into();
    tree["style"] = STYLES.iter().find(|(style, _)| *style == node.style).map_or("", |(_, name)| name).into();
    if let Some(comments) = node.comments() {
        tree["head"] = comments.head.as_str().into();
        tree["line"] = comments.line.as_str().into();
        tree["foot"] = comments.foot.as_str().into();
    }
    tree
}

/// Numbers that look random (xorshift), from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap_or_default() % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Texts that some rule is about.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "", "a", "b", "name", "y", "n", "yes", "No", "on", "OFF", "true", "False", "null", "Null", "~", "<<", "=", "-",
    "--", "---", "...", "--- a", "?", ": ", ":", "a: b", "a:b", "a #b", "a#b", "#", "# a", "- a", "-a", "? a", "?a",
    "! a", "!a", "&a", "*a", "|", ">", "%", "@", "`", "'", "\"", "a'b", "a\"b", "a\\b", ",", "a,b", "[", "]", "[]",
    "{}", "{a}", "a{b", "1", "0", "-1", "+1", "007", "08", "0o17", "0o-7", "0x1F", "0X1f", "-0x1", "0b101", "0b-1",
    "-0b1", "1_000", "_1", "1.5", "1.50", ".5", ".5_0", "5.", "1e3", "1E-7", "1e400", "-1e-400",
    "1.2345678912345679e8", "123456.5", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1e19", "1e20", "1e21", "1e22", "-0",
    "-0.0", "0.000001", "0.0000001", ".inf", "-.INF", "+.inf", ".nan", ".", "+", "1:30", "1:60", "-1:30:59.5",
    "1:2:3:4", "190:20:30", "2001-12-14", "2001-12-14T21:59:43.10-05:00", "2001-12-14t21:59:43Z",
    "2001-12-14 21:59:43.1", "2001-12-14 21:59:43,25", "2001-2-3", "2001-02-29", "2001-12-14T21:59:43+24:00",
    "2001-12-14T21:59:43+01:60", "2001-12-14T21:59:43.1234567890123Z", "é", "中文", "😀", "a😀", "\u{feff}",
    "\u{feff}a b", "a\u{feff}", "\u{85}", "a\u{85}b", "a \u{85} b", "a\u{85}\u{85}b", "\u{85}--- a", "\u{2028}",
    "a\u{2028}b", "a \u{2028}b", "a\u{2029} b", "\u{2028}\n", "a\n\u{2028}b", "a\u{2028}\nb\n", "\u{a0}", "a\u{a0}b",
    "\u{7f}", "\u{80}", "\u{9f}", "\u{fffd}", "\u{fffe}", "\0", "\u{1}", "\u{1b}", "\t", "\ta", "a\tb", "a\t", "\r",
    "a\rb", "a\r\nb", "\n", "\n\n", "a\n", "a\n\n", "a\nb", "\na", "\n a", " \na", "a \nb", "a\n b", "a\n\n b\n",
    "a\n  b\nc\n", " a\nb", "a\n\tb\n", "\ta\nb\n", "a\n\n\nb\n\n\n", "a\nb\n c\n\n d\ne\n\n", "\n\na\n b\n", "a\n\n",
    "a ", " a", " ", "  ", "a  b", "aGVsbG8=", "/w==", "/x==", "YWJj\nZGVm\n", "/////w==", "$(A)", "${a}", "<a>&b",
];

const LONG: &[&str] = &["wordwordword", "x", "\"", "'", "1", "é", " ", "  ", ": ", " #", "\\", "中"];

fn text(random: &mut Random) -> String {
    match random.below(12) {
        0..7 => random.pick(WORDS).to_owned(),
        7 => (0..random.below(4)).map(|_| random.pick(WORDS)).collect(),
        8 => (0..random.below(4)).map(|_| random.pick(WORDS)).collect::<Vec<_>>().join("\n"),
        9 => (0..random.below(60))
            .map(|_| [random.pick(LONG), random.pick(&[" ", "", " ", "\n", "  "])].concat())
            .collect(),
        10 => (0..random.below(40)).map(|_| [random.pick(LONG), " "].concat()).collect(),
        _ => (0..random.below(9)).map(|_| random.pick(&["\n", " ", "a", "b", "  ", "\n\n", "-", "#", ":"])).collect(),
    }
}

fn key_text(random: &mut Random) -> String {
    match random.below(8) {
        0..3 => format!(
            "{}{}",
            random.pick(&["a", "b", "a.", "A", "_", "é", "k-", "0", ""]),
            random.pick(&["", "1", "01", "2", "10", "0", "a", "-", "1a", "٣", "99999999999999999999"])
        ),
        3 => text(random),
        4 => "k".repeat(random.pick(&[127, 128, 129, 1020, 1022, 1023])),
        _ => format!("key{}", random.below(30)),
    }
}

fn comment(random: &mut Random) -> String {
    if random.one_in(4) {
        random.pick(&["# a", "#b", "# a\n# b", "# a: b", "#", "# 'x"]).to_owned()
    } else {
        String::new()
    }
}

fn decorate(random: &mut Random, node: &mut Node, commented: bool) {
    if commented && random.one_in(3) {
        let comments = node.comments_mut();
        comments.head = comment(random).into();
        comments.line = comment(random).replace('\n', " ").into();
        comments.foot = comment(random).into();
    }
}

/// How strange trees may be.
#[derive(Clone, Copy)]
struct Kind {
    commented: bool,
    /// Tags that do not fit, keys of all types.
    wild: bool,
}

fn scalar(random: &mut Random, kind: Kind, text: String) -> Node {
    let styles = [Style::Plain, Style::Plain, Style::SingleQuoted, Style::DoubleQuoted, Style::Literal, Style::Folded];
    let mut node = Node::scalar(text, Tag::Unset);
    node.style = random.pick(&styles);
    node.tag = match random.below(if kind.wild { 12 } else { 8 }) {
        0 => Tag::Unset,
        1..8 if node.style == Style::Plain => thalweg_yaml::kyaml::resolve(node.as_str().unwrap_or_default()),
        8 => random.pick(&[Tag::Null, Tag::Bool, Tag::Int, Tag::Float, Tag::Timestamp, Tag::Binary]),
        9 => {
            node.set_custom_tag(random.pick(&["!foo", "!a/b c", "tag:example.com:x", "!!foo"]));
            Tag::Custom
        }
        _ => Tag::Str,
    };
    node.tagged = kind.wild && node.tag != Tag::Unset && random.one_in(12) || node.tag == Tag::Custom;
    decorate(random, &mut node, kind.commented);
    node
}

fn value(random: &mut Random, kind: Kind, depth: usize) -> Node {
    let mut node = match random.below(if depth > 4 { 6 } else { 10 }) {
        0..6 => {
            let text = text(random);
            return scalar(random, kind, text);
        }
        6 | 7 => Node::sequence((0..random.below(4)).map(|_| value(random, kind, depth + 1)).collect()),
        _ => mapping(random, kind, depth),
    };
    if random.one_in(8) {
        node.style = Style::Flow;
    }
    if random.one_in(6) {
        node.tag = Tag::Unset;
    }
    decorate(random, &mut node, kind.commented);
    node
}

fn mapping(random: &mut Random, kind: Kind, depth: usize) -> Node {
    let mut fields: Vec<Field> = Vec::new();
    for _ in 0..random.below(7) {
        let text = key_text(random);
        if fields.iter().any(|field| field.key.as_str() == Some(&text)) && !random.one_in(60) {
            continue;
        }
        let mut key = if kind.wild || random.one_in(3) { scalar(random, kind, text) } else { Node::text(text) };
        if key.tag == Tag::Binary {
            key.tag = Tag::Str;
        }
        fields.push(Field { key, value: value(random, kind, depth + 1) });
    }
    Node::mapping(fields)
}

fn object(random: &mut Random, kind: Kind) -> Node {
    let mut node = mapping(random, kind, 0);
    let mut metadata =
        Node::mapping(vec![Field { key: Node::text("name"), value: scalar(random, kind, "x".to_owned()) }]);
    if random.one_in(3) {
        let mut annotations = mapping(random, kind, 4);
        annotations.style = random.pick(&[Style::Plain, Style::Plain, Style::Flow]);
        if let Some(fields) = annotations.fields_mut() {
            fields.push(Field { key: Node::text("config.kubernetes.io/index"), value: Node::text("1") });
        }
        metadata.set("annotations", annotations);
    }
    if random.one_in(9) {
        metadata.style = Style::Flow;
    }
    if !random.one_in(9) {
        node.set("metadata", metadata);
    }
    node
}

fn shorter(text: &str) -> String {
    text.chars().take(3000).collect()
}

/// What was compared, and what differed.
#[derive(Default)]
struct Comparison {
    equal: usize,
    refused: usize,
    failures: Vec<String>,
}

impl Comparison {
    fn take<E: Debug>(&mut self, what: &str, ours: Result<String, E>, expected: Result<&str, &str>, about: &str) {
        match (&ours, expected) {
            (Ok(ours), Ok(expected)) if ours == expected => self.equal += 1,
            (Err(_), Err(_)) => self.refused += 1,
            _ => {
                let (expected, ours) = (format!("{expected:?}"), format!("{ours:?}"));
                let equal = expected.chars().zip(ours.chars()).take_while(|(expected, ours)| expected == ours).count();
                let part = |text: &str| text.chars().skip(equal.saturating_sub(200)).take(600).collect::<String>();
                self.failures.push(format!(
                    "{what}: expected {}\nanswered {}\n{}",
                    part(&expected),
                    part(&ours),
                    shorter(about)
                ));
            }
        }
    }

    fn objects(&mut self, node: &Node, answer: &Answer, again: impl FnMut() -> Answer, about: &str) {
        let mut printed = String::new();
        let object = print::object(node, &mut printed).map(|()| printed);
        // go-yaml's order has cycles (`02`, `0a`, `1`), in which the order of its output is random.
        let answers = || std::iter::repeat_with(again).take(40);
        let differs = |answer: &Answer| answer.get("object").ok() != object.as_deref().ok();
        let answer = &if differs(answer) { answers().find(|answer| !differs(answer)) } else { None }
            .unwrap_or(Answer(answer.0.clone()));
        self.take("object", object, answer.get("object"), about);
        let json = go_json(node).map(|json| json.replace('\u{fffd}', "\\ufffd"));
        let expected = answer.get("json").map(|json| json.replace('\u{fffd}', "\\ufffd"));
        self.take("json", json, expected.as_deref().map_err(|error| *error), about);
    }
}

/// `PRINT_CASES` and `PRINT_FIRST` say how many cases and which.
fn compare(check: fn(&mut Reference, &mut Random, &mut Comparison)) {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let (cases, first) = (number("PRINT_CASES").unwrap_or(3000), number("PRINT_FIRST").unwrap_or(0));
    let mut reference = Reference::start();
    let mut comparison = Comparison::default();
    for case in first..first + cases {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (case + 1).wrapping_mul(0xd134_2543_de82_ef95));
        let before = comparison.failures.len();
        check(&mut reference, &mut random, &mut comparison);
        for failure in comparison.failures.iter_mut().skip(before) {
            failure.insert_str(0, &format!("case {case}: "));
        }
        if comparison.failures.len() > 8 {
            break;
        }
    }
    let Comparison { equal, refused, failures } = comparison;
    println!("{equal} equal, {refused} refused alike");
    assert!(failures.is_empty(), "{equal} equal, {refused} refused alike\n{}", failures.join("\n\n"));
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_objects_are_printed_as_kustomize_prints_them() {
    compare(|reference, random, comparison| {
        let kind = Kind { commented: false, wild: random.one_in(3) };
        let tree = tree_of(&object(random, kind)).to_string();
        let node = node_of(&serde_json::from_str(&tree).expect("it was written as JSON"));
        let answer = reference.ask(b'T', &tree);
        let text = write(&node);
        comparison.objects(&node, &answer, || reference.ask(b'T', &tree), &text);
        comparison.take::<()>("text", Ok(text), answer.get("text"), &tree);
    });
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_trees_with_comments_are_written_as_go_yaml_writes_them() {
    compare(|reference, random, comparison| {
        let kind = Kind { commented: true, wild: random.one_in(9) };
        let tree = tree_of(&object(random, kind));
        let text = write(&node_of(&tree));
        comparison.take::<()>(
            "text",
            Ok(text.clone()),
            reference.ask(b'T', &tree.to_string()).get("text"),
            &tree.to_string(),
        );
        // What was read has its comments where a reader puts them.
        let file = format!("apiVersion: v1\nkind: FooList\n{text}");
        let answer = reference.ask(b'Y', &file);
        if answer.0["tree"].is_object() {
            let node = node_of(&answer.0["tree"]);
            let text = write(&node);
            comparison.objects(&node, &answer, || reference.ask(b'Y', &file), &text);
            comparison.take::<()>("text", Ok(text), answer.get("text"), &answer.0["tree"].to_string());
        }
    });
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn random_values_are_printed_as_sigs_yaml_prints_them() {
    compare(|reference, random, comparison| {
        let kind = Kind { commented: false, wild: random.one_in(9) };
        let question = write(&value(random, kind, 0));
        let answer = reference.ask(b'V', &question);
        if let Ok(json) = answer.get("json") {
            let documents = thalweg_yaml::read("case", json.as_bytes(), &Limits::default());
            let mut text = String::new();
            let printed = documents.map_err(|error| error.to_string()).and_then(|documents| {
                print::value(&documents[0].root, &mut text).map_err(|error| error.to_string()).map(|()| text)
            });
            let differs = |answer: &Answer| answer.get("text").ok() != printed.as_deref().ok();
            let mut again = || (0..40).map(|_| reference.ask(b'V', &question)).find(|again| !differs(again));
            let answer = if differs(&answer) { again().unwrap_or(answer) } else { answer };
            comparison.take("value", printed, answer.get("text"), &question);
        }
    });
}
