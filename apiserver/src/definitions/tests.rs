//! What kube-apiserver v1.36.3 says of definitions (testdata/definitions) and what it makes of ours.

use serde_json::{Value, json};
use thalweg_cel::Rules;
use thalweg_schema::FieldError;

use super::{objects, resources::resources, status::prepare, status::prepare_among, validation::validate};

const NOW: &str = "2026-01-02T03:04:05Z";

#[test]
fn definitions_are_refused_in_the_servers_words() {
    let table: Vec<Value> = serde_json::from_str(include_str!("../../../testdata/definitions/refusals.json")).unwrap();
    let mut different = Vec::new();
    for case in &table {
        let mut definition = case["definition"].clone();
        prepare(None, &mut definition, NOW);
        let actual = causes(validate(None, &definition));
        if actual != case["causes"] {
            different.push(format!("{}\n  ours   {actual}\n  theirs {}", case["name"], case["causes"]));
        }
    }
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), table.len(), different.join("\n"));
}

#[test]
fn our_own_definitions_are_installed() {
    let files = [
        include_str!("../../../crds/fluxconfigurations.yaml"),
        include_str!("../../../crds/gitrepositories.yaml"),
        include_str!("../../../crds/kustomizations.yaml"),
    ];
    for file in files {
        let mut definition: Value = serde_yaml::from_str(file).unwrap();
        prepare(None, &mut definition, NOW);
        assert_eq!(causes(validate(None, &definition)), json!([]));
        let resources = resources(&definition);
        assert!(!resources.is_empty());
        for resource in &resources {
            assert!(resource.subresource("status").is_some());
            assert_eq!(resource.columns[0].name, "Name");
        }
    }
}

#[test]
fn names_of_others_are_not_accepted() {
    let definition = |plural: &str, kind: &str| {
        json!({
            "metadata": { "name": format!("{plural}.a.test") },
            "spec": {
                "group": "a.test", "scope": "Cluster", "names": { "plural": plural, "kind": kind, "shortNames": ["t"] },
                "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object" } } }],
            },
        })
    };
    let mut first = definition("things", "Thing");
    prepare(None, &mut first, NOW);
    assert_eq!(resources(&first).len(), 1);
    let mut second = definition("others", "Thing");
    prepare_among(None, &mut second, &[&first], NOW);
    assert!(resources(&second).is_empty());
    let condition = &second["status"]["conditions"][0];
    assert_eq!(condition["reason"], "ListKindConflict");
    assert_eq!(condition["message"], "\"ThingList\" is already in use");
    assert_eq!(second["status"]["conditions"][1]["reason"], "NotAccepted");
}

#[test]
fn objects_are_answered_in_the_servers_words() {
    let table: Value = serde_json::from_str(include_str!("../../../testdata/definitions/objects.json")).unwrap();
    let mut definition = table["definition"].clone();
    prepare(None, &mut definition, NOW);
    assert_eq!(causes(validate(None, &definition)), json!([]));
    let resource = resources(&definition).remove(0);
    let rules = Rules::compile(&resource.schema);
    let mut different = Vec::new();
    let cases = table["cases"].as_array().unwrap();
    for case in cases {
        let mut old = Some(case["old"].clone()).filter(|old| !old.is_null());
        if let Some(old) = &mut old {
            objects::read(&resource, old);
        }
        let mut object = case["object"].clone();
        objects::read(&resource, &mut object);
        let actual = causes(objects::validate(&resource, rules.as_ref(), "", old.as_ref(), &object));
        let same = match &case["spec"] {
            Value::Null => actual == case["causes"],
            spec => actual == json!([]) && object["spec"] == *spec,
        };
        if !same {
            let spec = &object["spec"];
            different.push(format!(
                "{}\n  ours   {actual} {spec}\n  theirs {} {}",
                case["name"], case["causes"], case["spec"]
            ));
        }
    }
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), cases.len(), different.join("\n"));
}

/// As causes of a `Status`, by field and text.
fn causes(mut errors: Vec<FieldError>) -> Value {
    errors.sort_by_key(|error| (error.field.clone(), error.message.clone()));
    errors
        .into_iter()
        .map(|error| json!({ "reason": error.reason, "message": error.message, "field": error.field }))
        .collect()
}
