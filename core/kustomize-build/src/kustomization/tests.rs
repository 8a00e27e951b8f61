//! What kustomize v5.8.1 makes of kustomization files: every verdict here is that of the command.

use thalweg_yaml::Limits;

use super::*;

fn read_strictly(text: &str) -> Result<Kustomization, Error> {
    parse("kustomization.yaml", text.as_bytes(), &Limits::default())
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Read,
    Empty,
    Refused,
}

fn check(verdict: &Verdict, texts: &[&str]) {
    for text in texts {
        let answer = match read_strictly(text) {
            Ok(_) => Verdict::Read,
            Err(Error::EmptyKustomization { .. }) => Verdict::Empty,
            Err(_) => Verdict::Refused,
        };
        assert_eq!(answer, *verdict, "{text}");
    }
}

#[test]
fn a_file_that_says_nothing_is_empty() {
    check(
        &Verdict::Empty,
        &[
            "",
            "# nothing\n",
            "null",
            "{}",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
            "resources:",
            "resources: null",
            "namespace: ''",
            "namespace: ~",
            "bases: []",
            "imageTags: []",
            "helmChartInflationGenerator: []",
            "commonLabels:",
        ],
    );
}

#[test]
fn an_empty_list_or_mapping_is_content() {
    check(
        &Verdict::Read,
        &[
            "resources: []",
            "namespace: x",
            "metadata: {}",
            "metadata: {name: x}",
            "images: []",
            "helmGlobals: {}",
            "helmCharts: []",
            "openapi: {}",
            "generatorOptions: {}",
            "sortOptions: {}",
            "commonLabels: {}",
            "vars: []",
            "patchesJson6902: []",
            "patchesStrategicMerge: []",
            "resources: &a []\nbases: *a",
            "<<: {resources: []}",
        ],
    );
}

#[test]
fn values_have_the_types_of_their_fields() {
    check(
        &Verdict::Read,
        &[
            "namespace: null\nresources: []",
            "commonLabels: {a: null}",
            "commonLabels: {1: a}",
            "commonAnnotations: {a: 2001-12-14}",
            "namespace: 2001-12-14",
            "namespace: !!str 3",
            "replicas: [{name: a, count: 1.0}]",
            "generatorOptions: {labels: {a: b}, immutable: yes}",
            "resources: [null]",
            "replacements: [{targets: [null]}]",
            "helmCharts: [{name: a, valuesInline: {a: [1]}}]",
            "kind: null\nresources: []",
        ],
    );
    check(
        &Verdict::Refused,
        &[
            "a",
            "[a]",
            "3",
            "namespace: y",
            "namePrefix: 1",
            "namespace: 0x1F",
            "namespace: .inf",
            "commonLabels: {a: 1}",
            "labels: [{pairs: {a: true}}]",
            "replicas: [{name: a, count: 1.5}]",
            "replicas: [{name: a, count: '1'}]",
            "replicas: [{name: a, count: 99999999999999999999}]",
            "resources: a",
            "resources: [[]]",
            "resources: [1]",
            "resources: []\n? [a]\n: b",
            "patches: {}",
            "generatorOptions: {immutable: 'true'}",
            "replacements: [{source: {kind: a, fieldPath: b, options: {index: x}}}]",
            "replacements: [{sourcevalue: 3}]",
            "configMapGenerator: [{name: a, literals: {a: b}}]",
            "helmCharts: [{name: a, valuesInline: 3}]",
            "openapi: {path: 3}",
            "crds: [3]",
            "buildMetadata: originAnnotations",
            "metadata: {name: 3}",
            "metadata: foo",
            "kind: 3\nresources: []",
            "configMapGenerator: [{name: a, literals: [\"a=\\x7f\"]}]",
        ],
    );
}

#[test]
fn keys_match_in_any_letter_case_and_unknown_ones_are_refused() {
    check(
        &Verdict::Read,
        &[
            "Resources: []",
            "RESOURCES: []",
            "reſources: []",
            "patches: [{TARGET: {}}]",
            "images: [{name: a, newtag: b}]",
            "vars: [{name: a, objRef: {kind: b}, fieldRef: {fieldpath: c}}]",
            "secretGenerator: [{name: a, type: b, literals: [a=b]}]",
        ],
    );
    check(
        &Verdict::Refused,
        &[
            "resource: []",
            "resources: []\nfoo: 1",
            "resources: []\nfoo: null",
            "patches: [{target: {Kind: a, unknown: 1}}]",
            "images: [{name: a, tag: b}]",
            "configMapGenerator: [{name: a, type: b}]",
            "helmCharts: [{name: a, foo: 3}]",
            "metadata: {foo: bar}",
            "foo: &a []\nresources: *a",
            "inventory: {}",
        ],
    );
}

