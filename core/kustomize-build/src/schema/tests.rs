//! The schemas against what kyaml answered, and against what `kustomize build` 5.8.1 did.

use thalweg_yaml::Position;
use thalweg_yaml::kyaml::{Comments, Node};

use super::*;
use crate::{Error, Place};

/// testdata/kustomize-tables/README.md tells how it was made.
const LOOKUPS: &str = include_str!("../../../../testdata/kustomize-tables/lookups.txt");

const STEPS_MAX: usize = 8;

fn visit<'a>(node: SchemaNode<'a>, path: &mut Vec<&'a str>, tell: &mut dyn FnMut(String)) {
    let keys: Vec<&str> = node.merge_keys().iter().map(|key| key.as_str()).collect();
    tell(format!("{}\t{}\t{}", path.join("."), node.patch_strategy(), keys.join(",")));
    if path.len() == STEPS_MAX {
        return;
    }
    let mut steps: Vec<&str> = node.steps();
    steps.push("[]");
    steps.sort_unstable();
    for step in steps {
        if let Some(next) = node.lookup(&[step]) {
            path.push(step);
            visit(next, path, tell);
            path.pop();
        }
    }
}

/// FNV-1a, as Go's hash/fnv has it.
fn digest(of: u64, line: &str) -> u64 {
    line.bytes().chain([b'\n']).fold(of, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn every_place_of_every_kind_is_merged_as_kyaml_merges_it() {
    let schemas = Schemas::builtin();
    let mut kinds = 0;
    for line in LOOKUPS.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let [api_version, kind, rest @ ..] = words.as_slice() else { panic!("{line}") };
        let node = schemas.of_type(api_version, kind).unwrap_or_else(|| panic!("no schema of {line}"));
        match rest {
            [scope @ ("namespaced" | "cluster" | "unknown"), places, expected] => {
                let (mut found, mut hash) = (0, 0xcbf2_9ce4_8422_2325);
                visit(node, &mut Vec::new(), &mut |line| {
                    found += 1;
                    hash = digest(hash, &line);
                });
                assert_eq!(format!("{found} {hash:016x}"), format!("{places} {expected}"), "{line}");
                let gvk = Gvk::new(api_version, kind);
                assert_eq!(is_cluster_scoped(gvk), *scope == "cluster", "{line}");
                assert_eq!(schemas.is_cluster_scoped(gvk), *scope == "cluster", "{line}");
                kinds += 1;
            }
            [path, strategy, keys] => {
                let path: Vec<&str> = path.split('.').collect();
                let found = node.lookup(&path).unwrap_or_else(|| panic!("no place for {line}"));
                assert_eq!(found.patch_strategy(), *strategy, "{line}");
                assert_eq!(found.merge_keys().join(","), *keys, "{line}");
            }
            _ => panic!("{line}"),
        }
    }
    assert!(kinds > 250);
}

#[test]
fn lists_merge_by_the_keys_of_their_kind() {
    let schemas = Schemas::builtin();
    let deployment = schemas.of(Gvk::new("apps/v1", "Deployment")).unwrap();
    let pod: &[&str] = &["spec", "template", "spec"];
    for (path, is_associative, keys) in [
        (&["containers"][..], true, "name"),
        (&["containers", "[]", "ports"], true, "containerPort,protocol"),
        (&["containers", "[]", "env"], true, "name"),
        (&["containers", "[]", "args"], false, ""),
        (&["volumes"], true, "name"),
        (&["tolerations"], false, ""),
        (&["topologySpreadConstraints"], true, "topologyKey,whenUnsatisfiable"),
        (&["nodeSelector", "anything"], false, ""),
    ] {
        let node = deployment.lookup(&[pod, path].concat()).unwrap();
        assert_eq!(
            (node.is_associative_list(), node.merge_keys().join(",")),
            (is_associative, keys.into()),
            "{path:?}"
        );
    }
    let finalizers = deployment.lookup(&["metadata", "finalizers"]).unwrap();
    assert!(finalizers.is_associative_list() && finalizers.merge_keys().is_empty());
    assert!(deployment.lookup(&["spec", "nothing"]).is_none());
    assert!(deployment.elements().is_none());
    for (api_version, kind) in [("apps/v1beta1", "Deployment"), ("/v1", "Pod"), ("batch/v2", "Job"), ("", "")] {
        assert!(schemas.of_type(api_version, kind).is_none(), "{api_version} {kind}");
    }
}

const OWN: &str = r##"{
  "definitions": {
    "x.Foo": {
      "properties": {
        "list": {"$ref": "#/definitions/x.List", "description": "not what is followed"},
        "pods": {"$ref": "#/definitions/io.k8s.api.core.v1.PodSpec"},
        "self": {"$ref": "#/definitions/x.Self"},
        "any": {"type": ["array", "null"], "items": {}}
      },
      "additionalProperties": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "a,merge"},
      "x-kubernetes-group-version-kind": [{"group": "x.io", "version": "v1", "kind": "Foo"}]
    },
    "x.List": {
      "type": "array",
      "items": {"$ref": "#/definitions/x.Foo/properties/list"},
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "other",
      "x-kubernetes-list-map-keys": ["id", "kind"]
    },
    "x.Self": {"$ref": "#/definitions/x.Self"}
  },
  "paths": {
    "/apis/x.io/v1/foos/{name}": {"get": {"x-kubernetes-group-version-kind": {"group": "x.io", "version": "v1", "kind": "Foo"}}},
    "/apis/x.io/v1/bars": {"get": {"x-kubernetes-group-version-kind": {"group": "x.io", "version": "v1", "kind": "Bar"}}},
    "/apis/x.io/v1/namespaces/{namespace}/bars": {"get": {"x-kubernetes-group-version-kind": {"group": "x.io", "version": "v1", "kind": "Bar"}}}
  }
}"##;

