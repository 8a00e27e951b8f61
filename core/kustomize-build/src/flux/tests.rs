//! What fluxcd/pkg's kustomize v1.35.6 makes of directories: every answer here is that of its generator.

use thalweg_yaml::Limits;

use super::*;
use crate::kustomization::Deprecated;
use crate::load::Restriction;
use crate::load::tests::{Files, loader};

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn top(tree: &Files, flux: &Flux) -> Result<Kustomization, Error> {
    kustomization(&loader(tree, "app", Restriction::Tree), flux)
}

/// A kustomization as kustomize would read it from a text.
fn same(tree: &Files, flux: &Flux, text: &str) {
    let answer = top(tree, flux).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let expected = kustomization::parse("app/kustomization.yaml", text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(answer, expected);
}

fn refusal(tree: &Files, flux: &Flux) -> String {
    match top(tree, flux) {
        Ok(_) => "built".to_owned(),
        Err(Error::CannotLoad { place, entry, obstacle }) => format!("{place}: {entry}: {obstacle}"),
        Err(error) => error.to_string(),
    }
}

fn resources(tree: &Files) -> Vec<String> {
    top(tree, &Flux::default()).unwrap().fields.resources.iter().map(|resource| resource.value.clone()).collect()
}

fn with(kustomization: &str) -> Files {
    Files::new(&[("app/kustomization.yaml", kustomization), ("app/a.yaml", OBJECT)])
}

#[test]
fn the_top_is_read_loosely() {
    same(
        &with(
            "resources: [a.yaml]\nfoo: 1\nnamespace: 007\nnameSuffix: 1e30\nimages: [{name: a, newTag: 1.10}]\nkind: null\n\
             ---\n{{{",
        ),
        &Flux::default(),
        "resources: [a.yaml]\nnamespace: '7'\nnameSuffix: '1e+30'\nimages: [{name: a, newTag: '1.1'}]\n",
    );
    for refused in [
        "resources: [a.yaml]\nconfigMapGenerator: [{name: 1}]\n",
        "resources: [a.yaml]\npatches: [{target: {name: 1}}]\n",
        "resources: [a.yaml]\nkind: Foo\n",
        "[]",
    ] {
        assert!(top(&with(refused), &Flux::default()).is_err(), "{refused}");
    }
    let deprecated = top(&with("resources: []\nvars: []\n"), &Flux::default()).unwrap().deprecated;
    assert_eq!(deprecated, [Deprecated { field: "vars", instead: "replacements" }]);
}

#[test]
fn a_top_without_resources_notes_origins() {
    for (text, same_as) in [
        ("", "buildMetadata: [originAnnotations]"),
        ("resources: []", "resources: []\nbuildMetadata: [originAnnotations]"),
        (
            "buildMetadata: [managedByLabel]\nconfigMapGenerator: [{name: a}]",
            "buildMetadata: [originAnnotations]\nconfigMapGenerator: [{name: a}]",
        ),
        ("bases: [../base]", "bases: [../base]\nbuildMetadata: [originAnnotations]"),
    ] {
        same(&with(text), &Flux::default(), same_as);
    }
    let flux = Flux { build_metadata: vec!["transformerAnnotations".to_owned()], ..Flux::default() };
    same(&with("namePrefix: a-"), &flux, "namePrefix: a-\nbuildMetadata: [transformerAnnotations]");
}

#[test]
fn the_fields_of_a_flux_kustomization_are_laid_over_the_top() {
    let image = |name: &str, new_name: &str, new_tag: &str, digest: &str| FluxImage {
        name: name.to_owned(),
        new_name: new_name.to_owned(),
        new_tag: new_tag.to_owned(),
        digest: digest.to_owned(),
    };
    let target = FluxTarget { kind: "B".to_owned(), label_selector: "x=z".to_owned(), ..FluxTarget::default() };
    let flux = Flux {
        target_namespace: Some("ns".to_owned()),
        name_prefix: Some("p-".to_owned()),
        name_suffix: Some("-s".to_owned()),
        patches: vec![
            FluxPatch { patch: "kind: A".to_owned(), target: Some(target) },
            FluxPatch { patch: "z".to_owned(), target: None },
        ],
        images: vec![image("i", "", "new", ""), image("j", "", "", "dd"), image("other", "m", "", "")],
        build_metadata: vec!["transformerAnnotations".to_owned()],
        ..Flux::default()
    };
    same(
        &with(
            "resources: [a.yaml]\nnamespace: x\nimages: [{name: i, newTag: t, digest: d}, {name: j, newName: k}]\n\
             patches: [{path: p}]\n",
        ),
        &flux,
        "resources: [a.yaml]\nnamespace: ns\nnamePrefix: p-\nnameSuffix: -s\nbuildMetadata: [transformerAnnotations]\n\
         images: [{name: i, newTag: new}, {name: j, newName: k, digest: dd}, {name: other, newName: m}]\n\
         patches: [{path: p}, {patch: 'kind: A', target: {kind: B, labelSelector: x=z}}, {patch: z}]\n",
    );
}

#[test]
fn components_are_local_and_may_be_missing_when_that_is_allowed() {
    let tree = Files::new(&[
        ("app/kustomization.yaml", "resources: []\ncomponents: [first]"),
        ("comp/kustomization.yaml", "kind: Component"),
    ]);
    let flux = |components: &[&str], ignore_missing_components| Flux {
        components: components.iter().map(|&component| component.to_owned()).collect(),
        ignore_missing_components,
        ..Flux::default()
    };
    let text = "resources: []\nbuildMetadata: [originAnnotations]\ncomponents: [first, ";
    same(&tree, &flux(&["../comp", "../x"], false), &format!("{text} ../comp, ../x]"));
    same(&tree, &flux(&["../comp", "../x", "../../x", "./no"], true), &format!("{text} ../comp]"));
    same(&tree, &flux(&["gh:", "https://", "file://rel"], true), &format!("{text}]"));
    for remote in
        ["https://x/z", "git::a", "gh:a", "github.com/a/b", "GITHUB.com:a", "/abs", "file:///abs", "ssh://a", "git@a"]
    {
        let refused = format!("component path '{remote}' must be local and relative");
        assert_eq!(refusal(&tree, &flux(&[remote], true)), refused);
    }
}

#[test]
fn a_directory_without_a_kustomization_names_all_that_is_below() {
    let tree = Files::new(&[
        ("app/a.yaml", OBJECT),
        ("app/a/x.yml", OBJECT),
        ("app/b/kustomization.yaml", "resources: [c.yaml]"),
        ("app/b/c.yaml", OBJECT),
        ("app/b/d/e.yaml", "bad: ["),
        ("app/z.txt", "no"),
        ("app/.h/f.yaml", OBJECT),
        ("app/x.yaml/b.yaml", OBJECT),
        ("other/k.yaml", "resources: []"),
        ("app/s/x.yaml", OBJECT),
    ])
    .link("app/s/kustomization.yaml", "../../other/k.yaml");
    assert_eq!(resources(&tree), ["./.h/f.yaml", "./a/x.yml", "./a.yaml", "./b", "./s", "./x.yaml/b.yaml"]);
}

#[test]
fn a_directory_without_yaml_is_built_to_nothing() {
    let tree = Files::new(&[("app/readme.md", "x")]);
    same(&tree, &Flux::default(), "namespace: _placeholder");
    same(&tree, &Flux { target_namespace: Some("ns".to_owned()), ..Flux::default() }, "namespace: ns");
}

#[test]
fn links_are_resources_when_they_lead_to_yaml_files() {
    let tree = || Files::new(&[("app/a.yaml", OBJECT), ("other/b.yaml", OBJECT), ("other/kustomization.yaml", "")]);
    assert_eq!(resources(&tree().link("app/l.yaml", "../other/b.yaml")), ["./a.yaml", "./l.yaml"]);
    for (link, target) in [("app/l", "../other"), ("app/l", "nothing"), ("app/l", "l")] {
        assert_eq!(resources(&tree().link(link, target)), ["./a.yaml"], "{target}");
    }
    for (link, target, refused) in [
        ("app/l", "/etc", "./l: the path leads outside of the source"),
        ("app/l.yaml", "/etc/passwd", "./l.yaml: the path leads outside of the source"),
        ("app/l.yaml", "../other", "./l.yaml: this is a directory, not a file"),
        ("app/l.yaml", "nothing", "./l.yaml: no such file or directory"),
    ] {
        let answer = refusal(&tree().link(link, target), &Flux::default());
        assert_eq!(answer, format!("app/kustomization.yaml: {refused}"), "{target}");
    }
}

#[test]
fn several_kustomization_files_are_refused() {
    let tree = Files::new(&[("app/kustomization.yaml", "resources: []"), ("app/kustomization.yml", "resources: []")]);
    let refused = "found multiple kustomization files in app: kustomization.yaml, kustomization.yml";
    assert_eq!(refusal(&tree, &Flux::default()), refused);
}