#[test]
fn of_repeated_keys_the_last_counts_and_of_letter_cases_the_last_in_order_of_bytes() {
    check(&Verdict::Read, &["resources: 3\nresources: []", "replicas: [{count: 0}]\nreplicas: []"]);
    check(&Verdict::Refused, &["resources: []\nresources: 3"]);
    let fields = read_strictly("namespace: lower\nNamespace: upper\n").unwrap().fields;
    assert_eq!(fields.namespace.value, "lower");
    let fields = read_strictly("images: [{newTag: b}]\nImages: [{name: a}, {name: c}]\n").unwrap().fields;
    assert_eq!(fields.images.len(), 1);
    assert_eq!((fields.images[0].name.as_str(), fields.images[0].new_tag.as_str()), ("a", "b"));
}

#[test]
fn kind_and_version_belong_together() {
    check(&Verdict::Read, &["kind: Component\nresources: []"]);
    check(
        &Verdict::Refused,
        &[
            "kind: kustomization\nresources: []",
            "kind: Component\napiVersion: kustomize.config.k8s.io/v1beta1\nresources: []",
            "apiVersion: v1\nresources: []",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nresources: []",
        ],
    );
}

#[test]
fn only_the_first_document_counts() {
    check(
        &Verdict::Read,
        &[
            "resources: []\n---\nfoo: bar",
            "resources: []\n---\n{{{",
            "resources: []\n...\n{{{",
            "--- {resources: []}",
            "---\nresources: []",
            "%YAML 1.1\n---\nresources: []",
            "\u{feff}resources: []",
        ],
    );
    check(&Verdict::Refused, &["resources: []\n\tx: y"]);
}

#[test]
fn deprecated_fields_move_to_those_that_replaced_them() {
    let text = "bases: [b]\nresources: [a]\nimageTags: [{name: x}]\nimages: [{name: z}]\n\
        configMapGenerator: [{name: c, env: e, envs: [d]}]\nvars: []\nhelmChartInflationGenerator: [{chartName: a}]\n";
    let kustomization = read_strictly(text).unwrap();
    let fields = &kustomization.fields;
    let texts = |list: &List<String>| list.iter().map(|item| item.value.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&fields.resources), ["a", "b"]);
    assert_eq!(texts(&fields.config_map_generator[0].envs), ["d", "e"]);
    assert_eq!(fields.images.iter().map(|image| image.name.as_str()).collect::<Vec<_>>(), ["z", "x"]);
    assert_eq!(fields.helm_charts.len(), 1);
    assert!(fields.bases.is_empty() && fields.image_tags.is_empty());
    let deprecated: Vec<(&str, &str)> =
        kustomization.deprecated.iter().map(|deprecated| (deprecated.field, deprecated.instead)).collect();
    assert_eq!(deprecated, [("bases", "resources"), ("imageTags", "images"), ("vars", "replacements"),]);
}

#[test]
fn a_refusal_names_the_place_the_field_and_what_was_meant() {
    for (text, message) in [
        ("namespace: 3\n", "k:1:12: invalid Kustomization: namespace must be a text, found a number"),
        (
            "patches:\n- path: a\n- target:\n    kind: [x]\n",
            "k:4:11: invalid Kustomization: patches[1].target.kind must be a text, found a list",
        ),
        ("resource: []\n", "k:1:1: invalid Kustomization: unknown field 'resource': did you mean 'resources'?"),
        (
            "images:\n- name: a\n  newtga: b\n",
            "k:3:3: invalid Kustomization: unknown field 'images[0].newtga': did you mean 'newTag'?",
        ),
        ("spec: {}\n", "k:1:1: invalid Kustomization: unknown field 'spec'"),
        (
            "kind: Kustomisation\nresources: []\n",
            "k:1:7: invalid Kustomization: kind must be Kustomization or Component, found \"Kustomisation\"",
        ),
    ] {
        let error = parse("k", text.as_bytes(), &Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn loose_reading_drops_unknown_keys_and_makes_texts_of_numbers_where_go_finds_the_type() {
    let text = "foo: 1\nnamespace: 007\nnamePrefix: yes\nnameSuffix: 1.50\ncommonLabels: {a: 1e30}\n\
        images: [{name: a, newTag: 1.10, other: 2}]\n";
    let fields = read("k", text.as_bytes(), Strictness::Loose, &Limits::default()).unwrap().fields;
    assert_eq!(fields.namespace.value, "7");
    assert_eq!(fields.name_prefix.value, "true");
    assert_eq!(fields.name_suffix.value, "1.5");
    assert_eq!(fields.common_labels.iter().collect::<Vec<_>>(), [("a", "1e+30")]);
    assert_eq!(fields.images[0].new_tag.value, "1.1");
    for refused in ["configMapGenerator: [{name: 1}]", "patches: [{target: {name: 1}}]", "kind: 1"] {
        read("k", refused.as_bytes(), Strictness::Loose, &Limits::default()).unwrap_err();
    }
}
