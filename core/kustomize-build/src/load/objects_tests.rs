//! What kustomize v5.8.1 finds in files: every answer here is that of the command.

use super::*;

fn read(text: &str) -> Result<Vec<Resource>, Error> {
    objects("a.yaml", text.as_bytes(), &Limits::default())
}

/// Kinds, names and lines in order; or `refused`.
fn check(text: &str, expected: &str) {
    let answer = match read(text) {
        Ok(found) => {
            let shown = |found: &Resource| {
                let id = found.id();
                format!("{}/{}:{}", id.gvk.kind, id.name, found.place.position.line)
            };
            found.iter().map(shown).collect::<Vec<_>>().join(" ")
        }
        Err(_) => "refused".to_owned(),
    };
    assert_eq!(answer, expected, "{text}");
}

#[test]
fn documents_without_content_vanish() {
    check(
        "kind: A\nmetadata: {name: a}\n--- # c\nkind: B\nmetadata: {name: b}\n---   \n\n---\n# only\n---\nkind: C\nmetadata: {name: c}\n",
        "A/a:1 B/b:4 C/c:11",
    );
    check("[]\n---\n{}\n---\n~\n---\nkind: A\nmetadata: {name: a}\n", "A/a:7");
    check("", "");
    check("kind: A\nmetadata: {name: a}\n...\nkind: [\n", "A/a:1");
    for refused in ["kind: A\nmetadata: {name: a}\n----\nkind: B\n", "kind: A\nmetadata: {name: a}\n--- kind: B\n"] {
        check(refused, "refused");
    }
}

#[test]
fn an_object_needs_a_kind_and_a_name() {
    for refused in [
        "apiVersion: v1\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: A\nmetadata: {}\n",
        "apiVersion: v1\nkind: A\nmetadata: {name: null}\n",
        "apiVersion: v1\nkind: A\nmetadata: {name: {a: b}}\n",
        "apiVersion: v1\nkind: {a: b}\nmetadata: {name: a}\n",
        "foo\n",
        "- a\n",
        "\"\"\n",
    ] {
        check(refused, "refused");
    }
    check("kind: A\nmetadata: {name: a}\n", "A/a:1");
    check("apiVersion: v1\nkind: A\nmetadata: {name: 12}\n", "A/12:1");
    check("kind: FooList\n", "FooList/:1");
}

#[test]
fn a_list_that_is_alone_is_unwrapped_in_place() {
    let list = "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- null\n- {}\n\
        - {kind: BList, items: [{kind: C, metadata: {name: c}}]}\n- {kind: D, metadata: {name: d}}\n";
    check(list, "A/a:3 D/d:7 C/c:6");
    check("kind: List\nitems: {a: b}\n", "refused");
    check("kind: List\nitems: {}\n", "");
    check("kind: List\nitems: foo\n", "");
    check("kind: ResourceList\nfunctionConfig: {a: b}\n", "");
}

#[test]
fn lists_among_others_are_expanded_behind_them() {
    check(
        "kind: FooList\nitems:\n- {kind: A, metadata: {name: a}}\n- kind: List\n  items:\n  - {kind: X, metadata: {name: x}}\n  \
         - {kind: BList, items: [{kind: B, metadata: {name: b}}]}\n- {kind: C, metadata: {name: c}}\n---\n\
         kind: Z\nmetadata: {name: z}\n---\nkind: VList\nitems: [{kind: V, metadata: {name: v}}]\n",
        "Z/z:10 A/a:3 X/x:6 C/c:8 V/v:14 B/b:7",
    );
    check("kind: FooList\nmetadata: {name: x}\n", "FooList/x:1");
    check("kind: FooList\nitems: null\n", "");
    check("kind: FooList\n1: a\nitems: [{kind: A, metadata: {name: a}}]\n", "A/a:3");
    for refused in [
        "kind: FooList\nitems: foo\n",
        "kind: FooList\nitems: {a: b}\n",
        "kind: FooList\nitems: [foo]\n",
        "kind: FooList\nitems: [{kind: A}]\n",
        "kind: FooList\nitems: [{kind: A, metadata: {name: a}, d: .inf}]\n",
        "kind: FooList\nitems: [{kind: A, metadata: {name: a}, d: {1: b}}]\n",
        "kind: FooList\nitems: [{kind: A, metadata: {name: a}, d: b, d: c}]\n",
    ] {
        check(refused, "refused");
    }
}

#[test]
fn what_a_list_holds_is_written_as_json_writes_it() {
    let text = "kind: AList\nitems: [{kind: A, s: abc, number: 5, metadata: {name: a}, l: [x, true, ~, 1e22, 1e3, 1e-9, 0x1F, 017, yes, 2001-12-14]}]\n";
    let object = read(text).unwrap().remove(0).object;
    let keys: Vec<_> = object.fields().iter().filter_map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["kind", "l", "metadata", "number", "s"]);
    assert_eq!(object.get("s").unwrap().style, kyaml::Style::DoubleQuoted);
    assert_eq!(object.get("number").unwrap().style, kyaml::Style::Plain);
    let items: Vec<_> = object.get("l").unwrap().items().iter().filter_map(Node::as_str).collect();
    assert_eq!(items, ["x", "true", "null", "1e+22", "1000", "1e-9", "31", "15", "yes", "2001-12-14T00:00:00Z"]);
}

#[test]
fn a_refusal_names_the_line_of_the_whole_file() {
    let text = "kind: A\nmetadata: {name: a}\n---\n\nkind: B\nmetadata: {}\n";
    let error = read(text).unwrap_err();
    assert_eq!(error.to_string(), "failed to decode Kubernetes YAML from a.yaml:5");
    let error = read("kind: A\nmetadata: {name: a}\n---\na: 1\n b: 2\n").unwrap_err();
    assert!(error.to_string().starts_with("failed to decode Kubernetes YAML from a.yaml:5:"), "{error}");
}

#[test]
fn comments_are_kept_where_one_may_be_a_schema() {
    for (text, kept) in [
        ("a: b # {\"type\": \"array\"}\n", true),
        ("##{\n", true),
        ("#  \t{\n", true),
        ("a: b # plain {}\n# other\n", false),
        ("a: {}\n", false),
        ("a: '#'\n", false),
    ] {
        assert_eq!(may_hold_schemas(text.as_bytes()), kept, "{text}");
    }
}

#[test]
fn an_object_may_ask_for_a_hash() {
    for (value, asked) in [("enabled", true), ("disabled", false)] {
        let annotation = format!("internal.config.kubernetes.io/needsHashSuffix: {value}");
        let text = format!("kind: ConfigMap\nmetadata: {{name: a, annotations: {{{annotation}}}}}\n");
        assert_eq!(read(&text).unwrap()[0].generated.needs_hash, asked);
    }
}
