//! What holds of every sequence of writes.

#[expect(dead_code, reason = "these tests have one kind")]
mod shapes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use thalweg_merge::managed::{self, ApplyError, FieldSet, PathElement, Writing};
use thalweg_schema::Schema;

const API_VERSION: &str = "merge.example.com/v1";

fn schema(api_version: &str) -> Option<Schema> {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(test_schema);
    (api_version == API_VERSION).then(|| SCHEMA.clone())
}

fn test_schema() -> Schema {
    let text = json!({"type": "string"});
    let properties = json!({
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "list": {"type": "array", "items": text},
        "map": {"type": "object", "additionalProperties": text},
        "whole": {"type": "object", "additionalProperties": text, "x-kubernetes-map-type": "atomic"},
        "parts": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "kind"],
            "items": {"type": "object", "properties": {"name": text, "kind": {"type": "string", "default": "a"}, "value": text}},
        },
        "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    });
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}});
    let version = json!({"name": "v1", "served": true, "schema": {"openAPIV3Schema": schema}});
    shapes::schema(&json!({"spec": {"versions": [version]}}), API_VERSION, "tests").expect("it is served")
}

/// A spec without anything empty: who owns an empty whole keeps it when its parts go, or gets it back.
fn full_spec() -> impl Strategy<Value = Value> {
    spec(1)
        .prop_filter("something is empty", |spec| !["null", "{}"].iter().any(|empty| spec.to_string().contains(empty)))
}

/// One write.
#[derive(Clone, Debug)]
struct Write {
    manager: &'static str,
    applied: bool,
    force: bool,
    spec: Value,
}

fn texts(least: usize) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(vec!["x", "y", "z"], least..=3).prop_shuffle()
}

fn map(least: usize) -> impl Strategy<Value = Value> {
    texts(least).prop_flat_map(|names| {
        let count = names.len();
        let values = proptest::collection::vec(prop_oneof![Just("1"), Just("2")], count);
        values.prop_map(move |values| {
            names.iter().copied().zip(values).collect::<BTreeMap<_, _>>().into_iter().map(pair).collect()
        })
    })
}

fn pair((name, value): (&str, &str)) -> (String, Value) {
    (name.to_string(), value.into())
}

fn parts(least: usize) -> impl Strategy<Value = Value> {
    let keys = vec![("x", "a"), ("x", "b"), ("y", "a"), ("z", "b")];
    (subsequence(keys, least..=4).prop_shuffle(), any::<bool>(), any::<bool>()).prop_map(|(keys, valued, written)| {
        let part = |(name, kind)| match (valued, kind == "a" && !written) {
            (true, true) => json!({"name": name, "value": "1"}),
            (true, false) => json!({"name": name, "kind": kind, "value": "2"}),
            (false, true) => json!({"name": name}),
            (false, false) => json!({"name": name, "kind": kind}),
        };
        keys.into_iter().map(part).collect()
    })
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(json!(1)), Just(json!("t")), Just(json!([1, {"a": 2}])), Just(json!({})), Just(json!(null))];
    leaf.prop_recursive(3, 8, 3, |below| {
        proptest::collection::btree_map("[ab]", below, 1..3).prop_map(|map| map.into_iter().collect())
    })
}

/// A spec whose lists and maps have so many members.
fn spec(least: usize) -> impl Strategy<Value = Value> {
    let open = proptest::collection::btree_map("[ab]", anything(), least..3)
        .prop_map(|map| map.into_iter().collect::<Value>());
    let list = || texts(least).prop_map(Value::from);
    let fields = (
        list(),
        list(),
        map(least),
        map(least),
        parts(least),
        open,
        subsequence(vec!["set", "list", "map", "whole", "parts", "open"], 0..=6),
    );
    fields.prop_map(|(set, list, map, whole, parts, open, kept)| {
        let fields = [("set", set), ("list", list), ("map", map), ("whole", whole), ("parts", parts), ("open", open)];
        fields
            .into_iter()
            .filter(|(name, _)| kept.contains(name))
            .map(|(name, value)| (name.to_string(), value))
            .collect()
    })
}

fn write() -> impl Strategy<Value = Write> {
    let manager = prop_oneof![Just("one"), Just("two"), Just("three")];
    (manager, any::<bool>(), any::<bool>(), spec(0)).prop_map(|(manager, applied, force, spec)| Write {
        manager,
        applied,
        force,
        spec,
    })
}

fn object(spec: Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": "Test", "metadata": {"name": "one"}, "spec": spec})
}

fn writing<'a>(manager: &'a str, second: usize, reset_fields: &'a FieldSet) -> Writing<'a> {
    let now = format!("2000-01-01T00:00:{second:02}Z").parse().expect("a time");
    Writing { versions: &schema, api_version: API_VERSION, kind: "Test", subresource: "", manager, reset_fields, now }
}

fn written(live: Option<&Value>, write: &Write, second: usize) -> Result<Value, ApplyError> {
    let reset_fields = FieldSet::EMPTY;
    let writing = writing(write.manager, second, &reset_fields);
    let mut new = object(write.spec.clone());
    if write.applied {
        return managed::apply(&writing, live, &new, write.force);
    }
    if let Some(live) = live {
        new["metadata"] = live["metadata"].clone();
    }
    managed::update(&writing, live, &mut new);
    Ok(new)
}

