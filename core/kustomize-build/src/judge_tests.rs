//! Asks kustomize's own packages: the program in tests/reference/merge2.

#[path = "../../../tests/reference/program.rs"]
mod reference;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use thalweg_yaml::kyaml::{Content, Field, Node, Style, Tag};

/// The running program.
pub(crate) struct Judge {
    program: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    #[expect(clippy::disallowed_methods, reason = "the reference tool is a program")]
    pub(crate) fn start() -> Self {
        let mut command = Command::new(reference::program("reference-merge2"));
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the judge starts");
        let questions = program.stdin.take().expect("it is piped");
        let answers = BufReader::new(program.stdout.take().expect("it is piped"));
        Self { program, questions, answers }
    }

    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").expect("the judge listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the judge answers");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{question}: {answer:?}: {error}"))
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

const TAGS: [(&str, Tag); 11] = [
    ("", Tag::Unset),
    ("!!null", Tag::Null),
    ("!!bool", Tag::Bool),
    ("!!int", Tag::Int),
    ("!!float", Tag::Float),
    ("!!str", Tag::Str),
    ("!!timestamp", Tag::Timestamp),
    ("!!binary", Tag::Binary),
    ("!!merge", Tag::Merge),
    ("!!seq", Tag::Sequence),
    ("!!map", Tag::Mapping),
];

const STYLES: [(&str, Style); 6] = [
    ("", Style::Plain),
    ("double", Style::DoubleQuoted),
    ("single", Style::SingleQuoted),
    ("literal", Style::Literal),
    ("folded", Style::Folded),
    ("flow", Style::Flow),
];

/// A node as the judge describes it.
pub(crate) fn node(tree: &Value) -> Node {
    let text = |key: &str| tree[key].as_str().unwrap_or_default();
    let content = || tree["content"].as_array().into_iter().flatten();
    let mut node = match text("kind") {
        "mapping" => {
            let children: Vec<Node> = content().map(node).collect();
            let pairs = children.chunks(2).map(|pair| Field { key: pair[0].clone(), value: pair[1].clone() });
            Node::mapping(pairs.collect())
        }
        "sequence" => Node::sequence(content().map(node).collect()),
        _ => Node::scalar(text("value"), Tag::Unset),
    };
    match TAGS.iter().find(|(name, _)| *name == text("tag")) {
        Some((_, tag)) => node.tag = *tag,
        None => node.set_custom_tag(text("tag")),
    }
    node.style = STYLES.iter().find(|(name, _)| *name == text("style")).expect("a style").1;
    node.tagged = tree["tagged"] == true;
    if ["head", "line", "foot"].iter().any(|key| !text(key).is_empty()) {
        let comments = node.comments_mut();
        comments.head = text("head").into();
        comments.line = text("line").into();
        comments.foot = text("foot").into();
    }
    node
}

/// How two nodes differ in what can be seen later: not in comments, nor in the order of fields, nor in how nothing is written.
pub(crate) fn difference(ours: &Node, theirs: &Node, path: &str) -> Option<String> {
    let differ = |what: &str| Some(format!("{path}: {what}:\nours   {}\ntheirs {}", shown(ours), shown(theirs)));
    let is_empty = matches!(ours.content, Content::Mapping(_) | Content::Sequence(_))
        && ours.fields().is_empty()
        && ours.items().is_empty();
    if !is_empty && (ours.style, ours.tagged) != (theirs.style, theirs.tagged) {
        return differ("style");
    }
    match (&ours.content, &theirs.content) {
        (Content::Scalar(one), Content::Scalar(other)) => match (one == other, ours.tag == theirs.tag) {
            (true, true) => None,
            (true, false) => differ("tag"),
            (false, _) => differ("text"),
        },
        (Content::Sequence(one), Content::Sequence(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other).enumerate();
            pairs.into_iter().find_map(|(index, (one, other))| difference(one, other, &format!("{path}[{index}]")))
        }
        (Content::Mapping(one), Content::Mapping(other)) if one.len() == other.len() => {
            let sorted = |fields: &[Field]| {
                let mut fields = fields.to_vec();
                fields.sort_by(|left, right| left.key.as_str().cmp(&right.key.as_str()));
                fields
            };
            sorted(one).iter().zip(&sorted(other)).find_map(|(one, other)| {
                let path = format!("{path}.{}", other.key.as_str().unwrap_or_default());
                difference(&one.key, &other.key, &path).or_else(|| difference(&one.value, &other.value, &path))
            })
        }
        _ => differ("content"),
    }
}

fn shown(node: &Node) -> String {
    let about = match (node.tag, node.style) {
        (Tag::Sequence | Tag::Mapping, Style::Plain) => String::new(),
        (tag, style) => format!("{tag:?}/{style:?}{} ", if node.tagged { "!" } else { "" }),
    };
    match &node.content {
        Content::Scalar(text) => format!("{about}{text:?}"),
        Content::Sequence(items) => format!("{about}[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Content::Mapping(fields) => {
            let field = |field: &Field| format!("{}: {}", shown(&field.key), shown(&field.value));
            format!("{about}{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("64 bits") % end.max(1)
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}