fn place() -> Place {
    Place { file: "kustomization.yaml".to_owned(), position: Position { line: 3, column: 1 } }
}

fn meet(schemas: &mut Schemas, version: Option<&str>, text: Option<&str>) -> Result<(), Error> {
    let file = text.map(|text| ("schema.json", text.as_bytes()));
    schemas.meet(&OpenApi { version, file, place: &place() })
}

fn merges_containers(schemas: &Schemas) -> bool {
    let deployment = schemas.of(Gvk::new("apps/v1", "Deployment"));
    let containers = deployment.and_then(|node| node.lookup(&["spec", "template", "spec", "containers"]));
    containers.is_some_and(SchemaNode::is_associative_list)
}

/// The first column is what happens before the schema is met, seen with a Deployment and its containers.
#[test]
fn a_schema_that_is_brought_replaces_the_builtin_one_unless_that_was_needed_before() {
    let custom = Gvk::new("x.io/v1", "Foo");
    type Before = fn(&Schemas, Gvk<&str>);
    let cases: [(&str, Before, bool); 4] = [
        ("nothing", |_, _| {}, false),
        ("an object of a builtin kind", |schemas, _| assert!(!schemas.is_cluster_scoped(Gvk::new("v1", "Pod"))), false),
        ("an object of another kind", |schemas, custom| assert!(!schemas.is_cluster_scoped(custom)), true),
        ("a merge", |schemas, _| assert!(schemas.of_type("v1", "ConfigMap").is_some()), true),
    ];
    for (what, before, expected) in cases {
        let mut schemas = Schemas::builtin();
        before(&schemas, custom);
        meet(&mut schemas, None, Some(OWN)).unwrap();
        assert_eq!(merges_containers(&schemas), expected, "after {what}");
        assert!(schemas.of(custom).is_some() && schemas.is_cluster_scoped(custom), "after {what}");
        assert_eq!(schemas.finish(), Ok(()));
    }
    let mut schemas = Schemas::builtin_and_brought();
    meet(&mut schemas, None, Some(OWN)).unwrap();
    assert!(merges_containers(&schemas) && schemas.of(custom).is_some());
    assert!(schemas.of(custom).unwrap().lookup(&["pods", "containers"]).unwrap().is_associative_list());
}

#[test]
fn the_upper_of_two_schemas_tells_a_definition_that_both_have() {
    let text = r#"{"definitions": {"io.k8s.api.core.v1.PodSpec": {"properties": {"mine": {}}}}}"#;
    let has_mine = |schemas: &Schemas| {
        let spec = schemas.of_type("v1", "Pod").and_then(|pod| pod.field("spec"));
        spec.is_some_and(|spec| spec.field("mine").is_some())
    };
    let mut added = Schemas::builtin_and_brought();
    meet(&mut added, None, Some(text)).unwrap();
    assert!(has_mine(&added), "a schema is read over the builtin one");
    let mut below = Schemas::builtin();
    assert!(!below.is_cluster_scoped(Gvk::new("x.io/v1", "Foo")));
    meet(&mut below, None, Some(text)).unwrap();
    assert!(!has_mine(&below), "the builtin schema is read over the one that made it wait");
}

