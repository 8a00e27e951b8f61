//! Configurations against what `kustomize build` 5.8.1 makes of the same files.

use super::*;

fn of_files(files: &[&str]) -> Result<Configuration, String> {
    let files = files.iter().map(|text| ("c.yaml", text.as_bytes()));
    Configuration::of_files(files).map_err(|error| error.to_string())
}

fn shown(specs: &[FieldSpec]) -> Vec<String> {
    let or_any = |text: &str| if text.is_empty() { "*".to_owned() } else { text.to_owned() };
    specs
        .iter()
        .map(|spec| {
            let FieldSpec { group, version, kind, path, create } = spec;
            let sign = if *create { "+" } else { "" };
            format!("{} {} {} {sign}{path}", or_any(group), or_any(version), or_any(kind))
        })
        .collect()
}

#[test]
fn the_builtin_configuration_is_there_and_in_order() {
    let builtin = Configuration::builtin();
    assert_eq!(shown(builtin.name_prefix()), ["* * * metadata/name"]);
    assert_eq!(shown(builtin.name_suffix()), ["* * * metadata/name"]);
    assert_eq!(
        shown(builtin.namespace()),
        [
            "* * Namespace +metadata/name",
            "apiextensions.k8s.io * CustomResourceDefinition spec/conversion/webhook/clientConfig/service/namespace",
            "apiregistration.k8s.io * APIService +spec/service/namespace",
        ]
    );
    assert_eq!(builtin.common_labels().len(), 32);
    assert_eq!(builtin.labels(), []);
    assert_eq!(builtin.template_labels().len(), 10);
    assert_eq!(builtin.common_annotations().len(), 9);
    assert_eq!(builtin.var_references().len(), 72);
    assert_eq!(builtin.images().len(), 6);
    assert_eq!(builtin.replicas().len(), 4);
    let referred: Vec<&str> =
        builtin.name_references().iter().map(|reference| reference.referred.kind.as_str()).collect();
    let at = |kind: &str| referred.iter().position(|other| *other == kind);
    assert!(at("ConfigMap") < at("Secret"), "a ConfigMap renames before a Secret of the same name");
    assert_eq!(referred.len(), 16);
    let ingress_class = builtin.name_references().iter().find(|reference| reference.referred.kind == "IngressClass");
    assert!(!ingress_class.unwrap().refers_to(Gvk::new("networking.k8s.io/v1", "IngressClass")));
    let secret = builtin.name_references().iter().find(|reference| reference.referred.kind == "Secret").unwrap();
    assert!(secret.refers_to(Gvk::new("v1", "Secret")) && !secret.refers_to(Gvk::new("v2", "Secret")));
    assert!(
        shown(&secret.field_specs)
            .contains(&"* * Ingress metadata/annotations/ingress.kubernetes.io\\/auth-secret".into())
    );
}

/// What is skipped when the builtin configuration meets itself must change nothing.
#[test]
fn the_builtin_configuration_merged_with_itself_is_itself() {
    let builtin = Configuration::builtin();
    let twin = Configuration {
        sets: builtin.sets.clone().map(|set| set.to_vec().into()),
        name_references: builtin.name_references.to_vec().into(),
    };
    assert_eq!(twin.with(builtin).unwrap(), *builtin);
    assert_eq!(Configuration::default().with(&twin).unwrap(), *builtin);
    assert_eq!(builtin.with(builtin).unwrap(), *builtin);
    assert_eq!(of_files(&[]).unwrap(), *builtin);
    assert_eq!(of_files(&[""]).unwrap(), *builtin);
    assert_eq!(of_files(&["namePrefix: []\n---\nfoo: bar\n"]).unwrap(), *builtin, "the first document alone");
}

