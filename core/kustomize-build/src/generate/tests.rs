//! What kustomize v5.8.1 generates: every object, hash and refusal here is that of the command.

use thalweg_yaml::Position;
use thalweg_yaml::kyaml::Content;

use super::*;
use crate::kustomization::Kustomization;
use crate::load::Restriction;
use crate::load::tests::{Files, loader};

/// What the generators of a kustomization make, from files beside it.
fn generate(text: &str, tree: Files) -> Result<Vec<Resource>, Error> {
    let tree = tree.with("kustomization.yaml", text.as_bytes());
    let loader = loader(&tree, "", Restriction::Directory);
    let kustomization: Kustomization = loader.kustomization(None)?;
    let fields = &kustomization.fields;
    let options = fields.generator_options.as_ref();
    let mut made = Vec::new();
    for entry in fields.config_map_generator.iter() {
        made.push(config_map(entry, options, &loader, &kustomization.place(entry.position))?);
    }
    for entry in fields.secret_generator.iter() {
        made.push(secret(entry, options, &loader, &kustomization.place(entry.position))?);
    }
    for entry in fields.generators.iter() {
        let place = kustomization.place(entry.position);
        let (file, text) = loader.file(entry, &place)?;
        for object in crate::load::objects(&file, text, loader.limits())? {
            if let Some(configured) = Configured::of(&object)? {
                made.push(configured.generate(&loader)?);
            }
        }
    }
    Ok(made)
}