#[test]
fn the_first_schema_counts_and_later_ones_are_not_looked_at() {
    let known = |schemas: &Schemas| schemas.of_type("x.io/v1", "Foo").is_some();
    let mut schemas = Schemas::builtin();
    meet(&mut schemas, None, None).unwrap();
    meet(&mut schemas, Some(""), None).unwrap();
    meet(&mut schemas, None, Some(OWN)).unwrap();
    meet(&mut schemas, Some("v9"), Some("")).unwrap();
    assert!(known(&schemas) && !merges_containers(&schemas));

    let mut schemas = Schemas::builtin();
    meet(&mut schemas, Some("v1.21.2"), None).unwrap();
    meet(&mut schemas, Some("v9"), Some(OWN)).unwrap();
    assert!(!known(&schemas) && merges_containers(&schemas));

    for (version, text, expected) in [
        (Some("v1.20.0"), None, "kustomization.yaml:3:1: the OpenAPI version \"v1.20.0\" is not built in; v1.21.2 is"),
        (
            Some("v1.21.2"),
            Some(OWN),
            "kustomization.yaml:3:1: openapi has both a version and a path: only one of them can be used",
        ),
    ] {
        assert_eq!(meet(&mut Schemas::builtin(), version, text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_schema_that_cannot_be_read_fails_the_build_that_needs_it() {
    for (text, expected) in [
        ("{", "schema.json: not an OpenAPI document: EOF while parsing an object at line 1 column 1"),
        ("", "schema.json: not an OpenAPI document: EOF while parsing a value at line 1 column 0"),
        ("- a", "schema.json: not an OpenAPI document: it must be a mapping"),
        (
            r#"{"definitions": {"a": {"properties": {"b": {"description": 5}}}}}"#,
            "schema.json: not an OpenAPI document: a.properties.b.description must be a text",
        ),
        (
            r#"{"definitions": {"a": {"additionalProperties": 5}}}"#,
            "schema.json: not an OpenAPI document: a.additionalProperties must be a schema, true or false",
        ),
    ] {
        let mut schemas = Schemas::builtin();
        meet(&mut schemas, None, Some(text)).unwrap();
        assert!(!schemas.is_cluster_scoped(Gvk::new("v1", "ConfigMap")));
        assert_eq!(schemas.finish(), Ok(()), "{text}");
        assert!(!schemas.is_cluster_scoped(Gvk::new("x.io/v1", "Foo")));
        assert_eq!(schemas.finish().unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_schema_that_is_brought_is_followed_through_its_references() {
    let mut schemas = Schemas::builtin();
    meet(&mut schemas, None, Some(&format!("# a comment makes it YAML\n{OWN}"))).unwrap();
    assert!(schemas.is_cluster_scoped(Gvk::new("x.io/v1", "Foo")));
    assert!(!schemas.is_cluster_scoped(Gvk::new("x.io/v1", "Bar")));
    let foo = schemas.of_type("x.io/v1", "Foo").unwrap();
    for path in [&["list"][..], &["list", "[]"], &["list", "[]", "[]"]] {
        assert_eq!(foo.lookup(path).unwrap().merge_keys(), ["id", "kind"], "{path:?}");
    }
    let any = foo.field("whatever").unwrap();
    assert!(any.is_associative_list() && any.merge_keys().is_empty() && any.elements().is_some());
    assert!(foo.field("any").unwrap().elements().is_none(), "a type besides a list");
    assert!(foo.field("self").is_none() && foo.field("pods").is_none());
    assert!(schemas.of_type("kustomize.config.k8s.io/v1beta1", "Kustomization").is_some());
}

#[test]
fn a_comment_is_a_schema_when_it_says_something() {
    let schemas = Schemas::builtin();
    let merges = |line: &str, head: &str| {
        let mut node = Node::text("a");
        *node.comments_mut() = Comments { head: head.into(), line: line.into(), foot: "".into() };
        Comment::of(&node).map(|comment| comment.node(&schemas).is_associative_list())
    };
    let merge = r#"{"type":"array","x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key":"id"}"#;
    for (line, head, expected) in [
        (format!("# {merge}").as_str(), "", Some(true)),
        (&format!("##{merge}"), "", Some(true)),
        ("", &format!("# {merge}"), Some(true)),
        ("# text", &format!("# {merge}"), None),
        ("# {}", &format!("# {merge}"), None),
        (r#"# {"type":"array"}"#, "", Some(false)),
        (r#"# {"foo":null}"#, "", Some(false)),
        (r#"# {"title":"","nullable":false,"default":null,"$ref":5}"#, "", None),
        (r#"# {"title":5}"#, "", None),
        (r#"# {"required":[]}"#, "", Some(false)),
        (r#"# {"$ref":"nowhere"}"#, "", Some(false)),
        (r##"# {"$ref":"#/definitions/io.k8s.api.core.v1.PodSpec"}"##, "", Some(false)),
        (r#"# {"$openapi":"replicas"}"#, "", Some(false)),
        ("# null", "", None),
        ("# [1]", "", None),
        (&format!("# {merge} and why"), "", Some(true)),
        (r#"# {"$openapi":"replicas"} and why"#, "", Some(false)),
        ("", "", None),
    ] {
        assert_eq!(merges(line, head), expected, "{line} {head}");
    }
    let comment = {
        let mut node = Node::text("a");
        node.comments_mut().line = r##"# {"$ref":"#/definitions/io.k8s.api.core.v1.PodSpec"}"##.into();
        Comment::of(&node).unwrap()
    };
    assert!(comment.node(&schemas).field("containers").unwrap().is_associative_list());
}
