//! What kyaml holds after loading a file. Trees and errors over the whole range are compared in reference.rs; these are the
//! rules by name, with answers that kyaml 0.21.1 gave.

use proptest::prelude::*;
use thalweg_yaml::kyaml::{
    Content, Node, Piece, ReadOptions, Scalar, Style, Tag, parse, pieces, read, resolve, scalar,
};
use thalweg_yaml::{Limits, Reason};

fn nodes(text: &str) -> Result<Vec<Node>, String> {
    read("f", text.as_bytes(), &ReadOptions::default()).map_err(|error| error.to_string())
}

/// A tree in one line, every scalar as it is written.
fn flow(node: &Node) -> String {
    match &node.content {
        Content::Scalar(text) => text.to_string(),
        Content::Sequence(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Content::Mapping(fields) => {
            let fields = fields.iter().map(|field| format!("{}: {}", flow(&field.key), flow(&field.value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

fn check(text: &str, expected: &str) {
    let answer = match nodes(text) {
        Ok(nodes) => nodes.iter().map(flow).collect::<Vec<_>>().join(" "),
        Err(error) => error,
    };
    assert_eq!(answer, expected, "{text:?}");
}

#[test]
fn of_each_piece_the_first_document_counts_unless_it_is_empty() {
    check("", "");
    check("# nothing\n---\n---\nnull\n---\n~\n", "");
    check("---\na: 1\n---\n# c\nb: 2\n...\n}{\n", "{a: 1} {b: 2}");
    check("a: 1\n---", "{a: 1}");
    check("%YAML 1.1\n---\na: 1\n", "f:2:1: did not find expected <document start>");
    check("a: &a 1\n---\nb: *a\n", "f:3:4: unknown anchor 'a' referenced");
    check("a: |\n  x\r\n  y\r\n", "{a: x\ny\n}");
    check("\u{feff}a: 1\n---\n\u{feff}b: 2\n", "{a: 1} {b: 2}");
}

#[test]
fn aliases_become_copies_of_what_they_stand_for() {
    check("a: &a {x: [1]}\nb: *a\nc: [*a, *a]\n", "{a: {x: [1]}, b: {x: [1]}, c: [{x: [1]}, {x: [1]}]}");
    check("a: &a 1\nb: &a 2\nc: *a\n*a : d\n", "{a: 1, b: 2, c: 2, 2: d}");
    check("a: &a [*a]\n", "f:1:8: anchor 'a' value contains itself");
}

#[test]
fn what_is_merged_comes_behind_and_loses_against_what_is_there() {
    check("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a, z: 4}\n", "{a: {x: 1, y: 2}, b: {y: 3, z: 4, x: 1}}");
    check(
        "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b]}\n",
        "{a: {x: 1, y: 1}, b: {x: 2, z: 2}, c: {x: 1, z: 2, y: 1}}",
    );
    check("a: {<<: {x: 1}, y: 2}\n", "{a: {y: 2, x: 1}}");
    check("a: {\"<<\": 1, y: 2}\n", "{a: {y: 2}}");
}

#[test]
fn a_merge_within_what_is_merged_stays_a_field() {
    let text = "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n";
    check(text, "{a: {x: 1}, b: {y: 2, x: 1}, c: {z: 3, <<: {x: 1}, y: 2}}");
    let fields = nodes(text).expect(text)[0].get("c").expect("c").fields().to_vec();
    assert_eq!(fields[1].key.tag, Tag::Merge);
}

#[test]
fn what_cannot_be_merged_is_an_error_at_its_place() {
    let message = "map merge requires map or sequence of maps as the value";
    check("a: {<<: 1}\n", &format!("f:1:9: {message}"));
    check("a: &a 1\nb: {<<: *a}\n", &format!("f:2:9: {message}"));
    check("b:\n  <<: [{}, [{}]]\n", &format!("f:2:12: {message}"));
    let second = "duplicate merge key: a mapping can have one <<, with a list of what it merges";
    check("b:\n  <<: {}\n  <<: {}\n", &format!("f:3:3: {second}"));
}

#[test]
fn scalars_keep_text_tag_and_style() {
    let text = "[yes, \"1\", 'a', 0x1F, !!str 5, !t u, null, 1.50, 2001-01-01, {a: <<}]";
    let nodes = nodes(text).expect(text);
    let found: Vec<_> =
        nodes[0].items().iter().map(|item| (item.as_str(), item.tag, item.tagged, item.style)).collect();
    let expected = [
        (Some("yes"), Tag::Str, false, Style::Plain),
        (Some("1"), Tag::Str, false, Style::DoubleQuoted),
        (Some("a"), Tag::Str, false, Style::SingleQuoted),
        (Some("0x1F"), Tag::Int, false, Style::Plain),
        (Some("5"), Tag::Str, true, Style::Plain),
        (Some("u"), Tag::Custom, true, Style::Plain),
        (Some("null"), Tag::Null, false, Style::Plain),
        (Some("1.50"), Tag::Float, false, Style::Plain),
        (Some("2001-01-01"), Tag::Timestamp, false, Style::Plain),
        (None, Tag::Mapping, false, Style::Flow),
    ];
    assert_eq!(found, expected);
    assert_eq!(nodes[0].items()[5].custom_tag(), "!t");
}

#[test]
fn a_plain_scalar_means_what_yaml_1_2_and_some_of_1_1_say() {
    for (text, tag, value) in [
        ("yes", Tag::Str, Scalar::Text("yes".into())),
        ("on", Tag::Str, Scalar::Text("on".into())),
        ("true", Tag::Bool, Scalar::Bool(true)),
        ("", Tag::Null, Scalar::Null),
        ("0777", Tag::Int, Scalar::Int(511)),
        ("0o7", Tag::Int, Scalar::Int(7)),
        ("0b-1", Tag::Int, Scalar::Int(-1)),
        ("1_000", Tag::Int, Scalar::Int(1000)),
        ("18446744073709551615", Tag::Int, Scalar::UInt(u64::MAX)),
        ("08", Tag::Float, Scalar::Float(8.0)),
        ("+.inf", Tag::Float, Scalar::Float(f64::INFINITY)),
        ("1:30", Tag::Str, Scalar::Text("1:30".into())),
        ("2001-12-14t21:59:43.10-05:00", Tag::Timestamp, Scalar::Timestamp("2001-12-14T21:59:43.1-05:00".into())),
    ] {
        assert_eq!(resolve(text), tag, "{text}");
        assert_eq!(scalar(text, Tag::Unset), Ok(value), "{text}");
    }
    assert_eq!(scalar("1", Tag::Float), Ok(Scalar::Float(1.0)));
    assert_eq!(scalar("1", Tag::Str), Ok(Scalar::Text("1".into())));
    let reason = Reason::WrongTag { found: "!!str", text: "yes".into(), tag: "!!bool" };
    assert_eq!(scalar("yes", Tag::Bool), Err(reason));
}

#[test]
fn comments_are_kept_where_go_yaml_v3_finds_them_to_belong() {
    let options = ReadOptions { comments: true, ..ReadOptions::default() };
    let text = "# file\n\n# head\na: 1 # line\n# foot\n\nb:\n  # item\n  - c\n# end\n";
    let document = parse("f", text.as_bytes(), &options).expect(text).expect("content");
    assert_eq!((document.head.as_str(), document.foot.as_str()), ("# file", ""));
    let fields = document.root.fields();
    let (a, one) = (fields[0].key.comments().expect("a"), fields[0].value.comments().expect("1"));
    assert_eq!((a.head.as_str(), one.line.as_str(), a.foot.as_str()), ("# head", "# line", "# foot"));
    let c = fields[1].value.items()[0].comments().expect("c");
    assert_eq!(c.head, "# item");
    assert_eq!(fields[1].key.comments().expect("b").foot, "# end");
}

#[test]
fn positions_are_those_of_the_file() {
    let text = b"a: 1\r\n---\r\nb:\r\n  - c\r\n---\r\n\r\nd: [\r\n";
    let pieces = pieces("f", text, &Limits::default()).expect("three pieces");
    let options = ReadOptions::default();
    let read = |piece: &Piece<'_>| piece.read("f", &options).map_err(|error| error.to_string());
    let second = read(&pieces[1]).expect("a list").expect("content");
    let item = &second.get("b").expect("b").items()[0];
    assert_eq!((second.position.to_string(), item.position.to_string()), ("3:1".into(), "4:5".into()));
    let error = "f:8:1: did not find expected node content while parsing a flow node; quote a text that begins with {, [, } or ]";
    assert_eq!(read(&pieces[2]), Err(error.to_owned()));
}

#[test]
fn what_would_exhaust_a_reader_is_refused_by_name() {
    let refused = |name: &str, text: String, expected: &str| {
        let error = nodes(&text).expect_err(name);
        assert!(error.contains(expected), "{name}: {error}");
    };
    let laughs = |item: &str| {
        let level =
            |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
        format!("a0: &a0 {item}\n{}", (1..10).map(level).collect::<String>())
    };
    refused("laughs", laughs("lol"), "aliases expand to more than 100000 values");
    refused("long laughs", laughs(&"lol".repeat(1 << 18)), "aliases expand to more than 8388608 bytes");
    refused("aliases", format!("a: &a 1\nb: [{}1]\n", "*a, ".repeat(100_001)), "more than 100000 values");
    refused("lists", "[".repeat(100_000), "nested deeper than 256");
    refused("dashes", "- ".repeat(100_000), "nested deeper than 256");
    refused("mappings", "{a: ".repeat(100_000), "nested deeper than 256");
    let doubling =
        |level: usize| format!("a{level}: &a{level} {}*a{}{}\n", "[".repeat(100), level - 1, "]".repeat(100));
    refused(
        "depth by aliases",
        format!("a0: &a0 [1]\n{}", (1..12).map(doubling).collect::<String>()),
        "deeper than 256",
    );
    refused("text", format!("a: {}", "x".repeat(50 << 20)), "larger than 16777216 bytes");
    refused("documents", "a\n---\n".repeat(20_001), "more than 20000 documents");
    refused("values", format!("[{}]", "1,".repeat(500_000)), "more than 500000 values");
    refused("NUL", "a: \0\n".to_owned(), "f:1:4: control characters are not allowed: found U+0000");
    let merges: String = (0..10_000).map(|n| format!("b{n}: {{<<: *a}}\n")).collect();
    let keys: String = (0..1000).map(|n| format!("k{n}: 1, ")).collect();
    refused("merged maps", format!("a: &a {{{keys}}}\n{merges}"), "excessive aliasing");
    let nested: String = (0..200).map(|n| format!("{}a{n}: &a{n}\n", " ".repeat(n))).collect();
    assert!(nodes(&format!("{nested}{}b: *a199\n", " ".repeat(200))).is_err(), "an alias within what it stands for");
}

#[test]
fn large_texts_within_the_limits_are_read() {
    let answered = |text: String| nodes(&text).expect("within the limits").len();
    assert_eq!(answered(format!("a: &a 1\nb: [{}1]\n", "*a, ".repeat(99_998))), 1);
    assert_eq!(answered(format!("a: {}\n", "x".repeat(15 << 20))), 1);
    assert_eq!(answered(format!("a: \"{}\"\n", "x\\n".repeat(4 << 20))), 1);
    assert_eq!(answered(format!("a: |\n{}", "  x\n".repeat(3 << 20))), 1);
    assert_eq!(answered(format!("a: >\n{}", "  x\n\n".repeat(3 << 20))), 1);
    assert_eq!(answered("# c\n".repeat(3 << 20)), 0);
    assert_eq!(answered("\n".repeat(15 << 20)), 0);
    assert_eq!(answered("a: b\n".repeat(200_000)), 1);
    assert_eq!(answered("---\na: b\n".repeat(20_000)), 20_000);
}

/// The same tree with no comments.
fn without_comments(mut node: Node) -> Node {
    let children: Vec<Node> = match std::mem::replace(&mut node.content, Content::Scalar("".into())) {
        Content::Scalar(text) => {
            node.content = Content::Scalar(text);
            Vec::new()
        }
        Content::Sequence(items) => items,
        Content::Mapping(fields) => fields.into_iter().flat_map(|field| [field.key, field.value]).collect(),
    };
    let mut bare = Node::scalar(format!("{:?} {:?} {}", node.tag, node.style, flow(&node)), node.tag);
    bare.tagged = node.tagged;
    if !children.is_empty() {
        bare.content = Content::Sequence(children.into_iter().map(without_comments).collect());
    }
    bare
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_reads_the_same_with_comments_and_without(text in "([-:?,\\[\\]{}#&*!|>'\"%@<=~.0-9a-c\t\\\\\u{85}\u{feff}]| |\n|\n  |# c\n|- |a: |: ){0,40}") {
        let kept = read("f", text.as_bytes(), &ReadOptions { comments: true, ..ReadOptions::default() });
        let dropped = read("f", text.as_bytes(), &ReadOptions::default());
        match (kept, dropped) {
            (Ok(kept), Ok(dropped)) => {
                let bare = |nodes: Vec<Node>| nodes.into_iter().map(without_comments).collect::<Vec<_>>();
                prop_assert_eq!(bare(kept), bare(dropped));
            }
            (kept, dropped) => prop_assert_eq!(kept.map_err(|error| error.reason), dropped.map_err(|error| error.reason)),
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("f", &bytes, &ReadOptions { comments: true, ..ReadOptions::default() });
    }
}
