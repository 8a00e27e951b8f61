#![expect(clippy::disallowed_methods, reason = "reads the recorded tables")]

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Include, View, columns, list, negotiate, object};
use crate::answer::List;
use crate::object::Object;
use crate::registry::{Registry, Served};
use crate::request::Query;

#[test]
fn cells_of_built_in_kinds_are_kube_apiservers() {
    let registry = Registry::new();
    for (name, recorded) in recorded() {
        let served = built_in(&registry, &name);
        let now: Timestamp = recorded["now"].as_str().unwrap().parse().unwrap();
        for row in recorded["rows"].as_array().unwrap() {
            let cells = columns::cells(&served, &row["object"], now);
            assert_eq!(cells, row["cells"], "{name}: {}", row["object"]["metadata"]["name"]);
        }
    }
}

#[test]
fn columns_of_built_in_kinds_are_kube_apiservers() {
    let registry = Registry::new();
    for (name, recorded) in recorded() {
        let headings = columns::headings(&built_in(&registry, &name));
        for (ours, theirs) in headings.as_array().unwrap().iter().zip(recorded["columnDefinitions"].as_array().unwrap())
        {
            assert_eq!(ours, theirs, "{name}");
        }
    }
}

#[test]
fn a_custom_kind_shows_its_printer_columns() {
    let (served, now) = (widget(COLUMNS), "2026-11-21T16:00:10Z".parse().unwrap());
    let one = json!({
        "metadata": {"name": "one", "creationTimestamp": "2026-11-21T16:00:00Z"},
        "spec": {"replicas": 3, "name": "hello", "on": true, "list": ["x", "z"], "map": {"a": "b"}, "ratio": 1.5},
    });
    let cells = json!(["one", "10s", 3, "3", true, "true", r#"["x","z"]"#, r#"{"a":"b"}"#, 1.5, "1.5", "<invalid>"]);
    assert_eq!(columns::cells(&served, &one, now), cells);
    let two = json!({"metadata": {"name": "two"}});
    assert_eq!(
        columns::cells(&served, &two, now),
        json!(["two", null, null, null, null, null, null, null, null, null, null])
    );
    let headings = columns::headings(&served);
    assert_eq!(
        headings[1]["description"],
        "Custom resource definition column (in JSONPath format): .metadata.creationTimestamp"
    );
    assert_eq!(headings[2]["priority"], 1);
}

#[test]
fn a_custom_kind_without_columns_shows_its_age() {
    let headings = columns::headings(&widget(&[]));
    assert_eq!((&headings[1]["name"], &headings[1]["type"]), (&json!("Age"), &json!("date")));
}

#[test]
fn a_table_holds_as_much_of_an_object_as_was_asked_for() {
    let (served, now) = (widget(&[]), Timestamp::UNIX_EPOCH);
    let one = Arc::new(Object::new(json!({"metadata": {"name": "one", "resourceVersion": "7"}, "spec": {}})));
    let of = |include| object(View::Table(include), &served, &one, true, now)["rows"][0]["object"].clone();
    assert_eq!(of(Include::None), Value::Null);
    let metadata = json!({"name": "one", "resourceVersion": "7"});
    assert_eq!(
        of(Include::Metadata),
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
    );
    assert_eq!(
        of(Include::Object),
        json!({"kind": "Widget", "apiVersion": "example.com/v1", "metadata": metadata, "spec": {}})
    );
    let later = object(View::Table(Include::None), &served, &one, false, now);
    assert_eq!((&later["columnDefinitions"], &later["metadata"]), (&Value::Null, &json!({"resourceVersion": "7"})));
}

#[test]
fn a_list_of_metadata_says_how_it_goes_on() {
    let one = Arc::new(Object::new(json!({"metadata": {"name": "one"}, "spec": {}})));
    let objects = List { items: vec![one], resource_version: 9, continue_: "token".into(), remaining: Some(2) };
    let answer = list(View::Metadata, &widget(&[]), &objects, Timestamp::UNIX_EPOCH);
    assert_eq!(answer["kind"], "PartialObjectMetadataList");
    assert_eq!(answer["metadata"], json!({"resourceVersion": "9", "continue": "token", "remainingItemCount": 2}));
    assert_eq!(
        answer["items"],
        json!([{"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": "one"}}])
    );
}

#[test]
fn the_best_view_that_is_accepted_is_given() {
    const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let table = View::Table(Include::Metadata);
    for (accept, query, expected) in [
        ("", "", Some(View::Whole)),
        ("*/*", "", Some(View::Whole)),
        ("application/json", "", Some(View::Whole)),
        ("application/vnd.kubernetes.protobuf,application/json", "", Some(View::Whole)),
        ("application/vnd.kubernetes.protobuf", "", None),
        ("application/xml", "", None),
        (TABLE, "", Some(table)),
        (TABLE, "includeObject=None", Some(View::Table(Include::None))),
        (TABLE, "includeObject=Bogus", None),
        (&format!("{TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"), "", Some(table)),
        ("application/json;as=Table;v=v2;g=meta.k8s.io", "", None),
        ("application/json;as=Table;v=v2;g=meta.k8s.io,application/json", "", Some(View::Whole)),
        (METADATA, "", Some(View::Metadata)),
        (&format!("{METADATA};q=0.5,application/json"), "", Some(View::Whole)),
        ("application/json;stream=watch", "", Some(View::Whole)),
    ] {
        assert_eq!(negotiate(accept, &Query::parse(query)).ok(), expected, "{accept} {query}");
    }
}

/// `(heading, type, path)`; the second is for `-o wide`.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("Age", "date", ".metadata.creationTimestamp"),
    ("Replicas", "integer", ".spec.replicas"),
    ("Text", "string", ".spec.replicas"),
    ("On", "boolean", ".spec.on"),
    ("OnText", "string", ".spec.on"),
    ("List", "string", ".spec.list"),
    ("Map", "string", ".spec.map"),
    ("Ratio", "number", ".spec.ratio"),
    ("RatioText", "string", ".spec.ratio"),
    ("NoDate", "date", ".spec.name"),
];

fn widget(columns: &[(&str, &str, &str)]) -> Served {
    let columns: Vec<Value> = columns
        .iter()
        .enumerate()
        .map(|(index, (name, type_, path))| json!({"name": name, "type": type_, "jsonPath": path, "priority": i32::from(index == 1)}))
        .collect();
    let names = json!({"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"});
    let mut registry = Registry::new();
    registry.define(&json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": names,
            "versions": [{
                "name": "v1", "served": true, "storage": true, "additionalPrinterColumns": columns,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
        "status": {
            "acceptedNames": names, "storedVersions": ["v1"],
            "conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}],
        },
    }));
    registry.find("example.com", "v1", "widgets").expect("it was defined")
}

/// The kind of a recorded file, `deployments.apps`; one in an older version has that in its name too.
fn built_in(registry: &Registry, name: &str) -> Served {
    let name = name.strip_suffix(".v1").unwrap_or(name);
    registry.all().find(|served| served.qualified() == name).unwrap_or_else(|| panic!("{name} is not served")).clone()
}

fn recorded() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/tables");
    let paths = std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        })
        .collect()
}