#[test]
fn a_file_adds_to_the_builtin_configuration() {
    let text = "
COMMONlabels: [{PATH: foo/bar, Create: true}, {path: foo/bar, create: true}]
namePrefix: [null]
images: ~
nameSuffix:
labels: [{path: 5}, {path: y}, {path: 1.5}]
nameReference:
- {kind: Secret, version: v1, fieldSpecs: [{path: a, kind: Foo}, {path: spec/tls/secretName, kind: Ingress}]}
- {kind: Bar, fieldSpecs: [{path: b}]}
";
    let configuration = of_files(&[text]).unwrap();
    let builtin = Configuration::builtin();
    assert_eq!(configuration.common_labels().len(), builtin.common_labels().len() + 1);
    assert!(shown(configuration.common_labels()).contains(&"* * * +foo/bar".into()));
    assert_eq!(shown(configuration.name_prefix()), ["* * * metadata/name", "* * * "]);
    assert_eq!(shown(configuration.labels()), ["* * * 5", "* * * true", "* * * 1.5"]);
    let specs_of = |configuration: &Configuration, kind: &str| {
        let reference = configuration.name_references().iter().find(|reference| reference.referred.kind == kind);
        reference.map(|reference| shown(&reference.field_specs)).unwrap_or_default()
    };
    let secret = specs_of(&configuration, "Secret");
    assert_eq!(secret.len(), specs_of(builtin, "Secret").len() + 1);
    assert_eq!(secret.last().map(String::as_str), Some("* * Foo a"));
    assert_eq!(specs_of(&configuration, "Bar"), ["* * * b"]);
}

#[test]
fn what_is_there_for_some_kinds_is_not_added_for_all() {
    let text = "commonLabels: [{path: spec/template/metadata/labels, create: true}]";
    assert_eq!(of_files(&[text]).unwrap(), *Configuration::builtin());
    let both = "commonLabels: [{path: p, create: true}, {path: p, create: true, kind: A}]";
    assert_eq!(of_files(&[both]).unwrap().common_labels().len(), Configuration::builtin().common_labels().len() + 1);
}

#[test]
fn two_field_specs_that_differ_in_create_alone_conflict() {
    let conflict =
        "conflicting fieldspecs of commonLabels: p is there with `create: true` and without it, for the same kinds";
    for files in [
        &["commonLabels: [{path: p, kind: Deployment, create: true}, {path: p}]"][..],
        &["commonLabels: [{path: p}, {path: p, kind: Deployment, create: true}]"],
        &["commonLabels: [{path: p}, {path: p, kind: A, create: true}]"],
        &["commonLabels: [{path: p}]", "commonLabels: [{path: p, create: true}]"],
    ] {
        assert_eq!(of_files(files).unwrap_err(), conflict, "{files:?}");
    }
    let (one, other) = (of_files(&["labels: [{path: p}]"]), of_files(&["labels: [{path: p, create: true}]"]));
    assert!(one.unwrap().with(&other.unwrap()).is_err(), "a base and the layer above it");
    let builtin = "commonLabels: [{path: spec/template/metadata/labels}]";
    assert!(of_files(&[builtin]).unwrap_err().starts_with("conflicting fieldspecs of commonLabels: spec/template"));
}

#[test]
fn a_file_is_read_strictly() {
    for (text, expected) in [
        (
            "kind: X",
            "c.yaml:1:1: unknown field \"kind\" in a transformer configuration; known are namePrefix, nameSuffix, \
          namespace, commonLabels, labels, templateLabels, commonAnnotations, varReference, images, replicas, nameReference",
        ),
        (
            "images:\n- pat: x",
            "c.yaml:2:3: unknown field \"pat\" in a transformer configuration; known are group, version, kind, path, create",
        ),
        ("images: [{kind: 5}]", "c.yaml:1:17: kind in a transformer configuration must be a text, found a number"),
        (
            "images: [{create: \"true\"}]",
            "c.yaml:1:19: create in a transformer configuration must be true or false, found a text",
        ),
        ("images: []\nimages: []", "c.yaml:2:1: field \"images\" of a transformer configuration is there twice"),
        (
            "images: [{<<: {path: a}, path: b}]",
            "c.yaml:1:26: field \"path\" of a transformer configuration is there twice",
        ),
        ("- a", "c.yaml:1:1: the configuration in a transformer configuration must be a mapping, found a list"),
        ("images: {path: x}", "c.yaml:1:9: images in a transformer configuration must be a list, found a mapping"),
        ("images: [a]", "c.yaml:1:10: images in a transformer configuration must be a mapping, found a text"),
    ] {
        assert_eq!(of_files(&[text]).unwrap_err(), expected, "{text}");
    }
}

