//! The readers against those of Go (tests/reference/yaml): the cases in testdata, and texts made of them at random.
#![expect(clippy::disallowed_methods, reason = "reads cases, and starts the Go helper")]
#![expect(clippy::unwrap_used, reason = "a test stops where its files or answers are not as expected")]
#![expect(clippy::print_stderr, reason = "says what was compared")]

#[path = "../../../tests/reference/program.rs"]
mod reference;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use thalweg_yaml::kyaml::{self, Content, Node, Piece, ReadOptions, Scalar, Style, Tag};
use thalweg_yaml::{Error, Limits, Reason};

/// A process of the Go helper; a new one where a text brought the last one down.
struct Reference {
    program: PathBuf,
    mode: &'static str,
    process: Child,
}

/// What the helper answered.
enum Answer {
    Value(Value),
    Error(String),
    /// The text brought it down.
    Crash,
}

impl Reference {
    fn new(mode: &'static str) -> Self {
        let program = reference::program("reference-yaml");
        Self { process: start(&program, mode), program, mode }
    }

    fn ask(&mut self, text: &[u8]) -> Answer {
        match self.exchange(text) {
            Ok(answer) => match answer.split_first().unwrap() {
                (b'+', json) => Answer::Value(serde_json::from_slice(json).unwrap()),
                (_, message) => Answer::Error(String::from_utf8_lossy(message).into_owned()),
            },
            Err(_) => {
                self.process.wait().unwrap();
                self.process = start(&self.program, self.mode);
                Answer::Crash
            }
        }
    }

    fn exchange(&mut self, text: &[u8]) -> std::io::Result<Vec<u8>> {
        let input = self.process.stdin.as_mut().unwrap();
        input.write_all(&u32::try_from(text.len()).unwrap().to_be_bytes())?;
        input.write_all(text)?;
        input.flush()?;
        let output = self.process.stdout.as_mut().unwrap();
        let mut length = [0; 4];
        output.read_exact(&mut length)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        output.read_exact(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn start(program: &Path, mode: &str) -> Child {
    let mut command = Command::new(program);
    command.arg(mode).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The YAML files below some folders of testdata, and those of a folder named in the environment.
fn corpus() -> Vec<Vec<u8>> {
    let mut folders = vec![repository().join("testdata/yaml"), repository().join("testdata/kustomize")];
    folders.extend(std::env::var_os("YAML_CORPUS").map(PathBuf::from));
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => folders.push(path),
                Some("yaml" | "yml" | "json") => texts.push(fs::read(path).unwrap()),
                _ => {}
            }
        }
    }
    texts
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.throw(from.len())]
    }
}

const WORDS: [&str; 94] = [
    "- ",
    "-",
    ": ",
    ":",
    "? ",
    "?",
    "# c\n",
    " # line\n",
    "#",
    "\n",
    "\n",
    "\n\n",
    "\n  ",
    "\n    ",
    " ",
    "  ",
    "\t",
    "&a ",
    "*a",
    "*a ",
    "&b ",
    "*b",
    "!!str ",
    "!!int ",
    "!t ",
    "! ",
    "!<x> ",
    "!!",
    "|\n",
    "|-\n",
    "|+\n",
    "|2\n",
    ">\n",
    ">-\n",
    ">+\n  ",
    "'",
    "'",
    "\"",
    "\"",
    "''",
    "{",
    "}",
    "[",
    "]",
    ",",
    ", ",
    "{}",
    "[]",
    "<<: *a\n",
    "<<: [*a, *b]\n",
    "<<: ",
    "<<",
    "---\n",
    "--- ",
    "...\n",
    "%YAML 1.1\n",
    "%TAG ! t:\n",
    "\u{85}",
    "\u{2028}",
    "é",
    "\u{feff}",
    "\\",
    "\\n",
    "\\x41",
    "\\\n",
    "\\u00e9",
    "0x1F",
    "~",
    "null",
    "2001-01-01",
    "1_000",
    "0o7",
    "-0b-1",
    ".inf",
    "\r\n",
    "\r",
    "a",
    "b",
    "a: b",
    "b: ",
    "a:\n",
    "- a\n",
    "key: value\n",
    "\n# head\n",
    "\n\n# foot\n\n",
    "  # deep\n",
    "@",
    "`",
    "%",
    "=",
    "a b",
    "true",
    "1.5",
    "- - a\n",
];