/// A node on one line: keys in order, texts as Rust shows them, with a mark for their style.
fn shown(node: &Node) -> String {
    match &node.content {
        Content::Scalar(text) if node.tag == Tag::Str => {
            let mark = match node.style {
                Style::Plain => "",
                Style::DoubleQuoted => "d",
                Style::SingleQuoted => "s",
                Style::Literal => "l",
                Style::Folded | Style::Flow => "?",
            };
            format!("{mark}{text:?}")
        }
        Content::Scalar(text) => text.to_string(),
        Content::Sequence(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Content::Mapping(fields) => {
            let mut fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{}: {}", field.key.as_str().unwrap_or_default(), shown(&field.value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn check(text: &str, tree: Files, expected: &[&str]) {
    let made = generate(text, tree).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let made: Vec<String> = made
        .iter()
        .map(|made| {
            let name = made.object.at(&["metadata", "name"]).and_then(Node::as_str).unwrap_or_default();
            let hash = match made.generated.needs_hash {
                true => format!("-{}", hash::of(made).unwrap()),
                false => String::new(),
            };
            let of_content = ["data", "binaryData"].map(|field| made.object.get(field).map(shown).unwrap_or_default());
            format!("{name}{hash} {}{}", of_content[0], of_content[1])
        })
        .collect();
    assert_eq!(made, expected, "{text}");
}

fn refusal(text: &str, tree: Files) -> String {
    match generate(text, tree) {
        Ok(_) => "made".to_owned(),
        Err(Error::Generator { problem, .. }) => problem.to_string(),
        Err(Error::CannotLoad { entry, obstacle, .. }) => format!("{entry}: {obstacle}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn literals_lose_one_pair_of_quotes_and_are_otherwise_kept() {
    check(
        r#"configMapGenerator: [{name: a, literals: ["a=<&>","d=tab\tx","e=\"q\\z","f=\u0001\b\f"]}]"#,
        Files::default(),
        &[r#"a-f278mc6h4d {a: "<&>", d: "tab\tx", e: "\"q\\z", f: "\u{1}\u{8}\u{c}"}"#],
    );
    check(
        r#"configMapGenerator: [{name: a, literals: ["e=","h='x'","j=a=b","k= x ","l=''x\"","q='","r=\"\""], options: {disableNameSuffixHash: true}}]"#,
        Files::default(),
        &[r#"a {e: "", h: "x", j: "a=b", k: " x ", l: "''x\"", q: "'", r: ""}"#],
    );
    for literal in ["=b", "b", ""] {
        let text = format!("configMapGenerator: [{{name: a, literals: ['a=b', '{literal}']}}]");
        assert_eq!(refusal(&text, Files::default()), "entry 2 of literals must be key=value");
    }
}

#[test]
fn files_are_called_by_their_name_or_their_key() {
    let tree = || Files::new(&[("x/y", "hello\n")]);
    for (file, made) in [
        ("x/y", "a-bgk5k8fhf9 {y: l\"hello\\n\"}"),
        ("k=x/y", "a-94t5b98ck8 {k: l\"hello\\n\"}"),
        ("./x/../x/y", "a-bgk5k8fhf9 {y: l\"hello\\n\"}"),
    ] {
        check(&format!("configMapGenerator: [{{name: a, files: ['{file}']}}]"), tree(), &[made]);
    }
    for (file, refused) in [
        ("=x/y", "'=x/y' of files has no key before the '='"),
        ("k=", "'k=' of files has no path behind the '='"),
        ("a=b=c", "'a=b=c' of files has a '=' in its key or its path"),
        ("x", "x: this is a directory, not a file"),
        ("k=no", "no: no such file or directory"),
        ("../up", "../up: the path leads outside of the source"),
    ] {
        assert_eq!(refusal(&format!("configMapGenerator: [{{name: a, files: ['{file}']}}]"), tree()), refused);
    }
}

#[test]
fn env_files_have_a_key_a_line() {
    let env =
        "\u{feff}A=1\n  B = 2 \n# c\n\n   \nC\nexport D=3\nE=\"q\"\r\n=x\n\u{a0}F=1\nG=é\n\n\u{feff}H=1\nI#x=2\nJ";
    let data = "A: d\"1\", B : d\" 2 \", C: \"\", E: \"\\\"q\\\"\", F: d\"1\", G: \"é\", I#x: d\"2\", J: \"\", \
                export D: d\"3\", \u{feff}H: d\"1\"";
    check(
        "configMapGenerator: [{name: a, envs: [e]}]",
        Files::new(&[("e", env)]),
        &[&format!("a-k8k266k78c {{{data}}}")],
    );
    let tree = Files::default().with("e", b"A=1\nG=\xff\n");
    assert_eq!(refusal("configMapGenerator: [{name: a, env: e}]", tree), "e:2 is not UTF-8");
}

#[test]
fn a_line_of_an_env_file_that_is_too_long_ends_it() {
    for (length, ending, keys) in [
        (65_535, "\n", 3),
        (65_535, "", 2),
        (65_536, "\n", 1),
        (65_536, "", 1),
        (65_534, "\r\n", 3),
        (65_535, "\r\n", 1),
    ] {
        let after = if ending.is_empty() { "" } else { "C=1\n" };
        let env = format!("A=1\nB={}{ending}{after}", "x".repeat(length - 2));
        let made = generate("configMapGenerator: [{name: a, envs: [e]}]", Files::new(&[("e", &env)])).unwrap();
        assert_eq!(made[0].object.get("data").unwrap().fields().len(), keys, "{length} {ending:?}");
    }
}

#[test]
fn what_is_not_utf8_is_binary_and_long_base64_has_lines() {
    let tree = || {
        Files::default().with("b", &[0xff; 51]).with("c", &[0xff; 52]).with("d", &[0xff; 53]).with("e", &[0xff; 105])
    };
    let slashes = |count: usize| "/".repeat(count);
    let (b, c) = (slashes(68), slashes(69) + "w\\n==\\n");
    let (d, e) = (slashes(70) + "\\n8=\\n", slashes(70) + "\\n" + &slashes(70) + "\\n");
    let data = format!("{{b: \"{b}\", c: l\"{c}\", d: l\"{d}\", e: l\"{e}\"}}");
    check(
        "configMapGenerator: [{name: a, files: [b,c,d,e]}]\nsecretGenerator: [{name: s, files: [b,c,d,e]}]\n\
         generatorOptions: {disableNameSuffixHash: true}",
        tree(),
        &[&format!("a {data}"), &format!("s {data}")],
    );
    let tree = Files::default().with("bin", &[0xff; 60]);
    let made = generate("configMapGenerator: [{name: b, files: [bin], literals: ['z=1']}]", tree).unwrap();
    assert_eq!(hash::of(&made[0]).unwrap(), "656m84gktf");
}

#[test]
fn a_secret_always_has_data_and_a_type() {
    check(
        "configMapGenerator: [{name: a}]\nsecretGenerator: [{name: b}, {name: s, literals: [a=b,c=d], type: kubernetes.io/x}]",
        Files::default(),
        &["a-6ct58987ht ", "b-46f8b28mk5 {}", "s-22mtbt9k2m {a: \"Yg==\", c: \"ZA==\"}"],
    );
    let made = generate("secretGenerator: [{name: b}, {name: c, type: x}]", Files::default()).unwrap();
    let kinds: Vec<_> = made.iter().filter_map(|made| made.object.get("type")?.as_str()).collect();
    assert_eq!(kinds, ["Opaque", "x"]);
}

#[test]
fn keys_are_not_repeated_and_generators_have_names() {
    let tree = || Files::new(&[("e", "A=1\n")]);
    for (text, refused) in [
        ("configMapGenerator: [{name: a, envs: [e], literals: [A=2]}]", "the key 'A' is repeated"),
        ("secretGenerator: [{name: a, literals: [A=2, A=2]}]", "the key 'A' is repeated"),
        ("configMapGenerator: [{literals: [a=b]}]", "it must have a name"),
        ("secretGenerator: [{literals: [a=b]}]", "it must have a name"),
        ("configMapGenerator: [{name: a, options: {labels: {'': x}}}]", "a key of its labels is empty"),
    ] {
        assert_eq!(refusal(text, tree()), refused);
    }
}

#[test]
fn options_of_the_kustomization_fill_what_an_entry_lacks() {
    let text = "generatorOptions: {labels: {a: g, c: g}, annotations: {x: g}, disableNameSuffixHash: true, immutable: true}\n\
        configMapGenerator:\n\
        - {name: a, behavior: merge, options: {labels: {a: l, b: l}, disableNameSuffixHash: false, immutable: false}}\n\
        - {name: \"123\", behavior: Merge, namespace: \"true\"}\n";
    let made = generate(text, Files::default()).unwrap();
    let shown: Vec<String> = made.iter().map(|made| shown(&made.object)).collect();
    assert_eq!(
        shown,
        [
            r#"{apiVersion: "v1", immutable: true, kind: "ConfigMap", metadata: {annotations: {x: s"g"}, labels: {a: s"l", b: s"l", c: s"g"}, name: "a"}}"#,
            r#"{apiVersion: "v1", immutable: true, kind: "ConfigMap", metadata: {annotations: {x: s"g"}, labels: {a: s"g", c: s"g"}, name: d"123", namespace: d"true"}}"#,
        ]
    );
    assert_eq!(made[0].generated, Generated { behavior: Behavior::Merge, needs_hash: false });
    assert_eq!(made[1].generated, Generated { behavior: Behavior::Unspecified, needs_hash: false });
    assert_eq!(made[1].place.position, Position { line: 4, column: 3 });
}

#[test]
fn values_that_yaml_1_1_reads_as_something_else_are_quoted() {
    for (value, style) in [
        ("abc", Style::Plain),
        ("true", Style::DoubleQuoted),
        ("2001-12-14", Style::Plain),
        ("1:30", Style::Plain),
        ("yes", Style::DoubleQuoted),
        ("12", Style::DoubleQuoted),
        (".inf", Style::DoubleQuoted),
        ("x\ny", Style::Literal),
        ("a: b", Style::DoubleQuoted),
        ("a: b: c", Style::Plain),
        ("", Style::Plain),
        (" x", Style::Plain),
        ("# c", Style::DoubleQuoted),
        ("1_000", Style::DoubleQuoted),
        ("0777", Style::DoubleQuoted),
        ("=", Style::Plain),
        ("<<", Style::Plain),
        (".nan", Style::DoubleQuoted),
        ("!!binary x", Style::Plain),
        ("~", Style::DoubleQuoted),
        ("...", Style::Plain),
        ("[a", Style::Plain),
        ("@x", Style::Plain),
        ("? a", Style::DoubleQuoted),
        ("- a", Style::DoubleQuoted),
        ("!x", Style::Plain),
        ("!!str 3", Style::Plain),
        ("1e3", Style::DoubleQuoted),
        ("0xg", Style::Plain),
        ("+1", Style::DoubleQuoted),
        (":", Style::Plain),
        ("&a b", Style::Plain),
        ("*a", Style::Plain),
        ("%a", Style::Plain),
        ("'x' y", Style::Plain),
    ] {
        assert_eq!(text(value).style, style, "{value}");
    }
}

#[test]
fn the_hash_is_of_the_content_as_json() {
    for (object, hash) in [
        (
            "kind: ConfigMap\nmetadata: {name: a}\ndata: {x: {\"y\": 1}, \"n\": 12345678901234567000, f: 1.5, g: 1e+22, l: [1, null, true], big: 9007199254740992}\n",
            "h9d9km99t2",
        ),
        ("kind: Secret\ndata: [1]\nstringData: {a: b}\ntype: 3\n", "gmc664fggh"),
        ("kind: ConfigMap\ndata: 5\nbinaryData: {}\n", "2gdhg8g2f5"),
        ("kind: ConfigMap\ndata: null\nbinaryData: null\n", "g886t7dd28"),
        ("kind: ConfigMap\ndata: {a: b}\nimmutable: true\n", "4h2mbtbbt6"),
        ("kind: ConfigMap\ndata: {x: \"\\u2028x<>&\"}\n", "29mckf4f9f"),
    ] {
        assert_eq!(hash::of(&object_of(object)).unwrap(), hash, "{object}");
    }
    assert!(hash::of(&object_of("kind: A\ndata: {a: b}\n")).is_err());
}

fn object_of(text: &str) -> Resource {
    let options = thalweg_yaml::kyaml::ReadOptions { limits: Limits::default(), comments: false };
    let object = thalweg_yaml::kyaml::read("a", text.as_bytes(), &options).unwrap().remove(0);
    Resource::new(object, crate::load::tests::somewhere())
}

#[test]
fn generators_may_stand_in_files() {
    let file = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: m, namespace: ns}\nliterals: [a=b]\n\
        env: nothing\nunknown: 3\n---\napiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: m}\nname: s\n\
        envs: [e]\n---\napiVersion: builtin\nkind: IAMPolicyGenerator\nmetadata: {name: i}\ncloud: gke\n\
        kubernetesService: {namespace: kn, name: \"12\"}\nserviceAccount: {name: gsa, projectId: p}\n";
    let made = generate("generators: [g]", Files::new(&[("g", file), ("e", "A=1\n")])).unwrap();
    let shown: Vec<String> = made.iter().map(|made| shown(&made.object)).collect();
    assert_eq!(
        shown,
        [
            r#"{apiVersion: "v1", data: {a: "b"}, kind: "ConfigMap", metadata: {name: "m", namespace: "ns"}}"#,
            r#"{apiVersion: "v1", data: {A: "MQ=="}, kind: "Secret", metadata: {name: "s"}, type: "Opaque"}"#,
            r#"{apiVersion: "v1", kind: "ServiceAccount", metadata: {annotations: {iam.gke.io/gcp-service-account: "gsa@p.iam.gserviceaccount.com"}, name: 12, namespace: "kn"}}"#,
        ]
    );
    assert!(made[0].generated.needs_hash && !made[2].generated.needs_hash);
    let named = "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: 7, labels: {a: 1}}\nLiterals: [a=b]\n";
    check("generators: [g]", Files::new(&[("g", named)]), &["7-4h2mbtbbt6 {a: \"b\"}"]);
}

#[test]
fn files_of_generators_are_read_loosely_but_their_texts_are_texts() {
    for (line, refused) in [
        ("literals: [1]", true),
        ("name: 3", true),
        ("namespace: 3", true),
        ("options: {labels: {a: 1}}", true),
        ("literals: 3", true),
        ("behavior: 3", true),
        ("other: 3", false),
    ] {
        let file = format!("apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {{name: a}}\n{line}\n");
        assert_eq!(generate("generators: [g]", Files::new(&[("g", &file)])).is_err(), refused, "{line}");
    }
    let cloud = "apiVersion: builtin\nkind: IAMPolicyGenerator\nmetadata: {name: i}\ncloud: aws\n";
    let refused = refusal("generators: [g]", Files::new(&[("g", cloud)]));
    assert_eq!(refused, "cloud provider 'aws' is not supported: only 'gke' is");
}