/// The object after all writes that do not conflict.
fn sequence(writes: &[Write]) -> Option<Value> {
    writes.iter().enumerate().fold(None, |live, (second, write)| written(live.as_ref(), write, second).ok().or(live))
}

fn entries(object: &Value) -> &[Value] {
    object["metadata"]["managedFields"].as_array().map_or(&[], Vec::as_slice)
}

fn owned(object: &Value, manager: &str, operation: &str) -> FieldSet {
    let entry = entries(object).iter().find(|entry| entry["manager"] == manager && entry["operation"] == operation);
    entry.map_or(FieldSet::EMPTY, |entry| FieldSet::parse(&entry["fieldsV1"]).expect("fieldsV1"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_apply_again_changes_nothing(writes in proptest::collection::vec(write(), 0..6), spec in full_spec()) {
        let last = Write { manager: "one", applied: true, force: true, spec };
        let once = written(sequence(&writes).as_ref(), &last, 10).expect("forced");
        // What lost its last part to an owner of the empty whole becomes null, which kube-apiserver then refuses.
        prop_assume!(!once["spec"].to_string().contains("null"));
        let twice = written(Some(&once), &Write { force: false, ..last }, 20).expect("its own fields");
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_forced_apply_owns_all_it_sets_and_nobody_else_owns_it_with_another_value(
        writes in proptest::collection::vec(write(), 0..6), spec in spec(0),
    ) {
        let last = Write { manager: "last", applied: true, force: true, spec };
        let alone = written(None, &last, 0).expect("no others");
        let with_others = written(sequence(&writes).as_ref(), &last, 10).expect("forced");
        prop_assert_eq!(owned(&alone, "last", "Apply"), owned(&with_others, "last", "Apply"));
    }

    #[test]
    fn what_one_manager_alone_applied_goes_when_it_applies_nothing(spec in full_spec()) {
        let write = Write { manager: "one", applied: true, force: false, spec };
        let applied = written(None, &write, 0).expect("no others");
        let emptied = written(Some(&applied), &Write { spec: json!({}), ..write }, 1).expect("no others");
        let left = emptied["spec"].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).count();
        prop_assert_eq!(left, 0, "{}", emptied);
    }

    #[test]
    fn the_order_of_the_entries_does_not_matter(writes in proptest::collection::vec(write(), 1..6), last in write()) {
        let Some(live) = sequence(&writes) else { return Ok(()) };
        let mut turned = live.clone();
        if let Some(entries) = turned["metadata"]["managedFields"].as_array_mut() {
            entries.reverse();
        }
        let text = |result: Result<Value, ApplyError>| result.map_err(|error| error.to_string());
        prop_assert_eq!(text(written(Some(&live), &last, 10)), text(written(Some(&turned), &last, 10)));
    }

    #[test]
    fn fields_are_read_as_they_were_written(writes in proptest::collection::vec(write(), 1..6)) {
        let live = sequence(&writes).unwrap_or_default();
        for entry in entries(&live) {
            let fields = FieldSet::parse(&entry["fieldsV1"]).expect("fieldsV1");
            prop_assert!(!fields.is_empty());
            prop_assert_eq!(&fields.to_value(), &entry["fieldsV1"]);
        }
    }

    #[test]
    fn sets_of_fields_are_sets(left in spec(0), right in spec(0)) {
        let set = |spec| owned(&written(None, &Write { manager: "one", applied: true, force: true, spec }, 0).expect("no others"), "one", "Apply");
        let (left, right) = (set(left), set(right));
        let both = left.intersection(&right);
        prop_assert_eq!(&left.difference(&left.difference(&right)), &both);
        prop_assert_eq!(&left.difference(&right).union(&both), &left);
        prop_assert_eq!(left.union(&right).len() + both.len(), left.len() + right.len());
        prop_assert!(left.recursive_difference(&right).difference(&left.difference(&right)).is_empty());
        prop_assert!(left.paths().iter().all(|path| left.contains(path)));
        prop_assert!(left.leaves().difference(&left).is_empty());
    }
}

#[test]
fn managers_are_named_after_the_program_that_writes() {
    let check = |user_agent: &str, expected: &str| assert_eq!(managed::default_manager(user_agent), expected);
    check("kubectl/v1.32.0 (linux/amd64)", "kubectl");
    check("Mozilla Five\t\u{7}/5.0", "Mozilla Five");
    check("", "");
    check(&"ä".repeat(100), &"ä".repeat(64));
}

#[test]
fn fields_are_written_in_their_order() {
    let given = r#"{"f:b":{".":{},"f:c":{}},"k:{\"name\":\"a\",\"port\":80}":{},"v:1.5":{},"v:10":{},"v:\"a\\u003cb\"":{},"v:true":{},"i:3":{}}"#;
    let set = FieldSet::parse(&serde_json::from_str(given).expect("JSON")).expect("fieldsV1");
    assert_eq!(set.to_value(), serde_json::from_str::<Value>(given).expect("JSON"));
    let paths: Vec<String> = set.paths().iter().map(|path| path.iter().map(PathElement::to_string).collect()).collect();
    assert_eq!(paths, [".b", "[name=\"a\",port=80]", "[=1.5]", "[=10]", "[=\"a<b\"]", "[=true]", "[3]", ".b.c"]);
}