/// A text of random words, or a stretch of a given one with random changes.
fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> String {
    const CHARACTERS_MAX: usize = 600;
    let mut text: Vec<char> = Vec::new();
    if dice.throw(3) > 0 {
        let whole = String::from_utf8_lossy(&corpus[dice.throw(corpus.len())]).into_owned();
        let lines: Vec<&str> = whole.split_inclusive('\n').collect();
        let from = dice.throw(lines.len());
        text.extend(lines[from..].iter().flat_map(|line| line.chars()).take(CHARACTERS_MAX));
    }
    let edits = if text.is_empty() { dice.throw(20) + 1 } else { dice.throw(6) };
    for _ in 0..edits {
        let at = if dice.throw(4) == 0 { text.len() } else { dice.throw(text.len() + 1) };
        match dice.throw(8) {
            0 if !text.is_empty() => {
                let end = (at + dice.throw(6)).min(text.len());
                text.drain(at..end);
            }
            1 if !text.is_empty() => {
                let end = (at + dice.throw(30)).min(text.len());
                let copy: Vec<char> = text[at..end].to_vec();
                let to = dice.throw(text.len() + 1);
                text.splice(to..to, copy);
            }
            _ => {
                let word = dice.pick(&WORDS);
                text.splice(at..at, word.chars());
            }
        }
    }
    text.into_iter().collect()
}

fn cases_max() -> usize {
    std::env::var("YAML_CASES").map_or(20_000, |cases| cases.parse().unwrap())
}

/// Compares every text of the corpus and many made of them; says all differences, the shortest texts first.
fn compare(mode: &'static str, mut difference: impl FnMut(&mut Reference, &str) -> Option<String>) {
    let mut reference = Reference::new(mode);
    let corpus = corpus();
    let seed = std::env::var("YAML_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ seed);
    let mut differences = Vec::new();
    let mut compared = 0;
    let given = corpus.iter().filter_map(|text| String::from_utf8(text.clone()).ok());
    let made = std::iter::repeat_with(|| mutated(&corpus, &mut dice)).take(cases_max());
    for text in given.chain(made) {
        // Of two byte order marks the second makes go-yaml lose the beginning of every line.
        if text.starts_with("\u{feff}\u{feff}") {
            continue;
        }
        compared += 1;
        differences.extend(difference(&mut reference, &text).map(|why| (text, why)));
    }
    eprintln!("{mode}: {compared} texts compared");
    differences.sort_by_key(|(text, _)| text.len());
    let shown: String = differences.iter().take(12).map(|(text, why)| format!("\n{text:?}\n  {why}")).collect();
    assert!(differences.is_empty(), "{} of {compared} texts differ:{shown}", differences.len());
}

fn tree(node: &Node) -> Value {
    let children: Vec<Value> = match &node.content {
        Content::Scalar(_) => Vec::new(),
        Content::Sequence(items) => items.iter().map(tree).collect(),
        Content::Mapping(fields) => fields.iter().flat_map(|field| [&field.key, &field.value]).map(tree).collect(),
    };
    let kind = match &node.content {
        Content::Scalar(_) => "scalar",
        Content::Sequence(_) => "sequence",
        Content::Mapping(_) => "mapping",
    };
    let style = match node.style {
        Style::Plain => "plain",
        Style::DoubleQuoted => "double",
        Style::SingleQuoted => "single",
        Style::Literal => "literal",
        Style::Folded => "folded",
        Style::Flow => "flow",
    };
    let comments = node.comments().cloned().unwrap_or_default();
    json!({
        "kind": kind, "tag": tag(node), "tagged": node.tagged, "style": style,
        "value": node.as_str().unwrap_or_default(), "line": node.position.line, "column": node.position.column,
        "head": comments.head.as_str(), "comment": comments.line.as_str(), "foot": comments.foot.as_str(),
        "children": children,
    })
}

fn tag(node: &Node) -> &str {
    match node.tag {
        Tag::Unset => "",
        Tag::Null => "!!null",
        Tag::Bool => "!!bool",
        Tag::Int => "!!int",
        Tag::Float => "!!float",
        Tag::Str => "!!str",
        Tag::Timestamp => "!!timestamp",
        Tag::Binary => "!!binary",
        Tag::Merge => "!!merge",
        Tag::Sequence => "!!seq",
        Tag::Mapping => "!!map",
        Tag::Custom => node.custom_tag(),
    }
}

/// The first place where two trees differ.
fn differing(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => theirs.iter().find_map(|(key, theirs)| {
            differing(&format!("{path}/{key}"), ours.get(key).unwrap_or(&Value::Null), theirs)
        }),
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => ours
            .iter()
            .zip(theirs)
            .enumerate()
            .find_map(|(index, (ours, theirs))| differing(&format!("{path}/{index}"), ours, theirs)),
        // serde_json reads the last digits of a float but nearly.
        (Value::Number(ours), Value::Number(theirs)) if is_near(ours.as_f64(), theirs.as_f64()) => None,
        _ => (ours != theirs).then(|| format!("{path}: ours {ours}, theirs {theirs}")),
    }
}