const CRDS: &str = r##"{
  "x.Foo": {"Schema": {"properties": {"kind": {}, "apiVersion": {}, "metadata": {}, "spec": {"$ref": "x.Spec"}}}},
  "x.Spec": {"schema": {"properties": {
    "lab": {"x-kubernetes-label-selector": ""},
    "ann": {"x-kubernetes-annotation": ""},
    "id": {"x-kubernetes-identity": ""},
    "ref": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret"},
    "ref2": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret",
             "x-kubernetes-object-ref-name-key": "n"},
    "pointer": {"$ref": "#/definitions/x.Spec"}
  }}, "Dependencies": []},
  "nothing": null,
  "other": {"Foo": 1}
}"##;

fn of_crds(text: &str) -> Result<Configuration, String> {
    Configuration::of_crds([("crds.json", text.as_bytes())]).map_err(|error| error.to_string())
}

#[test]
fn crds_tell_where_their_objects_have_labels_annotations_and_names() {
    for text in [CRDS.to_owned(), format!("# as YAML\n{CRDS}")] {
        let configuration = of_crds(&text).unwrap();
        assert_eq!(shown(configuration.common_labels()), ["* * Foo spec/lab"]);
        assert_eq!(shown(configuration.common_annotations()), ["* * Foo spec/ann"]);
        assert_eq!(shown(configuration.name_prefix()), ["* * Foo spec/id"]);
        let [secret] = configuration.name_references() else { panic!("{configuration:?}") };
        assert_eq!(secret.referred.borrowed(), Gvk::new("v1", "Secret"));
        assert_eq!(shown(&secret.field_specs), ["* * Foo spec/ref/name", "* * Foo spec/ref2/n"]);
    }
}

#[test]
fn files_that_are_no_definitions_are_refused() {
    for (text, expected) in [
        (
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n",
            "apiVersion must be a mapping with a schema (CustomResourceDefinitions are not read)",
        ),
        (r#"{"a":{"Schema":{"properties":{"x":{"description":5}}}}}"#, "a.properties.x.description must be a text"),
        ("[]", "it must be a mapping from names to definitions"),
        ("", "EOF while parsing a value at line 1 column 0"),
        (
            r#"{"a":{"Schema":{"properties":{"kind":{},"apiVersion":{},"metadata":{},"a":{"$ref":"a"}}}}}"#,
            "a: its definitions refer to each other without end",
        ),
    ] {
        let expected = format!("crds.json: not a file of OpenAPI definitions for crds: {expected}");
        assert_eq!(of_crds(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn definitions_that_unfold_without_measure_are_refused() {
    let kind = r#""a0":{"Schema":{"properties":{"kind":{},"apiVersion":{},"metadata":{},"x":{"$ref":"a1"}}}}"#;
    let doubled = (1..40).map(|at| {
        let next = at + 1;
        format!(r#""a{at}":{{"Schema":{{"properties":{{"x":{{"$ref":"a{next}"}},"y":{{"$ref":"a{next}"}}}}}}}}"#)
    });
    let text = format!("{{{kind},{}}}", doubled.collect::<Vec<_>>().join(","));
    let expected = "crds.json: not a file of OpenAPI definitions for crds: a0: it leads to too many properties";
    assert_eq!(of_crds(&text).unwrap_err(), expected);
}