/// Whether kyaml changes a tree on load: it has an alias, or a key that is null or may merge.
fn is_expanded(tree: &Value) -> bool {
    let children = tree["children"].as_array().unwrap();
    let mut keys = children.iter().step_by(2).filter(|_| tree["kind"] == "mapping");
    tree["kind"] == "alias"
        || keys.any(|key| key["tag"] == "!!null" || key["tag"] == "!!merge" || key["value"] == "<<")
        || children.iter().any(is_expanded)
}

fn is_about_expanding(reason: &Reason) -> bool {
    matches!(reason, Reason::AnchorContainsItself(_) | Reason::NotMergeable | Reason::RepeatedMerge)
}

/// A tree with lines counted from where its piece begins.
fn in_its_piece(mut tree: Value, node: &Node, pieces: &[Piece<'_>]) -> Value {
    fn shift(tree: &mut Value, lines: u32) {
        tree["line"] = (tree["line"].as_u64().unwrap() - u64::from(lines)).into();
        tree["children"].as_array_mut().unwrap().iter_mut().for_each(|child| shift(child, lines));
    }
    let piece = pieces.iter().rfind(|piece| piece.first_line <= node.position.line).unwrap();
    shift(&mut tree, piece.first_line - 1);
    tree
}

fn is_near(ours: Option<f64>, theirs: Option<f64>) -> bool {
    ours.zip(theirs).is_some_and(|(ours, theirs)| ours == theirs || ((ours - theirs) / theirs).abs() < 1e-15)
}

/// Errors must be errors on both sides, and syntax errors the same ones.
fn differing_errors(error: &Error, message: &str) -> Option<String> {
    match &error.reason {
        Reason::Syntax { problem, .. } if !message.contains(problem) => {
            Some(format!("our error: {error}; theirs: {message}"))
        }
        _ => None,
    }
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn files_load_as_kyaml_loads_them() {
    let options = ReadOptions { comments: true, ..ReadOptions::default() };
    compare("kyaml", |reference, text| {
        let ours = kyaml::read("f", text.as_bytes(), &options);
        match (ours, reference.ask(text.as_bytes())) {
            (Ok(nodes), Answer::Value(Value::Array(theirs))) => {
                let pieces = kyaml::pieces("f", text.as_bytes(), &options.limits).unwrap();
                let ours = nodes.iter().map(|node| in_its_piece(tree(node), node, &pieces)).collect::<Vec<_>>();
                let theirs = theirs.into_iter().map(|mut tree| match tree["kind"].as_str() {
                    Some("document") => tree["children"][0].take(),
                    _ => tree,
                });
                differing("", &ours.into(), &theirs.collect())
            }
            (Err(error), Answer::Error(message)) => differing_errors(&error, &message),
            (Err(error), Answer::Crash) => match error.reason {
                Reason::AnchorContainsItself(_) => None,
                _ => Some(format!("a crash there, but {error} here")),
            },
            (Err(error), _) => Some(format!("ours: {error}")),
            (Ok(nodes), Answer::Error(message)) => Some(format!("theirs: {message}; ours: {nodes:?}")),
            (Ok(_), _) => Some("a crash there".to_owned()),
        }
    });
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn documents_are_the_trees_of_go_yaml_v3() {
    let options = ReadOptions { comments: true, ..ReadOptions::default() };
    compare("v3", |reference, text| {
        match (kyaml::parse("f", text.as_bytes(), &options), reference.ask(text.as_bytes())) {
            (Ok(None), Answer::Value(Value::Null)) => None,
            (Ok(Some(document)), Answer::Value(theirs)) if !is_expanded(&theirs) => {
                let ours = json!({
                    "head": document.head.as_str(), "foot": document.foot.as_str(), "children": [tree(&document.root)],
                });
                ["head", "foot", "children"].iter().find_map(|part| differing(part, &ours[*part], &theirs[*part]))
            }
            (Ok(Some(_)), Answer::Value(_)) => None,
            (Err(error), Answer::Error(message)) => differing_errors(&error, &message),
            (Err(error), Answer::Value(theirs)) if is_expanded(&theirs) && is_about_expanding(&error.reason) => None,
            (Err(error), _) => Some(format!("ours: {error}")),
            (ours, Answer::Error(message)) => Some(format!("theirs: {message}; ours: {ours:?}")),
            (ours, _) => Some(format!("ours: {ours:?}")),
        }
    });
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn documents_become_the_json_of_sigs_yaml() {
    compare("sigs", |reference, text| {
        let ours = thalweg_yaml::read_first("f", text.as_bytes(), &Limits::default());
        match (ours, reference.ask(text.as_bytes())) {
            (Ok(document), Answer::Value(theirs)) => {
                let ours = document.map_or(Value::Null, |document| document.root.to_json());
                differing("", &ours, &with_our_numbers(theirs))
            }
            (Err(error), Answer::Error(message)) => differing_errors(&error, &message),
            (Err(error), answer) => {
                let refused_here = matches!(
                    error.reason,
                    // Go refuses these as late as in JSON, when a repeated key may have replaced them.
                    Reason::LargeNumberAsKey(_)
                        | Reason::NullAsKey
                        | Reason::ControlCharacter(_)
                        | Reason::NotFinite(_)
                );
                let answer = if let Answer::Value(value) = answer { value.to_string() } else { "a crash".to_owned() };
                (!refused_here).then(|| format!("ours: {error}; theirs: {answer}"))
            }
            (Ok(_), Answer::Error(message)) => Some(format!("theirs: {message}")),
            (Ok(_), Answer::Crash) => Some("a crash there".to_owned()),
        }
    });
}

/// An integer above 2⁶³ is a float on the way.
fn with_our_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(with_our_numbers).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, with_our_numbers(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

#[test]
#[ignore = "asks the reference: `cargo xtask conformance --reference`"]
fn plain_scalars_mean_what_go_yaml_v3_takes_them_for() {
    const PARTS: [&str; 42] = [
        "0",
        "1",
        "7",
        "8",
        "9",
        "12",
        "2001",
        "-",
        "+",
        "_",
        ".",
        ":",
        "e",
        "E",
        "0x",
        "0X",
        "0b",
        "0o",
        "0O",
        "F",
        "T",
        "t",
        "Z",
        " ",
        "05",
        "30",
        "-01",
        "-12",
        ":30",
        ".5",
        ",5",
        "+01:00",
        "inf",
        "nan",
        "NaN",
        "~",
        "null",
        "true",
        "yes",
        "18446744073709551615",
        "9223372036854775808",
        "y",
    ];
    let mut reference = Reference::new("scalar");
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    for _ in 0..cases_max() {
        let mut text: String = (0..=dice.throw(6)).map(|_| dice.pick(&PARTS)).collect();
        if dice.throw(3) == 0 {
            text = format!("2001-{}-{}", dice.throw(14), dice.throw(33)) + &text;
        }
        let Answer::Value(theirs) = reference.ask(text.as_bytes()) else { panic!("no answer for {text:?}") };
        let ours = Node::scalar(text.as_str(), kyaml::resolve(&text));
        assert_eq!(theirs[0], tag(&ours), "{text:?}");
        let value = match kyaml::scalar(&text, ours.tag).unwrap() {
            Scalar::Null => "<nil>".to_owned(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Int(value) => value.to_string(),
            Scalar::UInt(value) => value.to_string(),
            Scalar::Float(value) if value.is_nan() => "NaN".to_owned(),
            Scalar::Float(value) if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
            Scalar::Float(value) => {
                assert_eq!(theirs[1].as_str().unwrap().parse(), Ok(value), "{text:?}");
                continue;
            }
            Scalar::Text(text) => text.into_owned(),
            Scalar::Timestamp(time) => time,
        };
        assert_eq!(theirs[1], value, "{text:?}");
    }
}
